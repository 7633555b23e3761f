//! Odd objects, fixed and arbitrary, for the tests of everything that is stored in tar.

use proptest::collection::{btree_map, vec};
use proptest::option;
use proptest::prelude::*;

use crate::entry::{Attributes, Content, DiskState, EntryPath, Extended, Kind, LinkId, Timestamp};

/// One object of the matrix that other tools are tried with: only what plain POSIX tar can say.
#[derive(Clone, Debug)]
pub(crate) struct Sample {
    pub(crate) path: EntryPath,
    pub(crate) attributes: Attributes,
    pub(crate) data: Vec<u8>,
}

fn file(path: &[u8], data: &[u8], change: impl FnOnce(&mut Attributes)) -> Sample {
    let mut attributes = Attributes {
        mode: 0o644,
        uid: 1000,
        gid: 1000,
        user: b"user".to_vec(),
        group: b"group".to_vec(),
        mtime: Timestamp::from_seconds(1_700_000_000),
        ..Attributes::default()
    };
    change(&mut attributes);
    Sample { path: EntryPath::parse(path).unwrap(), attributes, data: data.to_vec() }
}

fn object(path: &[u8], kind: Kind, change: impl FnOnce(&mut Attributes)) -> Sample {
    file(path, b"", |a| {
        (a.kind, a.mode) = (kind, 0o755);
        change(a);
    })
}

/// Names at the borders of the header's fields, outside ASCII and outside UTF-8; numbers beyond the fields.
pub(crate) fn matrix() -> Vec<Sample> {
    let odd_names: [&[u8]; 12] = [
        b"plain",
        "größe/日本語".as_bytes(),
        b"caf\xe9 \xff\xfe",
        b"with\nnewline",
        b"\n22 path=snapshot/evil\n",
        b" tab\t quote\" back\\slash ",
        b"100%=equal",
        &[b'a'; 91],
        &[b'b'; 92],
        &[b'c'; 255],
        &[0xc3; 300],
        &[b"x/".as_slice(); 150].concat(),
    ];
    let mut samples = vec![object(b"", Kind::Directory, |a| a.mode = 0o1777)];
    for name in odd_names {
        samples.push(file(name, b"content", |_| ()));
        samples.push(object(&[b"dir ", name].concat(), Kind::Directory, |_| ()));
        samples.push(object(&[b"link ", name].concat(), Kind::Symlink, |a| a.link_target = name.to_vec()));
    }
    for length in [100, 101] {
        samples.push(object(b"to", Kind::Symlink, |a| a.link_target = vec![b'/'; length]));
    }
    for id in [0, 2097151, 2097152, 4294967294] {
        samples.push(file(b"ids", b"", |a| (a.uid, a.gid) = (id, id)));
    }
    for seconds in [0, 1, 8589934591, 8589934592, 8832844800, 1 << 60] {
        samples.push(file(b"times", b"", |a| a.mtime = Timestamp::from_seconds(seconds)));
    }
    for name in [&b""[..], &[b'u'; 32], &[b'u'; 33], "jürgen".as_bytes()] {
        samples.push(file(b"owners", b"", |a| (a.user, a.group) = (name.to_vec(), name.to_vec())));
    }
    samples.push(file(b"setuid", &[7; 512], |a| a.mode = 0o7777));
    samples.push(object(b"fifo", Kind::Fifo, |_| ()));
    samples.push(object(b"char", Kind::CharDevice, |a| a.device = (5, 1)));
    samples.push(object(b"block", Kind::BlockDevice, |a| a.device = (4095, 1_048_575)));
    samples
}

fn text(length: std::ops::Range<usize>) -> impl Strategy<Value = Vec<u8>> {
    prop_oneof![
        vec(prop_oneof![b'a'..=b'z', Just(b'\n'), Just(b'='), Just(b' ')], length.clone()),
        vec(1u8..=255, length),
    ]
}

pub(crate) fn path() -> impl Strategy<Value = EntryPath> {
    let component = prop_oneof![8 => text(1..30), 1 => text(90..300)];
    vec(component, 0..4).prop_filter_map("no path", |parts| EntryPath::parse(&parts.join(&b'/')).ok())
}

fn timestamp() -> impl Strategy<Value = Timestamp> {
    let seconds = prop_oneof![0i64..3_000_000_000, any::<i64>(), -3i64..3];
    let nanos = prop_oneof![Just(0), 0u32..1_000_000_000];
    (seconds, nanos).prop_map(|(seconds, nanos)| Timestamp { seconds, nanos })
}

fn extended() -> impl Strategy<Value = Option<Box<Extended>>> {
    let value = vec(any::<u8>(), 0..60);
    let extended =
        (btree_map(vec(any::<u8>(), 1..20), value, 0..4), option::of(text(1..40)), option::of(text(1..40)));
    extended.prop_map(|(xattrs, acl_access, acl_default)| {
        let extended = Extended { xattrs: xattrs.into_iter().collect(), acl_access, acl_default };
        (extended != Extended::default()).then(|| Box::new(extended))
    })
}

/// Attributes of a regular file with any combination of our records.
pub(crate) fn file_attributes() -> impl Strategy<Value = Attributes> {
    let content =
        option::of((any::<u64>(), any::<[u8; 32]>()).prop_map(|(size, sha256)| Content { size, sha256 }));
    let disk = option::of((timestamp(), any::<u64>()).prop_map(|(ctime, inode)| DiskState { ctime, inode }));
    let links =
        option::of((any::<u64>(), any::<u64>(), timestamp()).prop_map(|(device, inode, birth)| LinkId {
            device,
            inode,
            birth,
        }));
    let owner = (any::<u32>(), any::<u32>(), text(0..40), text(0..40));
    (0u32..=0o7777, owner, timestamp(), content, disk, links, any::<bool>(), extended()).prop_map(
        |(mode, (uid, gid, user, group), mtime, content, disk, links, sparse, extended)| Attributes {
            mode,
            uid,
            gid,
            user,
            group,
            mtime,
            content,
            disk,
            links,
            sparse,
            extended,
            ..Attributes::default()
        },
    )
}

/// Attributes of anything but a regular file.
pub(crate) fn object_attributes() -> impl Strategy<Value = Attributes> {
    let kind = prop_oneof![
        Just(Kind::Directory),
        Just(Kind::Fifo),
        Just(Kind::Symlink),
        Just(Kind::CharDevice),
        Just(Kind::BlockDevice),
    ];
    (kind, file_attributes(), text(0..200), any::<(u32, u32)>()).prop_map(
        |(kind, mut attributes, target, device)| {
            attributes.kind = kind;
            match kind {
                Kind::Symlink => attributes.link_target = target,
                Kind::CharDevice | Kind::BlockDevice => attributes.device = device,
                _ => {}
            }
            attributes
        },
    )
}
