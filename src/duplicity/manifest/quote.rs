//! Quoting of paths in manifests (`FORMAT.md`, Manifest).

use std::borrow::Cow;

fn needs_escape(byte: u8) -> bool {
    matches!(byte, b' ' | b'\t'..=b'\r' | b'\\' | b'"' | b'\'')
}

/// The path itself, or within double quotes with every white space, quote and backslash as `\xHH`.
/// Other bytes stay raw, UTF-8 or not.
pub(crate) fn quote(path: &[u8]) -> Cow<'_, [u8]> {
    if !path.iter().copied().any(needs_escape) {
        return Cow::Borrowed(path);
    }
    let mut quoted = vec![b'"'];
    for &byte in path {
        if needs_escape(byte) {
            quoted.extend_from_slice(format!("\\x{byte:02x}").as_bytes());
        } else {
            quoted.push(byte);
        }
    }
    quoted.push(b'"');
    Cow::Owned(quoted)
}

/// Undoes [`quote`]. Text that does not begin with a quote is what it is. `None` when the closing quote is missing or
/// an escape is not `\xHH`.
pub(crate) fn unquote(text: &[u8]) -> Option<Cow<'_, [u8]>> {
    let Some(quoted) = text.strip_prefix(b"\"") else { return Some(Cow::Borrowed(text)) };
    let mut rest = quoted.strip_suffix(b"\"")?;
    let mut path = Vec::with_capacity(rest.len());
    while let Some((&byte, after)) = rest.split_first() {
        rest = after;
        if byte == b'\\' {
            let (digits, after) = after.strip_prefix(b"x")?.split_at_checked(2)?;
            let digits =
                std::str::from_utf8(digits).ok().filter(|d| d.bytes().all(|b| b.is_ascii_hexdigit()))?;
            path.push(u8::from_str_radix(digits, 16).ok()?);
            rest = after;
        } else {
            path.push(byte);
        }
    }
    Some(Cow::Owned(path))
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::expect_used)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn only_white_space_quotes_and_backslash_are_escaped() {
        assert_eq!(&*quote(b"plain/\xff\xc3\xa9"), b"plain/\xff\xc3\xa9");
        assert_eq!(&*quote(b"a b\n\x0b'\"\\\xff"), b"\"a\\x20b\\x0a\\x0b\\x27\\x22\\x5c\xff\"");
    }

    #[test]
    fn broken_quoting_is_refused() {
        for text in [&b"\""[..], b"\"a", b"\"a\\\"", b"\"\\x2\"", b"\"\\x+1\"", b"\"\\n\""] {
            assert_eq!(unquote(text), None, "{text:?}");
        }
    }

    proptest! {
        #[test]
        fn quoted_paths_are_one_word_and_read_back(path in "[^\"].*", tail: Vec<u8>) {
            let path = [path.as_bytes(), &tail].concat();
            let quoted = quote(&path);
            prop_assert!(!quoted.iter().any(u8::is_ascii_whitespace));
            prop_assert_eq!(&*unquote(&quoted).unwrap(), &path[..]);
        }

        #[test]
        fn any_bytes_may_be_unquoted(text: Vec<u8>) {
            let _ = unquote(&[b"\"", &text[..], b"\""].concat());
        }
    }
}
