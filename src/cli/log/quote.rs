//! Names in arguments of stanzas.

use std::fmt::Write;

/// In single quotes and with Python's escapes: nothing in it ends a line or the quotes, and everything is ASCII. Bytes
/// that are no text have the numbers that Python's surrogate escapes give them.
pub(in crate::cli) fn quoted(name: &[u8]) -> String {
    let mut quoted = String::with_capacity(name.len() + 2);
    quoted.push('\'');
    for chunk in name.utf8_chunks() {
        chunk.valid().chars().for_each(|character| push(&mut quoted, character));
        for byte in chunk.invalid() {
            let _ = write!(quoted, "\\udc{byte:02x}");
        }
    }
    quoted.push('\'');
    quoted
}

fn push(quoted: &mut String, character: char) {
    let _ = match (character, u32::from(character)) {
        ('\\', _) => quoted.write_str("\\\\"),
        ('\n', _) => quoted.write_str("\\n"),
        ('\r', _) => quoted.write_str("\\r"),
        ('\t', _) => quoted.write_str("\\t"),
        ('\'', code) => write!(quoted, "\\x{code:02x}"),
        (' '..='~', _) => quoted.write_char(character),
        (_, code @ ..=0xff) => write!(quoted, "\\x{code:02x}"),
        (_, code @ ..=0xffff) => write!(quoted, "\\u{code:04x}"),
        (_, code) => write!(quoted, "\\U{code:08x}"),
    };
}

#[cfg(test)]
mod tests {
    use super::quoted;

    #[test]
    fn names_are_ascii_in_quotes_with_pythons_escapes() {
        for (name, expected) in [
            (&b"a/b c"[..], "'a/b c'"),
            (b"", "''"),
            ("it's \u{e9} \\back\nnl".as_bytes(), r"'it\x27s \xe9 \\back\nnl'"),
            ("\u{65e5}\u{1f600}\t\r\u{7f}\u{1}\"".as_bytes(), r#"'\u65e5\U0001f600\t\r\x7f\x01"'"#),
            (b"\xff\xfe", r"'\udcff\udcfe'"),
        ] {
            assert_eq!(quoted(name), expected);
        }
    }
}
