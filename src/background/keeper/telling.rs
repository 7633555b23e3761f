//! Notifications: told when there is news, withdrawn when it is not true any more.

use chrono::Local;

use super::{Keeper, View};
use crate::background::notices::{Notice, Situation, notice};
use crate::ledger::RunOutcome;
use crate::schedule::urgency;
use crate::settings::{PlaceKind, Plan};

/// What stays true is told again after so many seconds.
const AGAIN: i64 = 24 * 60 * 60;

/// A notice that people were told.
pub(super) struct Shown {
    /// While it can be seen.
    pub(super) id: Option<u32>,
    notice: Notice,
    /// In seconds since 1970.
    at: i64,
}

impl Keeper {
    pub(super) async fn tell(&mut self, plan: &Plan, view: &View, now: i64) {
        let Some(kept) = self.kept.get_mut(&plan.id) else { return };
        let situation = Situation {
            plan,
            history: &view.history,
            last: view.last.as_ref().map(|last| &last.outcome),
            next: &view.next,
            urgency: urgency(&plan.schedule, &view.history, &Local, now),
            runs: view.runs,
            snoozed: view.snooze.is_some(),
            needs_somebody: kept.needs_somebody,
        };
        let mut news = notice(&situation);
        if news.is_some() {
            kept.was_wrong = true;
        } else if !view.runs && matches!(situation.last, Some(RunOutcome::Completed { .. })) {
            let is_drive = matches!(plan.place.kind, PlaceKind::Drive { .. });
            news = match (kept.may_go && is_drive, kept.was_wrong) {
                (true, _) => Some(Notice::DriveFree),
                (false, true) if view.due.is_none() => Some(Notice::Mended),
                (false, _) => None,
            };
            kept.may_go = false;
            kept.was_wrong &= news.is_none();
        }
        let id = kept.shown.as_ref().and_then(|shown| shown.id);
        match news {
            Some(notice) => {
                let is_known = |shown: &Shown| shown.notice == notice && now - shown.at < AGAIN;
                if !kept.shown.as_ref().is_some_and(is_known) {
                    let content = notice.content(&situation, now);
                    // Nobody who shows it yet: told next time.
                    let id = self.notifications.show(&content, id).await;
                    kept.shown = id.map(|id| Shown { id: Some(id), notice, at: now });
                }
            }
            // Good news goes by itself.
            None if kept.shown.as_ref().is_some_and(|shown| shown.notice == Notice::Mended) => {}
            None if kept.shown.as_ref().is_some_and(|shown| shown.notice == Notice::DriveFree)
                && kept.present.value == Some(true) => {}
            None => {
                kept.shown = None;
                if let Some(id) = id {
                    self.notifications.withdraw(id).await;
                }
            }
        }
    }

    /// Of plans that are no more.
    pub(super) async fn forget_gone(&mut self) {
        let gone = |id: &String| !self.plans.iter().any(|plan| plan.id == *id);
        let gone: Vec<_> = self.kept.keys().filter(|id| gone(id)).cloned().collect();
        for plan in gone {
            self.withdraw(&plan).await;
        }
    }

    /// Before another process takes over.
    pub(in crate::background) async fn withdraw_all(&mut self) {
        for plan in self.kept.keys().cloned().collect::<Vec<_>>() {
            self.withdraw(&plan).await;
        }
    }

    async fn withdraw(&mut self, plan: &str) {
        let shown = self.kept.remove(plan).and_then(|kept| kept.shown);
        if let Some(id) = shown.and_then(|shown| shown.id) {
            self.notifications.withdraw(id).await;
        }
    }
}
