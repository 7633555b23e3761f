//! A repository that lies on a server.

use std::fs;
use std::path::PathBuf;
use std::process::Command;
use std::time::{Duration, Instant};

use hindsight::destination::MARKER_NAME;
use tempfile::TempDir;

use crate::support::backup::PASSWORD;
use crate::support::bytes::bytes;
use crate::support::cli::{Outcome, Program, Repository, scratch};
use crate::support::compare::{Detail, Snapshot};
use crate::support::sets::file_names;
use crate::support::sshd::Sshd;

/// A repository that lies on a server, and the folder that it is of.
pub(crate) struct Scene {
    pub(crate) repository: Repository,
    pub(crate) source: TempDir,
    pub(crate) sshd: Sshd,
}

impl Scene {
    pub(crate) fn new() -> Self {
        Self::with(Sshd::start())
    }

    pub(crate) fn with(sshd: Sshd) -> Self {
        let repository = Repository::new(Some(PASSWORD));
        sshd.introduce(&repository.place().with_file_name("home/.ssh"));
        let source = scratch();
        fs::create_dir(source.path().join("folder")).unwrap();
        fs::write(source.path().join("folder/small"), "small").unwrap();
        fs::write(source.path().join("large"), bytes(1, 3 << 20)).unwrap();
        Self { repository, source, sshd }
    }

    pub(crate) fn ssh(&self, name: &str) -> PathBuf {
        self.repository.place().with_file_name("home/.ssh").join(name)
    }

    pub(crate) fn url(&self) -> String {
        self.sshd.url(&self.repository.place())
    }

    pub(crate) fn command(&self, program: &Program, arguments: &[&str]) -> Command {
        let mut command = self.repository.command(program, &self.repository.cache(program));
        command.args(["--volsize", "1", "--allow-source-mismatch"]).args(arguments);
        command
    }

    pub(crate) fn backup_command(
        &self,
        program: &Program,
        action: &str,
        url: &str,
        more: &[&str],
    ) -> Command {
        let source = self.source.path().to_str().unwrap();
        self.command(program, &[&[action], more, &[source, url]].concat())
    }

    pub(crate) fn backup(&self, program: &Program, action: &str) -> Outcome {
        self.backup_to(&self.url(), program, action, &[])
    }

    pub(crate) fn backup_to(&self, url: &str, program: &Program, action: &str, more: &[&str]) -> Outcome {
        Outcome::of(self.backup_command(program, action, url, more))
    }

    /// What comes back is what is there now.
    pub(crate) fn expect_back(&self, program: &Program) {
        let target = scratch();
        let target = target.path().join("target");
        let mut command = self.repository.command(program, &target.with_file_name("fresh cache"));
        command.args(["restore", &self.url()]).arg(&target);
        Outcome::of(command).expect(0);
        let expected = Snapshot::of(self.source.path());
        let differences = expected.differences(&Snapshot::of(&target), Detail::Stock);
        assert!(differences.is_empty(), "{}: {differences:?}", program.name);
    }

    pub(crate) fn change(&self, seed: u64) {
        fs::write(self.source.path().join("folder/small"), format!("changed {seed}")).unwrap();
        fs::write(self.source.path().join("large"), bytes(seed, 3 << 20)).unwrap();
        // Sets are named by the second.
        std::thread::sleep(Duration::from_millis(1100));
    }

    /// Nothing at the place but whole files of sets.
    pub(crate) fn expect_tidy(&self) {
        let is_ours = |name: &str| name.starts_with("duplicity-") || name == MARKER_NAME;
        let names = file_names(&self.repository.place());
        let leftovers: Vec<_> = names.iter().filter(|name| !is_ours(name)).collect();
        assert!(leftovers.is_empty(), "left behind: {leftovers:?}");
    }
}

/// Ends with `code` at once, and says so.
pub(crate) fn expect_refused(outcome: Outcome, begun: Instant, code: i32, words: &str) {
    let outcome = outcome.expect(code);
    assert!(outcome.stderr.contains(words), "{words:?} is not in: {outcome}");
    assert!(begun.elapsed() < Duration::from_secs(30), "it took {:?}", begun.elapsed());
    assert!(!outcome.stderr.contains("trying again"), "{outcome}");
}
