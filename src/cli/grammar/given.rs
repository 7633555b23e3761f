//! What was given of the table's options, and its single values.

use std::ffi::OsString;
use std::str::FromStr;

use clap::ArgMatches;

use super::{Called, Row, rows};
use crate::cli::usage::UsageError;

/// The id of the words among the options.
pub(super) const WORDS: &str = "WORDS";

pub(in crate::cli) struct Given(ArgMatches);

impl Given {
    pub(super) fn new(matches: ArgMatches) -> Self {
        Self(matches)
    }

    pub(in crate::cli) fn words(&self) -> Vec<OsString> {
        self.all(WORDS)
    }

    pub(in crate::cli) fn flag(&self, name: &str) -> bool {
        self.place(name).is_some()
    }

    /// Whether `on` was given, and not `off` after it.
    pub(in crate::cli) fn switch(&self, on: &str, off: &str) -> bool {
        self.place(on) > self.place(off)
    }

    pub(in crate::cli) fn all(&self, name: &str) -> Vec<OsString> {
        if !self.knows(name) {
            return Vec::new();
        }
        self.0.get_many(name).into_iter().flatten().cloned().collect()
    }

    /// Of an option with two values.
    pub(in crate::cli) fn pairs(&self, name: &str) -> Vec<(OsString, OsString)> {
        self.all(name).chunks_exact(2).map(|pair| (pair[0].clone(), pair[1].clone())).collect()
    }

    pub(in crate::cli) fn last(&self, name: &str) -> Option<OsString> {
        self.all(name).pop()
    }

    pub(in crate::cli) fn texts(&self, name: &str) -> Result<Vec<String>, UsageError> {
        self.all(name).into_iter().map(|value| text(name, value)).collect()
    }

    pub(in crate::cli) fn text(&self, name: &str) -> Result<Option<String>, UsageError> {
        self.last(name).map(|value| text(name, value)).transpose()
    }

    /// `expected`: says what the value should be, after "it is not".
    pub(in crate::cli) fn number<T: FromStr>(
        &self,
        name: &str,
        expected: &'static str,
    ) -> Result<Option<T>, UsageError> {
        let parsed = |value: String| {
            let number = value.parse::<T>();
            number.map_err(|_| UsageError::Value { option: name.into(), value, expected })
        };
        self.text(name)?.map(parsed).transpose()
    }

    /// Options for another program: all that were given as one line, without the quotes around each.
    pub(in crate::cli) fn joined(&self, name: &str) -> Result<String, UsageError> {
        let texts = self.texts(name)?;
        Ok(texts.iter().map(|text| unquoted(text)).collect::<Vec<_>>().join(" "))
    }

    /// The options of `rows` as often and in the order they were given, each with its value.
    pub(in crate::cli) fn in_order(&self, rows: &'static [Row]) -> Vec<(&'static str, OsString)> {
        let mut given = Vec::new();
        for row in rows {
            let places = self.0.indices_of(row.name).into_iter().flatten();
            given.extend(places.zip(self.all(row.name)).map(|(place, value)| (place, row.name, value)));
        }
        given.sort_by_key(|(place, ..)| *place);
        given.into_iter().map(|(_, name, value)| (name, value)).collect()
    }

    /// Of the last occurrence.
    fn place(&self, name: &str) -> Option<usize> {
        if self.knows(name) { self.0.indices_of(name)?.next_back() } else { None }
    }

    /// Options of our own do not exist under duplicity's name, and so were not given.
    fn knows(&self, name: &str) -> bool {
        let is_ours = || rows(Called::Hindsight).any(|row| row.name == name);
        debug_assert!(name == WORDS || is_ours(), "there is no row for {name}");
        self.0.try_contains_id(name).is_ok()
    }
}

fn text(name: &str, value: OsString) -> Result<String, UsageError> {
    let wrong = |value: OsString| UsageError::Value {
        option: name.into(),
        value: value.to_string_lossy().into_owned(),
        expected: "text in UTF-8",
    };
    value.into_string().map_err(wrong)
}

/// A pair around the whole only: quotes inside are the program's that gets the options.
fn unquoted(text: &str) -> &str {
    let within = |quote| text.strip_prefix(quote)?.strip_suffix(quote);
    within('"').or_else(|| within('\'')).unwrap_or(text)
}
