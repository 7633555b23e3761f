//! Programs with duplicity's command line, and repositories to use them on.

use std::ffi::{OsStr, OsString};
use std::fmt;
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

use tempfile::TempDir;

/// Seconds after which a call counts as hanging.
const PATIENCE: &str = "300";

/// A program that understands duplicity's command line.
#[derive(Clone, PartialEq, Eq)]
pub(crate) struct Program {
    pub(crate) name: &'static str,
    pub(crate) path: PathBuf,
}

/// Our program as built for the tests, or the one that HINDSIGHT_CLI names.
pub(crate) fn ours() -> Program {
    let built = || env!("CARGO_BIN_EXE_hindsight-cli").into();
    Program { name: "ours", path: std::env::var_os("HINDSIGHT_CLI").unwrap_or_else(built).into() }
}

/// A temporary folder on the disk that cargo builds on, as the usual one may lack room, attributes or access lists.
pub(crate) fn scratch() -> TempDir {
    tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).unwrap()
}

/// A repository folder with a cache for each program, all gone when dropped.
pub(crate) struct Repository {
    pub(super) folder: TempDir,
    pub(crate) password: Option<String>,
}

impl Repository {
    /// An empty one, encrypted if there is a password.
    pub(crate) fn new(password: Option<&str>) -> Self {
        let repository = Self { folder: scratch(), password: password.map(str::to_owned) };
        fs::create_dir(repository.place()).unwrap();
        let home = repository.folder.path().join("home");
        fs::create_dir(&home).unwrap();
        fs::set_permissions(&home, fs::Permissions::from_mode(0o700)).unwrap();
        repository
    }

    /// The folder that the volumes, signatures and manifests are in.
    pub(crate) fn place(&self) -> PathBuf {
        self.folder.path().join("place")
    }

    pub(crate) fn url(&self) -> OsString {
        let mut url = OsString::from("file://");
        url.push(self.place());
        url
    }

    /// `program` with everything that it could pick up from outside set, ready for an action and its arguments.
    pub(crate) fn command(&self, program: &Program, cache: &Path) -> Command {
        fs::create_dir_all(cache).unwrap();
        let home = self.folder.path().join("home");
        let mut command = Command::new(&program.path);
        command.env_clear().env("PATH", std::env::var_os("PATH").unwrap_or_default());
        command.env("LC_ALL", "C.UTF-8").env("TZ", "UTC").env("TMPDIR", &home).env("HOME", &home);
        command
            .env("GNUPGHOME", &home)
            .env("XDG_CACHE_HOME", home.join("cache"))
            .env("XDG_RUNTIME_DIR", &home);
        if let Some(password) = &self.password {
            command.env("PASSPHRASE", password);
        }
        command.stdin(Stdio::null()).arg("--archive-dir").arg(cache).args(["--name", "tests"]);
        if self.password.is_none() {
            command.arg("--no-encryption");
        }
        command
    }

    /// Runs `program` to its end; a call that hangs ends with code 124.
    pub(crate) fn run<A: AsRef<OsStr>>(&self, program: &Program, cache: &Path, arguments: &[A]) -> Outcome {
        let mut command = self.command(program, cache);
        command.args(arguments);
        Outcome::of(command)
    }

    /// Restores the state at `time` to `target`, with a cache that may be warm.
    pub(crate) fn restore(&self, program: &Program, cache: &Path, time: &str, target: &Path) -> Outcome {
        let options = ["restore", "--time", time].map(OsStr::new);
        let url = self.url();
        self.run(program, cache, &[&options[..], &[&url, target.as_os_str()]].concat())
    }
}

/// How a call ended.
pub(crate) struct Outcome {
    /// The command line, for messages.
    call: String,
    pub(crate) code: i32,
    pub(crate) stdout: Vec<u8>,
    pub(crate) stderr: String,
}

impl Outcome {
    pub(crate) fn of(command: Command) -> Self {
        let mut guarded = Command::new("timeout");
        guarded.args(["--kill-after=5", PATIENCE]).arg(command.get_program()).args(command.get_args());
        guarded.env_clear().envs(command.get_envs().filter_map(|(name, value)| Some((name, value?))));
        if let Some(folder) = command.get_current_dir() {
            guarded.current_dir(folder);
        }
        guarded.stdin(Stdio::null());
        let Output { status, stdout, stderr } = guarded.output().unwrap();
        let code = status.code().unwrap_or(-1);
        Self {
            call: format!("{command:?}"),
            code,
            stdout,
            stderr: String::from_utf8_lossy(&stderr).into_owned(),
        }
    }

    /// Fails unless the call ended with `code`.
    pub(crate) fn expect(self, code: i32) -> Self {
        assert!(self.code == code, "should have ended with {code}: {self}");
        self
    }
}

impl fmt::Display for Outcome {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let stdout = String::from_utf8_lossy(&self.stdout);
        write!(f, "{}\nended with {}\n{stdout}\n{}", self.call, self.code, self.stderr)
    }
}
