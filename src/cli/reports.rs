//! What a finished job prints on stdout, in the forms that duplicity's users and their scripts know.

use std::io::{self, BufWriter, Write};
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};

use super::log::{Keyword, Log};
use super::terminal::{out, stamp};
use super::{Run, collection, upkeep};
use crate::engine::{BackupReport, EachEntry, EachFound, Report, RestoreReport, VerifyReport, asctime};
use crate::entry::EntryPath;
use crate::explain::shown;

pub(super) fn show(report: &Report, cache: &Path, run: &Run) {
    if let Report::Backup(BackupReport { json: Some(json), .. }) = report {
        run.notice(json);
    }
    match report {
        Report::Backup(report) if report.unchanged => {
            run.notice("Nothing has changed since the last backup, so nothing was stored.");
        }
        Report::Backup(report) if run.statistics => {
            let statistics = statistics(report);
            out(&statistics);
            run.log.write_always(Keyword::Notice, 1, statistics);
        }
        Report::Backup(_) | Report::List | Report::Search | Report::Erase(_) => {}
        Report::Restore(report) => restored(report, run),
        Report::Verify(report) => verified(report, run),
        Report::Status(status) => collection::show(status, cache, run),
        Report::Changes(report) => upkeep::changes(report),
        Report::Volumes(names) => out(upkeep::volumes(names)),
        Report::Remove(report) => {
            let text = upkeep::removed(report);
            if !text.is_empty() {
                run.notice(text);
            }
        }
        Report::CleanUp(report) => run.notice(upkeep::cleaned_up(report)),
        Report::Replicate(report) => run.notice(upkeep::replicated(report)),
    }
    run.notice_of_duplicity("Duplicity backup complete.");
}

/// Prints `asctime path` for each entry, paths byte for byte as they are.
pub(super) fn listing(log: Log) -> Arc<EachEntry> {
    let lines = Lines::new();
    Arc::new(move |path, attributes| {
        lines.print(attributes.mtime.seconds, path, "");
        if log.is_open() {
            let name = if path.is_root() { ".".into() } else { shown(&path.below(Path::new(""))) };
            log.listed(path, attributes, &format!("{} {name}", asctime(attributes.mtime.seconds)));
        }
    })
}

/// Prints for each path when its newest version was saved, and whether it has been deleted since.
pub(super) fn found() -> Arc<EachFound> {
    let lines = Lines::new();
    Arc::new(move |path, versions| {
        let gone = versions.last().filter(|last| last.attributes.is_none());
        let after = gone.map_or(String::new(), |gone| format!(" (deleted by {})", asctime(gone.at)));
        if let Some(newest) = versions.iter().rfind(|version| version.attributes.is_some()) {
            lines.print(newest.at, path, &after);
        }
    })
}

/// Standard output for many lines.
struct Lines(Mutex<BufWriter<io::Stdout>>);

impl Lines {
    fn new() -> Self {
        Self(Mutex::new(BufWriter::with_capacity(1 << 16, io::stdout())))
    }

    /// `time`: seconds since 1970.
    fn print(&self, time: i64, path: &EntryPath, after: &str) {
        let mut stdout = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let name = if path.is_root() { b"." } else { path.as_bytes() };
        let mut line = || {
            write!(stdout, "{}{} ", stamp(Keyword::Info), asctime(time))?;
            stdout.write_all(name)?;
            writeln!(stdout, "{after}")
        };
        if line().is_err() {
            // The reader has seen enough (`| head`).
            std::process::exit(0);
        }
    }
}

fn restored(report: &RestoreReport, run: &Run) {
    let (entries, bytes, date) = (report.entries, size(report.bytes), asctime(report.time));
    run.notice(format_args!("Restored {entries} files and folders ({bytes}) as of {date}."));
    if report.lost > 0 {
        run.warning(format_args!("{} could not be brought back from the backup.", files(report.lost)));
    }
    if report.not_written > 0 {
        run.warning(format_args!("{} could not be written.", files(report.not_written)));
    }
}

fn verified(report: &VerifyReport, run: &Run) {
    let (compared, differences) = (report.compared, report.differences);
    run.notice(format_args!(
        "Verify complete: {compared} file(s) compared, {differences} difference(s) found."
    ));
    if report.lost > 0 {
        run.warning(format_args!("{} could not be brought back from the backup.", files(report.lost)));
    }
}

fn files(count: u64) -> String {
    if count == 1 { "1 file".into() } else { format!("{count} files") }
}

/// duplicity's statistics block.
fn statistics(report: &BackupReport) -> String {
    let elapsed = report.ended - report.started;
    let time = |seconds: f64| format!("{seconds:.2} ({})", asctime(seconds as i64));
    let bytes = |count: u64| format!("{count} ({})", size(count));
    let lines = [
        ("StartTime", time(report.started)),
        ("EndTime", time(report.ended)),
        ("ElapsedTime", format!("{elapsed:.2} ({})", duration(elapsed))),
        ("SourceFiles", report.source_files.to_string()),
        ("SourceFileSize", bytes(report.source_bytes)),
        ("NewFiles", report.new_files.to_string()),
        ("NewFileSize", bytes(report.new_bytes)),
        ("DeletedFiles", report.deleted_files.to_string()),
        ("ChangedFiles", report.changed_files.to_string()),
        ("ChangedFileSize", bytes(report.changed_bytes)),
        ("ChangedDeltaSize", bytes(0)),
        ("DeltaEntries", report.delta_entries.to_string()),
        ("RawDeltaSize", bytes(report.delta_bytes)),
        ("TotalDestinationSizeChange", bytes(report.stored_bytes)),
        ("Errors", report.problems.to_string()),
    ];
    let mut text = String::from("--------------[ Backup Statistics ]--------------\n");
    for (name, value) in lines {
        text += &format!("{name} {value}\n");
    }
    text + "-------------------------------------------------\n"
}

/// `8.01 KB`, `12.3 MB`, `251 bytes`: three digits, in powers of 1024.
pub(super) fn size(bytes: u64) -> String {
    let units = [(40, "TB"), (30, "GB"), (20, "MB"), (10, "KB")];
    match units.iter().find(|(power, _)| bytes >> power > 0) {
        Some((power, unit)) => {
            let value = bytes as f64 / (1u64 << power) as f64;
            let decimals = if value >= 100.0 {
                0
            } else if value >= 10.0 {
                1
            } else {
                2
            };
            format!("{value:.decimals$} {unit}")
        }
        None if bytes == 1 => "1 byte".into(),
        None => format!("{bytes} bytes"),
    }
}

/// `2 hours 1 minute 3.50 seconds`.
fn duration(seconds: f64) -> String {
    let whole = seconds.max(0.0) as u64;
    let (hours, minutes, rest) = (whole / 3600, whole / 60 % 60, seconds - (whole / 60 * 60) as f64);
    let mut parts = Vec::new();
    for (count, one, many) in [(hours, "hour", "hours"), (minutes, "minute", "minutes")] {
        match count {
            0 => {}
            1 => parts.push(format!("1 {one}")),
            _ => parts.push(format!("{count} {many}")),
        }
    }
    if rest == 1.0 {
        parts.push("1 second".into());
    } else if parts.is_empty() || rest > 1.0 {
        parts.push(format!("{rest:.2} seconds"));
    }
    parts.join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_have_three_digits_in_powers_of_1024() {
        for (bytes, expected) in [
            (0, "0 bytes"),
            (1, "1 byte"),
            (1023, "1023 bytes"),
            (8200, "8.01 KB"),
            (20_534, "20.1 KB"),
            (200 << 20, "200 MB"),
            (3 << 40, "3.00 TB"),
        ] {
            assert_eq!(size(bytes), expected);
        }
    }

    #[test]
    fn durations_name_hours_minutes_and_seconds() {
        for (seconds, expected) in [
            (0.0, "0.00 seconds"),
            (0.03, "0.03 seconds"),
            (1.0, "1 second"),
            (61.0, "1 minute 1 second"),
            (7325.5, "2 hours 2 minutes 5.50 seconds"),
        ] {
            assert_eq!(duration(seconds), expected);
        }
    }

    #[test]
    fn the_statistics_block_is_duplicitys() {
        let report =
            BackupReport { source_files: 4, source_bytes: 8200, problems: 2, ..BackupReport::default() };
        let text = statistics(&report);
        let lines: Vec<_> = text.lines().collect();
        assert_eq!(lines.first(), Some(&"--------------[ Backup Statistics ]--------------"));
        assert_eq!(
            &lines[3..6],
            ["ElapsedTime 0.00 (0.00 seconds)", "SourceFiles 4", "SourceFileSize 8200 (8.01 KB)"]
        );
        assert_eq!(lines.get(15), Some(&"Errors 2"));
        assert!(text.ends_with("-\n"), "a blank line follows");
    }
}
