//! Attributes to and from tar headers: ustar fields as Python's tar writes them, standard PAX records
//! where those do not suffice (`FORMAT.md` section 3.1), and our own records (section 21).

use std::io::{self, Write};

use tar::Header;

use super::pax::{self, Records, parse_decimal, push_record, push_record_with};
use crate::entry::{Attributes, Content, DiskState, Extended, Kind, LinkId, Timestamp};

pub(super) const BLOCK: usize = 512;
/// Version of our own records that this program writes, and the highest it knows.
const VERSION: u64 = 1;
const MAX_ID: u32 = 0o7777777;
const MAX_LONG: u64 = 0o77777777777;
const XATTR: &[u8] = b"SCHILY.xattr.";

/// Which of our records an entry carries.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Scope {
    /// A whole object in a volume, or a file's last part.
    Volume,
    /// A part before the last: the content's size and hash are not known yet.
    Part,
    /// An entry of a signature archive.
    Signature,
}

/// Replaces `head` by the header blocks of an entry: extended header, if one is needed, and header.
pub(super) fn encode(
    head: &mut Vec<u8>,
    name: &[u8],
    attributes: &Attributes,
    size: u64,
    scope: Scope,
) -> io::Result<()> {
    head.clear();
    head.resize(BLOCK, 0);
    let extended = attributes.extended.as_deref().filter(|_| scope != Scope::Signature);
    if needs_binary(name, attributes, extended) {
        // It decides how the records after it are read.
        push_record(head, b"hdrcharset", b"BINARY");
    }
    push_standard(head, name, attributes, size);
    let before_own = head.len();
    push_record(head, b"HINDSIGHT.v", b"1");
    let after_version = head.len();
    push_own(head, attributes, extended, scope);
    if head.len() == after_version {
        head.truncate(before_own);
    }

    let body = head.len() - BLOCK;
    if body > pax::MAX_BODY {
        return Err(io::Error::new(io::ErrorKind::InvalidInput, "extended attributes exceed 8 MiB"));
    }
    if body == 0 {
        head.clear();
    } else {
        head.resize(head.len().next_multiple_of(BLOCK), 0);
        let header = ustar_header(b"././@PaxHeader", &Attributes::default(), body as u64, b'x');
        head[..BLOCK].copy_from_slice(header.as_bytes());
    }
    let header = ustar_header(name, attributes, size, type_flag(attributes.kind));
    head.extend_from_slice(header.as_bytes());
    Ok(())
}

fn needs_binary(name: &[u8], attributes: &Attributes, extended: Option<&Extended>) -> bool {
    let not_utf8 = |bytes: &[u8]| std::str::from_utf8(bytes).is_err();
    let Attributes { link_target, user, group, .. } = attributes;
    not_utf8(name)
        || [link_target, user, group].into_iter().any(|bytes| not_utf8(bytes))
        || extended.is_some_and(|e| {
            e.xattrs.iter().any(|(name, value)| not_utf8(name) || not_utf8(value))
                || [&e.acl_access, &e.acl_default].into_iter().flatten().any(|acl| not_utf8(acl))
        })
}

/// The records that Python writes, in its order, for what the header's own fields cannot hold.
fn push_standard(body: &mut Vec<u8>, name: &[u8], attributes: &Attributes, size: u64) {
    let texts: [(&[u8], &[u8], usize); 4] = [
        (b"path", name, 100),
        (b"linkpath", &attributes.link_target, 100),
        (b"uname", &attributes.user, 32),
        (b"gname", &attributes.group, 32),
    ];
    for (key, value, capacity) in texts {
        if value.len() > capacity || !value.is_ascii() {
            push_record(body, key, value);
        }
    }
    let numbers: [(&[u8], u64, u64); 4] = [
        (b"uid", attributes.uid.into(), MAX_ID.into()),
        (b"gid", attributes.gid.into(), MAX_ID.into()),
        (b"size", size, MAX_LONG),
        (b"mtime", whole_seconds(attributes.mtime), MAX_LONG),
    ];
    for (key, value, maximum) in numbers {
        if value > maximum {
            push_number(body, key, value);
        }
    }
}

fn push_own(body: &mut Vec<u8>, attributes: &Attributes, extended: Option<&Extended>, scope: Scope) {
    if attributes.mtime.nanos != 0 || attributes.mtime.seconds < 0 {
        push_time(body, b"HINDSIGHT.mtime", attributes.mtime);
    }
    if let Some(content) = attributes.content.filter(|_| scope != Scope::Part) {
        push_number(body, b"HINDSIGHT.size", content.size);
        push_record_with(body, b"HINDSIGHT.sha256", |body| push_hex(body, &content.sha256));
    }
    if let Some(links) = attributes.links {
        push_record_with(body, b"HINDSIGHT.links", |body| {
            let _ = write!(body, "{}:{}:", links.device, links.inode);
            write_time(body, links.birth);
        });
    }
    if attributes.sparse {
        push_record(body, b"HINDSIGHT.holes", b"1");
    }
    if let Some(disk) = attributes.disk.filter(|_| scope == Scope::Signature) {
        push_time(body, b"HINDSIGHT.ctime", disk.ctime);
        push_number(body, b"HINDSIGHT.inode", disk.inode);
    }
    let Some(extended) = extended else { return };
    for (name, value) in &extended.xattrs {
        push_record(body, &xattr_key(name), value);
    }
    if let Some(acl) = &extended.acl_access {
        push_record(body, b"SCHILY.acl.access", acl);
    }
    if let Some(acl) = &extended.acl_default {
        push_record(body, b"SCHILY.acl.default", acl);
    }
}

fn push_number(body: &mut Vec<u8>, key: &[u8], value: u64) {
    // Writing to a Vec cannot fail, here and below.
    push_record_with(body, key, |body| drop(write!(body, "{value}")));
}

fn push_time(body: &mut Vec<u8>, key: &[u8], time: Timestamp) {
    push_record_with(body, key, |body| write_time(body, time));
}

fn push_hex(out: &mut Vec<u8>, bytes: &[u8]) {
    const DIGITS: &[u8; 16] = b"0123456789abcdef";
    out.extend(bytes.iter().flat_map(|b| [DIGITS[usize::from(b >> 4)], DIGITS[usize::from(b & 15)]]));
}

/// Seconds with nine decimals, as a number on the time line: half a second before 1970 is `-0.500000000`.
fn write_time(out: &mut Vec<u8>, time: Timestamp) {
    let (sign, seconds, nanos) = match (time.seconds, time.nanos) {
        (s, n) if s >= 0 => ("", s.unsigned_abs(), n),
        (s, 0) => ("-", s.unsigned_abs(), 0),
        (s, n) => ("-", (s + 1).unsigned_abs(), 1_000_000_000 - n),
    };
    let _ = write!(out, "{sign}{seconds}.{nanos:09}");
}

/// Decimal seconds with or without a fraction; digits after the ninth are cut off.
fn parse_time(text: &[u8]) -> Option<Timestamp> {
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

/// Times before 1970 are stored as 0, as stock does; the true one goes into a record of ours.
fn whole_seconds(time: Timestamp) -> u64 {
    u64::try_from(time.seconds).unwrap_or(0)
}

/// A `=` in a key would end it, and control bytes confuse other readers.
fn xattr_key(name: &[u8]) -> Vec<u8> {
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
fn xattr_name(mut encoded: &[u8]) -> Vec<u8> {
    let mut name = Vec::with_capacity(encoded.len());
    while let Some((first, rest)) = encoded.split_first() {
        let escaped = rest.first_chunk::<2>().filter(|_| *first == b'%').and_then(|hex| parse_hex(hex));
        name.push(escaped.as_ref().map_or(*first, |byte: &[u8; 1]| byte[0]));
        encoded = if escaped.is_some() { &rest[2..] } else { rest };
    }
    name
}

fn parse_hex<const N: usize>(text: &[u8]) -> Option<[u8; N]> {
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

fn type_flag(kind: Kind) -> u8 {
    match kind {
        Kind::File => b'0',
        Kind::Symlink => b'2',
        Kind::CharDevice => b'3',
        Kind::BlockDevice => b'4',
        Kind::Directory => b'5',
        Kind::Fifo => b'6',
    }
}

fn ustar_header(name: &[u8], attributes: &Attributes, size: u64, flag: u8) -> Header {
    let mut header = Header::new_ustar();
    if let Some(fields) = header.as_ustar_mut() {
        let id = |id: u32| if id > MAX_ID { 0 } else { u64::from(id) };
        let long = |n: u64| if n > MAX_LONG { 0 } else { n };
        put_text(&mut fields.name, name);
        put_octal(&mut fields.mode, u64::from(attributes.mode & 0o7777));
        put_octal(&mut fields.uid, id(attributes.uid));
        put_octal(&mut fields.gid, id(attributes.gid));
        put_octal(&mut fields.size, long(size));
        put_octal(&mut fields.mtime, long(whole_seconds(attributes.mtime)));
        fields.typeflag = [flag];
        put_text(&mut fields.linkname, &attributes.link_target);
        put_text(&mut fields.uname, &attributes.user);
        put_text(&mut fields.gname, &attributes.group);
        if matches!(attributes.kind, Kind::CharDevice | Kind::BlockDevice) {
            put_device(&mut fields.dev_major, attributes.device.0);
            put_device(&mut fields.dev_minor, attributes.device.1);
        }
        fields.cksum = *b"        ";
    }
    let sum: u32 = header.as_bytes().iter().map(|b| u32::from(*b)).sum();
    put_octal(&mut header.as_old_mut().cksum[..7], u64::from(sum));
    header
}

/// Cut to the field, each character outside ASCII (each byte outside UTF-8) as `?`: the true text is in a record.
fn put_text(field: &mut [u8], text: &[u8]) {
    if text.is_ascii() {
        let length = text.len().min(field.len());
        field[..length].copy_from_slice(&text[..length]);
        return;
    }
    let replaced = text.utf8_chunks().flat_map(|chunk| {
        let valid = chunk.valid().chars().map(|c| if c.is_ascii() { c as u8 } else { b'?' });
        valid.chain(chunk.invalid().iter().map(|_| b'?'))
    });
    field.iter_mut().zip(replaced).for_each(|(slot, byte)| *slot = byte);
}

/// Zero-padded octal digits and a final NUL.
fn put_octal(field: &mut [u8], mut value: u64) {
    if let Some((end, digits)) = field.split_last_mut() {
        *end = 0;
        for digit in digits.iter_mut().rev() {
            *digit = b'0' + (value & 7) as u8;
            value >>= 3;
        }
    }
}

/// Numbers beyond seven octal digits, which no Linux device has, as GNU's big-endian binary.
fn put_device(field: &mut [u8; 8], value: u32) {
    if value <= MAX_ID {
        return put_octal(field, u64::from(value));
    }
    *field = u64::from(value).to_be_bytes();
    field[0] |= 0x80;
}

/// What precedes an entry's header and overrides it.
#[derive(Default)]
pub(super) struct Extensions {
    pax: Vec<u8>,
    /// Records for all entries from here on.
    global: Vec<u8>,
    long_name: Vec<u8>,
    long_link: Vec<u8>,
}

impl Extensions {
    /// Forgets what concerned one entry.
    pub(super) fn clear(&mut self) {
        self.pax.clear();
        self.long_name.clear();
        self.long_link.clear();
    }

    /// Where the body of this entry belongs; `None` when it is a real entry.
    pub(super) fn body_for(&mut self, header: &Header) -> Option<&mut Vec<u8>> {
        match header.as_old().linkflag[0] {
            b'x' | b'X' => Some(&mut self.pax),
            b'g' => Some(&mut self.global),
            b'L' => Some(&mut self.long_name),
            b'K' => Some(&mut self.long_link),
            _ => None,
        }
    }
}

/// A header and its extensions, understood.
pub(super) struct Decoded {
    pub(super) attributes: Attributes,
    /// `None`: a type of entry that cannot occur in a backup.
    pub(super) kind: Option<Kind>,
    /// Bytes of the body.
    pub(super) size: u64,
    /// Whether body blocks follow the header.
    pub(super) has_body: bool,
    /// Our records are of a version above the one known.
    pub(super) newer: bool,
    /// What was expected where the entry is malformed; its framing is still right.
    pub(super) fault: Option<&'static str>,
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

pub(super) fn is_zero(header: &Header) -> bool {
    header.as_bytes().iter().all(|b| *b == 0)
}

/// Old writers summed signed bytes; both sums are right.
pub(super) fn checksum_matches(header: &Header) -> bool {
    let Some(stored) = number(&header.as_old().cksum) else { return false };
    let (before, rest) = header.as_bytes().split_at(148);
    let bytes = || before.iter().chain(&rest[8..]);
    let unsigned: i128 = bytes().map(|b| i128::from(*b)).sum::<i128>() + 8 * 32;
    stored == unsigned || stored == bytes().map(|b| i128::from(*b as i8)).sum::<i128>() + 8 * 32
}

/// The size field, before any record overrides it.
pub(super) fn stored_size(header: &Header) -> Option<u64> {
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
pub(super) fn decode(header: &Header, extensions: &Extensions, name: &mut Vec<u8>) -> Decoded {
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

fn parse_links(value: &[u8]) -> Option<LinkId> {
    let mut parts = value.splitn(3, |b| *b == b':');
    Some(LinkId {
        device: parse_decimal(parts.next()?)?,
        inode: parse_decimal(parts.next()?)?,
        birth: parse_time(parts.next()?)?,
    })
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
