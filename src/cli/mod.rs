//! duplicity's command line over the worker: grammar, passphrase, progress, texts and exit codes.
//!
//! `grammar` is the table of what can be typed, `options` is what was typed, `resolve` makes one request of it, `actions` runs it and `terminal` shows it.
//! `plans` does the same for the plans of the app.
//! stdout carries results, stderr what went wrong.

mod actions;
mod exit;
mod grammar;
mod keys;
mod options;
mod passphrase;
mod plan_texts;
mod plans;
mod reports;
mod resolve;
mod selection;
mod signals;
mod terminal;
#[cfg(test)]
mod tests;
mod usage;

use std::ffi::OsString;
use std::process::ExitCode;
use std::time::{SystemTime, UNIX_EPOCH};

use options::Typed;
use plans::PlanRequest;
use resolve::{Environment, Request, expand};
use terminal::Style;
use usage::UsageError;

/// `arguments` begin with the program's name.
pub fn main(arguments: impl IntoIterator<Item = OsString>) -> ExitCode {
    match resolve(arguments) {
        Ok((Asked::Action(request), run)) => ExitCode::from(actions::run(*request, &run)),
        Ok((Asked::Plan(request), run)) => ExitCode::from(plans::run(&request, &run)),
        Err(UsageError::Shown(text)) => {
            terminal::out(text.trim_end());
            ExitCode::SUCCESS
        }
        Err(error) => {
            terminal::err(&error);
            ExitCode::from(exit::of_usage(&error))
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
    style: Style,
    statistics: bool,
    /// For tests: seconds since 1970.
    fixed_time: Option<i64>,
}

fn resolve(arguments: impl IntoIterator<Item = OsString>) -> Result<(Asked, Run), UsageError> {
    let typed = Typed::parse(arguments)?;
    let variable = |name: &str| match name {
        "HOME" => std::env::home_dir().map(OsString::from),
        _ => std::env::var_os(name),
    };
    let now = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs() as i64);
    let environment = Environment {
        variable: &variable,
        terminal: terminal::name(),
        now: typed.current_time.unwrap_or(now),
    };
    if let Some(tempdir) = &typed.tempdir {
        // Fails only when set twice.
        let _ = tempfile::env::override_temp_dir(&expand(tempdir, &environment));
    }
    let run = Run {
        style: Style::new(typed.verbosity, typed.progress),
        statistics: !typed.no_print_statistics,
        fixed_time: typed.current_time,
    };
    if run.style.tells_changes() {
        typed.explained.iter().for_each(terminal::out);
    }
    let asked = match PlanRequest::new(&typed)? {
        Some(plan) => Asked::Plan(plan),
        None => Asked::Action(Box::new(Request::new(typed, &environment)?)),
    };
    Ok((asked, run))
}
