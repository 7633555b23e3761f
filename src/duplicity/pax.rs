//! PAX extended header bodies: `LENGTH KEY=VALUE\n` records (`FORMAT.md` sections 3.1 and 21).
//!
//! Records are cut by their length prefix, never by lines: keys and values are bytes, and a value may
//! hold newlines, `=`, NUL or the text of another record.

use std::io::Write;

/// Largest body that is read or written, in bytes. Linux can hold more extended attributes than that on
/// one file only in theory.
pub const MAX_BODY: usize = 8 << 20;

/// A body that is not a sequence of whole records.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("malformed PAX record at byte {0} of the extended header")]
pub struct MalformedRecord(pub usize);

/// The records of a body in stored order, as `(key, value)`. Nothing follows the first error.
#[derive(Debug, Clone)]
pub struct Records<'a> {
    body: &'a [u8],
    position: usize,
}

impl<'a> Records<'a> {
    pub fn new(body: &'a [u8]) -> Self {
        Self { body, position: 0 }
    }
}

impl<'a> Iterator for Records<'a> {
    type Item = Result<(&'a [u8], &'a [u8]), MalformedRecord>;

    fn next(&mut self) -> Option<Self::Item> {
        let rest = &self.body[self.position..];
        // Some writers count zero padding into the body's size.
        if rest.first().is_none_or(|b| *b == 0) {
            return None;
        }
        match split_record(rest) {
            Some((length, key, value)) => {
                self.position += length;
                Some(Ok((key, value)))
            }
            None => {
                let at = std::mem::replace(&mut self.position, self.body.len());
                Some(Err(MalformedRecord(at)))
            }
        }
    }
}

/// The first record of `bytes`: its whole length, key and value.
fn split_record(bytes: &[u8]) -> Option<(usize, &[u8], &[u8])> {
    let digits = bytes.iter().take(8).position(|b| *b == b' ')?;
    let length = parse_decimal(&bytes[..digits])? as usize;
    let (newline, pair) = bytes.get(digits + 1..length)?.split_last()?;
    let equals = memchr::memchr(b'=', pair)?;
    (*newline == b'\n' && equals > 0).then(|| (length, &pair[..equals], &pair[equals + 1..]))
}

/// Plain decimal digits only, unlike `str::parse`, which takes a sign.
pub(super) fn parse_decimal(digits: &[u8]) -> Option<u64> {
    if digits.is_empty() {
        return None;
    }
    digits.iter().try_fold(0u64, |n, b| {
        b.is_ascii_digit().then(|| n.checked_mul(10)?.checked_add(u64::from(b - b'0')))?
    })
}

/// Appends one record to `body`.
pub fn push_record(body: &mut Vec<u8>, key: &[u8], value: &[u8]) {
    push_record_with(body, key, |body| body.extend_from_slice(value));
}

/// Appends one record whose value `write_value` appends. `key` holds no `=` and is not empty.
pub(super) fn push_record_with(body: &mut Vec<u8>, key: &[u8], write_value: impl FnOnce(&mut Vec<u8>)) {
    debug_assert!(!key.is_empty() && !key.contains(&b'='));
    let start = body.len();
    body.extend_from_slice(key);
    body.push(b'=');
    write_value(body);
    body.push(b'\n');
    let pair = body.len() - start;
    // The length counts its own digits: the least fixed point, as Python finds it.
    let mut length = pair + 2;
    while length != pair + 1 + decimal_width(length) {
        length = pair + 1 + decimal_width(length);
    }
    // Writing to a Vec cannot fail.
    let _ = write!(body, "{length} ");
    body[start..].rotate_right(length - pair);
}

fn decimal_width(n: usize) -> usize {
    n.checked_ilog10().unwrap_or(0) as usize + 1
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::expect_used)]
mod tests {
    use proptest::collection::vec;
    use proptest::prelude::*;

    use super::*;

    type Pairs = Vec<(Vec<u8>, Vec<u8>)>;

    fn parse(body: &[u8]) -> Result<Pairs, MalformedRecord> {
        Records::new(body).map(|r| r.map(|(key, value)| (key.to_vec(), value.to_vec()))).collect()
    }

    fn build(pairs: &Pairs) -> Vec<u8> {
        let mut body = Vec::new();
        pairs.iter().for_each(|(key, value)| push_record(&mut body, key, value));
        body
    }

    #[test]
    fn the_length_counts_its_own_digits() {
        for (value, prefix) in [(3, "8 "), (4, "9 "), (5, "11 "), (93, "99 "), (94, "101 "), (992, "999 ")] {
            let body = build(&vec![(b"k".to_vec(), vec![b'v'; value])]);
            assert!(body.starts_with(prefix.as_bytes()), "{}", String::from_utf8_lossy(&body));
            assert!(prefix.trim().parse() == Ok(body.len()));
        }
    }

    #[test]
    fn a_value_may_hold_what_looks_like_another_record() {
        let pairs = vec![
            (b"path".to_vec(), b"two\nlines".to_vec()),
            (b"SCHILY.xattr.user.x".to_vec(), b"\n22 path=snapshot/evil\n".to_vec()),
        ];
        assert_eq!(parse(&build(&pairs)), Ok(pairs));
    }

    #[test]
    fn records_that_are_not_whole_are_refused() {
        for body in
            ["9 a=b\n", "6 a=b", "6 a=bc", "5 =b\n", "5 ab\n", "x", "2 \n", "+6 a=b\n", "99999999999 a=b\n"]
        {
            assert_eq!(parse(body.as_bytes()), Err(MalformedRecord(0)), "{body:?}");
        }
        assert_eq!(parse(b"6 a=b\n6 a"), Err(MalformedRecord(6)));
        assert_eq!(parse(b"6 a=b\n\0\0\0"), Ok(vec![(b"a".to_vec(), b"b".to_vec())]));
    }

    proptest! {
        #[test]
        fn what_is_built_is_parsed(
            pairs in vec((vec(any::<u8>().prop_filter("=", |b| *b != b'='), 1..20), vec(any::<u8>(), 0..1200)), 0..5)
        ) {
            prop_assert_eq!(parse(&build(&pairs)), Ok(pairs));
        }

        #[test]
        fn no_bytes_make_it_panic(body in "[0-9]{0,3} ?[a-z]{0,3}=?\\PC{0,9}\n?[0-9]{0,2}") {
            let _ = parse(body.as_bytes());
        }
    }
}
