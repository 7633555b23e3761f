//! One row's content as bytes, with a checksum that binds it to its key.

use serde::{Deserialize, Serialize};

use super::{Outcome, Trouble};
use crate::entry::{Attributes, EntryPath};

#[derive(Serialize, Deserialize, Clone, Debug, PartialEq)]
pub(in crate::repository) struct Record {
    /// `None`: the path no longer existed.
    pub(in crate::repository) attributes: Option<Attributes>,
    pub(in crate::repository) signature: Option<Signature>,
}

/// A file's signature in the plain archive of its set.
#[derive(Serialize, Deserialize, Clone, Copy, Debug, PartialEq)]
pub(in crate::repository) struct Signature {
    /// Where the entry begins.
    pub(in crate::repository) offset: u64,
    /// Bytes.
    pub(in crate::repository) size: u64,
    pub(in crate::repository) crc32: u32,
}

/// A path as bytes that sort in the order of the format: a slash below every byte that a name can hold.
pub(in crate::repository) fn key(path: &EntryPath) -> Vec<u8> {
    path.as_bytes().iter().map(|byte| if *byte == b'/' { 0 } else { *byte }).collect()
}

pub(in crate::repository) fn path(key: &[u8]) -> Outcome<EntryPath> {
    let joined: Vec<u8> = key.iter().map(|byte| if *byte == 0 { b'/' } else { *byte }).collect();
    EntryPath::parse(&joined).map_err(|_| Trouble::Damaged("a path"))
}

impl Record {
    pub(in crate::repository) fn encode(&self, chain: i64, key: &[u8], at: i64) -> Outcome<Vec<u8>> {
        let mut bytes =
            postcard::to_stdvec(self).map_err(|_| Trouble::Damaged("a record that cannot be written"))?;
        bytes.extend_from_slice(&checksum(chain, key, at, &bytes).to_le_bytes());
        Ok(bytes)
    }

    pub(in crate::repository) fn decode(chain: i64, key: &[u8], at: i64, bytes: &[u8]) -> Outcome<Self> {
        let damaged = || Trouble::Damaged("a record");
        let (record, sum) = bytes.split_last_chunk::<4>().ok_or_else(damaged)?;
        if u32::from_le_bytes(*sum) != checksum(chain, key, at, record) {
            return Err(damaged());
        }
        postcard::from_bytes(record).map_err(|_| damaged())
    }
}

fn checksum(chain: i64, key: &[u8], at: i64, record: &[u8]) -> u32 {
    let mut hasher = crc32fast::Hasher::new();
    hasher.update(&chain.to_le_bytes());
    hasher.update(&at.to_le_bytes());
    hasher.update(&(key.len() as u64).to_le_bytes());
    hasher.update(key);
    hasher.update(record);
    hasher.finalize()
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::expect_used)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::entry::{Content, DiskState, Timestamp};

    prop_compose! {
        fn attributes()(
            mode: u32, uid: u32, user: Vec<u8>, link_target: Vec<u8>, seconds: i64, nanos: u32,
            content: Option<(u64, [u8; 32])>, disk: Option<(i64, u64)>
        ) -> Attributes {
            let mtime = Timestamp { seconds, nanos };
            let content = content.map(|(size, sha256)| Content { size, sha256 });
            let disk = disk.map(|(seconds, inode)| DiskState { ctime: Timestamp { seconds, nanos }, inode });
            Attributes { mode, uid, user, link_target, mtime, content, disk, ..Attributes::default() }
        }
    }

    proptest! {
        #[test]
        fn a_record_comes_back_and_any_altered_bit_is_noticed(
            attributes in attributes(), offset: u64, size: u64, crc32: u32, bit: prop::sample::Index
        ) {
            let signature = Some(Signature { offset, size, crc32 });
            let record = Record { attributes: Some(attributes), signature };
            let bytes = record.encode(1, b"a\0b", 2).unwrap();
            prop_assert_eq!(&Record::decode(1, b"a\0b", 2, &bytes).unwrap(), &record);
            let mut altered = bytes.clone();
            let bit = bit.index(bytes.len() * 8);
            altered[bit / 8] ^= 1 << (bit % 8);
            prop_assert!(Record::decode(1, b"a\0b", 2, &altered).is_err());
            prop_assert!(Record::decode(1, b"a\0c", 2, &bytes).is_err());
            prop_assert!(Record::decode(1, b"a\0b", 3, &bytes).is_err());
        }

        #[test]
        fn keys_sort_as_paths_do(a in "[a-c/.\\-]{0,6}", b in "[a-c/.\\-]{0,6}") {
            let (Ok(a), Ok(b)) = (EntryPath::parse(a.as_bytes()), EntryPath::parse(b.as_bytes())) else {
                return Ok(());
            };
            prop_assert_eq!(key(&a).cmp(&key(&b)), a.cmp(&b));
            prop_assert_eq!(path(&key(&a)).unwrap(), a);
        }
    }
}
