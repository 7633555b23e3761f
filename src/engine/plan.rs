//! Full or incremental, at what time, on top of what: decided from what is there. Pure.

use super::{Mode, Renewal};
use crate::error::{Error, Result};
use crate::repository::{BackupSet, Chain, Manifest, Repository, SetId, SetTime, asctime};

/// Why a new chain is begun although there is one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Decision {
    /// On top of the newest chain.
    Continue,
    Begin {
        why: Option<String>,
    },
}

/// The mode after a look at how old and long the newest chain is, and what there is to say about it.
pub(super) fn renewed(mode: Mode, renewal: Renewal, chains: &[Chain]) -> (Mode, Option<&'static str>) {
    let Some(newest) = chains.last().filter(|_| mode != Mode::Full) else {
        // To be renewed where there is nothing is to begin.
        return (if renewal.older_than.is_some() { Mode::Full } else { mode }, None);
    };
    let last_full = chains.iter().map(Chain::start).max();
    let is_long = |most| newest.incrementals().len() as u64 >= most;
    if renewal.older_than.is_some_and(|time| last_full < Some(SetTime(time))) {
        (Mode::Full, Some("Last full backup is too old, forcing full backup"))
    } else if renewal.increments.is_some_and(is_long) {
        (Mode::Full, Some("Latest chain has too many incrementals, forcing full backup"))
    } else {
        (mode, None)
    }
}

/// `manifests`: those of the newest chain's sets, in their order. `alike`: they are sealed as the new set will be.
pub(super) fn decide(
    mode: Mode,
    chain: Option<&Chain>,
    manifests: &[Manifest],
    alike: bool,
) -> Result<Decision> {
    let cannot = match chain {
        _ if mode == Mode::Full => return Ok(Decision::Begin { why: None }),
        None => None,
        Some(chain) => match chain.sets.iter().zip(manifests).find_map(|(set, m)| defect(set, m)) {
            None if alike => return Ok(Decision::Continue),
            None => Some("the newest backups are not sealed in the same way".to_string()),
            why => why,
        },
    };
    match mode {
        Mode::Incremental => Err(Error::NothingToContinue),
        _ => Ok(Decision::Begin { why: cannot }),
    }
}

/// What keeps a set from being built on.
fn defect(set: &BackupSet, manifest: &Manifest) -> Option<String> {
    if set.signatures.is_none() {
        return Some(format!("the backup of {} has no signatures", asctime(set.id.at.0)));
    }
    let missing = Repository::missing_volumes(set, manifest);
    missing
        .first()
        .map(|number| format!("volume {number} of the backup of {} is missing", asctime(set.id.at.0)))
}

/// The new set's identity. Its time is later than that of any set at the place, whatever the clock says.
pub(super) fn identify(
    decision: &Decision,
    chain: Option<&Chain>,
    newest: Option<SetTime>,
    now: i64,
) -> SetId {
    let at = match newest {
        Some(newest) if now <= newest.0 => SetTime(newest.0 + 1),
        _ => SetTime(now),
    };
    let from = match (decision, chain) {
        (Decision::Continue, Some(chain)) => Some(chain.end()),
        _ => None,
    };
    SetId { from, at }
}
