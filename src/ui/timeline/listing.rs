//! The list: a folder at a date, or what was found.

use std::path::PathBuf;

use adw::prelude::*;
use hindsight::engine::timeline::Timeline;
use hindsight::error::Error;
use relm4::adw;
use relm4::prelude::*;

use super::browse::{Look, Search};
use super::dragging::Origin;
use super::row::{self, Order, Row};
use super::search::SearchInput;
use super::{Start, TimelineInput, TimelinePage, TimelinePageWidgets, Way, crumbs};
use crate::ui::probe;

/// More results are of no use to anybody.
pub(super) const MOST_FOUND: usize = 1000;

impl TimelinePage {
    /// One list at a time: while one is being made, wishes only say that it is stale.
    pub(super) fn refresh(&mut self, sender: &ComponentSender<Self>) {
        self.renew_notes();
        if self.listing {
            self.stale = true;
            return;
        }
        let Some(reader) = &self.reader else { return };
        self.listing = true;
        let look = self.browse.look();
        let wanted = Wanted {
            with_deleted: self.browse.with_deleted,
            with_hidden: self.browse.with_hidden,
            order: self.browse.order,
            home: self.home.clone(),
        };
        let input = sender.input_sender().clone();
        reader.ask(move |timeline| {
            let rows = rows(timeline, &look, &wanted);
            input.emit(TimelineInput::Listed { look, rows });
        });
    }

    pub(super) fn listed(
        &mut self,
        look: Look,
        rows: Result<Vec<Row>, Error>,
        sender: &ComponentSender<Self>,
    ) {
        self.listing = false;
        // An older date of the same folder is shown meanwhile: scrubbing looks alive.
        let fits = match (&look, self.browse.look()) {
            (Look::Folder { folder, .. }, Look::Folder { folder: now, .. }) => *folder == now,
            (Look::Found { .. }, Look::Found { .. }) => true,
            _ => false,
        };
        match rows {
            Ok(rows) if fits => self.show_rows(look, rows, sender),
            Ok(_) => {}
            Err(error) => self.fail(&error),
        }
        if std::mem::take(&mut self.stale) {
            self.refresh(sender);
        }
    }

    fn show_rows(&mut self, look: Look, rows: Vec<Row>, sender: &ComponentSender<Self>) {
        self.is_empty = rows.is_empty();
        let (folder, date) = match look {
            Look::Folder { folder, date } => (Some(folder), date),
            Look::Found { .. } => {
                self.mark_found(&rows, sender);
                (None, self.browse.date())
            }
        };
        let origin = self.place.clone().map(|place| Origin { place, date });
        let anew = folder.is_none() || folder != self.listed;
        self.list.fill(rows, origin, &self.browse.selected, anew);
        self.listed = folder;
        self.show_selected(sender);
        if !self.stale {
            probe::answered();
        }
    }

    pub(super) fn activate(&mut self, position: u32, sender: &ComponentSender<Self>) {
        let Some(row) = self.list.files.row(position) else { return };
        if row.is_folder() {
            let date = row.date(self.browse.date());
            sender.input(TimelineInput::Go(Way::To(row.path.clone())));
            if row.is_ghost() && !self.browse.with_deleted {
                self.show_date(date, sender);
            }
        } else {
            self.show_versions();
        }
    }

    pub(super) fn go(&mut self, way: Way, root: &adw::NavigationPage, sender: &ComponentSender<Self>) {
        let gone = match way {
            Way::Up => self.browse.go_up(),
            Way::Forward => self.browse.go_forward(),
            Way::Back => {
                let back = self.browse.go_back();
                if !back {
                    // There is nothing before: the page itself is left.
                    let _ = root.activate_action("navigation.pop", None);
                }
                back
            }
            Way::To(folder) => {
                self.browse.enter(folder);
                true
            }
        };
        if gone {
            self.search.emit(SearchInput::Close);
            self.refresh(sender);
            self.mark_changes(sender);
        }
    }

    pub(super) fn start(&mut self, start: Start, root: &adw::NavigationPage, sender: &ComponentSender<Self>) {
        self.search.emit(SearchInput::Close);
        self.browse.enter(start.folder);
        if start.with_deleted && !self.browse.with_deleted {
            let _ = root.activate_action("timeline.deleted", None);
        }
        self.wants_versions = start.file.is_some();
        self.browse.selected = start.file.into_iter().collect();
        self.refresh(sender);
        self.mark_changes(sender);
    }

    /// Made anew only for another folder, so that the keyboard stays where it is.
    pub(super) fn show_crumbs(&mut self, widgets: &TimelinePageWidgets, sender: &ComponentSender<Self>) {
        let folder = &self.browse.folder;
        if self.crumbed.as_ref() == Some(folder) {
            return;
        }
        let input = sender.input_sender().clone();
        crumbs::fill(&widgets.crumbs, folder, &crumbs::entry_path(&self.home), move |folder| {
            input.emit(TimelineInput::Go(Way::To(folder)));
        });
        self.crumbed = Some(folder.clone());
    }

    pub(super) fn search_for(&mut self, wanted: Option<Search>, sender: &ComponentSender<Self>) {
        if self.browse.search.is_none()
            && wanted.is_some()
            && let Some(reader) = &self.reader
        {
            // Without it the first search takes a moment longer.
            reader.ask(|timeline| drop(timeline.prepare_search()));
        }
        self.browse.search = wanted;
        self.refresh(sender);
        self.mark_changes(sender);
    }
}

/// How the list is wanted, beside what it shows.
struct Wanted {
    with_deleted: bool,
    with_hidden: bool,
    order: Order,
    home: PathBuf,
}

/// On the reader's thread: fetched, chosen and sorted.
fn rows(timeline: &Timeline, look: &Look, wanted: &Wanted) -> Result<Vec<Row>, Error> {
    match look {
        Look::Folder { folder, date } => {
            let items = timeline.folder(folder, *date)?;
            let counts =
                timeline.counts(folder, *date, |name| wanted.with_hidden || !row::is_hidden(name))?;
            let rows = items.into_iter().map(|item| Row::of_item(folder, item, counts.as_ref()));
            let is_wanted = |row: &Row| {
                (wanted.with_deleted || !row.is_ghost()) && (wanted.with_hidden || !row.is_hidden())
            };
            let mut rows: Vec<_> = rows.filter(is_wanted).collect();
            row::sort(&mut rows, wanted.order);
            Ok(rows)
        }
        Look::Found { text, scope } => {
            let found = timeline.search(text, scope, MOST_FOUND)?;
            Ok(found.into_iter().map(|found| Row::of_found(found, &wanted.home)).collect())
        }
    }
}
