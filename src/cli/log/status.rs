//! What backups there are, in lines of data.

use std::fmt::Write;
use std::path::Path;

use chrono::DateTime;

use super::{Keyword, Log};
use crate::engine::{ChainStatus, CollectionStatus};
use crate::explain::shown;

impl Log {
    /// `always`: it is what was asked for. `text`: the same for people.
    pub(in crate::cli) fn status(&self, status: &CollectionStatus, cache: &Path, text: &str, always: bool) {
        let head = format!("3 \n{}", data(status, cache).trim_end());
        match always {
            true => self.write_always(Keyword::Info, head, text),
            false => self.write(Keyword::Info, head, text),
        }
    }

    /// What front ends clean up after.
    pub(in crate::cli) fn leftovers(&self, status: &CollectionStatus) {
        let say = |code: u8, text: &str| self.write(Keyword::Warning, code, text);
        if status.signatures.orphaned > 0 {
            say(2, "There are signatures that continue signatures which are gone.");
        }
        if status.signatures.unmatched {
            say(4, "There are signatures without their backups.");
        }
        if !status.incomplete.is_empty() {
            say(5, "There are incomplete backups.");
        }
        if !status.orphaned.is_empty() {
            say(6, "There are backups that continue backups which are gone.");
        }
    }

    /// If a list is asked for of a time from before all signatures, it will be that of the first.
    pub(in crate::cli) fn before_first(&self, status: &CollectionStatus, asked: i64) {
        let starts = status.chains.iter().filter_map(|chain| chain.sets.first()).map(|set| set.time);
        if let Some(first) = starts.min().filter(|first| asked < *first) {
            let head = format!("11 {}", time(first));
            self.write(Keyword::Warning, head, "There are no signatures that old. The first ones are used.");
        }
    }
}

fn data(status: &CollectionStatus, cache: &Path) -> String {
    let place = shown(Path::new(&status.place));
    let mut data = format!("backend {place}\narchive-dir {}\n", shown(cache));
    // The newest chain that can go on is the primary one.
    let primary = status.chains.last().filter(|chain| chain.has_signatures);
    let secondary = status.chains.len() - usize::from(primary.is_some());
    for (number, chain) in status.chains.iter().take(secondary).enumerate() {
        let _ = writeln!(data, "chain-no-sig {number}");
        push_sets(&mut data, chain);
    }
    if let Some(chain) = primary {
        data += "chain-complete\n";
        push_sets(&mut data, chain);
    }
    let (orphaned, incomplete) = (status.orphaned.len(), status.incomplete.len());
    data + &format!("orphaned-sets-num {orphaned}\nincomplete-sets-num {incomplete}\n")
}

fn push_sets(data: &mut String, chain: &ChainStatus) {
    for set in &chain.sets {
        let kind = if set.full { "full" } else { "inc" };
        let sealed = if set.encrypted { "enc" } else { "noenc" };
        let _ = writeln!(data, " {kind} {} {} {sealed}", time(set.time), set.volumes);
    }
}

/// `20200913T122640Z`. `seconds`: since 1970.
pub(super) fn time(seconds: i64) -> String {
    let date = DateTime::from_timestamp(seconds, 0).unwrap_or_default();
    date.format("%Y%m%dT%H%M%SZ").to_string()
}
