//! What the state is told, and what it decides.

use std::path::PathBuf;

use hindsight::context::{Problem, Progress, Why};
use hindsight::explain::Explanation;
use hindsight::ledger::RunOutcome;
use hindsight::secret::{Passphrase, Passphrases};
use hindsight::settings::Plan;
use hindsight::worker::Outcome;

use super::facts::Facts;
use super::lanes::Lane;
use super::request::{NotReady, Problems, Request};

#[derive(Debug)]
pub enum Message {
    Plans(Vec<Plan>),
    Recorded {
        plan: String,
        facts: Facts,
    },
    Wanted(Request),
    /// Of whatever runs.
    StopWanted,
    In(Lane, Step),
}

/// How it goes with the request that is under way in a lane.
#[derive(Debug)]
pub enum Step {
    StopWanted,
    /// The keyring's answer; nothing if it holds nothing or there is none.
    PasswordsFound(Passphrases),
    PasswordTyped {
        passphrase: Passphrase,
        remember: bool,
    },
    /// A question was closed without an answer.
    Declined,
    /// The drive that was asked for is there.
    Connected,
    /// The job could not be made: the place is not there, or somebody else is at it.
    NotReady(NotReady),
    Running,
    Progress(Progress),
    Problem(Problem),
    Finished(Outcome),
}

/// What somebody is asked before a request can go on.
#[derive(Clone, PartialEq, Debug)]
pub enum Question {
    Password {
        plan: String,
        wrong: bool,
    },
    /// To be connected.
    Drive {
        label: String,
    },
    MissingFiles(Explanation),
    SourceMismatch(Explanation),
}

/// What the window does next.
#[derive(PartialEq, Debug)]
pub enum Effect {
    FindPassword {
        lane: Lane,
        plan: String,
    },
    Ask {
        lane: Lane,
        question: Question,
    },
    Remember {
        plan: String,
        passphrase: Passphrase,
        /// Of earlier backups: beside that of today.
        older: bool,
    },
    Prepare {
        request: Request,
        passphrases: Passphrases,
    },
    Cancel(Lane, Why),
    /// How the run ended, for the ledger.
    Record {
        plan: String,
        outcome: RunOutcome,
    },
    ShowError {
        explanation: Explanation,
        details: String,
        retry: Option<Request>,
    },
    ShowProblems(Problems),
    Toast(String),
    Restored(Restored),
    /// A restore was stopped, or failed on its way: what it had done by then stays.
    RestoreCutOff {
        /// Where to look for it.
        folder: Option<PathBuf>,
    },
    /// The plan's backups are gone: so is the plan.
    Forget {
        plan: String,
    },
}

/// What came of a restore.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Restored {
    pub text: String,
    /// Where to look for it.
    pub folder: Option<PathBuf>,
    /// The record by which it can be undone, if anything was changed.
    pub undo: Option<PathBuf>,
}
