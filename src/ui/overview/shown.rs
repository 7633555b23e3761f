//! What the overview says, made of what the app knows.

use std::path::Path;

use hindsight::i18n::gettext;

use crate::ui::state::{AppState, Space};
use crate::ui::texts::{self, Status};

/// Everything the page says, ready as text.
#[derive(Clone, PartialEq, Default, Debug)]
pub struct Shown {
    pub status: Status,
    pub busy: bool,
    pub next: String,
    pub checked: String,
    pub space: Option<Space>,
    pub place: String,
    pub place_kind: String,
    pub folders: String,
    pub schedule: String,
    /// Of the last run, if their list is at hand.
    pub problems: u64,
    /// Names of all plans and which one is shown; only told where there are several.
    pub plans: Vec<String>,
    pub current: usize,
}

impl Shown {
    /// `None` without that plan. `now`: seconds since 1970.
    pub fn new(state: &AppState, current: usize, home: &Path, now: i64) -> Option<Self> {
        let plan = state.plans.get(current)?;
        let facts = state.facts(&plan.id);
        let last = facts.last_success.as_ref().map(|run| run.ended);
        let backing_up = state.is_backing_up(&plan.id);
        Some(Self {
            status: match backing_up {
                true => texts::status_running(plan, &facts, now),
                false => texts::status(plan, &facts, now),
            },
            busy: state.is_busy(),
            next: match backing_up {
                true => gettext("Now"),
                false => texts::next_backup(plan, last, now),
            },
            checked: texts::checked(&facts, now),
            space: facts.space,
            place: plan.place.label.clone(),
            place_kind: texts::place_kind(&plan.place.kind),
            folders: texts::folders(plan, home),
            schedule: texts::schedule(plan),
            problems: state.problems(&plan.id).map_or(0, |problems| problems.total),
            plans: match state.plans.as_slice() {
                [_] => Vec::new(),
                several => several.iter().map(|plan| plan.name.clone()).collect(),
            },
            current,
        })
    }
}
