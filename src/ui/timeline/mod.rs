//! The timeline: a folder as it was at any date, every version of a file, and the way back.
//!
//! ```text
//! TimelinePage           the page; opening, listing, following: what its messages do; words: what it says
//! ├─ bar/                the time bar, a widget of our own; marks.rs: what it says beside dates
//! ├─ list.rs             the folder: columns and lines, over files.rs and row.rs
//! ├─ SearchRow           search.rs
//! ├─ crumbs.rs           the way to the folder
//! ├─ VersionsPane        versions.rs and preview.rs
//! ├─ Compare             compare.rs: a dialog
//! ├─ dragging.rs         rows that are dragged out of the list
//! ├─ copy.rs             files for other programs
//! └─ layout.rs           side by side, or with a sheet
//! browse.rs              where one is; pure
//! reader.rs              the thread that knows the catalogue
//! ```

pub mod bar;
mod browse;
mod compare;
mod copy;
mod crumbs;
mod dragging;
mod files;
mod following;
mod keys;
mod layout;
mod list;
mod listing;
mod marks;
mod messages;
mod opening;
mod preview;
mod reader;
mod row;
mod search;
mod versions;
mod words;

use std::path::PathBuf;

use adw::prelude::*;
use hindsight::context::Progress;
use hindsight::engine::Place;
use hindsight::entry::EntryPath;
use hindsight::error::Error;
use hindsight::explain::{Explanation, explain};
use hindsight::i18n::gettext;
use relm4::prelude::*;
use relm4::{adw, gtk};

use self::bar::TimeBar;
use self::browse::Browse;
use self::compare::Compare;
pub use self::crumbs::entry_path;
pub use self::keys::shortcuts;
use self::layout::Layouts;
use self::list::{Deed, FileList};
use self::marks::{Marked, Notes};
pub use self::messages::*;
use self::preview::Looker;
use self::reader::Reader;
use self::search::{SearchInput, SearchRow};
use self::versions::{PaneInput, PaneOutput, VersionsPane};
use super::{dialogs, texts};

enum State {
    Loading,
    Ready,
    Empty,
    Failed(Explanation),
}

pub struct TimelinePage {
    label: String,
    home: PathBuf,
    state: State,
    progress: Progress,
    place: Option<Place>,
    reader: Option<Reader>,
    browse: Browse,
    bar: TimeBar,
    list: FileList,
    layouts: Layouts,
    pane: Controller<VersionsPane>,
    search: Controller<SearchRow>,
    looker: Looker,
    /// A list is being made.
    listing: bool,
    /// What it is to show has changed meanwhile.
    stale: bool,
    /// The folder whose list is shown.
    listed: Option<EntryPath>,
    /// Of the look at a file that is wanted; older ones are dropped.
    looked: u64,
    /// Of which the bar shows when it changed.
    marked: Option<Marked>,
    notes: Notes,
    /// The file whose versions the pane shows.
    followed: Option<EntryPath>,
    /// The folder whose way is shown.
    crumbed: Option<EntryPath>,
    compare: Option<Controller<Compare>>,
    /// Opened for a file, whose versions are shown as soon as they are known.
    wants_versions: bool,
    narrow: bool,
    is_empty: bool,
}

#[relm4::component(pub)]
impl Component for TimelinePage {
    type Init = TimelineInit;
    type Input = TimelineInput;
    type Output = TimelineOutput;
    type CommandOutput = Looked;

    view! {
        #[root]
        adw::NavigationPage {
            set_title: &gettext("Restore"),
            set_tag: Some("restore"),
            #[wrap(Some)]
            #[name = "breakpoints"]
            set_child = &adw::BreakpointBin {
                set_size_request: (300, 200),
                #[wrap(Some)]
                set_child = &adw::ToolbarView {
                    set_top_bar_style: adw::ToolbarStyle::Raised,
                    add_top_bar = &adw::HeaderBar {
                        set_title_widget: Some(&adw::WindowTitle::new(&gettext("Restore"), &model.label)),
                        #[name = "pane_toggle"]
                        pack_end = &gtk::ToggleButton {
                            set_icon_name: "sidebar-show-right-symbolic",
                            set_tooltip_text: Some(&gettext("Versions")),
                            set_active: true,
                            #[watch]
                            set_visible: model.is_ready() && !model.narrow,
                        },
                        pack_end = &gtk::MenuButton {
                            set_icon_name: "view-more-symbolic",
                            set_tooltip_text: Some(&gettext("View")),
                            set_menu_model: Some(&keys::menu()),
                            #[watch]
                            set_visible: model.is_ready(),
                        },
                        #[name = "search_toggle"]
                        pack_end = &gtk::ToggleButton {
                            set_icon_name: "edit-find-symbolic",
                            set_tooltip_text: Some(&gettext("Search")),
                            #[watch]
                            set_visible: model.is_ready(),
                        },
                    },
                    #[local_ref]
                    add_top_bar = search -> gtk::SearchBar {},
                    add_top_bar = &gtk::Box {
                        #[watch]
                        set_visible: matches!(model.state, State::Ready | State::Loading),
                        #[watch]
                        set_margin_horizontal: if model.narrow { 0 } else { 6 },
                        gtk::Button {
                            set_icon_name: "go-previous-symbolic",
                            set_css_classes: &["flat", "circular"],
                            set_valign: gtk::Align::Center,
                            set_tooltip_text: Some(&gettext("Earlier Change of This Folder")),
                            #[watch]
                            set_visible: !model.narrow,
                            #[watch]
                            set_sensitive: model.bar.can_step_change(false),
                            connect_clicked => TimelineInput::StepChange { forward: false },
                        },
                        #[local_ref]
                        bar -> TimeBar {
                            set_hexpand: true,
                        },
                        gtk::Button {
                            set_icon_name: "go-next-symbolic",
                            set_css_classes: &["flat", "circular"],
                            set_valign: gtk::Align::Center,
                            set_tooltip_text: Some(&gettext("Later Change of This Folder")),
                            #[watch]
                            set_visible: !model.narrow,
                            #[watch]
                            set_sensitive: model.bar.can_step_change(true),
                            connect_clicked => TimelineInput::StepChange { forward: true },
                        },
                    },
                    #[wrap(Some)]
                    set_content = &gtk::Stack {
                        add_named[Some("loading")] = &adw::StatusPage {
                            set_paintable: Some(&adw::SpinnerPaintable::new(None::<&gtk::Widget>)),
                            set_title: &gettext("Opening the Backups"),
                            #[watch]
                            set_description: model.reading().as_deref(),
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
                                connect_clicked => TimelineInput::Retry,
                            },
                        },
                        #[local_ref]
                        add_named[Some("ready")] = layouts -> adw::MultiLayoutView {},
                        #[watch]
                        set_visible_child_name: model.state_name(),
                    },
                },
            },
        },
        #[local_ref]
        files -> adw::ToolbarView {
            add_top_bar = &gtk::Box {
                set_spacing: 6,
                set_margin_all: 6,
                #[watch]
                set_visible: !model.has_results(),
                gtk::Button {
                    set_icon_name: "go-up-symbolic",
                    add_css_class: "flat",
                    set_tooltip_text: Some(&gettext("Parent Folder")),
                    #[watch]
                    set_visible: model.narrow,
                    #[watch]
                    set_sensitive: !model.browse.folder.is_root(),
                    connect_clicked => TimelineInput::Go(Way::Up),
                },
                gtk::Label {
                    set_hexpand: true,
                    set_xalign: 0.0,
                    set_ellipsize: gtk::pango::EllipsizeMode::Middle,
                    add_css_class: "heading",
                    #[watch]
                    set_visible: model.narrow,
                    #[watch]
                    set_label: &model.folder_name(),
                },
                #[name = "crumbs"]
                gtk::Box {
                    set_hexpand: true,
                    #[watch]
                    set_visible: !model.narrow,
                },
                gtk::ToggleButton {
                    add_css_class: "flat",
                    set_tooltip_text: Some(&gettext("Also show what had been deleted or did not exist yet")),
                    set_action_name: Some("timeline.deleted"),
                    update_property: &[gtk::accessible::Property::Label(&gettext("Deleted Items"))],
                    #[wrap(Some)]
                    set_child = &gtk::Box {
                        set_spacing: 6,
                        gtk::Image {
                            set_icon_name: Some("user-trash-symbolic"),
                        },
                        gtk::Label {
                            set_label: &gettext("Deleted Items"),
                            #[watch]
                            set_visible: !model.narrow,
                        },
                    },
                },
            },
            add_top_bar = &gtk::Label {
                set_xalign: 0.0,
                set_margin_all: 12,
                add_css_class: "heading",
                #[watch]
                set_visible: model.has_results(),
                #[watch]
                set_label: &model.results(),
            },
            #[wrap(Some)]
            set_content = &gtk::Stack {
                add_named[Some("columns")] = &gtk::ScrolledWindow {
                    #[local_ref]
                    columns -> gtk::ColumnView {},
                },
                add_named[Some("lines")] = &gtk::ScrolledWindow {
                    set_hscrollbar_policy: gtk::PolicyType::Never,
                    #[local_ref]
                    lines -> gtk::ListView {},
                },
                add_named[Some("nothing")] = &adw::StatusPage {
                    add_css_class: "compact",
                    set_icon_name: Some("folder-symbolic"),
                    #[watch]
                    set_title: &model.nothing_title(),
                    #[watch]
                    set_description: Some(&model.nothing_sentence()),
                },
                #[watch]
                set_visible_child_name: model.list_name(),
            },
        },
        #[local_ref]
        foot -> gtk::Box {
            set_spacing: 12,
            set_margin_all: 6,
            set_margin_start: 12,
            gtk::Label {
                set_hexpand: true,
                set_xalign: 0.0,
                add_css_class: "dim-label",
                set_ellipsize: gtk::pango::EllipsizeMode::End,
                #[watch]
                set_label: &model.selection_text(),
            },
            gtk::Button {
                #[watch]
                set_label: &model.restore_label(),
                add_css_class: "suggested-action",
                connect_clicked => TimelineInput::RestoreWanted,
            },
        },
    }

    fn init(init: TimelineInit, root: Self::Root, sender: ComponentSender<Self>) -> ComponentParts<Self> {
        let input = sender.input_sender().clone();
        let fetched = sender.command_sender().clone();
        let list = FileList::new(
            move |deed| input.emit(TimelineInput::List(deed)),
            move |told| fetched.emit(Looked::Fetched(told)),
        );
        let pane = VersionsPane::builder().launch(()).forward(sender.input_sender(), TimelineInput::Pane);
        let search = SearchRow::builder().launch(root.clone().upcast());
        let search = search.forward(sender.input_sender(), TimelineInput::Search);
        let bar = TimeBar::new();
        let input = sender.input_sender().clone();
        bar.connect_chosen(move |_, index, dragging| {
            input.emit(TimelineInput::DateChosen { index, dragging })
        });
        let (files, foot) = (&adw::ToolbarView::new(), &gtk::Box::default());
        let layouts = Layouts::new(files, foot, pane.widget());
        let mut browse = Browse::new(init.start.folder);
        browse.with_deleted = init.start.with_deleted;
        let wants_versions = init.start.file.is_some();
        browse.selected.extend(init.start.file);
        let model = Self {
            label: init.label,
            home: init.home,
            state: State::Loading,
            progress: Progress::default(),
            place: None,
            reader: None,
            browse,
            bar,
            list,
            layouts,
            pane,
            search,
            looker: Looker::default(),
            listing: false,
            stale: false,
            listed: None,
            looked: 0,
            marked: None,
            notes: Notes::default(),
            followed: None,
            crumbed: None,
            compare: None,
            wants_versions,
            narrow: false,
            is_empty: false,
        };
        let (bar, layouts) = (&model.bar, &model.layouts.view);
        let search = model.search.widget();
        let (columns, lines) = (&model.list.columns, &model.list.lines);
        let widgets = view_output!();
        model.connect(&widgets, &root, &sender);
        ComponentParts { model, widgets }
    }

    fn update_with_view(
        &mut self,
        widgets: &mut Self::Widgets,
        input: TimelineInput,
        sender: ComponentSender<Self>,
        root: &Self::Root,
    ) {
        match input {
            TimelineInput::Open(place) => self.open(place.0, &sender),
            TimelineInput::Declined => self.fail(&Error::PassphraseNeeded),
            TimelineInput::NotReady(why) => self.state = State::Failed(why.explanation()),
            TimelineInput::Reading(progress) => self.progress = progress,
            TimelineInput::Opened(opened) => self.opened(opened, &sender),
            TimelineInput::List(Deed::Selected) => self.selection_changed(&sender),
            TimelineInput::List(Deed::Activated(position)) => self.activate(position, &sender),
            TimelineInput::List(Deed::Sorted(order)) => {
                self.browse.order = order;
                self.refresh(&sender);
            }
            TimelineInput::Listed { look, rows } => self.listed(look, rows, &sender),
            TimelineInput::DateChosen { index, dragging } => self.date_chosen(index, dragging, &sender),
            TimelineInput::StepChange { forward } => self.bar.step_change(forward),
            TimelineInput::Changed { of, dates } => self.mark(&of, &dates),
            TimelineInput::CountWanted(index) => self.count_items(index, &sender),
            TimelineInput::Counted { of, index, items } => self.counted(&of, index, items),
            TimelineInput::History { path, versions } => self.history(&path, versions, &sender),
            TimelineInput::Start(start) => self.start(start, root, &sender),
            TimelineInput::Go(way) => self.go(way, root, &sender),
            TimelineInput::Find => self.search.emit(SearchInput::Open),
            TimelineInput::Search(wanted) => self.search_for(wanted, &sender),
            TimelineInput::Pane(PaneOutput::Chosen(date)) => self.show_date(date, &sender),
            TimelineInput::Pane(PaneOutput::CompareWanted(versions)) => self.compare(versions, root),
            TimelineInput::Pane(PaneOutput::OpenWanted) => self.open_copy(&sender),
            TimelineInput::Rested(looked) => self.look(looked, &sender),
            TimelineInput::WithDeleted(on) => {
                self.browse.with_deleted = on;
                self.refresh(&sender);
            }
            TimelineInput::WithHidden(on) => {
                self.browse.with_hidden = on;
                self.refresh(&sender);
            }
            TimelineInput::Collapsed => self.show_wanted_versions(),
            TimelineInput::Narrow(narrow) => {
                self.narrow = narrow;
                self.layouts.set_narrow(narrow);
            }
            TimelineInput::RestoreWanted => self.restore(&sender),
            TimelineInput::Retry => {
                self.state = State::Loading;
                let _ = sender.output(TimelineOutput::Retry);
            }
        }
        self.show_crumbs(widgets, &sender);
        self.update_view(widgets, sender);
    }

    fn update_cmd(&mut self, looked: Looked, _sender: ComponentSender<Self>, root: &Self::Root) {
        match looked {
            Looked::Preview { looked, preview } if looked == self.looked => {
                self.pane.emit(PaneInput::Preview(preview));
            }
            Looked::Preview { .. } => {}
            Looked::Copied(Ok(file)) => copy::open(&file, root),
            Looked::Fetched(Ok(problems)) if problems.total > 0 => dialogs::show_problems(root, &problems),
            Looked::Fetched(Ok(_) | Err(Error::Cancelled(_))) => {}
            Looked::Copied(Err(error)) | Looked::Fetched(Err(error)) => {
                dialogs::show_error(root, &explain(&error), &texts::details(&error), None)
            }
        }
    }
}
