//! The actions, and the words that each of them takes.

use super::Known;
use crate::engine::Mode;

/// What is to be done.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(in crate::cli) enum Verb {
    Backup(Mode),
    Restore,
    Verify,
    List,
    Search,
    Status,
    CleanUp,
    Remove(Removal),
    Replicate,
}

/// What a removal goes by.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(in crate::cli) enum Removal {
    OlderThan,
    AllButFulls,
    IncrementsOfAllButFulls,
}

/// One word after an action.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(in crate::cli) enum Word {
    Source,
    Target,
    Local,
    Place,
    Time,
    Count,
    Name,
}

impl Word {
    pub(in crate::cli) fn is_path(self) -> bool {
        matches!(self, Self::Source | Self::Target | Self::Local)
    }

    /// In a line of help.
    pub(in crate::cli) fn name(self) -> &'static str {
        match self {
            Self::Source => "SOURCE",
            Self::Target => "TARGET",
            Self::Local => "FOLDER",
            Self::Place => "URL",
            Self::Time => "TIME",
            Self::Count => "COUNT",
            Self::Name => "NAME",
        }
    }

    fn described(self) -> &'static str {
        match self {
            Self::Source => "a source folder",
            Self::Target => "a target folder",
            Self::Local => "a local folder",
            Self::Place => "the URL of a place",
            Self::Time => "a time",
            Self::Count => "a number of full backups",
            Self::Name => "a part of a file's name",
        }
    }
}

pub(in crate::cli) struct Action {
    /// The full name first.
    pub(in crate::cli) names: &'static [&'static str],
    pub(in crate::cli) verb: Verb,
    pub(in crate::cli) words: &'static [Word],
    pub(in crate::cli) known: Known,
    pub(in crate::cli) help: &'static str,
}

impl Action {
    const fn new(
        names: &'static [&'static str],
        verb: Verb,
        words: &'static [Word],
        help: &'static str,
    ) -> Self {
        Self { names, verb, words, known: Known::ToAll, help }
    }

    const fn known(self, known: Known) -> Self {
        Self { known, ..self }
    }

    pub(in crate::cli) fn name(&self) -> &'static str {
        self.names[0]
    }

    pub(in crate::cli) fn removes(&self) -> bool {
        matches!(self.verb, Verb::CleanUp | Verb::Remove(_))
    }

    /// What it needs, in words.
    pub(in crate::cli) fn expected(&self) -> String {
        self.words.iter().map(|word| word.described()).collect::<Vec<_>>().join(" and ")
    }
}

pub(in crate::cli) const ACTIONS: &[Action] = &[
    Action::new(
        &["backup", "bu"],
        Verb::Backup(Mode::Auto),
        &[Word::Source, Word::Place],
        "continue the newest backup, or begin with a full one",
    )
    .known(Known::ToNew),
    Action::new(
        &["full", "fb"],
        Verb::Backup(Mode::Full),
        &[Word::Source, Word::Place],
        "save everything again",
    ),
    Action::new(
        &["incremental", "inc", "incr", "incremen", "ib"],
        Verb::Backup(Mode::Incremental),
        &[Word::Source, Word::Place],
        "save what changed since the newest backup",
    ),
    Action::new(
        &["restore", "rb"],
        Verb::Restore,
        &[Word::Place, Word::Target],
        "bring back everything, or --path-to-restore",
    ),
    Action::new(
        &["verify", "vb"],
        Verb::Verify,
        &[Word::Place, Word::Local],
        "check what is stored, or --compare-data",
    ),
    Action::new(&["list-current-files", "ls"], Verb::List, &[Word::Place], "every file, as of --time"),
    Action::new(
        &["search"],
        Verb::Search,
        &[Word::Place, Word::Name],
        "files of all backups with NAME in their names",
    )
    .known(Known::Here),
    Action::new(&["collection-status", "st"], Verb::Status, &[Word::Place], "which backups there are"),
    Action::new(
        &["cleanup", "cl"],
        Verb::CleanUp,
        &[Word::Place],
        "remove what interrupted runs left behind",
    ),
    Action::new(
        &["remove-older-than", "ro"],
        Verb::Remove(Removal::OlderThan),
        &[Word::Time, Word::Place],
        "remove backups that are older and that no newer one needs",
    ),
    Action::new(
        &["remove-all-but-n-full", "ra"],
        Verb::Remove(Removal::AllButFulls),
        &[Word::Count, Word::Place],
        "keep the newest COUNT full backups and what continues them",
    ),
    Action::new(
        &["remove-all-inc-of-but-n-full", "ri"],
        Verb::Remove(Removal::IncrementsOfAllButFulls),
        &[Word::Count, Word::Place],
        "keep only the full backups of all but the newest COUNT",
    ),
    Action::new(
        &["replicate"],
        Verb::Replicate,
        &[Word::Place, Word::Place],
        "copy the backups to another place",
    )
    .known(Known::ToOld),
];
