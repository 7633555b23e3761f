#![doc = include_str!("FORMAT.md")]

pub mod chain;
pub mod manifest;
pub mod name;
pub mod time;
