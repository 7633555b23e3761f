//! What somebody, or the schedule, wants done for a plan, and how far that is.

use hindsight::context::{Problem, ProblemKind, Progress};
pub use hindsight::engine::Wish as Restore;
use hindsight::explain::{Explanation, explain_plan_place};
use hindsight::jobs::Answers;
use hindsight::settings::PlaceError;

use super::messages::Question;
use crate::ui::texts;

/// Problems kept for the list; beyond that only their number is known.
pub const PROBLEMS_SHOWN: usize = 1000;

/// Something to be done for one plan.
#[derive(Clone, PartialEq, Debug)]
pub struct Request {
    pub plan: String,
    pub what: What,
    pub answers: Answers,
    /// Nobody pressed anything, so nobody is asked anything: what it lacks ends it.
    pub by_itself: bool,
}

#[derive(Clone, PartialEq, Debug)]
pub enum What {
    BackUp,
    Verify {
        compare: bool,
    },
    Restore(Restore),
    /// Delete all backups, then the plan.
    Erase,
}

impl Request {
    pub fn new(plan: impl Into<String>, what: What) -> Self {
        Self { plan: plan.into(), what, answers: Answers::default(), by_itself: false }
    }
}

/// Why no job could be made of a request.
#[derive(Debug)]
pub enum NotReady {
    /// The drive of this name is to be connected.
    NotConnected {
        label: String,
    },
    AlreadyRunning,
    Failed(Explanation),
}

impl NotReady {
    pub fn explanation(self) -> Explanation {
        match self {
            Self::NotConnected { label } => explain_plan_place(&PlaceError::NotConnected { label }),
            Self::AlreadyRunning => {
                Explanation { title: texts::already_running(), sentence: String::new(), hint: None }
            }
            Self::Failed(explanation) => explanation,
        }
    }
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Stage {
    /// Finding the password and the place, or waiting for an answer.
    Preparing,
    Running,
    Stopping,
}

/// The request under way.
#[derive(Debug)]
pub struct Activity {
    pub request: Request,
    pub stage: Stage,
    pub progress: Progress,
    pub problems: Problems,
    /// Waits until somebody has answered the other lane's.
    pub unasked: Option<Question>,
}

impl Activity {
    pub fn new(request: Request) -> Self {
        Self {
            request,
            stage: Stage::Preparing,
            progress: Progress::default(),
            problems: Problems::default(),
            unasked: None,
        }
    }
}

/// Those of one run: the first of them, and how many there were.
#[derive(Clone, PartialEq, Default, Debug)]
pub struct Problems {
    pub kept: Vec<Problem>,
    pub total: u64,
}

impl Problems {
    /// What was deleted while the run was under way is none.
    pub fn add(&mut self, problem: Problem) {
        if problem.kind == ProblemKind::Vanished {
            return;
        }
        self.total += 1;
        if self.kept.len() < PROBLEMS_SHOWN {
            self.kept.push(problem);
        }
    }
}
