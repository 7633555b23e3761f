//! The past of a large home, for the driven tests: `long_past PLACE HOME` writes 1,000 backups of 200,000 paths.

#![allow(clippy::unwrap_used, clippy::expect_used)] // a test that cannot go on fails
// Shared with test files that use more of it.
#![allow(dead_code)]

#[path = "../support/bytes.rs"]
mod bytes;
#[path = "../support/history.rs"]
mod history;

use std::os::unix::ffi::OsStrExt;
use std::path::PathBuf;

use hindsight::entry::EntryPath;

fn main() {
    let words: Vec<_> = std::env::args_os().skip(1).map(PathBuf::from).collect();
    let [place, home] = &words[..] else { panic!("long_past PLACE HOME") };
    let home = home.strip_prefix("/").unwrap();
    let _ = history::History::of_years(place, &EntryPath::parse(home.as_os_str().as_bytes()).unwrap());
}
