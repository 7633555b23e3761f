//! What is told about a plan.

use crate::engine::asctime;
use crate::explain::shown;
use crate::ledger::{Ledger, RunOutcome, RunRecord};
use crate::settings::{PlaceError, PlaceKind, Plan, PlanKey, PlanKeys, Protection};

/// Name, id, place and last success, separated by tabs: for people and scripts.
pub(super) fn line(plan: &Plan, ledger: Option<&Ledger>) -> String {
    format!("{}\t{}\t{}\t{}", plan.name, plan.id, plan.place.label, last_backup(plan, ledger))
}

pub(super) fn all(plan: &Plan, ledger: Option<&Ledger>) -> String {
    let mut text = String::new();
    let mut say = |name: &str, value: &str| text.push_str(&format!("{name}: {value}\n"));
    say("Name", &plan.name);
    say("Id", &plan.id);
    say("Place", &place(plan));
    plan.folders.iter().for_each(|folder| say("Folder", &shown(&folder.path)));
    plan.ignored.iter().for_each(|path| say("Left out", &shown(path)));
    plan.patterns.iter().for_each(|pattern| say("Left out by name", pattern));
    plan.presets.iter().for_each(|preset| say("Left out by kind", &preset.to_string()));
    match &plan.protection {
        Protection::None => say("Encrypted", "no"),
        Protection::Password => say("Encrypted", "with a password"),
        Protection::Keys(PlanKeys { recipients, signer }) => {
            recipients.iter().for_each(|key| say("Encrypted for", &named(key)));
            signer.iter().for_each(|key| say("Signed by", &named(key)));
        }
    }
    plan.key_file.iter().for_each(|file| say("Secret keys", &shown(file)));
    say("Schedule", &plan.schedule.to_string());
    say("Last backup", &last_backup(plan, ledger));
    if let Some(last) = ledger.and_then(|ledger| ledger.last(&plan.id).ok().flatten()) {
        say("Last run", &ended(&last));
    }
    text
}

fn named(key: &PlanKey) -> String {
    format!("{} ({})", key.label, key.fingerprint)
}

fn place(plan: &Plan) -> String {
    let label = &plan.place.label;
    match (&plan.place.kind, plan.place.spec()) {
        (_, Ok(spec)) => match spec.folder() {
            Some(folder) => format!("{label} ({})", shown(folder)),
            None => label.clone(),
        },
        (PlaceKind::Drive { .. }, Err(PlaceError::NotConnected { .. })) => format!("{label} (not connected)"),
        (_, Err(_)) => format!("{label} (not usable)"),
    }
}

fn last_backup(plan: &Plan, ledger: Option<&Ledger>) -> String {
    let last = ledger.and_then(|ledger| ledger.last_success(&plan.id).ok().flatten());
    last.map_or("never".into(), |last| asctime(last.began))
}

fn ended(run: &RunRecord) -> String {
    let date = asctime(run.ended);
    match &run.outcome {
        RunOutcome::Completed { unchanged: true, .. } => format!("{date}, nothing had changed"),
        RunOutcome::Completed { problems: 0, .. } => format!("{date}, completed"),
        RunOutcome::Completed { problems, .. } => format!("{date}, completed with {problems} problem(s)"),
        RunOutcome::Stopped => format!("{date}, stopped"),
        RunOutcome::Failed { sentence, .. } => format!("{date}, failed: {sentence}"),
    }
}
