//! What the page is told, and what it tells.

use std::path::PathBuf;

use hindsight::context::Progress;
use hindsight::engine::Part;
use hindsight::engine::timeline::{Backup, Version};
use hindsight::entry::EntryPath;
use hindsight::error::Error;

use super::browse::{Look, Search};
use super::copy::Made;
use super::list::Deed;
use super::marks::{Counted, Marked};
use super::preview::Preview;
use super::row::Row;
use super::versions::PaneOutput;
use crate::ui::services::OpenPlace;
use crate::ui::state::{NotReady, Problems};

/// Where the page begins.
#[derive(Clone, PartialEq, Default, Debug)]
pub struct Start {
    pub folder: EntryPath,
    /// Selected, if it is there.
    pub file: Option<EntryPath>,
    /// What was deleted is shown too.
    pub with_deleted: bool,
}

pub struct TimelineInit {
    /// Of the place.
    pub label: String,
    pub home: PathBuf,
    pub start: Start,
}

#[derive(Debug)]
pub enum TimelineInput {
    /// With the password, if one was found or typed.
    Open(Box<OpenPlace>),
    /// No password was given.
    Declined,
    /// The place is not there.
    NotReady(NotReady),
    Reading(Progress),
    Opened(Result<Vec<Backup>, Error>),
    List(Deed),
    Listed {
        look: Look,
        rows: Result<Vec<Row>, Error>,
    },
    DateChosen {
        index: usize,
        dragging: bool,
    },
    StepChange {
        forward: bool,
    },
    Changed {
        of: Marked,
        dates: Vec<i64>,
    },
    /// Of the folder, at the backup of this index.
    CountWanted(usize),
    Counted {
        of: Counted,
        index: usize,
        items: u64,
    },
    History {
        path: EntryPath,
        versions: Vec<Version>,
    },
    /// Elsewhere, as if the page was opened there.
    Start(Start),
    Go(Way),
    Find,
    Search(Option<Search>),
    Pane(PaneOutput),
    /// The selection has rested.
    Rested(u64),
    WithDeleted(bool),
    WithHidden(bool),
    /// The pane covers the files, or no longer.
    Collapsed,
    Narrow(bool),
    RestoreWanted,
    Retry,
}

#[derive(Clone, PartialEq, Debug)]
pub enum Way {
    Up,
    Back,
    Forward,
    To(EntryPath),
}

#[derive(Debug)]
pub enum TimelineOutput {
    /// The page cannot open the backups without.
    PasswordNeeded {
        wrong: bool,
    },
    Retry,
    Wanted(Box<Selected>),
}

/// What is to be restored.
#[derive(Debug)]
pub struct Selected {
    pub place: OpenPlace,
    /// By their dates, of which there are several when deleted items are among them.
    pub parts: Vec<Part>,
    /// In words.
    pub title: String,
}

#[derive(Debug)]
pub enum Looked {
    Preview {
        looked: u64,
        preview: Preview,
    },
    /// A file to be opened.
    Copied(Result<Made, Error>),
    /// What was dragged out, but for these.
    Fetched(Result<Problems, Error>),
}
