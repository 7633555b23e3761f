//! Which objects of the source belong to a backup: duplicity's ordered rules (`FORMAT.md` 15).
//!
//! Rules are tried in order and the first that decides wins; what no rule decides is included. An include
//! below a folder that it does not cover itself makes that folder *scanned*: entered, and part of the backup only if something
//! inside is.
//!
//! Told apart from duplicity on purpose: plain paths are found below the root `/` too; in a list of files `./a` and `a/`
//! are `a`, and `..` is refused as absolute paths are; lists need not be UTF-8, and `-` is the standard input. See
//! also `regexp`.

mod filelist;
mod listed;
mod options;
mod pattern;
mod regexp;
mod rule;

pub use filelist::Separator;
pub use listed::Listed;
pub use options::{Choice, Choices, Filter};
pub use rule::{Rule, SelectionError, Syntax};

use std::ffi::{OsStr, OsString};
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use rustix::fs::CWD;

use super::glob::{self, Fit, Glob};
use super::marker::Marker;
use crate::entry::{Attributes, EntryPath, Kind, Timestamp};
use pattern::Pattern;

/// What the rules say of one object.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Decision {
    Include,
    Exclude,
    /// A directory to enter; it is included if something inside is. For anything else: excluded.
    Scan,
}

/// What rules may ask about an object beside its path. Of one that was not looked at yet, nothing is known that
/// would exclude it.
#[derive(Clone, Copy, Default, Debug)]
pub(super) struct Facts {
    pub(super) is_directory: bool,
    pub(super) is_device: bool,
    /// On another file system than the root.
    pub(super) is_elsewhere: bool,
    /// Seconds since 1970, of a regular file.
    pub(super) written: Option<i64>,
}

impl Facts {
    pub(super) fn not_looked_at(is_directory: bool) -> Self {
        Self { is_directory, ..Self::default() }
    }

    pub(super) fn new(kind: Option<Kind>, mtime: Timestamp) -> Self {
        Self {
            is_directory: kind == Some(Kind::Directory),
            is_device: matches!(kind, Some(Kind::CharDevice | Kind::BlockDevice)),
            is_elsewhere: false,
            written: (kind == Some(Kind::File)).then_some(mtime.seconds),
        }
    }

    pub(super) fn of(attributes: &Attributes) -> Self {
        Self::new(Some(attributes.kind), attributes.mtime)
    }
}

/// Rules made ready for one source root.
#[derive(Clone, Debug, Default)]
pub struct Selection {
    /// The root as typed, in the form that patterns are matched against, with a final slash. Empty for backups.
    prefix: String,
    rules: Arc<[Compiled]>,
    listed: Option<Arc<Listed>>,
    follows_links: bool,
    left_out: Vec<PathBuf>,
}

#[derive(Debug)]
enum Compiled {
    Pattern { pattern: Pattern, include: bool },
    IfPresent(OsString),
    DeviceFiles,
    OtherFilesystems,
    OlderThan(i64),
    MarkedBelow(Box<Glob>),
}

impl Selection {
    /// Everything below any root.
    pub fn everything() -> Self {
        Self::default()
    }

    /// `root` is the source as typed: patterns are compared with paths that begin with it.
    pub fn new(root: &Path, rules: impl IntoIterator<Item = Rule>) -> Result<Self, SelectionError> {
        let base = canonical(root);
        let rules = compile_all(rules, |rule| {
            let (pattern, compiled) = compile(rule)?;
            match pattern.filter(|_| !compiled.concerns(&base)) {
                Some(pattern) => Err(SelectionError::OutsideSource { pattern, root: root.to_path_buf() }),
                None => Ok(compiled),
            }
        })?;
        Ok(Self { prefix: with_slash(base), rules, ..Self::default() })
    }

    /// For what is restored: patterns are compared with paths in the backup, as `list-current-files` shows them.
    pub fn of_backup(rules: impl IntoIterator<Item = Rule>) -> Result<Self, SelectionError> {
        let rules = compile_all(rules, |rule| Ok(compile(within_backup(rule)?)?.1))?;
        Ok(Self { rules, ..Self::default() })
    }

    /// Of the source only what is listed counts.
    pub fn only(mut self, listed: Listed) -> Self {
        self.listed = Some(Arc::new(listed));
        self
    }

    pub(super) fn listed(&self) -> Option<&Listed> {
        self.listed.as_deref()
    }

    /// What symbolic links lead to counts instead of them.
    pub fn following_links(mut self, follows_links: bool) -> Self {
        self.follows_links = follows_links;
        self
    }

    pub fn follows_links(&self) -> bool {
        self.follows_links
    }

    /// Nothing is left out.
    pub fn is_everything(&self) -> bool {
        self.rules.is_empty() && self.listed.is_none() && self.left_out.is_empty()
    }

    /// The same rules for a walk that starts at `folder`, which is named as the root is.
    pub(super) fn starting_at(&self, folder: &Path) -> Self {
        Self { prefix: with_slash(canonical(folder)), ..self.clone() }
    }

    /// Always leaves out this directory and what it holds, whatever the rules say: the place that is
    /// backed up to, the cache, the spool. It need not exist yet.
    pub fn exclude_subtree(&mut self, directory: PathBuf) {
        self.left_out.push(directory);
    }

    pub(super) fn left_out(&self) -> &[PathBuf] {
        &self.left_out
    }

    /// Whether a rule asks more than paths tell. Such rules only exclude: what is unwanted without the answer is
    /// unwanted with it.
    pub(super) fn asks_for_facts(&self) -> bool {
        self.rules.iter().any(|rule| {
            matches!(rule, Compiled::DeviceFiles | Compiled::OtherFilesystems | Compiled::OlderThan(_))
        })
    }

    /// `holds` tells whether the directory at `path` holds the marker.
    pub(super) fn decide(&self, path: &EntryPath, facts: &Facts, holds: impl Fn(Marker) -> bool) -> Decision {
        if self.rules.is_empty() {
            return Decision::Include;
        }
        let mut full = self.prefix.clone();
        glob::push_text(&mut full, path.as_bytes());
        let mut scan = false;
        for rule in self.rules.iter() {
            match rule.says(&full, facts, &holds) {
                None => {}
                Some(Decision::Scan) => scan = true,
                Some(Decision::Include) => return Decision::Include,
                Some(Decision::Exclude) if scan => return Decision::Scan,
                Some(Decision::Exclude) => return Decision::Exclude,
            }
        }
        if scan { Decision::Scan } else { Decision::Include }
    }

    /// What the rules say of an object in a backup. Of one that is lost no attributes are known.
    pub fn decide_stored(&self, path: &EntryPath, attributes: Option<&Attributes>) -> Decision {
        self.decide(path, &attributes.map(Facts::of).unwrap_or_default(), |_| false)
    }
}

impl Compiled {
    fn says(&self, path: &str, facts: &Facts, holds: &impl Fn(Marker) -> bool) -> Option<Decision> {
        let excludes = match self {
            Self::Pattern { pattern, include: true } => {
                return match pattern.fits(path, facts.is_directory) {
                    Fit::Matches => Some(Decision::Include),
                    Fit::Leads => Some(Decision::Scan),
                    Fit::Not => None,
                };
            }
            Self::Pattern { pattern, include: false } => pattern.matches(path, facts.is_directory),
            Self::IfPresent(name) => facts.is_directory && holds(Marker::Named(name)),
            Self::DeviceFiles => facts.is_device,
            Self::OtherFilesystems => facts.is_elsewhere,
            Self::OlderThan(time) => facts.written.is_some_and(|written| written < *time),
            Self::MarkedBelow(top) => {
                facts.is_directory && top.holds(path) && Marker::known().into_iter().any(holds)
            }
        };
        excludes.then_some(Decision::Exclude)
    }

    fn concerns(&self, base: &str) -> bool {
        match self {
            Self::Pattern { pattern, .. } => pattern.concerns(base),
            Self::MarkedBelow(top) => top.fits(base, true) != Fit::Not,
            Self::IfPresent(_) | Self::DeviceFiles | Self::OtherFilesystems | Self::OlderThan(_) => true,
        }
    }
}

/// Whether a directory says itself that it is not to be saved, as for [`Rule::MarkedBelow`].
pub fn is_marked(directory: &Path) -> bool {
    let directory = directory.as_os_str().as_bytes();
    Marker::known().into_iter().any(|marker| marker.is_in(CWD, directory))
}

fn compile_all(
    rules: impl IntoIterator<Item = Rule>,
    compile: impl Fn(Rule) -> Result<Compiled, SelectionError>,
) -> Result<Arc<[Compiled]>, SelectionError> {
    let (mut rules, others): (Vec<_>, Vec<_>) = rules.into_iter().partition(Rule::comes_first);
    // Only a plain name is ever found in a directory.
    rules.retain(|rule| !matches!(rule, Rule::IfPresent(name) if !is_name(name)));
    rules.extend(others);
    let redundant = match rules.last() {
        Some(Rule::Pattern { pattern, include: true, .. }) => Some(pattern.clone()),
        _ => None,
    };
    let rules = rules.into_iter().map(compile).collect::<Result<_, _>>()?;
    match redundant {
        Some(pattern) => Err(SelectionError::RedundantInclude { pattern }),
        None => Ok(rules),
    }
}

/// With the pattern, if there is one.
fn compile(rule: Rule) -> Result<(Option<OsString>, Compiled), SelectionError> {
    Ok(match rule {
        Rule::Pattern { pattern, include, syntax, ignore_case } => {
            let compiled = Pattern::new(&pattern, syntax, ignore_case)?;
            (Some(pattern), Compiled::Pattern { pattern: compiled, include })
        }
        Rule::MarkedBelow(pattern) => {
            let top = Pattern::glob(&pattern, false)?;
            (Some(pattern), Compiled::MarkedBelow(top))
        }
        Rule::IfPresent(name) => (None, Compiled::IfPresent(name)),
        Rule::DeviceFiles => (None, Compiled::DeviceFiles),
        Rule::OtherFilesystems => (None, Compiled::OtherFilesystems),
        Rule::OlderThan(time) => (None, Compiled::OlderThan(time)),
    })
}

/// Paths in a backup are relative and plain, and so must be the patterns that are no regular expressions.
fn within_backup(rule: Rule) -> Result<Rule, SelectionError> {
    let Rule::Pattern { pattern, include, syntax, ignore_case } = rule else { return Ok(rule) };
    let mut plain = pattern.as_bytes();
    while let (true, Some(rest)) = (syntax != Syntax::Regexp, plain.strip_prefix(b"./")) {
        plain = rest;
    }
    let is_dots = |part: &[u8]| matches!(part, b"." | b"..");
    let leaves =
        plain.is_empty() || plain.starts_with(b"/") || plain.split(|byte| *byte == b'/').any(is_dots);
    if syntax != Syntax::Regexp && leaves {
        return Err(SelectionError::OutsideBackup { pattern });
    }
    Ok(Rule::Pattern { pattern: OsString::from_vec(plain.to_vec()), include, syntax, ignore_case })
}

fn with_slash(path: String) -> String {
    if path.ends_with('/') { path } else { path + "/" }
}

fn is_name(name: &OsStr) -> bool {
    !matches!(name.as_bytes(), b"" | b"." | b"..") && !name.as_bytes().contains(&b'/')
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

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::expect_used)]
mod tests;
