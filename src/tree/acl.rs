//! POSIX ACLs: the kernel's binary form (an xattr) and the text form of star (`FORMAT.md` 21), as in
//! `user::rw-,user:joe:rwx:1000,group::r--,mask::rwx,other::r--`.

use super::owner::Owners;

/// Names of the xattrs that hold the binary form.
pub(super) const ACCESS: &str = "system.posix_acl_access";
pub(super) const DEFAULT: &str = "system.posix_acl_default";

const VERSION: u32 = 2;
/// The id of entries that name nobody.
const NOBODY: u32 = u32::MAX;

/// In the order that the kernel asks for; the values are its own.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
#[repr(u16)]
enum Tag {
    Owner = 0x01,
    User = 0x02,
    OwningGroup = 0x04,
    Group = 0x08,
    Mask = 0x10,
    Other = 0x20,
}

impl Tag {
    fn from_raw(raw: u16) -> Option<Self> {
        [Self::Owner, Self::User, Self::OwningGroup, Self::Group, Self::Mask, Self::Other]
            .into_iter()
            .find(|tag| *tag as u16 == raw)
    }
}

/// Not an ACL that can be applied.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("invalid access control list {:?}", String::from_utf8_lossy(.0))]
pub struct InvalidAcl(pub Vec<u8>);

/// The text form of an ACL xattr. Every named entry ends in its number, and a number without a name here stands
/// for itself.
pub fn to_text(xattr: &[u8], owners: &Owners) -> Result<Vec<u8>, InvalidAcl> {
    let invalid = || InvalidAcl(xattr.to_vec());
    let (version, entries) = xattr.split_first_chunk::<4>().ok_or_else(invalid)?;
    let (entries, rest) = entries.as_chunks::<8>();
    if u32::from_le_bytes(*version) != VERSION || !rest.is_empty() {
        return Err(invalid());
    }
    let mut text = Vec::new();
    for &[tag0, tag1, permissions, _, id @ ..] in entries {
        let tag = Tag::from_raw(u16::from_le_bytes([tag0, tag1])).ok_or_else(invalid)?;
        let id = u32::from_le_bytes(id);
        let (word, name) = match tag {
            Tag::Owner => ("user", None),
            Tag::User => ("user", Some(owners.user_name(id))),
            Tag::OwningGroup => ("group", None),
            Tag::Group => ("group", Some(owners.group_name(id))),
            Tag::Mask => ("mask", None),
            Tag::Other => ("other", None),
        };
        if !text.is_empty() {
            text.push(b',');
        }
        text.extend_from_slice(word.as_bytes());
        text.push(b':');
        match &name {
            Some(name) if name.is_empty() => text.extend_from_slice(id.to_string().as_bytes()),
            Some(name) => text.extend_from_slice(name),
            None => {}
        }
        text.push(b':');
        for (bit, letter) in [(4, b'r'), (2, b'w'), (1, b'x')] {
            text.push(if permissions & bit != 0 { letter } else { b'-' });
        }
        if name.is_some() {
            text.extend_from_slice(format!(":{id}").as_bytes());
        }
    }
    Ok(text)
}

/// The xattr value of a text form. Names that exist here win over the numbers behind them, as for owners
/// (`FORMAT.md` 3.8), unless `numeric`. Also read: entries without a number, bare numbers as names, one-letter
/// words, newlines between entries, blanks and `#` comments as `getfacl` prints them.
pub fn from_text(text: &[u8], owners: &Owners, numeric: bool) -> Result<Vec<u8>, InvalidAcl> {
    let lines = text.split(|byte| matches!(byte, b',' | b'\n'));
    let lines = lines.map(|line| line.split(|byte| *byte == b'#').next().unwrap_or_default().trim_ascii());
    let mut entries = lines
        .filter(|line| !line.is_empty())
        .map(|line| parse_entry(line, owners, numeric))
        .collect::<Option<Vec<_>>>()
        .ok_or_else(|| InvalidAcl(text.to_vec()))?;
    if entries.is_empty() {
        return Err(InvalidAcl(text.to_vec()));
    }
    entries.sort_unstable();
    let mut xattr = VERSION.to_le_bytes().to_vec();
    for (tag, id, permissions) in entries {
        xattr.extend_from_slice(&(tag as u16).to_le_bytes());
        xattr.extend_from_slice(&permissions.to_le_bytes());
        xattr.extend_from_slice(&id.to_le_bytes());
    }
    Ok(xattr)
}

/// `word:name:permissions[:id]`
fn parse_entry(line: &[u8], owners: &Owners, numeric: bool) -> Option<(Tag, u32, u16)> {
    let mut fields = line.split(|byte| *byte == b':').map(<[u8]>::trim_ascii);
    let (word, name, permissions) = (fields.next()?, fields.next()?, fields.next()?);
    let number = match fields.next() {
        None | Some(b"") => None,
        Some(digits) => Some(parse_id(digits)?),
    };
    if fields.next().is_some() {
        return None;
    }
    let id = |known: fn(&Owners, &[u8]) -> Option<u32>| {
        let by_name = || known(owners, name);
        let by_number = || number.or_else(|| parse_id(name));
        if numeric { by_number().or_else(by_name) } else { by_name().or_else(by_number) }
    };
    let (tag, id) = match (word, name.is_empty() && number.is_none()) {
        (b"user" | b"u", true) => (Tag::Owner, NOBODY),
        (b"user" | b"u", false) => (Tag::User, id(Owners::uid)?),
        (b"group" | b"g", true) => (Tag::OwningGroup, NOBODY),
        (b"group" | b"g", false) => (Tag::Group, id(Owners::gid)?),
        (b"mask" | b"m", true) => (Tag::Mask, NOBODY),
        (b"other" | b"o", true) => (Tag::Other, NOBODY),
        _ => return None,
    };
    Some((tag, id, parse_permissions(permissions)?))
}

fn parse_id(digits: &[u8]) -> Option<u32> {
    std::str::from_utf8(digits).ok()?.parse().ok()
}

fn parse_permissions(letters: &[u8]) -> Option<u16> {
    letters.iter().try_fold(0, |bits, letter| match letter {
        b'r' => Some(bits | 4),
        b'w' => Some(bits | 2),
        b'x' => Some(bits | 1),
        b'-' => Some(bits),
        _ => None,
    })
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::expect_used)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn xattr(entries: &[(u16, u16, u32)]) -> Vec<u8> {
        let mut bytes = VERSION.to_le_bytes().to_vec();
        for (tag, permissions, id) in entries {
            bytes.extend([tag.to_le_bytes(), permissions.to_le_bytes()].concat());
            bytes.extend(id.to_le_bytes());
        }
        bytes
    }

    const NOBODY_HERE: u32 = 3_999_999_999;

    #[test]
    fn text_has_names_and_numbers() {
        let binary = xattr(&[
            (0x01, 6, NOBODY),
            (0x02, 7, 0),
            (0x02, 5, NOBODY_HERE),
            (0x04, 4, NOBODY),
            (0x08, 0, 0),
            (0x10, 7, NOBODY),
            (0x20, 4, NOBODY),
        ]);
        let text = "user::rw-,user:root:rwx:0,user:3999999999:r-x:3999999999,group::r--,group:root:---:0,\
                    mask::rwx,other::r--";
        let owners = Owners::default();
        assert_eq!(String::from_utf8(to_text(&binary, &owners).unwrap()).unwrap(), text);
        assert_eq!(from_text(text.as_bytes(), &owners, false).unwrap(), binary);
    }

    #[test]
    fn names_win_over_numbers_unless_numbers_are_asked_for() {
        let owners = Owners::default();
        let read = |text: &str, numeric| from_text(text.as_bytes(), &owners, numeric).unwrap();
        assert_eq!(read("user:root:rwx:7", false), xattr(&[(2, 7, 0)]));
        assert_eq!(read("user:root:rwx:7", true), xattr(&[(2, 7, 7)]));
        assert_eq!(read("user:no such user:rwx:7", false), xattr(&[(2, 7, 7)]));
        assert_eq!(read("user:root:rwx", true), xattr(&[(2, 7, 0)]));
    }

    #[test]
    fn what_getfacl_prints_is_read_and_put_in_order() {
        let text = b"# owner: root\nother::r--\t#effective\nu:root:r-x\nuser::rw-\n\ng::r--\nm::rwx\n";
        let sorted =
            xattr(&[(1, 6, NOBODY), (2, 5, 0), (4, 4, NOBODY), (0x10, 7, NOBODY), (0x20, 4, NOBODY)]);
        assert_eq!(from_text(text, &Owners::default(), false).unwrap(), sorted);
    }

    #[test]
    fn nonsense_is_refused() {
        let owners = Owners::default();
        for text in
            ["", "user", "user::rwq", "other:joe:rwx", "user:no such user:rwx", "user:joe:rwx:1:2", "me::r--"]
        {
            assert!(from_text(text.as_bytes(), &owners, false).is_err(), "{text}");
        }
        for binary in [&b""[..], b"\x02\0\0\0x", b"\x01\0\0\0", &xattr(&[(3, 0, 0)])] {
            assert!(to_text(binary, &owners).is_err(), "{binary:?}");
        }
    }

    proptest! {
        #[test]
        fn every_list_survives_the_text_form(
            users in prop::collection::btree_map(any::<u32>().prop_filter("an id", |id| *id != NOBODY), 0..8u16, 0..5),
            mask in 0..8u16,
        ) {
            let owners = Owners::default();
            let mut entries = vec![(1, 7, NOBODY)];
            entries.extend(users.iter().map(|(id, permissions)| (2, *permissions, *id)));
            entries.extend([(4, 5, NOBODY), (0x10, mask, NOBODY), (0x20, 0, NOBODY)]);
            let binary = xattr(&entries);
            let text = to_text(&binary, &owners).unwrap();
            prop_assert_eq!(from_text(&text, &owners, true).unwrap(), binary);
        }
    }
}
