//! S-expressions as gpg-agent speaks them: `(7:enc-val(3:rsa(1:a256:…)))`. Strings are borrowed, as they may be secret.

/// Deeper than anything that the agent says.
const DEPTH: usize = 8;

pub(super) enum Sexp<'a> {
    Text(&'a [u8]),
    List(Vec<Sexp<'a>>),
}

impl<'a> Sexp<'a> {
    /// What follows the expression is padding.
    pub(super) fn parse(text: &'a [u8]) -> Option<Self> {
        expression(text, DEPTH).map(|(parsed, _)| parsed)
    }

    /// The first list, here or inside, that begins with `name`.
    pub(super) fn find(&self, name: &str) -> Option<&[Sexp<'a>]> {
        let Self::List(items) = self else { return None };
        match items.as_slice() {
            [Self::Text(first), rest @ ..] if *first == name.as_bytes() => Some(rest),
            items => items.iter().find_map(|item| item.find(name)),
        }
    }

    /// The text in the list `(name text)`.
    pub(super) fn text(&self, name: &str) -> Option<&'a [u8]> {
        match self.find(name)? {
            [Self::Text(text), ..] => Some(text),
            _ => None,
        }
    }
}

fn expression(text: &[u8], depth: usize) -> Option<(Sexp<'_>, &[u8])> {
    let Some(mut rest) = text.strip_prefix(b"(") else {
        let (text, rest) = string(text)?;
        return Some((Sexp::Text(text), rest));
    };
    let mut items = Vec::new();
    while !rest.starts_with(b")") {
        let (item, after) = expression(rest, depth.checked_sub(1)?)?;
        items.push(item);
        rest = after;
    }
    Some((Sexp::List(items), &rest[1..]))
}

fn string(text: &[u8]) -> Option<(&[u8], &[u8])> {
    let colon = text.iter().position(|octet| *octet == b':')?;
    let length: usize = std::str::from_utf8(&text[..colon]).ok()?.parse().ok()?;
    text[colon + 1..].split_at_checked(length)
}

/// `(enc-val (KIND (NAME VALUE) …))`.
pub(super) fn encrypted(kind: &str, values: &[(&str, &[u8])]) -> Vec<u8> {
    let mut out = b"(7:enc-val(".to_vec();
    write_string(&mut out, kind.as_bytes());
    for (name, value) in values {
        out.push(b'(');
        write_string(&mut out, name.as_bytes());
        write_string(&mut out, value);
        out.push(b')');
    }
    out.extend_from_slice(b"))");
    out
}

fn write_string(out: &mut Vec<u8>, text: &[u8]) {
    out.extend_from_slice(format!("{}:", text.len()).as_bytes());
    out.extend_from_slice(text);
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn values_are_found_by_their_names() {
        let text = encrypted("ecdh", &[("s", b"(1:"), ("e", &[0, 255])]);
        let parsed = Sexp::parse(&text).unwrap();
        assert!(parsed.find("ecdh").is_some() && parsed.find("rsa").is_none());
        assert_eq!(parsed.text("s"), Some(&b"(1:"[..]));
        assert_eq!(parsed.text("e"), Some(&[0, 255][..]));
        assert_eq!(parsed.text("x"), None);
    }

    #[test]
    fn what_is_cut_or_too_deep_is_nothing() {
        let text = encrypted("rsa", &[("a", &[7; 20])]);
        for length in 0..text.len() {
            assert!(Sexp::parse(&text[..length]).is_none(), "{length} octets");
        }
        assert!(Sexp::parse(&[b'('; 100_000]).is_none());
        assert!(Sexp::parse(b"99999999999999999999:x").is_none());
    }
}
