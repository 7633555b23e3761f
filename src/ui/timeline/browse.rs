//! Where one is in the backups: date, folder, what is selected and looked for. Pure.

use std::collections::BTreeSet;

use hindsight::engine::timeline::{Backup, Scope, Version};
use hindsight::entry::EntryPath;

use super::bar::Life;
use super::row::Order;

/// What the list is to show: asked for again whenever it changes.
#[derive(Clone, PartialEq, Debug)]
pub enum Look {
    Folder { folder: EntryPath, date: i64 },
    Found { text: String, scope: Scope },
}

#[derive(Clone, PartialEq, Debug)]
pub struct Search {
    pub text: String,
    pub everywhere: bool,
    pub all_dates: bool,
}

#[derive(Debug)]
pub struct Browse {
    /// Oldest first.
    pub backups: Vec<Backup>,
    shown: usize,
    pub folder: EntryPath,
    back: Vec<EntryPath>,
    forward: Vec<EntryPath>,
    /// By path, so that it outlives a change of date.
    pub selected: BTreeSet<EntryPath>,
    pub search: Option<Search>,
    pub with_deleted: bool,
    pub with_hidden: bool,
    pub order: Order,
}

impl Browse {
    pub fn new(folder: EntryPath) -> Self {
        Self {
            backups: Vec::new(),
            shown: 0,
            folder,
            back: Vec::new(),
            forward: Vec::new(),
            selected: BTreeSet::new(),
            search: None,
            with_deleted: false,
            with_hidden: false,
            order: Order::default(),
        }
    }

    /// The newest is shown, unless an older one was: then that stays.
    pub fn set_backups(&mut self, backups: Vec<Backup>) {
        let was_newest = self.shown + 1 >= self.backups.len();
        let date = self.date();
        self.backups = backups;
        let newest = self.backups.len().saturating_sub(1);
        self.shown = if was_newest { newest } else { self.index_of(date).unwrap_or(newest) };
    }

    pub fn shown(&self) -> Option<usize> {
        (!self.backups.is_empty()).then_some(self.shown)
    }

    /// Seconds since 1970; of no backup: 0.
    pub fn date(&self) -> i64 {
        self.backups.get(self.shown).map_or(0, |backup| backup.date)
    }

    /// The backup of a date, or the last one before it.
    pub fn index_of(&self, date: i64) -> Option<usize> {
        self.backups.partition_point(|backup| backup.date <= date).checked_sub(1)
    }

    /// Whether that is a change.
    pub fn show(&mut self, index: usize) -> bool {
        let changes = index != self.shown && index < self.backups.len();
        if changes {
            self.shown = index;
        }
        changes
    }

    pub fn enter(&mut self, folder: EntryPath) {
        self.search = None;
        if folder == self.folder {
            return;
        }
        self.back.push(std::mem::replace(&mut self.folder, folder));
        self.forward.clear();
        self.selected.clear();
    }

    /// Into the folder above, in which the one left is selected.
    pub fn go_up(&mut self) -> bool {
        let Some(parent) = self.folder.parent() else { return false };
        let left = self.folder.clone();
        self.enter(parent);
        self.selected = BTreeSet::from([left]);
        true
    }

    pub fn go_back(&mut self) -> bool {
        let Some(folder) = self.back.pop() else { return false };
        self.forward.push(std::mem::replace(&mut self.folder, folder));
        self.selected.clear();
        true
    }

    pub fn go_forward(&mut self) -> bool {
        let Some(folder) = self.forward.pop() else { return false };
        self.back.push(std::mem::replace(&mut self.folder, folder));
        self.selected.clear();
        true
    }

    pub fn look(&self) -> Look {
        let date = self.date();
        match &self.search {
            Some(search) if !search.text.trim().is_empty() => Look::Found {
                text: search.text.trim().to_owned(),
                scope: Scope {
                    below: if search.everywhere { EntryPath::root() } else { self.folder.clone() },
                    date: (!search.all_dates).then_some(date),
                },
            },
            _ => Look::Folder { folder: self.folder.clone(), date },
        }
    }
}

/// Where the selected file was, for the time bar. `versions`: oldest first.
pub fn life(backups: &[Backup], versions: &[Version]) -> Life {
    let at = |date| backups.partition_point(|backup| backup.date < date);
    let mut life = Life { held: Vec::new(), versions: Vec::new() };
    for (nth, version) in versions.iter().enumerate() {
        let first = at(version.at);
        let end = versions.get(nth + 1).map_or(backups.len(), |next| at(next.at));
        if version.attributes.is_none() || end <= first {
            continue;
        }
        life.versions.push(first);
        match life.held.pop() {
            Some(before) if *before.end() + 1 == first => life.held.push(*before.start()..=end - 1),
            before => life.held.extend(before.into_iter().chain([first..=end - 1])),
        }
    }
    life
}

#[cfg(test)]
mod tests {
    use super::*;

    fn path(path: &str) -> EntryPath {
        EntryPath::parse(path.as_bytes()).unwrap_or_default()
    }

    fn browse() -> Browse {
        let mut browse = Browse::new(path("home"));
        let backup = |date| Backup { date, changed_bytes: 0, damaged: false };
        browse.set_backups([10, 20, 30].map(backup).into());
        browse
    }

    #[test]
    fn the_newest_date_is_shown_first() {
        assert_eq!((browse().date(), browse().shown()), (30, Some(2)));
        assert_eq!(Browse::new(path("")).shown(), None);
    }

    #[test]
    fn more_backups_leave_the_date_where_it_is_unless_it_was_the_newest() {
        let backup = |date| Backup { date, changed_bytes: 0, damaged: false };
        let mut newest = browse();
        newest.set_backups([5, 10, 20, 30, 40].map(backup).into());
        assert_eq!(newest.date(), 40);
        let mut older = browse();
        older.show(1);
        older.set_backups([5, 10, 20, 30, 40].map(backup).into());
        assert_eq!(older.date(), 20);
    }

    #[test]
    fn a_date_between_two_backups_is_the_earlier_one() {
        assert_eq!(browse().index_of(25), Some(1));
        assert_eq!(browse().index_of(5), None);
    }

    #[test]
    fn moving_the_date_keeps_folder_and_selection() {
        let mut browse = browse();
        browse.selected.insert(path("home/letter"));
        assert!(browse.show(0));
        assert!(!browse.show(0));
        assert_eq!(browse.folder, path("home"));
        assert!(browse.selected.contains(&path("home/letter")));
        assert_eq!(browse.look(), Look::Folder { folder: path("home"), date: 10 });
    }

    #[test]
    fn one_can_go_back_and_forward_and_a_new_way_forgets_the_old_one() {
        let mut browse = browse();
        browse.enter(path("home/a"));
        browse.enter(path("home/a/b"));
        assert!(browse.go_back() && browse.go_back() && !browse.go_back());
        assert_eq!(browse.folder, path("home"));
        assert!(browse.go_forward());
        assert_eq!(browse.folder, path("home/a"));
        browse.enter(path("home/c"));
        assert!(!browse.go_forward());
    }

    #[test]
    fn going_up_selects_the_folder_one_came_from() {
        let mut browse = browse();
        browse.enter(path("home/a"));
        assert!(browse.go_up());
        assert_eq!(browse.selected, BTreeSet::from([path("home/a")]));
    }

    #[test]
    fn a_search_looks_where_and_when_it_is_told_to() {
        let mut browse = browse();
        let search = |text: &str, everywhere, all_dates| Search { text: text.into(), everywhere, all_dates };
        browse.search = Some(search("  ", true, true));
        assert_eq!(browse.look(), Look::Folder { folder: path("home"), date: 30 });
        browse.search = Some(search(" bill", false, true));
        let scope = Scope { below: path("home"), date: None };
        assert_eq!(browse.look(), Look::Found { text: "bill".into(), scope });
        browse.search = Some(search("bill", true, false));
        let scope = Scope { below: path(""), date: Some(30) };
        assert_eq!(browse.look(), Look::Found { text: "bill".into(), scope });
    }

    #[test]
    fn a_life_has_holes_where_the_file_was_gone() {
        let backups: Vec<_> = (0..6).map(|date| Backup { date, changed_bytes: 0, damaged: false }).collect();
        let version = |at, there: bool| Version { at, attributes: there.then(Default::default) };
        let versions = [version(1, true), version(2, true), version(3, false), version(5, true)];
        let life = life(&backups, &versions);
        assert_eq!(life.held, [1..=2, 5..=5]);
        assert_eq!(life.versions, [1, 2, 5]);
    }
}
