//! What happens in a job.

use std::fs::Metadata;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::FileTypeExt;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use super::status::time;
use super::{Keyword, Log, quoted};
use crate::cli::terminal::progress_line;
use crate::context::{Change, Problem, ProblemKind, Progress};
use crate::engine::Report;
use crate::entry::{Attributes, EntryPath, Kind};
use crate::explain::{explain_problem, shown};
use crate::worker::{Event, Outcome};

/// Between two stanzas of progress that nobody asked for.
const INTERVAL: Duration = Duration::from_secs(1);

/// The log of one job.
pub(in crate::cli) struct JobLog {
    log: Log,
    /// The folder of this computer that is saved, restored to or compared with, as typed.
    folder: PathBuf,
    /// Between two stanzas of progress, if `--progress` asks for them.
    rate: Option<Duration>,
    started: Instant,
    told: Option<Instant>,
    shown: Shown,
}

/// Of the last stanza of progress.
struct Shown {
    at: Instant,
    bytes: u64,
}

impl JobLog {
    pub(in crate::cli) fn new(log: Log, folder: PathBuf, rate: Option<Duration>) -> Self {
        let now = Instant::now();
        Self { log, folder, rate, started: now, told: None, shown: Shown { at: now, bytes: 0 } }
    }

    pub(in crate::cli) fn event(&mut self, event: &Event) {
        if !self.log.is_open() {
            return;
        }
        match event {
            Event::Progress { progress, .. } => self.progress(progress),
            Event::Problem { problem, .. } => self.problem(problem),
            Event::Changed { change, path, .. } => self.changed(*change, path),
            Event::Message { level, text, .. } => self.log.say((*level).into(), text),
            Event::Finished { outcome: Outcome::Completed(report), .. } => self.completed(report),
            Event::Started { .. } | Event::Finished { .. } => {}
        }
    }

    pub(super) fn progress(&mut self, progress: &Progress) {
        if self.told.is_none_or(|at| at.elapsed() >= INTERVAL) {
            self.told = Some(Instant::now());
            let total = progress.bytes_total.map_or(String::new(), |total| format!(" {total}"));
            self.log.write(Keyword::Info, format_args!("2 {}{total}", progress.bytes_done), "");
        }
        if self.rate.is_some_and(|rate| self.shown.at.elapsed() >= rate) {
            self.show(progress);
        }
    }

    /// Bytes done, seconds since the start, per cent, seconds left, bytes per second, whether nothing moves.
    fn show(&mut self, progress: &Progress) {
        let (done, elapsed) = (progress.bytes_done, self.started.elapsed());
        let speed = (done as f64 / elapsed.as_secs_f64().max(0.001)) as u64;
        let (percent, left) = match progress.bytes_total {
            Some(total) if total > 0 => {
                let left = total.saturating_sub(done);
                ((done.saturating_mul(100) / total).min(100), left.checked_div(speed).unwrap_or(0))
            }
            _ => (0, 0),
        };
        let stalled = u8::from(done == self.shown.bytes);
        let head = format!("16 {done} {} {percent} {left} {speed} {stalled}", elapsed.as_secs());
        self.log.write(Keyword::Notice, head, progress_line(progress, elapsed));
        self.shown = Shown { at: Instant::now(), bytes: done };
    }

    pub(super) fn problem(&self, problem: &Problem) {
        let path = quoted(problem.path.as_os_str().as_bytes());
        let restored = || quoted(self.relative(&problem.path).as_os_str().as_bytes());
        let say = |keyword, head: String| self.log.write(keyword, head, explain_problem(problem));
        match problem.kind {
            ProblemKind::Inaccessible => say(Keyword::Warning, format!("9 {path}")),
            ProblemKind::Unreadable | ProblemKind::Vanished | ProblemKind::Missing => {
                say(Keyword::Warning, format!("10 {path}"));
            }
            ProblemKind::Lost
            | ProblemKind::Corrupt
            | ProblemKind::NotWritten
            | ProblemKind::MetadataNotRestored
            | ProblemKind::Beside => say(Keyword::Warning, format!("12 {}", restored())),
            ProblemKind::FolderNotWritten => say(Keyword::Warning, format!("13 {}", restored())),
            ProblemKind::ChangedWhileReading | ProblemKind::Unprotected => say(Keyword::Warning, "1".into()),
            ProblemKind::Differs => say(Keyword::Notice, "1".into()),
        }
    }

    pub(super) fn changed(&self, change: Change, path: &EntryPath) {
        let (code, letter) = match change {
            Change::Added => (4, 'A'),
            Change::Modified => (5, 'M'),
            Change::Deleted => (6, 'D'),
            Change::Restored => return self.restored(path),
            Change::Skipped => return self.skipped(path),
        };
        let head = format!("{code} {}", name(path));
        self.log.write(Keyword::Info, head, format_args!("{letter} {}", shown_path(path)));
    }

    /// The folder that everything goes to is no part of what is restored.
    fn restored(&self, path: &EntryPath) {
        let kind = path.below(&self.folder).symlink_metadata().map_or("reg", |metadata| kind_of(&metadata));
        if !path.is_root() || kind != "dir" {
            let text = format!("Writing {} of type {kind}", shown_path(path));
            self.log.write(Keyword::Info, format_args!("7 {} {kind}", name(path)), text);
        }
    }

    fn skipped(&self, path: &EntryPath) {
        let path = path.below(&self.folder);
        let head = format!("15 {}", quoted(path.as_os_str().as_bytes()));
        self.log.write(Keyword::Info, head, format_args!("Skipping socket {}", shown(&path)));
    }

    /// As duplicity names what it restores.
    fn relative<'p>(&self, path: &'p Path) -> &'p Path {
        let below = path.strip_prefix(&self.folder).unwrap_or(path);
        if below.as_os_str().is_empty() { Path::new(".") } else { below }
    }

    fn completed(&self, report: &Report) {
        let done = |head: String| self.log.write(Keyword::Info, head, "");
        match report {
            Report::Backup(report) if !report.unchanged => done(format!("2 {}", report.source_bytes)),
            Report::Restore(report) => done(format!("2 {0} {0}", report.bytes.max(1))),
            Report::Verify(report) => done(format!("2 {0} {0}", report.compared.max(1))),
            _ => {}
        }
    }
}

impl Log {
    /// One line of a list of files, which is what was asked for.
    pub(in crate::cli) fn listed(&self, path: &EntryPath, attributes: &Attributes, line: &str) {
        let kind = match attributes.kind {
            Kind::File => "reg",
            Kind::Directory => "dir",
            Kind::Symlink => "sym",
            Kind::Fifo => "fifo",
            Kind::CharDevice => "chr",
            Kind::BlockDevice => "blk",
        };
        let head = format!("10 {} {} {kind}", time(attributes.mtime.seconds), name(path));
        self.write_always(Keyword::Info, head, line);
    }
}

fn name(path: &EntryPath) -> String {
    quoted(if path.is_root() { b"." } else { path.as_bytes() })
}

fn shown_path(path: &EntryPath) -> String {
    if path.is_root() { ".".into() } else { shown(&path.below(Path::new(""))) }
}

fn kind_of(metadata: &Metadata) -> &'static str {
    let kind = metadata.file_type();
    let kinds = [
        (kind.is_dir(), "dir"),
        (kind.is_symlink(), "sym"),
        (kind.is_fifo(), "fifo"),
        (kind.is_char_device(), "chr"),
        (kind.is_block_device(), "blk"),
    ];
    kinds.iter().find(|(is, _)| *is).map_or("reg", |(_, name)| name)
}
