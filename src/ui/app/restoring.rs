//! The timeline: opened for a plan or for backups found elsewhere, and what it asks for.

use std::path::{Path, PathBuf};

use hindsight::secret::Passphrases;
use hindsight::settings::{Plan, PlanPlace};
use relm4::adw::prelude::*;
use relm4::prelude::*;

use super::plans::guest;
use super::{App, AppCommand, AppInput};
use crate::ui::dialogs::{self, Typed};
use crate::ui::finder::Finder;
use crate::ui::place::Purpose;
use crate::ui::restore_plan::{RestorePlan, RestorePlanInit, RestorePlanOutput};
use crate::ui::services::OpenPlace;
use crate::ui::state::{Message, NotReady, Request, What};
use crate::ui::timeline::{
    Selected, Start, TimelineInit, TimelineInput, TimelineOutput, TimelinePage, entry_path,
};

impl App {
    pub(super) fn find_backups(&mut self) {
        let finder =
            Finder::builder().launch(Purpose::Find).forward(self.sender.input_sender(), AppInput::Finder);
        finder.widget().present(Some(&self.window));
        self.finder = Some(finder);
    }

    pub(super) fn open_guest(&mut self, place: PlanPlace) {
        let plan = guest(place);
        self.state.guest = Some(plan.clone());
        self.push_timeline(plan, Start::default());
    }

    /// At the folder of the first file, or at the one folder that is saved.
    pub(super) fn open_restore(&mut self, files: &[PathBuf]) {
        let folder = files.first().and_then(|file| file.parent()).map(Path::to_path_buf);
        self.open_timeline(|only| Start { folder: entry_path(&folder.unwrap_or(only)), ..Start::default() });
    }

    /// With its versions beside it, also if it is gone.
    pub(super) fn open_history(&mut self, file: &Path) {
        let folder = entry_path(file.parent().unwrap_or(file));
        self.open_timeline(|_| Start { folder, file: Some(entry_path(file)), with_deleted: true });
    }

    pub(super) fn open_missing(&mut self, folder: &Path) {
        self.open_timeline(|_| Start { folder: entry_path(folder), with_deleted: true, ..Start::default() });
    }

    /// `start`: made from the one folder that is saved, or else from the root.
    fn open_timeline(&mut self, start: impl FnOnce(PathBuf) -> Start) {
        let Some(plan) = self.plan().cloned() else { return };
        let only = match &plan.folders[..] {
            [only] => only.path.clone(),
            _ => PathBuf::from("/"),
        };
        self.push_timeline(plan, start(only));
    }

    /// Where it is open already, it goes to `start`.
    fn push_timeline(&mut self, plan: Plan, start: Start) {
        if self.pages.visible_page().and_then(|page| page.tag()).as_deref() == Some("restore") {
            if let Some((_, page)) = self.restore.as_ref().filter(|(open, _)| open.id == plan.id) {
                page.emit(TimelineInput::Start(start));
            }
            return;
        }
        let init = TimelineInit { label: plan.place.label.clone(), home: self.services.home.clone(), start };
        let page =
            TimelinePage::builder().launch(init).forward(self.sender.input_sender(), AppInput::Timeline);
        self.pages.push(page.widget());
        self.restore = Some((plan, page));
        self.open_place();
    }

    /// With what is known, or what the keyring has.
    fn open_place(&self) {
        let Some((plan, _)) = &self.restore else { return };
        let plan = plan.clone();
        let known = self.state.passphrases_for_reading(&plan.id);
        self.beside(move |services| {
            let known = known.unwrap_or_else(|| services.passphrases(&plan));
            let place = services.place(&plan, known.clone()).map(OpenPlace);
            AppCommand::RestorePlace { place, known }
        });
    }

    pub(super) fn restore_place(&mut self, place: Result<OpenPlace, NotReady>, known: Passphrases) {
        let Some((plan, page)) = &self.restore else { return };
        if self.state.passphrases_for_reading(&plan.id).is_none() {
            self.state.learn_passphrases(&plan.id, known);
        }
        match place {
            Ok(place) => page.emit(TimelineInput::Open(Box::new(place))),
            Err(why) => page.emit(TimelineInput::NotReady(why)),
        }
    }

    pub(super) fn on_timeline(&mut self, output: TimelineOutput) {
        let Some((plan, _)) = &self.restore else { return };
        let plan = plan.clone();
        match output {
            TimelineOutput::PasswordNeeded { wrong } => {
                let wrong = wrong && self.state.password(&plan.id).is_some();
                self.state.doubt_password(&plan.id);
                let input = self.input();
                dialogs::ask_password(&self.window, &plan.place.label, wrong, move |typed| {
                    input.emit(AppInput::RestorePassword(typed));
                });
            }
            TimelineOutput::Retry => self.open_place(),
            TimelineOutput::Wanted(selected) => self.open_restore_plan(*selected),
        }
    }

    fn open_restore_plan(&mut self, selected: Selected) {
        let Some((plan, _)) = &self.restore else { return };
        let Selected { place, parts, title } = selected;
        let ours = self.state.plans.iter().any(|own| own.id == plan.id);
        let init = RestorePlanInit { place, parts, title, home: self.services.home.clone(), ours };
        let dialog =
            RestorePlan::builder().launch(init).forward(self.sender.input_sender(), AppInput::RestorePlan);
        dialog.widget().present(Some(&self.window));
        self.restore_plan = Some(dialog);
    }

    pub(super) fn on_restore_plan(&mut self, output: RestorePlanOutput) {
        self.restore_plan = None;
        let Some((plan, _)) = &self.restore else { return };
        if let RestorePlanOutput::Wanted(restore) = output {
            self.tell(Message::Wanted(Request::new(&plan.id, What::Restore(restore))));
        }
    }

    pub(super) fn restore_password(&mut self, typed: Typed) {
        let Some((plan, page)) = &self.restore else { return };
        let Some((passphrase, remember)) = typed else {
            page.emit(TimelineInput::Declined);
            return;
        };
        let plan = plan.clone();
        let older = self.state.lacks_older_password(&plan.id);
        self.state.type_password(&plan.id, passphrase.clone());
        if remember {
            self.remember(plan, passphrase, older);
        }
        self.open_place();
    }
}
