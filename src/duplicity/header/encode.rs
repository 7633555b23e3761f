//! Attributes to header blocks.

use std::io::{self, Write};

use tar::Header;

use super::values::{write_hex, write_links, write_time, xattr_key};
use super::{BLOCK, VERSION};
use crate::duplicity::pax::{self, push_record, push_record_with};
use crate::entry::{Attributes, Extended, Kind, Timestamp};

/// Largest value of an 8-byte and of a 12-byte field.
const MAX_ID: u32 = 0o7777777;
const MAX_LONG: u64 = 0o77777777777;

/// Which of our records an entry carries.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(in crate::duplicity) enum Scope {
    /// A whole object in a volume, or a file's last part.
    Volume,
    /// A part before the last: the content's size and hash are not known yet.
    Part,
    /// An entry of a signature archive.
    Signature,
}

/// Replaces `head` by the header blocks of an entry: extended header, if one is needed, and header.
pub(in crate::duplicity) fn encode(
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
    push_number(head, b"HINDSIGHT.v", VERSION);
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
        push_record_with(body, b"HINDSIGHT.sha256", |body| write_hex(body, &content.sha256));
    }
    if let Some(links) = attributes.links {
        push_record_with(body, b"HINDSIGHT.links", |body| write_links(body, links));
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
    // Writing to a Vec cannot fail.
    push_record_with(body, key, |body| drop(write!(body, "{value}")));
}

fn push_time(body: &mut Vec<u8>, key: &[u8], time: Timestamp) {
    push_record_with(body, key, |body| write_time(body, time));
}

/// Times before 1970 are stored as 0, as stock does; the true one goes into a record of ours.
fn whole_seconds(time: Timestamp) -> u64 {
    u64::try_from(time.seconds).unwrap_or(0)
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
