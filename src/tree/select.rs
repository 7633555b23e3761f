//! Which objects of the source belong to a backup: duplicity's ordered rules (`FORMAT.md` 15).
//!
//! Rules are tried in order and the first that decides wins; what no rule decides is included. An include
//! below a folder that it does not cover itself makes that folder *scanned*: entered, and part of the backup only if something
//! inside is.

use std::ffi::{OsStr, OsString};
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use rustix::fs::CWD;

use super::glob::{self, Fit, Glob, GlobError};
use super::marker::Marker;
use crate::entry::EntryPath;

/// One selection option of the command line, in its order.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Rule {
    /// `--include`, `--exclude`.
    Glob { pattern: OsString, include: bool, ignore_case: bool },
    /// `--exclude-if-present`: leaves out a directory that holds an object of this name. Such rules come
    /// first wherever they stand.
    IfPresent(OsString),
    /// Leaves out directories below these, but not these themselves, that say so by a file in them:
    /// `CACHEDIR.TAG`, `.hindsight-ignore`, `.deja-dup-ignore`.
    MarkedBelow(OsString),
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
#[derive(Clone, Debug, Default)]
pub struct Selection {
    /// The root as typed, in the form that patterns are matched against, with a final slash.
    prefix: String,
    rules: Arc<[Compiled]>,
    left_out: Vec<PathBuf>,
}

#[derive(Debug)]
enum Compiled {
    Glob { glob: Glob, include: bool },
    IfPresent(OsString),
    MarkedBelow(Glob),
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
        // Only a plain name is ever found in a directory.
        rules.retain(|rule| !matches!(rule, Rule::IfPresent(name) if !is_name(name)));
        rules.extend(others);
        if let Some(Rule::Glob { pattern, include: true, .. }) = rules.last() {
            return Err(SelectionError::RedundantInclude { pattern: pattern.clone() });
        }
        let base = canonical(root);
        let rules = rules.into_iter().map(|rule| compile(rule, root, &base)).collect::<Result<_, _>>()?;
        Ok(Self { prefix: with_slash(base), rules, left_out: Vec::new() })
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

    /// `holds` tells whether the directory at `path` holds the marker.
    pub(super) fn decide(
        &self,
        path: &EntryPath,
        is_directory: bool,
        holds: impl Fn(Marker) -> bool,
    ) -> Decision {
        if self.rules.is_empty() {
            return Decision::Include;
        }
        let mut full = self.prefix.clone();
        glob::push_text(&mut full, path.as_bytes());
        let mut scan = false;
        for rule in self.rules.iter() {
            let said = match rule {
                Compiled::Glob { glob, include: false } => {
                    glob.matches(&full, is_directory).then_some(Decision::Exclude)
                }
                Compiled::Glob { glob, include: true } => match glob.fits(&full, is_directory) {
                    Fit::Matches => Some(Decision::Include),
                    Fit::Leads => Some(Decision::Scan),
                    Fit::Not => None,
                },
                Compiled::IfPresent(name) => {
                    (is_directory && holds(Marker::Named(name))).then_some(Decision::Exclude)
                }
                Compiled::MarkedBelow(top) => {
                    let is_marked = || Marker::known().into_iter().any(&holds);
                    (is_directory && top.holds(&full) && is_marked()).then_some(Decision::Exclude)
                }
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

/// Whether a directory says itself that it is not to be saved, as for [`Rule::MarkedBelow`].
pub fn is_marked(directory: &Path) -> bool {
    let directory = directory.as_os_str().as_bytes();
    Marker::known().into_iter().any(|marker| marker.is_in(CWD, directory))
}

fn compile(rule: Rule, root: &Path, base: &str) -> Result<Compiled, SelectionError> {
    let (pattern, include, ignore_case) = match rule {
        Rule::IfPresent(name) => return Ok(Compiled::IfPresent(name)),
        Rule::MarkedBelow(pattern) => (pattern, None, false),
        Rule::Glob { pattern, include, ignore_case } => (pattern, Some(include), ignore_case),
    };
    let glob = match Glob::new(pattern.as_bytes(), ignore_case) {
        Ok(glob) => glob,
        Err(reason) => return Err(SelectionError::InvalidPattern { pattern, reason }),
    };
    if glob.fits(base, true) == Fit::Not {
        return Err(SelectionError::OutsideSource { pattern, root: root.to_path_buf() });
    }
    Ok(match include {
        Some(include) => Compiled::Glob { glob, include },
        None => Compiled::MarkedBelow(glob),
    })
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
mod tests {
    use std::fs;
    use std::os::unix::fs::symlink;

    use tempfile::TempDir;

    use super::*;
    use crate::context::Context;
    use crate::tree::walk::{Found, Walk};

    const FILES: [&[u8]; 16] = [
        b"a/b/f1",
        b"a/b/f2.txt",
        b"a/c/.nobackup",
        b"a/c/f",
        b"a/\xc3\xa9",
        b"a/\xff",
        b"a/x",
        b"ab/f1",
        b"B/F1.TXT",
        b"d/e/f/deep.txt",
        b"d/e/g.txt",
        b"[x/f",
        b"a-b",
        b".hidden",
        b"f.txt",
        b"xx.log",
    ];

    fn sample() -> TempDir {
        let folder = TempDir::new().unwrap();
        let source = folder.path().join("src");
        for file in FILES {
            let path = source.join(OsStr::from_bytes(file));
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, b"").unwrap();
        }
        fs::create_dir(source.join("empty")).unwrap();
        symlink("a", source.join("link")).unwrap();
        folder
    }

    /// Paths below the root; bytes beyond ASCII as `%XX`.
    fn chosen(folder: &Path, typed: &str, rules: Vec<Rule>) -> Result<Vec<String>, SelectionError> {
        let selection = Selection::new(Path::new(typed), rules)?;
        let walk = Walk::new(folder.join(typed), Arc::new(selection), &Context::silent()).unwrap();
        let show = |found| match found {
            Found::Entry(entry) => entry.path.as_bytes().iter().map(show_byte).collect::<String>(),
            Found::Unreadable { path, error } => panic!("{path}: {error}"),
        };
        let mut paths: Vec<_> = walk.map(show).collect();
        assert_eq!(paths.remove(0), "", "the root comes first");
        Ok(paths)
    }

    fn show_byte(byte: &u8) -> String {
        if byte.is_ascii() { char::from(*byte).into() } else { format!("%{byte:02X}") }
    }

    fn parse_rule(text: &str) -> Rule {
        match text.split_at(2) {
            ("+ ", pattern) => Rule::include(pattern),
            ("- ", pattern) => Rule::exclude(pattern),
            (_, name) => Rule::IfPresent(name.into()),
        }
    }

    #[test]
    fn the_same_objects_are_chosen_as_by_stock_duplicity() {
        let folder = sample();
        let all = chosen(folder.path(), "src", Vec::new()).unwrap();
        let cases = include_str!("select_cases.txt").replace('@', folder.path().to_str().unwrap());
        for case in cases.lines().filter(|line| !line.starts_with('#')) {
            let (options, expected) = case.split_once(" => ").unwrap();
            let mut options = options.split(" | ");
            let typed = options.next().unwrap().trim_end_matches(" |");
            let found = chosen(folder.path(), typed, options.map(parse_rule).collect());
            let (verb, paths) = expected.split_once(' ').unwrap_or((expected, ""));
            let paths: Vec<_> = paths.split(' ').filter(|path| !path.is_empty()).collect();
            match (verb, found) {
                ("all", Ok(found)) => assert_eq!(found, all, "{case}"),
                ("only", Ok(found)) => assert_eq!(found, paths, "{case}"),
                ("without", Ok(found)) => {
                    let rest: Vec<_> = all.iter().filter(|path| !paths.contains(&path.as_str())).collect();
                    assert_eq!(found.iter().collect::<Vec<_>>(), rest, "{case}");
                }
                ("error", Err(error)) => assert_eq!(paths, [exit_code(&error).to_string()], "{case}"),
                (_, found) => panic!("{case}: {found:?}"),
            }
        }
    }

    fn exit_code(error: &SelectionError) -> u32 {
        match error {
            SelectionError::OutsideSource { .. } => 14,
            SelectionError::InvalidPattern { .. } => 15,
            SelectionError::RedundantInclude { .. } => 16,
        }
    }

    #[test]
    fn a_relative_dot_is_part_of_the_path_that_patterns_see() {
        let folder = sample();
        let found = chosen(folder.path(), ".", vec![Rule::exclude("./src/[!B]*")]).unwrap();
        assert_eq!(found, ["src", "src/B", "src/B/F1.TXT"]);
        let error = chosen(folder.path(), ".", vec![Rule::exclude("src/a")]).unwrap_err();
        assert_eq!(exit_code(&error), 14);
    }

    #[test]
    fn the_root_of_the_file_system_needs_no_second_slash() {
        let selection = Selection::new(Path::new("/"), [Rule::exclude("/proc")]).unwrap();
        let decide = |path: &[u8]| selection.decide(&EntryPath::parse(path).unwrap(), true, |_| false);
        assert_eq!(decide(b"proc"), Decision::Exclude);
        assert_eq!(decide(b"home/proc"), Decision::Include);
    }

    #[test]
    fn a_backward_range_is_an_invalid_pattern() {
        let error = Selection::new(Path::new("src"), [Rule::exclude("src/[b-a]")]).unwrap_err();
        assert_eq!(exit_code(&error), 15);
    }
}
