//! A pattern made ready, in any of the three syntaxes.

use std::borrow::Cow;
use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;

use regex::Regex;

use super::regexp;
use super::rule::{SelectionError, Syntax};
use crate::tree::glob::{self, Fit, Glob};

#[derive(Debug)]
pub(super) enum Pattern {
    /// Much larger than the others.
    Glob(Box<Glob>),
    Literal(Literal),
    Regexp(Regex),
}

impl Pattern {
    pub(super) fn new(pattern: &OsStr, syntax: Syntax, ignore_case: bool) -> Result<Self, SelectionError> {
        Ok(match syntax {
            Syntax::Glob => Self::Glob(Self::glob(pattern, ignore_case)?),
            Syntax::Literal => Self::Literal(Literal::new(pattern.as_bytes(), ignore_case)),
            Syntax::Regexp => {
                let mut text = String::new();
                glob::push_text(&mut text, pattern.as_bytes());
                let refused = |reason| SelectionError::InvalidRegexp { pattern: pattern.into(), reason };
                Self::Regexp(regexp::compile(&text, ignore_case).map_err(refused)?)
            }
        })
    }

    pub(super) fn glob(pattern: &OsStr, ignore_case: bool) -> Result<Box<Glob>, SelectionError> {
        Glob::new(pattern.as_bytes(), ignore_case)
            .map(Box::new)
            .map_err(|reason| SelectionError::InvalidPattern { pattern: pattern.into(), reason })
    }

    /// See [`Glob::matches`].
    pub(super) fn matches(&self, path: &str, is_directory: bool) -> bool {
        match self {
            Self::Glob(glob) => glob.matches(path, is_directory),
            Self::Literal(literal) => literal.fits(path) == Fit::Matches,
            Self::Regexp(regexp) => regexp.is_match(path),
        }
    }

    /// See [`Glob::fits`].
    pub(super) fn fits(&self, path: &str, is_directory: bool) -> Fit {
        match self {
            Self::Glob(glob) => glob.fits(path, is_directory),
            Self::Literal(literal) => literal.fits(path),
            Self::Regexp(regexp) => {
                if regexp.is_match(path) {
                    Fit::Matches
                } else {
                    Fit::Not
                }
            }
        }
    }

    /// Whether anything at or below `base` may match; a regular expression is not asked.
    pub(super) fn concerns(&self, base: &str) -> bool {
        matches!(self, Self::Regexp(_)) || self.fits(base, true) != Fit::Not
    }
}

/// A path in which nothing is special.
#[derive(Debug)]
pub(super) struct Literal {
    text: String,
    ignore_case: bool,
}

impl Literal {
    fn new(pattern: &[u8], ignore_case: bool) -> Self {
        let mut text = String::new();
        glob::push_text(&mut text, pattern);
        if text.len() > 1 && text.ends_with('/') {
            text.pop();
        }
        Self { text: if ignore_case { folded(&text) } else { text }, ignore_case }
    }

    fn fits(&self, path: &str) -> Fit {
        let path = if self.ignore_case { Cow::Owned(folded(path)) } else { Cow::Borrowed(path) };
        // Stock finds nothing below `/`, as no second slash follows that one.
        let is_below = |rest: &str, top: &str| rest.is_empty() || rest.starts_with('/') || top == "/";
        if path.strip_prefix(&*self.text).is_some_and(|rest| is_below(rest, &self.text)) {
            Fit::Matches
        } else if self.text.strip_prefix(&*path).is_some_and(|rest| is_below(rest, &path)) {
            Fit::Leads
        } else {
            Fit::Not
        }
    }
}

/// Equal for what differs only in case, also where one letter becomes two (`ß` and `SS`).
fn folded(text: &str) -> String {
    let upper = text.chars().flat_map(char::to_lowercase).flat_map(char::to_uppercase);
    upper.flat_map(char::to_lowercase).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_literal_is_a_path_with_what_lies_below_and_leads_from_above() {
        for (pattern, path, fit) in [
            ("src/a", "src/a", Fit::Matches),
            ("src/a", "src/a/b", Fit::Matches),
            ("src/a/", "src/a", Fit::Matches),
            ("src/a", "src/ab", Fit::Not),
            ("src/a", "src", Fit::Leads),
            ("src/a", "sr", Fit::Not),
            ("src/*", "src/a", Fit::Not),
            ("src/*", "src/*/b", Fit::Matches),
            ("src/[a]?", "src/[a]?", Fit::Matches),
            ("/", "/a", Fit::Matches),
            ("/a", "/", Fit::Leads),
        ] {
            assert_eq!(Literal::new(pattern.as_bytes(), false).fits(path), fit, "{pattern} {path}");
        }
    }

    #[test]
    fn a_literal_may_ignore_case_in_all_alphabets() {
        for (pattern, path) in [("SRC/\u{c9}", "src/\u{e9}/x"), ("src/STRASSE", "src/stra\u{df}e")] {
            assert_eq!(Literal::new(pattern.as_bytes(), true).fits(path), Fit::Matches, "{pattern} {path}");
        }
    }
}
