//! Writing to a repository.

use std::path::{Path, PathBuf};
use std::process::Command;

use super::cli::{Outcome, Program, Repository};

pub(crate) const PASSWORD: &str = "a password of the tests";

impl Repository {
    /// The cache that a program keeps from call to call.
    pub(crate) fn cache(&self, program: &Program) -> PathBuf {
        self.folder.path().join("cache").join(program.name)
    }

    /// A backup of `source` in volumes of 1 MiB, with the action `full` or `incremental`, ready to run.
    pub(crate) fn backup_command(&self, program: &Program, action: &str, source: &Path) -> Command {
        let mut command = self.command(program, &self.cache(program));
        command.arg(action).args(["--volsize", "1", "--allow-source-mismatch"]).arg(source).arg(self.url());
        command
    }

    pub(crate) fn backup(&self, program: &Program, action: &str, source: &Path) -> Outcome {
        Outcome::of(self.backup_command(program, action, source))
    }
}
