//! Which objects of the source belong to a backup: duplicity's ordered rules (`FORMAT.md` 15).
//!
//! Rules are tried in order and the first that decides wins; what no rule decides is included. An include
//! below a folder that it does not cover itself makes that folder *scanned*: entered, and part of the backup only if something
//! inside is.

use std::ffi::OsString;
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::path::{Path, PathBuf};

use super::glob::{self, Glob, GlobError};
use crate::entry::EntryPath;

/// One selection option of the command line, in its order.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Rule {
    /// `--include`, `--exclude`.
    Glob { pattern: OsString, include: bool, ignore_case: bool },
    /// `--exclude-if-present`: leaves out a directory that holds an object of this name. Such rules come
    /// first wherever they stand.
    IfPresent(OsString),
}

impl Rule {
    /// A pattern as typed: a leading `ignorecase:` is an instruction.
    pub fn include(pattern: impl Into<OsString>) -> Self {
        Self::glob(pattern.into(), true)
    }

    /// See [`Rule::include`].
    pub fn exclude(pattern: impl Into<OsString>) -> Self {
        Self::glob(pattern.into(), false)
    }

    fn glob(pattern: OsString, include: bool) -> Self {
        const IGNORE_CASE: &[u8] = b"ignorecase:";
        match pattern.as_bytes().split_at_checked(IGNORE_CASE.len()) {
            Some((prefix, rest)) if prefix.eq_ignore_ascii_case(IGNORE_CASE) => {
                Self::Glob { pattern: OsString::from_vec(rest.to_vec()), include, ignore_case: true }
            }
            _ => Self::Glob { pattern, include, ignore_case: false },
        }
    }
}

#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
pub enum SelectionError {
    /// Exit code 14.
    #[error("the pattern {pattern:?} can match nothing below {root:?}")]
    OutsideSource { pattern: OsString, root: PathBuf },
    /// Exit code 15.
    #[error("the pattern {pattern:?} is not valid: {reason}")]
    InvalidPattern { pattern: OsString, reason: GlobError },
    /// Exit code 16: what no rule decides is included anyway, so this is hardly what was meant.
    #[error("the last selection rule {pattern:?} only includes, which changes nothing")]
    RedundantInclude { pattern: OsString },
}

/// What the rules say of one object.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Decision {
    Include,
    Exclude,
    /// A directory to enter; it is included if something inside is. For anything else: excluded.
    Scan,
}

/// Rules made ready for one source root.
#[derive(Debug, Default)]
pub struct Selection {
    /// The root as typed, in the form that patterns are matched against, with a final slash.
    prefix: String,
    rules: Vec<Compiled>,
    left_out: Vec<PathBuf>,
}

#[derive(Debug)]
enum Compiled {
    Glob { glob: Glob, include: bool },
    IfPresent(OsString),
}

impl Selection {
    /// Everything below any root.
    pub fn everything() -> Self {
        Self::default()
    }

    /// `root` is the source as typed: patterns are compared with paths that begin with it.
    pub fn new(root: &Path, rules: impl IntoIterator<Item = Rule>) -> Result<Self, SelectionError> {
        let (mut rules, others): (Vec<_>, Vec<_>) =
            rules.into_iter().partition(|rule| matches!(rule, Rule::IfPresent(_)));
        rules.extend(others);
        if let Some(Rule::Glob { pattern, include: true, .. }) = rules.last() {
            return Err(SelectionError::RedundantInclude { pattern: pattern.clone() });
        }
        let base = canonical(root);
        let rules = rules.into_iter().map(|rule| compile(rule, root, &base)).collect::<Result<_, _>>()?;
        let prefix = if base.ends_with('/') { base } else { base + "/" };
        Ok(Self { prefix, rules, left_out: Vec::new() })
    }

    /// Always leaves out this directory and what it holds, whatever the rules say: the place that is
    /// backed up to, the cache, the spool. It need not exist yet.
    pub fn exclude_subtree(&mut self, directory: PathBuf) {
        self.left_out.push(directory);
    }

    pub(super) fn left_out(&self) -> &[PathBuf] {
        &self.left_out
    }

    /// `holds` tells whether the directory at `path` holds an object of that name.
    pub(super) fn decide(
        &self,
        path: &EntryPath,
        is_directory: bool,
        holds: impl Fn(&OsString) -> bool,
    ) -> Decision {
        if self.rules.is_empty() {
            return Decision::Include;
        }
        let mut full = self.prefix.clone();
        glob::push_text(&mut full, path.as_bytes());
        let mut scan = false;
        for rule in &self.rules {
            let said = match rule {
                Compiled::Glob { glob, include: true } if glob.matches(&full, is_directory) => {
                    Some(Decision::Include)
                }
                Compiled::Glob { glob, include: true } if glob.leads_to_match(&full) => Some(Decision::Scan),
                Compiled::Glob { glob, include: false } if glob.matches(&full, is_directory) => {
                    Some(Decision::Exclude)
                }
                Compiled::IfPresent(name) if is_directory && holds(name) => Some(Decision::Exclude),
                _ => None,
            };
            match said {
                None => {}
                Some(Decision::Scan) => scan = true,
                Some(Decision::Include) => return Decision::Include,
                Some(Decision::Exclude) if scan => return Decision::Scan,
                Some(Decision::Exclude) => return Decision::Exclude,
            }
        }
        if scan { Decision::Scan } else { Decision::Include }
    }
}

fn compile(rule: Rule, root: &Path, base: &str) -> Result<Compiled, SelectionError> {
    let (pattern, include, ignore_case) = match rule {
        Rule::IfPresent(name) => return Ok(Compiled::IfPresent(name)),
        Rule::Glob { pattern, include, ignore_case } => (pattern, include, ignore_case),
    };
    let glob = match Glob::new(pattern.as_bytes(), ignore_case) {
        Ok(glob) => glob,
        Err(reason) => return Err(SelectionError::InvalidPattern { pattern, reason }),
    };
    if !glob.matches(base, true) && !glob.leads_to_match(base) {
        return Err(SelectionError::OutsideSource { pattern, root: root.to_path_buf() });
    }
    Ok(Compiled::Glob { glob, include })
}

/// The root as patterns see it: `.` and doubled slashes dropped, `..` and relative paths kept.
fn canonical(root: &Path) -> String {
    let mut text = String::new();
    glob::push_text(&mut text, root.as_os_str().as_bytes());
    let joined =
        text.split('/').filter(|part| !part.is_empty() && *part != ".").collect::<Vec<_>>().join("/");
    match (text.starts_with('/'), joined.is_empty()) {
        (true, _) => format!("/{joined}"),
        (false, true) => ".".into(),
        (false, false) => joined,
    }
}
