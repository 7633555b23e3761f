//! The date shown and the selected file: bar, list and pane follow each other. And the ways out.

use std::time::Duration;

use adw::prelude::*;
use gtk::glib;
use hindsight::engine::timeline::Version;
use hindsight::entry::EntryPath;
use hindsight::i18n::{gettext_f, ngettext_f};
use relm4::prelude::*;
use relm4::{adw, gtk};

use super::browse::life;
use super::compare::{Compare, CompareInit};
use super::preview::Look as Sight;
use super::row::{Row, part, parts};
use super::versions::PaneInput;
use super::{Looked, Selected, TimelineInput, TimelineOutput, TimelinePage, copy};
use crate::ui::services::OpenPlace;

/// Files that the pointer only passes are not looked at.
const REST: Duration = Duration::from_millis(150);

impl TimelinePage {
    pub(super) fn date_chosen(&mut self, index: usize, dragging: bool, sender: &ComponentSender<Self>) {
        if self.browse.show(index) {
            self.refresh(sender);
        }
        if !dragging {
            self.show_selected(sender);
        }
    }

    /// The backup of that date, or the last one before it.
    pub(super) fn show_date(&mut self, date: i64, sender: &ComponentSender<Self>) {
        let Some(index) = self.browse.index_of(date) else { return };
        self.bar.select(index);
        self.date_chosen(index, false, sender);
    }

    pub(super) fn selection_changed(&mut self, sender: &ComponentSender<Self>) {
        self.wants_versions = false;
        let rows = self.list.selected();
        self.browse.selected = rows.iter().map(|row| row.path.clone()).collect();
        self.show_selected(sender);
    }

    /// The pane and the bar follow the selection and the date.
    pub(super) fn show_selected(&mut self, sender: &ComponentSender<Self>) {
        let rows = self.list.selected();
        let row = alone(&rows);
        self.looked += 1;
        self.looker.stop();
        self.follow(row.as_ref(), sender);
        self.pane.emit(PaneInput::Show {
            row: row.clone().map(Box::new),
            selected: rows.len(),
            shown: self.browse.date(),
        });
        if row.is_some_and(|row| !row.is_folder()) {
            let (looked, input) = (self.looked, sender.input_sender().clone());
            glib::timeout_add_local_once(REST, move || input.emit(TimelineInput::Rested(looked)));
        }
    }

    /// Asks for the versions of another file.
    fn follow(&mut self, row: Option<&Row>, sender: &ComponentSender<Self>) {
        let path = row.map(|row| row.path.clone());
        if self.followed == path {
            return;
        }
        self.followed = path.clone();
        let (Some(path), Some(reader)) = (path, &self.reader) else {
            self.bar.set_life(None);
            return;
        };
        let input = sender.input_sender().clone();
        reader.ask(move |timeline| {
            let versions = timeline.history(&path).unwrap_or_default();
            input.emit(TimelineInput::History { path, versions });
        });
    }

    pub(super) fn history(
        &mut self,
        path: &EntryPath,
        versions: Vec<Version>,
        sender: &ComponentSender<Self>,
    ) {
        if self.followed.as_ref() != Some(path) {
            return;
        }
        let life = life(&self.browse.backups, &versions);
        let is_held = |index| life.held.iter().any(|held| held.contains(&index));
        let elsewhen = match self.browse.shown() {
            // What was found at another time is shown as it was last.
            Some(shown) if self.has_results() && !is_held(shown) => life.held.last().map(|held| *held.end()),
            _ => None,
        };
        self.bar.set_life(Some(life));
        self.pane.emit(PaneInput::Versions(versions));
        self.show_wanted_versions();
        if let Some(index) = elsewhen {
            self.bar.select(index);
            self.date_chosen(index, false, sender);
        }
    }

    /// At the selected file, if the selection is still the one that rested.
    pub(super) fn look(&mut self, looked: u64, sender: &ComponentSender<Self>) {
        let (Some(row), Some(place), true) = (self.chosen(), self.place.clone(), looked == self.looked)
        else {
            return;
        };
        let sight = Sight::at(&row.content_type());
        let look = self.looker.prepare(place, row.path.clone(), row.date(self.browse.date()), sight);
        self.pane.emit(PaneInput::Looking);
        sender.spawn_oneshot_command(move || Looked::Preview { looked, preview: look() });
    }

    /// The pane that the page was opened for. Once somebody has chosen something else, it opens by itself no more.
    pub(super) fn show_wanted_versions(&self) {
        if self.wants_versions && self.followed.is_some() {
            self.show_versions();
        }
    }

    pub(super) fn show_versions(&self) {
        self.layouts.sheet.set_open(true);
        self.layouts.split.set_show_sidebar(true);
    }

    /// The row that is selected alone.
    fn chosen(&self) -> Option<Row> {
        alone(&self.list.selected())
    }

    /// What is selected, or the whole folder.
    pub(super) fn restore(&self, sender: &ComponentSender<Self>) {
        let Some(place) = self.place.clone() else { return };
        let rows = self.list.selected();
        let shown = self.browse.date();
        let named = |name: &str| gettext_f("Restore “{name}”", &[("name", name)]);
        let (parts, title) = match &rows[..] {
            [] => {
                let folder = self.browse.folder.clone();
                (vec![part(shown, vec![folder])], named(&self.folder_name()))
            }
            [row] => (vec![part(row.date(shown), vec![row.path.clone()])], named(&row.name)),
            rows => {
                let title =
                    ngettext_f("Restore {count} Item", "Restore {count} Items", rows.len() as u64, &[]);
                (parts(rows, shown), title)
            }
        };
        let wanted = Selected { place: OpenPlace(place), parts, title };
        let _ = sender.output(TimelineOutput::Wanted(Box::new(wanted)));
    }

    pub(super) fn open_copy(&self, sender: &ComponentSender<Self>) {
        let (Some(row), Some(place)) = (self.chosen(), self.place.clone()) else { return };
        let (date, path) = (row.date(self.browse.date()), row.path);
        sender.spawn_oneshot_command(move || Looked::Copied(copy::make_one(&place, path, date)));
    }

    /// `versions`: dates of all of the selected file, newest first.
    pub(super) fn compare(&mut self, versions: Vec<i64>, root: &adw::NavigationPage) {
        let (Some(row), Some(place)) = (self.chosen(), self.place.clone()) else { return };
        let date = row.date(self.browse.date());
        // The version's own date, so that it is not offered to be compared with itself.
        let date = versions.iter().copied().find(|version| *version <= date).unwrap_or(date);
        let compare = Compare::builder().launch(CompareInit { place, path: row.path, date, versions });
        compare.widget().present(Some(root));
        self.compare = Some(compare.detach());
    }
}

fn alone(rows: &[Row]) -> Option<Row> {
    match rows {
        [row] => Some(row.clone()),
        _ => None,
    }
}
