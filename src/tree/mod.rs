//! Local files: reading a tree in the order of the format, and writing one back.

pub mod target;
