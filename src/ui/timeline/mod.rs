//! The timeline: a folder as it was at any date, every version of a file, and the way back.
//!
//! ```text
//! TimelinePage           page.rs; update, opening, listing, following: what its messages do; words: what it says
//! ├─ bar/                the time bar, a widget of our own; marks.rs: what it says beside dates
//! ├─ list.rs             the folder: columns and lines of cells.rs, over files.rs and row.rs
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
mod cells;
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
mod page;
mod preview;
mod reader;
mod row;
mod search;
mod update;
mod versions;
mod words;

use std::path::PathBuf;

use adw::prelude::*;
use hindsight::context::Progress;
use hindsight::engine::Place;
use hindsight::entry::EntryPath;
use hindsight::explain::Explanation;
use relm4::prelude::*;
use relm4::{adw, gtk};

use self::bar::TimeBar;
use self::browse::Browse;
use self::compare::Compare;
pub use self::crumbs::entry_path;
pub use self::keys::shortcuts;
use self::layout::Layouts;
use self::list::FileList;
use self::marks::{Marked, Notes};
pub use self::messages::*;
use self::page::TimelinePageWidgets;
use self::preview::Looker;
use self::reader::Reader;
use self::search::SearchRow;
use self::versions::VersionsPane;

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

impl TimelinePage {
    fn new(
        init: TimelineInit,
        files: &adw::ToolbarView,
        foot: &gtk::Box,
        root: &adw::NavigationPage,
        sender: &ComponentSender<Self>,
    ) -> Self {
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
        let layouts = Layouts::new(files, foot, pane.widget());
        let mut browse = Browse::new(init.start.folder);
        browse.with_deleted = init.start.with_deleted;
        let wants_versions = init.start.file.is_some();
        browse.selected.extend(init.start.file);
        Self {
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
        }
    }
}
