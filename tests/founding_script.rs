//! The script that people who back up by duplicity and GnuPG run every night, as it stands, with our program under
//! duplicity's name: two keys, whose passphrases only the agent knows, and nobody there to be asked.

#![allow(clippy::unwrap_used, clippy::expect_used)] // a test that cannot go on fails

#[allow(dead_code)]
mod support {
    pub(crate) mod cli;
    pub(crate) mod gnupg;
    pub(crate) mod sshd;
    pub(crate) mod stock;
}

use std::fs;
use std::os::unix::fs::symlink;
use std::process::Command;

use support::cli::{Outcome, Program, ours};
use support::gnupg::{CURVE25519, Person, RSA};
use support::sshd::Sshd;
use support::stock;

const BACKUP: &str = r#"
duplicity --use-agent --verbosity notice --encrypt-key "$enc_key" --sign-key "$sign_key" \
    --full-if-older-than 60D --num-retries 3 --asynchronous-upload --volsize 100 \
    --archive-dir "$cache" --log-file "$log" --exclude "$src/cache" --exclude '**rdiff-backup-data' "$src" "$dest"
"#;

/// On the day when everything is lost.
const RESTORE: &str = r#"
duplicity --use-agent --encrypt-key "$enc_key" --sign-key "$sign_key" --archive-dir "$cache" "$dest" "$out"
"#;

const PASSPHRASE: &str = "only the agent knows";

struct Night {
    person: Person,
    enc_key: String,
    sign_key: String,
    dest: String,
}

impl Night {
    fn new() -> Self {
        let person = Person::new();
        let enc_key = person.make_key("opens", RSA, PASSPHRASE);
        let sign_key = person.make_key("signs", CURVE25519, PASSPHRASE);
        fs::create_dir(person.path("bin")).unwrap();
        fs::create_dir_all(person.path("src/cache")).unwrap();
        fs::write(person.path("src/cache/what"), "left out").unwrap();
        fs::create_dir_all(person.path("src/sub/rdiff-backup-data")).unwrap();
        fs::write(person.path("src/sub/rdiff-backup-data/what"), "left out").unwrap();
        let dest = format!("file://{}", person.path("place").display());
        Self { person, enc_key, sign_key, dest }
    }

    /// The place is the same folder, but reached over a server.
    fn over(mut self, sshd: &Sshd) -> Self {
        sshd.introduce(&self.person.path(".ssh"));
        self.dest = sshd.url(&self.person.path("place")).replace("sftp://", "scp://");
        self
    }

    fn run(&self, program: &Program, script: &str) -> Outcome {
        let person = &self.person;
        let link = person.path("bin/duplicity");
        let _ = fs::remove_file(&link);
        symlink(&program.path, &link).unwrap();
        // Without a terminal, as cron starts it.
        let mut command = Command::new("setsid");
        command.args(["--wait", "bash", "-euc", script]).env_clear();
        command.env("PATH", format!("{}:{}", person.path("bin").display(), std::env::var("PATH").unwrap()));
        command.env("LC_ALL", "C.UTF-8").env("GNUPGHOME", person.path("")).env("HOME", person.path(""));
        command.env("XDG_RUNTIME_DIR", person.path("")).env("TMPDIR", person.path(""));
        command.env("enc_key", &self.enc_key).env("sign_key", &self.sign_key);
        command.env("src", person.path("src")).env("out", person.path("out"));
        command.env("dest", &self.dest);
        command.env("cache", person.path("caches").join(program.name)).env("log", person.path("log"));
        Outcome::of(command)
    }

    fn expect_back(&self) {
        let _ = fs::remove_dir_all(self.person.path("src/cache"));
        let _ = fs::remove_dir_all(self.person.path("src/sub/rdiff-backup-data"));
        self.person.expect_all_back();
        fs::remove_dir_all(self.person.path("out")).unwrap();
    }
}

#[test]
fn the_nightly_script_runs_as_it_stands() {
    runs_as_it_stands(&Night::new(), &[ours(), stock::new(), stock::old()]);
}

#[test]
fn the_nightly_script_runs_over_ssh() {
    let sshd = Sshd::start();
    runs_as_it_stands(&Night::new().over(&sshd), &[ours(), stock::new()]);
    assert!(sshd.log().contains("Accepted publickey"), "{}", sshd.log());
}

fn runs_as_it_stands(night: &Night, readers: &[Program]) {
    let person = &night.person;
    person.lock();
    let locked = night.run(&ours(), BACKUP).expect(31);
    assert!(locked.stderr.contains("locked"), "it says why at once: {locked}");
    assert!(person.stored("duplicity-").is_empty());

    person.unlock(&night.sign_key, PASSPHRASE);
    night.run(&ours(), BACKUP).expect(0);
    assert_eq!(person.stored("duplicity-full").len(), 3);
    assert!(fs::read_to_string(person.path("log")).unwrap().contains("NOTICE 1"));
    fs::write(person.path("src/a"), "second").unwrap();
    std::thread::sleep(std::time::Duration::from_millis(1100));
    night.run(&ours(), BACKUP).expect(0);
    assert_eq!(person.stored("duplicity-full").len(), 3, "it is young");
    assert_eq!(person.stored("duplicity-inc.").len(), 2);

    person.unlock(&night.enc_key, PASSPHRASE);
    for program in readers {
        night.run(program, RESTORE).expect(0);
        night.expect_back();
    }
}

#[test]
fn two_words_back_up_and_bring_back() {
    let night = Night::new();
    let password = "export PASSPHRASE=duck";
    night.run(&ours(), &format!("{password}\nduplicity \"$src\" \"$dest\"")).expect(0);
    night.run(&ours(), &format!("{password}\nduplicity \"$dest\" \"$out\"")).expect(0);
    night.person.expect_all_back();
}
