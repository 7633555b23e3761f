//! Backups that happen by themselves: a small process in the session that knows when a plan is due and what is in its way,
//! starts the run, stops it when it becomes a nuisance, and tells people what they should know.
//!
//! ```text
//!  sources (timer, drives, settings, history)  bus (network, power, sleep, games)   what has changed
//!                 │ Event                                  │ Event
//!                 ▼                                        ▼
//!  keeper          for each plan: schedule::next → start, wait, wait for; what became of it → ledger
//!        ▼                       ▼
//!  engine          a process of its own, with little priority        notices   what people are told
//! ```
//!
//! Everything here is event-driven: between two events the process sleeps. Decisions are made by [`crate::schedule`], which
//! is pure; what a run does is the command line's business (`plan run`), whose locks keep all runs apart.

mod bus;
mod eject;
mod engine;
mod keeper;
mod notices;
mod notifications;
mod place;
mod portal;
mod process;
mod sources;

use std::time::Duration;

use tokio::sync::mpsc::UnboundedSender;

pub use portal::Autostart;
pub use process::{Ended, run};

/// Something that may change what is to be done.
#[derive(Debug)]
enum Event {
    /// The time that was asked for, or the clock was set.
    Time,
    /// A file system was mounted or taken away.
    Mounts,
    /// Somebody wrote the settings, or a run its history.
    Files,
    /// The network, power or a game.
    System,
    /// The computer has woken up.
    Woken,
    /// The run has ended, with its exit code if it has one.
    Ended(Option<i32>),
    /// Somebody pressed a button of a notification.
    Pressed { id: u32, button: String },
    /// A notification is gone.
    Closed { id: u32 },
    /// What the desktop says to being started in every session.
    Autostart(Autostart),
    /// The session ends.
    Quit,
}

type Events = UnboundedSender<Event>;

/// How the process behaves.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Manner {
    /// How long nothing begins after login, waking up and a change of network.
    pub settle: Duration,
    /// Ask the desktop to be started in every session.
    pub asks: bool,
}

impl Default for Manner {
    fn default() -> Self {
        Self { settle: Duration::from_secs(120), asks: portal::is_sandboxed() }
    }
}
