//! duplicity's command line as a table: each option and each action is a row, and the parser, the help and
//! whatever else names options is made from the rows.
//!
//! To support another option: give it a row, and `options.rs` a field that reads it.

mod actions;
mod backup;
mod encryption;
mod first;
mod general;
mod given;
mod help;
mod manual;
mod places;
mod restore;
pub(super) mod selection;
#[cfg(test)]
mod tests;

use std::ffi::OsString;
use std::path::Path;

use clap::builder::OsStringValueParser;
use clap::{Arg, ArgAction, Command};

pub(super) use actions::{ACTIONS, Action, Removal, Verb, Word};
pub(super) use first::First;
pub(super) use given::Given;
pub(super) use help::{shown, version};
pub use manual::manual_page;

use super::usage::UsageError;

/// What becomes of an option.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum State {
    Done,
    /// Accepted, though it changes nothing: why that is harmless.
    Explained(&'static str),
    /// What it asks for cannot be had, and without it the backup would be another one: the reason.
    Refused(&'static str),
    /// Done in builds for tests, which have the feature `fault-injection`; refused by all others.
    ForTests,
}

/// Which programs know a word.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Known {
    ToAll,
    /// duplicity 0.8.
    ToOld,
    /// duplicity 3.
    ToNew,
    /// This program only.
    Here,
}

/// The name under which the program was called.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub(super) enum Called {
    Duplicity,
    #[default]
    Hindsight,
}

impl Called {
    /// `program`: the first of the arguments.
    pub(super) fn new(program: Option<&OsString>) -> Self {
        let name = program.and_then(|program| Path::new(program).file_name());
        if name == Some("duplicity".as_ref()) { Self::Duplicity } else { Self::Hindsight }
    }

    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Duplicity => "duplicity",
            Self::Hindsight => "hindsight-cli",
        }
    }

    pub(super) fn knows(self, known: Known) -> bool {
        self == Self::Hindsight || known != Known::Here
    }
}

/// One option.
#[derive(Clone, Copy, Debug)]
pub(super) struct Row {
    pub(super) name: &'static str,
    pub(super) short: Option<char>,
    /// Other names, older ones among them.
    pub(super) aliases: &'static [&'static str],
    /// The names of its values.
    pub(super) values: &'static [&'static str],
    pub(super) state: State,
    pub(super) known: Known,
    /// For tests and scripts of long ago: in no help.
    pub(super) hidden: bool,
    pub(super) help: &'static str,
}

const fn flag(name: &'static str, help: &'static str) -> Row {
    option(name, &[], help)
}

const fn option(name: &'static str, values: &'static [&'static str], help: &'static str) -> Row {
    let (state, known) = (State::Done, Known::ToAll);
    Row { name, short: None, aliases: &[], values, state, known, hidden: false, help }
}

impl Row {
    const fn short(self, short: char) -> Self {
        Self { short: Some(short), ..self }
    }

    const fn aliases(self, aliases: &'static [&'static str]) -> Self {
        Self { aliases, ..self }
    }

    const fn only_old(self) -> Self {
        Self { known: Known::ToOld, ..self }
    }

    const fn only_new(self) -> Self {
        Self { known: Known::ToNew, ..self }
    }

    const fn here(self) -> Self {
        Self { known: Known::Here, ..self }
    }

    const fn hidden(self) -> Self {
        Self { hidden: true, ..self }
    }

    const fn explained(self, why: &'static str) -> Self {
        Self { state: State::Explained(why), ..self }
    }

    const fn for_tests(self) -> Self {
        Self { state: State::ForTests, hidden: true, ..self }
    }

    const fn refused(self, why: &'static str) -> Self {
        Self { state: State::Refused(why), ..self }
    }
}

/// What options are about, and so the actions that they are for.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum About {
    Everything,
    Saving,
    Selecting,
    Sealing,
    Reading,
    Places,
}

impl About {
    pub(super) fn concerns(self, action: &Action) -> bool {
        let takes = |word| action.words.contains(&word);
        match self {
            Self::Everything | Self::Sealing => true,
            Self::Saving => takes(Word::Source),
            Self::Selecting => takes(Word::Source) || takes(Word::Local),
            Self::Reading => !takes(Word::Source) && !action.removes(),
            Self::Places => false,
        }
    }
}

/// The options about one thing.
pub(super) struct Section {
    pub(super) about: About,
    pub(super) title: &'static str,
    pub(super) rows: &'static [Row],
}

/// In the order of the help.
pub(super) const SECTIONS: &[Section] = &[
    Section { about: About::Everything, title: "Options", rows: general::ROWS },
    Section { about: About::Saving, title: "Options of a backup", rows: backup::ROWS },
    Section {
        about: About::Selecting,
        title: "Selecting files, in the order in which they are given",
        rows: selection::ROWS,
    },
    Section { about: About::Sealing, title: "Encryption", rows: encryption::ROWS },
    Section {
        about: About::Reading,
        title: "Options of restoring, listing and telling",
        rows: restore::ROWS,
    },
    Section { about: About::Places, title: "Options about kinds of places", rows: places::ROWS },
];

pub(super) fn rows(called: Called) -> impl Iterator<Item = &'static Row> {
    SECTIONS.iter().flat_map(|section| section.rows).filter(move |row| called.knows(row.known))
}

/// Reads arguments, which begin with the program's name. Only what is refused for itself is refused here.
pub(super) fn parse(called: Called, arguments: Vec<OsString>) -> Result<Given, UsageError> {
    let matches = command(called).try_get_matches_from(arguments).map_err(UsageError::from_clap)?;
    let given = Given::new(matches);
    for row in rows(called).filter(|row| given.flag(row.name)) {
        let name = row.name;
        match row.state {
            State::Done | State::Explained(_) => {}
            State::ForTests if cfg!(feature = "fault-injection") => {}
            State::ForTests => {
                return Err(UsageError::Refused { name, why: "Only builds for tests have it." });
            }
            State::Refused(why) => return Err(UsageError::Refused { name, why }),
        }
    }
    Ok(given)
}

/// A sentence for each given option that changes nothing.
pub(super) fn explained(called: Called, given: &Given) -> Vec<String> {
    let sentence = |row: &Row| match row.state {
        State::Explained(why) if given.flag(row.name) => {
            Some(format!("The option --{} changes nothing here. {why}", row.name))
        }
        _ => None,
    };
    rows(called).filter_map(sentence).collect()
}

/// Words and options in any order, long options abbreviated as far as they stay one's own.
pub(super) fn command(called: Called) -> Command {
    let words = Arg::new(given::WORDS).num_args(1..).action(ArgAction::Append);
    Command::new(called.name())
        .infer_long_args(true)
        .disable_help_flag(true)
        .disable_version_flag(true)
        .arg(words.value_parser(OsStringValueParser::new()))
        .args(rows(called).map(argument))
}

/// Each occurrence is kept with its place, of flags too: the last counts, or all do in their order.
fn argument(row: &Row) -> Arg {
    let argument = Arg::new(row.name)
        .long(row.name)
        .short(row.short)
        .aliases(row.aliases)
        .action(ArgAction::Append)
        .value_parser(OsStringValueParser::new())
        .num_args(row.values.len())
        .help(row.help)
        .hide(row.hidden);
    match row.values.is_empty() {
        true => argument.default_missing_value(""),
        // Options of another program begin with hyphens themselves.
        false => argument.value_names(row.values).allow_hyphen_values(row.name.ends_with("-options")),
    }
}
