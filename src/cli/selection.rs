//! The selection options as typed, in their order, made one selection. Reads the lists that they name.

use std::ffi::OsStr;
use std::path::Path;

use super::options::Typed;
use super::resolve::{Environment, expand};
use super::usage::UsageError;
use crate::engine::parse_user_time;
use crate::tree::select::{Choice, Choices, Filter, Rule, Selection, Separator};

/// Of the source, as typed.
pub(super) fn of_source(
    typed: &Typed,
    source: &Path,
    environment: &Environment,
) -> Result<Selection, UsageError> {
    let Choices { rules, listed } = choices(typed, environment)?;
    let selection = Selection::new(source, rules)?.following_links(typed.copy_links);
    Ok(match listed {
        Some(listed) => selection.only(listed),
        None => selection,
    })
}

/// Of what is restored. What only a source can answer is refused, as in duplicity.
pub(super) fn of_backup(typed: &Typed, environment: &Environment) -> Result<Selection, UsageError> {
    const OF_SOURCE: [&str; 3] = ["exclude-if-present", "exclude-other-filesystems", "files-from"];
    if typed.selection.is_empty() {
        return Ok(Selection::everything());
    }
    if typed.path_to_restore.is_some() {
        return Err(UsageError::Contradiction("--path-to-restore", "the options that select files"));
    }
    if let Some((name, _)) = typed.selection.iter().find(|(name, _)| OF_SOURCE.contains(name)) {
        return Err(UsageError::Refused { name, why: "It is about files of this computer." });
    }
    Ok(Selection::of_backup(choices(typed, environment)?.rules)?)
}

fn choices(typed: &Typed, environment: &Environment) -> Result<Choices, UsageError> {
    let choices = typed.selection.iter().map(|(name, value)| choice(name, value, environment));
    let separator = if typed.null_separator { Separator::Nul } else { Separator::Newline };
    Ok(Choices::read(&choices.collect::<Result<Vec<_>, _>>()?, separator)?)
}

fn choice(name: &str, value: &OsStr, environment: &Environment) -> Result<Choice, UsageError> {
    let filled = || match value.is_empty() {
        true => Err(UsageError::Value { option: name.into(), value: String::new(), expected: "a pattern" }),
        false => Ok(value.to_os_string()),
    };
    let include = name.starts_with("include");
    Ok(match name {
        "include" | "exclude" => Choice::Pattern { pattern: filled()?, include },
        "include-regexp" | "exclude-regexp" => Choice::Regexp { pattern: filled()?, include },
        "include-filelist" | "exclude-filelist" => Choice::Filelist { path: value.into(), include },
        "files-from" => Choice::FilesFrom(expand(value, environment.variable)),
        "exclude-if-present" => Choice::Rule(Rule::IfPresent(filled()?)),
        "exclude-device-files" => Choice::Rule(Rule::DeviceFiles),
        "exclude-other-filesystems" => Choice::Rule(Rule::OtherFilesystems),
        "exclude-older-than" => {
            let text = value.to_string_lossy();
            let time = parse_user_time(&text, environment.now);
            let time = time.map_err(|_| UsageError::Time { typed: text.into_owned() })?;
            Choice::Rule(Rule::OlderThan(time))
        }
        "filter-globbing" => Choice::Filter(Filter::Globbing),
        "filter-literal" => Choice::Filter(Filter::Literal),
        "filter-regexp" => Choice::Filter(Filter::Regexp),
        "filter-ignorecase" => Choice::Filter(Filter::IgnoreCase),
        "filter-strictcase" => Choice::Filter(Filter::StrictCase),
        // The other rows of the section are refused before.
        other => return Err(UsageError::NotYet { what: format!("The option --{other}") }),
    })
}
