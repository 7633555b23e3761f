#![doc = include_str!("FORMAT.md")]

pub mod chain;
pub mod manifest;
pub mod name;
mod quote;
pub mod time;
