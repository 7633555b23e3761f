//! From a plan to a job of the engine: what the app, the background and the command line have in common.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use crate::destination::Spec;
use crate::engine::{
    BackupJob, BackupReport, EraseJob, Guarded, Mode, Ownership, Place, Report, RestoreJob, VerifyJob,
};
use crate::entry::EntryPath;
use crate::error::{Error, Result};
use crate::explain::explain;
use crate::folders;
use crate::ledger::RunOutcome;
use crate::secret::Passphrase;
use crate::settings::Plan;
use crate::worker::Outcome;

/// How to reach a plan's place today.
pub struct Access {
    pub spec: Spec,
    pub passphrase: Option<Passphrase>,
}

/// What somebody said to the questions that a run ended with; all `false` for a run of its own accord.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Answers {
    /// This computer continues the backups of another one.
    pub allow_source_mismatch: bool,
    /// Files that are gone from a folder were meant to go.
    pub accept_missing: bool,
}

/// `caches`: `$XDG_CACHE_HOME`.
pub fn engine_place(plan: &Plan, access: &Access, caches: &Path) -> Result<Place> {
    let address = access.spec.normalised();
    Ok(Place {
        destination: Arc::from(access.spec.connect()),
        passphrase: access.passphrase.clone(),
        cache: plan.cache(caches),
        address: address.map_err(|source| Error::Local { path: PathBuf::from("."), source })?,
    })
}

pub fn backup(
    plan: &Plan,
    access: &Access,
    home: &Path,
    caches: &Path,
    answers: Answers,
) -> Result<BackupJob> {
    let guarded =
        |folder: &crate::settings::Folder| Guarded { path: folder.path.clone(), separate: folder.separate };
    Ok(BackupJob {
        place: engine_place(plan, access, caches)?,
        place_id: plan.place.marker.clone(),
        source: PathBuf::from("/"),
        selection: Arc::new(plan.selection(home, &left_out(access, caches))?),
        mode: Mode::Auto,
        encrypt: plan.encrypt,
        volume_size: None,
        allow_source_mismatch: answers.allow_source_mismatch,
        count_first: true,
        skip_unchanged: true,
        guard: match answers.accept_missing {
            true => Vec::new(),
            false => plan.folders.iter().map(guarded).collect(),
        },
    })
}

/// Everything that is stored; with `compare_data` also against the files of today.
pub fn verify(
    plan: &Plan,
    access: &Access,
    home: &Path,
    caches: &Path,
    compare_data: bool,
) -> Result<VerifyJob> {
    Ok(VerifyJob {
        place: engine_place(plan, access, caches)?,
        local: PathBuf::from("/"),
        path: EntryPath::root(),
        time: None,
        selection: Arc::new(plan.selection(home, &left_out(access, caches))?),
        compare_data,
    })
}

/// `path`: as in the backups, relative to `/`. `time`: seconds since 1970, `None` for the newest.
pub fn restore(
    plan: &Plan,
    access: &Access,
    caches: &Path,
    path: EntryPath,
    time: Option<i64>,
    target: PathBuf,
) -> Result<RestoreJob> {
    let place = engine_place(plan, access, caches)?;
    Ok(RestoreJob { place, target, path, time, force: false, ownership: Ownership::default() })
}

pub fn erase(plan: &Plan, access: &Access, caches: &Path) -> Result<EraseJob> {
    Ok(EraseJob { place: engine_place(plan, access, caches)?, place_id: plan.place.marker.clone() })
}

/// What a backup must not swallow, as it changes while the backup runs: the place, the caches, the ledger.
fn left_out(access: &Access, caches: &Path) -> Vec<PathBuf> {
    let place = access.spec.folder().map(Path::to_path_buf);
    [place, Some(caches.join("duplicity")), folders::state()].into_iter().flatten().collect()
}

/// What the ledger keeps of a backup's end.
pub fn run_outcome(outcome: &Outcome) -> RunOutcome {
    match outcome {
        Outcome::Completed(Report::Backup(report)) => completed(report),
        Outcome::Completed(_) => completed(&BackupReport::default()),
        Outcome::Cancelled(_) => RunOutcome::Stopped,
        Outcome::Failed(error) => failed(error),
    }
}

fn completed(report: &BackupReport) -> RunOutcome {
    let BackupReport { stored_bytes, source_files: files, problems, unchanged, .. } = *report;
    RunOutcome::Completed { stored_bytes, files, problems, unchanged }
}

fn failed(error: &Error) -> RunOutcome {
    let explanation = explain(error);
    RunOutcome::Failed { title: explanation.title, sentence: explanation.sentence }
}
