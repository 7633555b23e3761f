//! What is known of the computer and the plans, and what follows from it: the only one that starts and stops runs.

mod account;
mod telling;

use std::collections::HashMap;
use std::path::PathBuf;

use chrono::{Local, Utc};

use self::telling::Shown;
use super::bus::Buses;
use super::eject::eject;
use super::engine::{self, Past, Run};
use super::notifications::Notifications;
use super::sources::Alarm;
use super::{Autostart, Event, Events, Manner, notices, place};
use crate::explain::{explain_ledger, explain_settings};
use crate::i18n::gettext;
use crate::ledger::{History, Ledger, RunOutcome, RunRecord};
use crate::schedule::conditions::{
    Condition, Facts, PlaceFacts, Reach, Watched, conditions, ends_run, is_over,
};
use crate::schedule::{Next, Snooze, jitter, next, planned_since};
use crate::settings::{PlaceKind, Plan, PlanPlace, Store};

/// However little happens, in seconds: what tells of no change is looked at again.
const HEARTBEAT: i64 = 15 * 60;

/// A drive that came no longer ago, in seconds, came for the backup.
const PLUGGED_IN: i64 = 15 * 60;

pub(super) struct Keeper {
    pub(super) manner: Manner,
    pub(super) store: Store,
    pub(super) ledger: Ledger,
    /// Where our programs are.
    pub(super) programs: PathBuf,
    pub(super) buses: Buses,
    pub(super) notifications: Notifications,
    pub(super) alarm: Alarm,
    pub(super) events: Events,
    facts: Facts,
    plans: Vec<Plan>,
    kept: HashMap<String, Kept>,
    run: Option<Run>,
}

/// What is remembered about a plan while the process lives.
#[derive(Default)]
struct Kept {
    present: Watched<bool>,
    /// It came while we looked on.
    plugged_in: bool,
    /// The run is that of a drive that was plugged in for it.
    came_for_this: bool,
    /// That run has succeeded.
    may_go: bool,
    /// Somebody pressed Back Up Now.
    wanted: bool,
    /// The last failure will not go away by itself.
    needs_somebody: bool,
    /// People were told that something is wrong.
    was_wrong: bool,
    shown: Option<Shown>,
}

/// A plan as it is now.
struct View {
    history: History,
    last: Option<RunRecord>,
    conditions: Vec<Condition>,
    next: Next,
    /// Put off until something comes.
    snooze: Option<Snooze>,
    /// In whatever process.
    runs: bool,
    /// What the rhythm asks for, in seconds since 1970.
    due: Option<i64>,
}

pub(super) fn now() -> i64 {
    Utc::now().timestamp()
}

fn complain(sentence: &str) {
    eprintln!("hindsight-background: {sentence}");
}

/// Without the error's name, which says nothing to people.
fn said(error: &zbus::Error) -> String {
    match error {
        zbus::Error::MethodError(_, Some(said), _) => said.clone(),
        error => error.to_string(),
    }
}

impl Keeper {
    pub(super) fn new(
        manner: Manner,
        (store, ledger, programs): (Store, Ledger, PathBuf),
        (buses, notifications): (Buses, Notifications),
        alarm: Alarm,
        events: Events,
    ) -> Self {
        let facts = Facts { awake_since: now(), ..Facts::default() };
        let (plans, kept) = (Vec::new(), HashMap::new());
        Self {
            manner,
            store,
            ledger,
            programs,
            buses,
            notifications,
            alarm,
            events,
            facts,
            plans,
            kept,
            run: None,
        }
    }

    pub(super) fn is_idle(&self) -> bool {
        self.run.is_none()
    }

    /// As when the session ends: it goes on next time.
    pub(super) fn end_run(&self) {
        self.run.iter().for_each(Run::end);
    }

    pub(super) async fn on(&mut self, event: Event) {
        match event {
            Event::Woken => self.facts.awake_since = now(),
            Event::Ended(code) => self.ended(code),
            Event::Pressed { id, button } => self.pressed(id, &button).await,
            Event::Closed { id } => self.closed(id),
            Event::Autostart(answer) => self.asked(answer).await,
            Event::Time | Event::Mounts | Event::Files | Event::System | Event::Quit => {}
        }
    }

    /// Does what there is to do, and sets the alarm.
    pub(super) async fn attend(&mut self) {
        let now = now();
        self.look_around(now).await;
        match self.store.load() {
            Ok(settings) => self.plans = settings.plans,
            // What was known before is better than nothing.
            Err(error) => complain(&explain_settings(&error).sentence),
        }
        let mut wake = now + HEARTBEAT;
        for plan in self.plans.clone() {
            match self.attend_to(&plan, now).await {
                Ok(Some(time)) if time > now => wake = wake.min(time),
                Ok(_) => {}
                Err(error) => complain(&explain_ledger(&error).sentence),
            }
        }
        self.forget_gone().await;
        if let Err(error) = self.alarm.set(wake) {
            complain(&format!("The alarm could not be set: {error}."));
        }
    }

    async fn look_around(&mut self, now: i64) {
        let told = self.buses.told().await;
        self.facts.network.set(told.network, now);
        self.facts.metered.set(told.metered, now);
        self.facts.on_battery.set(told.on_battery, now);
        self.facts.saves_power.set(told.saves_power, now);
        self.facts.plays.set(told.plays, now);
    }

    /// When to look again, in seconds since 1970.
    async fn attend_to(&mut self, plan: &Plan, now: i64) -> crate::ledger::Result<Option<i64>> {
        let mut view = self.view(plan, now).await?;
        self.stop_if_a_nuisance(plan, &view.conditions);
        let wanted = self.kept.get(&plan.id).is_some_and(|kept| kept.wanted);
        if !view.runs && self.run.is_none() && (wanted || view.next == Next::Start) {
            self.start(plan, &view, wanted).await;
            view = self.view(plan, now).await?;
        }
        self.keep_account(plan, &view, now)?;
        self.tell(plan, &view, now).await;
        Ok(match &view.next {
            Next::WaitUntil(time) => Some(*time),
            Next::WaitFor(waits) => waits.iter().filter_map(|wait| wait.until).min(),
            Next::Never | Next::Start => None,
        })
    }

    async fn view(&mut self, plan: &Plan, now: i64) -> crate::ledger::Result<View> {
        let present = place::is_present(&plan.place).await;
        let kept = self.kept.entry(plan.id.clone()).or_default();
        let was = kept.present.value;
        if kept.present.set(present, now) {
            kept.plugged_in = was == Some(false) && present == Some(true);
        }
        let place = PlaceFacts { reach: place::reach(&plan.place), present: kept.present };
        let settle = i64::try_from(self.manner.settle.as_secs()).unwrap_or(0);
        let with = |snooze| conditions(&self.facts, &place, &plan.tolerance, snooze, settle, now);
        let mut snooze = self.ledger.snooze(&plan.id)?.and_then(|json| serde_json::from_str(&json).ok());
        let mut conditions = with(snooze);
        if snooze.is_some_and(|snooze| is_over(snooze, &conditions, now)) {
            self.ledger.set_snooze(&plan.id, None)?;
            snooze = None;
            conditions = with(None);
        }
        let history = self.ledger.history(&plan.id)?;
        let jitter = if place.reach == Reach::Internet { jitter(&plan.id) } else { 0 };
        let next = next(&plan.schedule, &history, jitter, &conditions, &Local, now);
        let due = planned_since(&plan.schedule, &history, &Local, now).filter(|due| *due <= now);
        let runs = self.runs(&plan.id) || self.ledger.is_running(&plan.id)?;
        let last = self.ledger.last(&plan.id)?;
        Ok(View { history, last, conditions, next, snooze, runs, due })
    }

    /// Here.
    fn runs(&self, plan: &str) -> bool {
        self.run.as_ref().is_some_and(|run| run.plan == plan)
    }

    fn stop_if_a_nuisance(&mut self, plan: &Plan, conditions: &[Condition]) {
        let Some(run) = self.run.as_mut().filter(|run| run.plan == plan.id && !run.wanted) else { return };
        if let Some(condition) = ends_run(conditions) {
            run.stop(account::waiting(condition, plan));
        }
    }

    async fn start(&mut self, plan: &Plan, view: &View, wanted: bool) {
        let before = Past { history: view.history, last: view.last.clone() };
        if let Some(kept) = self.kept.get_mut(&plan.id) {
            kept.wanted = false;
            kept.came_for_this = kept.plugged_in && now() - kept.present.since < PLUGGED_IN;
        }
        match Run::start(&self.programs, &plan.id, view.due, wanted, before, &self.events) {
            Ok(mut run) => {
                run.awake = self.buses.stay_awake(&gettext("A backup is being written")).await;
                self.run = Some(run);
            }
            Err(error) => self.not_started(&plan.id, &error.to_string()),
        }
    }

    /// Counts as a failure, so that it is not tried again at once and for ever.
    fn not_started(&self, plan: &str, why: &str) {
        let sentence = crate::i18n::gettext_f("The backup could not be started: {why}.", &[("why", why)]);
        let outcome = RunOutcome::Failed { title: gettext("Backup Not Started"), sentence };
        let now = now();
        if let Err(error) = self.ledger.begin(plan, now).and_then(|run| run.finish(&outcome, now)) {
            complain(&explain_ledger(&error).sentence);
        }
    }

    fn ended(&mut self, code: Option<i32>) {
        let Some(run) = self.run.take() else { return };
        let past = || {
            let history = self.ledger.history(&run.plan)?;
            crate::ledger::Result::Ok(Past { history, last: self.ledger.last(&run.plan)? })
        };
        let busy = self.ledger.is_running(&run.plan).unwrap_or(false);
        let wrote_nothing = past().is_ok_and(|past| past == run.before);
        if wrote_nothing && !busy && run.stopped.is_none() {
            let why = code.map_or("it was killed".into(), |code| format!("it ended with the code {code}"));
            self.not_started(&run.plan, &why);
        }
        if let Err(error) = self.account_for_end(&run) {
            complain(&explain_ledger(&error).sentence);
        }
        if let Some(kept) = self.kept.get_mut(&run.plan) {
            kept.needs_somebody = engine::needs_somebody(code);
            kept.may_go = kept.came_for_this && code == Some(0);
        }
    }

    async fn pressed(&mut self, id: u32, button: &str) {
        let shown = |kept: &Kept| kept.shown.as_ref().is_some_and(|shown| shown.id == Some(id));
        let Some((plan, kept)) = self.kept.iter_mut().find(|(_, kept)| shown(kept)) else { return };
        if button == notices::EJECT {
            let plan = plan.clone();
            self.eject(&plan).await;
        } else if button == notices::BACK_UP {
            // The app can ask for what is missing.
            let asks = kept.needs_somebody && engine::open_app(&self.programs, plan);
            kept.wanted = !asks;
        } else if let Some(snooze) = notices::snooze(button, now()) {
            let json = serde_json::to_string(&snooze).unwrap_or_default();
            if let Err(error) = self.ledger.set_snooze(plan, Some(&json)) {
                complain(&explain_ledger(&error).sentence);
            }
        } else {
            self.notifications.open_app().await;
        }
    }

    async fn eject(&self, plan: &str) {
        let plan = self.plans.iter().find(|known| known.id == plan);
        let Some(PlanPlace { kind: PlaceKind::Drive { uuid, .. }, label, .. }) = plan.map(|plan| &plan.place)
        else {
            return;
        };
        let Some(system) = &self.buses.system else { return };
        if let Err(error) = eject(system, uuid).await {
            self.notifications.show(&notices::not_ejected(label, &said(&error)), None).await;
        }
    }

    /// Kept for everybody who tells how things are.
    async fn asked(&mut self, answer: Autostart) {
        let json = serde_json::to_string(&answer).unwrap_or_default();
        if let Err(error) = self.ledger.set_fact("autostart", &json) {
            complain(&explain_ledger(&error).sentence);
        }
        if let Some(content) = notices::autostart(answer) {
            self.notifications.show(&content, None).await;
        }
    }

    fn closed(&mut self, id: u32) {
        for shown in self.kept.values_mut().filter_map(|kept| kept.shown.as_mut()) {
            if shown.id == Some(id) {
                shown.id = None;
            }
        }
    }
}
