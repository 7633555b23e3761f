//! From a plan to a job of the engine: what the app, the background and the command line have in common.

mod gnupg;

use std::path::{Path, PathBuf};
use std::sync::Arc;

use crate::context::Why;
use crate::destination::{Login, Spec};
use crate::engine::undo::{self, Recorded};
use crate::engine::{
    BackupJob, BackupReport, BringBackJob, EraseJob, GnupgSetup, Guarded, Mode, Ownership, Place, Prefixes,
    Renewal, Report, VerifyJob, Wish,
};
use crate::entry::EntryPath;
use crate::error::{Error, Result};
use crate::explain::explain;
use crate::folders;
use crate::ledger::RunOutcome;
use crate::secret::Passphrases;
use crate::settings::Plan;
use crate::worker::Outcome;
pub use gnupg::{dialogue, usable_keys};

/// How to reach a plan's place today.
pub struct Access {
    pub spec: Spec,
    pub login: Login,
    pub passphrases: Passphrases,
    pub gnupg: GnupgSetup,
}

/// What somebody said to the questions that a run ended with; all `false` for a run of its own accord.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Answers {
    /// This computer continues the backups of another one.
    pub allow_source_mismatch: bool,
    /// Files that are gone from a folder were meant to go.
    pub accept_missing: bool,
}

/// `caches`: `$XDG_CACHE_HOME`. Signatures are not demanded: earlier backups may have none.
pub fn engine_place(plan: &Plan, access: &Access, caches: &Path) -> Result<Place> {
    let address = access.spec.normalised();
    Ok(Place {
        destination: Arc::from(access.spec.connect(access.login.clone())),
        passphrase: access.passphrases.today.clone(),
        keys: gnupg::keys(plan, access),
        cache: plan.cache(caches),
        address: address.map_err(|source| Error::Local { path: PathBuf::from("."), source })?,
        prefixes: Prefixes::default(),
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
    let mut place = engine_place(plan, access, caches)?;
    place.keys.signer = gnupg::signer(plan);
    Ok(BackupJob {
        place,
        place_id: plan.place.marker.clone(),
        source: PathBuf::from("/"),
        selection: Arc::new(plan.selection(home, &left_out(access, caches))?),
        mode: Mode::Auto,
        encrypt: plan.protection.encrypts(),
        volume_size: None,
        allow_source_mismatch: answers.allow_source_mismatch,
        count_first: true,
        skip_unchanged: true,
        guard: match answers.accept_missing {
            true => Vec::new(),
            false => plan.folders.iter().map(guarded).collect(),
        },
        renewal: Renewal::default(),
        dry_run: false,
        statistics: false,
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

/// `undo`: see [`undo_record`].
pub fn restore(
    plan: &Plan,
    access: &Access,
    caches: &Path,
    wish: Wish,
    undo: Option<PathBuf>,
) -> Result<BringBackJob> {
    let place = engine_place(plan, access, caches)?;
    Ok(BringBackJob { place, wish, ownership: Ownership::default(), undo })
}

/// A name for the record of a restore in `folder`, which is made; those of long ago go. `None`: nothing can be kept
/// there, and so nothing undone.
///
/// `now`: seconds since 1970.
pub fn undo_record(folder: &Path, now: i64) -> Option<PathBuf> {
    /// Restores that can be undone.
    const KEPT: usize = 10;
    std::fs::create_dir_all(folder).ok()?;
    for old in undo_records(folder).iter().skip(KEPT - 1) {
        let _ = std::fs::remove_file(old);
    }
    let named = |number: u32| folder.join(format!("{now:012}-{number:03}.undo"));
    (0..1000).map(named).find(|path| !path.exists())
}

/// Newest first.
fn undo_records(folder: &Path) -> Vec<PathBuf> {
    let files = std::fs::read_dir(folder).into_iter().flatten().flatten().map(|entry| entry.path());
    let mut records: Vec<_> = files.filter(|path| path.extension() == Some("undo".as_ref())).collect();
    records.sort();
    records.reverse();
    records
}

/// A restore that can be undone.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct PastRestore {
    pub record: PathBuf,
    /// When it began, in seconds since 1970.
    pub began: i64,
    pub recorded: Recorded,
}

/// The newest of the last days that is not undone. `folder`: that of [`undo_record`].
pub fn last_restore(folder: &Path, now: i64) -> Option<PastRestore> {
    /// What came back longer ago has been worked with.
    const OFFERED: i64 = 7 * 24 * 60 * 60;
    let past = |record: PathBuf| {
        let began = record.file_name()?.to_str()?.split('-').next()?.parse().ok()?;
        let is_recent = began > now - OFFERED;
        let recorded = if is_recent { undo::recorded(&record) } else { None };
        Some(PastRestore { record, began, recorded: recorded? })
    };
    undo_records(folder).into_iter().find_map(past)
}

pub fn erase(plan: &Plan, access: &Access, caches: &Path) -> Result<EraseJob> {
    Ok(EraseJob { place: engine_place(plan, access, caches)?, place_id: plan.place.marker.clone() })
}

/// What a backup must not swallow, as it changes while the backup runs: the place, the caches with the copies that were
/// opened, the ledger.
fn left_out(access: &Access, caches: &Path) -> Vec<PathBuf> {
    let place = access.spec.folder().map(Path::to_path_buf);
    let ours = ["duplicity", "hindsight"].map(|name| Some(caches.join(name)));
    [place, folders::state()].into_iter().chain(ours).flatten().collect()
}

/// What the ledger keeps of a backup's end.
pub fn run_outcome(outcome: &Outcome) -> RunOutcome {
    match outcome {
        Outcome::Completed(Report::Backup(report)) => completed(report),
        Outcome::Completed(_) => completed(&BackupReport::default()),
        Outcome::Cancelled(Why::User) => RunOutcome::Stopped,
        Outcome::Cancelled(Why::OnBattery | Why::Metered | Why::Quitting) => RunOutcome::Paused,
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
