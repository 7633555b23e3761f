//! The next start after a death: what had been stored is finished as a valid smaller set.
//!
//! A group counts when all its volumes are at the place with exactly the recorded bytes, published or
//! still under their staged names. The first group that does not count ends the set.

use std::io::Read;

use super::Repository;
use super::cache::sha256_of;
use super::journal::{Group, Header, Journal, Volume};
use super::seal::Sealing;
use super::writer::SetWriter;
use crate::context::{Context, Level};
use crate::crypto::{Ciphertext, protection_of};
use crate::destination::DestinationError;
use crate::duplicity::name::Part;
use crate::error::{Error, Result, opening};

/// What became of a set that a dead run had begun.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Recovered {
    /// There was none.
    Nothing,
    /// It had stored nothing that could stand for itself.
    Discarded,
    /// Seconds since 1970 of the set that now stands.
    Closed(i64),
}

/// Closes the set that the journal speaks of. The repository is listed anew afterwards.
pub(crate) fn recover(repository: &mut Repository, ctx: &Context) -> Result<Recovered> {
    let Some((journal, groups)) = Journal::left_behind(repository.cache.folder())? else {
        return Ok(Recovered::Nothing);
    };
    let header = journal.header.clone();
    let manifest = repository.name_of(header.set(), Part::Manifest, manifest_sealing(&header));
    if repository.size_of(&manifest).is_some() {
        // Died after the commit: only the cache was not warmed.
        journal.discard()?;
        return Ok(Recovered::Closed(header.at));
    }
    let whole = match continues(repository, &header) && is_protected_alike(repository, &header, &groups)? {
        true => count_whole_groups(repository, &header, &groups, ctx)?,
        false => 0,
    };
    let (kept, dropped) = groups.split_at(whole);
    for volume in dropped.iter().flat_map(|group| &group.volumes) {
        repository.destination.delete(&volume.staged)?;
        repository.destination.delete(&volume_name(repository, &header, volume))?;
    }
    delete_unlisted(repository, &header, kept)?;
    let outcome = if kept.iter().all(|group| group.volumes.is_empty()) {
        journal.discard()?;
        Recovered::Discarded
    } else {
        let sealing = sealing(repository, &header, kept)?;
        SetWriter::resume(repository, sealing, journal, kept)?.finish(false)?;
        ctx.say(
            Level::Notice,
            format_args!(
                "The backup of {} had been cut off. What it had saved is now complete.",
                header.set().at
            ),
        );
        Recovered::Closed(header.at)
    };
    repository.reload()?;
    Ok(outcome)
}

/// Somebody else may have continued the chain since. Two increments on one base make one of them, and all
/// that follows it, unusable.
fn continues(repository: &Repository, header: &Header) -> bool {
    let end = repository.newest_chain().map(|chain| chain.end().0);
    header.from.is_none() || header.from == end
}

/// Files of one set must not need different keys.
fn is_protected_alike(repository: &Repository, header: &Header, groups: &[Group]) -> Result<bool> {
    let Some(first) = groups.iter().flat_map(|group| &group.volumes).next().filter(|_| header.encrypted)
    else {
        return Ok(true);
    };
    let names = [volume_name(repository, header, first), first.staged.clone()];
    match names.iter().find(|name| repository.size_of(name).is_some()) {
        Some(name) => repository.is_protected_alike(name, repository.destination.open(name)?),
        None => Ok(true), // what is not there is not used
    }
}

/// Volumes of the set whose lines in the journal were damaged: with them it would look like one whose
/// manifest was cut off.
fn delete_unlisted(repository: &Repository, header: &Header, kept: &[Group]) -> Result<()> {
    let last = kept.iter().flat_map(|group| &group.volumes).map(|volume| volume.number).max();
    let begun = repository.collection.incomplete.iter().filter(|set| set.id == header.set());
    for (number, name) in begun.flat_map(|set| &set.volumes) {
        if Some(*number) > last {
            repository.destination.delete(name)?;
        }
    }
    Ok(())
}

fn manifest_sealing(header: &Header) -> crate::duplicity::name::Sealing {
    use crate::duplicity::name::Sealing;
    if header.encrypted { Sealing::OpenPgp } else { Sealing::Plain }
}

fn volume_name(repository: &Repository, header: &Header, volume: &Volume) -> String {
    repository.name_of(header.set(), Part::Volume(volume.number), header.sealing())
}

fn count_whole_groups(
    repository: &Repository,
    header: &Header,
    groups: &[Group],
    ctx: &Context,
) -> Result<usize> {
    for (index, group) in groups.iter().enumerate() {
        for volume in &group.volumes {
            ctx.check()?;
            if !make_visible(repository, header, volume)? {
                return Ok(index);
            }
        }
    }
    Ok(groups.len())
}

/// Whether the volume is at the place under its own name, publishing it now if it was only staged.
fn make_visible(repository: &Repository, header: &Header, volume: &Volume) -> Result<bool> {
    let name = volume_name(repository, header, volume);
    if repository.size_of(&name).is_some() {
        return holds(repository, &name, volume);
    }
    if repository.size_of(&volume.staged).is_none() || !holds(repository, &volume.staged, volume)? {
        return Ok(false);
    }
    repository.destination.adopt(&volume.staged, &name)?;
    Ok(true)
}

fn holds(repository: &Repository, name: &str, volume: &Volume) -> Result<bool> {
    if repository.size_of(name) != Some(volume.size) {
        return Ok(false);
    }
    match sha256_of(repository.destination.open(name)?) {
        Ok(found) => Ok(found == volume.sha256),
        Err(error) => {
            let error = DestinationError::from_io(name, error);
            // What cannot be read now may well be whole.
            if error.temporary { Err(error.into()) } else { Ok(false) }
        }
    }
}

/// The sealing of what is stored, the passphrase proved against its first volume.
fn sealing(repository: &Repository, header: &Header, kept: &[Group]) -> Result<Sealing> {
    if !header.encrypted {
        return Ok(Sealing::Gzip);
    }
    let Some(first) = kept.iter().flat_map(|group| &group.volumes).next() else {
        return Err(Error::Internal("no volume to prove the passphrase with".into()));
    };
    let name = volume_name(repository, header, first);
    let protection =
        protection_of(repository.destination.open(&name)?).map_err(|error| opening(&name, error))?;
    if !protection.is_for_keys() {
        let mut start = [0; 512];
        let stored = repository.destination.open(&name)?;
        let mut message = repository.unseal(&name, stored, Ciphertext::Unproven)?;
        message.read_exact(&mut start).map_err(|e| Error::damaged(format!("{name}: {e}")))?;
    }
    repository.sealing_with(protection.salt())
}
