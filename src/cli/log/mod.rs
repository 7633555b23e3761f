//! The log for programs (`--log-fd`, `--log-file`), as front ends of duplicity read it.
//!
//! A stanza is a line of keyword, code and arguments, lines of data, what people would be told in lines that begin
//! with a full stop and a space, and an empty line.
//!
//! Every code of duplicity is written when it would be there, but for those whose event never comes:
//!
//! * WARNING 3, signatures that nobody needs: neither 0.8 nor 3 ever writes it.
//! * WARNING 7: about one version of the program ncftp.
//! * WARNING 8, what can be looked at and yet not be saved: on Linux those are sockets, which are INFO 15. What cannot
//!   be looked at is 9, what cannot be read 10.
//! * INFO 11 to 14, when an upload begins and ends: only 0.8 writes them; uploads go on all the time here.

mod errors;
mod events;
mod quote;
mod status;
#[cfg(test)]
mod tests;

use std::fmt::{Display, Write as _};
use std::fs::{File, OpenOptions};
use std::io::{self, Write as _};
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};

pub(super) use events::JobLog;
pub(super) use quote::quoted;

use crate::context::Level;

/// Codes count separately for each.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Keyword {
    Error,
    Warning,
    Notice,
    Info,
    Debug,
}

impl Keyword {
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Error => "ERROR",
            Self::Warning => "WARNING",
            Self::Notice => "NOTICE",
            Self::Info => "INFO",
            Self::Debug => "DEBUG",
        }
    }

    /// The verbosity from which it is told, to people and programs alike.
    pub(super) fn verbosity(self) -> u8 {
        match self {
            Self::Error => 0,
            Self::Warning => 2,
            Self::Notice => 3,
            Self::Info => 5,
            Self::Debug => 9,
        }
    }
}

impl From<Level> for Keyword {
    fn from(level: Level) -> Self {
        match level {
            Level::Warning => Self::Warning,
            Level::Notice => Self::Notice,
            Level::Info => Self::Info,
            Level::Debug => Self::Debug,
        }
    }
}

/// Writes nothing unless a stream was opened.
#[derive(Clone, Default)]
pub(super) struct Log {
    streams: Arc<Mutex<Vec<File>>>,
    is_open: bool,
    verbosity: u8,
}

impl Log {
    pub(super) fn new(verbosity: u8) -> Self {
        Self { verbosity, ..Self::default() }
    }

    /// Adds what is behind a file descriptor of the caller. It is opened anew, which the system can do with files,
    /// pipes and terminals.
    pub(super) fn add_descriptor(&mut self, number: u32) -> io::Result<()> {
        self.add_file(Path::new(&format!("/proc/self/fd/{number}")))
    }

    /// Adds a file, which is continued.
    pub(super) fn add_file(&mut self, path: &Path) -> io::Result<()> {
        let file = OpenOptions::new().append(true).create(true).open(path)?;
        self.streams.lock().unwrap_or_else(PoisonError::into_inner).push(file);
        self.is_open = true;
        Ok(())
    }

    pub(super) fn is_open(&self) -> bool {
        self.is_open
    }

    pub(super) fn takes(&self, keyword: Keyword) -> bool {
        self.is_open && self.verbosity >= keyword.verbosity()
    }

    /// Something for people only.
    pub(super) fn say(&self, keyword: Keyword, text: impl Display) {
        self.write(keyword, 1, text);
    }

    /// `head`: code and arguments, and lines of data.
    pub(super) fn write(&self, keyword: Keyword, head: impl Display, text: impl Display) {
        if self.takes(keyword) {
            self.write_always(keyword, head, text);
        }
    }

    /// At any verbosity: what was asked for.
    pub(super) fn write_always(&self, keyword: Keyword, head: impl Display, text: impl Display) {
        if !self.is_open {
            return;
        }
        let stanza = stanza(keyword, head, text);
        let mut streams = self.streams.lock().unwrap_or_else(PoisonError::into_inner);
        // Nobody who reads it any more is no reason to stop a backup.
        streams.iter_mut().for_each(|stream| drop(stream.write_all(stanza.as_bytes())));
    }
}

fn stanza(keyword: Keyword, head: impl Display, text: impl Display) -> String {
    let mut stanza = format!("{} {head}\n", keyword.name());
    let text = text.to_string();
    if !text.is_empty() {
        text.split('\n').for_each(|line| {
            let _ = writeln!(stanza, ". {line}");
        });
    }
    stanza + "\n"
}
