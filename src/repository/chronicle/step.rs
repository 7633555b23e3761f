//! From one backup to the next: what the catalogue says of the later one, put into the chronicle.

use std::cmp::Ordering;

use super::walk::Walk;
use super::writer::{Before, Tally, Writer};
use super::{Chronicle, Row};
use crate::context::Context;
use crate::entry::EntryPath;
use crate::error::Error;
use crate::repository::catalog::query::{Entries, Newest};
use crate::repository::catalog::{Catalog, Outcome, State, Trouble};
use crate::repository::{BackupSet, Chain};

/// Paths between two looks at whether somebody wants to stop.
const OFTEN: u64 = 1024;

/// A backup that people can choose.
#[derive(Clone, Copy)]
pub(super) struct Step<'r> {
    pub(super) chain: &'r Chain,
    pub(super) set: &'r BackupSet,
    /// It builds on the step before: only what it says itself has to be looked at.
    pub(super) continues: bool,
}

impl Step<'_> {
    pub(super) fn at(&self) -> i64 {
        self.set.id.at.0
    }

    pub(super) fn chain_start(&self) -> i64 {
        self.chain.start().0
    }
}

/// A step that the catalogue is ready for.
pub(super) struct Addition<'r> {
    pub(super) step: Step<'r>,
    pub(super) extent: Extent,
    /// But for what it changed.
    pub(super) row: Row,
    /// Bytes of its volumes.
    pub(super) stored: u64,
}

/// How much of the catalogue is to be looked at.
pub(super) enum Extent {
    /// Nothing is known of the backup: as if nothing had changed.
    Nothing,
    /// What the increment says.
    Increment,
    /// All that there is, which is compared with all that there was.
    Whole(State),
}

impl Chronicle {
    /// All or none: what several backups changed in a folder is written once.
    pub(super) fn add(&mut self, catalog: &Catalog, additions: Vec<Addition>, ctx: &Context) -> Outcome<()> {
        let expected = self.backups.last().map(|row| row.at);
        let transaction = self.begin()?;
        let last: Option<i64> = transaction.query_row("SELECT max(at) FROM backups", [], |row| row.get(0))?;
        if last != expected {
            return Err(Trouble::Overtaken);
        }
        let mut rows = Vec::with_capacity(additions.len());
        for Addition { step, extent, mut row, stored } in additions {
            ctx.check().map_err(Error::from)?;
            let mut writer = Writer::new(&transaction, row.at);
            match &extent {
                Extent::Nothing => {}
                Extent::Increment => increment(&mut writer, catalog, step, ctx)?,
                Extent::Whole(state) => {
                    whole(&mut writer, Walk::new(&transaction)?, catalog, state, ctx)?;
                }
            }
            row.changed = changed(&writer.finish()?, matches!(extent, Extent::Whole(_)), stored);
            row.insert(&transaction)?;
            rows.push(row);
        }
        transaction.commit()?;
        self.backups.append(&mut rows);
        Ok(())
    }
}

/// Other programs record no sizes: what they stored stands for them, for a full in proportion.
fn changed(tally: &Tally, is_whole: bool, stored: u64) -> u64 {
    let Tally { bytes, unknown, files } = *tally;
    let guessed = match unknown {
        0 => 0,
        some if is_whole => (u128::from(stored) * u128::from(some) / u128::from(files.max(1))) as u64,
        _ => stored,
    };
    bytes + guessed
}

fn increment(writer: &mut Writer, catalog: &Catalog, step: Step, ctx: &Context) -> Outcome<()> {
    let mut seen = 0;
    catalog.increment(step.chain_start(), step.at(), |key, record| {
        check(&mut seen, ctx)?;
        writer.look_up_and_add(key, record.attributes.as_ref())
    })
}

fn whole(
    writer: &mut Writer,
    mut walk: Walk,
    catalog: &Catalog,
    state: &State,
    ctx: &Context,
) -> Outcome<()> {
    let mut statement = catalog.range()?;
    let mut newest = Newest::of(Entries::of(&mut statement, state.chain, &[], &EntryPath::root())?);
    let mut wanted = |at| state.dates.contains(&at);
    let (mut old, mut new) = (walk.next()?, newest.next(&mut wanted)?);
    let mut seen = 0;
    loop {
        check(&mut seen, ctx)?;
        let order = match (&old, &new) {
            (None, None) => return Ok(()),
            (Some(_), None) => Ordering::Less,
            (None, Some(_)) => Ordering::Greater,
            (Some((old, _)), Some((new, ..))) => old.cmp(new),
        };
        let known = if order.is_le() { old.take() } else { None };
        let found = if order.is_ge() { new.take() } else { None };
        let key = known.as_ref().map(|(key, _)| key).or(found.as_ref().map(|(key, ..)| key)).cloned();
        let before = known.map_or_else(Before::default, |(_, state)| Before { is_known: true, state });
        let after = found.and_then(|(.., record)| record.attributes);
        if let Some(key) = key.filter(|_| after.is_some() || before.state.is_some()) {
            writer.add(&key, before, after.as_ref())?;
        }
        if order.is_le() {
            old = walk.next()?;
        }
        if order.is_ge() {
            new = newest.next(&mut wanted)?;
        }
    }
}

fn check(seen: &mut u64, ctx: &Context) -> Outcome<()> {
    *seen += 1;
    if seen.is_multiple_of(OFTEN) {
        ctx.check().map_err(|stopped| Trouble::Run(Error::from(stopped)))?;
    }
    Ok(())
}
