//! What lies at the place, from file names alone.

use super::StatusJob;
use crate::context::Context;
use crate::error::Result;
use crate::repository::{BackupSet, Chain, SignatureState};

#[derive(Clone, Debug, Default, PartialEq)]
pub struct CollectionStatus {
    /// The place, as people know it.
    pub place: String,
    /// Oldest first.
    pub chains: Vec<ChainStatus>,
    /// Sets whose predecessor is gone.
    pub orphaned: Vec<SetStatus>,
    /// Sets without manifest: interrupted or damaged, never read.
    pub incomplete: Vec<SetStatus>,
    pub signatures: SignatureState,
}

#[derive(Clone, Debug, PartialEq)]
pub struct ChainStatus {
    /// The full first.
    pub sets: Vec<SetStatus>,
    /// Every set has its signatures: the chain can go on.
    pub has_signatures: bool,
}

#[derive(Clone, Debug, PartialEq)]
pub struct SetStatus {
    pub full: bool,
    /// Seconds since 1970.
    pub time: i64,
    pub volumes: usize,
    pub encrypted: bool,
}

pub(super) fn run(job: StatusJob, _ctx: &Context) -> Result<CollectionStatus> {
    let place = job.place;
    let repository = place.open()?;
    let collection = &repository.collection;
    Ok(CollectionStatus {
        place: place.destination.describe(),
        chains: collection.chains.iter().map(chain_status).collect(),
        orphaned: collection.orphaned.iter().map(set_status).collect(),
        incomplete: collection.incomplete.iter().map(set_status).collect(),
        signatures: collection.signatures(),
    })
}

fn chain_status(chain: &Chain) -> ChainStatus {
    let has_signatures = chain.sets.iter().all(|set| set.signatures.is_some());
    ChainStatus { sets: chain.sets.iter().map(set_status).collect(), has_signatures }
}

fn set_status(set: &BackupSet) -> SetStatus {
    SetStatus {
        full: set.id.is_full(),
        time: set.id.at.0,
        volumes: set.volumes.len(),
        encrypted: set.sealing.is_encrypted(),
    }
}
