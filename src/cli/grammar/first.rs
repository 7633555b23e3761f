//! The options that are read before all others, so that the log has even what is wrong with the others.

use std::ffi::OsString;
use std::os::unix::ffi::{OsStrExt, OsStringExt};

use super::{Called, Row, rows};

#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub(in crate::cli) struct First {
    pub(in crate::cli) log_fd: Option<OsString>,
    pub(in crate::cli) log_file: Option<OsString>,
    pub(in crate::cli) log_timestamp: bool,
    pub(in crate::cli) verbosity: Option<OsString>,
}

impl First {
    /// `arguments` begin with the program's name. What is wrong with them is not looked at.
    pub(in crate::cli) fn new(arguments: &[OsString]) -> Self {
        let called = Called::new(arguments.first());
        let mut first = Self::default();
        let mut rest = arguments.iter().skip(1).take_while(|word| *word != "--");
        while let Some(word) = rest.next() {
            let Some((row, attached)) = option(called, word.as_bytes()) else { continue };
            let value = match (row.values.len(), attached) {
                (0, _) => None,
                (_, Some(value)) => Some(OsString::from_vec(value.to_vec())),
                (count, None) => rest.by_ref().take(count).last().cloned(),
            };
            match row.name {
                "log-fd" => first.log_fd = value,
                "log-file" => first.log_file = value,
                "log-timestamp" => first.log_timestamp = true,
                "verbosity" => first.verbosity = value,
                _ => {}
            }
        }
        first
    }
}

/// The option that a word is, and the value that it brings.
fn option(called: Called, word: &[u8]) -> Option<(&'static Row, Option<&[u8]>)> {
    if let Some(long) = word.strip_prefix(b"--") {
        return match long.iter().position(|byte| *byte == b'=') {
            Some(end) => Some((named(called, &long[..end])?, Some(&long[end + 1..]))),
            None => Some((named(called, long)?, None)),
        };
    }
    let [b'-', short, rest @ ..] = word else { return None };
    let row = rows(called).find(|row| row.short == Some(char::from(*short)))?;
    let value = rest.strip_prefix(b"=").unwrap_or(rest);
    Some((row, if value.is_empty() { None } else { Some(value) }))
}

/// By its whole name, or by the beginning of it where no other option begins so.
fn named(called: Called, typed: &[u8]) -> Option<&'static Row> {
    if let Some(row) = rows(called).find(|row| names(row).any(|name| name.as_bytes() == typed)) {
        return Some(row);
    }
    let mut begin = rows(called).filter(|row| names(row).any(|name| name.as_bytes().starts_with(typed)));
    begin.next().filter(|_| begin.next().is_none())
}

fn names(row: &Row) -> impl Iterator<Item = &'static str> + use<> {
    std::iter::once(row.name).chain(row.aliases.iter().copied())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn first(line: &str) -> First {
        First::new(&line.split(' ').map(OsString::from).collect::<Vec<_>>())
    }

    #[test]
    fn options_of_the_log_are_found_in_whatever_else_is_typed() {
        let file = |line: &str| first(line).log_file;
        let expected = Some("f".into());
        for line in [
            "x --log-file f",
            "x --log-file=f",
            "x --log-fi f st --nonsense --log-fi",
            "x --frobnicate --rename a b --log-file=f",
        ] {
            let expected = if line.ends_with("--log-fi") { None } else { expected.clone() };
            assert_eq!(file(line), expected, "{line}");
        }
        for line in ["x --name --log-file=f", "x -- --log-file=f", "x --rename --log-file=f b", "x --log=f"] {
            assert_eq!(file(line), None, "{line}");
        }
    }

    #[test]
    fn verbosity_is_known_in_all_its_spellings() {
        for line in ["x -v9", "x -v 9", "x -v=9", "x --verb 9", "x --verbosity=9", "x -v3 full -v9 --log-t"] {
            assert_eq!(first(line).verbosity, Some("9".into()), "{line}");
        }
        assert!(first("x --log-t").log_timestamp);
    }
}
