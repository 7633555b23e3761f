//! Hindsight: backups with a timeline, in duplicity's repository format.

pub mod context;
pub mod crypto;
pub mod deflate;
pub mod delta;
pub mod destination;
pub mod duplicity;
pub mod engine;
pub mod entry;
pub mod error;
pub mod lock;
mod repository;
pub mod secret;
pub mod tree;
pub mod worker;
