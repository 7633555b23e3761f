//! The program as somebody at a shell sees it: arguments and variables in, texts and exit codes out.
#![allow(clippy::unwrap_used, clippy::expect_used)]

use std::fs;
use std::io::{Read, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use tempfile::TempDir;

const PROGRAM: &str = env!("CARGO_BIN_EXE_hindsight-cli");
const PASSPHRASE: &str = "correct horse battery staple";

/// A home of its own: sources, a place, caches.
struct Sandbox {
    folder: TempDir,
}

impl Sandbox {
    fn new() -> Self {
        let sandbox = Self { folder: tempfile::tempdir().unwrap() };
        fs::create_dir_all(sandbox.path("src/sub")).unwrap();
        fs::write(sandbox.path("src/a"), "first").unwrap();
        fs::write(sandbox.path("src/sub/b"), "second").unwrap();
        sandbox
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn url(&self) -> String {
        format!("file://{}", self.path("place").display())
    }

    /// Words of `line`, where `URL` is the place. Runs in the sandbox, without a terminal.
    fn command(&self, line: &str) -> Command {
        let mut command = Command::new("setsid");
        command.arg("--wait").arg(PROGRAM);
        self.prepare(command, line)
    }

    /// As `command`, but signals to the child reach the program.
    fn direct_command(&self, line: &str) -> Command {
        self.prepare(Command::new(PROGRAM), line)
    }

    fn prepare(&self, mut command: Command, line: &str) -> Command {
        command.args(line.split_whitespace().map(|word| word.replace("URL", &self.url())));
        command.current_dir(&self.folder).stdin(Stdio::null());
        command.env("HOME", self.folder.path()).env("XDG_RUNTIME_DIR", self.folder.path());
        command.env_remove("XDG_CACHE_HOME").env("PASSPHRASE", PASSPHRASE);
        command
    }

    fn run(&self, line: &str) -> Ran {
        Ran::of(line, self.command(line).output().unwrap())
    }

    fn run_without_passphrase(&self, line: &str) -> Ran {
        Ran::of(line, self.command(line).env_remove("PASSPHRASE").output().unwrap())
    }

    fn backed_up(self) -> Self {
        self.run("full src URL").expect(0);
        self
    }
}

struct Ran {
    line: String,
    code: i32,
    stdout: String,
    stderr: String,
}

impl Ran {
    fn of(line: &str, output: Output) -> Self {
        let text = |bytes: Vec<u8>| String::from_utf8_lossy(&bytes).into_owned();
        let ran = Self {
            line: line.to_string(),
            code: output.status.code().unwrap_or(-1),
            stdout: text(output.stdout),
            stderr: text(output.stderr),
        };
        assert!(!ran.all().contains(PASSPHRASE), "{line}: the passphrase is in the output");
        ran
    }

    fn all(&self) -> String {
        format!("{}\n{}", self.stdout, self.stderr)
    }

    #[track_caller]
    fn expect(self, code: i32) -> Self {
        assert_eq!(self.code, code, "{}\nstdout: {}\nstderr: {}", self.line, self.stdout, self.stderr);
        self
    }

    #[track_caller]
    fn saying(self, part: &str) -> Self {
        assert!(self.all().contains(part), "{}: {part:?} is missing in\n{}", self.line, self.all());
        self
    }
}

fn content(path: &Path) -> String {
    fs::read_to_string(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

#[test]
fn what_was_backed_up_comes_back_as_of_any_date() {
    let sandbox = Sandbox::new();
    sandbox.run("full src URL").expect(0).saying("NewFiles 4");
    let first = SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs();
    std::thread::sleep(Duration::from_millis(1_100));
    fs::write(sandbox.path("src/a"), "changed now").unwrap();
    fs::remove_file(sandbox.path("src/sub/b")).unwrap();
    fs::write(sandbox.path("src/c"), "third").unwrap();
    let ran = sandbox.run("inc -v5 src URL").expect(0);
    for line in ["M a\n", "A c\n", "D sub/b\n"] {
        assert!(ran.stdout.contains(line), "{}", ran.stdout);
    }
    sandbox.run("restore URL new").expect(0);
    assert_eq!(content(&sandbox.path("new/a")), "changed now");
    assert!(!sandbox.path("new/sub/b").exists());
    sandbox.run(&format!("URL old --time {first}")).expect(0);
    assert_eq!(content(&sandbox.path("old/a")), "first");
    assert_eq!(content(&sandbox.path("old/sub/b")), "second");
    assert!(!sandbox.path("old/c").exists());
    sandbox.run(&format!("URL one -r sub/b -t {first}")).expect(0);
    assert_eq!(content(&sandbox.path("one")), "second");
}

#[test]
fn lists_and_status_are_in_duplicitys_form() {
    let sandbox = Sandbox::new().backed_up();
    let ran = sandbox.run("ls URL").expect(0);
    let paths: Vec<_> = ran.stdout.lines().map(|line| line.split_at(25).1).collect();
    assert_eq!(paths, [".", "a", "sub", "sub/b"], "{}", ran.stdout);
    sandbox
        .run_without_passphrase("collection-status URL")
        .expect(0)
        .saying("Found primary backup chain with matching signature chain:")
        .saying("Number of contained backup sets: 1\n")
        .saying("No orphaned or incomplete backup sets found.\n");
}

#[test]
fn a_search_finds_names_of_all_dates_and_tells_what_was_deleted() {
    let sandbox = Sandbox::new().backed_up();
    fs::remove_file(sandbox.path("src/sub/b")).unwrap();
    sandbox.run("backup src URL").expect(0);
    let ran = sandbox.run("search URL B").expect(0);
    assert!(ran.stdout.contains(" sub/b (deleted by ") && ran.stdout.lines().count() == 2, "{}", ran.stdout);
    sandbox.run("search URL none").expect(0);
}

#[test]
fn verify_tells_differences_by_its_exit_code() {
    let sandbox = Sandbox::new().backed_up();
    let complete = "Verify complete: 4 file(s) compared, 0 difference(s) found.";
    sandbox.run("verify URL src --compare-data").expect(0).saying(complete);
    fs::write(sandbox.path("src/a"), "other").unwrap();
    sandbox.run("verify URL src").expect(0).saying(complete);
    sandbox
        .run("verify --compare-data URL src")
        .expect(1)
        .saying("Difference found: src/a")
        .saying("4 file(s) compared, 1 difference(s) found.");
}

#[test]
fn options_stand_before_and_after_the_action_and_may_be_abbreviated() {
    let sandbox = Sandbox::new();
    let options = "--no-encrypt --no-print-stat --vol 5 --archive=cache --name n";
    let ran = sandbox.run(&format!("{options} src URL")).expect(0);
    assert_eq!(ran.all().trim(), "");
    assert!(sandbox.path("cache/n").is_dir());
    sandbox.run(&format!("src {options} URL --exclude src/sub --allow-source")).expect(0);
    let ran = sandbox.run("--no-enc ls --archive-dir cache URL --name n").expect(0);
    assert!(!ran.stdout.contains("sub"), "{}", ran.stdout);
}

#[test]
fn every_refusal_has_its_sentence_and_code() {
    let sandbox = Sandbox::new().backed_up();
    fs::create_dir(sandbox.path("empty")).unwrap();
    let empty = format!("file://{}", sandbox.path("empty").display());
    for (line, code, sentence) in [
        ("--nonsense st URL", 23, "There is no option --nonsense."),
        ("--use-gpgsm src URL", 23, "The option --use-gpgsm cannot be used."),
        ("--log-fd 77 st URL", 23, "The log cannot be written to the file descriptor 77"),
        ("--log-fd x st URL", 23, "is no value for --log-fd"),
        ("remove-all-but-n-full 0 URL", 23, "not a number of full backups"),
        ("src sub", 23, "One of the two must be a place"),
        ("st gopher://x/y", 23, "gopher:// are not supported"),
        ("ls URL -t 3d", 23, "is not a time"),
        ("src URL --include src/a", 16, "changes nothing"),
        ("missing URL", 13, "does not exist"),
        ("other URL", 42, "of the folder src, not of other"),
        ("restore URL src", 11, "is not empty"),
        ("restore URL new -r sub/z", 19, "does not hold sub/z"),
        ("restore URL-gone new", 52, "does not exist or is not connected"),
        (&format!("ls {empty}"), 30, "There are no backups"),
        (&format!("restore {empty} new"), 30, "There are no backups"),
        (&format!("inc src {empty}"), 17, "no earlier backup"),
    ] {
        if line.starts_with("other") {
            fs::create_dir(sandbox.path("other")).unwrap();
        }
        sandbox.run(line).expect(code).saying(sentence);
    }
    assert!(!sandbox.path("new").exists());
}

#[test]
fn lines_begin_with_time_and_level_on_demand() {
    let sandbox = Sandbox::new().backed_up();
    let ran = sandbox.run("ls URL --log-timestamp -v5 --ignore-errors").expect(0);
    let is_stamped = |line: &str| {
        let (date, rest) = line.split_at(23);
        let level = rest.starts_with(" INFO   ") || rest.starts_with(" NOTICE ");
        date.starts_with("20") && date.as_bytes()[19] == b',' && level
    };
    assert!(ran.stdout.lines().count() > 4 && ran.stdout.lines().all(is_stamped), "{}", ran.stdout);
    sandbox.run("ls URL-gone --log-timestamp").expect(52).saying(" ERROR  Could not find");
}

#[test]
fn a_restore_replaces_files_only_when_forced() {
    let sandbox = Sandbox::new().backed_up();
    fs::create_dir(sandbox.path("new")).unwrap();
    fs::write(sandbox.path("new/a"), "mine").unwrap();
    sandbox.run("restore URL new").expect(11).saying("--force");
    assert_eq!(content(&sandbox.path("new/a")), "mine");
    sandbox.run("restore URL new --force").expect(0);
    assert_eq!(content(&sandbox.path("new/a")), "first");
}

#[test]
fn a_damaged_volume_costs_what_was_in_it_and_the_exit_code_tells() {
    let sandbox = Sandbox::new().backed_up();
    let volumes = fs::read_dir(sandbox.path("place")).unwrap().map(|entry| entry.unwrap().path());
    for volume in volumes.filter(|path| path.to_string_lossy().contains(".difftar.")) {
        fs::write(volume, "garbage").unwrap();
    }
    sandbox.run("restore URL new").expect(21).saying("could not be brought back");
    sandbox.run("verify URL src").expect(21);
}

#[test]
fn without_a_terminal_a_missing_passphrase_is_an_error_and_never_waits() {
    let sandbox = Sandbox::new();
    let started = Instant::now();
    sandbox.run_without_passphrase("full src URL").expect(31).saying("PASSPHRASE");
    assert!(!sandbox.path("place").exists(), "nothing was touched");
    let sandbox = sandbox.backed_up();
    for line in [
        "inc src URL",
        "restore URL new",
        "verify URL src",
        "URL new --no-encryption",
        "ls URL --archive-dir x",
    ] {
        sandbox.run_without_passphrase(line).expect(31);
    }
    assert!(started.elapsed() < Duration::from_secs(60));
}

/// Types the answers at a terminal made by script(1), each after its prompt.
fn type_at_terminal(sandbox: &Sandbox, line: &str, answers: &[&str]) -> (Option<i32>, String) {
    let words: Vec<_> = line.split(' ').map(|word| word.replace("URL", &sandbox.url())).collect();
    let mut command = Command::new("script");
    command.args(["-q", "-e", "-c", &format!("{PROGRAM} {}", words.join(" ")), "/dev/null"]);
    command.current_dir(&sandbox.folder).env("HOME", sandbox.folder.path()).env_remove("PASSPHRASE");
    command.env("XDG_RUNTIME_DIR", sandbox.folder.path()).env_remove("XDG_CACHE_HOME");
    let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
    let (mut input, mut output) = (child.stdin.take().unwrap(), child.stdout.take().unwrap());
    let mut said = String::new();
    let mut answers = answers.iter();
    let mut buffer = [0; 256];
    while let Ok(count @ 1..) = output.read(&mut buffer) {
        said += &String::from_utf8_lossy(&buffer[..count]);
        if said.ends_with(": ")
            && let Some(answer) = answers.next()
        {
            // The prompt comes a moment before the terminal stops echoing.
            std::thread::sleep(Duration::from_millis(300));
            writeln!(input, "{answer}").unwrap();
        }
    }
    (child.wait().unwrap().code(), said)
}

#[test]
fn at_a_terminal_the_passphrase_is_asked_for_twice_to_save_and_once_to_restore() {
    let sandbox = Sandbox::new();
    let answers = [PASSPHRASE, "a typo", PASSPHRASE, PASSPHRASE];
    let (code, said) = type_at_terminal(&sandbox, "full src URL", &answers);
    assert_eq!(code, Some(0), "{said}");
    assert_eq!(said.matches("passphrase: ").count(), 2, "{said}");
    assert_eq!(said.matches("Retype passphrase to confirm: ").count(), 2, "{said}");
    assert!(!said.contains(PASSPHRASE), "{said}");
    let (code, said) = type_at_terminal(&sandbox, "restore URL new", &[PASSPHRASE]);
    assert_eq!(code, Some(0), "{said}");
    assert_eq!(said.matches("passphrase: ").count(), 1, "{said}");
    assert_eq!(content(&sandbox.path("new/a")), "first");
}

#[test]
fn a_weak_passphrase_is_refused_at_a_terminal_and_taken_from_a_script() {
    let sandbox = Sandbox::new();
    let (code, said) = type_at_terminal(&sandbox, "full src URL", &["herons", PASSPHRASE, PASSPHRASE]);
    assert_eq!(code, Some(0), "{said}");
    assert_eq!(said.matches("is weak").count(), 1, "{said}");

    let sandbox = Sandbox::new();
    let line = "full --allow-weak-password src URL";
    let (code, said) = type_at_terminal(&sandbox, line, &["herons", "herons"]);
    assert_eq!(code, Some(0), "{said}");
    assert!(!said.contains("is weak"), "{said}");

    let sandbox = Sandbox::new();
    let run =
        || Ran::of("full", sandbox.command("full src URL").env("PASSPHRASE", "herons").output().unwrap());
    assert!(run().expect(0).stderr.contains("PASSPHRASE is weak"));
    assert!(!run().expect(0).stderr.contains("weak"), "it is said once");
}

#[test]
fn a_wrong_passphrase_is_told_and_nothing_is_written() {
    let sandbox = Sandbox::new().backed_up();
    let stored = || fs::read_dir(sandbox.path("place")).unwrap().count();
    let before = stored();
    for line in ["full src URL", "inc src URL -v9", "URL new", "ls URL -v9 --archive-dir x", "verify URL src"]
    {
        let mut command = sandbox.command(line);
        let ran = Ran::of(line, command.env("PASSPHRASE", "wrong-secret").output().unwrap()).expect(31);
        assert!(!ran.all().contains("wrong-secret"), "{}", ran.all());
    }
    assert_eq!(stored(), before);
}

#[test]
fn the_passphrase_is_in_no_output_at_any_verbosity() {
    let sandbox = Sandbox::new();
    // `Ran` looks at every output.
    for line in
        ["full src URL -v9", "inc src URL -v9", "ls URL -v9", "st URL -v9", "URL new -v9", "URL new -v9"]
    {
        sandbox.run(line);
    }
}

#[test]
fn the_place_and_the_cache_inside_the_source_are_left_out() {
    let sandbox = Sandbox::new();
    fs::create_dir_all(sandbox.path("src/place")).unwrap();
    let inside = sandbox.path("src/place");
    let line = format!("src file://{} --archive-dir src --name cache", inside.display());
    sandbox.run(&line).expect(0);
    sandbox.run(&line).expect(0);
    let ran =
        sandbox.run(&format!("ls file://{} --archive-dir src --name cache", inside.display())).expect(0);
    assert!(!ran.stdout.contains("place/") && !ran.stdout.contains("cache/"), "{}", ran.stdout);
}

#[test]
fn two_runs_at_once_do_not_meet() {
    let sandbox = Sandbox::new().backed_up();
    let big = vec![7; 1 << 20];
    (0..64).for_each(|n| fs::write(sandbox.path(&format!("src/big{n}")), &big).unwrap());
    let mut first = sandbox.command("inc src URL").stdout(Stdio::null()).spawn().unwrap();
    let lock = || walk(&sandbox.path(".cache")).iter().any(|path| path.ends_with("lockfile"));
    wait_until(&mut first, lock);
    let second = sandbox.run("inc src URL");
    assert!(first.wait().unwrap().success());
    // The first may have ended in between.
    if second.code != 0 {
        second.expect(23).saying("using this place");
    }
}

#[test]
fn an_interrupt_closes_the_set_and_the_next_run_adds_the_rest() {
    let sandbox = Sandbox::new();
    let mut block = vec![0; 1 << 20];
    for number in 0..200u32 {
        let seed = number.wrapping_mul(2_654_435_761);
        let mut state = u64::from(seed) | 1;
        for byte in &mut block {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            *byte = (state >> 56) as u8;
        }
        fs::write(sandbox.path(&format!("src/file{number:03}")), &block).unwrap();
    }
    let mut command = sandbox.direct_command("full --volsize 1 src URL");
    let mut child = command.stdout(Stdio::null()).stderr(Stdio::piped()).spawn().unwrap();
    // Published ones: what is only staged is no part of a set yet.
    let is_volume = |path: &Path| path.to_string_lossy().contains("/duplicity-full.");
    let volumes = || walk(&sandbox.path("place")).iter().filter(|path| is_volume(path)).count();
    wait_until(&mut child, || volumes() >= 3);
    let pid = nix::unistd::Pid::from_raw(child.id() as i32);
    nix::sys::signal::kill(pid, nix::sys::signal::Signal::SIGINT).unwrap();
    let code = child.wait().unwrap().code();
    let mut said = String::new();
    child.stderr.take().unwrap().read_to_string(&mut said).unwrap();
    assert_eq!(code, Some(4), "{said}");
    assert!(said.contains("Stopped as you asked."), "{said}");

    let partial = sandbox.run("ls URL").expect(0);
    assert!(!partial.stdout.contains("file199"), "{}", partial.stdout);
    sandbox.run("restore URL partial").expect(0);
    sandbox.run("src URL").expect(0);
    sandbox.run("restore URL whole").expect(0);
    for number in [0, 100, 199] {
        let name = format!("file{number:03}");
        let (was, is) = (sandbox.path("src").join(&name), sandbox.path("whole").join(&name));
        assert_eq!(fs::read(was).unwrap(), fs::read(is).unwrap(), "{name}");
    }
}

#[test]
fn help_and_version_are_quick_and_need_nothing() {
    let sandbox = Sandbox::new();
    sandbox.run("--help").expect(0).saying("collection-status URL");
    let ran = sandbox.run("--version").expect(0);
    assert_eq!(ran.stdout.trim(), format!("hindsight-cli {}", env!("CARGO_PKG_VERSION")));
    assert!(!sandbox.path(".cache").exists());
}

/// Everything below a folder.
fn walk(folder: &Path) -> Vec<PathBuf> {
    let Ok(entries) = fs::read_dir(folder) else { return Vec::new() };
    let deeper = |path: PathBuf| if path.is_dir() { walk(&path) } else { vec![path] };
    entries.flatten().flat_map(|entry| deeper(entry.path())).collect()
}

/// Until `happened`, or the child has ended, or half a minute has passed.
fn wait_until(child: &mut Child, happened: impl Fn() -> bool) {
    let deadline = Instant::now() + Duration::from_secs(30);
    while !happened() && Instant::now() < deadline && child.try_wait().unwrap().is_none() {
        std::thread::sleep(Duration::from_millis(5));
    }
}
