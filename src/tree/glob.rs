//! duplicity's shell patterns (`FORMAT.md` 15), translated to regular expressions.

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
}

impl Glob {
    pub(super) fn new(pattern: &[u8], ignore_case: bool) -> Result<Self, GlobError> {
        let mut text = String::new();
        push_text(&mut text, pattern);
        let trimmed = match text.as_str() {
            "/" => "**", // everything
            text => text.strip_suffix('/').unwrap_or(text),
        };
        if trimmed.contains("//") || text.ends_with("//") {
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
        Ok(Self {
            itself: build(format!(r"\A{whole}\z"))?,
            inside: build(format!(r"\A{whole}/"))?,
            leading: build(format!(r"\A(?:{})\z", leading.join("|")))?,
            only_directories: text != "/" && text.ends_with('/'),
        })
    }

    /// `path` as made by [`push_text`], without a final slash.
    pub(super) fn matches(&self, path: &str, is_directory: bool) -> bool {
        self.inside.is_match(path) || ((is_directory || !self.only_directories) && self.itself.is_match(path))
    }

    /// Whether something that the pattern matches may lie below `path`.
    pub(super) fn leads_to_match(&self, path: &str) -> bool {
        self.leading.is_match(path)
    }
}

/// `/a/b**c/d` leads through `/`, `/a` and anything that begins like `/a/b**`.
fn prefixes(pattern: &str) -> Vec<&str> {
    let end = pattern.find("**").map_or(pattern.len(), |at| at + 2);
    let pattern = &pattern[..end];
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
