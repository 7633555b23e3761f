//! What is known of a plan without looking at its place's backups.

use hindsight::ledger::{History, RunRecord};

/// What is known of a plan's runs.
#[derive(Clone, PartialEq, Default, Debug)]
pub struct Facts {
    pub last: Option<RunRecord>,
    pub last_success: Option<RunRecord>,
    pub history: History,
    /// The last check of what is stored.
    pub checked: Option<RunRecord>,
    /// When a run began that never ended. Seconds since 1970.
    pub crashed: Option<i64>,
    pub space: Option<Space>,
    /// Backups are begun by themselves without the app.
    pub background: bool,
    /// What a backup that is due waits for, in sentences.
    pub waits: Vec<String>,
}

impl Facts {
    /// These, with what `known` ones told: the ledger tells of a crash once, and it stays true until another run has
    /// ended.
    pub fn after(mut self, known: Option<&Self>) -> Self {
        let told = known.and_then(|known| known.crashed);
        let ended = self.last.as_ref().map(|run| run.began);
        self.crashed = self.crashed.or(told).filter(|began| ended.is_none_or(|ended| ended < *began));
        self
    }
}

/// Of the disk on which the place is, in bytes.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Space {
    pub free: u64,
    pub total: u64,
}
