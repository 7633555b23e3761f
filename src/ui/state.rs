//! What the app knows and decides, without a window: messages in, effects out.
//!
//! A wish becomes a job in three steps, each of which may need an answer from outside: the password (keyring, then
//! the person), the place (connected?), the engine (a question back). The request waits here meanwhile; only one is
//! under way at a time.

mod ending;
mod facts;
mod messages;
mod request;
#[cfg(test)]
mod tests;

use std::collections::{HashMap, VecDeque};

use hindsight::context::Why;
use hindsight::secret::Passphrase;
use hindsight::settings::Plan;

pub use self::facts::{Facts, Space};
pub use self::messages::{Effect, Message, Restored};
pub use self::request::{Activity, NotReady, Problems, Request, Restore, Stage, What};
use super::texts;

#[derive(Default, Debug)]
pub struct AppState {
    pub plans: Vec<Plan>,
    /// For backups found elsewhere, while they are looked at: not in the settings.
    pub guest: Option<Plan>,
    facts: HashMap<String, Facts>,
    /// Of this session; the keyring has those to be remembered.
    passwords: HashMap<String, Passphrase>,
    pub activity: Option<Activity>,
    /// Asked for while something else was going on.
    waiting: VecDeque<Request>,
    /// Of each plan's last run in this session.
    problems: HashMap<String, Problems>,
}

impl AppState {
    /// Also the guest.
    pub fn plan(&self, id: &str) -> Option<&Plan> {
        self.plans.iter().chain(&self.guest).find(|plan| plan.id == id)
    }

    pub fn facts(&self, plan: &str) -> Facts {
        self.facts.get(plan).cloned().unwrap_or_default()
    }

    pub fn problems(&self, plan: &str) -> Option<&Problems> {
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

    pub fn is_backing_up(&self, plan: &str) -> bool {
        self.activity.as_ref().is_some_and(|activity| {
            let Request { plan: of, what, .. } = &activity.request;
            of == plan && *what == What::BackUp && activity.stage != Stage::Preparing
        })
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
                    activity.problems.add(problem);
                }
            }
            Message::Finished(outcome) => return self.finished(outcome),
        }
        Vec::new()
    }

    fn recorded(&mut self, plan: String, facts: Facts) {
        let facts = facts.after(self.facts.get(&plan));
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
        self.activity = Some(Activity::new(request));
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
}
