//! Header blocks to attributes.

use tar::Header;

use super::VERSION;
use super::values::{XATTR, parse_hex, parse_links, parse_time, xattr_name};
use crate::duplicity::pax::{self, Records, parse_decimal};
use crate::entry::{Attributes, Content, DiskState, Extended, Kind, Timestamp};

/// Global records apply to every entry after them: a large body would be gone through each time.
const MAX_GLOBAL: usize = 64 << 10;

/// What precedes an entry's header and overrides it.
#[derive(Default)]
pub(in crate::duplicity) struct Extensions {
    pax: Vec<u8>,
    /// Records for all entries from here on.
    global: Vec<u8>,
    long_name: Vec<u8>,
    long_link: Vec<u8>,
}

impl Extensions {
    /// Forgets what concerned one entry.
    pub(in crate::duplicity) fn clear(&mut self) {
        self.pax.clear();
        self.long_name.clear();
        self.long_link.clear();
    }

    /// Where the body of this entry belongs and how large that may become; `None` when it is a real entry.
    pub(in crate::duplicity) fn body_for(&mut self, header: &Header) -> Option<(&mut Vec<u8>, usize)> {
        match header.as_old().linkflag[0] {
            b'x' | b'X' => Some((&mut self.pax, pax::MAX_BODY)),
            b'g' => Some((&mut self.global, MAX_GLOBAL)),
            b'L' => Some((&mut self.long_name, pax::MAX_BODY)),
            b'K' => Some((&mut self.long_link, pax::MAX_BODY)),
            _ => None,
        }
    }
}

/// A header and its extensions, understood.
pub(in crate::duplicity) struct Decoded {
    pub(in crate::duplicity) attributes: Attributes,
    /// `None`: a type of entry that cannot occur in a backup.
    pub(in crate::duplicity) kind: Option<Kind>,
    /// Bytes of the body.
    pub(in crate::duplicity) size: u64,
    /// Whether body blocks follow the header.
    pub(in crate::duplicity) has_body: bool,
    /// Our records are of a version above the one known.
    pub(in crate::duplicity) newer: bool,
    /// What was expected where the entry is malformed; its framing is still right.
    pub(in crate::duplicity) fault: Option<&'static str>,
}

/// Fields that records override, gathered before they become [`Attributes`].
#[derive(Default)]
struct Own {
    mtime: Option<Timestamp>,
    size: Option<u64>,
    sha256: Option<[u8; 32]>,
    ctime: Option<Timestamp>,
    inode: Option<u64>,
}

pub(in crate::duplicity) fn is_zero(header: &Header) -> bool {
    header.as_bytes().iter().all(|b| *b == 0)
}

/// Old writers summed signed bytes; both sums are right. The sum's own field counts as blanks.
pub(in crate::duplicity) fn checksum_matches(header: &Header) -> bool {
    let Some(stored) = number(&header.as_old().cksum) else { return false };
    let (before, rest) = header.as_bytes().split_at(148);
    let parts = [before, &[b' '; 8], &rest[8..]];
    let unsigned: i32 = parts.iter().map(|p| p.iter().map(|b| i32::from(*b)).sum::<i32>()).sum();
    let signed = || parts.iter().map(|p| p.iter().map(|b| i32::from(*b as i8)).sum::<i32>()).sum::<i32>();
    stored == i128::from(unsigned) || stored == i128::from(signed())
}

/// The size field, before any record overrides it.
pub(in crate::duplicity) fn stored_size(header: &Header) -> Option<u64> {
    number(&header.as_old().size).and_then(|n| u64::try_from(n).ok())
}

/// A number field: octal digits between blanks, up to a NUL (none: 0), or GNU's binary form.
fn number(field: &[u8]) -> Option<i128> {
    match field {
        [0x80, rest @ ..] => Some(rest.iter().fold(0, |n, b| n << 8 | i128::from(*b))),
        [0xff, rest @ ..] => Some(rest.iter().fold(-1, |n, b| n << 8 | i128::from(*b))),
        _ => before_nul(field)
            .trim_ascii()
            .iter()
            .try_fold(0, |n, b| (b'0'..=b'7').contains(b).then(|| n << 3 | i128::from(b - b'0'))),
    }
}

fn before_nul(field: &[u8]) -> &[u8] {
    &field[..memchr::memchr(0, field).unwrap_or(field.len())]
}

/// An id that does not fit becomes the one that no system has: chown(2) takes it as "leave the owner alone".
fn id(number: impl TryInto<u32>) -> u32 {
    number.try_into().unwrap_or(u32::MAX)
}

/// Reads a header that is no extension itself. The entry's full name replaces `name`.
pub(in crate::duplicity) fn decode(header: &Header, extensions: &Extensions, name: &mut Vec<u8>) -> Decoded {
    let flag = header.as_old().linkflag[0];
    let mut decoded = Decoded {
        attributes: Attributes::default(),
        kind: None,
        size: stored_size(header).unwrap_or(0),
        has_body: false,
        newer: false,
        fault: None,
    };
    if read_fields(header, name, &mut decoded.attributes).is_none() {
        decoded.fault = Some("numbers in the header's fields");
    }
    decoded.kind = kind(flag, name);
    if !extensions.long_name.is_empty() {
        name.clear();
        name.extend_from_slice(before_nul(&extensions.long_name));
    }
    if !extensions.long_link.is_empty() {
        decoded.attributes.link_target = before_nul(&extensions.long_link).to_vec();
    }
    let mut own = Own::default();
    for record in Records::new(&extensions.global).chain(Records::new(&extensions.pax)) {
        if record.ok().and_then(|(key, value)| apply(key, value, name, &mut decoded, &mut own)).is_none() {
            decoded.fault = Some("well-formed PAX records");
        }
    }
    settle(&mut decoded, own);
    // Stock's reader takes links and special files to have no body, whatever their size field says.
    decoded.has_body = !matches!(flag, b'1'..=b'6');
    if !decoded.has_body {
        decoded.size = 0;
    }
    decoded
}

fn kind(flag: u8, name: &[u8]) -> Option<Kind> {
    Some(match flag {
        0 if name.last() == Some(&b'/') => Kind::Directory,
        b'0' | 0 => Kind::File,
        b'2' => Kind::Symlink,
        b'3' => Kind::CharDevice,
        b'4' => Kind::BlockDevice,
        b'5' => Kind::Directory,
        b'6' => Kind::Fifo,
        _ => return None,
    })
}

/// The header block's own fields; `None` when a number is malformed.
fn read_fields(header: &Header, name: &mut Vec<u8>, attributes: &mut Attributes) -> Option<()> {
    let old = header.as_old();
    name.clear();
    if let Some(prefix) = header.as_ustar().map(|h| before_nul(&h.prefix)).filter(|p| !p.is_empty()) {
        name.extend_from_slice(prefix);
        name.push(b'/');
    }
    name.extend_from_slice(before_nul(&old.name));
    attributes.link_target = before_nul(&old.linkname).to_vec();
    let mut device = None;
    if let Some(h) = header.as_ustar() {
        attributes.user = before_nul(&h.uname).to_vec();
        attributes.group = before_nul(&h.gname).to_vec();
        device = Some((&h.dev_major, &h.dev_minor));
    } else if let Some(h) = header.as_gnu() {
        attributes.user = before_nul(&h.uname).to_vec();
        attributes.group = before_nul(&h.gname).to_vec();
        device = Some((&h.dev_major, &h.dev_minor));
    }
    attributes.mode = (number(&old.mode)? & 0o7777) as u32;
    attributes.uid = id(number(&old.uid)?);
    attributes.gid = id(number(&old.gid)?);
    attributes.mtime = Timestamp::from_seconds(i64::try_from(number(&old.mtime)?).ok()?);
    if let Some((major, minor)) = device {
        attributes.device = (number(major)?.try_into().ok()?, number(minor)?.try_into().ok()?);
    }
    Some(())
}

/// Takes in one record. `None` when a standard one is malformed; of ours a malformed one counts as absent.
fn apply(key: &[u8], value: &[u8], name: &mut Vec<u8>, decoded: &mut Decoded, own: &mut Own) -> Option<()> {
    let attributes = &mut decoded.attributes;
    match key {
        b"path" => {
            name.clear();
            name.extend_from_slice(value);
        }
        b"linkpath" => attributes.link_target = value.to_vec(),
        b"uname" => attributes.user = value.to_vec(),
        b"gname" => attributes.group = value.to_vec(),
        b"uid" => attributes.uid = id(parse_decimal(value)?),
        b"gid" => attributes.gid = id(parse_decimal(value)?),
        b"size" => decoded.size = parse_decimal(value)?,
        b"mtime" => attributes.mtime = parse_time(value)?,
        b"HINDSIGHT.v" => decoded.newer = parse_decimal(value).is_none_or(|v| v > VERSION),
        b"HINDSIGHT.mtime" => own.mtime = parse_time(value),
        b"HINDSIGHT.size" => own.size = parse_decimal(value),
        b"HINDSIGHT.sha256" => own.sha256 = parse_hex(value),
        b"HINDSIGHT.links" => attributes.links = parse_links(value),
        b"HINDSIGHT.holes" => attributes.sparse = value == b"1",
        b"HINDSIGHT.ctime" => own.ctime = parse_time(value),
        b"HINDSIGHT.inode" => own.inode = parse_decimal(value),
        b"SCHILY.acl.access" => extended(attributes).acl_access = Some(value.to_vec()),
        b"SCHILY.acl.default" => extended(attributes).acl_default = Some(value.to_vec()),
        _ => {
            if let Some(encoded) = key.strip_prefix(XATTR).filter(|name| !name.is_empty()) {
                extended(attributes).xattrs.push((xattr_name(encoded), value.to_vec()));
            }
        }
    }
    Some(())
}

fn extended(attributes: &mut Attributes) -> &mut Extended {
    attributes.extended.get_or_insert_default()
}

/// Makes the attributes what their documentation promises.
fn settle(decoded: &mut Decoded, own: Own) {
    let attributes = &mut decoded.attributes;
    attributes.kind = decoded.kind.unwrap_or_default();
    if attributes.kind != Kind::Symlink {
        attributes.link_target = Vec::new();
    }
    if !matches!(attributes.kind, Kind::CharDevice | Kind::BlockDevice) {
        attributes.device = (0, 0);
    }
    attributes.mtime = own.mtime.unwrap_or(attributes.mtime);
    attributes.content = own.size.zip(own.sha256).map(|(size, sha256)| Content { size, sha256 });
    attributes.disk = own.ctime.zip(own.inode).map(|(ctime, inode)| DiskState { ctime, inode });
    if let Some(extended) = &mut attributes.extended {
        // Of records with the same key the last one holds.
        extended.xattrs.reverse();
        extended.xattrs.sort_by(|a, b| a.0.cmp(&b.0));
        extended.xattrs.dedup_by(|later, kept| later.0 == kept.0);
    }
}
