//! What is only told: in stock's words where it says something.

use std::collections::BTreeSet;
use std::fs;
use std::os::unix::fs::{PermissionsExt, symlink};

use hindsight::deflate::gunzip;

use crate::history::{History, START};
use crate::support::cli::{Outcome, ours, scratch};
use crate::support::hash::hashes;
use crate::support::stock;

/// Lines of stock's that are about something else than what was asked.
fn text(outcome: &Outcome) -> String {
    let besides =
        ["Last full backup date", "Need to use", "Duplicity backup complete", "Local and Remote metadata"];
    let text = String::from_utf8_lossy(&outcome.stdout).into_owned();
    let lines = text.lines().filter(|line| !besides.iter().any(|start| line.starts_with(start)));
    // A defect of 3.2.1: bytes are printed as Python writes them.
    lines
        .map(|line| {
            line.replace("b'New'", "   New")
                .replace("b'Changed'", "   Changed")
                .replace("b'Deleted'", "   Deleted")
                + "\n"
        })
        .collect()
}

#[test]
fn what_would_be_removed_is_told_as_stock_tells_it() {
    let history = History::of_three_chains(&stock::new());
    for words in [
        &["remove-older-than", "1700003500"][..],
        &["remove-older-than", "1700009000"],
        &["remove-older-than", "1700000001"],
        &["remove-all-but-n-full", "1"],
        &["remove-all-but-n-full", "7"],
        &["remove-all-inc-of-but-n-full", "2"],
        &["cleanup"],
    ] {
        let (by_us, by_stock) =
            (history.run(&ours(), words).expect(0), history.run(&stock::new(), words).expect(0));
        assert_eq!(text(&by_us), text(&by_stock), "{words:?}");
    }
}

#[test]
fn changes_are_told_as_stock_tells_them() {
    let mut history = History::new();
    history.write("sp ace", b"is deleted");
    history.write("mode", b"changes its mode");
    history.write("to folder", b"becomes a folder");
    symlink("five", history.path("link")).unwrap();
    history.change();
    history.back_up(&stock::new(), "full", &[]);
    fs::remove_file(history.path("sp ace")).unwrap();
    fs::remove_file(history.path("to folder")).unwrap();
    fs::remove_file(history.path("link")).unwrap();
    fs::create_dir(history.path("to folder")).unwrap();
    history.write("link", b"a file now");
    history.write("made anew", b"and deleted next");
    fs::set_permissions(history.path("mode"), fs::Permissions::from_mode(0o600)).unwrap();
    history.change();
    history.back_up(&stock::new(), "incremental", &[]);
    fs::remove_file(history.path("made anew")).unwrap();
    history.change();
    history.back_up(&stock::new(), "incremental", &[]);
    for number in ["0", "1", "2"] {
        let words = ["collection-status", "--show-changes-in-set", number];
        let (by_us, by_stock) =
            (history.run(&ours(), &words).expect(0), history.run(&stock::new(), &words).expect(0));
        assert_eq!(text(&by_us), text(&by_stock), "set {number}");
    }
    for path in ["five", "a/one", "mode", "link", "made anew", "to folder", "a", "nowhere"] {
        let words = ["collection-status", "--file-changed", path];
        let (by_us, by_stock) =
            (history.run(&ours(), &words).expect(0), history.run(&stock::new(), &words).expect(0));
        let by_stock = text(&by_stock).replace(&format!("File: b'{path}'"), &format!("File: {path}"));
        assert_eq!(text(&by_us), by_stock, "{path}");
    }
    history.run(&ours(), &["collection-status", "--show-changes-in-set", "3"]).expect(30);
}

#[test]
fn the_volumes_that_a_restore_needs_are_those_that_stock_names() {
    let history = History::of_three_chains(&stock::new());
    for options in [&[][..], &["--path-to-restore", "a/one"], &["--time", "1700001000"]] {
        let target = scratch();
        let target = target.path().join("new");
        let url = history.repository.url();
        let named = [ours(), stock::new()].map(|program| {
            let words = ["restore", "--dry-run"].iter().chain(options).map(std::ffi::OsStr::new);
            let words: Vec<_> = words.chain([url.as_os_str(), target.as_os_str()]).collect();
            text(&history.repository.run(&program, &history.repository.cache(&program), &words).expect(0))
        });
        assert_eq!(named[0], named[1], "{options:?}");
        assert!(named[0].starts_with("Required volumes to restore:\n\tduplicity-full."), "{}", named[0]);
        assert!(fs::read_dir(&target).map_or(true, |mut entries| entries.next().is_none()));
    }
}

/// `SourceFiles 4` and so on, without times.
fn counts(outcome: &Outcome) -> BTreeSet<String> {
    const COUNTS: [&str; 6] =
        ["SourceFiles", "NewFiles", "DeletedFiles", "ChangedFiles", "DeltaEntries", "Errors"];
    let text = String::from_utf8_lossy(&outcome.stdout).into_owned();
    let counts =
        text.lines().filter(|line| COUNTS.iter().any(|count| line.starts_with(&format!("{count} "))));
    counts.map(str::to_owned).collect()
}

#[test]
fn a_rehearsed_backup_counts_what_the_real_one_stores_and_writes_nothing() {
    let mut history = History::new();
    for action in ["full", "incremental", "full"] {
        history.change();
        let before = hashes(&history.repository.place());
        let rehearsed = Outcome::of(history.backup_command(&ours(), action, &["--dry-run"])).expect(0);
        assert_eq!(hashes(&history.repository.place()), before, "{action}");
        let real = history.back_up(&ours(), action, &[]);
        assert_eq!(counts(&rehearsed), counts(&real), "{action}");
        assert_eq!(counts(&real).len(), 6);
    }
    let place = history.repository.place();
    fs::remove_dir_all(&place).unwrap();
    fs::remove_dir_all(history.repository.cache(&ours())).unwrap();
    Outcome::of(history.backup_command(&ours(), "full", &["--dry-run"])).expect(0);
    assert!(!place.exists(), "the place is not made");
}

#[test]
fn the_counts_beside_a_backup_have_the_names_that_stocks_have() {
    let mut histories = [ours(), stock::new()].map(|program| (program, History::new()));
    let keys = histories.each_mut().map(|(program, history)| {
        let mut keys = Vec::new();
        for action in ["full", "incremental"] {
            history.change();
            history.back_up(program, action, &["--jsonstat"]);
        }
        for name in history.files().iter().filter(|name| name.contains(".jsonstat")) {
            let file = fs::File::open(history.repository.place().join(name)).unwrap();
            let json: serde_json::Value = serde_json::from_reader(gunzip(file)).unwrap();
            let meta = json["backup_meta"].as_object().unwrap();
            let names = json.as_object().unwrap().keys().chain(meta.keys()).cloned().collect::<BTreeSet<_>>();
            let told = ["action", "no_of_inc", "skipped_inc", "time_full_bkp", "time_full_bkp_str"]
                .map(|key| meta[key].clone());
            // Stock counts a folder with another date as a new one.
            let counted = ["SourceFiles", "DeletedFiles", "Errors"].map(|key| json[key].clone());
            keys.push((name.clone(), names, told, counted));
        }
        keys
    });
    assert_eq!(keys[0].len(), 2);
    assert_eq!(keys[0], keys[1]);
    // Both read what the other one has written, and it goes with its backup.
    let [(us, ours), (stock, stocks)] = &mut histories;
    for (history, other) in [(ours, stock), (stocks, us)] {
        history.change();
        history.back_up(other, "full", &[]);
        history.run(other, &["collection-status"]).expect(0);
        history.run(other, &["remove-older-than", &(START + 1_500).to_string(), "--force"]).expect(0);
        assert_eq!(
            history.files().iter().filter(|name| name.contains(".jsonstat")).count(),
            0,
            "by {}",
            other.name
        );
    }
}
