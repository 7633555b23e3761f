//! The counts of a backup as the JSON that duplicity stores beside it for `--jsonstat`.

use serde::Serialize;
use serde_json::ser::{PrettyFormatter, Serializer};

use super::BackupJob;
use super::backup::seconds_now;
use super::compare::Seen;
use super::produce::Counts;
use crate::error::{Error, Result};
use crate::repository::{BackupSet, SetId, SetTime};

/// What is known before the first file is looked at.
pub(super) struct Meta {
    started: f64,
    backup: Backup,
}

impl Meta {
    /// `continued`: the sets that the new one builds on.
    pub(super) fn new(job: &BackupJob, continued: &[BackupSet], set: SetId, started: f64) -> Self {
        let full = continued.first().map_or(set.at, |full| full.id.at);
        let stored: Vec<_> = continued.iter().filter_map(|set| set.statistics.clone()).collect();
        let backup = Backup {
            action: if set.is_full() { "full" } else { "inc" },
            skipped_inc: false,
            time_full_bkp: full.0,
            time_full_bkp_str: full.to_string(),
            no_of_inc: continued.len().saturating_sub(1),
            concurrency: 0,
            target: job.place.destination.describe(),
            source: job.source.to_string_lossy().into_owned(),
            local_json_stat: if stored.is_empty() { vec!["N/A".into()] } else { stored },
        };
        Self { started, backup }
    }

    pub(super) fn text(&self, seen: &Seen, counts: &Counts, unchanged: bool) -> Result<String> {
        let (started, ended) = (self.started, seconds_now());
        let time = |seconds: f64| SetTime(seconds as i64).to_string();
        let record = Record {
            filename: None,
            start_time: started,
            end_time: ended,
            elapsed_time: ended - started,
            errors: counts.problems + seen.unreadable,
            total_destination_size_change: None,
            source_files: seen.entries,
            source_file_size: seen.bytes,
            new_files: counts.new_files,
            new_file_size: counts.new_bytes,
            deleted_files: counts.deleted_files,
            changed_files: counts.changed_files,
            changed_file_size: counts.changed_bytes,
            changed_delta_size: 0,
            delta_entries: counts.delta_entries,
            raw_delta_size: counts.delta_bytes,
            start: time(started),
            end: time(ended),
            backup_meta: Backup { skipped_inc: unchanged, ..self.backup.clone() },
        };
        let mut text = Vec::new();
        let mut serializer = Serializer::with_formatter(&mut text, PrettyFormatter::with_indent(b"    "));
        record.serialize(&mut serializer).map_err(|error| Error::Internal(error.to_string()))?;
        Ok(String::from_utf8_lossy(&text).into_owned())
    }
}

/// Names, order and values that say nothing are duplicity's.
#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct Record {
    filename: Option<()>,
    start_time: f64,
    end_time: f64,
    elapsed_time: f64,
    errors: u64,
    total_destination_size_change: Option<u64>,
    source_files: u64,
    source_file_size: u64,
    new_files: u64,
    new_file_size: u64,
    deleted_files: u64,
    changed_files: u64,
    changed_file_size: u64,
    changed_delta_size: u64,
    delta_entries: u64,
    raw_delta_size: u64,
    #[serde(rename = "StartTime_str")]
    start: String,
    #[serde(rename = "EndTime_str")]
    end: String,
    #[serde(rename = "backup_meta")]
    backup_meta: Backup,
}

#[derive(Serialize, Clone)]
struct Backup {
    action: &'static str,
    skipped_inc: bool,
    time_full_bkp: i64,
    time_full_bkp_str: String,
    /// Of the chain before this backup.
    no_of_inc: usize,
    concurrency: u32,
    target: String,
    source: String,
    local_json_stat: Vec<String>,
}
