//! The window: shows the state, carries out what it decides, and is the only one that submits jobs.

mod effects;
mod run;
mod windows;

use std::sync::Arc;

use adw::prelude::*;
use hindsight::desktop::drives::Drives;
use hindsight::explain::Explanation;
use hindsight::i18n::gettext;
use hindsight::secret::Passphrase;
use hindsight::settings::{PlaceKind, Plan};
use hindsight::worker::{Event, Interest, Worker};
use relm4::prelude::*;
use relm4::{adw, gtk};

use self::run::Running;
use super::change::PlanChange;
use super::finder::{Finder, FinderOutput};
use super::invocation::Invocation;
use super::operation::{Operation, OperationOutput};
use super::overview::{Overview, OverviewInput, OverviewOutput, Shown};
use super::preferences::{Preferences, PreferencesOutput};
use super::restore::{OpenPlace, RestoreOutput, RestorePage};
use super::services::{Prepared, Services};
use super::setup::{Created, Setup, SetupOutput};
use super::state::{AppState, Facts, Message, NotReady};
use super::{actions, probe, texts};
use gtk::{gio, glib};

pub struct App {
    services: Arc<Services>,
    state: AppState,
    /// Which of the plans is shown.
    current: usize,
    /// Settings that cannot be read are not taken for none.
    loaded: bool,
    worker: Worker,
    running: Running,
    overview: Controller<Overview>,
    /// What the overview says now.
    shown: Option<Shown>,
    operation: Controller<Operation>,
    preferences: Option<Controller<Preferences>>,
    setup: Option<Controller<Setup>>,
    finder: Option<Controller<Finder>>,
    restore: Option<(Plan, Controller<RestorePage>)>,
    drives: Option<Drives>,
    waiting_for_drive: Option<adw::AlertDialog>,
    /// Words that came before the plans were read.
    invocation: Option<Invocation>,
    quitting: bool,
    _watching: Option<gio::FileMonitor>,
}

/// What an action of the window asks for.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Do {
    BackUp,
    OpenRestore,
    Stop,
    OpenPreferences,
    Verify,
    Compare,
    NewPlan,
    ShowShortcuts,
    ShowAbout,
    Close,
    Quit,
}

/// A question that a run ended with, answered with yes.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Confirmed {
    MissingFiles,
    SourceMismatch,
}

#[derive(Debug)]
pub enum AppInput {
    Invoked(Invocation),
    Do(Do),
    Overview(OverviewOutput),
    Operation(OperationOutput),
    Preferences(PreferencesOutput),
    Setup(SetupOutput),
    Finder(FinderOutput),
    Restore(RestoreOutput),
    /// Typed for the restore page.
    RestorePassword(Option<(Passphrase, bool)>),
    State(Message),
    Confirmed(Confirmed),
    Engine(Event),
    SettingsChanged,
    DrivesChanged,
    OpenFolder(std::path::PathBuf),
    Tick,
    FindBackups,
}

#[derive(Debug)]
pub enum AppCommand {
    Plans(Result<Vec<Plan>, Explanation>),
    Facts {
        plan: String,
        facts: Facts,
    },
    /// Its run has been written down.
    Recorded {
        plan: String,
        facts: Facts,
    },
    PasswordFound(Option<Passphrase>),
    Prepared(Result<Boxed<Prepared>, NotReady>),
    RestorePlace(Result<OpenPlace, NotReady>),
    Toast(String),
    Nothing,
}

/// Its content is no business of logs.
pub struct Boxed<T>(pub Box<T>);

impl<T> std::fmt::Debug for Boxed<T> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("…")
    }
}

#[relm4::component(pub)]
impl Component for App {
    type Init = ();
    type Input = AppInput;
    type Output = ();
    type CommandOutput = AppCommand;

    view! {
        #[root]
        #[name = "window"]
        adw::ApplicationWindow {
            set_title: Some("Hindsight"),
            set_default_size: (680, 780),
            set_size_request: (360, 294),
            connect_close_request[sender] => move |_| {
                sender.input(AppInput::Do(Do::Close));
                glib::Propagation::Stop
            },
            #[name = "toasts"]
            adw::ToastOverlay {
                adw::ToolbarView {
                    set_bottom_bar_style: adw::ToolbarStyle::Raised,
                    add_bottom_bar: model.operation.widget(),
                    #[watch]
                    set_reveal_bottom_bars: model.state.is_busy(),
                    #[wrap(Some)]
                    #[name = "pages"]
                    set_content = &adw::NavigationView {
                        add = &adw::NavigationPage {
                            set_title: "Hindsight",
                            set_tag: Some("home"),
                            #[wrap(Some)]
                            set_child = &adw::ToolbarView {
                                add_top_bar = &adw::HeaderBar {
                                    #[watch]
                                    set_show_title: model.plan().is_some(),
                                    pack_end = &gtk::MenuButton {
                                        set_icon_name: "open-menu-symbolic",
                                        set_tooltip_text: Some(&gettext("Main Menu")),
                                        set_menu_model: Some(&actions::menu()),
                                        set_primary: true,
                                    },
                                },
                                #[wrap(Some)]
                                set_content = &gtk::Stack {
                                    add_named[Some("loading")] = &adw::Bin {},
                                    add_named[Some("welcome")] = &adw::StatusPage {
                                        set_icon_name: Some(super::APP_ID),
                                        set_title: &gettext("Welcome to Hindsight"),
                                        set_description: Some(&gettext("Keeps your files safe, and gives any of them back as of any date")),
                                        gtk::Box {
                                            set_orientation: gtk::Orientation::Vertical,
                                            set_spacing: 12,
                                            set_halign: gtk::Align::Center,
                                            gtk::Button {
                                                set_label: &gettext("Create My First Backup"),
                                                set_css_classes: &["pill", "suggested-action"],
                                                connect_clicked => AppInput::Do(Do::NewPlan),
                                            },
                                            gtk::Button {
                                                set_label: &gettext("Restore From a Backup"),
                                                add_css_class: "pill",
                                                connect_clicked => AppInput::FindBackups,
                                            },
                                        },
                                    },
                                    add_named: (model.overview.widget(), Some("overview")),
                                    #[watch]
                                    set_visible_child_name: model.home_page(),
                                },
                            },
                        },
                    },
                },
            },
        },
    }

    fn init(_: (), root: Self::Root, sender: ComponentSender<Self>) -> ComponentParts<Self> {
        let model = Self::new(&sender);
        let widgets = view_output!();
        actions::install(&relm4::main_adw_application(), &root, sender.input_sender());
        probe::watch(&root);
        let input = sender.input_sender().clone();
        glib::timeout_add_seconds_local(60, move || {
            input.emit(AppInput::Tick);
            glib::ControlFlow::Continue
        });
        model.load(&sender);
        ComponentParts { model, widgets }
    }

    fn update_with_view(
        &mut self,
        widgets: &mut Self::Widgets,
        input: AppInput,
        sender: ComponentSender<Self>,
        root: &Self::Root,
    ) {
        match input {
            AppInput::Invoked(invocation) => {
                self.invocation = Some(invocation);
                self.follow_invocation(widgets, &sender, root);
            }
            AppInput::Do(what) => self.carry_out(what, widgets, &sender, root),
            AppInput::Overview(output) => self.on_overview(output, widgets, &sender, root),
            AppInput::Operation(OperationOutput::StopWanted) => {
                self.tell(Message::StopWanted, widgets, &sender, root);
            }
            AppInput::Preferences(output) => self.on_preferences(output, widgets, &sender, root),
            AppInput::Setup(SetupOutput::Created(created)) => self.created(*created, &sender),
            AppInput::Finder(FinderOutput::Found(place)) => self.open_guest(place, widgets, &sender),
            AppInput::FindBackups => self.find_backups(&sender, root),
            AppInput::Restore(output) => self.on_restore(output, widgets, &sender, root),
            AppInput::RestorePassword(typed) => self.restore_password(typed, &sender),
            AppInput::State(message) => self.tell(message, widgets, &sender, root),
            AppInput::Confirmed(confirmed) => {
                let effects = self.state.confirm(|answers| match confirmed {
                    Confirmed::MissingFiles => answers.accept_missing = true,
                    Confirmed::SourceMismatch => answers.allow_source_mismatch = true,
                });
                self.perform(effects, widgets, &sender, root);
            }
            AppInput::Engine(event) => self.on_engine(event, widgets, &sender, root),
            AppInput::SettingsChanged => self.load(&sender),
            AppInput::DrivesChanged => self.drives_changed(&sender),
            AppInput::OpenFolder(path) => open_folder(&path, root),
            AppInput::Tick => self.begin_what_is_due(widgets, &sender, root),
        }
        self.show();
        self.update_view(widgets, sender);
    }

    fn update_cmd_with_view(
        &mut self,
        widgets: &mut Self::Widgets,
        command: AppCommand,
        sender: ComponentSender<Self>,
        root: &Self::Root,
    ) {
        match command {
            AppCommand::Plans(Ok(plans)) => {
                self.loaded = true;
                self.set_plans(plans, &sender);
                self.follow_invocation(widgets, &sender, root);
            }
            AppCommand::Plans(Err(explanation)) => {
                super::dialogs::show_error(root, &explanation, "", None);
            }
            AppCommand::Facts { plan, facts } => {
                self.tell(Message::Recorded { plan, facts }, widgets, &sender, root);
                self.begin_what_is_due(widgets, &sender, root);
            }
            AppCommand::Recorded { plan, facts } => self.recorded(plan, facts, widgets, &sender, root),
            AppCommand::PasswordFound(found) => {
                self.tell(Message::PasswordFound(found), widgets, &sender, root);
            }
            AppCommand::Prepared(prepared) => self.prepared(prepared, widgets, &sender, root),
            AppCommand::RestorePlace(place) => self.restore_place(place),
            AppCommand::Toast(text) => widgets.toasts.add_toast(adw::Toast::new(&text)),
            AppCommand::Nothing => {}
        }
        self.show();
        self.update_view(widgets, sender);
    }
}

impl App {
    fn new(sender: &ComponentSender<Self>) -> Self {
        let input = sender.input_sender();
        let overview = Overview::builder().launch(Shown::default()).forward(input, AppInput::Overview);
        let operation = Operation::builder().launch(()).forward(input, AppInput::Operation);
        let events = input.clone();
        let sink = Arc::new(move |event| events.emit(AppInput::Engine(event)));
        let started = Services::new().zip(Worker::start(Interest::default(), sink).ok());
        let Some((services, worker)) = started else {
            // Without a home folder or threads there is nothing that could be done or shown.
            eprintln!("Hindsight cannot start: the home folder is not known, or no thread could be made.");
            std::process::exit(1);
        };
        let watching = watch_settings(services.settings_file(), input.clone());
        Self {
            services: Arc::new(services),
            state: AppState::default(),
            current: 0,
            loaded: false,
            worker,
            running: Running::default(),
            overview,
            shown: None,
            operation,
            preferences: None,
            setup: None,
            finder: None,
            restore: None,
            drives: None,
            waiting_for_drive: None,
            invocation: None,
            quitting: false,
            _watching: watching,
        }
    }

    fn plan(&self) -> Option<&Plan> {
        self.state.plans.get(self.current)
    }

    fn home_page(&self) -> &'static str {
        match self.plan() {
            Some(_) => "overview",
            None if self.loaded => "welcome",
            None => "loading",
        }
    }

    fn load(&self, sender: &ComponentSender<Self>) {
        let services = Arc::clone(&self.services);
        sender.spawn_oneshot_command(move || AppCommand::Plans(services.plans()));
    }

    fn set_plans(&mut self, plans: Vec<Plan>, sender: &ComponentSender<Self>) {
        let shown = self.plan().map(|plan| plan.id.clone());
        for plan in &plans {
            self.look_up_facts(plan, sender);
        }
        self.current = plans.iter().position(|plan| Some(&plan.id) == shown.as_ref()).unwrap_or(0);
        let _ = self.state.on(Message::Plans(plans));
        if let (Some(preferences), Some(plan)) = (&self.preferences, self.plan()) {
            preferences.emit(super::preferences::PreferencesInput::Plan(Box::new(plan.clone())));
        }
    }

    fn look_up_facts(&self, plan: &Plan, sender: &ComponentSender<Self>) {
        let (services, plan) = (Arc::clone(&self.services), plan.clone());
        sender.spawn_oneshot_command(move || AppCommand::Facts {
            facts: services.facts(&plan),
            plan: plan.id.clone(),
        });
    }

    fn change(&self, plan: String, change: PlanChange, sender: &ComponentSender<Self>) {
        let services = Arc::clone(&self.services);
        sender.spawn_oneshot_command(move || AppCommand::Plans(services.change_plan(&plan, &change)));
    }

    fn created(&mut self, created: Created, sender: &ComponentSender<Self>) {
        let Created { plan, passphrase, remember } = created;
        if let Some(passphrase) = passphrase {
            self.state.know_password(&plan.id, passphrase.clone());
            if remember {
                self.remember(plan.clone(), passphrase, sender);
            }
        }
        // The new plan is the one that is shown.
        self.current = self.state.plans.len();
        let mut plans = self.state.plans.clone();
        plans.push(plan.clone());
        let _ = self.state.on(Message::Plans(plans));
        let services = Arc::clone(&self.services);
        sender.spawn_oneshot_command(move || AppCommand::Plans(services.add_plan(plan)));
    }

    fn remember(&self, plan: Plan, passphrase: Passphrase, sender: &ComponentSender<Self>) {
        let services = Arc::clone(&self.services);
        sender.spawn_oneshot_command(move || match services.remember(&plan, &passphrase) {
            Ok(()) => AppCommand::Nothing,
            Err(sentence) => AppCommand::Toast(sentence),
        });
    }

    /// A plan for backups that were made elsewhere: not kept in the settings.
    fn guest(place: hindsight::settings::PlanPlace) -> Plan {
        use hindsight::settings::Schedule;
        let id = match &place.kind {
            PlaceKind::Folder { path } => format!("guest-{}", path.display()),
            PlaceKind::Drive { uuid, .. } => format!("guest-{uuid}"),
            PlaceKind::Address { url } => format!("guest-{url}"),
        };
        Plan {
            id: id.replace(|character: char| !character.is_ascii_alphanumeric(), "-"),
            name: place.label.clone(),
            place,
            folders: Vec::new(),
            ignored: Vec::new(),
            patterns: Vec::new(),
            presets: Default::default(),
            encrypt: false,
            schedule: Schedule { enabled: false, frequency: hindsight::schedule::Frequency::Daily },
        }
    }

    fn show(&mut self) {
        let Some(plan) = self.plan() else { return };
        let (facts, now) = (self.state.facts(&plan.id), super::services::now());
        let last = facts.last_success.as_ref().map(|run| run.ended);
        let due = hindsight::schedule::due(plan.schedule.frequency, last, now);
        let several = self.state.plans.len() > 1;
        let shown = Shown {
            status: texts::status(plan, &facts, now),
            busy: self.state.is_busy(),
            next: texts::next_backup(plan, due, now),
            checked: texts::checked(&facts, now),
            space: facts.space,
            place: plan.place.label.clone(),
            place_kind: texts::place_kind(&plan.place.kind),
            folders: texts::folders(plan, &self.services.home),
            schedule: texts::schedule(plan),
            problems: self.state.problems(&plan.id).map_or(0, |(_, count)| *count),
            plans: match several {
                true => self.state.plans.iter().map(|plan| plan.name.clone()).collect(),
                false => Vec::new(),
            },
            current: self.current,
        };
        if self.shown.as_ref() != Some(&shown) {
            self.overview.emit(OverviewInput::Show(Box::new(shown.clone())));
            self.shown = Some(shown);
        }
    }
}

fn watch_settings(file: &std::path::Path, input: relm4::Sender<AppInput>) -> Option<gio::FileMonitor> {
    let monitor = gio::File::for_path(file)
        .monitor_file(gio::FileMonitorFlags::NONE, None::<&gio::Cancellable>)
        .ok()?;
    monitor.connect_changed(move |_, _, _, event| {
        if !matches!(event, gio::FileMonitorEvent::Changed) {
            input.emit(AppInput::SettingsChanged);
        }
    });
    Some(monitor)
}

fn open_folder(path: &std::path::Path, root: &adw::ApplicationWindow) {
    let launcher = gtk::FileLauncher::new(Some(&gio::File::for_path(path)));
    launcher.open_containing_folder(Some(root), None::<&gio::Cancellable>, |_| {});
}
