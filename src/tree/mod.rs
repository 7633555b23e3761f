//! The local side: the source in path order, who owns what, and what a faithful copy needs beyond bytes.

pub mod acl;
mod ahead;
mod describe;
pub mod glob;
mod left_out;
mod list;
mod marker;
pub mod measure;
pub mod metadata;
pub mod owner;
mod scan;
pub mod select;
pub mod source;
pub mod target;
pub mod walk;
