//! duply, the wrapper that many people run duplicity by, on our program under duplicity's name.

#![allow(clippy::unwrap_used, clippy::expect_used)] // a test that cannot go on fails

#[allow(dead_code, unused_imports)]
mod support {
    pub(crate) mod cli;
    pub(crate) mod compare;
    pub(crate) mod hash;
    pub(crate) mod stock;
}

use std::fs;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::process::Command;

use support::cli::{Outcome, Program, ours, scratch};
use support::stock;
use tempfile::TempDir;

/// Somebody with a duply profile `docs`, and a `duplicity` in PATH that is the program under test.
struct Person(TempDir);

impl Person {
    fn new(program: &Program, settings: &str) -> Self {
        let person = Self(scratch());
        fs::create_dir(person.path("bin")).unwrap();
        symlink(&program.path, person.path("bin/duplicity")).unwrap();
        fs::create_dir_all(person.path("src/notes")).unwrap();
        fs::create_dir(person.path("home")).unwrap();
        fs::create_dir(person.path("tmp")).unwrap();
        person.write("notes/letter", "first");
        person.write("notes/draft.tmp", "left out");
        person.write("table", "1 2 3");
        person.duply("create").expect(0);
        let profile = person.path("home/.duply/docs");
        let (source, place) = (person.path("src"), person.path("place"));
        let here = format!("SOURCE='{}'\nTARGET='file://{}'\n", source.display(), place.display());
        let scratch = format!("TEMP_DIR='{}'\nVERBOSITY=5\n", person.path("tmp").display());
        fs::write(profile.join("conf"), [settings, &here, &scratch].concat()).unwrap();
        fs::write(profile.join("exclude"), "# what nobody needs\n- **.tmp\n").unwrap();
        person
    }

    fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    fn write(&self, name: &str, text: &str) {
        fs::write(self.path("src").join(name), text).unwrap();
    }

    fn read(&self, name: &str) -> String {
        fs::read_to_string(self.path(name)).unwrap()
    }

    /// The words of `line`, where `@` stands for this person's folder.
    fn duply(&self, line: &str) -> Outcome {
        let mut command = Command::new("duply");
        command.arg("docs");
        let here = format!("{}/", self.0.path().display());
        command.args(line.split_whitespace().map(|word| word.replace('@', &here)));
        let path = std::env::var("PATH").unwrap();
        command.env_clear().env("PATH", format!("{}:{path}", self.path("bin").display()));
        command.env("HOME", self.path("home")).env("LC_ALL", "C.UTF-8").env("TZ", "UTC");
        Outcome::of(command)
    }

    fn says(&self, line: &str, words: &[&str]) {
        let outcome = self.duply(line).expect(0);
        let said = String::from_utf8_lossy(&outcome.stdout).into_owned();
        for word in words {
            assert!(said.contains(word), "{word:?} is missing: {outcome}");
        }
    }

    /// How many objects of the place have `part` in their names.
    fn stored(&self, part: &str) -> usize {
        let names = fs::read_dir(self.path("place")).unwrap();
        names.filter(|name| name.as_ref().unwrap().file_name().to_string_lossy().contains(part)).count()
    }
}

fn whole_life(program: &Program, settings: &str) {
    let person = Person::new(program, settings);
    person.says("backup", &["StartTime", "NewFiles", "Finished state OK"]);
    assert_eq!((person.stored("-full."), person.stored("-inc.")), (2, 0));
    // A file rewritten within the second of its first writing is the same file to duplicity: it compares whole
    // seconds, and no sizes.
    pause();
    person.write("notes/letter", "second");
    person.says("incr", &["Errors 0", "Finished state OK"]);
    pause();
    person.says("status", &["Number of contained backup sets: 2", "Full", "Incremental"]);
    let listed = String::from_utf8(person.duply("list").expect(0).stdout).unwrap();
    assert!(listed.contains(" notes/letter") && listed.contains(" table"), "{listed}");
    assert!(!listed.contains(" notes/draft.tmp"), "{listed}");

    person.says("verify", &["0 difference"]);
    person.write("table", "4 5 6");
    assert_ne!(person.duply("verify --compare-data").code, 0);
    person.says("verifyPath notes/letter @src/notes/letter", &["0 difference"]);

    person.duply("fetch notes/letter @fetched").expect(0);
    assert_eq!(person.read("fetched"), "second");
    person.duply("restore @out").expect(0);
    assert_eq!(
        (person.read("out/notes/letter"), person.read("out/table")),
        ("second".into(), "1 2 3".into())
    );
    assert!(!Path::new(&person.path("out/notes/draft.tmp")).exists());

    person.duply("full").expect(0);
    pause();
    person.duply("full").expect(0);
    person.says("purgeFull 2", &["Finished state OK"]);
    assert_eq!(person.stored("-full."), 6, "nothing is deleted unless it is forced");
    person.duply("purgeFull 2 --force").expect(0);
    assert_eq!((person.stored("-full."), person.stored("-inc.")), (4, 0));
    pause();
    person.duply("purge 1s --force").expect(0);
    assert_eq!(person.stored("-full."), 2, "the newest stays however old");

    // What an interrupted backup may leave.
    let kind = if settings == PLAIN { "gz" } else { "gpg" };
    let volume = format!("place/duplicity-full.20200101T000000Z.vol1.difftar.{kind}");
    fs::write(person.path(&volume), "half").unwrap();
    person.duply("cleanup --force").expect(0);
    assert_eq!(person.stored("20200101"), 0);
    person.duply("restore @again").expect(0);
    assert_eq!(person.read("again/table"), "4 5 6");
}

/// Sets are dated by the second.
fn pause() {
    std::thread::sleep(std::time::Duration::from_millis(1100));
}

const PLAIN: &str = "GPG_KEY='disabled'\n";
const BY_PASSWORD: &str = "GPG_PW='duck soup'\n";

#[test]
fn all_commands_of_duply_work_without_encryption() {
    whole_life(&ours(), PLAIN);
}

#[test]
fn all_commands_of_duply_work_with_a_password() {
    whole_life(&ours(), BY_PASSWORD);
}

/// What is expected above is what stock does.
#[test]
fn all_commands_of_duply_work_alike_with_stock() {
    whole_life(&stock::old(), PLAIN);
}
