//! From a plan to duplicity's ordered rules.

use std::cmp::Reverse;
use std::ffi::OsString;
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::path::{Path, PathBuf};

use super::plan::Plan;
use super::presets::{Preset, downloads};
use crate::tree::select::{Rule, Selection, SelectionError, is_marked};

/// Never worth saving, even if the whole computer is: kernel, processes, and what ends with the session.
const SYSTEM: [&str; 6] = ["/dev", "/proc", "/run", "/sys", "/tmp", "/var/tmp"];

pub(super) fn selection(plan: &Plan, home: &Path, left_out: &[PathBuf]) -> Result<Selection, SelectionError> {
    let mut selection = Selection::new(Path::new("/"), rules(plan, &real(home)))?;
    for directory in left_out {
        selection.exclude_subtree(directory.clone());
    }
    Ok(selection)
}

/// What is said of one path; the order decides between rules of the same depth.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Said {
    Ignored,
    Saved,
    Preset,
}

/// The first rule that fits decides, so the rule of a deeper path comes first: a folder chosen inside one that is
/// left out is saved, and the other way round.
fn rules(plan: &Plan, home: &Path) -> Vec<Rule> {
    let mut said: Vec<(OsString, Said)> = Vec::new();
    said.extend(plan.ignored.iter().map(|path| (literal(&real(path)), Said::Ignored)));
    said.extend(plan.folders.iter().map(|folder| (literal(&real(&folder.path)), Said::Saved)));
    said.extend(marked_above(plan).map(|path| (literal(&path), Said::Preset)));
    said.extend(SYSTEM.iter().map(|path| (OsString::from(path), Said::Preset)));
    for preset in &plan.presets {
        said.extend(preset.in_home().iter().map(|pattern| (joined(home, pattern), Said::Preset)));
    }
    if plan.presets.contains(&Preset::Downloads) {
        said.push((literal(&home.join(downloads(home))), Said::Preset));
    }
    said.sort_by_cached_key(|(pattern, said)| (Reverse(depth(pattern)), *said));

    let names = names(plan);
    let mut rules = Vec::new();
    for (pattern, said) in said {
        match said {
            Said::Saved => {
                rules.extend(names.iter().flat_map(|name| below(&pattern, name)));
                rules.push(Rule::MarkedBelow(pattern.clone()));
                rules.push(Rule::include(pattern));
            }
            Said::Ignored | Said::Preset => rules.push(Rule::exclude(pattern)),
        }
    }
    rules.push(Rule::exclude("/**"));
    rules
}

/// Directories on the way to a folder that say themselves that they are not to be saved: the walk enters them all
/// the same, and what else they hold must not be taken for a part of the folder around them.
fn marked_above(plan: &Plan) -> impl Iterator<Item = PathBuf> {
    let folders = plan.folders.iter().map(|folder| real(&folder.path));
    let above =
        folders.flat_map(|folder| folder.ancestors().skip(1).map(Path::to_path_buf).collect::<Vec<_>>());
    above.filter(|directory| is_marked(directory))
}

/// Patterns for names, without slashes around them: below a folder they are relative.
fn names(plan: &Plan) -> Vec<&str> {
    let own = plan.patterns.iter().map(|pattern| pattern.trim().trim_start_matches('/'));
    let presets = plan.presets.iter().flat_map(|preset| preset.by_name().iter().copied());
    own.filter(|pattern| !pattern.is_empty()).chain(presets).collect()
}

/// Directly in a folder, and anywhere deeper: two stars stand for one level at least.
fn below(folder: &OsString, name: &str) -> [Rule; 2] {
    let pattern = |between: &str| {
        let mut pattern = folder.clone();
        if pattern != "/" {
            pattern.push("/");
        }
        pattern.push(between);
        pattern.push(name);
        Rule::exclude(pattern)
    };
    [pattern(""), pattern("**/")]
}

fn joined(home: &Path, pattern: &str) -> OsString {
    let mut joined = literal(home);
    joined.push("/");
    joined.push(pattern);
    joined
}

fn depth(pattern: &OsString) -> usize {
    pattern.as_bytes().split(|byte| *byte == b'/').filter(|part| !part.is_empty()).count()
}

/// A pattern that fits this path and no other.
fn literal(path: &Path) -> OsString {
    let mut pattern = Vec::with_capacity(path.as_os_str().len());
    for byte in path.as_os_str().as_bytes() {
        match byte {
            b'*' | b'?' | b'[' => pattern.extend([b'[', *byte, b']']),
            other => pattern.push(*other),
        }
    }
    OsString::from_vec(pattern)
}

/// As the walk meets it, which follows no symbolic link.
fn real(path: &Path) -> PathBuf {
    path.canonicalize().unwrap_or_else(|_| path.to_path_buf())
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
#[path = "rules_tests.rs"]
mod tests;
