//! What a person sees while a job runs: a progress line, warnings as they come, the outcome.

use std::fmt::Display;
use std::fs;
use std::io::{self, IsTerminal, Write};
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use chrono::Local;
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

use super::log::Keyword;
use super::reports::size;
use crate::context::{Change, Level, Problem, ProblemKind, Progress};
use crate::error::Error;
use crate::explain::{explain, explain_problem, shown};
use crate::worker::{Event, Outcome};

/// Problems told one by one below `-v5`; the rest are counted.
const PROBLEMS_SHOWN: u64 = 100;

/// How much is said, by duplicity's numbers: 0 errors, 2 warnings, 3 notices, 5 information, 9 all.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct Style {
    verbosity: u8,
    progress: Shown,
    /// Between lines of progress where there is no terminal.
    rate: Duration,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Shown {
    Nothing,
    /// A line that is drawn again and again.
    Live,
    /// A new line every few seconds.
    Plain,
}

impl Style {
    /// Progress shows on a terminal, unless the output is reduced; elsewhere only on demand.
    pub(super) fn new(verbosity: u8, demanded: bool, rate: Duration) -> Self {
        let progress = match (io::stderr().is_terminal(), demanded) {
            (true, _) if demanded || verbosity >= 3 => Shown::Live,
            (false, true) => Shown::Plain,
            _ => Shown::Nothing,
        };
        Self { verbosity, progress, rate }
    }

    pub(super) fn shows_progress(self) -> bool {
        self.progress != Shown::Nothing
    }

    pub(super) fn tells(self, level: Level) -> bool {
        self.verbosity >= Keyword::from(level).verbosity()
    }
}

/// Lines begin with their time and level (`--log-timestamp`), from now on.
static STAMPED: AtomicBool = AtomicBool::new(false);

pub(super) fn stamp_lines() {
    STAMPED.store(true, Ordering::Relaxed);
}

/// What stands before a line.
pub(super) fn stamp(level: Keyword) -> String {
    match STAMPED.load(Ordering::Relaxed) {
        true => format!("{} {:<6} ", Local::now().format("%Y-%m-%d %H:%M:%S,%3f"), level.name()),
        false => String::new(),
    }
}

/// One line to stdout. That nobody reads it is no reason to stop a backup.
pub(super) fn out(text: impl Display) {
    out_as(Keyword::Notice, text);
}

pub(super) fn out_as(level: Keyword, text: impl Display) {
    let _ = writeln!(io::stdout(), "{}{text}", stamp(level));
}

/// The same of a text with names in it that need not be UTF-8.
pub(super) fn out_bytes(text: &[u8]) {
    let _ = io::stdout().write_all(&[text, b"\n"].concat());
}

/// One line to stderr.
pub(super) fn err(text: impl Display) {
    let _ = writeln!(io::stderr(), "{}{text}", stamp(Keyword::Error));
}

pub(super) struct Terminal {
    style: Style,
    bar: ProgressBar,
    problems: u64,
    started: Instant,
    last_plain: Instant,
}

impl Terminal {
    pub(super) fn new(style: Style) -> Self {
        let now = Instant::now();
        let bar = ProgressBar::with_draw_target(None, ProgressDrawTarget::hidden());
        Self { style, bar, problems: 0, started: now, last_plain: now }
    }

    /// The outcome, when this was the last event of the job.
    pub(super) fn event(&mut self, event: Event) -> Option<Outcome> {
        match event {
            Event::Started { .. } => {}
            Event::Progress { progress, .. } => self.progress(&progress),
            Event::Problem { problem, .. } => self.problem(&problem),
            Event::Changed { change, path, .. } => {
                let did = match change {
                    Change::Added => "A",
                    Change::Modified => "M",
                    Change::Deleted => "D",
                    Change::Restored => "R",
                    Change::Skipped => "Skipping socket",
                };
                let path = shown(&path.below(std::path::Path::new("")));
                let path = if path.is_empty() { "." } else { &path };
                self.bar.suspend(|| out_as(Keyword::Info, format_args!("{did} {path}")));
            }
            Event::Message { level, text, .. } => self.message(level, &text),
            Event::Finished { outcome, .. } => {
                self.bar.finish_and_clear();
                self.count_problems();
                return Some(outcome);
            }
        }
        None
    }

    /// Tells why nothing came of it, and what it told.
    pub(super) fn failed(&self, error: &Error) -> String {
        let explanation = explain(error);
        let mut said = explanation.sentence;
        if let Some(hint) = option_hint(error).map(str::to_string).or(explanation.hint) {
            said = said + "\n" + &hint;
        }
        err(&said);
        if self.style.tells(Level::Debug) {
            let mut cause: Option<&dyn std::error::Error> = Some(error);
            while let Some(error) = cause {
                err(format_args!("caused by: {error}"));
                cause = error.source();
            }
        }
        said
    }

    fn message(&self, level: Level, text: &str) {
        if !self.style.tells(level) {
            return;
        }
        self.bar.suspend(|| match level {
            Level::Warning => err(format_args!("Warning: {text}")),
            Level::Notice | Level::Info | Level::Debug => out_as(level.into(), text),
        });
    }

    /// Differences are what verify is asked for; all else is a warning.
    fn problem(&mut self, problem: &Problem) {
        self.problems += 1;
        if !self.style.tells(Level::Warning)
            || (self.problems > PROBLEMS_SHOWN && !self.style.tells(Level::Info))
        {
            return;
        }
        let sentence = explain_problem(problem);
        self.bar.suspend(|| match problem.kind {
            ProblemKind::Differs => out(format_args!("Difference found: {sentence}")),
            _ => err(format_args!("Warning: {sentence}")),
        });
    }

    fn count_problems(&mut self) {
        let hidden = self.problems.saturating_sub(PROBLEMS_SHOWN);
        if hidden > 0 && self.style.tells(Level::Warning) && !self.style.tells(Level::Info) {
            err(format_args!("And {hidden} more of this kind; -v5 shows all."));
        }
        self.problems = 0;
    }

    fn progress(&mut self, progress: &Progress) {
        match self.style.progress {
            Shown::Nothing => {}
            Shown::Live => self.draw(progress),
            Shown::Plain if self.last_plain.elapsed() < self.style.rate => {}
            Shown::Plain => {
                self.last_plain = Instant::now();
                err(progress_line(progress, self.started.elapsed()));
            }
        }
    }

    fn draw(&mut self, progress: &Progress) {
        if self.bar.is_hidden() {
            self.bar = ProgressBar::with_draw_target(None, ProgressDrawTarget::stderr());
        }
        let known = progress.bytes_total.is_some();
        if self.bar.length() != progress.bytes_total || self.bar.position() == 0 {
            self.bar.set_style(bar_style(known));
        }
        if let Some(total) = progress.bytes_total {
            self.bar.set_length(total);
        }
        self.bar.set_position(progress.bytes_done);
        let current = progress.current.as_deref().map(shown).unwrap_or_default();
        self.bar.set_message(format!("{} files  {current}", progress.files));
    }
}

fn bar_style(known_total: bool) -> ProgressStyle {
    let template = if known_total {
        "{percent:>3}% {binary_bytes} of {binary_total_bytes}  {binary_bytes_per_sec}  {eta} left  {wide_msg}"
    } else {
        "{spinner} {binary_bytes}  {binary_bytes_per_sec}  {elapsed}  {wide_msg}"
    };
    ProgressStyle::with_template(template).unwrap_or_else(|_| ProgressStyle::default_bar())
}

pub(super) fn progress_line(progress: &Progress, elapsed: Duration) -> String {
    let rate = progress.bytes_done as f64 / elapsed.as_secs_f64().max(0.001);
    let (done, files, rate_text) = (size(progress.bytes_done), progress.files, size(rate as u64));
    match progress.bytes_total {
        Some(total) if total > 0 && rate >= 1.0 => {
            let left = (total.saturating_sub(progress.bytes_done) as f64 / rate) as u64;
            let percent = (progress.bytes_done.saturating_mul(100) / total).min(100);
            let (total, hours, minutes, seconds) = (size(total), left / 3600, left / 60 % 60, left % 60);
            format!(
                "{percent}% {done} of {total}, {files} files, {rate_text}/s, {hours}:{minutes:02}:{seconds:02} left"
            )
        }
        _ => format!("{done}, {files} files, {rate_text}/s"),
    }
}

/// Where an option of the command line is the way on.
fn option_hint(error: &Error) -> Option<&'static str> {
    match error {
        Error::PassphraseNeeded => Some("Set the variable PASSPHRASE, or run this in a terminal."),
        Error::HostChanged { .. } | Error::SourceChanged { .. } => {
            Some("Use another URL, or --allow-source-mismatch to continue those backups.")
        }
        Error::Target(crate::error::TargetError::NotEmpty(_) | crate::error::TargetError::Exists(_)) => {
            Some("Restore elsewhere, or use --force to replace what is there.")
        }
        Error::SourceShrunk { .. } => {
            Some("Bring them back, or use --accept-missing if they were meant to go.")
        }
        Error::NothingToContinue => Some("Use the action full or backup."),
        _ => None,
    }
}

/// The device file of the terminal that somebody sits at.
pub(super) fn name() -> Option<String> {
    let descriptor = match (io::stdin().is_terminal(), io::stderr().is_terminal()) {
        (true, _) => "/proc/self/fd/0",
        (false, true) => "/proc/self/fd/2",
        (false, false) => return None,
    };
    fs::read_link(descriptor).ok()?.into_os_string().into_string().ok()
}
