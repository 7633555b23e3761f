//! Values of our records as text, and back.

use std::io::Write;

use crate::duplicity::pax::parse_decimal;
use crate::entry::{LinkId, Timestamp};

pub(super) const XATTR: &[u8] = b"SCHILY.xattr.";

/// Seconds with nine decimals, as a number on the time line: half a second before 1970 is `-0.500000000`.
pub(super) fn write_time(out: &mut Vec<u8>, time: Timestamp) {
    let (sign, seconds, nanos) = match (time.seconds, time.nanos) {
        (s, n) if s >= 0 => ("", s.unsigned_abs(), n),
        (s, 0) => ("-", s.unsigned_abs(), 0),
        (s, n) => ("-", (s + 1).unsigned_abs(), 1_000_000_000 - n),
    };
    let _ = write!(out, "{sign}{seconds}.{nanos:09}");
}

/// Decimal seconds with or without a fraction; digits after the ninth are cut off.
pub(super) fn parse_time(text: &[u8]) -> Option<Timestamp> {
    let (negative, text) = match text.strip_prefix(b"-") {
        Some(rest) => (true, rest),
        None => (false, text),
    };
    let point = memchr::memchr(b'.', text).unwrap_or(text.len());
    let whole = i128::from(parse_decimal(&text[..point])?);
    let fraction = text.get(point + 1..).unwrap_or_default();
    let mut nanos = 0;
    for i in 0..9 {
        let digit = fraction.get(i).unwrap_or(&b'0');
        nanos = nanos * 10 + i128::from(digit.is_ascii_digit().then(|| digit - b'0')?);
    }
    let total = whole * 1_000_000_000 + nanos;
    let total = if negative { -total } else { total };
    let seconds = i64::try_from(total.div_euclid(1_000_000_000)).ok()?;
    Some(Timestamp { seconds, nanos: total.rem_euclid(1_000_000_000) as u32 })
}

pub(super) fn write_links(out: &mut Vec<u8>, links: LinkId) {
    let _ = write!(out, "{}:{}:", links.device, links.inode);
    write_time(out, links.birth);
}

pub(super) fn parse_links(value: &[u8]) -> Option<LinkId> {
    let mut parts = value.splitn(3, |b| *b == b':');
    Some(LinkId {
        device: parse_decimal(parts.next()?)?,
        inode: parse_decimal(parts.next()?)?,
        birth: parse_time(parts.next()?)?,
    })
}

pub(super) fn write_hex(out: &mut Vec<u8>, bytes: &[u8]) {
    const DIGITS: &[u8; 16] = b"0123456789abcdef";
    out.extend(bytes.iter().flat_map(|b| [DIGITS[usize::from(b >> 4)], DIGITS[usize::from(b & 15)]]));
}

pub(super) fn parse_hex<const N: usize>(text: &[u8]) -> Option<[u8; N]> {
    let digit = |b: u8| (b as char).to_digit(16).map(|d| d as u8);
    let mut bytes = [0; N];
    if text.len() != 2 * N {
        return None;
    }
    for (byte, pair) in bytes.iter_mut().zip(text.chunks_exact(2)) {
        *byte = digit(pair[0])? << 4 | digit(pair[1])?;
    }
    Some(bytes)
}

/// A `=` in a key would end it, and control bytes confuse other readers.
pub(super) fn xattr_key(name: &[u8]) -> Vec<u8> {
    let mut key = XATTR.to_vec();
    for byte in name {
        match byte {
            b'=' | b'%' | 0..=0x1f | 0x7f => drop(write!(key, "%{byte:02X}")),
            _ => key.push(*byte),
        }
    }
    key
}

/// Undoes [`xattr_key`] on the part after the prefix; a `%` without two hex digits stands for itself.
pub(super) fn xattr_name(mut encoded: &[u8]) -> Vec<u8> {
    let mut name = Vec::with_capacity(encoded.len());
    while let Some((first, rest)) = encoded.split_first() {
        let escaped = rest.first_chunk::<2>().filter(|_| *first == b'%').and_then(|hex| parse_hex(hex));
        name.push(escaped.as_ref().map_or(*first, |byte: &[u8; 1]| byte[0]));
        encoded = if escaped.is_some() { &rest[2..] } else { rest };
    }
    name
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::expect_used)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn text(seconds: i64, nanos: u32) -> String {
        let mut out = Vec::new();
        write_time(&mut out, Timestamp { seconds, nanos });
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn times_are_numbers_on_the_time_line() {
        assert_eq!(text(1, 999_999_999), "1.999999999");
        assert_eq!(text(-1, 500_000_000), "-0.500000000");
        assert_eq!(text(-5, 0), "-5.000000000");
        assert_eq!(parse_time(b"-1.5"), Some(Timestamp { seconds: -2, nanos: 500_000_000 }));
        assert_eq!(parse_time(b"7"), Some(Timestamp { seconds: 7, nanos: 0 }));
        assert_eq!(parse_time(b"7.1234567891"), Some(Timestamp { seconds: 7, nanos: 123_456_789 }));
        for malformed in ["", "-", ".5", "1.x", "1e9", "+1", "99999999999999999999"] {
            assert_eq!(parse_time(malformed.as_bytes()), None, "{malformed}");
        }
    }

    #[test]
    fn names_of_attributes_survive_equals_signs_and_control_bytes() {
        assert_eq!(xattr_key(b"user.a=b%\n"), b"SCHILY.xattr.user.a%3Db%25%0A");
        assert_eq!(xattr_name(b"user.a%3Db%25%0A"), b"user.a=b%\n");
        assert_eq!(xattr_name(b"100% %zz %4"), b"100% %zz %4");
    }

    proptest! {
        #[test]
        fn every_time_is_read_as_written(seconds: i64, nanos in 0u32..1_000_000_000) {
            prop_assert_eq!(parse_time(text(seconds, nanos).as_bytes()), Some(Timestamp { seconds, nanos }));
        }

        #[test]
        fn every_attribute_name_is_read_as_written(name: Vec<u8>) {
            prop_assert_eq!(xattr_name(&xattr_key(&name)[XATTR.len()..]), name);
        }
    }
}
