//! Questions to somebody: one at a time. What the other lane has to ask meanwhile waits, and is asked only if the
//! answer did not settle it too.

use hindsight::jobs::Answers;
use hindsight::secret::Passphrase;

use super::{AppState, Effect, Lane, Question, Stage};

impl AppState {
    pub(super) fn ask(&mut self, lane: Lane, question: Question) -> Vec<Effect> {
        let asking = self.asking.is_some();
        match &mut self.lanes[lane].activity {
            None => Vec::new(),
            // Stopped meanwhile: nobody is asked for anything more.
            Some(activity) if activity.stage == Stage::Stopping => self.end(lane),
            Some(activity) if asking => {
                activity.unasked = Some(question);
                Vec::new()
            }
            Some(_) => self.put(lane, question),
        }
    }

    fn put(&mut self, lane: Lane, question: Question) -> Vec<Effect> {
        self.asking = Some(lane);
        vec![Effect::Ask { lane, question }]
    }

    /// Nothing is asked for this lane any more: it is the other's turn.
    pub(super) fn answered(&mut self, lane: Lane) -> Vec<Effect> {
        if self.asking == Some(lane) {
            self.asking = None;
        }
        let other = lane.other();
        let unasked = self.lanes[other].activity.as_mut().filter(|_| self.asking.is_none());
        match unasked.and_then(|activity| activity.unasked.take()) {
            None => Vec::new(),
            Some(Question::Password { plan, .. }) if self.password(&plan).is_some() => self.prepare(other),
            // It may be there by now.
            Some(Question::Drive { .. }) => self.prepare(other),
            Some(question) => self.put(other, question),
        }
    }

    pub(super) fn password_typed(
        &mut self,
        lane: Lane,
        passphrase: Passphrase,
        remember: bool,
    ) -> Vec<Effect> {
        let Some(activity) = &self.lanes[lane].activity else { return Vec::new() };
        let plan = activity.request.plan.clone();
        let older = lane == Lane::Restores && self.lacks_older_password(&plan);
        self.type_password(&plan, passphrase.clone());
        let remembered = remember.then_some(Effect::Remember { plan, passphrase, older });
        remembered.into_iter().chain(self.go_on(lane)).collect()
    }

    /// What the lane's request lacked is there.
    pub(super) fn go_on(&mut self, lane: Lane) -> Vec<Effect> {
        let mut effects = self.prepare(lane);
        effects.extend(self.answered(lane));
        effects
    }

    /// The question of the lane's request was answered with yes.
    pub fn confirm(&mut self, lane: Lane, confirmed: impl FnOnce(&mut Answers)) -> Vec<Effect> {
        let Some(activity) = self.lanes[lane].activity.take() else { return Vec::new() };
        let mut request = activity.request;
        confirmed(&mut request.answers);
        let mut effects = self.begin(request);
        effects.extend(self.answered(lane));
        effects.extend(self.advance());
        effects
    }
}
