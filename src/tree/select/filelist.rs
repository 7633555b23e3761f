//! Files that hold rules, a line each (`FORMAT.md` 15).

use std::ffi::{OsStr, OsString};
use std::fs;
use std::io::{Read, stdin};
use std::os::unix::ffi::OsStrExt;
use std::path::Path;

use super::rule::SelectionError;

/// What ends a line: `--null-separator` chooses.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub enum Separator {
    /// Also the line ends of other systems.
    #[default]
    Newline,
    Nul,
}

/// The file `path`; `-` stands for the standard input.
pub(super) fn read(path: &Path) -> Result<Vec<u8>, SelectionError> {
    let read = match path.as_os_str().as_bytes() {
        b"-" => {
            let mut text = Vec::new();
            stdin().read_to_end(&mut text).map(|_| text)
        }
        _ => fs::read(path),
    };
    read.map_err(|error| SelectionError::UnreadableList { path: path.into(), reason: error.to_string() })
}

impl Separator {
    /// With an empty one between the two characters of some line ends, which says nothing.
    pub(super) fn lines(self, text: &[u8]) -> impl Iterator<Item = &[u8]> {
        text.split(move |byte| match self {
            Self::Newline => matches!(byte, b'\n' | b'\r'),
            Self::Nul => *byte == 0,
        })
    }
}

/// A line's pattern, and whether it includes; `None` for blank lines and comments. Blanks around the line go, those
/// after a sign and in quotes stay.
pub(super) fn rule(line: &[u8], include: bool) -> Option<(OsString, bool)> {
    let line = match std::str::from_utf8(line) {
        Ok(line) => line.trim_matches(is_blank).as_bytes(),
        Err(_) => line.trim_ascii(),
    };
    if line.starts_with(b"#") {
        return None;
    }
    let (pattern, include) = match line {
        [b'+', b' ', pattern @ ..] => (pattern, true),
        [b'-', b' ', pattern @ ..] => (pattern, false),
        pattern => (pattern, include),
    };
    let pattern = match pattern {
        [b'\'', inside @ .., b'\''] | [b'"', inside @ .., b'"'] => inside,
        [b'\'' | b'"'] => b"",
        pattern => pattern,
    };
    (!pattern.is_empty()).then(|| (OsStr::from_bytes(pattern).to_os_string(), include))
}

/// As Python's `strip` sees it.
fn is_blank(c: char) -> bool {
    c.is_whitespace() || ('\x1c'..='\x1f').contains(&c)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_is_a_pattern_with_or_without_sign_and_quotes() {
        for (line, expected) in [
            ("src/a", Some(("src/a", false))),
            ("  src/a\t ", Some(("src/a", false))),
            ("\u{a0}src/a\x1c", Some(("src/a", false))),
            ("+ src/a", Some(("src/a", true))),
            ("  + src/a", Some(("src/a", true))),
            ("+  src/a", Some((" src/a", true))),
            ("- 'src/a b '", Some(("src/a b ", false))),
            ("\"src/a\"", Some(("src/a", false))),
            ("'src/a\"", Some(("'src/a\"", false))),
            ("'src/a", Some(("'src/a", false))),
            ("+src/a", Some(("+src/a", false))),
            ("+ ", Some(("+", false))),
            ("+ # x", Some(("# x", true))),
            ("# src/a", None),
            ("  # src/a", None),
            ("", None),
            ("   ", None),
            ("- ''", None),
            ("'", None),
        ] {
            let expected = expected.map(|(pattern, include)| (OsString::from(pattern), include));
            assert_eq!(rule(line.as_bytes(), false), expected, "{line:?}");
        }
        assert_eq!(rule(b" \xff ", true), Some((OsStr::from_bytes(b"\xff").to_os_string(), true)));
    }

    #[test]
    fn lines_end_as_on_any_system_or_at_nul() {
        let lines = |separator: Separator| -> Vec<String> {
            let lines = separator.lines(b"a\r\nb\rc\n\0d\ne");
            lines.map(|line| String::from_utf8_lossy(line).into_owned()).collect()
        };
        assert_eq!(lines(Separator::Newline), ["a", "", "b", "c", "\0d", "e"]);
        assert_eq!(lines(Separator::Nul), ["a\r\nb\rc\n", "d\ne"]);
    }
}
