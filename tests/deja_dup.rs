//! Déjà Dup's way to call duplicity: the log's descriptor before the action, the root as the source, no terminal,
//! nobody who reads what is said, and everything told by the log.
#![allow(clippy::unwrap_used, clippy::expect_used)] // a test that cannot go on fails

#[allow(dead_code)]
mod support {
    pub(crate) mod cli;
    pub(crate) mod stanzas;
}

use std::fs;
use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use support::cli::Program;
use support::stanzas::{Stanza, named_duplicity, parse};

const PASSPHRASE: &str = "what protects it";

struct Desktop {
    folder: tempfile::TempDir,
    program: Program,
}

/// What came of one call.
struct Called {
    code: Option<i32>,
    log: Vec<Stanza>,
}

impl Called {
    #[track_caller]
    fn expect(self, code: i32) -> Vec<Stanza> {
        assert_eq!(self.code, Some(code), "{:?}", self.log);
        self.log
    }
}

impl Desktop {
    fn new() -> Self {
        // Not where cargo builds: that bears a CACHEDIR.TAG, and is left out with all that is in it.
        let folder = tempfile::tempdir().unwrap();
        let desktop = Self { program: named_duplicity(folder.path()), folder };
        fs::create_dir_all(desktop.path("home/[odd] folder")).unwrap();
        fs::create_dir_all(desktop.path("home/left")).unwrap();
        fs::create_dir_all(desktop.path("home/cached")).unwrap();
        fs::create_dir_all(desktop.path("tmp")).unwrap();
        fs::write(desktop.path("home/[odd] folder/a"), "first").unwrap();
        fs::write(desktop.path("home/b"), "second").unwrap();
        fs::write(desktop.path("home/left/c"), "third").unwrap();
        fs::write(desktop.path("home/cached/CACHEDIR.TAG"), "Signature: 8a477f597d28d172789f06886806bc55")
            .unwrap();
        desktop
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// As in the log: below the root.
    fn name(&self, name: &str) -> String {
        format!("'{}'", self.path(name).to_str().unwrap().trim_start_matches('/'))
    }

    /// As patterns are typed.
    fn pattern(&self, name: &str) -> String {
        self.path(name).to_str().unwrap().replace('[', "[[]").replace('?', "[?]").replace('*', "[*]")
    }

    /// `duplicity --log-fd=5 WORDS… OPTIONS…`, in a session of its own.
    fn call(&self, words: &[&str], passphrase: Option<&str>) -> Called {
        let url = format!("gio+file://{}", self.path("place").display());
        let mut command = Command::new("setsid");
        command.args(["--wait", "sh", "-c", "exec \"$@\" 5>&1 >/dev/null 2>&1", "sh"]);
        command.arg(&self.program.path).arg("--log-fd=5");
        command.args(words.iter().map(|word| word.replace("URL", &url)));
        command.args(["--verbosity=9", "--timeout=120"]);
        command.arg(format!("--archive-dir={}", self.path("cache").display()));
        command.arg(format!("--tempdir={}", self.path("tmp").display()));
        command
            .env("HOME", self.folder.path())
            .env("XDG_RUNTIME_DIR", self.folder.path())
            .env_remove("PASSPHRASE");
        if let Some(passphrase) = passphrase {
            command.env("PASSPHRASE", passphrase);
        }
        let output = command.current_dir(&self.folder).stdin(Stdio::null()).output().unwrap();
        assert!(output.stderr.is_empty());
        let log = String::from_utf8(output.stdout).expect("the log is text");
        assert!(!log.contains(PASSPHRASE), "the passphrase is in the log");
        Called { code: output.status.code(), log: parse(&log) }
    }

    fn back_up(&self, action: &str) -> Called {
        let left = format!("--exclude={}", self.pattern("home/left"));
        let home = format!("--include={}", self.pattern("home"));
        let mut words = vec![action, left.as_str(), home.as_str(), "--exclude=**"];
        words.extend(["--exclude-if-present=CACHEDIR.TAG", "--exclude-if-present=.deja-dup-ignore"]);
        words.extend(["--volsize=200", "/", "URL"]);
        self.call(&words, Some(PASSPHRASE))
    }
}

fn heads(log: &[Stanza], keyword: &str, code: u32) -> Vec<String> {
    log.iter().filter(|stanza| stanza.is(keyword, code)).map(|stanza| stanza.arguments.clone()).collect()
}

/// The lines of the chains, as Déjà Dup reads them: kind, date, volumes, sealing.
fn sets(log: &[Stanza]) -> Vec<[String; 4]> {
    let status = log.iter().find(|stanza| stanza.is("INFO", 3)).expect("there is a status");
    let sets = status.data.iter().filter_map(|line| line.strip_prefix(' '));
    sets.map(|set| set.split(' ').map(str::to_owned).collect::<Vec<_>>().try_into().unwrap()).collect()
}

#[test]
fn a_backup_is_followed_by_its_log() {
    let desktop = Desktop::new();
    let log = desktop.back_up("full").expect(0);
    assert!(sets(&log).is_empty());
    let added = heads(&log, "INFO", 4);
    assert!(
        added.contains(&desktop.name("home/[odd] folder/a")) && added.contains(&"'.'".into()),
        "{added:?}"
    );
    assert!(!added.iter().any(|name| name.contains("left") || name.contains("cached")), "{added:?}");
    let done: u64 = heads(&log, "INFO", 2).last().unwrap().split(' ').next().unwrap().parse().unwrap();
    assert!(done >= 11, "all bytes are done at the end: {done}");

    fs::write(desktop.path("home/b"), "changed").unwrap();
    fs::remove_file(desktop.path("home/[odd] folder/a")).unwrap();
    let log = desktop.back_up("incremental").expect(0);
    let [set]: [_; 1] = sets(&log).try_into().unwrap();
    assert_eq!([&set[0], &set[2], &set[3]], ["full", "1", "enc"]);
    assert_eq!(heads(&log, "INFO", 6), [desktop.name("home/[odd] folder/a")]);
    assert!(heads(&log, "INFO", 5).contains(&desktop.name("home/b")));
    assert!(log.iter().all(|stanza| stanza.keyword != "ERROR"), "{log:?}");
}

#[test]
fn backups_are_browsed_and_restored_by_date() {
    let desktop = Desktop::new();
    desktop.back_up("full").expect(0);
    let log = desktop.call(&["collection-status", "URL"], Some(PASSPHRASE)).expect(0);
    let [set]: [_; 1] = sets(&log).try_into().unwrap();
    let time = format!("--time={}", set[1]);

    let log = desktop.call(&["list-current-files", &time, "URL"], Some(PASSPHRASE)).expect(0);
    let listed = heads(&log, "INFO", 10);
    let entry = |name: &str, kind: &str| {
        listed.iter().any(|head| head.ends_with(&format!(" {} {kind}", desktop.name(name))))
    };
    assert!(entry("home/b", "reg") && entry("home/[odd] folder", "dir"), "{listed:?}");

    let name = desktop.name("home/b");
    let path = format!("--path-to-restore={}", name.trim_matches('\''));
    let target = desktop.path("restored");
    let words =
        ["restore", &path, "--no-restore-ownership", "--force", &time, "URL", target.to_str().unwrap()];
    let log = desktop.call(&words, Some(PASSPHRASE)).expect(0);
    assert_eq!(fs::read_to_string(&target).unwrap(), "second");
    assert_eq!(heads(&log, "INFO", 7), ["'.' reg"]);
    let progress = heads(&log, "INFO", 2);
    let (done, all) = progress.last().unwrap().split_once(' ').unwrap();
    assert_eq!(done, all);

    let missing = desktop.call(&["restore", "--path-to-restore=gone", "URL", "elsewhere"], Some(PASSPHRASE));
    assert_eq!(heads(&missing.expect(19), "ERROR", 19).len(), 1);
}

#[test]
fn a_missing_or_wrong_passphrase_is_an_error_at_once() {
    let desktop = Desktop::new();
    desktop.back_up("full").expect(0);
    fs::remove_dir_all(desktop.path("cache")).unwrap();
    let started = Instant::now();
    for words in [&["restore", "URL", "target"][..], &["list-current-files", "URL"], &["full", "/", "URL"]] {
        let log = desktop.call(words, None).expect(30);
        assert_eq!(heads(&log, "ERROR", 30), ["EOFError"], "{words:?}");
    }
    let log = desktop.call(&["restore", "URL", "target"], Some("a wrong one")).expect(31);
    let error = log.iter().find(|stanza| stanza.is("ERROR", 31)).unwrap();
    assert!(error.text.join(" ").contains("Bad session key"), "{error:?}");
    assert!(started.elapsed() < Duration::from_secs(60));
}

#[test]
fn mistakes_in_the_call_reach_the_log() {
    let desktop = Desktop::new();
    for words in [
        &["frobnicate", "URL"][..],
        &["full", "--frobnicate", "/", "URL"],
        &["--volsize=none", "full", "/", "URL"],
    ] {
        let log = desktop.call(words, None).expect(23);
        assert_eq!(heads(&log, "ERROR", 23), ["CommandLineError"], "{words:?}");
        assert!(!log[0].text.is_empty());
    }
}

#[test]
fn the_version_is_the_last_word() {
    let desktop = Desktop::new();
    let output = Command::new(&desktop.program.path).arg("--version").output().unwrap();
    let text = String::from_utf8(output.stdout).unwrap();
    let version = text.strip_prefix("duplicity ").unwrap().trim();
    assert!(
        version.split('.').count() == 3 && version.split('.').all(|part| part.parse::<u32>().is_ok()),
        "{text}"
    );
}
