//! Names of users and groups, both ways, as this computer knows them.
//!
//! The archive carries names beside numbers (`FORMAT.md` 3.8), and a lookup may go over the network (NSS), so
//! every answer is kept for as long as the [`Owners`] lives.

use std::collections::HashMap;
use std::hash::Hash;
use std::sync::{Mutex, PoisonError};

use nix::unistd::{Gid, Group, Uid, User};

/// Remembers what it was asked. Shared between threads by reference.
#[derive(Default, Debug)]
pub struct Owners {
    user_names: Cache<u32, Vec<u8>>,
    group_names: Cache<u32, Vec<u8>>,
    uids: Cache<Vec<u8>, Option<u32>>,
    gids: Cache<Vec<u8>, Option<u32>>,
}

impl Owners {
    /// Empty when the user has no name here, or the lookup fails.
    pub fn user_name(&self, uid: u32) -> Vec<u8> {
        let lookup = || User::from_uid(Uid::from_raw(uid)).ok().flatten().map(|user| user.name.into_bytes());
        self.user_names.get(&uid, || lookup().unwrap_or_default())
    }

    /// Empty when the group has no name here, or the lookup fails.
    pub fn group_name(&self, gid: u32) -> Vec<u8> {
        let lookup =
            || Group::from_gid(Gid::from_raw(gid)).ok().flatten().map(|group| group.name.into_bytes());
        self.group_names.get(&gid, || lookup().unwrap_or_default())
    }

    /// `None` when no user here has that name.
    pub fn uid(&self, name: &[u8]) -> Option<u32> {
        let lookup = |name| User::from_name(name).ok().flatten().map(|user| user.uid.as_raw());
        self.uids.get(name, || non_empty(name).and_then(lookup))
    }

    /// `None` when no group here has that name.
    pub fn gid(&self, name: &[u8]) -> Option<u32> {
        let lookup = |name| Group::from_name(name).ok().flatten().map(|group| group.gid.as_raw());
        self.gids.get(name, || non_empty(name).and_then(lookup))
    }
}

fn non_empty(name: &[u8]) -> Option<&str> {
    std::str::from_utf8(name).ok().filter(|name| !name.is_empty())
}

#[derive(Debug)]
struct Cache<K, V>(Mutex<HashMap<K, V>>);

impl<K, V> Default for Cache<K, V> {
    fn default() -> Self {
        Self(Mutex::default())
    }
}

impl<K: Eq + Hash, V: Clone> Cache<K, V> {
    /// The lock is held during the lookup: threads that ask for the same id wait for one answer.
    fn get<Q>(&self, key: &Q, lookup: impl FnOnce() -> V) -> V
    where
        K: std::borrow::Borrow<Q>,
        Q: ToOwned<Owned = K> + Eq + Hash + ?Sized,
    {
        let mut known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(value) = known.get(key) {
            return value.clone();
        }
        let value = lookup();
        known.insert(key.to_owned(), value.clone());
        value
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::expect_used)]
mod tests {
    use super::*;

    #[test]
    fn root_has_a_name_and_the_name_leads_back() {
        let owners = Owners::default();
        assert_eq!(owners.user_name(0), b"root");
        assert_eq!(owners.group_name(0), b"root");
        assert_eq!(owners.uid(b"root"), Some(0));
        assert_eq!(owners.gid(b"root"), Some(0));
    }

    #[test]
    fn strangers_have_no_name_and_strange_names_no_id() {
        let owners = Owners::default();
        for _ in 0..2 {
            assert_eq!(owners.user_name(3_999_999_999), b"");
            assert_eq!(owners.uid(b"no such user"), None);
            assert_eq!(owners.gid(b"\xff\xfe"), None);
            assert_eq!(owners.uid(b""), None);
        }
    }
}
