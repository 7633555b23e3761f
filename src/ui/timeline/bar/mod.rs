//! The time bar: every backup as a mark, and the date that is looked at as a handle to be moved.
//!
//! ```text
//!  widget      TimeBar: what the page calls
//!  └─ inner    what is remembered, and the picture
//!     ├─ layout   what is made of the backups once: their months, the strip, the labels
//!     ├─ motion   what is selected, and how handle and strip get to where they belong
//!     ├─ drag     pressing and dragging, with the mouse or a finger
//!     ├─ input    the pointer that only looks, the wheel, the keys
//!     └─ draw     the layers, and bubble above them, on the primitives of canvas, in the colours of theme
//!  calendar · geometry · labels · fling    pure: months and gaps, positions, texts that find room, a strip that coasts
//!  words · texts                           dates in words; laid out text that is kept
//! ```
//!
//! Positions are logical pixels with the oldest backup at the left; only canvas and input (which all input goes through) know of mirroring.
//! Nothing here uses the rest of the app, so that the bar can be shown by a program of its own (tests/gui/time_bar.rs).

mod bubble;
mod calendar;
mod canvas;
mod drag;
mod draw;
mod fling;
mod geometry;
mod inner;
mod input;
mod labels;
mod layout;
mod motion;
mod texts;
mod theme;
mod widget;
mod words;

use std::ops::RangeInclusive;

pub use widget::TimeBar;

/// A backup.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Mark {
    /// Seconds since 1970.
    pub date: i64,
    /// In the whole backup: how high the mark is.
    pub changed_bytes: u64,
    pub damaged: bool,
}

/// When the selected file existed.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Life {
    /// The backups that hold it, as ranges of indices.
    pub held: Vec<RangeInclusive<usize>>,
    /// The backups with a new version of it.
    pub versions: Vec<usize>,
}
