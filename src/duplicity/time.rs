//! Times as the format writes them, and times as people type them (`FORMAT.md`, Times).
//!
//! Pure: the present is always an argument. The local zone is the only thing taken from the computer.

use std::fmt;

use chrono::{DateTime, Datelike, Local, NaiveDate, NaiveDateTime, Offset, TimeZone, Utc};

/// When a set was begun: whole seconds since 1970-01-01 UTC. Equality of these links a chain together.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct SetTime(pub i64);

/// Neither a known form of time nor within the years 1901 to 2099.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("not a time: {0:?}")]
pub struct InvalidTime(pub String);

/// Years that every version accepts.
const YEARS: std::ops::RangeInclusive<i32> = 1901..=2099;

impl SetTime {
    /// The whole text must be a time as file names hold it: `20200913T122640Z`, or the form of the
    /// first versions, `2020-09-13T12:26:40+00:00`, whose colons may be any one punctuation byte.
    pub fn parse(text: &[u8]) -> Option<Self> {
        Self::split_from(text).filter(|(_, rest)| rest.is_empty()).map(|(time, _)| time)
    }

    /// A time at the start of `text`, and what follows it. Lengths are fixed, so a separator may even be a dot.
    pub(super) fn split_from(text: &[u8]) -> Option<(Self, &[u8])> {
        let split = |n: usize| text.split_at_checked(n);
        if let Some((head, rest)) = split(16)
            && let Some(time) = parse_compact(head)
        {
            return Some((time, rest));
        }
        let separator = *text.get(13).filter(|b| b.is_ascii_punctuation())?;
        let dated = parse_dashed(split(19)?.0, separator)?;
        let zone_length = if text.get(19) == Some(&b'Z') { 1 } else { 6 };
        let (head, rest) = split(19 + zone_length)?;
        Some((Self(dated - parse_zone(&head[19..], separator)?), rest))
    }
}

/// The 16 characters of file names.
impl fmt::Display for SetTime {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match DateTime::from_timestamp(self.0, 0) {
            Some(time) => write!(f, "{}", time.format("%Y%m%dT%H%M%SZ")),
            None => write!(f, "{}", self.0),
        }
    }
}

/// Seconds since the epoch for a time as typed in options, with `now` in the same unit.
///
/// The forms are tried in the fixed order of `FORMAT.md`, Times; what has no zone is local time without daylight saving.
pub fn parse_user_time(text: &str, now: i64) -> Result<i64, InvalidTime> {
    parse_in(&Local, text, now).ok_or_else(|| InvalidTime(text.to_owned()))
}

/// C's `asctime` in local time, without the newline: `Sun Sep 13 12:26:40 2020`.
pub fn asctime(seconds: i64) -> String {
    asctime_in(&Local, seconds)
}

fn parse_in(zone: &impl TimeZone, text: &str, now: i64) -> Option<i64> {
    let bytes = text.as_bytes();
    if text == "now" {
        return Some(now);
    }
    if is_digits(bytes) {
        return text.parse().ok();
    }
    parse_w3c(zone, bytes, now)
        .or_else(|| now.checked_sub(parse_interval(bytes)?))
        .or_else(|| Some(parse_date(text)? - standard_offset(zone, now)?))
}

fn parse_w3c(zone: &impl TimeZone, text: &[u8], now: i64) -> Option<i64> {
    if let Some(time) = parse_compact(text) {
        return Some(time.0);
    }
    let (head, tail) = text.split_at_checked(19)?;
    let offset = if tail.is_empty() { standard_offset(zone, now)? } else { parse_zone(tail, b':')? };
    Some(parse_dashed(head, b':')? - offset)
}

/// `YYYYMMDDTHHMMSSZ`.
fn parse_compact(text: &[u8]) -> Option<SetTime> {
    if text.len() != 16 || text[8] != b'T' || text[15] != b'Z' {
        return None;
    }
    seconds_utc([&text[0..4], &text[4..6], &text[6..8], &text[9..11], &text[11..13], &text[13..15]])
        .map(SetTime)
}

/// `YYYY-MM-DDTHH:MM:SS`, read as UTC, with `separator` in place of the colons.
fn parse_dashed(text: &[u8], separator: u8) -> Option<i64> {
    let marks = [(4, b'-'), (7, b'-'), (10, b'T'), (13, separator), (16, separator)];
    if text.len() != 19 || marks.iter().any(|(at, mark)| text[*at] != *mark) {
        return None;
    }
    seconds_utc([&text[0..4], &text[5..7], &text[8..10], &text[11..13], &text[14..16], &text[17..19]])
}

/// `Z` or `±HH:MM`: seconds east of UTC.
fn parse_zone(text: &[u8], separator: u8) -> Option<i64> {
    let (sign, rest) = match text {
        b"Z" => return Some(0),
        [b'+', rest @ ..] => (1, rest),
        [b'-', rest @ ..] => (-1, rest),
        _ => return None,
    };
    if rest.len() != 5 || rest[2] != separator {
        return None;
    }
    let (hours, minutes) = (number(&rest[..2])?, number(&rest[3..])?);
    (hours < 24 && minutes < 60).then_some(sign * i64::from(hours * 3600 + minutes * 60))
}

/// Year, month, day, hour, minute, second, as digits, read as UTC.
fn seconds_utc(fields: [&[u8]; 6]) -> Option<i64> {
    let mut values = [0; 6];
    for (value, field) in values.iter_mut().zip(fields) {
        *value = number(field)?;
    }
    let [year, month, day, hour, minute, second] = values;
    Some(date(year, month, day)?.and_hms_opt(hour, minute, second)?.and_utc().timestamp())
}

fn date(year: u32, month: u32, day: u32) -> Option<NaiveDate> {
    let year = i32::try_from(year).ok().filter(|y| YEARS.contains(y))?;
    NaiveDate::from_ymd_opt(year, month, day)
}

/// Sum of `<digits><unit>` in seconds. Case matters: `m` is a minute, `M` 30 days.
fn parse_interval(text: &[u8]) -> Option<i64> {
    let mut rest = text;
    let mut total = 0i64;
    while !rest.is_empty() {
        let digits = rest.iter().take_while(|b| b.is_ascii_digit()).count();
        let count: i64 = std::str::from_utf8(&rest[..digits]).ok()?.parse().ok()?;
        let unit = match rest.get(digits)? {
            b's' => 1,
            b'm' => 60,
            b'h' => 3600,
            b'D' => 86_400,
            b'W' => 7 * 86_400,
            b'M' => 30 * 86_400,
            b'Y' => 365 * 86_400,
            _ => return None,
        };
        total = total.checked_add(count.checked_mul(unit)?)?;
        rest = &rest[digits + 1..];
    }
    (!text.is_empty()).then_some(total)
}

/// Midnight, read as UTC, of a date in one of the five written forms.
fn parse_date(text: &str) -> Option<i64> {
    let (year, month, day) = match text.as_bytes() {
        [digits @ .., b'Z'] if digits.len() == 8 => (&digits[..4], &digits[4..6], &digits[6..]),
        _ => {
            let separator = if text.contains('-') { '-' } else { '/' };
            let fields: Vec<&[u8]> = text.split(separator).map(str::as_bytes).collect();
            match fields[..] {
                [y, m, d] if y.len() == 4 && is_short(m) && is_short(d) => (y, m, d),
                [m, d, y] if y.len() == 4 && is_short(m) && is_short(d) => (y, m, d),
                _ => return None,
            }
        }
    };
    let midnight = date(number(year)?, number(month)?, number(day)?)?.and_hms_opt(0, 0, 0)?;
    Some(midnight.and_utc().timestamp())
}

fn is_short(field: &[u8]) -> bool {
    matches!(field.len(), 1 | 2)
}

fn is_digits(text: &[u8]) -> bool {
    !text.is_empty() && text.iter().all(u8::is_ascii_digit)
}

fn number(digits: &[u8]) -> Option<u32> {
    if !is_digits(digits) {
        return None;
    }
    std::str::from_utf8(digits).ok()?.parse().ok()
}

/// Seconds east of UTC that the zone has outside daylight saving in the year of `now`: the smaller of its
/// winter and summer offsets, whichever hemisphere.
fn standard_offset(zone: &impl TimeZone, now: i64) -> Option<i64> {
    let year = DateTime::from_timestamp(now, 0)?.year();
    let offset_in = |month| {
        let noon: NaiveDateTime = NaiveDate::from_ymd_opt(year, month, 1)?.and_hms_opt(12, 0, 0)?;
        Some(i64::from(zone.offset_from_utc_datetime(&noon).fix().local_minus_utc()))
    };
    Some(offset_in(1)?.min(offset_in(7)?))
}

fn asctime_in(zone: &impl TimeZone, seconds: i64) -> String {
    match DateTime::<Utc>::from_timestamp(seconds, 0) {
        Some(time) => time.with_timezone(zone).naive_local().format("%a %b %e %H:%M:%S %Y").to_string(),
        None => seconds.to_string(),
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::expect_used)]
mod tests {
    use chrono::FixedOffset;
    use proptest::prelude::*;

    use super::*;

    /// One hour east of UTC, two from April to September.
    #[derive(Clone)]
    struct WithSummerTime;

    impl TimeZone for WithSummerTime {
        type Offset = FixedOffset;

        fn from_offset(_: &FixedOffset) -> Self {
            Self
        }

        fn offset_from_local_date(&self, day: &NaiveDate) -> chrono::MappedLocalTime<FixedOffset> {
            chrono::MappedLocalTime::Single(self.offset_from_utc_date(day))
        }

        fn offset_from_local_datetime(&self, time: &NaiveDateTime) -> chrono::MappedLocalTime<FixedOffset> {
            self.offset_from_local_date(&time.date())
        }

        fn offset_from_utc_date(&self, day: &NaiveDate) -> FixedOffset {
            let hours = if (4..=9).contains(&day.month()) { 2 } else { 1 };
            FixedOffset::east_opt(hours * 3600).unwrap()
        }

        fn offset_from_utc_datetime(&self, time: &NaiveDateTime) -> FixedOffset {
            self.offset_from_utc_date(&time.date())
        }
    }

    /// 2020-09-13 12:26:40 UTC.
    const NOW: i64 = 1_600_000_000;
    const DAY: i64 = 86_400;
    const MIDNIGHT: i64 = 1_599_955_200;

    #[test]
    fn set_times_are_written_in_sixteen_characters() {
        assert_eq!(SetTime(NOW).to_string(), "20200913T122640Z");
        assert_eq!(SetTime::parse(b"20200913T122640Z"), Some(SetTime(NOW)));
    }

    #[test]
    fn the_form_of_the_first_versions_is_read_with_any_separator() {
        for text in ["2002-08-06T04:22:00-07:00", "2002-08-06T04_22_00-07_00", "2002-08-06T11.22.00Z"] {
            assert_eq!(SetTime::parse(text.as_bytes()), Some(SetTime(1_028_632_920)), "{text}");
        }
        for text in
            ["2002-08-06T04:22_00-07:00", "2002-08-06T04:22:00", "20200913T122640", "20200230T000000Z"]
        {
            assert_eq!(SetTime::parse(text.as_bytes()), None, "{text}");
        }
    }

    #[test]
    fn every_form_that_people_may_type_is_understood() {
        let utc = [
            ("now", NOW),
            ("0", 0),
            ("20200913", 20_200_913),
            ("2020-09-13T12:26:40Z", NOW),
            ("2020-09-13T14:26:40+02:00", NOW),
            ("2020-09-13T07:56:40-04:30", NOW),
            ("20200913T122640Z", NOW),
            ("1s", NOW - 1),
            ("3D", NOW - 3 * DAY),
            ("1h78m", NOW - 3600 - 78 * 60),
            ("1Y2M3W4D5h6m7s", NOW - (365 + 60 + 21 + 4) * DAY - 5 * 3600 - 6 * 60 - 7),
        ];
        for (text, expected) in utc {
            assert_eq!(parse_in(&Utc, text, NOW), Some(expected), "{text}");
            assert_eq!(parse_in(&WithSummerTime, text, NOW), Some(expected), "{text}");
        }
        let local =
            ["2020-09-13", "2020/9/13", "09-13-2020", "9/13/2020", "20200913Z", "2020-09-13T00:00:00"];
        for text in local {
            assert_eq!(parse_in(&Utc, text, NOW), Some(MIDNIGHT), "{text}");
            assert_eq!(
                parse_in(&WithSummerTime, text, NOW),
                Some(MIDNIGHT - 3600),
                "never summer time: {text}"
            );
        }
    }

    #[test]
    fn anything_else_is_refused() {
        let refused = [
            "",
            "D",
            "3d",
            "3H",
            "NOW",
            " now",
            "-5",
            "1.5D",
            "D3",
            "3D4",
            "99999999999999999999",
            "99999999999999999Y",
            "2020-09-13T12:26",
            "2020-09-13T12:26:40z",
            "2020-09-13T12:26:40+2:00",
            "2020-09-13T12:26:40+24:00",
            "2020-13-01",
            "2020-02-30",
            "13-09-2020",
            "2020-09",
            "20-09-13",
            "2020-009-13",
            "1900-01-01",
            "2100-01-01",
            "2020-09-13T25:00:00Z",
            "२०२०-09-13",
        ];
        for text in refused {
            assert_eq!(parse_in(&Utc, text, NOW), None, "{text:?}");
        }
        assert_eq!(parse_user_time("3d", NOW), Err(InvalidTime("3d".into())));
    }

    #[test]
    fn asctime_pads_the_day_with_a_space() {
        assert_eq!(asctime_in(&Utc, NOW), "Sun Sep 13 12:26:40 2020");
        assert_eq!(asctime_in(&WithSummerTime, NOW), "Sun Sep 13 14:26:40 2020");
        assert_eq!(asctime_in(&Utc, 0), "Thu Jan  1 00:00:00 1970");
    }

    proptest! {
        #[test]
        fn written_set_times_are_read_back(seconds in -2_000_000_000i64..4_000_000_000) {
            prop_assert_eq!(SetTime::parse(SetTime(seconds).to_string().as_bytes()), Some(SetTime(seconds)));
        }

        #[test]
        fn no_text_makes_the_parsers_panic(text in ".{0,40}", now: i64) {
            let _ = parse_in(&Utc, &text, now);
            let _ = SetTime::parse(text.as_bytes());
        }
    }
}
