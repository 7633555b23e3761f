//! What the overview says, made of what the app knows.

use std::path::Path;

use hindsight::i18n::gettext;

use crate::ui::state::{AppState, Lane, Space};
use crate::ui::texts::{self, Status};

/// Everything the page says, ready as text.
#[derive(Clone, PartialEq, Default, Debug)]
pub struct Shown {
    pub status: Status,
    /// No backup can begin.
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
    /// The plan is new: its recovery sheet is offered.
    pub offer_sheet: bool,
    /// Names of all plans and which one is shown; only told where there are several.
    pub plans: Vec<String>,
    pub current: usize,
}

impl Shown {
    /// `None` without that plan. `now`: seconds since 1970.
    pub fn new(state: &AppState, current: usize, home: &Path, now: i64) -> Option<Self> {
        let plan = state.plans.get(current)?;
        let facts = state.facts(&plan.id);
        let backing_up = state.is_backing_up(&plan.id);
        Some(Self {
            status: match backing_up {
                true => texts::status_running(plan, &facts, now),
                false => texts::status(plan, &facts, now),
            },
            busy: state.activity(Lane::Backups).is_some(),
            next: match backing_up {
                true => gettext("Now"),
                false if !facts.waits.is_empty() => facts.waits.join(" "),
                false => texts::next_backup(plan, &facts.history, now),
            },
            checked: texts::checked(&facts, now),
            space: facts.space,
            place: plan.place.label.clone(),
            place_kind: texts::place_kind(&plan.place.kind),
            folders: texts::folders(plan, home),
            schedule: texts::schedule(plan),
            problems: state.problems(&plan.id).map_or(0, |problems| problems.total),
            offer_sheet: state.offers_sheet(&plan.id),
            plans: match state.plans.as_slice() {
                [_] => Vec::new(),
                several => several.iter().map(|plan| plan.name.clone()).collect(),
            },
            current,
        })
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use hindsight::settings::{PlaceKind, Plan, PlanPlace, Protection};

    use super::*;
    use crate::ui::state::{Message, Request, Step, What};

    #[test]
    fn while_a_backup_runs_the_page_says_so() {
        let kind = PlaceKind::Folder { path: "/x".into() };
        let place = PlanPlace { kind, label: "Red Disk".into(), marker: None };
        let plan = Plan {
            protection: Protection::None,
            ..Plan::for_home("Red Disk", place, Path::new("/")).unwrap()
        };
        let request = Request::new(&plan.id, What::BackUp);
        let mut state = AppState::default();
        state.on(Message::Plans(vec![plan]));
        let said = |state: &AppState| {
            let shown = Shown::new(state, 0, Path::new("/"), 0).unwrap();
            (shown.status.title, shown.next)
        };
        let words = |title: &str, next: &str| (title.to_owned(), next.to_owned());
        assert_eq!(said(&state), words("Ready for the First Backup", "By itself after the first one"));
        state.on(Message::Wanted(request));
        state.on(Message::In(Lane::Backups, Step::Running));
        assert_eq!(said(&state), words("Backing Up…", "Now"));
    }
}
