//! What the app knows and decides, without a window: messages in, effects out.
//!
//! A wish becomes a job in three steps, each of which may need an answer from outside: the password (keyring, then
//! the person), the place (connected?), the engine (a question back). The request waits here meanwhile; only one is
//! under way at a time.

#[cfg(test)]
mod tests;

use std::collections::{HashMap, VecDeque};
use std::path::PathBuf;

use hindsight::context::{Problem, Progress, Why};
use hindsight::engine::Report;
use hindsight::entry::EntryPath;
use hindsight::error::Error;
use hindsight::explain::{Explanation, explain, explain_plan_place};
use hindsight::jobs::{Answers, run_outcome};
use hindsight::ledger::{RunOutcome, RunRecord};
use hindsight::secret::Passphrase;
use hindsight::settings::{PlaceError, Plan};
use hindsight::worker::Outcome;

use super::texts;

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

#[derive(Clone, PartialEq, Debug)]
pub struct Restore {
    pub path: EntryPath,
    pub date: i64,
    pub target: PathBuf,
}

impl Request {
    pub fn new(plan: impl Into<String>, what: What) -> Self {
        Self { plan: plan.into(), what, answers: Answers::default(), by_itself: false }
    }
}

#[derive(Debug)]
pub enum Message {
    Plans(Vec<Plan>),
    Recorded {
        plan: String,
        facts: Facts,
    },
    Wanted(Request),
    StopWanted,
    /// The keyring's answer; `None` if it holds nothing or there is none.
    PasswordFound(Option<Passphrase>),
    PasswordTyped {
        passphrase: Passphrase,
        remember: bool,
    },
    /// A question was closed without an answer.
    Declined,
    /// The job could not be made: the place is not there, or somebody else is at it.
    NotReady(NotReady),
    Running,
    Progress(Progress),
    Problem(Problem),
    Finished(Outcome),
}

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

/// What the window does next.
#[derive(PartialEq, Debug)]
pub enum Effect {
    FindPassword {
        plan: String,
    },
    AskPassword {
        plan: String,
        wrong: bool,
    },
    Remember {
        plan: String,
        passphrase: Passphrase,
    },
    Prepare {
        request: Request,
        passphrase: Option<Passphrase>,
    },
    Cancel(Why),
    /// How the run ended, for the ledger.
    Record {
        plan: String,
        outcome: RunOutcome,
    },
    AskDrive {
        label: String,
    },
    AskMissing {
        explanation: Explanation,
    },
    AskMismatch {
        explanation: Explanation,
    },
    ShowError {
        explanation: Explanation,
        details: String,
        retry: Option<Request>,
    },
    ShowProblems {
        problems: Vec<Problem>,
        total: u64,
    },
    Toast(String),
    Restored {
        target: PathBuf,
    },
    /// The plan's backups are gone: so is the plan.
    Forget {
        plan: String,
    },
}

/// What is known of a plan's runs.
#[derive(Clone, PartialEq, Default, Debug)]
pub struct Facts {
    pub last: Option<RunRecord>,
    pub last_success: Option<RunRecord>,
    /// The last check of what is stored.
    pub checked: Option<RunRecord>,
    /// When a run began that never ended.
    pub crashed: Option<i64>,
    pub space: Option<Space>,
}

/// Of the disk on which the place is, in bytes.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Space {
    pub free: u64,
    pub total: u64,
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
    problems: Vec<Problem>,
    problem_count: u64,
}

#[derive(Default, Debug)]
pub struct AppState {
    pub plans: Vec<Plan>,
    facts: HashMap<String, Facts>,
    /// Of this session; the keyring has those to be remembered.
    passwords: HashMap<String, Passphrase>,
    pub activity: Option<Activity>,
    /// Asked for while something else was going on.
    waiting: VecDeque<Request>,
    /// Of each plan's last run in this session.
    problems: HashMap<String, (Vec<Problem>, u64)>,
}

impl AppState {
    pub fn plan(&self, id: &str) -> Option<&Plan> {
        self.plans.iter().find(|plan| plan.id == id)
    }

    pub fn facts(&self, plan: &str) -> Facts {
        self.facts.get(plan).cloned().unwrap_or_default()
    }

    pub fn problems(&self, plan: &str) -> Option<&(Vec<Problem>, u64)> {
        self.problems.get(plan)
    }

    pub fn password(&self, plan: &str) -> Option<&Passphrase> {
        self.passwords.get(plan)
    }

    pub fn forget_password(&mut self, plan: &str) {
        self.passwords.remove(plan);
    }

    pub fn know_password(&mut self, plan: &str, passphrase: Passphrase) {
        self.passwords.insert(plan.to_owned(), passphrase);
    }

    pub fn is_busy(&self) -> bool {
        self.activity.is_some()
    }

    pub fn on(&mut self, message: Message) -> Vec<Effect> {
        match message {
            Message::Plans(plans) => self.plans = plans,
            Message::Recorded { plan, facts } => self.recorded(plan, facts),
            Message::Wanted(request) => return self.wanted(request),
            Message::StopWanted => return self.stop(),
            Message::PasswordFound(found) => return self.password_found(found),
            Message::PasswordTyped { passphrase, remember } => {
                return self.password_typed(passphrase, remember);
            }
            Message::Declined => return self.next(),
            Message::NotReady(why) => return self.not_ready(why),
            Message::Running => self.set_stage(Stage::Running),
            Message::Progress(progress) => {
                if let Some(activity) = &mut self.activity {
                    activity.progress = progress;
                }
            }
            Message::Problem(problem) => {
                if let Some(activity) = &mut self.activity {
                    activity.problem_count += 1;
                    if activity.problems.len() < PROBLEMS_SHOWN {
                        activity.problems.push(problem);
                    }
                }
            }
            Message::Finished(outcome) => return self.finished(outcome),
        }
        Vec::new()
    }

    /// The ledger tells of a crash once; it stays true until another run has ended.
    fn recorded(&mut self, plan: String, mut facts: Facts) {
        let told = self.facts.get(&plan).and_then(|known| known.crashed);
        let ended = facts.last.as_ref().map(|run| run.began);
        facts.crashed = facts.crashed.or(told).filter(|began| ended.is_none_or(|ended| ended < *began));
        self.facts.insert(plan, facts);
    }

    fn wanted(&mut self, request: Request) -> Vec<Effect> {
        if let Some(activity) = &self.activity {
            // Pressing twice is not two wishes.
            if activity.request.what != request.what && !self.waiting.contains(&request) {
                self.waiting.push_back(request);
            }
            return Vec::new();
        }
        self.begin(request)
    }

    fn begin(&mut self, request: Request) -> Vec<Effect> {
        let Some(plan) = self.plan(&request.plan) else { return self.next() };
        let known = self.passwords.get(&request.plan).cloned();
        let effect = if !plan.encrypt || known.is_some() {
            Effect::Prepare { request: request.clone(), passphrase: known }
        } else {
            Effect::FindPassword { plan: request.plan.clone() }
        };
        self.activity = Some(Activity {
            request,
            stage: Stage::Preparing,
            progress: Progress::default(),
            problems: Vec::new(),
            problem_count: 0,
        });
        vec![effect]
    }

    /// Nothing is under way any more: what waits is next.
    fn next(&mut self) -> Vec<Effect> {
        self.activity = None;
        match self.waiting.pop_front() {
            Some(request) => self.begin(request),
            None => Vec::new(),
        }
    }

    fn set_stage(&mut self, stage: Stage) {
        if let Some(activity) = &mut self.activity
            && activity.stage != Stage::Stopping
        {
            activity.stage = stage;
        }
    }

    fn stop(&mut self) -> Vec<Effect> {
        self.waiting.clear();
        match self.activity.as_ref().map(|activity| activity.stage) {
            // A job that is still being made is stopped as soon as it is there.
            Some(Stage::Preparing | Stage::Running) => {
                self.set_stage(Stage::Stopping);
                vec![Effect::Cancel(Why::User)]
            }
            Some(Stage::Stopping) | None => Vec::new(),
        }
    }

    fn password_found(&mut self, found: Option<Passphrase>) -> Vec<Effect> {
        let Some(activity) = &self.activity else { return Vec::new() };
        let (request, stage) = (activity.request.clone(), activity.stage);
        match found {
            // Stopped meanwhile: nobody is asked for anything more.
            _ if stage == Stage::Stopping => self.next(),
            Some(passphrase) => {
                self.know_password(&request.plan, passphrase.clone());
                vec![Effect::Prepare { request, passphrase: Some(passphrase) }]
            }
            None if request.by_itself => self.next(),
            None => vec![Effect::AskPassword { plan: request.plan, wrong: false }],
        }
    }

    fn password_typed(&mut self, passphrase: Passphrase, remember: bool) -> Vec<Effect> {
        let Some(activity) = &self.activity else { return Vec::new() };
        let request = activity.request.clone();
        self.know_password(&request.plan, passphrase.clone());
        let remembered =
            remember.then(|| Effect::Remember { plan: request.plan.clone(), passphrase: passphrase.clone() });
        remembered.into_iter().chain([Effect::Prepare { request, passphrase: Some(passphrase) }]).collect()
    }

    fn not_ready(&mut self, why: NotReady) -> Vec<Effect> {
        let retry = self.activity.as_ref().map(|activity| activity.request.clone());
        if retry.as_ref().is_some_and(|request| request.by_itself) {
            return self.next();
        }
        let mut effects = match why {
            NotReady::NotConnected { label } => return vec![Effect::AskDrive { label }],
            NotReady::AlreadyRunning => vec![Effect::Toast(texts::already_running())],
            NotReady::Failed(explanation) => {
                vec![Effect::ShowError { explanation, details: String::new(), retry }]
            }
        };
        effects.extend(self.next());
        effects
    }

    fn finished(&mut self, outcome: Outcome) -> Vec<Effect> {
        let Some(activity) = self.activity.take() else { return Vec::new() };
        let plan = activity.request.plan.clone();
        let mut effects = Vec::new();
        if matches!(activity.request.what, What::BackUp | What::Verify { .. }) {
            effects.push(Effect::Record { plan: plan.clone(), outcome: recorded(&outcome) });
        }
        self.problems.insert(plan, (activity.problems.clone(), activity.problem_count));
        match outcome {
            Outcome::Completed(report) => effects.extend(completed(&activity, &report)),
            // What was stored so far stays; the title of the page says so.
            Outcome::Cancelled(_) => {}
            Outcome::Failed(error) => {
                let question = self.question(activity, &error);
                effects.extend(question);
                if self.activity.is_some() {
                    return effects;
                }
            }
        }
        effects.extend(self.next());
        effects
    }

    /// Some failures are questions: the request stays until they are answered.
    fn question(&mut self, activity: Activity, error: &Error) -> Vec<Effect> {
        let request = activity.request.clone();
        if request.by_itself {
            // The overview says it.
            return Vec::new();
        }
        let explanation = explain(error);
        let effect = match error {
            Error::PassphraseNeeded | Error::PassphraseWrong => {
                let wrong = matches!(error, Error::PassphraseWrong);
                self.forget_password(&request.plan);
                Effect::AskPassword { plan: request.plan, wrong }
            }
            Error::SourceShrunk { .. } => Effect::AskMissing { explanation },
            Error::HostChanged { .. } | Error::SourceChanged { .. } => Effect::AskMismatch { explanation },
            _ => {
                return vec![Effect::ShowError {
                    explanation,
                    details: texts::details(error),
                    retry: Some(request),
                }];
            }
        };
        self.activity = Some(Activity { stage: Stage::Preparing, ..activity });
        vec![effect]
    }

    /// The question of the request under way was answered with yes.
    pub fn confirm(&mut self, confirmed: impl FnOnce(&mut Answers)) -> Vec<Effect> {
        let Some(activity) = self.activity.take() else { return Vec::new() };
        let mut request = activity.request;
        confirmed(&mut request.answers);
        self.begin(request)
    }
}

/// A check counts what it read back as its files, and what is not as it was as its problems.
fn recorded(outcome: &Outcome) -> RunOutcome {
    match outcome {
        Outcome::Completed(Report::Verify(report)) => RunOutcome::Completed {
            stored_bytes: 0,
            files: report.compared,
            problems: report.lost + report.differences,
            unchanged: true,
        },
        other => run_outcome(other),
    }
}

fn completed(activity: &Activity, report: &Report) -> Vec<Effect> {
    let show_problems = || {
        (activity.problem_count > 0).then(|| Effect::ShowProblems {
            problems: activity.problems.clone(),
            total: activity.problem_count,
        })
    };
    match (&activity.request.what, report) {
        (What::BackUp, Report::Backup(report)) => vec![Effect::Toast(texts::backed_up(report))],
        (What::Verify { .. }, Report::Verify(report)) => {
            let toast = Effect::Toast(texts::verified(report));
            [Some(toast), show_problems()].into_iter().flatten().collect()
        }
        (What::Restore(restore), Report::Restore(_)) => {
            let target = Effect::Restored { target: restore.target.clone() };
            [Some(target), show_problems()].into_iter().flatten().collect()
        }
        (What::Erase, _) => vec![Effect::Forget { plan: activity.request.plan.clone() }],
        _ => Vec::new(),
    }
}
