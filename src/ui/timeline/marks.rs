//! What the time bar says beside its dates: which of them changed the folder, or what was found; and under the pointer,
//! how much is in the folder.

use std::cell::RefCell;
use std::collections::HashMap;
use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;

use adw::prelude::*;
use hindsight::entry::EntryPath;
use hindsight::i18n::{gettext, ngettext_f};
use relm4::prelude::*;
use relm4::{Sender, adw, gtk};

use super::bar::TimeBar;
use super::row::{self, Row};
use super::{TimelineInput, TimelinePage};
use gtk::glib;

/// Dates that the pointer only passes are not asked about.
const REST: Duration = Duration::from_millis(100);

/// Of what the marks tell when it changed.
#[derive(Clone, PartialEq, Debug)]
pub enum Marked {
    Folder(EntryPath),
    Found(Arc<[EntryPath]>),
}

impl TimelinePage {
    pub(super) fn mark_changes(&mut self, sender: &ComponentSender<Self>) {
        // What was found is marked when it is listed.
        if !self.has_results() {
            self.ask_dates(Marked::Folder(self.browse.folder.clone()), sender);
        }
    }

    pub(super) fn mark_found(&mut self, rows: &[Row], sender: &ComponentSender<Self>) {
        self.ask_dates(Marked::Found(rows.iter().map(|row| row.path.clone()).collect()), sender);
    }

    fn ask_dates(&mut self, of: Marked, sender: &ComponentSender<Self>) {
        if self.marked.as_ref() == Some(&of) {
            return;
        }
        self.marked = Some(of.clone());
        let input = sender.input_sender().clone();
        if let Some(reader) = &self.reader {
            reader.ask(move |timeline| {
                let dates = match &of {
                    Marked::Folder(folder) => timeline.dates_of_change(folder),
                    Marked::Found(paths) => timeline.dates_of_versions(paths),
                };
                // Without them all marks look alike: nothing that anybody must be told.
                input.emit(TimelineInput::Changed { of, dates: dates.unwrap_or_default() });
            });
        }
    }

    pub(super) fn mark(&mut self, of: &Marked, dates: &[i64]) {
        if self.marked.as_ref() != Some(of) {
            return;
        }
        let backups = &self.browse.backups;
        let index = |date: &i64| backups.binary_search_by_key(date, |backup| backup.date).ok();
        let changed: Vec<_> = dates.iter().filter_map(index).collect();
        let name = match of {
            Marked::Folder(_) => self.folder_name(),
            // Translators: spoken in "changes in what was found".
            Marked::Found(_) => gettext("what was found"),
        };
        self.bar.set_changed(&changed, &name);
    }

    /// The pointer rests on a date.
    pub(super) fn count_items(&self, index: usize, sender: &ComponentSender<Self>) {
        let (Some(of), Some(backup)) = (self.notes.of(), self.browse.backups.get(index)) else { return };
        let (input, date) = (sender.input_sender().clone(), backup.date);
        if let Some(reader) = &self.reader {
            reader.ask(move |timeline| {
                let counts = |name: &[u8]| of.with_hidden || !row::is_hidden(name);
                if let Ok(items) = timeline.count(&of.folder, date, counts) {
                    input.emit(TimelineInput::Counted { of, index, items });
                }
            });
        }
    }

    pub(super) fn counted(&self, of: &Counted, index: usize, items: u64) {
        self.notes.know(of, index, items);
        self.bar.queue_draw();
    }

    /// Of the folder that is shown; of what was found nothing is counted.
    pub(super) fn renew_notes(&self) {
        let Self { browse, notes, .. } = self;
        let of = Counted { folder: browse.folder.clone(), with_hidden: browse.with_hidden };
        notes.set((!self.has_results()).then_some(of));
    }
}

/// What is counted.
#[derive(Clone, PartialEq, Debug)]
pub struct Counted {
    folder: EntryPath,
    with_hidden: bool,
}

/// How much is in the folder, of the dates on which the pointer has rested.
#[derive(Clone, Default)]
pub struct Notes(Rc<RefCell<Noted>>);

#[derive(Default)]
struct Noted {
    of: Option<Counted>,
    /// By the backups' indices.
    items: HashMap<usize, u64>,
    /// On which the pointer is.
    wanted: Option<usize>,
}

impl Notes {
    pub fn show_on(&self, bar: &TimeBar, input: &Sender<TimelineInput>) {
        let (notes, input, weak) = (self.clone(), input.clone(), bar.downgrade());
        bar.set_note(move |index| {
            // Of the date that is shown, a screen reader rather says whether it is one of change.
            let is_shown = weak.upgrade()?.selected() == Some(index);
            if is_shown { None } else { notes.note(index, &input) }
        });
    }

    /// Known, or asked for as soon as the pointer rests.
    fn note(&self, index: usize, input: &Sender<TimelineInput>) -> Option<String> {
        let mut noted = self.0.borrow_mut();
        noted.of.as_ref()?;
        if let Some(items) = noted.items.get(&index) {
            return Some(ngettext_f("{count} item here", "{count} items here", *items, &[]));
        }
        if noted.wanted.replace(index) != Some(index) {
            let (notes, input) = (self.clone(), input.clone());
            glib::timeout_add_local_once(REST, move || {
                if notes.0.borrow().wanted == Some(index) {
                    input.emit(TimelineInput::CountWanted(index));
                }
            });
        }
        None
    }

    fn of(&self) -> Option<Counted> {
        self.0.borrow().of.clone()
    }

    /// What is known of anything else is forgotten.
    fn set(&self, of: Option<Counted>) {
        let mut noted = self.0.borrow_mut();
        if noted.of != of {
            *noted = Noted { of, ..Noted::default() };
        }
    }

    pub fn forget(&self) {
        self.set(None);
    }

    fn know(&self, of: &Counted, index: usize, items: u64) {
        let mut noted = self.0.borrow_mut();
        if noted.of.as_ref() == Some(of) {
            noted.items.insert(index, items);
        }
    }
}
