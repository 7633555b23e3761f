//! duplicity's command line over the worker: grammar, passphrase, progress, texts and exit codes.
//!
//! `grammar` is the table of what can be typed, `options` is what was typed, `resolve` makes one request of it,
//! `actions` runs it, `terminal` shows it and `log` tells programs.
//! `plans` does the same for the plans of the app.
//! stdout carries results, stderr what went wrong, the log both for programs. Called `duplicity` the program says what
//! duplicity says besides, and has none of its own actions.

mod actions;
mod collection;
mod exit;
mod grammar;
mod keys;
mod log;
mod options;
mod passphrase;
mod plan_status;
mod plan_texts;
mod plans;
mod reports;
mod resolve;
mod selection;
mod signals;
mod terminal;
#[cfg(test)]
mod tests;
mod upkeep;
mod usage;

use std::ffi::OsString;
use std::fmt::Display;
use std::process::ExitCode;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

pub use grammar::manual_page;
use grammar::{Called, First};
use log::{Keyword, Log};
use options::Typed;
use plans::PlanRequest;
use resolve::{Environment, Request, expand};
use terminal::Style;
use usage::UsageError;

use crate::context::Level;
use crate::explain::shown;

/// The parser, for what is made of it: completions of shells.
pub fn command() -> clap::Command {
    grammar::command(Called::Hindsight)
}

/// `arguments` begin with the program's name.
pub fn main(arguments: impl IntoIterator<Item = OsString>) -> ExitCode {
    let arguments: Vec<_> = arguments.into_iter().collect();
    let first = First::new(&arguments);
    if first.log_timestamp {
        terminal::stamp_lines();
    }
    let (log, opened) = open_log(&first);
    match opened.and_then(|()| resolve(arguments, log.clone())) {
        Ok((Asked::Action(request), run)) => ExitCode::from(actions::run(*request, &run)),
        Ok((Asked::Plan(request), run)) => ExitCode::from(plans::run(&request, &run)),
        Err(UsageError::Shown(text)) => {
            terminal::out(text.trim_end());
            ExitCode::SUCCESS
        }
        Err(error) => {
            let code = exit::of_usage(&error);
            terminal::err(&error);
            log.refused(code, &error);
            ExitCode::from(code)
        }
    }
}

/// What is asked for.
enum Asked {
    Action(Box<Request>),
    Plan(PlanRequest),
}

/// How this run behaves, whatever it does.
struct Run {
    called: Called,
    style: Style,
    statistics: bool,
    log: Log,
    /// Between two stanzas of progress, if they are asked for.
    progress: Option<Duration>,
    /// For tests: seconds since 1970.
    fixed_time: Option<i64>,
}

impl Run {
    /// Called by duplicity's name: people and scripts expect its words, too.
    fn is_duplicity(&self) -> bool {
        self.called == Called::Duplicity
    }

    fn notice(&self, text: impl Display) {
        if self.style.tells(Level::Notice) {
            terminal::out(&text);
        }
        self.log.say(Keyword::Notice, text);
    }

    /// What only duplicity says.
    fn notice_of_duplicity(&self, text: impl Display) {
        match self.is_duplicity() {
            true => self.notice(text),
            false => self.log.say(Keyword::Notice, text),
        }
    }

    /// Something that must be known at any verbosity.
    fn warning(&self, text: impl Display) {
        terminal::err(&text);
        self.log.say(Keyword::Warning, text);
    }
}

/// What could be opened, so that it has even why another could not.
fn open_log(first: &First) -> (Log, Result<(), UsageError>) {
    let verbosity = first.verbosity.as_ref().and_then(|typed| options::parse_verbosity(typed.to_str()?));
    let mut log = Log::new(verbosity.unwrap_or(options::VERBOSITY));
    let opened = open_streams(first, &mut log);
    (log, opened)
}

fn open_streams(first: &First, log: &mut Log) -> Result<(), UsageError> {
    let failed = |to: String| move |reason: std::io::Error| UsageError::Log { to, reason };
    if let Some(file) = &first.log_file {
        let file = expand(file, &variable);
        log.add_file(&file).map_err(failed(shown(&file)))?;
    }
    let Some(descriptor) = &first.log_fd else { return Ok(()) };
    let value = descriptor.to_string_lossy().into_owned();
    match value.parse::<u32>() {
        Ok(number) => log.add_descriptor(number).map_err(failed(format!("the file descriptor {number}"))),
        Err(_) => {
            let expected = "the number of a file descriptor";
            Err(UsageError::Value { option: "log-fd".into(), value, expected })
        }
    }
}

fn variable(name: &str) -> Option<OsString> {
    match name {
        "HOME" => std::env::home_dir().map(OsString::from),
        _ => std::env::var_os(name),
    }
}

fn resolve(arguments: Vec<OsString>, log: Log) -> Result<(Asked, Run), UsageError> {
    let typed = Typed::parse(arguments)?;
    let now = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs() as i64);
    let environment = Environment {
        variable: &variable,
        terminal: terminal::name(),
        now: typed.current_time.unwrap_or(now),
    };
    if let Some(tempdir) = &typed.tempdir {
        // Fails only when set twice.
        let _ = tempfile::env::override_temp_dir(&expand(tempdir, environment.variable));
    }
    let rate = Duration::from_secs(typed.progress_rate.unwrap_or(3));
    let run = Run {
        called: typed.called,
        style: Style::new(typed.verbosity, typed.progress, rate),
        statistics: !typed.no_print_statistics,
        log,
        progress: typed.progress.then_some(rate),
        fixed_time: typed.current_time,
    };
    for explained in &typed.explained {
        if run.style.tells(Level::Info) {
            terminal::out_as(Keyword::Info, explained);
        }
        run.log.say(Keyword::Info, explained);
    }
    let asked = match PlanRequest::new(&typed)? {
        Some(plan) => Asked::Plan(plan),
        None => Asked::Action(Box::new(Request::new(typed, &environment)?)),
    };
    Ok((asked, run))
}
