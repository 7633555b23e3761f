//! A line of the list: something in the folder as it was, or something that was found.

use std::cmp::Ordering;
use std::collections::{BTreeMap, HashMap};
use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;
use std::path::Path;

use hindsight::engine::Part;
use hindsight::engine::timeline::{Found, Item, Presence};
use hindsight::entry::{Attributes, EntryPath, Kind};
use hindsight::i18n::{gettext_f, ngettext_f};
use relm4::gtk::{gio, glib};

use crate::ui::texts;

#[derive(Clone, PartialEq, Debug)]
pub struct Row {
    pub path: EntryPath,
    /// As people read it: what is no UTF-8 is replaced.
    pub name: String,
    pub attributes: Attributes,
    pub presence: Presence,
    /// Of what was found: the folder it lies in.
    pub place: Option<String>,
    /// In a folder, where they were counted.
    pub items: Option<u64>,
}

#[derive(Clone, Copy, PartialEq, Eq, Default, Debug)]
pub enum Column {
    #[default]
    Name,
    Size,
    Modified,
}

#[derive(Clone, Copy, PartialEq, Eq, Default, Debug)]
pub struct Order {
    pub by: Column,
    pub descending: bool,
}

impl Row {
    /// `counts`: how much is in the folders that were there and had anything in them, if that is known.
    pub fn of_item(folder: &EntryPath, item: Item, counts: Option<&HashMap<Vec<u8>, u64>>) -> Self {
        let is_folder = item.presence == Presence::Present && item.attributes.kind == Kind::Directory;
        let counts = counts.filter(|_| is_folder);
        Self {
            items: counts.map(|counts| counts.get(&item.name).copied().unwrap_or(0)),
            path: folder.child(&item.name),
            name: String::from_utf8_lossy(&item.name).into_owned(),
            attributes: item.attributes,
            presence: item.presence,
            place: None,
        }
    }

    pub fn of_found(found: Found, home: &Path) -> Self {
        let name = String::from_utf8_lossy(found.path.file_name()).into_owned();
        let folder = found.path.parent().unwrap_or_default();
        let presence = match found.exists_in_newest {
            true => Presence::Present,
            false => Presence::DeletedAfter(found.last_existed),
        };
        let place = Some(texts::folder_path(&folder.below(Path::new("/")), home));
        Self { name, attributes: found.attributes, presence, place, items: None, path: found.path }
    }

    pub fn is_folder(&self) -> bool {
        self.attributes.kind == Kind::Directory
    }

    /// Was not there at the date shown.
    pub fn is_ghost(&self) -> bool {
        self.presence != Presence::Present
    }

    pub fn is_hidden(&self) -> bool {
        is_hidden(self.path.file_name())
    }

    /// The date of which it can be had, when `shown` is the date of the page.
    pub fn date(&self, shown: i64) -> i64 {
        match self.presence {
            Presence::Present => shown,
            Presence::DeletedAfter(date) => date.min(shown),
            Presence::Later(date) => date,
        }
    }

    /// The same for one of several rows, of which those that were found are not all of one date.
    pub fn last_date(&self, shown: i64) -> i64 {
        match self.presence {
            Presence::DeletedAfter(date) => date,
            Presence::Present | Presence::Later(_) => self.date(shown),
        }
    }

    /// In bytes; of files only.
    pub fn bytes(&self) -> Option<u64> {
        self.attributes.content.map(|content| content.size)
    }

    pub fn size(&self) -> String {
        match (self.bytes(), self.items) {
            (Some(bytes), _) => texts::size(bytes),
            (None, Some(items)) => ngettext_f("{count} item", "{count} items", items, &[]),
            (None, None) => String::new(),
        }
    }

    /// What stands in the column of dates.
    pub fn when(&self, now: i64) -> String {
        match self.presence {
            Presence::Present => texts::date(self.attributes.mtime.seconds),
            // Translators: {date} is the last date at which a file still existed, as "5 May".
            Presence::DeletedAfter(date) => {
                gettext_f("Deleted after {date}", &[("date", &texts::day(date, now))])
            }
            // Translators: {date} is the first date at which a file existed, as "5 May".
            Presence::Later(date) => gettext_f("Since {date}", &[("date", &texts::day(date, now))]),
        }
    }

    /// Under the name, where there are no columns.
    pub fn caption(&self, now: i64) -> String {
        let parts = [self.place.clone().unwrap_or_default(), self.size(), self.when(now)];
        parts.into_iter().filter(|part| !part.is_empty()).collect::<Vec<_>>().join(" · ")
    }

    /// Guessed by the name.
    pub fn content_type(&self) -> glib::GString {
        match self.attributes.kind {
            Kind::Directory => "inode/directory".into(),
            _ => {
                let name = Path::new(OsStr::from_bytes(self.path.file_name()));
                gio::content_type_guess(Some(name), None::<&[u8]>).0
            }
        }
    }

    pub fn icon(&self) -> gio::Icon {
        gio::content_type_get_icon(&self.content_type())
    }
}

pub fn is_hidden(name: &[u8]) -> bool {
    name.starts_with(b".") || name.ends_with(b"~")
}

/// Folders first, whatever the order; names as people sort them ("2" before "10").
pub fn sort(rows: &mut [Row], order: Order) {
    rows.sort_by_cached_key(|row| (!row.is_folder(), Key::of(row, order)));
}

#[derive(PartialEq, Eq)]
struct Key {
    value: i64,
    name: glib::FilenameCollationKey,
    descending: bool,
}

impl Key {
    fn of(row: &Row, order: Order) -> Self {
        let value = match order.by {
            Column::Name => 0,
            Column::Size => row.bytes().or(row.items).unwrap_or(0).cast_signed(),
            Column::Modified => row.attributes.mtime.seconds,
        };
        Self { value, name: row.name.to_lowercase().as_str().into(), descending: order.descending }
    }
}

impl Ord for Key {
    fn cmp(&self, other: &Self) -> Ordering {
        let order = self.value.cmp(&other.value).then_with(|| self.name.cmp(&other.name));
        if self.descending { order.reverse() } else { order }
    }
}

impl PartialOrd for Key {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

/// Several rows by their dates: what was there at the date shown as it was then, what was not as it last was.
pub fn parts(rows: &[Row], shown: i64) -> Vec<Part> {
    let mut dates = BTreeMap::<i64, Vec<EntryPath>>::new();
    for row in rows {
        dates.entry(row.last_date(shown)).or_default().push(row.path.clone());
    }
    dates.into_iter().map(|(date, paths)| part(date, paths)).collect()
}

pub fn part(date: i64, paths: Vec<EntryPath>) -> Part {
    Part { paths, date, mark: texts::date(date) }
}

#[cfg(test)]
mod tests {
    use hindsight::entry::{Content, Timestamp};

    use super::*;

    fn row(name: &str, size: Option<u64>, mtime: i64) -> Row {
        let kind = if size.is_some() { Kind::File } else { Kind::Directory };
        let mut attributes = Attributes { kind, ..Attributes::default() };
        attributes.content = size.map(|size| Content { size, sha256: [0; 32] });
        attributes.mtime = Timestamp::from_seconds(mtime);
        let item = Item { name: name.into(), presence: Presence::Present, attributes, has_children: false };
        Row::of_item(&EntryPath::root(), item, None)
    }

    fn sorted(by: Column, descending: bool) -> Vec<String> {
        let mut rows = vec![
            row("b10.txt", Some(5), 3),
            row("b9.txt", Some(7), 1),
            row("Zoo", None, 9),
            row("A.txt", Some(6), 2),
            row("attic", None, 4),
        ];
        sort(&mut rows, Order { by, descending });
        rows.into_iter().map(|row| row.name).collect()
    }

    #[test]
    fn folders_come_first_and_names_are_sorted_as_people_do() {
        assert_eq!(sorted(Column::Name, false), ["attic", "Zoo", "A.txt", "b9.txt", "b10.txt"]);
        assert_eq!(sorted(Column::Name, true), ["Zoo", "attic", "b10.txt", "b9.txt", "A.txt"]);
    }

    #[test]
    fn sizes_and_dates_sort_too() {
        assert_eq!(sorted(Column::Size, true), ["Zoo", "attic", "b9.txt", "A.txt", "b10.txt"]);
        assert_eq!(sorted(Column::Modified, false), ["attic", "Zoo", "b9.txt", "A.txt", "b10.txt"]);
    }

    #[test]
    fn a_folder_that_is_there_says_how_much_is_in_it() {
        let attributes = Attributes { kind: Kind::Directory, ..Attributes::default() };
        let size = |name: &str, presence, counts: Option<&HashMap<Vec<u8>, u64>>| {
            let attributes = attributes.clone();
            let item = Item { name: name.into(), presence, attributes, has_children: true };
            Row::of_item(&EntryPath::root(), item, counts).size()
        };
        let counts = HashMap::from([(b"a".to_vec(), 12), (b"b".to_vec(), 1)]);
        assert_eq!(size("a", Presence::Present, Some(&counts)), "12 items");
        assert_eq!(size("b", Presence::Present, Some(&counts)), "1 item");
        assert_eq!(size("empty", Presence::Present, Some(&counts)), "0 items");
        assert_eq!(size("a", Presence::DeletedAfter(1), Some(&counts)), "");
        assert_eq!(size("a", Presence::Present, None), "");
    }

    #[test]
    fn a_ghost_is_had_as_of_the_date_that_has_it() {
        let mut ghost = row("a", Some(1), 0);
        ghost.presence = Presence::DeletedAfter(50);
        assert!(ghost.is_ghost());
        assert_eq!(ghost.date(100), 50);
        assert_eq!(ghost.date(40), 40);
        assert_eq!((ghost.last_date(100), ghost.last_date(40)), (50, 50));
    }
}
