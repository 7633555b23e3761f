//! GnuPG with keys of its own, and backups made with them.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use tempfile::TempDir;

use super::cli::{Outcome, Program};

/// The GnuPG that the suite is about, if HINDSIGHT_GPG names its gpg: else the system's.
fn named_gpg() -> Option<PathBuf> {
    std::env::var_os("HINDSIGHT_GPG").map(PathBuf::from)
}

/// A program of that GnuPG.
fn program(name: &str) -> PathBuf {
    named_gpg().map_or_else(|| name.into(), |gpg| gpg.with_file_name(name))
}

/// A person with a GnuPG home, files, a place and caches. The path is short because of the agent's socket.
pub(crate) struct Person(TempDir);

/// What to make a key of: for signing, for encryption.
pub(crate) type Kinds = (&'static str, &'static str);

pub(crate) const RSA: Kinds = ("rsa2048", "rsa2048");
pub(crate) const CURVE25519: Kinds = ("ed25519", "cv25519");
pub(crate) const NIST: Kinds = ("nistp256", "nistp256");

impl Person {
    pub(crate) fn new() -> Self {
        let person = Self(tempfile::Builder::new().prefix("g").tempdir_in("/tmp").unwrap());
        fs::create_dir_all(person.path("src/sub")).unwrap();
        fs::create_dir(person.path("place")).unwrap();
        fs::write(person.path("src/a"), "first").unwrap();
        let noise: Vec<u8> =
            (0..400_000_u32).flat_map(|n| n.wrapping_mul(2_654_435_761).to_le_bytes()).collect();
        fs::write(person.path("src/sub/large"), noise).unwrap();
        person
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    fn gpg(&self) -> Command {
        let mut command = Command::new(program("gpg"));
        command.arg("--homedir").arg(self.0.path()).stdin(Stdio::null());
        command.args([
            "--batch",
            "--yes",
            "--quiet",
            "--no-tty",
            "--always-trust",
            "--pinentry-mode",
            "loopback",
        ]);
        command
    }

    pub(crate) fn run_gpg(&self, arguments: &[&str]) -> Vec<u8> {
        let output = self.gpg().args(arguments).output().unwrap();
        assert!(output.status.success(), "{arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
        output.stdout
    }

    /// Whether gpg opens the file with what it has.
    pub(crate) fn gpg_opens(&self, file: &Path) -> bool {
        self.gpg().arg("--decrypt").arg(file).output().unwrap().status.success()
    }

    /// The long id of a new key.
    pub(crate) fn make_key(&self, name: &str, (sign, encrypt): Kinds, passphrase: &str) -> String {
        self.run_gpg(&["--passphrase", passphrase, "--quick-generate-key", name, sign, "sign", "never"]);
        let fingerprint = self.fingerprint(name);
        self.run_gpg(&[
            "--passphrase",
            passphrase,
            "--quick-add-key",
            &fingerprint,
            encrypt,
            "encr",
            "never",
        ]);
        fingerprint[fingerprint.len() - 16..].to_string()
    }

    /// The subkey of `key` that encrypts expires, and there is a new one.
    pub(crate) fn replace_encryption_key(&self, key: &str) {
        let fingerprint = self.fingerprint(key);
        self.run_gpg(&["--passphrase", "", "--quick-set-expire", &fingerprint, "seconds=1", "*"]);
        std::thread::sleep(std::time::Duration::from_secs(2));
        self.run_gpg(&["--passphrase", "", "--quick-add-key", &fingerprint, "cv25519", "encr", "never"]);
    }

    pub(crate) fn fingerprint(&self, name: &str) -> String {
        let listing = String::from_utf8(self.run_gpg(&["--with-colons", "--list-keys", name])).unwrap();
        let line = listing.lines().find(|line| line.starts_with("fpr")).unwrap();
        line.split(':').nth(9).unwrap().to_string()
    }

    /// Knows the public keys of `other` from now on, and trusts them: stock asks for that.
    pub(crate) fn meet(&self, other: &Self) {
        fs::write(self.path("gpg.conf"), "trust-model always\n").unwrap();
        let file = self.path("keys");
        fs::write(&file, other.run_gpg(&["--export"])).unwrap();
        self.run_gpg(&["--import", file.to_str().unwrap()]);
    }

    pub(crate) fn gpgconf(&self, arguments: &[&str]) {
        let done =
            Command::new(program("gpgconf")).arg("--homedir").arg(self.0.path()).args(arguments).status();
        assert!(done.unwrap().success());
    }

    /// The agent knows no passphrase any more.
    pub(crate) fn lock(&self) {
        self.gpgconf(&["--reload", "gpg-agent"]);
    }

    /// The agent knows the passphrase of every part of the key, as a login or keychain leaves it.
    pub(crate) fn unlock(&self, key: &str, passphrase: &str) {
        fs::write(self.path("gpg-agent.conf"), "allow-preset-passphrase\n").unwrap();
        self.gpgconf(&["--reload", "gpg-agent"]);
        let listing = self.run_gpg(&["--with-colons", "--with-keygrip", "--list-secret-keys", key]);
        let folder = Command::new("gpgconf").args(["--list-dirs", "libexecdir"]).output().unwrap().stdout;
        let preset = Path::new(String::from_utf8(folder).unwrap().trim()).join("gpg-preset-passphrase");
        for line in String::from_utf8(listing).unwrap().lines().filter(|line| line.starts_with("grp")) {
            let mut preset = Command::new(&preset);
            preset.arg("--preset").arg(line.split(':').nth(9).unwrap()).env("GNUPGHOME", self.0.path());
            let mut preset = preset.stdin(Stdio::piped()).spawn().unwrap();
            std::io::Write::write_all(&mut preset.stdin.take().unwrap(), passphrase.as_bytes()).unwrap();
            assert!(preset.wait().unwrap().success());
        }
    }

    /// The words of `line`, where `SRC`, `URL` and `OUT` are the source, the place and a new folder; `variables` as in
    /// `NAME=value`. With a cache of its own for each program.
    pub(crate) fn run(&self, program: &Program, variables: &[&str], line: &str) -> Outcome {
        self.run_at(program, variables, line, &self.path("place"))
    }

    /// With another place.
    pub(crate) fn run_at(&self, program: &Program, variables: &[&str], line: &str, place: &Path) -> Outcome {
        let _ = fs::remove_dir_all(self.path("out"));
        let url = format!("file://{}", place.display());
        let mut command = Command::new("setsid"); // without a terminal at which somebody could be asked
        command.arg("--wait").arg(&program.path);
        command.env_clear().env("PATH", std::env::var_os("PATH").unwrap_or_default());
        command.env("LC_ALL", "C.UTF-8").env("HOME", self.0.path()).env("GNUPGHOME", self.0.path());
        command.env("XDG_RUNTIME_DIR", self.0.path()).env("TMPDIR", self.0.path());
        command.envs(variables.iter().map(|variable| variable.split_once('=').unwrap()));
        command.arg("--archive-dir").arg(self.path("caches").join(program.name));
        if let Some(gpg) = named_gpg().filter(|_| !line.contains("--gpg-binary")) {
            command.arg("--gpg-binary").arg(gpg);
        }
        command.args(line.split_whitespace().map(|word| match word {
            "SRC" => self.path("src").into_os_string(),
            "OUT" => self.path("out").into_os_string(),
            "URL" => url.clone().into(),
            word => word.into(),
        }));
        Outcome::of(command)
    }

    /// Nothing is known of the backups any more.
    pub(crate) fn forget_backups(&self) {
        let _ = fs::remove_dir_all(self.path("caches"));
    }

    /// The stored files whose names have `part`, in order.
    pub(crate) fn stored(&self, part: &str) -> Vec<PathBuf> {
        let files = fs::read_dir(self.path("place")).unwrap().map(|entry| entry.unwrap().path());
        let mut files: Vec<_> = files.filter(|path| path.to_str().unwrap().contains(part)).collect();
        files.sort();
        files
    }

    /// A file with the secret key `key` of this person's.
    pub(crate) fn export_secret(&self, key: &str, passphrase: &str) -> PathBuf {
        let file = self.path("secret.asc");
        let export = ["--armor", "--passphrase", passphrase, "--export-secret-keys", key];
        fs::write(&file, self.run_gpg(&export)).unwrap();
        file
    }

    /// What was restored is what is there.
    pub(crate) fn expect_all_back(&self) {
        let same =
            Command::new("diff").arg("-r").args([self.path("src"), self.path("out")]).output().unwrap();
        assert!(same.status.success(), "{}", String::from_utf8_lossy(&same.stdout));
    }
}

impl Drop for Person {
    fn drop(&mut self) {
        self.gpgconf(&["--kill", "all"]);
    }
}
