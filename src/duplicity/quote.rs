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
