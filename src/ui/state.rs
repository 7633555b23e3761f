//! What the app knows and decides, without a window: messages in, effects out.
//!
//! A wish becomes a job in three steps, each of which may need an answer from outside: the password (keyring, then
//! the person), the place (connected?), the engine (a question back). The request waits here meanwhile; in each lane
//! only one is under way at a time.

mod asking;
mod ending;
mod facts;
mod lanes;
mod messages;
mod request;
mod secrets;
#[cfg(test)]
mod tests;

use std::collections::HashMap;

use hindsight::context::Why;
use hindsight::secret::{Passphrase, Passphrases};
use hindsight::settings::{Plan, Protection};

pub use self::facts::{Facts, Space};
use self::lanes::Line;
pub use self::lanes::{Lane, Lanes};
pub use self::messages::{Effect, Message, Question, Restored, Step};
pub use self::request::{Activity, NotReady, Problems, Request, Restore, Stage, What};
use self::secrets::Secrets;
use super::texts;

#[derive(Default, Debug)]
pub struct AppState {
    pub plans: Vec<Plan>,
    /// For backups found elsewhere, while they are looked at: not in the settings.
    pub guest: Option<Plan>,
    facts: HashMap<String, Facts>,
    /// Of this session; the keyring has those to be remembered.
    secrets: HashMap<String, Secrets>,
    lanes: Lanes<Line>,
    /// Whose question stands before somebody.
    asking: Option<Lane>,
    /// The plan that was made in this session, until somebody has saved its recovery sheet or wants none.
    pub offers_sheet_of: Option<String>,
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

    pub fn offers_sheet(&self, plan: &str) -> bool {
        self.offers_sheet_of.as_deref() == Some(plan)
    }

    pub fn password(&self, plan: &str) -> Option<&Passphrase> {
        self.secrets.get(plan)?.today()
    }

    /// Whatever may open something; `None`: the keyring may know more.
    pub fn passphrases_for_reading(&self, plan: &str) -> Option<Passphrases> {
        let known = self.secrets.get(plan).map(Secrets::for_reading);
        known.filter(|known| *known != Passphrases::default())
    }

    /// By the keyring, or by who has changed it.
    pub fn learn_passphrases(&mut self, plan: &str, known: Passphrases) {
        self.secrets_of(plan).learn(known);
    }

    pub fn type_password(&mut self, plan: &str, passphrase: Passphrase) {
        self.secrets_of(plan).type_in(passphrase);
    }

    /// What is typed now to read something is the password of earlier backups.
    pub fn lacks_older_password(&self, plan: &str) -> bool {
        self.secrets.get(plan).is_some_and(Secrets::lacks_older)
    }

    /// It did not open all that was wanted.
    pub fn doubt_password(&mut self, plan: &str) {
        self.secrets_of(plan).doubt();
    }

    pub fn forget_password(&mut self, plan: &str) {
        self.secrets_of(plan).forget();
    }

    fn secrets_of(&mut self, plan: &str) -> &mut Secrets {
        self.secrets.entry(plan.to_owned()).or_default()
    }

    pub fn activity(&self, lane: Lane) -> Option<&Activity> {
        self.lanes[lane].activity.as_ref()
    }

    /// In any lane.
    pub fn is_busy(&self) -> bool {
        self.lanes.iter().any(|line| line.activity.is_some())
    }

    pub fn is_backing_up(&self, plan: &str) -> bool {
        self.activity(Lane::Backups).is_some_and(|activity| {
            let Request { plan: of, what, .. } = &activity.request;
            of == plan && *what == What::BackUp && activity.stage != Stage::Preparing
        })
    }

    pub fn on(&mut self, message: Message) -> Vec<Effect> {
        match message {
            Message::Plans(plans) => {
                self.plans = plans;
                Vec::new()
            }
            Message::Recorded { plan, facts } => {
                self.recorded(plan, facts);
                Vec::new()
            }
            Message::Wanted(request) => self.wanted(request),
            // Of the restore, for which somebody waits; of the other only where there is none.
            Message::StopWanted => {
                let busy = |lane: &Lane| self.activity(*lane).is_some();
                Lane::ALL.into_iter().find(busy).map_or_else(Vec::new, |lane| self.stop(lane))
            }
            Message::In(lane, step) => self.step(lane, step),
        }
    }

    fn step(&mut self, lane: Lane, step: Step) -> Vec<Effect> {
        match step {
            Step::StopWanted => return self.stop(lane),
            Step::PasswordsFound(found) => return self.passwords_found(lane, found),
            Step::PasswordTyped { passphrase, remember } => {
                return self.password_typed(lane, passphrase, remember);
            }
            Step::Declined => return self.end(lane),
            Step::Connected if self.asking == Some(lane) => return self.go_on(lane),
            // Nobody waits for it any more.
            Step::Connected => {}
            Step::NotReady(why) => return self.not_ready(lane, why),
            Step::Running => self.set_stage(lane, Stage::Running),
            Step::Progress(progress) => {
                if let Some(activity) = &mut self.lanes[lane].activity {
                    activity.progress = progress;
                }
            }
            Step::Problem(problem) => {
                if let Some(activity) = &mut self.lanes[lane].activity {
                    activity.problems.add(problem);
                }
            }
            Step::Finished(outcome) => return self.finished(lane, outcome),
        }
        Vec::new()
    }

    fn recorded(&mut self, plan: String, facts: Facts) {
        let facts = facts.after(self.facts.get(&plan));
        self.facts.insert(plan, facts);
    }

    fn wanted(&mut self, request: Request) -> Vec<Effect> {
        let line = &mut self.lanes[Lane::of(&request.what)];
        if !line.has(&request) {
            line.waiting.push_back(request);
        }
        self.advance()
    }

    /// What waits begins, where it can.
    fn advance(&mut self) -> Vec<Effect> {
        let mut effects = Vec::new();
        for lane in Lane::ALL {
            while let Some(request) = self.take_next(lane) {
                effects.extend(self.begin(request));
            }
        }
        effects
    }

    fn take_next(&mut self, lane: Lane) -> Option<Request> {
        let line = &self.lanes[lane];
        if line.activity.is_some() {
            return None;
        }
        let next = line.waiting.iter().position(|request| !self.must_wait(request))?;
        self.lanes[lane].waiting.remove(next)
    }

    /// Backups are not deleted while something is restored from them, nor restored while they are deleted.
    fn must_wait(&self, request: &Request) -> bool {
        self.activity(Lane::of(&request.what).other()).is_some_and(|activity| {
            let other = &activity.request;
            let deletes = request.what == What::Erase || other.what == What::Erase;
            deletes && self.share_place(&request.plan, &other.plan)
        })
    }

    fn share_place(&self, one: &str, other: &str) -> bool {
        let place = |id| self.plan(id).map(|plan| &plan.place.kind);
        one == other || place(one).is_some_and(|kind| Some(kind) == place(other))
    }

    /// Its lane is free.
    fn begin(&mut self, request: Request) -> Vec<Effect> {
        let Some(plan) = self.plan(&request.plan) else { return Vec::new() };
        let lane = Lane::of(&request.what);
        let opens = !plan.has_passwords() || self.has_password(plan);
        let unopened = (!opens).then(|| Effect::FindPassword { lane, plan: request.plan.clone() });
        self.lanes[lane].activity = Some(Activity::new(request));
        unopened.map_or_else(|| self.prepare(lane), |find| vec![find])
    }

    /// What it needs: keys are not asked for here, but by their agent.
    fn has_password(&self, plan: &Plan) -> bool {
        let secrets = self.secrets.get(&plan.id);
        secrets.is_some_and(|known| known.today().is_some() || plan.protection != Protection::Password)
    }

    /// With the passwords that are known.
    fn prepare(&self, lane: Lane) -> Vec<Effect> {
        let prepare = |activity: &Activity| {
            let request = activity.request.clone();
            let purpose = match request.what {
                What::BackUp => Secrets::for_writing,
                What::Verify { .. } | What::Restore(_) | What::Erase => Secrets::for_reading,
            };
            let passphrases = self.secrets.get(&request.plan).map(purpose).unwrap_or_default();
            Effect::Prepare { request, passphrases }
        };
        self.activity(lane).map(prepare).into_iter().collect()
    }

    /// Nothing is under way in the lane any more: what waits is next.
    fn end(&mut self, lane: Lane) -> Vec<Effect> {
        self.lanes[lane].activity = None;
        let mut effects = self.answered(lane);
        effects.extend(self.advance());
        effects
    }

    fn set_stage(&mut self, lane: Lane, stage: Stage) {
        if let Some(activity) = &mut self.lanes[lane].activity
            && activity.stage != Stage::Stopping
        {
            activity.stage = stage;
        }
    }

    fn stop(&mut self, lane: Lane) -> Vec<Effect> {
        let line = &mut self.lanes[lane];
        line.waiting.clear();
        match &line.activity {
            Some(activity) if activity.unasked.is_some() => self.end(lane),
            // A job that is still being made is stopped as soon as it is there.
            Some(activity) if activity.stage != Stage::Stopping => {
                self.set_stage(lane, Stage::Stopping);
                vec![Effect::Cancel(lane, Why::User)]
            }
            _ => Vec::new(),
        }
    }

    /// Nothing more begins.
    pub fn forget_waiting(&mut self) {
        for lane in Lane::ALL {
            self.lanes[lane].waiting.clear();
        }
    }

    fn passwords_found(&mut self, lane: Lane, found: Passphrases) -> Vec<Effect> {
        let Some(activity) = self.activity(lane) else { return Vec::new() };
        let Request { plan, by_itself, .. } = activity.request.clone();
        if activity.stage == Stage::Stopping {
            return self.end(lane);
        }
        self.learn_passphrases(&plan, found);
        match self.plan(&plan).is_none_or(|plan| self.has_password(plan)) {
            true => self.prepare(lane),
            false if by_itself => self.end(lane),
            false => self.ask(lane, Question::Password { plan, wrong: false }),
        }
    }

    fn not_ready(&mut self, lane: Lane, why: NotReady) -> Vec<Effect> {
        let Some(request) = self.activity(lane).map(|activity| activity.request.clone()) else {
            return Vec::new();
        };
        let said = match why {
            _ if request.by_itself => None,
            NotReady::NotConnected { label } => return self.ask(lane, Question::Drive { label }),
            NotReady::AlreadyRunning => Some(Effect::Toast(texts::already_running())),
            NotReady::Failed(explanation) => {
                Some(Effect::ShowError { explanation, details: String::new(), retry: Some(request) })
            }
        };
        said.into_iter().chain(self.end(lane)).collect()
    }
}
