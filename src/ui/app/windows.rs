//! What is asked for in the window, by words behind the program's name, and in dialogs.

use std::path::Path;

use adw::prelude::*;
use hindsight::context::Why;
use hindsight::settings::Plan;
use relm4::gtk::gio;
use relm4::prelude::*;
use relm4::{adw, gtk};

use super::{App, AppInput, Do};
use crate::ui::dialogs;
use crate::ui::invocation::Invocation;
use crate::ui::overview::OverviewOutput;
use crate::ui::preferences::{Page, Preferences, PreferencesInit, PreferencesOutput};
use crate::ui::setup::Setup;
use crate::ui::sheet;
use crate::ui::state::{Lane, Message, Request, What};

impl App {
    pub(super) fn carry_out(&mut self, what: Do) {
        match what {
            Do::BackUp => self.want(What::BackUp),
            Do::Verify => self.want(What::Verify { compare: false }),
            Do::Compare => self.want(What::Verify { compare: true }),
            Do::Stop => self.tell(Message::StopWanted),
            Do::OpenRestore => self.open_restore(&[]),
            Do::OpenPreferences => self.open_preferences(Page::Folders),
            Do::UndoRestore => self.ask_to_undo(),
            Do::NewPlan => self.open_setup(),
            Do::ShowShortcuts => dialogs::show_shortcuts(&self.window),
            Do::ShowAbout => dialogs::show_about(&self.window),
            // What runs goes on without the window.
            Do::Close if self.running.is_under_way() => self.window.set_visible(false),
            Do::Close => relm4::main_application().quit(),
            Do::Quit if self.running.is_under_way() => {
                self.quitting = true;
                self.window.set_visible(false);
                self.state.forget_waiting();
                for lane in Lane::ALL {
                    self.running.cancel(lane, Why::User);
                }
            }
            // A question that waits for an answer has none to wait for any more.
            Do::Quit => relm4::main_application().quit(),
        }
    }

    fn want(&mut self, what: What) {
        if let Some(plan) = self.plan() {
            self.tell(Message::Wanted(Request::new(&plan.id, what)));
        }
    }

    /// Once the plans are known.
    pub(super) fn follow_invocation(&mut self) {
        if !self.loaded {
            return;
        }
        match self.invocation.take() {
            None | Some(Invocation::Open) => {}
            Some(Invocation::Preferences) => self.open_preferences(Page::Folders),
            Some(Invocation::Restore { files }) => self.open_restore(&files),
            Some(Invocation::History { file }) => self.open_history(&file),
            Some(Invocation::Missing { folder }) => self.open_missing(&folder),
            Some(Invocation::BackUp { plan: wanted }) => {
                if let Some(wanted) = wanted {
                    let named = |plan: &Plan| plan.name == wanted || plan.id == wanted;
                    self.current = self.state.plans.iter().position(named).unwrap_or(self.current);
                }
                self.want(What::BackUp);
            }
        }
    }

    pub(super) fn on_overview(&mut self, output: OverviewOutput) {
        match output {
            OverviewOutput::BackupWanted => self.carry_out(Do::BackUp),
            OverviewOutput::RestoreWanted => self.carry_out(Do::OpenRestore),
            OverviewOutput::PreferencesWanted(page) => self.open_preferences(page),
            OverviewOutput::PlanChosen(index) if index < self.state.plans.len() => self.current = index,
            OverviewOutput::PlanChosen(_) => {}
            OverviewOutput::SheetWanted(true) => self.save_sheet(),
            OverviewOutput::SheetWanted(false) => self.state.offers_sheet_of = None,
            OverviewOutput::ProblemsWanted => {
                if let Some(problems) = self.plan().and_then(|plan| self.state.problems(&plan.id)) {
                    dialogs::show_problems(&self.window, problems);
                }
            }
        }
    }

    fn save_sheet(&self) {
        let Some(plan) = self.plan() else { return };
        let input = self.input();
        sheet::save(&self.window, plan, move |saved| input.emit(AppInput::SheetSaved(saved)));
    }

    pub(super) fn sheet_saved(&mut self, saved: &Result<(), String>) {
        if saved.is_ok() {
            self.state.offers_sheet_of = None;
        }
        self.toasts.add_toast(adw::Toast::new(&sheet::words(saved)));
    }

    fn open_setup(&mut self) {
        let home = self.services.home.clone();
        let setup = Setup::builder().launch(home).forward(self.sender.input_sender(), AppInput::Setup);
        setup.widget().present(Some(&self.window));
        self.setup = Some(setup);
    }

    fn open_preferences(&mut self, page: Page) {
        let (Some(plan), None) = (self.plan().cloned(), &self.preferences) else { return };
        let init = PreferencesInit { plan, home: self.services.home.clone(), page };
        let preferences =
            Preferences::builder().launch(init).forward(self.sender.input_sender(), AppInput::Preferences);
        preferences.widget().present(Some(&self.window));
        self.preferences = Some(preferences);
    }

    pub(super) fn on_preferences(&mut self, output: PreferencesOutput) {
        match output {
            PreferencesOutput::Change { plan, change } => self.change(plan, change),
            PreferencesOutput::ForgetPassword { plan } => self.forget_password(plan),
            PreferencesOutput::Protect { plan, new } => self.protect(&plan, *new),
            PreferencesOutput::DeletePlan { plan, with_backups: true } => {
                self.tell(Message::Wanted(Request::new(plan, What::Erase)));
            }
            PreferencesOutput::DeletePlan { plan, with_backups: false } => self.delete_plan(plan),
            PreferencesOutput::Closed => self.preferences = None,
        }
    }

    /// In the file manager, with what is at the path selected.
    pub(super) fn open_folder(&self, path: &Path) {
        let launcher = gtk::FileLauncher::new(Some(&gio::File::for_path(path)));
        launcher.open_containing_folder(Some(&self.window), None::<&gio::Cancellable>, |_| {});
    }
}
