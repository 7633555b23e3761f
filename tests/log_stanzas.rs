//! The log for programs says the same as that of duplicity 3.2.1, whatever is done.
//!
//! Both programs do the same to places of their own, and what they log is compared. What is for people only (code 1)
//! is compared by its first words where scripts look for them; of progress only the end is.
#![allow(clippy::unwrap_used, clippy::expect_used)] // a test that cannot go on fails

#[allow(dead_code)]
mod support {
    pub(crate) mod cli;
    pub(crate) mod sets;
    pub(crate) mod stanzas;
    pub(crate) mod stock;
    pub(crate) mod unprivileged;
}

#[path = "stanzas/troubles.rs"]
mod troubles;

use std::ffi::OsStr;
use std::fs;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::symlink;
use std::os::unix::net::UnixListener;
use std::path::{Path, PathBuf};
use std::process::Command;

use support::cli::{Outcome, Program, Repository, scratch};
use support::stanzas::{Stanza, named_duplicity, parse};
use support::stock;

/// A time that both programs take for that of the first run.
const FIRST: u64 = 1_900_000_000;

/// One program and the place that it works on.
struct Side {
    program: Program,
    repository: Repository,
    folder: tempfile::TempDir,
}

impl Side {
    fn new(program: impl FnOnce(&Path) -> Program, password: Option<&str>) -> Self {
        let folder = scratch();
        Self { program: program(folder.path()), repository: Repository::new(password), folder }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// `line`, where URL is the place and OUT a folder of this side, ready to run and to write a log.
    fn command(&self, line: &str, source: &Path) -> Command {
        let mut command = self.repository.command(&self.program, &self.path("cache"));
        let url = self.repository.url().into_string().unwrap();
        let out = self.path("out");
        let words = line.split_whitespace();
        command.args(words.map(|word| word.replace("URL", &url).replace("OUT", out.to_str().unwrap())));
        command.arg("--log-file").arg(self.path("log")).current_dir(source.parent().unwrap());
        command
    }

    /// What the log has after a run.
    fn run(&self, line: &str, source: &Path) -> (i32, Vec<Stanza>) {
        let log = self.path("log");
        let _ = fs::remove_file(&log);
        let outcome = Outcome::of(self.command(line, source));
        let log = String::from_utf8(fs::read(&log).unwrap_or_default()).expect("the log is text");
        (outcome.code, parse(&log))
    }
}

/// After it a file that was written is not looked at once more.
const SETTLED: std::time::Duration = std::time::Duration::from_millis(3_200);

/// Both sides, and the source that both save.
struct Both {
    folder: tempfile::TempDir,
    ours: Side,
    stock: Side,
}

impl Both {
    fn new(password: Option<&str>) -> Self {
        let folder = scratch();
        make(&folder.path().join("src"));
        Self {
            folder,
            ours: Side::new(named_duplicity, password),
            stock: Side::new(|_| stock::new(), password),
        }
    }

    fn source(&self, name: &str) -> PathBuf {
        self.folder.path().join("src").join(name)
    }

    /// Both end alike and log the same.
    fn agree(&self, line: &str) -> Vec<Stanza> {
        let source = self.source("");
        let (expected_code, expected) = self.stock.run(line, &source);
        let (code, logged) = self.ours.run(line, &source);
        assert_eq!(code, expected_code, "{line}: {logged:?}");
        let (logged, expected) = (normal(logged), normal(expected));
        assert_eq!(logged, expected, "{line}");
        assert!(!logged.is_empty(), "{line}: nothing to compare");
        logged
    }
}

fn make(source: &Path) {
    fs::create_dir_all(source.join("sub")).unwrap();
    fs::write(source.join("a"), "first").unwrap();
    fs::write(source.join("sub/b"), "second").unwrap();
    fs::write(source.join("it's \u{e9} \u{65e5} \\back\nnl"), "third").unwrap();
    symlink("a", source.join("link")).unwrap();
    drop(UnixListener::bind(source.join("socket")).unwrap());
}

/// What the two need not say in the same words, or as often.
fn normal(log: Vec<Stanza>) -> Vec<Stanza> {
    const SCRIPTS_LOOK_FOR: [&str; 5] = [
        "Local and Remote metadata are synchronized, no sync needed.",
        "Last full backup date: ",
        "Verify complete: ",
        "Duplicity backup complete.",
        "--------------[ Backup Statistics ]--------------",
    ];
    // What duplicity tells before it finds something wrong, and that it was complete, tells nothing.
    if log.iter().any(|stanza| stanza.keyword == "ERROR") {
        return log.into_iter().filter(|stanza| stanza.keyword == "ERROR").map(one).collect();
    }
    let last = log.iter().rfind(|stanza| stanza.is("INFO", 2)).cloned();
    let mut kept: Vec<_> = log
        .into_iter()
        .filter(|stanza| !stanza.is("INFO", 2))
        .chain(last)
        .filter(|stanza| {
            let text = stanza.text.first().map_or("", String::as_str);
            stanza.code != 1 || SCRIPTS_LOOK_FOR.iter().any(|part| text.starts_with(part))
        })
        .map(one)
        .collect();
    kept.sort();
    kept
}

fn one(mut stanza: Stanza) -> Stanza {
    match (stanza.keyword.as_str(), stanza.code) {
        // In a restore volumes there, bytes here. In a backup duplicity counts folders and links with the sizes
        // that the file system gives them.
        ("INFO", 2) => {
            stanza.arguments = "some".into();
            stanza.text.clear();
        }
        ("INFO", 7) | ("ERROR" | "WARNING", _) => stanza.text.clear(),
        ("INFO", 3) => {
            stanza.data.retain(|line| !line.starts_with("backend ") && !line.starts_with("archive-dir "));
            stanza
                .text
                .retain(|line| !line.starts_with("Connecting with") && !line.starts_with("Archive dir"));
        }
        // duplicity tells a folder as new whenever its times have changed.
        ("INFO", 4 | 5) if ["'.'", "'sub'"].contains(&stanza.arguments.as_str()) => {
            stanza.code = 4;
            stanza.text.clear();
        }
        // The name is in the arguments; in the text ours shows a line end as an escape.
        ("INFO", 4..=6 | 10) => stanza.text.clear(),
        // Numbers that depend on how long it took.
        ("NOTICE", 1) if stanza.text.len() > 1 => {
            // And those in which duplicity counts such folders as new.
            let kept = ["SourceFiles ", "DeletedFiles ", "Errors "];
            stanza.text.retain(|line| kept.iter().any(|name| line.starts_with(name)));
        }
        _ => {}
    }
    stanza
}

fn heads(log: &[Stanza], keyword: &str, code: u32) -> Vec<String> {
    log.iter().filter(|stanza| stanza.is(keyword, code)).map(Stanza::head).collect()
}

/// After both backups: to stock what is dated later is not there yet.
fn later(line: &str) -> String {
    format!("{line} --current-time {}", FIRST + 1500)
}

#[test]
fn backups_lists_restores_and_verifies_are_logged_as_by_duplicity() {
    let both = Both::new(None);
    std::thread::sleep(SETTLED);
    let full = both.agree(&format!("full src URL -v9 --current-time {FIRST}"));
    assert_eq!(heads(&full, "INFO", 3), ["INFO 3"]);
    let names = heads(&full, "INFO", 4);
    assert!(names.contains(&r"INFO 4 'it\x27s \xe9 \u65e5 \\back\nnl'".to_string()), "{names:?}");

    fs::write(both.source("a"), "changed and longer").unwrap();
    fs::remove_file(both.source("sub/b")).unwrap();
    fs::write(both.source("c"), "new").unwrap();
    std::thread::sleep(SETTLED);
    let inc = both.agree(&format!("inc src URL -v9 --current-time {}", FIRST + 1000));
    assert_eq!(heads(&inc, "INFO", 5), ["INFO 5 'a'"]);
    assert_eq!(heads(&inc, "INFO", 6), ["INFO 6 'sub/b'"]);

    let list = both.agree(&later("list-current-files URL -v0"));
    assert_eq!(heads(&list, "INFO", 10).len(), list.len());
    both.agree("list-current-files URL -v9 --time 2030-03-17T18:00:00Z");
    let status = both.agree("collection-status URL -v0");
    assert_eq!(status.len(), 1);
    both.agree("collection-status URL");
    let restored = both.agree(&later("restore URL OUT -v9"));
    assert!(heads(&restored, "INFO", 7).contains(&"INFO 7 'link' sym".to_string()), "{restored:?}");
    both.agree(&later("verify URL src --compare-data"));
    fs::write(both.source("a"), "differs").unwrap();
    both.agree(&later("verify URL src --compare-data"));
    both.agree(&format!("full src URL --no-print-statistics --current-time {}", FIRST + 2000));
    both.agree("st URL");
}

#[test]
fn refusals_and_failures_have_the_codes_and_arguments_of_duplicity() {
    let both = Both::new(None);
    both.agree(&format!("full src URL --current-time {FIRST}"));
    both.agree("restore URL OUT");
    for (line, expected) in [
        ("restore URL OUT", "ERROR 11"),
        ("restore URL OUT/new --path-to-restore nowhere", "ERROR 19"),
        ("inc other URL", "ERROR 42 'other' 'src'"),
        ("inc missing URL", "ERROR 23 CommandLineError"),
        ("--frobnicate full src URL", "ERROR 23 CommandLineError"),
        ("full src", "ERROR 23 CommandLineError"),
        ("full src URL --volsize=x", "ERROR 23 CommandLineError"),
        ("full src URL --gio", "ERROR 23 CommandLineError"),
        ("st gopher://a/b", "ERROR 23 UnsupportedBackendScheme"),
        ("inc src URL/none --name none", "ERROR 17"),
        ("ls URL/none --name none", "ERROR 30 CollectionsError"),
    ] {
        fs::create_dir_all(both.folder.path().join("other")).unwrap();
        fs::create_dir_all(both.ours.repository.place().join("none")).unwrap();
        fs::create_dir_all(both.stock.repository.place().join("none")).unwrap();
        let log = both.agree(line);
        assert_eq!(
            log.iter().filter(|s| s.keyword == "ERROR").map(Stanza::head).collect::<Vec<_>>(),
            [expected]
        );
    }
}

#[test]
fn another_computers_backups_are_told_by_both_names() {
    let both = Both::new(None);
    for side in [&both.ours, &both.stock] {
        let source = both.source("");
        assert_eq!(side.run(&format!("full src URL --current-time {FIRST}"), &source).0, 0);
        for folder in [side.repository.place(), side.path("cache/tests")] {
            rename_computer(&folder);
        }
    }
    let log = both.agree("inc src URL");
    let host = fs::read_to_string("/proc/sys/kernel/hostname").unwrap();
    assert_eq!(heads(&log, "ERROR", 3), [format!("ERROR 3 '{}' 'another'", host.trim())]);
}

/// In the manifests of a folder.
fn rename_computer(folder: &Path) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.as_os_str().as_bytes().ends_with(b".manifest") {
            let text = fs::read_to_string(&path).unwrap();
            let renamed = text.lines().map(|line| match line.starts_with("Hostname ") {
                true => "Hostname another\n".to_string(),
                false => format!("{line}\n"),
            });
            fs::write(&path, renamed.collect::<String>()).unwrap();
        }
    }
}

#[test]
fn passphrases_that_are_missing_or_wrong_are_told_by_code() {
    let both = Both::new(Some("a password of the tests"));
    both.agree(&format!("full src URL --current-time {FIRST}"));
    for (side, other) in [(&both.ours, "wrong"), (&both.stock, "wrong")] {
        for (password, expected) in [(Some(other), 31), (None, 30)] {
            let cache = side.path("cold");
            let _ = fs::remove_dir_all(&cache);
            let log = side.path("log");
            let _ = fs::remove_file(&log);
            let mut command = side.repository.command(&side.program, &cache);
            match password {
                Some(password) => command.env("PASSPHRASE", password),
                None => command.env_remove("PASSPHRASE"),
            };
            let url = side.repository.url();
            command.args([OsStr::new("restore"), &url, side.path("out").as_os_str()]);
            let outcome = Outcome::of({
                command.arg("--log-file").arg(&log);
                command
            });
            assert_eq!(outcome.code, expected, "{}: {outcome}", side.program.name);
            let log = parse(&fs::read_to_string(&log).unwrap());
            let errors: Vec<_> =
                log.iter().filter(|stanza| stanza.keyword == "ERROR").map(Stanza::head).collect();
            let head = if expected == 30 { "ERROR 30 EOFError" } else { "ERROR 31 GPGError" };
            assert_eq!(errors, [head], "{}", side.program.name);
        }
    }
}
