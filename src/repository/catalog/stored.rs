//! What exists at a date, and which backups say so: what has to be read to bring it back.

use std::ops::ControlFlow;

use super::query::{Entries, Row, State};
use super::record::{self, key};
use super::{Catalog, Outcome};
use crate::entry::{Attributes, EntryPath};

/// A path that exists at a date.
#[derive(Clone, PartialEq, Debug)]
pub(crate) struct Stored {
    pub(crate) path: EntryPath,
    /// Of the newest entry.
    pub(crate) attributes: Attributes,
    /// Of the backups whose entries make it up, oldest first.
    pub(crate) dates: Vec<i64>,
}

impl Catalog {
    /// Everything that exists at or below `top`, in path order.
    pub(crate) fn stored(
        &self,
        state: &State,
        top: &EntryPath,
        mut each: impl FnMut(Stored) -> ControlFlow<()>,
    ) -> Outcome<()> {
        let mut statement = self.range()?;
        let mut entries = Entries::of(&mut statement, state.chain, &[], top)?;
        let mut pending: Option<(Row, Vec<i64>)> = None;
        while let Some(row) = entries.next(&mut |at| state.dates.contains(&at))? {
            let earlier = match pending.take() {
                Some((earlier, dates)) if earlier.0 == row.0 => dates,
                Some((other, dates)) => {
                    if hand_over(other, dates, &mut each)?.is_break() {
                        return Ok(());
                    }
                    Vec::new()
                }
                None => Vec::new(),
            };
            // What was there before a deletion is no part of what came after it.
            let exists = row.2.attributes.is_some();
            let dates = if exists { [earlier, vec![row.1]].concat() } else { Vec::new() };
            pending = Some((row, dates));
        }
        if let Some((last, dates)) = pending {
            let _ = hand_over(last, dates, &mut each)?;
        }
        Ok(())
    }

    /// Of one path, if it exists then.
    pub(crate) fn attributes(&self, state: &State, path: &EntryPath) -> Outcome<Option<Attributes>> {
        Ok(self.records(state, &key(path))?.pop().and_then(|(_, record)| record.attributes))
    }
}

fn hand_over(
    (key, _, record): Row,
    dates: Vec<i64>,
    each: &mut impl FnMut(Stored) -> ControlFlow<()>,
) -> Outcome<ControlFlow<()>> {
    let Some(attributes) = record.attributes else { return Ok(ControlFlow::Continue(())) };
    Ok(each(Stored { path: record::path(&key)?, attributes, dates }))
}
