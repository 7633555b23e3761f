//! What the messages of the page do.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use adw::prelude::*;
use gtk::glib;
use hindsight::context::{Context, Monitor, Progress};
use hindsight::engine::Place;
use hindsight::engine::timeline::{Backup, Timeline, Version};
use hindsight::entry::EntryPath;
use hindsight::error::Error;
use hindsight::explain::{Explanation, explain};
use hindsight::i18n::{gettext, gettext_f, ngettext_f};
use relm4::prelude::*;
use relm4::{Sender, adw, gtk};

use super::bar::Mark;
use super::browse::{Look, Search, life};
use super::compare::CompareInit;
use super::crumbs;
use super::preview::Look as Sight;
use super::reader::Reader;
use super::row::{self, Order, Row};
use super::versions::PaneInput;
use super::*;
use crate::ui::services::OpenPlace;
use crate::ui::texts;

/// Files that the pointer only passes are not looked at.
const REST: Duration = Duration::from_millis(150);
/// More results are of no use to anybody.
const MOST_FOUND: usize = 1000;

impl TimelinePage {
    pub(super) fn connect(
        &self,
        widgets: &TimelinePageWidgets,
        root: &adw::NavigationPage,
        sender: &ComponentSender<Self>,
    ) {
        let input = sender.input_sender();
        keys::install(root, self.browse.with_deleted, input);
        let both = |from: &gtk::ToggleButton, to: &gtk::Widget, property: &str| {
            from.bind_property("active", to, property).bidirectional().sync_create().build();
        };
        both(&widgets.search_toggle, self.search.widget().upcast_ref(), "search-mode-enabled");
        both(&widgets.pane_toggle, self.layouts.split.upcast_ref(), "show-sidebar");
        let slim = breakpoint(layout::SLIM);
        slim.add_setter(&self.layouts.split, "collapsed", Some(&true.to_value()));
        widgets.breakpoints.add_breakpoint(slim);
        // Which hides the pane: the window learns its size only after it may have been asked for.
        let told = input.clone();
        self.layouts.split.connect_collapsed_notify(move |_| told.emit(TimelineInput::Collapsed));
        let narrow = breakpoint(layout::NARROW);
        narrow.add_setter(&self.layouts.split, "collapsed", Some(&true.to_value()));
        let told = input.clone();
        narrow.connect_apply(move |_| told.emit(TimelineInput::Narrow(true)));
        let told = input.clone();
        narrow.connect_unapply(move |_| told.emit(TimelineInput::Narrow(false)));
        widgets.breakpoints.add_breakpoint(narrow);
    }

    // Opening

    pub(super) fn open(&mut self, place: Place, sender: &ComponentSender<Self>) {
        self.state = State::Loading;
        self.place = Some(place.clone());
        let input = sender.input_sender().clone();
        let reading = Reading(input.clone());
        let ctx = Context { monitor: Arc::new(reading), ..Context::silent() };
        match Reader::open(place, ctx, move |opened| input.emit(TimelineInput::Opened(opened))) {
            Ok(reader) => self.reader = Some(reader),
            Err(error) => self.fail(&Error::Internal(error.to_string())),
        }
    }

    pub(super) fn fail(&mut self, error: &Error) {
        self.state = State::Failed(explain(error));
    }

    pub(super) fn opened(&mut self, opened: Result<Vec<Backup>, Error>, sender: &ComponentSender<Self>) {
        match opened {
            Ok(backups) => self.show_backups(backups, sender),
            // The page is left.
            Err(Error::Cancelled(_)) => {}
            Err(error @ (Error::PassphraseNeeded | Error::PassphraseWrong)) => {
                let wrong = matches!(error, Error::PassphraseWrong);
                let _ = sender.output(TimelineOutput::PasswordNeeded { wrong });
            }
            Err(error) => self.fail(&error),
        }
    }

    /// The first time the newest date is shown; when more becomes known later, one stays where one is.
    fn show_backups(&mut self, backups: Vec<Backup>, sender: &ComponentSender<Self>) {
        if self.is_ready() && backups == self.browse.backups {
            return;
        }
        let mark = |backup: &Backup| Mark {
            date: backup.date,
            changed_bytes: backup.changed_bytes,
            damaged: backup.damaged,
        };
        self.bar.set_marks(Some(backups.iter().map(mark).collect()));
        self.browse.set_backups(backups);
        let Some(shown) = self.browse.shown() else {
            self.state = State::Empty;
            return;
        };
        self.bar.select(shown);
        self.state = State::Ready;
        (self.marked, self.followed) = (None, None);
        self.refresh(sender);
        self.mark_changes(sender);
    }

    // The list

    /// One list at a time: while one is being made, wishes only say that it is stale.
    pub(super) fn refresh(&mut self, sender: &ComponentSender<Self>) {
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
            Ok(rows) if fits => {
                self.is_empty = rows.is_empty();
                self.list.fill(rows, &self.browse.selected);
                self.show_selected(sender);
            }
            Ok(_) => {}
            Err(error) => self.fail(&error),
        }
        if std::mem::take(&mut self.stale) {
            self.refresh(sender);
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

    /// The pane that the page was opened for. Once somebody has chosen something else, it opens by itself no more.
    pub(super) fn show_wanted_versions(&self) {
        if self.wants_versions && self.followed.is_some() {
            self.show_versions();
        }
    }

    fn show_versions(&self) {
        self.layouts.sheet.set_open(true);
        self.layouts.split.set_show_sidebar(true);
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

    pub(super) fn show_crumbs(&self, widgets: &TimelinePageWidgets, sender: &ComponentSender<Self>) {
        let input = sender.input_sender().clone();
        let home = crumbs::entry_path(&self.home);
        let shown = widgets.crumbs.widget_name();
        let name = self.browse.folder.to_string();
        // Made anew only for another folder, so that the keyboard stays where it is.
        if shown != name {
            widgets.crumbs.set_widget_name(&name);
            crumbs::fill(&widgets.crumbs, &self.browse.folder, &home, move |folder| {
                input.emit(TimelineInput::Go(Way::To(folder)));
            });
        }
    }

    // Dates

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

    fn mark_changes(&mut self, sender: &ComponentSender<Self>) {
        let folder = self.browse.folder.clone();
        if self.marked.as_ref() == Some(&folder) {
            return;
        }
        self.marked = Some(folder.clone());
        let input = sender.input_sender().clone();
        if let Some(reader) = &self.reader {
            reader.ask(move |timeline| {
                // Without them all marks look alike: nothing that anybody must be told.
                let dates = timeline.dates_of_change(&folder).unwrap_or_default();
                input.emit(TimelineInput::Changed { folder, dates });
            });
        }
    }

    pub(super) fn mark(&mut self, folder: EntryPath, dates: &[i64]) {
        if self.marked.as_ref() != Some(&folder) {
            return;
        }
        let backups = &self.browse.backups;
        let index = |date: &i64| backups.binary_search_by_key(date, |backup| backup.date).ok();
        let changed: Vec<_> = dates.iter().filter_map(index).collect();
        self.bar.set_changed(&changed, &self.folder_name());
    }

    // The selected file

    pub(super) fn selection_changed(&mut self, sender: &ComponentSender<Self>) {
        self.wants_versions = false;
        let rows = self.list.selected();
        self.browse.selected = rows.iter().map(|row| row.path.clone()).collect();
        self.show_selected(sender);
    }

    /// The pane and the bar follow the selection and the date.
    fn show_selected(&mut self, sender: &ComponentSender<Self>) {
        let rows = self.list.selected();
        let row = match &rows[..] {
            [row] => Some(row.clone()),
            _ => None,
        };
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
        let there = versions.iter().filter(|version| version.attributes.is_some());
        self.versions = there.map(|version| version.at).rev().collect();
        self.pane.emit(PaneInput::Versions(versions));
        self.show_wanted_versions();
        if let Some(index) = elsewhen {
            self.bar.select(index);
            self.date_chosen(index, false, sender);
        }
    }

    /// At the selected file, if the selection is still the one that rested.
    pub(super) fn look(&mut self, looked: u64, sender: &ComponentSender<Self>) {
        let rows = self.list.selected();
        let ([row], Some(place), true) = (&rows[..], self.place.clone(), looked == self.looked) else {
            return;
        };
        let sight = Sight::at(&row.content_type());
        let look = self.looker.prepare(place, row.path.clone(), row.date(self.browse.date()), sight);
        self.pane.emit(PaneInput::Looking);
        sender.spawn_oneshot_command(move || Looked::Preview { looked, preview: look() });
    }

    // Search

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
    }

    pub(super) fn has_results(&self) -> bool {
        matches!(self.browse.look(), Look::Found { .. })
    }

    pub(super) fn results(&self) -> String {
        match self.list.files.n_items() {
            count if count as usize >= MOST_FOUND => {
                gettext_f("The first {count} results", &[("count", &MOST_FOUND.to_string())])
            }
            count => ngettext_f("{count} result", "{count} results", count.into(), &[]),
        }
    }

    // The way out

    /// What is selected, or the whole folder.
    pub(super) fn restore(&self, sender: &ComponentSender<Self>) {
        let Some(place) = self.place.clone() else { return };
        let rows = self.list.selected();
        let shown = self.browse.date();
        // Of the newest date that is among them: the others are not of it, and stay where they are.
        let date = rows.iter().map(|row| row.date(shown)).max().unwrap_or(shown);
        let chosen: Vec<_> = rows.iter().filter(|row| row.date(shown) == date).collect();
        let named = |name: &str| gettext_f("Restore “{name}”", &[("name", name)]);
        let (paths, title) = match &chosen[..] {
            [] => (vec![self.browse.folder.clone()], named(&self.folder_name())),
            [row] => (vec![row.path.clone()], named(&row.name)),
            rows => {
                let title =
                    ngettext_f("Restore {count} Item", "Restore {count} Items", rows.len() as u64, &[]);
                (rows.iter().map(|row| row.path.clone()).collect(), title)
            }
        };
        let wanted = Selected { place: OpenPlace(place), paths, date, title };
        let _ = sender.output(TimelineOutput::Wanted(Box::new(wanted)));
    }

    pub(super) fn compare(&mut self, root: &adw::NavigationPage) {
        let rows = self.list.selected();
        let ([row], Some(place)) = (&rows[..], self.place.clone()) else { return };
        let date = row.date(self.browse.date());
        let versions = self.versions.clone();
        // The version's own date, so that it is not offered to be compared with itself.
        let date = versions.iter().copied().find(|version| *version <= date).unwrap_or(date);
        let compare =
            Compare::builder().launch(CompareInit { place, path: row.path.clone(), date, versions });
        compare.widget().present(Some(root));
        self.compare = Some(compare.detach());
    }

    // Words

    pub(super) fn is_ready(&self) -> bool {
        matches!(self.state, State::Ready)
    }

    pub(super) fn state_name(&self) -> &'static str {
        match self.state {
            State::Loading => "loading",
            State::Ready => "ready",
            State::Empty => "empty",
            State::Failed(_) => "failed",
        }
    }

    pub(super) fn failure(&self) -> Option<&Explanation> {
        match &self.state {
            State::Failed(explanation) => Some(explanation),
            _ => None,
        }
    }

    pub(super) fn reading(&self) -> Option<String> {
        let Progress { bytes_done, bytes_total, .. } = self.progress;
        let (done, total) = (texts::size(bytes_done), texts::size(bytes_total?));
        Some(gettext_f("{done} of {total} read", &[("done", &done), ("total", &total)]))
    }

    pub(super) fn list_name(&self) -> &'static str {
        match self.narrow {
            _ if self.is_empty => "nothing",
            true => "lines",
            false => "columns",
        }
    }

    pub(super) fn nothing_title(&self) -> String {
        if self.has_results() { gettext("Nothing Found") } else { gettext("Nothing Here") }
    }

    pub(super) fn nothing_sentence(&self) -> String {
        match &self.browse.search {
            Some(search) if !search.all_dates => gettext("Try all dates."),
            Some(search) if !search.everywhere => gettext("Try everywhere."),
            Some(_) => gettext("No name in these backups contains that."),
            None => gettext("On this date the folder was empty, or did not exist."),
        }
    }

    pub(super) fn folder_name(&self) -> String {
        if self.browse.folder.is_root() {
            return gettext("Everything");
        }
        texts::folder_name(&self.browse.folder.below(Path::new("/")), &self.home)
    }

    pub(super) fn selection_text(&self) -> String {
        let rows = self.list.selected();
        let bytes: u64 = rows.iter().filter_map(Row::bytes).sum();
        let text = match &rows[..] {
            [] => return gettext("Nothing selected"),
            [row] => gettext_f("“{name}” selected", &[("name", &row.name)]),
            rows => ngettext_f("{count} item selected", "{count} items selected", rows.len() as u64, &[]),
        };
        if rows.iter().all(Row::is_folder) { text } else { format!("{text}, {}", texts::size(bytes)) }
    }

    pub(super) fn restore_label(&self) -> String {
        if self.list.selected().is_empty() { gettext("Restore Folder…") } else { gettext("Restore…") }
    }
}

fn breakpoint(condition: &str) -> adw::Breakpoint {
    let parsed = adw::BreakpointCondition::parse(condition);
    adw::Breakpoint::new(parsed.unwrap_or_else(|_| {
        adw::BreakpointCondition::new_length(
            adw::BreakpointConditionLengthType::MaxWidth,
            560.0,
            adw::LengthUnit::Sp,
        )
    }))
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
            let rows = items.into_iter().map(|item| Row::of_item(folder, item));
            let is_wanted = |row: &Row| {
                (wanted.with_deleted || !row.is_ghost()) && (wanted.with_hidden || !row.is_hidden())
            };
            let mut rows: Vec<_> = rows.filter(is_wanted).collect();
            row::sort(&mut rows, wanted.order);
            Ok(rows)
        }
        Look::Found { text, scope, .. } => {
            let found = timeline.search(text, scope, MOST_FOUND)?;
            Ok(found.into_iter().map(|found| Row::of_found(found, &wanted.home)).collect())
        }
    }
}

/// Tells the page how far opening is.
struct Reading(Sender<TimelineInput>);

impl Monitor for Reading {
    fn progress(&self, progress: Progress) {
        self.0.emit(TimelineInput::Reading(progress));
    }
}
