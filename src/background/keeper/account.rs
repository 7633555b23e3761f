//! What became of each moment at which a backup was due, for the ledger.

use super::{Keeper, View, now};
use crate::background::engine::Run;
use crate::ledger::{MomentState, Result, RunOutcome, Waiting};
use crate::schedule::conditions::Condition;
use crate::schedule::{Next, counts_for};
use crate::settings::Plan;

/// Newest moments that may still be open.
const OPEN: usize = 8;

pub(super) fn waiting(condition: &Condition, plan: &Plan) -> Waiting {
    let sentence = condition.sentence(&plan.place.label);
    Waiting { condition: condition.id.name().into(), since: condition.since, sentence }
}

impl Keeper {
    /// `now` in seconds since 1970.
    pub(super) fn keep_account(&self, plan: &Plan, view: &View, now: i64) -> Result<()> {
        self.close_old(plan, view, now)?;
        let Some(due) = view.due else { return Ok(()) };
        let state = match &view.next {
            _ if view.runs => MomentState::Running,
            Next::WaitFor(waits) => {
                MomentState::Waiting { waits: waits.iter().map(|wait| waiting(wait, plan)).collect() }
            }
            Next::WaitUntil(_) => match view.last.as_ref().map(|last| &last.outcome) {
                Some(RunOutcome::Failed { sentence, .. }) => {
                    MomentState::Failed { sentence: sentence.clone() }
                }
                _ => return Ok(()),
            },
            Next::Never | Next::Start => return Ok(()),
        };
        self.ledger.note(&plan.id, due, &state, now)
    }

    /// A success, whoever began the run, or another schedule has settled them.
    fn close_old(&self, plan: &Plan, view: &View, now: i64) -> Result<()> {
        let moments = self.ledger.moments(&plan.id, OPEN)?;
        for moment in moments.iter().filter(|moment| moment.state.is_open() && Some(moment.due) != view.due) {
            let success = view.history.last_success.filter(|last| counts_for(*last, moment.due));
            let state = if success.is_some() { MomentState::Done } else { MomentState::Dropped };
            self.ledger.note(&plan.id, moment.due, &state, now)?;
        }
        Ok(())
    }

    /// How the run ended, where that is more than what comes next.
    pub(super) fn account_for_end(&self, run: &Run) -> Result<()> {
        match (run.due, &run.stopped) {
            (Some(due), Some(by)) => {
                self.ledger.note(&run.plan, due, &MomentState::Interrupted { by: by.clone() }, now())
            }
            _ => Ok(()),
        }
    }
}
