//! The disappearance guard: files that are suddenly gone are rather a drive that is not mounted than a wish, and
//! a backup that records them as deleted is worth little in the hour of need. So the run ends with a question.
//!
//! It must cost next to nothing while all is well. A few hundred of the files that the newest backup has below a
//! folder are looked for; only when most of these are gone, both sides are counted: they may have been moved.

use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::MetadataExt;
use std::path::Path;

use rustix::io::Errno;

use super::{BackupJob, Guarded};
use crate::context::{Context, ProblemKind};
use crate::entry::EntryPath;
use crate::error::{Error, Result, Shrunk};
use crate::repository::catalog::{Catalog, Outcome, State, Trouble};
use crate::repository::{Chain, Repository};
use crate::tree::measure::count_up_to;

/// A folder with fewer files than this may lose most of them without a question, but not all.
const FEW: u64 = 20;

/// `catalog`: knows the chain that is continued.
pub(super) fn check(
    job: &BackupJob,
    repository: &Repository,
    catalog: &Catalog,
    ctx: &Context,
) -> Result<()> {
    let Some(chain) = repository.newest_chain().filter(|_| !job.guard.is_empty()) else { return Ok(()) };
    // Where that chain cannot go on, it still tells what there was, if it is known already.
    let known = repository.catalog_if_known(&chain.sets);
    let catalog = known.as_ref().unwrap_or(catalog);
    match check_all(job, chain, catalog, ctx) {
        Ok(()) => return Ok(()),
        Err(Trouble::Run(error)) => return Err(error),
        // Removes what is damaged.
        Err(trouble) => drop(catalog.error(trouble)),
    }
    let Ok(anew) = repository.catalog(&chain.sets) else { return Ok(()) };
    check_all(job, chain, &anew, ctx).map_err(|trouble| anew.error(trouble))
}

fn check_all(job: &BackupJob, chain: &Chain, catalog: &Catalog, ctx: &Context) -> Outcome<()> {
    let state = State::of(chain, i64::MAX);
    for folder in &job.guard {
        let below = folder.path.strip_prefix(&job.source).ok();
        let below = below.and_then(|below| EntryPath::parse(below.as_os_str().as_bytes()).ok());
        if let Some(below) = below {
            check_folder(job, folder, &below, catalog, &state, ctx)?;
        }
    }
    Ok(())
}

fn check_folder(
    job: &BackupJob,
    folder: &Guarded,
    below: &EntryPath,
    catalog: &Catalog,
    state: &State,
    ctx: &Context,
) -> Outcome<()> {
    let sample = catalog.sample_files(state, below)?;
    let gone = sample.iter().filter(|path| is_gone(&path.below(&job.source))).count();
    let is_missing = is_gone(&folder.path);
    if gone * 2 <= sample.len() {
        if is_missing {
            // Nothing was ever saved of it, but somebody wishes it.
            ctx.problem(ProblemKind::Missing, &folder.path, Errno::NOENT);
        }
        return Ok(());
    }
    let before = catalog.count_files(state, below)?;
    let now = count_up_to(&folder.path, &job.selection, before, ctx).map_err(Error::from)?;
    let reason = if is_missing {
        Shrunk::Missing
    } else if folder.separate && is_on_device_of_parent(&folder.path) {
        Shrunk::OtherDevice
    } else if now == 0 {
        Shrunk::Empty
    } else if before >= FEW && now * 2 < before {
        Shrunk::MostGone
    } else {
        return Ok(());
    };
    Err(Trouble::Run(Error::SourceShrunk { folder: folder.path.clone(), before, now, reason }))
}

/// What cannot be looked at is not gone.
fn is_gone(path: &Path) -> bool {
    let facts = rustix::fs::lstat(path);
    matches!(facts, Err(Errno::NOENT | Errno::NOTDIR))
}

fn is_on_device_of_parent(folder: &Path) -> bool {
    let device = |path: &Path| path.metadata().map(|facts| facts.dev()).ok();
    let parent = folder.parent().and_then(device);
    parent.is_some() && parent == device(folder)
}
