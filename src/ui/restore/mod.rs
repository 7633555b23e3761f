//! Getting things back: dates, the folder as it was, and where to put it.

mod item;
mod reader;

use std::path::Path;

use adw::prelude::*;
use hindsight::engine::Place;
use hindsight::engine::timeline;
use hindsight::entry::EntryPath;
use hindsight::error::Error;
use hindsight::explain::{Explanation, explain};
use hindsight::i18n::{gettext, gettext_f};
use relm4::prelude::*;
use relm4::typed_view::list::TypedListView;
use relm4::{adw, gtk};

use self::item::Item;
use self::reader::Reader;
use super::restore_plan::{RestorePlan, RestorePlanInit, RestorePlanOutput};
use super::services::OpenPlace;
use super::state::{NotReady, Restore};
use super::texts;

pub struct RestoreInit {
    /// Of the place, for people.
    pub label: String,
    /// The folder to begin in; the root where that is not known.
    pub folder: EntryPath,
    /// The paths in the backups are those of this computer.
    pub ours: bool,
}

enum State {
    Loading,
    Ready,
    Empty,
    Failed(Explanation),
}

pub struct RestorePage {
    label: String,
    ours: bool,
    state: State,
    place: Option<Place>,
    reader: Option<Reader>,
    plan: Option<Controller<RestorePlan>>,
    /// Newest first.
    dates: Vec<i64>,
    date: i64,
    folder: EntryPath,
    items: TypedListView<Item, gtk::SingleSelection>,
    selected: Option<Item>,
    /// Answers to older questions are dropped.
    asked: u64,
}

#[derive(Debug)]
pub enum RestoreInput {
    /// With the password, if one was found or typed.
    Open(Box<OpenPlace>),
    /// No password was given.
    Declined,
    /// The place is not there.
    NotReady(NotReady),
    Opened(Result<Vec<i64>, Error>),
    DateChosen(u32),
    Listed {
        asked: u64,
        items: Result<Vec<timeline::Item>, Error>,
    },
    Selected,
    Activated(u32),
    Up,
    Retry,
    PlanRestore,
    Plan(RestorePlanOutput),
}

#[derive(Debug)]
pub enum RestoreOutput {
    /// The page cannot open the backups without.
    PasswordNeeded {
        wrong: bool,
    },
    Retry,
    Wanted(Restore),
}

#[relm4::component(pub)]
impl Component for RestorePage {
    type Init = RestoreInit;
    type Input = RestoreInput;
    type Output = RestoreOutput;
    type CommandOutput = ();

    view! {
        #[root]
        adw::NavigationPage {
            set_title: &gettext("Restore"),
            set_tag: Some("restore"),
            #[wrap(Some)]
            set_child = &adw::ToolbarView {
                set_top_bar_style: adw::ToolbarStyle::Raised,
                set_bottom_bar_style: adw::ToolbarStyle::Raised,
                add_top_bar = &adw::HeaderBar {
                    set_title_widget: Some(&adw::WindowTitle::new(&gettext("Restore"), &model.label)),
                },
                add_top_bar = &gtk::Box {
                    set_spacing: 6,
                    set_margin_all: 6,
                    #[watch]
                    set_visible: matches!(model.state, State::Ready),
                    gtk::Button {
                        set_icon_name: "go-up-symbolic",
                        add_css_class: "flat",
                        set_tooltip_text: Some(&gettext("Parent Folder")),
                        #[watch]
                        set_sensitive: !model.folder.is_root(),
                        connect_clicked => RestoreInput::Up,
                    },
                    gtk::Label {
                        set_hexpand: true,
                        set_xalign: 0.0,
                        set_ellipsize: gtk::pango::EllipsizeMode::Start,
                        add_css_class: "heading",
                        #[watch]
                        set_label: &model.folder_text(),
                    },
                    #[name = "dates"]
                    gtk::DropDown {
                        set_tooltip_text: Some(&gettext("Date")),
                        update_property: &[gtk::accessible::Property::Label(&gettext("Date"))],
                        connect_selected_notify[sender] => move |dates| {
                            sender.input(RestoreInput::DateChosen(dates.selected()));
                        } @date_chosen,
                    },
                },
                #[wrap(Some)]
                #[name = "pages"]
                set_content = &gtk::Stack {
                    add_named[Some("loading")] = &adw::StatusPage {
                        set_paintable: Some(&adw::SpinnerPaintable::new(None::<&gtk::Widget>)),
                        set_title: &gettext("Opening the Backups"),
                    },
                    add_named[Some("empty")] = &adw::StatusPage {
                        set_icon_name: Some("document-open-recent-symbolic"),
                        set_title: &gettext("No Backups Yet"),
                        set_description: Some(&gettext("There is nothing to restore at this place.")),
                    },
                    add_named[Some("failed")] = &adw::StatusPage {
                        set_icon_name: Some("dialog-warning-symbolic"),
                        #[watch]
                        set_title: model.failure().map_or("", |failure| &failure.title),
                        #[watch]
                        set_description: model.failure().map(|failure| failure.sentence.as_str()),
                        gtk::Button {
                            set_label: &gettext("Try Again"),
                            add_css_class: "pill",
                            set_halign: gtk::Align::Center,
                            connect_clicked => RestoreInput::Retry,
                        },
                    },
                    add_named[Some("ready")] = &gtk::ScrolledWindow {
                        set_hscrollbar_policy: gtk::PolicyType::Never,
                        #[local_ref]
                        view -> gtk::ListView {
                            update_property: &[gtk::accessible::Property::Label(&gettext("Files"))],
                            connect_activate[sender] => move |_, position| {
                                sender.input(RestoreInput::Activated(position));
                            },
                        },
                    },
                    #[watch]
                    set_visible_child_name: model.state_name(),
                },
                add_bottom_bar = &gtk::Box {
                    set_spacing: 12,
                    set_margin_all: 6,
                    set_margin_start: 12,
                    #[watch]
                    set_visible: matches!(model.state, State::Ready),
                    gtk::Label {
                        set_hexpand: true,
                        set_xalign: 0.0,
                        add_css_class: "dim-label",
                        set_ellipsize: gtk::pango::EllipsizeMode::Middle,
                        #[watch]
                        set_label: &model.selection_text(),
                    },
                    gtk::Button {
                        set_label: &gettext("Restore…"),
                        add_css_class: "suggested-action",
                        connect_clicked => RestoreInput::PlanRestore,
                    },
                },
            },
        }
    }

    fn init(init: RestoreInit, root: Self::Root, sender: ComponentSender<Self>) -> ComponentParts<Self> {
        let items = TypedListView::with_sorting();
        let model = Self {
            label: init.label,
            ours: init.ours,
            state: State::Loading,
            place: None,
            reader: None,
            plan: None,
            dates: Vec::new(),
            date: 0,
            folder: init.folder,
            items,
            selected: None,
            asked: 0,
        };
        model.items.selection_model.set_autoselect(false);
        model.items.selection_model.set_can_unselect(true);
        let input = sender.input_sender().clone();
        model.items.selection_model.connect_selected_notify(move |_| input.emit(RestoreInput::Selected));
        let view = &model.items.view;
        let widgets = view_output!();
        ComponentParts { model, widgets }
    }

    fn update_with_view(
        &mut self,
        widgets: &mut Self::Widgets,
        input: RestoreInput,
        sender: ComponentSender<Self>,
        root: &Self::Root,
    ) {
        match input {
            RestoreInput::Open(place) => self.open(place.0, &sender),
            RestoreInput::Declined => self.fail(&Error::PassphraseNeeded),
            RestoreInput::NotReady(why) => self.state = State::Failed(why.explanation()),
            RestoreInput::Opened(opened) => self.opened(opened, widgets, &sender),
            RestoreInput::DateChosen(index) => {
                if let Some(date) = self.dates.get(index as usize) {
                    self.date = *date;
                    self.list(&sender);
                }
            }
            RestoreInput::Listed { asked, items } => self.listed(asked, items),
            RestoreInput::Selected => {
                let position = self.items.selection_model.selected();
                self.selected = self.items.get_visible(position).map(|item| item.borrow().clone());
            }
            RestoreInput::Activated(position) => self.enter(position, &sender),
            RestoreInput::Up => {
                if let Some(parent) = self.folder.parent() {
                    self.folder = parent;
                    self.list(&sender);
                }
            }
            RestoreInput::Retry => {
                self.state = State::Loading;
                let _ = sender.output(RestoreOutput::Retry);
            }
            RestoreInput::PlanRestore => self.plan_restore(root, &sender),
            RestoreInput::Plan(RestorePlanOutput::Wanted(restore)) => {
                let _ = sender.output(RestoreOutput::Wanted(restore));
            }
            RestoreInput::Plan(RestorePlanOutput::Closed) => self.plan = None,
        }
        self.update_view(widgets, sender);
    }
}

impl RestorePage {
    fn state_name(&self) -> &'static str {
        match self.state {
            State::Loading => "loading",
            State::Ready => "ready",
            State::Empty => "empty",
            State::Failed(_) => "failed",
        }
    }

    fn failure(&self) -> Option<&Explanation> {
        match &self.state {
            State::Failed(explanation) => Some(explanation),
            _ => None,
        }
    }

    fn folder_text(&self) -> String {
        if self.folder.is_root() {
            return gettext("Everything");
        }
        Path::new("/").join(self.folder.to_string()).display().to_string()
    }

    fn selection_text(&self) -> String {
        match &self.selected {
            Some(item) => item.shown_name(),
            None => gettext("Nothing selected: the whole folder"),
        }
    }

    fn open(&mut self, place: Place, sender: &ComponentSender<Self>) {
        self.state = State::Loading;
        let input = sender.input_sender().clone();
        self.place = Some(place.clone());
        match Reader::open(place, move |dates| input.emit(RestoreInput::Opened(dates))) {
            Ok(reader) => self.reader = Some(reader),
            Err(error) => self.fail(&Error::Internal(error.to_string())),
        }
    }

    fn fail(&mut self, error: &Error) {
        self.state = State::Failed(explain(error));
    }

    fn opened(
        &mut self,
        opened: Result<Vec<i64>, Error>,
        widgets: &RestorePageWidgets,
        sender: &ComponentSender<Self>,
    ) {
        match opened {
            Ok(mut dates) => {
                dates.reverse();
                self.dates = dates;
                let Some(newest) = self.dates.first() else {
                    self.state = State::Empty;
                    return;
                };
                self.date = *newest;
                self.state = State::Ready;
                let names: Vec<_> = self.dates.iter().map(|date| texts::date_and_time(*date)).collect();
                let names = texts::list(&names);
                // Choosing the first lists the folder.
                widgets.dates.set_model(Some(&names));
                self.list(sender);
            }
            Err(error @ (Error::PassphraseNeeded | Error::PassphraseWrong)) => {
                let wrong = matches!(error, Error::PassphraseWrong);
                let _ = sender.output(RestoreOutput::PasswordNeeded { wrong });
            }
            Err(error) => self.fail(&error),
        }
    }

    fn list(&mut self, sender: &ComponentSender<Self>) {
        self.asked += 1;
        let (asked, folder, date) = (self.asked, self.folder.clone(), self.date);
        let input = sender.input_sender().clone();
        if let Some(reader) = &self.reader {
            reader.ask(move |timeline| {
                let items = timeline.folder(&folder, date);
                input.emit(RestoreInput::Listed { asked, items });
            });
        }
    }

    fn listed(&mut self, asked: u64, items: Result<Vec<timeline::Item>, Error>) {
        if asked != self.asked {
            return;
        }
        match items {
            Ok(items) => {
                self.selected = None;
                self.items.clear();
                self.items.extend_from_iter(items.into_iter().filter_map(Item::existing));
            }
            Err(error) => self.fail(&error),
        }
    }

    fn enter(&mut self, position: u32, sender: &ComponentSender<Self>) {
        let Some(item) = self.items.get_visible(position) else { return };
        let item = item.borrow().clone();
        if item.is_folder() {
            self.folder = self.folder.child(&item.name);
            self.list(sender);
        }
    }

    fn chosen_path(&self) -> EntryPath {
        self.selected.as_ref().map_or_else(|| self.folder.clone(), |item| self.folder.child(&item.name))
    }

    fn plan_restore(&mut self, root: &adw::NavigationPage, sender: &ComponentSender<Self>) {
        let (Some(place), Some(home)) = (self.place.clone(), hindsight::folders::home()) else { return };
        let path = self.chosen_path();
        let name = String::from_utf8_lossy(path.file_name()).into_owned();
        let title = match path.is_root() {
            true => gettext("Restore Everything"),
            false => gettext_f("Restore “{name}”", &[("name", &name)]),
        };
        let (paths, place) = (vec![path], OpenPlace(place));
        let init = RestorePlanInit { place, paths, date: self.date, title, home, ours: self.ours };
        let plan = RestorePlan::builder().launch(init).forward(sender.input_sender(), RestoreInput::Plan);
        plan.widget().present(Some(root));
        self.plan = Some(plan);
    }
}
