//! What a finished job prints on stdout, in the forms that duplicity's users and their scripts know.

use std::io::{self, BufWriter, Write};
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};

use super::terminal::{err, out};
use super::{Run, upkeep};
use crate::engine::{
    BackupReport, ChainStatus, CollectionStatus, EachEntry, EachFound, Report, RestoreReport, SetStatus,
    VerifyReport, asctime,
};
use crate::entry::EntryPath;

pub(super) fn show(report: &Report, cache: &Path, run: &Run) {
    let notices = run.style.tells_notices();
    if let Report::Backup(BackupReport { json: Some(json), .. }) = report
        && notices
    {
        out(json);
    }
    match report {
        Report::Backup(report) if report.unchanged => {
            if notices {
                out("Nothing has changed since the last backup, so nothing was stored.");
            }
        }
        Report::Backup(report) if run.statistics => out(statistics(report)),
        Report::Backup(_) | Report::List | Report::Search | Report::Erase(_) => {}
        Report::Restore(report) => restored(report, notices),
        Report::Verify(report) => verified(report, notices),
        Report::Status(status) => out(collection(status, cache)),
        Report::Changes(report) => upkeep::changes(report),
        Report::Volumes(names) => out(upkeep::volumes(names)),
        Report::Remove(_) | Report::CleanUp(_) | Report::Replicate(_) if !notices => {}
        Report::Remove(report) => {
            let text = upkeep::removed(report);
            if !text.is_empty() {
                out(text);
            }
        }
        Report::CleanUp(report) => out(upkeep::cleaned_up(report)),
        Report::Replicate(report) => out(upkeep::replicated(report)),
    }
}

/// Prints `asctime path` for each entry, paths byte for byte as they are.
pub(super) fn listing() -> Arc<EachEntry> {
    let lines = Lines::new();
    Arc::new(move |path, attributes| lines.print(attributes.mtime.seconds, path, ""))
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
            write!(stdout, "{} ", asctime(time))?;
            stdout.write_all(name)?;
            writeln!(stdout, "{after}")
        };
        if line().is_err() {
            // The reader has seen enough (`| head`).
            std::process::exit(0);
        }
    }
}

fn restored(report: &RestoreReport, notices: bool) {
    if notices {
        let (entries, bytes, date) = (report.entries, size(report.bytes), asctime(report.time));
        out(format_args!("Restored {entries} files and folders ({bytes}) as of {date}."));
    }
    if report.lost > 0 {
        err(format_args!("{} could not be brought back from the backup.", files(report.lost)));
    }
    if report.not_written > 0 {
        err(format_args!("{} could not be written.", files(report.not_written)));
    }
}

fn verified(report: &VerifyReport, notices: bool) {
    if notices {
        let (compared, differences) = (report.compared, report.differences);
        out(format_args!("Verify complete: {compared} file(s) compared, {differences} difference(s) found."));
    }
    if report.lost > 0 {
        err(format_args!("{} could not be brought back from the backup.", files(report.lost)));
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

/// duplicity's text, which tools parse.
fn collection(status: &CollectionStatus, cache: &Path) -> String {
    const RULE: &str = "-------------------------\n";
    // The newest chain that can go on is the primary one.
    let primary = status.chains.last().filter(|chain| chain.has_signatures);
    let secondary = status.chains.len() - usize::from(primary.is_some());
    let last_full = status.chains.last().and_then(|chain| chain.sets.first());
    let last_full = last_full.map_or("none".into(), |set| asctime(set.time));
    let mut text = format!(
        "Last full backup date: {last_full}\nCollection Status\n-----------------\n\
         Connecting with backend: {}\nArchive dir: {}\n\nFound {secondary} secondary backup chain(s).\n",
        status.place,
        cache.display(),
    );
    for (number, chain) in status.chains.iter().take(secondary).enumerate() {
        text +=
            &format!("Secondary chain {} of {secondary}:\n{RULE}{}{RULE}\n", number + 1, chain_text(chain));
    }
    match primary {
        Some(chain) => {
            text += "\nFound primary backup chain with matching signature chain:\n";
            text += &format!("{RULE}{}{RULE}", chain_text(chain));
        }
        None => text += "No backup chains with active signatures found\n",
    }
    text + &leftovers(status)
}

fn chain_text(chain: &ChainStatus) -> String {
    let time = |set: Option<&SetStatus>| set.map(|set| asctime(set.time)).unwrap_or_default();
    let volumes: usize = chain.sets.iter().map(|set| set.volumes).sum();
    let mut text = format!(
        "Chain start time: {}\nChain end time: {}\nNumber of contained backup sets: {}\n\
         Total number of contained volumes: {volumes}\n",
        time(chain.sets.first()),
        time(chain.sets.last()),
        chain.sets.len(),
    );
    text += &format!("{:>20} {:>32}   {:>15}\n", "Type of backup set:", "Time:", "Num volumes:");
    for set in &chain.sets {
        let kind = if set.full { "Full" } else { "Incremental" };
        text += &format!("{kind:>20} {:>32}   {:>15}\n", asctime(set.time), set.volumes);
    }
    text
}

fn leftovers(status: &CollectionStatus) -> String {
    let (orphaned, incomplete) = (status.orphaned.len(), status.incomplete.len());
    if orphaned + incomplete == 0 {
        return "No orphaned or incomplete backup sets found.".into();
    }
    let mut lines = Vec::new();
    for (count, kind) in [(orphaned, "orphaned"), (incomplete, "incomplete")] {
        if count > 0 {
            lines.push(format!("Also found {count} backup set(s) that are {kind}."));
        }
    }
    lines.join("\n")
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

    fn chain(start: i64, has_signatures: bool) -> ChainStatus {
        let full = SetStatus { full: true, time: start, volumes: 2, encrypted: true };
        let inc = SetStatus { full: false, time: start + 10, volumes: 1, encrypted: true };
        ChainStatus { sets: vec![full, inc], has_signatures }
    }

    #[test]
    fn collection_status_names_the_newest_chain_primary() {
        let chains = vec![chain(0, true), chain(100, true)];
        let status = CollectionStatus { place: "/p".into(), chains, ..CollectionStatus::default() };
        let text = collection(&status, Path::new("/c"));
        let date = asctime(100);
        for part in [
            &format!("Last full backup date: {date}\nCollection Status\n"),
            "\n\nFound 1 secondary backup chain(s).\nSecondary chain 1 of 1:\n",
            "\nFound primary backup chain with matching signature chain:\n",
            "Number of contained backup sets: 2\nTotal number of contained volumes: 3\n",
            " Type of backup set:                            Time:      Num volumes:\n",
            &format!("\n                Full         {date}                 2\n"),
            "\nNo orphaned or incomplete backup sets found.",
        ] {
            assert!(text.contains(part), "{part:?} is missing in\n{text}");
        }
    }

    #[test]
    fn without_signatures_no_chain_is_primary() {
        let chains = vec![chain(0, true), chain(100, false)];
        let text = collection(&CollectionStatus { chains, ..CollectionStatus::default() }, Path::new("/c"));
        assert!(text.contains("Found 2 secondary backup chain(s)."), "{text}");
        assert!(text.contains("No backup chains with active signatures found"), "{text}");
    }
}
