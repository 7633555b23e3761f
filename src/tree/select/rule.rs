//! One rule, as it is given, and why rules are refused.

use std::ffi::OsString;
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::path::PathBuf;

use crate::tree::glob::GlobError;

/// One selection rule, in its order.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Rule {
    /// `--include`, `--exclude`, their `-regexp` and a line of their `-filelist`.
    Pattern { pattern: OsString, include: bool, syntax: Syntax, ignore_case: bool },
    /// `--exclude-if-present`: leaves out a directory that holds an object of this name. Such rules come
    /// first wherever they stand.
    IfPresent(OsString),
    /// `--exclude-device-files`. Comes first too.
    DeviceFiles,
    /// `--exclude-other-filesystems`: other ones than the root's.
    OtherFilesystems,
    /// `--exclude-older-than`: leaves out regular files last written before, in seconds since 1970.
    OlderThan(i64),
    /// Leaves out directories below these, but not these themselves, that say so by a file in them:
    /// `CACHEDIR.TAG`, `.hindsight-ignore`, `.deja-dup-ignore`.
    MarkedBelow(OsString),
}

/// How a pattern is written.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub enum Syntax {
    /// A shell pattern; a leading `ignorecase:` is an instruction.
    #[default]
    Glob,
    /// A path, and what lies below it.
    Literal,
    /// Found anywhere in the path.
    Regexp,
}

impl Rule {
    /// A shell pattern as typed.
    pub fn include(pattern: impl Into<OsString>) -> Self {
        Self::pattern(pattern.into(), true, Syntax::Glob, false)
    }

    /// See [`Rule::include`].
    pub fn exclude(pattern: impl Into<OsString>) -> Self {
        Self::pattern(pattern.into(), false, Syntax::Glob, false)
    }

    /// As typed.
    pub(super) fn pattern(pattern: OsString, include: bool, syntax: Syntax, ignore_case: bool) -> Self {
        const IGNORE_CASE: &[u8] = b"ignorecase:";
        match pattern.as_bytes().split_at_checked(IGNORE_CASE.len()) {
            Some((prefix, rest)) if syntax == Syntax::Glob && prefix.eq_ignore_ascii_case(IGNORE_CASE) => {
                let pattern = OsString::from_vec(rest.to_vec());
                Self::Pattern { pattern, include, syntax, ignore_case: true }
            }
            _ => Self::Pattern { pattern, include, syntax, ignore_case },
        }
    }

    /// Tried before all that stand among the others.
    pub(super) fn comes_first(&self) -> bool {
        matches!(self, Self::IfPresent(_) | Self::DeviceFiles)
    }
}

#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
pub enum SelectionError {
    /// Exit code 14.
    #[error("the pattern {pattern:?} can match nothing below {root:?}")]
    OutsideSource { pattern: OsString, root: PathBuf },
    /// Exit code 14.
    #[error("the pattern {pattern:?} can match nothing in a backup")]
    OutsideBackup { pattern: OsString },
    /// Exit code 15.
    #[error("the pattern {pattern:?} is not valid: {reason}")]
    InvalidPattern { pattern: OsString, reason: GlobError },
    /// Exit code 30: there nobody catches it.
    #[error("the regular expression {pattern:?} cannot be used: {reason}")]
    InvalidRegexp { pattern: OsString, reason: String },
    /// Exit code 16: what no rule decides is included anyway, so this is hardly what was meant.
    #[error("the last selection rule {pattern:?} only includes, which changes nothing")]
    RedundantInclude { pattern: OsString },
    /// Exit code 70.
    #[error("the filters only choose what is the default")]
    RedundantFilter,
    /// Exit code 71.
    #[error("the last selection option is a filter, which changes nothing")]
    TrailingFilter,
    /// Exit code 23.
    #[error("the list {path:?} cannot be read: {reason}")]
    UnreadableList { path: PathBuf, reason: String },
    /// Exit code 72.
    #[error("{entry:?} in the list {path:?} does not lie in the source")]
    ListedOutside { path: PathBuf, entry: OsString },
    /// Exit code 73.
    #[error("the list {path:?} names no files")]
    EmptyList { path: PathBuf },
}
