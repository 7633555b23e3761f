//! The content of one file as it was, or its beginning, to be looked at without restoring it.

use std::io;
use std::path::Path;
use std::sync::Arc;

use sha2::{Digest, Sha256};

use super::Place;
use super::assemble::{Failure, pour};
use super::dates::sets_at;
use super::states::{Failed, FileState, States, What};
use crate::context::Context;
use crate::entry::{Content, EntryPath};
use crate::error::{Error, Result};
use crate::repository::asctime;

#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Preview {
    pub bytes: Vec<u8>,
    /// These are all that the file had, and what was saved as far as that was recorded. Else they are its beginning,
    /// which nothing but the checksum of its volume vouches for.
    pub whole: bool,
}

/// At most `most` bytes of the file at `path` as of a date; seconds since 1970. Fetches the volumes that it is in.
///
/// # Errors
/// `PathNotFound` where no file was there, `Damaged` where it cannot be brought back, `Cancelled`.
pub fn preview(place: &Place, path: &EntryPath, date: i64, most: u64, ctx: &Context) -> Result<Preview> {
    let repository = place.open()?;
    let repository = Arc::new(repository);
    let sets = sets_at(&repository, Some(date), ctx)?;
    let time = sets.last().map_or(date, |set| set.id.at.0);
    let mut states = States::open(&repository, sets, path, ctx)?;
    while let Some(state) = states.next()? {
        ctx.check()?;
        if state.path != *path {
            continue;
        }
        return match state.what {
            What::File(mut file) => read(&mut states, &mut file, &place.cache, most, ctx),
            What::Lost(why) => Err(Error::damaged(format!("{path}: {why}"))),
            What::Object(_) => break,
        };
    }
    Err(Error::PathNotFound { path: path.clone(), date: asctime(time) })
}

/// `scratch`: a folder for temporary files.
fn read(
    states: &mut States,
    file: &mut FileState,
    scratch: &Path,
    most: u64,
    ctx: &Context,
) -> Result<Preview> {
    let most = usize::try_from(most).unwrap_or(usize::MAX);
    let (mut bytes, mut is_enough) = (Vec::new(), false);
    let poured = pour(states, file, scratch, &mut |piece| {
        ctx.check().map_err(io::Error::other)?;
        let wanted = piece.len().min(most - bytes.len());
        bytes.extend_from_slice(&piece[..wanted]);
        is_enough = wanted < piece.len();
        if is_enough { Err(io::ErrorKind::Other.into()) } else { Ok(()) }
    })?;
    ctx.check()?;
    match poured {
        Err(_) if is_enough => return Ok(Preview { bytes, whole: false }),
        Err(Failure::Lost(why) | Failure::Corrupt(why)) => return Err(Error::damaged(why)),
        Err(Failure::Write(error)) => return Err(Error::local(scratch)(error)),
        Ok(()) => {}
    }
    let content = Content { size: bytes.len() as u64, sha256: Sha256::digest(&bytes).into() };
    match file.expected().fault(&content) {
        None => Ok(Preview { bytes, whole: true }),
        Some(Failed::Lost(why) | Failed::Corrupt(why)) => Err(Error::damaged(why)),
    }
}
