//! How long the timeline's answers take with 200,000 paths in 1,000 backups, alone and beside a first backup.
//!
//! Prints figures; `cargo test --release --test timeline_speed -- --nocapture` those that count. What fails here is far
//! from what people should wait: the machine may be busy.

#![allow(clippy::unwrap_used, clippy::expect_used)]

// Shared with test files that use more of it.
#[allow(dead_code)]
mod support {
    pub(crate) mod bytes;
    pub(crate) mod faulty;
    pub(crate) mod history;
    pub(crate) mod runs;
}

use std::fs;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use hindsight::destination::Folder;
use hindsight::engine::timeline::{Scope, Timeline};
use hindsight::engine::{Keys, Place, Prefixes};
use hindsight::entry::EntryPath;
use support::bytes::bytes;
use support::history::{BACKUPS, CHANGES, DAY, FIRST, History};
use support::runs::Home;

/// For a question; people should wait a tenth of it at most.
const LIMIT: Duration = Duration::from_secs(1);

fn path(text: &str) -> EntryPath {
    EntryPath::parse(text.as_bytes()).unwrap()
}

#[test]
fn every_question_is_answered_at_once_also_beside_a_first_backup() {
    let folder = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).unwrap();
    let (place, mut history) = fill(folder.path());
    let timeline = timed("open a place that is new here", || Timeline::open(&place).unwrap());
    drop(timeline);
    for end in ["", "-wal", "-shm"] {
        let _ = fs::remove_file(place.cache.join(format!("hindsight-chronicle.sqlite{end}")));
    }
    drop(timed("make the chronicle from the catalogue", || Timeline::open(&place).unwrap()));
    let timeline = timed("open it again", || Timeline::open(&place).unwrap());
    assert_eq!(timeline.dates().len() as i64, BACKUPS);
    timed("open what was last known", || Timeline::as_last_known(&place).unwrap());
    timed("index the names", || timeline.prepare_search().unwrap());
    history.increment(&folder.path().join("place"), FIRST + BACKUPS * DAY, CHANGES);
    let timeline = timed("open it after one more backup", || Timeline::open(&place).unwrap());
    assert_eq!(timeline.dates().len() as i64, BACKUPS + 1);
    ask_all(&timeline, "alone");
    beside_a_backup(|| ask_all(&timeline, "beside a first backup"));
}

fn fill(folder: &Path) -> (Place, History) {
    let destination = folder.join("place");
    fs::create_dir(&destination).unwrap();
    let history = History::of_years(&destination, &EntryPath::root());
    let place = Place {
        destination: Arc::new(Folder::new(destination)),
        passphrase: None,
        keys: Keys::default(),
        cache: folder.join("cache"),
        address: "speed".into(),
        prefixes: Prefixes::default(),
    };
    (place, history)
}

fn timed<T>(what: &str, act: impl FnOnce() -> T) -> T {
    let begun = Instant::now();
    let done = act();
    println!("{:>8.1} ms  {what}", begun.elapsed().as_secs_f64() * 1000.0);
    done
}

/// The slowest of some tries.
fn ask(what: &str, question: impl Fn() -> usize) {
    let mut slowest = Duration::ZERO;
    let mut answer = 0;
    for _ in 0..5 {
        let begun = Instant::now();
        answer = question();
        slowest = slowest.max(begun.elapsed());
    }
    println!("{:>8.1} ms  {what}: {answer}", slowest.as_secs_f64() * 1000.0);
    assert!(answer > 0, "{what}");
    assert!(slowest < LIMIT, "{what}: {slowest:?}");
}

fn ask_all(timeline: &Timeline, when: &str) {
    println!("{when}:");
    let middle = FIRST + BACKUPS / 3 * DAY;
    let often = "docs/00/00/letter-0.odt";
    ask("backups", || timeline.backups().len());
    for folder in ["", "photos", "docs", "docs/03/07", "docs/00/00"] {
        let top = path(folder);
        ask(&format!("folder “{folder}”"), || timeline.folder(&top, middle).unwrap().len());
        ask(&format!("items in “{folder}”"), || timeline.count(&top, middle, |_| true).unwrap() as usize);
        let counts = || timeline.counts(&top, middle, |_| true).unwrap();
        ask(&format!("items in the folders of “{folder}”"), || {
            1 + counts().map_or(0, |counts| counts.len())
        });
        ask(&format!("dates of change of “{folder}”"), || timeline.dates_of_change(&top).unwrap().len());
    }
    ask("dates of change of a file", || timeline.dates_of_change(&path(often)).unwrap().len());
    ask("changes of a backup", || timeline.changes(&path("docs"), middle).unwrap() as usize);
    ask("history of a file that always changes", || timeline.history(&path(often)).unwrap().len());
    for (text, below, date) in [
        ("letter-4711", "", None),
        ("letter", "", None),
        ("IMG_0", "", Some(middle)),
        ("e", "", None),
        (".odt", "docs", Some(middle)),
        ("letter", "docs/03/07", None),
        ("new-17", "", None),
    ] {
        let scope = Scope { below: path(below), date };
        let what =
            format!("search for “{text}” in “{below}” {}", if date.is_some() { "at a date" } else { "ever" });
        ask(&what, || timeline.search(text, &scope, 500).unwrap().len());
    }
    let scope = Scope { below: EntryPath::root(), date: None };
    let found = timeline.search("letter", &scope, 1000).unwrap();
    let found: Vec<_> = found.into_iter().map(|found| found.path).collect();
    ask("dates of a thousand results", || timeline.dates_of_versions(&found).unwrap().len());
    ask("size of a folder", || timeline.size(&[path("docs/03")], middle).unwrap().0 as usize);
    ask("size of everything", || timeline.size(&[EntryPath::root()], middle).unwrap().0 as usize);
}

/// One that does not end before `act` does.
fn beside_a_backup(act: impl FnOnce()) {
    let home = Home::new();
    for number in 0..2_000 {
        fs::write(home.source.join(format!("{number}")), bytes(number, 20_000)).unwrap();
    }
    let done = AtomicBool::new(false);
    std::thread::scope(|scope| {
        scope.spawn(|| {
            for backup in 0.. {
                home.full_backup(FIRST + backup);
                if done.load(Ordering::SeqCst) {
                    break;
                }
            }
        });
        act();
        done.store(true, Ordering::SeqCst);
    });
}
