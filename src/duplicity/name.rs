//! Names of the files in a repository, to and from typed values (`FORMAT.md`, Names).
//!
//! A repository has no other index: what exists is what the names say.

use super::time::SetTime;

/// Which backup a file belongs to. Ordered by the time of the backup.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct SetId {
    /// The state that this set holds.
    pub at: SetTime,
    /// The state that it builds on; `None` for a full backup.
    pub from: Option<SetTime>,
}

impl SetId {
    pub const fn full(at: SetTime) -> Self {
        Self { at, from: None }
    }

    pub const fn incremental(from: SetTime, at: SetTime) -> Self {
        Self { at, from: Some(from) }
    }

    pub const fn is_full(&self) -> bool {
        self.from.is_none()
    }
}

#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum Part {
    Volume(u32),
    Manifest,
    Signatures,
    Statistics,
}

/// How the bytes of a file are wrapped, which its suffix tells.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum Sealing {
    OpenPgp,
    /// S/MIME, which `gpgsm` writes.
    Cms,
    Gzip,
    Plain,
}

impl Sealing {
    /// By the end of the name alone, whatever comes before it.
    pub fn of(name: &[u8]) -> Self {
        match name.rsplit(|b| *b == b'.').next() {
            Some(b"gpg" | b"g") => Self::OpenPgp,
            Some(b"p7m") => Self::Cms,
            Some(b"gz" | b"z") => Self::Gzip,
            _ => Self::Plain,
        }
    }

    pub const fn is_encrypted(self) -> bool {
        matches!(self, Self::OpenPgp | Self::Cms)
    }

    const fn suffix(self) -> &'static str {
        match self {
            Self::OpenPgp => ".gpg",
            Self::Cms => ".p7m",
            Self::Gzip => ".gz",
            Self::Plain => "",
        }
    }
}

/// The `--file-prefix` options: `common` stands before the one of the file's type. Taken literally.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Prefixes {
    pub common: String,
    pub archive: String,
    pub manifest: String,
    pub signature: String,
    pub jsonstat: String,
}

impl Prefixes {
    fn of(&self, part: Part) -> &str {
        match part {
            Part::Volume(_) => &self.archive,
            Part::Manifest => &self.manifest,
            Part::Signatures => &self.signature,
            Part::Statistics => &self.jsonstat,
        }
    }
}

#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub struct FileName {
    pub set: SetId,
    pub part: Part,
    pub sealing: Sealing,
    /// Of a run that has not ended. Such files belong in the cache and are never in a repository.
    pub partial: bool,
}

impl FileName {
    /// `None` for names of other things. As stock does, accepts whatever follows a dot after a complete name,
    /// so that a name may be read that [`format`](Self::format) would not write.
    pub fn parse(name: &[u8], prefixes: &Prefixes) -> Option<Self> {
        let rest = name.strip_prefix(prefixes.common.as_bytes())?;
        [&prefixes.archive, &prefixes.manifest, &prefixes.signature, &prefixes.jsonstat].into_iter().find_map(
            |prefix| {
                let bare = rest.strip_prefix(prefix.as_bytes())?;
                let (set, part, tail) = parse_long(bare).or_else(|| parse_short(bare))?;
                // The type's own prefix must have been the one taken off.
                let partial = [&b".part"[..], b".p"].into_iter().any(|mark| ends_field(tail, mark));
                (prefixes.of(part) == prefix).then(|| Self { set, part, sealing: Sealing::of(tail), partial })
            },
        )
    }

    /// The name as written today. A manifest is never gzipped, hence `Gzip` counts as `Plain` for it.
    pub fn format(&self, prefixes: &Prefixes) -> String {
        let kind = match (self.part, self.set.is_full()) {
            (Part::Signatures, true) => "duplicity-full-signatures",
            (Part::Signatures, false) => "duplicity-new-signatures",
            (_, true) => "duplicity-full",
            (_, false) => "duplicity-inc",
        };
        let at = self.set.at;
        let times = self.set.from.map_or_else(|| at.to_string(), |from| format!("{from}.to.{at}"));
        let part = match self.part {
            Part::Volume(number) => format!("vol{number}.difftar"),
            Part::Manifest => "manifest".to_owned(),
            Part::Signatures => "sigtar".to_owned(),
            Part::Statistics => "jsonstat".to_owned(),
        };
        let partial = if self.partial { ".part" } else { "" };
        let suffix = match (self.part, self.sealing) {
            (Part::Manifest, Sealing::Gzip) => "",
            (_, sealing) => sealing.suffix(),
        };
        format!("{}{}{kind}.{times}.{part}{partial}{suffix}", prefixes.common, prefixes.of(self.part))
    }
}

/// Whether a name begins with a complete name of the format. Stock takes such a file for the thing it begins
/// with and dies of it, so no file of our own may ever be called that.
pub fn begins_with_complete_name(name: &[u8], prefixes: &Prefixes) -> bool {
    FileName::parse(name, prefixes).is_some()
}

/// The set, the part, and the rest of the name after it.
type Parsed<'a> = (SetId, Part, &'a [u8]);

fn parse_long(name: &[u8]) -> Option<Parsed<'_>> {
    const KINDS: [(&[u8], bool, bool); 4] = [
        (b"duplicity-full.", true, false),
        (b"duplicity-inc.", false, false),
        (b"duplicity-full-signatures.", true, true),
        (b"duplicity-new-signatures.", false, true),
    ];
    let (rest, full, signatures) = KINDS
        .into_iter()
        .find_map(|(kind, full, signatures)| Some((name.strip_prefix(kind)?, full, signatures)))?;
    let (first, rest) = SetTime::split_from(rest)?;
    let (set, rest) = if full {
        (SetId::full(first), rest)
    } else {
        let (at, rest) = SetTime::split_from(rest.strip_prefix(b".to.")?)?;
        (SetId::incremental(first, at), rest)
    };
    let (part, tail) = if signatures {
        (Part::Signatures, field(rest, b".sigtar")?)
    } else if let Some(rest) = rest.strip_prefix(b".vol") {
        let digits = rest.iter().take_while(|b| b.is_ascii_digit()).count();
        (Part::Volume(parse_radix(&rest[..digits], 10)?), field(&rest[digits..], b".difftar")?)
    } else if let Some(tail) = field(rest, b".manifest") {
        (Part::Manifest, tail)
    } else {
        (Part::Statistics, field(rest, b".jsonstat")?)
    };
    Some((set, part, tail))
}

/// The short names of versions before 2.0: times and numbers in base 36.
fn parse_short(name: &[u8]) -> Option<Parsed<'_>> {
    let (kind, rest) = take_field(name)?;
    let (full, signatures) = match kind {
        b"df" => (true, false),
        b"di" => (false, false),
        b"dfs" => (true, true),
        b"dns" => (false, true),
        _ => return None,
    };
    let (first, rest) = take_time36(rest)?;
    let (set, rest) = if full {
        (SetId::full(first), rest)
    } else {
        let (at, rest) = take_time36(rest)?;
        (SetId::incremental(first, at), rest)
    };
    if signatures {
        return Some((set, Part::Signatures, field(rest, b".st")?));
    }
    // Volumes first: in `df.1.m.dt` the `m` is a number.
    let volume = rest
        .strip_prefix(b".")
        .and_then(take_field)
        .and_then(|(digits, tail)| Some((set, Part::Volume(parse_radix(digits, 36)?), field(tail, b".dt")?)));
    volume.or_else(|| Some((set, Part::Manifest, field(rest, b".m")?)))
}

fn take_time36(rest: &[u8]) -> Option<(SetTime, &[u8])> {
    let (digits, rest) = take_field(rest.strip_prefix(b".")?)?;
    Some((SetTime(parse_radix(digits, 36)?), rest))
}

/// Up to the next dot, which stays.
fn take_field(text: &[u8]) -> Option<(&[u8], &[u8])> {
    text.split_at_checked(text.iter().position(|b| *b == b'.')?)
}

/// What follows `mark`, which must be a whole field: then comes a dot or the end.
fn field<'a>(text: &'a [u8], mark: &[u8]) -> Option<&'a [u8]> {
    text.strip_prefix(mark).filter(|tail| matches!(tail.first(), None | Some(b'.')))
}

fn ends_field(text: &[u8], mark: &[u8]) -> bool {
    field(text, mark).is_some()
}

/// Digits and lower-case letters only: no sign, no capitals.
fn parse_radix<T: TryFrom<i64>>(digits: &[u8], radix: u32) -> Option<T> {
    let plain = |b: &u8| b.is_ascii_digit() || b.is_ascii_lowercase();
    let text = std::str::from_utf8(digits).ok().filter(|_| digits.iter().all(plain))?;
    T::try_from(i64::from_str_radix(text, radix).ok()?).ok()
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::expect_used)]
mod tests;
