//! Looking at one file as it was without restoring it.

#![allow(clippy::unwrap_used, clippy::expect_used)]

// Shared with test files that use more of it.
#[allow(dead_code)]
mod support {
    pub(crate) mod bytes;
    pub(crate) mod faulty;
    pub(crate) mod runs;
}

use std::fs;

use hindsight::context::{Context, Why};
use hindsight::engine::preview::{Preview, preview};
use hindsight::entry::EntryPath;
use hindsight::error::Error;
use support::bytes::bytes;
use support::runs::Home;

const FIRST: i64 = 1_700_000_000;

fn path(text: &str) -> EntryPath {
    EntryPath::parse(text.as_bytes()).unwrap()
}

/// A large file in three versions, the later two stored as deltas, and what it was.
fn home_with_versions() -> (Home, Vec<Vec<u8>>) {
    let home = Home::new();
    let mut content = bytes(1, 400_000);
    let mut versions = Vec::new();
    for date in 0..3 {
        content[50_000 * (date + 1)] ^= 1;
        content.extend_from_slice(&bytes(date as u64, 1000));
        fs::write(home.source.join("large"), &content).unwrap();
        fs::write(home.source.join("small"), format!("version {date}")).unwrap();
        versions.push(content.clone());
        home.backup(FIRST + date as i64);
    }
    (home, versions)
}

fn previewed(home: &Home, name: &str, date: i64, most: u64) -> Result<Preview, Error> {
    preview(&home.reader(), &path(name), FIRST + date, most, &Context::silent())
}

#[test]
fn a_file_can_be_looked_at_as_it_was_at_any_date() {
    let (home, versions) = home_with_versions();
    for (date, content) in versions.iter().enumerate() {
        let all = previewed(&home, "large", date as i64, content.len() as u64).unwrap();
        assert!(all.whole && all.bytes == *content, "{date}");
        let begin = previewed(&home, "large", date as i64, 70_000).unwrap();
        assert!(!begin.whole && begin.bytes == content[..70_000], "{date}");
        let small = previewed(&home, "small", date as i64, 1000).unwrap();
        assert_eq!(small, Preview { bytes: format!("version {date}").into_bytes(), whole: true });
    }
}

#[test]
fn what_is_no_file_or_was_not_there_or_is_damaged_has_no_preview() {
    let (home, _) = home_with_versions();
    for nothing in ["nowhere", ""] {
        let refused = previewed(&home, nothing, 1, 10);
        assert!(matches!(refused, Err(Error::PathNotFound { .. })), "{refused:?}");
    }
    let all = fs::read_dir(home.path("place")).unwrap().map(|entry| entry.unwrap().path());
    for volume in all.filter(|file| file.to_string_lossy().contains("full.20231114T221320Z.vol")) {
        let mut content = fs::read(&volume).unwrap();
        let middle = content.len() / 2;
        content[middle] ^= 1;
        fs::write(volume, content).unwrap();
    }
    let refused = previewed(&home, "large", 2, u64::MAX);
    assert!(matches!(refused, Err(Error::Damaged { .. })), "{refused:?}");
}

#[test]
fn a_preview_can_be_stopped() {
    let (home, _) = home_with_versions();
    let ctx = Context::silent();
    ctx.cancel.cancel(Why::User);
    let stopped = preview(&home.reader(), &path("large"), FIRST, u64::MAX, &ctx);
    assert!(matches!(stopped, Err(Error::Cancelled(Why::User))), "{stopped:?}");
}
