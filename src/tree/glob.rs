//! duplicity's shell patterns (`FORMAT.md` 15), translated to regular expressions.

use memchr::memmem::Finder;
use regex::{Regex, RegexBuilder};

/// Why a pattern was refused.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
pub enum GlobError {
    #[error("consecutive slashes")]
    ConsecutiveSlashes,
    #[error("a range in brackets runs backwards")]
    BackwardRange,
    #[error("too large")]
    TooLarge,
}

/// A pattern that is matched against whole paths: an object matches when it or a folder above it does.
#[derive(Debug)]
pub(super) struct Glob {
    /// The path itself.
    itself: Regex,
    /// Something below a match.
    inside: Regex,
    /// Folders that the pattern names on its way down.
    leading: Regex,
    /// The pattern ended in a slash: it means the folder, not a file of that name.
    only_directories: bool,
    /// What the pattern begins with before anything special. Most rules fail already here, without a regular
    /// expression: a plan asks some fifty for every file.
    start: String,
    /// What comes after all that is special: every match, or the folder above it that matches, holds it.
    end: Finder<'static>,
}

impl Glob {
    pub(super) fn new(pattern: &[u8], ignore_case: bool) -> Result<Self, GlobError> {
        let mut text = String::new();
        push_text(&mut text, pattern);
        let trimmed = match text.as_str() {
            "/" => "/**",
            text => text.strip_suffix('/').unwrap_or(text),
        };
        // Further on stock does not look.
        if up_to_stars(trimmed).contains("//") {
            return Err(GlobError::ConsecutiveSlashes);
        }
        let build = |expression: String| {
            RegexBuilder::new(&expression)
                .case_insensitive(ignore_case)
                .dot_matches_new_line(true)
                .build()
                .map_err(|_| GlobError::TooLarge)
        };
        let whole = translate(trimmed)?;
        let leading =
            prefixes(trimmed).iter().map(|prefix| translate(prefix)).collect::<Result<Vec<_>, _>>()?;
        let literal = if ignore_case { "" } else { trimmed };
        let start = literal.split(['*', '?', '[']).next().unwrap_or_default();
        let end = literal.rsplit(['*', '?', '[', ']']).next().unwrap_or_default();
        Ok(Self {
            start: start.to_string(),
            end: Finder::new(end).into_owned(),
            itself: build(format!(r"\A{whole}\z"))?,
            inside: build(format!(r"\A{whole}/"))?,
            leading: build(format!(r"\A(?:{})\z", leading.join("|")))?,
            only_directories: text != "/" && text.ends_with('/'),
        })
    }

    /// Whether `path`, as for [`Self::fits`], lies below something that matches.
    pub(super) fn holds(&self, path: &str) -> bool {
        self.inside.is_match(path)
    }

    /// Whether `path` itself or a folder above it fits. `path` as made by [`push_text`], without a final slash.
    ///
    /// A pattern for directories has nothing to say of a file that bears the very path, even when it fits a
    /// folder above as well: `src/**/` is all folders and no file.
    pub(super) fn matches(&self, path: &str, is_directory: bool) -> bool {
        if !path.starts_with(&self.start) || self.end.find(path.as_bytes()).is_none() {
            return false;
        }
        match self.itself.is_match(path) {
            true => is_directory || !self.only_directories,
            false => self.inside.is_match(path),
        }
    }

    /// See [`Self::matches`].
    pub(super) fn fits(&self, path: &str, is_directory: bool) -> Fit {
        if self.matches(path, is_directory) {
            return Fit::Matches;
        }
        let is_a_file_of_the_name = self.only_directories && !is_directory && self.itself.is_match(path);
        let is_on_the_way = path.starts_with(&self.start) || self.start.starts_with(path);
        if is_on_the_way && !is_a_file_of_the_name && self.leading.is_match(path) {
            Fit::Leads
        } else {
            Fit::Not
        }
    }
}

/// How a path relates to a [`Glob`].
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Fit {
    Matches,
    /// What matches may lie below.
    Leads,
    Not,
}

/// The part that tells which folders to enter: below the first `**` it is any.
fn up_to_stars(pattern: &str) -> &str {
    &pattern[..pattern.find("**").map_or(pattern.len(), |at| at + 2)]
}

/// `/a/b**c/d` leads through `/`, `/a` and anything that begins like `/a/b**`.
fn prefixes(pattern: &str) -> Vec<&str> {
    let pattern = up_to_stars(pattern);
    let slashes = pattern.match_indices('/').map(|(at, _)| if at == 0 { "/" } else { &pattern[..at] });
    slashes.chain([pattern]).collect()
}

fn translate(pattern: &str) -> Result<String, GlobError> {
    let mut expression = String::new();
    let mut rest = pattern;
    while let Some(c) = rest.chars().next() {
        let mut taken = c.len_utf8();
        match c {
            '*' if rest.starts_with("**") => {
                expression.push_str(".*");
                taken = 2;
            }
            '*' => expression.push_str("[^/]*"),
            '?' => expression.push_str("[^/]"),
            '[' => match bracket(rest) {
                Some(inside) => {
                    expression.push_str(&class(inside)?);
                    taken = inside.len() + 2;
                }
                None => expression.push_str(r"\["),
            },
            c => expression.push_str(&regex::escape(c.encode_utf8(&mut [0; 4]))),
        }
        rest = &rest[taken..];
    }
    Ok(expression)
}

/// What stands between `[` and its `]`, which is literal when it comes first; `None` when nothing closes.
fn bracket(rest: &str) -> Option<&str> {
    let inside = &rest[1..];
    let mut skip = usize::from(inside.starts_with(['!', '^']));
    skip += usize::from(inside[skip..].starts_with(']'));
    Some(&inside[..skip + inside[skip..].find(']')?])
}

/// A class of single characters and ranges; a hyphen at either end is itself.
fn class(inside: &str) -> Result<String, GlobError> {
    let mut expression = String::from("[");
    let members = match inside.strip_prefix(['!', '^']) {
        Some(members) => {
            expression.push('^');
            members
        }
        None => inside,
    };
    let members: Vec<char> = members.chars().collect();
    let mut rest = members.as_slice();
    while let [first, tail @ ..] = rest {
        let (last, tail) = match tail {
            ['-', last, tail @ ..] => (last, tail),
            _ => (first, tail),
        };
        if first > last {
            return Err(GlobError::BackwardRange);
        }
        expression.push_str(&format!(r"\x{{{:x}}}-\x{{{:x}}}", *first as u32, *last as u32));
        rest = tail;
    }
    expression.push(']');
    Ok(expression)
}

/// Appends `bytes` as text to match against: a byte that is not UTF-8 becomes one character of a private
/// range, so that `?` stands for it and equal bytes stay equal.
pub(super) fn push_text(text: &mut String, bytes: &[u8]) {
    const PRIVATE: u32 = 0x10_FF00;
    for chunk in bytes.utf8_chunks() {
        text.push_str(chunk.valid());
        text.extend(chunk.invalid().iter().filter_map(|byte| char::from_u32(PRIVATE + u32::from(*byte))));
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::expect_used)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn fits(pattern: &[u8], path: &[u8]) -> Fit {
        let mut text = String::new();
        push_text(&mut text, path);
        Glob::new(pattern, false).unwrap().fits(&text, false)
    }

    #[test]
    fn stars_stop_at_slashes_and_doubled_stars_do_not() {
        for (pattern, path, fit) in [
            ("/a/*", "/a/b", Fit::Matches),
            ("/a/*", "/a/b/c", Fit::Matches),
            ("/a/*/c", "/a/b/b/c", Fit::Not),
            ("/a/**/c", "/a/b/b/c", Fit::Matches),
            ("/a/**/c", "/a/c", Fit::Leads),
            ("/a/**//c", "/a/b/c", Fit::Leads),
            ("/a/b*c", "/a/bc", Fit::Matches),
            ("/a/?", "/a/", Fit::Not),
            ("/a.c", "/abc", Fit::Not),
            ("/a/b/c", "/a/b", Fit::Leads),
            ("/a/b/c", "/a/bb", Fit::Not),
            ("/a/b/c", "/", Fit::Leads),
            ("/a/[!b]", "/a/c", Fit::Matches),
            ("/a/[^b]", "/a/b", Fit::Not),
            ("/a/[]-]", "/a/-", Fit::Matches),
            ("/a/[]-]", "/a/]", Fit::Matches),
            ("/a/[b", "/a/[b", Fit::Matches),
            ("/a/\u{e9}?", "/a/\u{e9}\u{e9}", Fit::Matches),
            ("/a\n/**", "/a\n/b\nc", Fit::Matches),
        ] {
            assert_eq!(fits(pattern.as_bytes(), path.as_bytes()), fit, "{pattern} {path}");
        }
    }

    #[test]
    fn a_byte_that_is_not_utf_8_is_one_character_and_equal_to_itself() {
        assert_eq!(fits(b"/?", b"/\xff"), Fit::Matches);
        assert_eq!(fits(b"/?", b"/\xff\xfe"), Fit::Not);
        assert_eq!(fits(b"/\xff*", b"/\xffx"), Fit::Matches);
        assert_eq!(fits(b"/\xff", b"/\xfe"), Fit::Not);
    }

    #[test]
    fn ignoring_case_covers_letters_of_all_alphabets() {
        let glob = Glob::new("/\u{c9}*/[a-c]".as_bytes(), true).unwrap();
        assert_eq!(glob.fits("/\u{e9}X/B", false), Fit::Matches);
    }

    proptest! {
        /// What is tried first for speed decides nothing.
        #[test]
        fn shortcuts_change_no_answer(
            pattern in "/[ab*?\\[\\]!/]{0,8}",
            path in "(/[ab\\[\\]]{1,3}){0,3}",
            is_directory: bool,
        ) {
            if let Ok(glob) = Glob::new(pattern.as_bytes(), false) {
                let slow = Glob { start: String::new(), end: Finder::new("").into_owned(), ..Glob::new(pattern.as_bytes(), false).unwrap() };
                let path = if path.is_empty() { "/" } else { &path };
                prop_assert_eq!(glob.fits(path, is_directory), slow.fits(path, is_directory));
            }
        }

        #[test]
        fn no_pattern_panics_and_what_is_literal_matches_itself(pattern in "/[a-c*?\\[\\]!^\\-/&~\\\\.]{0,12}") {
            if let Ok(glob) = Glob::new(pattern.as_bytes(), false) {
                glob.fits("/a/b", true);
                if !pattern.contains(['*', '?', '[']) && !pattern.ends_with('/') {
                    prop_assert_eq!(glob.fits(&pattern, false), Fit::Matches);
                }
            }
        }
    }
}
