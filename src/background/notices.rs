//! What people are told about a plan, and when. Pure.
//!
//! One notice at most for each plan. It is told when it is news, and once a day while it stays true.

use super::Autostart;
use super::notifications::{Content, Level};
use crate::i18n::{gettext, gettext_f, ngettext_f};
use crate::ledger::{History, RunOutcome};
use crate::schedule::conditions::{Condition, ConditionId};
use crate::schedule::{Next, Snooze, Urgency};
use crate::settings::Plan;

const DAY: i64 = 24 * 60 * 60;

/// `None`: all is well.
pub(super) fn autostart(answer: Autostart) -> Option<Content> {
    let title = gettext("Backups May Not Begin by Themselves");
    let buttons = vec![("default", gettext("Open"))];
    answer.advice().map(|body| Content { title, body, level: Level::Critical, buttons })
}

/// Something uses the drive. `why`: in the words of the system.
pub(super) fn not_ejected(place: &str, why: &str) -> Content {
    let title = gettext_f("{place} Could Not Be Ejected", &[("place", place)]);
    Content { title, body: why.into(), level: Level::Normal, buttons: Vec::new() }
}

/// After so many failures one after another they are told, even if the next try may succeed.
const PATIENT_WITH: u32 = 2;

/// What there is to tell. Two that are equal are told once.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) enum Notice {
    Late {
        urgency: Urgency,
    },
    Failed {
        title: String,
        sentence: String,
        urgency: Urgency,
    },
    /// What was told before is mended.
    Mended,
    /// It was plugged in, and has been written to.
    DriveFree,
}

/// How things are with a plan.
pub(super) struct Situation<'a> {
    pub(super) plan: &'a Plan,
    pub(super) history: &'a History,
    pub(super) last: Option<&'a RunOutcome>,
    pub(super) next: &'a Next,
    pub(super) urgency: Urgency,
    pub(super) runs: bool,
    pub(super) snoozed: bool,
    /// The last failure will not go away by itself.
    pub(super) needs_somebody: bool,
}

/// `None`: what was told is not true any more.
pub(super) fn notice(situation: &Situation<'_>) -> Option<Notice> {
    if situation.runs || situation.snoozed || *situation.next == Next::Never {
        return None;
    }
    let urgency = situation.urgency;
    if let Some(RunOutcome::Failed { title, sentence }) = situation.last {
        let is_told = situation.needs_somebody || situation.history.failures >= PATIENT_WITH;
        let (title, sentence) = (title.clone(), sentence.clone());
        return is_told.then_some(Notice::Failed { title, sentence, urgency });
    }
    let waits = matches!(situation.next, Next::WaitFor(_));
    (waits && urgency > Urgency::Quiet).then_some(Notice::Late { urgency })
}

impl Notice {
    /// `now` in seconds since 1970.
    pub(super) fn content(&self, situation: &Situation<'_>, now: i64) -> Content {
        let (name, place) = (&*situation.plan.name, &*situation.plan.place.label);
        let open = ("default", gettext("Open"));
        match self {
            Self::Late { urgency } => {
                let waits = waits(situation.next);
                let sentences: Vec<_> = waits.iter().map(|wait| wait.sentence(place)).collect();
                Content {
                    title: gettext_f("The Backup “{plan}” Waits", &[("plan", name)]),
                    body: format!("{} {}", last_backup(situation.history, now), sentences.join(" ")),
                    level: level(*urgency),
                    buttons: buttons(waits).into_iter().chain([open]).collect(),
                }
            }
            Self::Failed { title, sentence, urgency } => Content {
                title: title.clone(),
                body: format!("{sentence} {}", last_backup(situation.history, now)),
                level: level(*urgency),
                buttons: buttons(waits(situation.next)).into_iter().chain([open]).collect(),
            },
            Self::Mended => Content {
                title: gettext("Your Files Are Safe"),
                body: gettext_f("“{plan}” was backed up to {place}.", &[("plan", name), ("place", place)]),
                level: Level::Low,
                buttons: vec![open],
            },
            Self::DriveFree => Content {
                title: gettext_f("{place} May Be Unplugged", &[("place", place)]),
                body: gettext_f("“{plan}” was backed up. Eject the drive first.", &[("plan", name)]),
                level: Level::Normal,
                buttons: vec![(EJECT, gettext("Eject")), open],
            },
        }
    }
}

fn level(urgency: Urgency) -> Level {
    match urgency {
        Urgency::Warning => Level::Critical,
        Urgency::Notice | Urgency::Quiet => Level::Normal,
    }
}

fn waits(next: &Next) -> &[Condition] {
    match next {
        Next::WaitFor(waits) => waits,
        Next::Never | Next::WaitUntil(_) | Next::Start => &[],
    }
}

fn last_backup(history: &History, now: i64) -> String {
    let Some(last) = history.last_success else { return gettext("Nothing has been saved yet.") };
    match (now - last) / DAY {
        ..1 => gettext("The last backup was made less than a day ago."),
        days => ngettext_f(
            "The last backup was made {count} day ago.",
            "The last backup was made {count} days ago.",
            days.unsigned_abs(),
            &[],
        ),
    }
}

/// What can be done about it: the first thing in the way says what putting off is good for.
fn buttons(waits: &[Condition]) -> Vec<(&'static str, String)> {
    let is_there = waits.iter().all(|wait| wait.id != ConditionId::Place);
    let back_up = is_there.then(|| (BACK_UP, gettext("Back Up Now")));
    let later = match waits.first().map(|wait| wait.id) {
        Some(ConditionId::Mains | ConditionId::FullPower) => (MAINS, gettext("When Plugged In")),
        Some(ConditionId::Unmetered | ConditionId::SignedIn | ConditionId::Network) => {
            (UNMETERED, gettext("On My Home Network"))
        }
        Some(ConditionId::Place) => (PLACE, gettext("When It Is Back")),
        Some(ConditionId::NoGame | ConditionId::Settled | ConditionId::Snoozed) | None => {
            (HOUR, gettext("In an Hour"))
        }
    };
    back_up.into_iter().chain([later, (TOMORROW, gettext("Tomorrow"))]).collect()
}

pub(super) const BACK_UP: &str = "back-up";
pub(super) const EJECT: &str = "eject";
const MAINS: &str = "until-mains";
const UNMETERED: &str = "until-unmetered";
const PLACE: &str = "until-place";
const HOUR: &str = "an-hour";
const TOMORROW: &str = "tomorrow";

/// What a button puts off; `now` in seconds since 1970. `None`: it is another button.
pub(super) fn snooze(button: &str, now: i64) -> Option<Snooze> {
    match button {
        MAINS => Some(Snooze::Mains),
        UNMETERED => Some(Snooze::Unmetered),
        PLACE => Some(Snooze::Place),
        HOUR => Some(Snooze::Until(now + 60 * 60)),
        TOMORROW => Some(Snooze::Until(now + DAY)),
        _ => None,
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use std::path::Path;

    use super::*;
    use crate::schedule::conditions::State;
    use crate::settings::{PlaceKind, PlanPlace};

    const NOW: i64 = 1_780_315_200;

    fn plan() -> Plan {
        let kind = PlaceKind::Drive { uuid: "1234-ABCD".into(), folder: "backups".into() };
        let place = PlanPlace { kind, label: "Red Disk".into(), marker: None };
        Plan::for_home("Home", place, Path::new("/usr")).unwrap()
    }

    fn waits_for(id: ConditionId) -> Next {
        let condition = Condition { id, state: State::Unmet, since: NOW, until: None, overridden: false };
        Next::WaitFor(vec![condition])
    }

    /// What is told after so many days and failures, and how.
    fn told(
        next: &Next,
        urgency: Urgency,
        failures: u32,
        change: impl FnOnce(&mut Situation<'_>),
    ) -> Option<Content> {
        let failed = RunOutcome::Failed { title: "Place Full".into(), sentence: "It is full.".into() };
        let history = History { last_success: Some(NOW - 3 * DAY), failures, last_failure: Some(NOW) };
        let plan = plan();
        let last = (failures > 0).then_some(&failed);
        let (history, runs, snoozed, needs_somebody) = (&history, false, false, false);
        let mut situation =
            Situation { plan: &plan, history, last, next, urgency, runs, snoozed, needs_somebody };
        change(&mut situation);
        Some(notice(&situation)?.content(&situation, NOW))
    }

    fn keys(content: &Content) -> Vec<&str> {
        content.buttons.iter().map(|(key, _)| *key).collect()
    }

    #[test]
    fn a_backup_that_waits_is_told_only_when_it_is_late_and_says_why() {
        let mains = waits_for(ConditionId::Mains);
        assert_eq!(told(&mains, Urgency::Quiet, 0, |_| ()), None);
        let content = told(&mains, Urgency::Notice, 0, |_| ()).unwrap();
        assert_eq!(content.title, "The Backup “Home” Waits");
        assert_eq!(content.body, "The last backup was made 3 days ago. The computer runs on battery.");
        assert_eq!(content.level, Level::Normal);
        assert_eq!(keys(&content), [BACK_UP, MAINS, TOMORROW, "default"]);
        assert_eq!(told(&mains, Urgency::Warning, 0, |_| ()).unwrap().level, Level::Critical);
    }

    #[test]
    fn what_can_be_done_fits_what_is_in_the_way() {
        let keys = |id| keys(&told(&waits_for(id), Urgency::Notice, 0, |_| ()).unwrap()).join(" ");
        assert_eq!(
            keys(ConditionId::Place),
            "until-place tomorrow default",
            "there is nowhere to back up to"
        );
        assert_eq!(keys(ConditionId::Unmetered), "back-up until-unmetered tomorrow default");
        assert_eq!(keys(ConditionId::NoGame), "back-up an-hour tomorrow default");
    }

    #[test]
    fn failures_are_told_when_they_repeat_or_need_somebody() {
        let later = Next::WaitUntil(NOW + 600);
        assert_eq!(told(&later, Urgency::Quiet, 1, |_| ()), None);
        let content = told(&later, Urgency::Quiet, 1, |situation| situation.needs_somebody = true).unwrap();
        assert_eq!(content.title, "Place Full");
        assert_eq!(content.body, "It is full. The last backup was made 3 days ago.");
        assert!(told(&later, Urgency::Quiet, PATIENT_WITH, |_| ()).is_some());
    }

    #[test]
    fn nothing_is_told_while_it_runs_or_is_put_off_or_switched_off() {
        let mains = waits_for(ConditionId::Mains);
        assert_eq!(told(&mains, Urgency::Warning, 9, |situation| situation.runs = true), None);
        assert_eq!(told(&mains, Urgency::Warning, 9, |situation| situation.snoozed = true), None);
        assert_eq!(told(&Next::Never, Urgency::Warning, 9, |_| ()), None);
    }

    #[test]
    fn buttons_put_off_as_long_as_they_say() {
        let snoozes = [MAINS, UNMETERED, PLACE, HOUR, TOMORROW].map(|button| snooze(button, 100));
        let until = |time| Some(Snooze::Until(time));
        let [mains, unmetered, place] = [Snooze::Mains, Snooze::Unmetered, Snooze::Place].map(Some);
        assert_eq!(snoozes, [mains, unmetered, place, until(3700), until(86_500)]);
        assert_eq!((snooze(BACK_UP, 100), snooze("default", 100)), (None, None));
    }
}
