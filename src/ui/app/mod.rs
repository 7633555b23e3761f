//! The window: shows the state, carries out what it decides, and is the only one that submits jobs.

mod effects;
mod messages;
mod plans;
mod restored;
mod restoring;
mod run;
mod windows;

use std::path::PathBuf;
use std::sync::Arc;

use adw::prelude::*;
use hindsight::desktop::drives::Drives;
use hindsight::i18n::gettext;
use hindsight::jobs::PastRestore;
use hindsight::settings::Plan;
use hindsight::worker::{Manner, Worker};
use relm4::prelude::*;
use relm4::{adw, gtk};

pub use self::messages::{AppCommand, AppInput, Do};
use self::run::Running;
use super::finder::{Finder, FinderOutput};
use super::invocation::Invocation;
use super::operation::{Operation, OperationOutput};
use super::overview::{Overview, Shown};
use super::preferences::Preferences;
use super::restore_plan::RestorePlan;
use super::services::Services;
use super::setup::{Setup, SetupOutput};
use super::state::{AppState, Lane, Lanes, Message, Step};
use super::timeline::TimelinePage;
use super::{actions, probe};
use gtk::{gio, glib};

pub struct App {
    /// Its own.
    sender: ComponentSender<Self>,
    window: adw::ApplicationWindow,
    toasts: adw::ToastOverlay,
    pages: adw::NavigationView,
    services: Arc<Services>,
    state: AppState,
    /// Which of the plans is shown.
    current: usize,
    /// Settings that cannot be read are not taken for none.
    loaded: bool,
    workers: Lanes<Worker>,
    running: Running,
    overview: Controller<Overview>,
    /// What the overview says now.
    shown: Option<Shown>,
    operations: Lanes<Controller<Operation>>,
    preferences: Option<Controller<Preferences>>,
    setup: Option<Controller<Setup>>,
    finder: Option<Controller<Finder>>,
    /// Of the plan, or of backups found elsewhere.
    restore: Option<(Plan, Controller<TimelinePage>)>,
    restore_plan: Option<Controller<RestorePlan>>,
    /// Of the restore that is running: what it does is written down there.
    restore_record: Option<PathBuf>,
    /// That can be undone.
    last_restore: Option<PastRestore>,
    drives: Option<Drives>,
    waiting_for_drive: Option<(Lane, adw::AlertDialog)>,
    /// Words that came before the plans were read.
    invocation: Option<Invocation>,
    quitting: bool,
    _watching: Option<gio::FileMonitor>,
}

#[relm4::component(pub)]
impl Component for App {
    type Init = ();
    type Input = AppInput;
    type Output = ();
    type CommandOutput = AppCommand;

    view! {
        #[root]
        adw::ApplicationWindow {
            set_title: Some("Hindsight"),
            set_default_size: (680, 780),
            set_size_request: (360, 294),
            connect_close_request[sender] => move |_| {
                sender.input(AppInput::Do(Do::Close));
                glib::Propagation::Stop
            },
            adw::ToolbarView {
                set_bottom_bar_style: adw::ToolbarStyle::Raised,
                add_bottom_bar = &gtk::Revealer {
                    set_child: Some(model.operations[Lane::Restores].widget()),
                    #[watch]
                    set_reveal_child: model.state.activity(Lane::Restores).is_some(),
                },
                add_bottom_bar = &gtk::Revealer {
                    set_child: Some(model.operations[Lane::Backups].widget()),
                    #[watch]
                    set_reveal_child: model.state.activity(Lane::Backups).is_some(),
                },
                #[watch]
                set_reveal_bottom_bars: model.state.is_busy(),
                // Above the bar, so that no toast hides how far things are.
                #[wrap(Some)]
                #[local_ref]
                set_content = toasts -> adw::ToastOverlay {
                    #[local_ref]
                    pages -> adw::NavigationView {
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
                                    // Pages that nobody sees are not measured either.
                                    set_hhomogeneous: false,
                                    set_vhomogeneous: false,
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
        let model = Self::new(sender.clone(), root.clone());
        let (toasts, pages) = (&model.toasts, &model.pages);
        let widgets = view_output!();
        actions::install(&relm4::main_adw_application(), &root, sender.input_sender());
        probe::watch(&root);
        let input = sender.input_sender().clone();
        glib::timeout_add_seconds_local(60, move || {
            input.emit(AppInput::Tick);
            glib::ControlFlow::Continue
        });
        model.load();
        model.look_for_restore();
        ComponentParts { model, widgets }
    }

    fn update(&mut self, input: AppInput, _sender: ComponentSender<Self>, _root: &Self::Root) {
        match input {
            AppInput::Invoked(invocation) => {
                self.invocation = Some(invocation);
                self.follow_invocation();
            }
            AppInput::Do(what) => self.carry_out(what),
            AppInput::Overview(output) => self.on_overview(output),
            AppInput::Operation(lane, OperationOutput::StopWanted) => {
                self.tell(Message::In(lane, Step::StopWanted));
            }
            AppInput::Preferences(output) => self.on_preferences(output),
            AppInput::Setup(SetupOutput::Created(created)) => self.created(*created),
            AppInput::Finder(FinderOutput::Found(place)) => self.open_guest(place),
            AppInput::FindBackups => self.find_backups(),
            AppInput::Timeline(output) => self.on_timeline(output),
            AppInput::RestorePlan(output) => self.on_restore_plan(output),
            AppInput::RestorePassword(typed) => self.restore_password(typed),
            AppInput::State(message) => self.tell(message),
            AppInput::Confirmed(lane, confirmed) => self.confirm(lane, confirmed),
            AppInput::Engine(lane, event) => self.on_engine(lane, event),
            AppInput::SettingsChanged => self.load(),
            AppInput::DrivesChanged => self.drives_changed(),
            AppInput::SheetSaved(saved) => self.sheet_saved(&saved),
            AppInput::OpenFolder(path) => self.open_folder(&path),
            AppInput::UndoRestore(record) => self.undo_restore(record),
            AppInput::Tick => self.begin_what_is_due(),
        }
        self.show();
    }

    fn update_cmd(&mut self, command: AppCommand, _sender: ComponentSender<Self>, _root: &Self::Root) {
        match command {
            AppCommand::Plans(plans) => self.on_plans(plans),
            AppCommand::Facts { plan, facts } => {
                self.tell(Message::Recorded { plan, facts });
                self.begin_what_is_due();
            }
            AppCommand::Recorded { plan, facts } => self.recorded(plan, facts),
            AppCommand::PasswordsFound(lane, found) => {
                self.tell(Message::In(lane, Step::PasswordsFound(found)));
            }
            AppCommand::Prepared(lane, prepared) => self.prepared(lane, prepared),
            AppCommand::RestorePlace { place, known } => self.restore_place(place, known),
            AppCommand::Protected(outcome) => self.protected(outcome),
            AppCommand::Undone(undone) => self.undone(undone),
            AppCommand::LastRestore(last) => self.last_restore = last,
            AppCommand::CutOff(restored) => self.say_restored(restored),
            AppCommand::Toast(text) => self.toasts.add_toast(adw::Toast::new(&text)),
            AppCommand::Nothing => {}
        }
        self.show();
    }
}

impl App {
    fn new(sender: ComponentSender<Self>, window: adw::ApplicationWindow) -> Self {
        let input = sender.input_sender();
        let overview = Overview::builder().launch(Shown::default()).forward(input, AppInput::Overview);
        let operations = Lanes::new(|lane| {
            let told = move |output| AppInput::Operation(lane, output);
            Operation::builder().launch(()).forward(input, told)
        });
        let workers = Lanes::try_new(|lane| {
            let events = input.clone();
            let sink = Arc::new(move |event| events.emit(AppInput::Engine(lane, event)));
            // Somebody waits for a restore.
            Worker::start(Manner { yields: lane == Lane::Backups, ..Manner::default() }, sink)
        });
        let Some((services, workers)) = Services::new().zip(workers.ok()) else {
            // Without a home folder or threads there is nothing that could be done or shown.
            eprintln!("Hindsight cannot start: the home folder is not known, or no thread could be made.");
            std::process::exit(1);
        };
        let watching = plans::watch_settings(services.settings_file(), input.clone());
        Self {
            sender,
            window,
            toasts: adw::ToastOverlay::new(),
            pages: adw::NavigationView::new(),
            services: Arc::new(services),
            state: AppState::default(),
            current: 0,
            loaded: false,
            workers,
            running: Running::default(),
            overview,
            shown: None,
            operations,
            preferences: None,
            setup: None,
            finder: None,
            restore: None,
            restore_plan: None,
            restore_record: None,
            last_restore: None,
            drives: None,
            waiting_for_drive: None,
            invocation: None,
            quitting: false,
            _watching: watching,
        }
    }

    /// For what answers later.
    fn input(&self) -> relm4::Sender<AppInput> {
        self.sender.input_sender().clone()
    }

    /// Does what may wait for a disk, a lock or a keyring, on another thread; what became of it comes back.
    fn beside(&self, work: impl FnOnce(&Services) -> AppCommand + Send + 'static) {
        let services = Arc::clone(&self.services);
        self.sender.spawn_oneshot_command(move || work(&services));
    }

    fn home_page(&self) -> &'static str {
        match self.plan() {
            Some(_) => "overview",
            None if self.loaded => "welcome",
            None => "loading",
        }
    }
}
