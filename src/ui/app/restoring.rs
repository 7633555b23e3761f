//! The restore page: opened for a plan or for backups found elsewhere, and what it asks for.

use std::os::unix::ffi::OsStrExt;
use std::path::PathBuf;

use hindsight::entry::EntryPath;
use hindsight::secret::Passphrase;
use hindsight::settings::{Plan, PlanPlace};
use relm4::adw::prelude::*;
use relm4::prelude::*;

use super::plans::guest;
use super::{App, AppCommand, AppInput};
use crate::ui::dialogs::{self, Typed};
use crate::ui::finder::Finder;
use crate::ui::place::Purpose;
use crate::ui::restore::{RestoreInit, RestoreInput, RestoreOutput, RestorePage};
use crate::ui::services::OpenPlace;
use crate::ui::state::{Message, NotReady, Request, What};

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
        self.push_restore(plan, EntryPath::root());
    }

    /// At the folder of the first file, or at the one folder that is saved.
    pub(super) fn open_restore(&mut self, files: &[PathBuf]) {
        let Some(plan) = self.plan().cloned() else { return };
        let only = (plan.folders.len() == 1).then(|| plan.folders[0].path.as_path());
        let start = files.first().and_then(|file| file.parent()).or(only);
        let folder = start.and_then(|path| EntryPath::parse(path.as_os_str().as_bytes()).ok());
        self.push_restore(plan, folder.unwrap_or_else(EntryPath::root));
    }

    fn push_restore(&mut self, plan: Plan, folder: EntryPath) {
        if self.pages.visible_page().and_then(|page| page.tag()).as_deref() == Some("restore") {
            return;
        }
        let ours = self.state.plans.iter().any(|own| own.id == plan.id);
        let init = RestoreInit { label: plan.place.label.clone(), folder, ours };
        let page = RestorePage::builder().launch(init).forward(self.sender.input_sender(), AppInput::Restore);
        self.pages.push(page.widget());
        let known = self.state.password(&plan.id).cloned();
        self.restore = Some((plan, page));
        self.open_place(known);
    }

    fn open_place(&self, passphrase: Option<Passphrase>) {
        let Some((plan, _)) = &self.restore else { return };
        let plan = plan.clone();
        self.beside(move |services| {
            let passphrase = passphrase.or_else(|| services.password(&plan.id));
            AppCommand::RestorePlace(services.place(&plan, passphrase).map(OpenPlace))
        });
    }

    pub(super) fn restore_place(&mut self, place: Result<OpenPlace, NotReady>) {
        let Some((_, page)) = &self.restore else { return };
        match place {
            Ok(place) => page.emit(RestoreInput::Open(Box::new(place))),
            Err(why) => page.emit(RestoreInput::NotReady(why)),
        }
    }

    pub(super) fn on_restore(&mut self, output: RestoreOutput) {
        let Some((plan, _)) = &self.restore else { return };
        let plan = plan.clone();
        match output {
            RestoreOutput::PasswordNeeded { wrong } => {
                self.state.forget_password(&plan.id);
                let input = self.input();
                dialogs::ask_password(&self.window, &plan.place.label, wrong, move |typed| {
                    input.emit(AppInput::RestorePassword(typed));
                });
            }
            RestoreOutput::Retry => self.open_place(self.state.password(&plan.id).cloned()),
            RestoreOutput::Wanted(restore) => {
                self.tell(Message::Wanted(Request::new(plan.id, What::Restore(restore))));
            }
        }
    }

    pub(super) fn restore_password(&mut self, typed: Typed) {
        let Some((plan, page)) = &self.restore else { return };
        let Some((passphrase, remember)) = typed else {
            page.emit(RestoreInput::Declined);
            return;
        };
        let plan = plan.clone();
        self.state.know_password(&plan.id, passphrase.clone());
        if remember {
            self.remember(plan, passphrase.clone());
        }
        self.open_place(Some(passphrase));
    }
}
