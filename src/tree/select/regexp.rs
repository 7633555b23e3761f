//! duplicity's regular expressions are Python's. Here they are rewritten for the `regex` crate where the two
//! read the same text differently; what the crate cannot do (looking around, back references, possessive and
//! atomic groups, flags in the middle) is refused, never misread.
//!
//! What remains: `$` is the very end here and may be before a final newline there.

use std::iter::Peekable;
use std::str::Chars;

use regex::{Regex, RegexBuilder};

/// The reason of a refusal is half a sentence.
pub(super) fn compile(pattern: &str, ignore_case: bool) -> Result<Regex, String> {
    let expression = translate(pattern)?;
    RegexBuilder::new(&expression).case_insensitive(ignore_case).build().map_err(|error| reason(&error))
}

/// The crate draws the pattern and points at the place; the last line says what is wrong.
fn reason(error: &regex::Error) -> String {
    match error {
        regex::Error::CompiledTooBig(_) => "too large".into(),
        error => {
            let text = error.to_string();
            let line = text.lines().last().unwrap_or_default();
            line.trim_start_matches("error: ").to_string()
        }
    }
}

fn translate(pattern: &str) -> Result<String, String> {
    let mut rest = pattern.chars().peekable();
    let mut expression = String::new();
    while let Some(c) = rest.next() {
        match c {
            '\\' => expression.push_str(&escape(rest.next())),
            '[' => class(&mut rest, &mut expression)?,
            '(' => {
                expression.push('(');
                // Here the question mark repeats nothing.
                expression.extend(rest.next_if_eq(&'?'));
            }
            '{' => match repetition(rest.clone()) {
                Some((text, length)) => {
                    expression.push_str(&text);
                    rest.nth(length - 1);
                    after_repetition(&mut rest, &mut expression)?;
                }
                None => expression.push_str(r"\{"),
            },
            '*' | '+' | '?' => {
                expression.push(c);
                after_repetition(&mut rest, &mut expression)?;
            }
            c => expression.push(c),
        }
    }
    Ok(expression)
}

fn after_repetition(rest: &mut Peekable<Chars<'_>>, expression: &mut String) -> Result<(), String> {
    if rest.peek() == Some(&'+') {
        return Err("possessive repetition is not supported".into());
    }
    expression.extend(rest.next_if_eq(&'?'));
    Ok(())
}

/// Outside brackets. Letters that mean something only here come through, and are refused or taken by the crate.
fn escape(escaped: Option<char>) -> String {
    match escaped {
        Some('Z') => r"\z".into(),
        Some(c) if c.is_ascii_alphanumeric() => format!(r"\{c}"),
        // Among them what the crate would take for the beginning or end of a word.
        Some(c) => itself(c),
        None => r"\".into(),
    }
}

/// What follows an opening brace, if that repeats, in the crate's spelling, and its length. Any other brace stands
/// for itself.
fn repetition(rest: Peekable<Chars<'_>>) -> Option<(String, usize)> {
    let rest: String = rest.collect();
    let (inside, _) = rest.split_once('}')?;
    let (least, most) = match inside.split_once(',') {
        Some((least, most)) => (if least.is_empty() { "0" } else { least }, format!(",{most}")),
        None if inside.is_empty() => return None,
        None => (inside, String::new()),
    };
    let digits = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
    let closed = inside.len() + 1;
    (digits(least) && digits(most.trim_start_matches(','))).then(|| (format!("{{{least}{most}}}"), closed))
}

/// What follows an opening bracket. There is no nesting and no arithmetic of classes in Python.
fn class(rest: &mut Peekable<Chars<'_>>, expression: &mut String) -> Result<(), String> {
    let unclosed = || "a bracket is not closed".to_string();
    expression.push('[');
    expression.extend(rest.next_if_eq(&'^'));
    let mut first = true;
    loop {
        let c = rest.next().ok_or_else(unclosed)?;
        if c == ']' && !first {
            break;
        }
        first = false;
        expression.push_str(&member(c, rest));
        let mut ahead = rest.clone();
        // A hyphen at the end stands for itself.
        if ahead.next() == Some('-') && !matches!(ahead.next(), Some(']') | None) {
            rest.next();
            let last = rest.next().ok_or_else(unclosed)?;
            expression.push('-');
            expression.push_str(&member(last, rest));
        }
    }
    expression.push(']');
    Ok(())
}

fn member(c: char, rest: &mut Peekable<Chars<'_>>) -> String {
    if c != '\\' {
        return itself(c);
    }
    match rest.next() {
        Some('b') => itself('\u{8}'),
        Some(c @ ('x' | 'u' | 'U')) => {
            let digits = match c {
                'x' => 2,
                'u' => 4,
                _ => 8,
            };
            format!(r"\{c}{}", rest.take(digits).collect::<String>())
        }
        Some(c) if c.is_ascii_alphanumeric() => format!(r"\{c}"),
        Some(c) => itself(c),
        None => r"\".into(),
    }
}

fn itself(c: char) -> String {
    format!(r"\x{{{:x}}}", u32::from(c))
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn what_python_finds_is_found() {
        // Each was tried with Python 3.11: `re.search(pattern, text) is not None`.
        for (pattern, text, found) in [
            (r"^src/[ac]$", "src/a", true),
            (r"\.bak\Z", "src/a.bak", true),
            (r"\.bak\Z", "src/a.bak/b", false),
            (r"a.c", "a\nc", false),
            (r"(?s)a.c", "a\nc", true),
            (r"(?i)ABC", "xabcx", true),
            (r"[[]x", "[x", true),
            (r"[]x]y", "]y", true),
            (r"[^]x]y", "xy", false),
            (r"[a&&b]", "&", true),
            (r"[+--]", ",", true),
            (r"[a-]", "-", true),
            (r"[\w-]+\.t", "a-b.t", true),
            (r"[\b]", "b", false),
            (r"[\x41-\x43]", "B", true),
            (r"[\u00e9]", "\u{e9}", true),
            (r"\<a\>", "<a>", true),
            (r"\<a\>", "a", false),
            (r"x{2}", "xx", true),
            (r"^x{,2}$", "xxx", false),
            (r"^x{,}$", "xxx", true),
            (r"^x{,}$", "x{,}", false),
            (r"x{}", "x{}", true),
            (r"x{a}", "x{a}", true),
            (r"x{1, 2}", "x{1, 2}", true),
            (r"x{1", "x{1", true),
            (r"a}+b", "a}}b", true),
            (r"(?P<n>a)b", "ab", true),
            (r"a+?b", "aab", true),
            (r"^(a|b)*?$", "ab", true),
            (r"\d\D\s\S", "1a b", true),
            (r"caf\é", "caf\u{e9}", true),
            (r"\bfoo\b", "a/foo/b", true),
            (r"\bfoo\b", "a/foob", false),
            (r"\/\-\@\ ", "/-@ ", true),
        ] {
            let regexp = compile(pattern, false).unwrap_or_else(|error| panic!("{pattern}: {error}"));
            assert_eq!(regexp.is_match(text), found, "{pattern} in {text:?}");
        }
        assert!(compile("^\u{c9}T\u{c9}$", true).unwrap().is_match("\u{e9}t\u{e9}"));
    }

    #[test]
    fn what_would_be_misread_is_refused_in_half_a_sentence() {
        for pattern in [
            "(",
            "[a",
            "[",
            "*a",
            r"a\",
            r"(?=a)",
            r"(?<!a)b",
            r"(a)\1",
            r"(?P<n>a)(?P=n)",
            r"a++",
            r"a*+",
            r"a{2}+",
            r"(?>a)",
            r"\0",
            r"\N{DIGIT ONE}",
            "[b-a]",
            r"[\w-z]",
            "(?a)x",
        ] {
            let reason = compile(pattern, false).map(|_| ()).unwrap_err();
            assert!(!reason.is_empty() && !reason.contains('\n'), "{pattern}: {reason}");
        }
    }
}
