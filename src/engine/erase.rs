//! All backups of a place are deleted, and what this computer remembers of them.
//!
//! The newest first, each beginning with its manifest: whenever this is stopped, the backups that are left are
//! whole. What is not ours at the place stays.

use std::fs;
use std::io;

use super::access::{Local, check_place, lease_error};
use super::{EraseJob, EraseReport};
use crate::context::{Context, Phase, Progress};
use crate::destination::MARKER_NAME;
use crate::error::{Error, Result};

pub(super) fn run(job: EraseJob, ctx: &Context) -> Result<EraseReport> {
    let EraseJob { place, place_id } = job;
    let local = Local::acquire(&place)?;
    check_place(&place, place_id.as_deref())?;
    let lease = local.lease(&place, ctx).map_err(lease_error)?;
    let destination = &place.destination;
    let repository = place.open_to_continue()?;
    let mut report = EraseReport { backups: repository.sets().count() as u64, bytes: 0 };
    let files = repository.files_newest_first();
    let total = files.iter().map(|file| file.size).sum();
    for (number, file) in files.iter().enumerate() {
        ctx.check()?;
        destination.delete(&file.name)?;
        report.bytes += file.size;
        ctx.monitor.progress(Progress {
            phase: Phase::CleaningUp,
            bytes_done: report.bytes,
            bytes_total: Some(total),
            files: number as u64 + 1,
            current: None,
        });
    }
    destination.delete(MARKER_NAME)?;
    drop(lease);
    match fs::remove_dir_all(&place.cache) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(Error::local(&place.cache)(error)),
        _ => Ok(report),
    }
}
