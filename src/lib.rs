//! Hindsight: backups with a timeline, in duplicity's repository format.

pub mod context;
pub mod crypto;
pub mod deflate;
pub mod delta;
pub mod destination;
pub mod duplicity;
pub mod entry;
pub mod lock;
pub mod secret;
pub mod tree;
