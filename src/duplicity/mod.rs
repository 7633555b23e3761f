#![doc = include_str!("FORMAT.md")]

mod archive;
pub mod chain;
pub mod difftar;
mod header;
pub mod manifest;
pub mod name;
pub mod pax;
pub mod sigtar;
pub mod time;
