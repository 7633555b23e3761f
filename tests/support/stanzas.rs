//! The log for programs (`--log-fd`, `--log-file`), read as front ends read it.

use std::fmt;
use std::os::unix::fs::symlink;
use std::path::Path;

use super::cli::{Program, ours};

#[derive(Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Stanza {
    pub(crate) keyword: String,
    pub(crate) code: u32,
    /// As they are in the line.
    pub(crate) arguments: String,
    pub(crate) data: Vec<String>,
    /// Without the full stops.
    pub(crate) text: Vec<String>,
}

impl Stanza {
    pub(crate) fn is(&self, keyword: &str, code: u32) -> bool {
        self.keyword == keyword && self.code == code
    }

    /// Its first line.
    pub(crate) fn head(&self) -> String {
        format!("{} {} {}", self.keyword, self.code, self.arguments).trim_end().into()
    }
}

impl fmt::Debug for Stanza {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (head, data, text) = (self.head(), self.data.join("\n"), self.text.join("\n. "));
        write!(f, "{head}\n{data}\n. {text}")
    }
}

/// Fails on anything that is no stanza.
pub(crate) fn parse(log: &str) -> Vec<Stanza> {
    assert!(log.is_empty() || log.ends_with("\n\n"), "the log ends in the middle of a stanza: {log}");
    log.split("\n\n").filter(|stanza| !stanza.is_empty()).map(stanza).collect()
}

fn stanza(lines: &str) -> Stanza {
    let mut lines = lines.lines();
    let head = lines.next().unwrap();
    let mut words = head.splitn(3, ' ');
    let (keyword, code) = (words.next().unwrap(), words.next().unwrap_or_else(|| panic!("no code: {head}")));
    assert!(["ERROR", "WARNING", "NOTICE", "INFO", "DEBUG"].contains(&keyword), "{head}");
    let (text, data): (Vec<_>, Vec<_>) = lines.partition(|line| line.starts_with(". "));
    Stanza {
        keyword: keyword.into(),
        code: code.parse().unwrap_or_else(|_| panic!("no code: {head}")),
        arguments: words.next().unwrap_or_default().into(),
        data: data.into_iter().map(str::to_owned).collect(),
        text: text.into_iter().map(|line| line[2..].to_owned()).collect(),
    }
}

/// Our program by the name of duplicity, in `folder`.
pub(crate) fn named_duplicity(folder: &Path) -> Program {
    let path = folder.join("duplicity");
    symlink(ours().path, &path).unwrap();
    Program { name: "ours", path }
}
