//! How a run ends: written down, said, or with a question that leads on.

use std::path::PathBuf;

use hindsight::engine::{Report, RestoreReport, To};
use hindsight::error::Error;
use hindsight::explain::explain;
use hindsight::jobs::run_outcome;
use hindsight::ledger::RunOutcome;
use hindsight::worker::Outcome;

use super::{Activity, AppState, Effect, Lane, Question, Restore, Restored, Stage, What};
use crate::ui::restore_plan::words;
use crate::ui::texts;

impl AppState {
    pub(super) fn finished(&mut self, lane: Lane, outcome: Outcome) -> Vec<Effect> {
        let Some(activity) = self.lanes[lane].activity.take() else { return Vec::new() };
        let mut effects = Vec::new();
        if matches!(activity.request.what, What::BackUp | What::Verify { .. }) {
            let plan = activity.request.plan.clone();
            effects.push(Effect::Record { plan: plan.clone(), outcome: recorded(&outcome) });
            self.problems.insert(plan, activity.problems.clone());
        }
        if let (What::Restore(restore), Outcome::Cancelled(_) | Outcome::Failed(_)) =
            (&activity.request.what, &outcome)
        {
            effects.push(Effect::RestoreCutOff { folder: folder_of(restore) });
        }
        match outcome {
            Outcome::Completed(report) => effects.extend(completed(activity, &report)),
            // What was stored so far stays; the title of the page says so.
            Outcome::Cancelled(_) => {}
            Outcome::Failed(error) => effects.extend(self.failed(lane, activity, &error)),
        }
        if self.activity(lane).is_none() {
            effects.extend(self.end(lane));
        }
        effects
    }

    /// Some failures are questions: the request stays until they are answered.
    fn failed(&mut self, lane: Lane, activity: Activity, error: &Error) -> Vec<Effect> {
        let request = activity.request.clone();
        if request.by_itself {
            // The overview says it.
            return Vec::new();
        }
        let explanation = explain(error);
        let question = match error {
            Error::PassphraseNeeded | Error::PassphraseWrong => {
                let wrong = matches!(error, Error::PassphraseWrong) && self.password(&request.plan).is_some();
                self.doubt_password(&request.plan);
                Question::Password { plan: request.plan, wrong }
            }
            Error::SourceShrunk { .. } => Question::MissingFiles(explanation),
            Error::HostChanged { .. } | Error::SourceChanged { .. } => Question::SourceMismatch(explanation),
            _ => {
                let details = texts::details(error);
                return vec![Effect::ShowError { explanation, details, retry: Some(request) }];
            }
        };
        self.lanes[lane].activity = Some(Activity { stage: Stage::Preparing, ..activity });
        self.ask(lane, question)
    }
}

/// A check counts what it read back as its files, and what is not as it was as its problems.
fn recorded(outcome: &Outcome) -> RunOutcome {
    match outcome {
        Outcome::Completed(Report::Verify(report)) => RunOutcome::Completed {
            stored_bytes: 0,
            files: report.compared,
            problems: report.lost + report.differences,
            unchanged: true,
        },
        other => run_outcome(other),
    }
}

/// What is said of a run that came to its end. A backup's problems are a row of the overview.
fn completed(activity: Activity, report: &Report) -> Vec<Effect> {
    let Activity { request, problems, .. } = activity;
    let problems = (problems.total > 0).then_some(Effect::ShowProblems(problems));
    match (request.what, report) {
        (What::BackUp, Report::Backup(report)) => vec![Effect::Toast(texts::backed_up(report))],
        (What::Verify { .. }, Report::Verify(report)) => {
            [Effect::Toast(texts::verified(report))].into_iter().chain(problems).collect()
        }
        (What::Restore(restore), Report::Restore(report)) => {
            [Effect::Restored(restored(&restore, report))].into_iter().chain(problems).collect()
        }
        (What::Erase, _) => vec![Effect::Forget { plan: request.plan }],
        _ => Vec::new(),
    }
}

/// One thing is named, several are counted.
fn restored(restore: &Restore, report: &RestoreReport) -> Restored {
    let name = match &restore.places()[..] {
        [only] => only.file_name().map(|name| name.to_string_lossy().into_owned()),
        _ => None,
    };
    let text = words::restored(name.as_deref(), &report.counts);
    Restored { text, folder: folder_of(restore), undo: report.undo.clone() }
}

/// Where what is restored lies, or the first of it.
fn folder_of(restore: &Restore) -> Option<PathBuf> {
    match &restore.to {
        To::Folder(folder) => Some(folder.clone()),
        To::Original { .. } => Some(restore.places().first()?.parent()?.to_path_buf()),
    }
}
