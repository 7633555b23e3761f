//! Pages and dialogs: opening them, and what comes back from them.

use std::sync::Arc;

use adw::prelude::*;
use hindsight::context::Why;
use hindsight::entry::EntryPath;
use hindsight::secret::Passphrase;
use hindsight::settings::{Plan, PlanPlace};
use relm4::adw;
use relm4::prelude::*;

use super::{App, AppCommand, AppInput, AppWidgets, Do};
use crate::ui::dialogs;
use crate::ui::finder::Finder;
use crate::ui::invocation::Invocation;
use crate::ui::overview::OverviewOutput;
use crate::ui::place::Purpose;
use crate::ui::preferences::{Page, Preferences, PreferencesInit, PreferencesOutput};
use crate::ui::restore::{OpenPlace, RestoreInit, RestoreInput, RestoreOutput, RestorePage};
use crate::ui::setup::Setup;
use crate::ui::state::{Message, NotReady, Request, What};

impl App {
    /// Also a guest's: one that is not in the settings.
    pub(super) fn plan_of(&self, id: &str) -> Option<Plan> {
        let guest = || self.restore.as_ref().map(|(plan, _)| plan).filter(|plan| plan.id == id);
        self.state.plan(id).or_else(guest).cloned()
    }

    pub(super) fn carry_out(
        &mut self,
        what: Do,
        widgets: &mut AppWidgets,
        sender: &ComponentSender<Self>,
        root: &adw::ApplicationWindow,
    ) {
        match what {
            Do::BackUp => self.want(What::BackUp, widgets, sender, root),
            Do::Verify => self.want(What::Verify { compare: false }, widgets, sender, root),
            Do::Compare => self.want(What::Verify { compare: true }, widgets, sender, root),
            Do::Stop => self.tell(Message::StopWanted, widgets, sender, root),
            Do::OpenRestore => self.open_restore(&[], widgets, sender),
            Do::OpenPreferences => self.open_preferences(Page::Folders, sender, root),
            Do::NewPlan => {
                let home = self.services.home.clone();
                let setup = Setup::builder().launch(home).forward(sender.input_sender(), AppInput::Setup);
                setup.widget().present(Some(root));
                self.setup = Some(setup);
            }
            Do::ShowShortcuts => dialogs::show_shortcuts(root),
            Do::ShowAbout => dialogs::show_about(root),
            // What runs goes on without the window.
            Do::Close if self.running.is_under_way() => root.set_visible(false),
            Do::Close => relm4::main_application().quit(),
            Do::Quit if self.running.is_under_way() => {
                self.quitting = true;
                root.set_visible(false);
                self.running.cancel(Why::Quitting);
            }
            // A question that waits for an answer has none to wait for any more.
            Do::Quit => relm4::main_application().quit(),
        }
    }

    fn want(
        &mut self,
        what: What,
        widgets: &mut AppWidgets,
        sender: &ComponentSender<Self>,
        root: &adw::ApplicationWindow,
    ) {
        if let Some(plan) = self.plan() {
            let request = Request::new(&plan.id, what);
            self.tell(Message::Wanted(request), widgets, sender, root);
        }
    }

    pub(super) fn follow_invocation(
        &mut self,
        widgets: &mut AppWidgets,
        sender: &ComponentSender<Self>,
        root: &adw::ApplicationWindow,
    ) {
        if !self.loaded {
            return;
        }
        match self.invocation.take() {
            None | Some(Invocation::Open) => {}
            Some(Invocation::Preferences) => self.open_preferences(Page::Folders, sender, root),
            Some(Invocation::Restore { files }) => self.open_restore(&files, widgets, sender),
            Some(Invocation::BackUp { plan: wanted }) => {
                if let Some(wanted) = wanted {
                    let named = |plan: &Plan| plan.name == wanted || plan.id == wanted;
                    self.current = self.state.plans.iter().position(named).unwrap_or(self.current);
                }
                self.want(What::BackUp, widgets, sender, root);
            }
        }
    }

    pub(super) fn on_overview(
        &mut self,
        output: OverviewOutput,
        widgets: &mut AppWidgets,
        sender: &ComponentSender<Self>,
        root: &adw::ApplicationWindow,
    ) {
        match output {
            OverviewOutput::BackupWanted => self.carry_out(Do::BackUp, widgets, sender, root),
            OverviewOutput::RestoreWanted => self.carry_out(Do::OpenRestore, widgets, sender, root),
            OverviewOutput::PreferencesWanted(page) => self.open_preferences(page, sender, root),
            OverviewOutput::PlanChosen(index) if index < self.state.plans.len() => self.current = index,
            OverviewOutput::PlanChosen(_) => {}
            OverviewOutput::ProblemsWanted => {
                let problems = self.plan().and_then(|plan| self.state.problems(&plan.id));
                if let Some((problems, total)) = problems {
                    dialogs::show_problems(root, problems, *total);
                }
            }
        }
    }

    fn open_preferences(
        &mut self,
        page: Page,
        sender: &ComponentSender<Self>,
        root: &adw::ApplicationWindow,
    ) {
        let (Some(plan), None) = (self.plan().cloned(), &self.preferences) else { return };
        let init = PreferencesInit { plan, home: self.services.home.clone(), page };
        let preferences =
            Preferences::builder().launch(init).forward(sender.input_sender(), AppInput::Preferences);
        preferences.widget().present(Some(root));
        self.preferences = Some(preferences);
    }

    pub(super) fn on_preferences(
        &mut self,
        output: PreferencesOutput,
        widgets: &mut AppWidgets,
        sender: &ComponentSender<Self>,
        root: &adw::ApplicationWindow,
    ) {
        match output {
            PreferencesOutput::Change { plan, change } => self.change(plan, change, sender),
            PreferencesOutput::ForgetPassword { plan } => {
                self.state.forget_password(&plan);
                let services = Arc::clone(&self.services);
                sender.spawn_oneshot_command(move || {
                    let _ = services.forget(&plan);
                    AppCommand::Nothing
                });
            }
            PreferencesOutput::DeletePlan { plan, with_backups: true } => {
                let request = Request::new(plan, What::Erase);
                self.tell(Message::Wanted(request), widgets, sender, root);
            }
            PreferencesOutput::DeletePlan { plan, with_backups: false } => self.delete_plan(plan, sender),
            PreferencesOutput::Closed => self.preferences = None,
        }
    }

    pub(super) fn delete_plan(&mut self, plan: String, sender: &ComponentSender<Self>) {
        self.state.forget_password(&plan);
        let services = Arc::clone(&self.services);
        sender.spawn_oneshot_command(move || AppCommand::Plans(services.delete_plan(&plan)));
    }

    pub(super) fn find_backups(&mut self, sender: &ComponentSender<Self>, root: &adw::ApplicationWindow) {
        let finder = Finder::builder().launch(Purpose::Find).forward(sender.input_sender(), AppInput::Finder);
        finder.widget().present(Some(root));
        self.finder = Some(finder);
    }

    pub(super) fn open_guest(
        &mut self,
        place: PlanPlace,
        widgets: &mut AppWidgets,
        sender: &ComponentSender<Self>,
    ) {
        self.push_restore(Self::guest(place), EntryPath::root(), widgets, sender);
    }

    /// At the folder of the first file, or at the one folder that is saved.
    fn open_restore(
        &mut self,
        files: &[std::path::PathBuf],
        widgets: &mut AppWidgets,
        sender: &ComponentSender<Self>,
    ) {
        use std::os::unix::ffi::OsStrExt;
        let Some(plan) = self.plan().cloned() else { return };
        let only = (plan.folders.len() == 1).then(|| plan.folders[0].path.as_path());
        let start = files.first().and_then(|file| file.parent()).or(only);
        let folder = start.and_then(|path| EntryPath::parse(path.as_os_str().as_bytes()).ok());
        self.push_restore(plan, folder.unwrap_or_else(EntryPath::root), widgets, sender);
    }

    fn push_restore(
        &mut self,
        plan: Plan,
        folder: EntryPath,
        widgets: &mut AppWidgets,
        sender: &ComponentSender<Self>,
    ) {
        if widgets.pages.visible_page().and_then(|page| page.tag()).as_deref() == Some("restore") {
            return;
        }
        let ours = self.state.plan(&plan.id).is_some();
        let init = RestoreInit { label: plan.place.label.clone(), folder, ours };
        let page = RestorePage::builder().launch(init).forward(sender.input_sender(), AppInput::Restore);
        widgets.pages.push(page.widget());
        let known = self.state.password(&plan.id).cloned();
        self.restore = Some((plan, page));
        self.open_place(known, sender);
    }

    fn open_place(&self, passphrase: Option<Passphrase>, sender: &ComponentSender<Self>) {
        let Some((plan, _)) = &self.restore else { return };
        let (services, plan) = (Arc::clone(&self.services), plan.clone());
        sender.spawn_oneshot_command(move || {
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

    pub(super) fn on_restore(
        &mut self,
        output: RestoreOutput,
        widgets: &mut AppWidgets,
        sender: &ComponentSender<Self>,
        root: &adw::ApplicationWindow,
    ) {
        let Some((plan, _)) = &self.restore else { return };
        let plan = plan.clone();
        match output {
            RestoreOutput::PasswordNeeded { wrong } => {
                self.state.forget_password(&plan.id);
                let input = sender.input_sender().clone();
                dialogs::ask_password(root, &plan.place.label, wrong, move |typed| {
                    input.emit(AppInput::RestorePassword(typed));
                });
            }
            RestoreOutput::Retry => self.open_place(self.state.password(&plan.id).cloned(), sender),
            RestoreOutput::Wanted(restore) => {
                let request = Request::new(plan.id, What::Restore(restore));
                self.tell(Message::Wanted(request), widgets, sender, root);
            }
        }
    }

    pub(super) fn restore_password(
        &mut self,
        typed: Option<(Passphrase, bool)>,
        sender: &ComponentSender<Self>,
    ) {
        let Some((plan, page)) = &self.restore else { return };
        let Some((passphrase, remember)) = typed else {
            page.emit(RestoreInput::Declined);
            return;
        };
        let plan = plan.clone();
        self.state.know_password(&plan.id, passphrase.clone());
        if remember {
            self.remember(plan, passphrase.clone(), sender);
        }
        self.open_place(Some(passphrase), sender);
    }
}
