//! The selection options of a command line, in their order, become rules.

use std::ffi::OsString;
use std::path::PathBuf;

use super::filelist::{self, Separator};
use super::listed::Listed;
use super::rule::{Rule, SelectionError, Syntax};

/// One option as typed.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Choice {
    /// Whatever the filters before it make of the pattern.
    Pattern {
        pattern: OsString,
        include: bool,
    },
    Regexp {
        pattern: OsString,
        include: bool,
    },
    /// `include` counts for lines without a sign.
    Filelist {
        path: PathBuf,
        include: bool,
    },
    FilesFrom(PathBuf),
    /// What means the same wherever it stands.
    Rule(Rule),
    Filter(Filter),
}

/// Options that change how later patterns are read.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Filter {
    Globbing,
    Literal,
    Regexp,
    IgnoreCase,
    StrictCase,
}

/// What the options say together.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Choices {
    pub rules: Vec<Rule>,
    /// Of several lists the last counts, as in duplicity.
    pub listed: Option<Listed>,
}

impl Choices {
    /// Reads the files that the options name.
    pub fn read(choices: &[Choice], separator: Separator) -> Result<Self, SelectionError> {
        check_filters(choices)?;
        let mut read = Self::default();
        let (mut syntax, mut ignore_case) = (Syntax::default(), false);
        for choice in choices {
            match choice {
                Choice::Pattern { pattern, include } => {
                    read.rules.push(Rule::pattern(pattern.clone(), *include, syntax, ignore_case));
                }
                Choice::Regexp { pattern, include } => {
                    read.rules.push(Rule::pattern(pattern.clone(), *include, Syntax::Regexp, ignore_case));
                }
                Choice::Filelist { path, include } => {
                    let text = filelist::read(path)?;
                    let lines = separator.lines(&text).filter_map(|line| filelist::rule(line, *include));
                    let rule = |(pattern, include)| Rule::pattern(pattern, include, syntax, ignore_case);
                    read.rules.extend(lines.map(rule));
                }
                Choice::FilesFrom(path) => {
                    read.listed = Some(Listed::parse(&filelist::read(path)?, separator, path)?);
                }
                Choice::Rule(rule) => read.rules.push(rule.clone()),
                Choice::Filter(Filter::Globbing) => syntax = Syntax::Glob,
                Choice::Filter(Filter::Literal) => syntax = Syntax::Literal,
                Choice::Filter(Filter::Regexp) => syntax = Syntax::Regexp,
                Choice::Filter(Filter::IgnoreCase) => ignore_case = true,
                Choice::Filter(Filter::StrictCase) => ignore_case = false,
            }
        }
        Ok(read)
    }
}

/// duplicity takes a filter that changes nothing for a mistake.
fn check_filters(choices: &[Choice]) -> Result<(), SelectionError> {
    if matches!(choices.last(), Some(Choice::Filter(_))) {
        return Err(SelectionError::TrailingFilter);
    }
    let mut filters = choices.iter().filter(|choice| matches!(choice, Choice::Filter(_))).peekable();
    let is_default =
        |choice: &Choice| matches!(choice, Choice::Filter(Filter::Globbing | Filter::StrictCase));
    if filters.peek().is_some() && filters.all(is_default) {
        return Err(SelectionError::RedundantFilter);
    }
    Ok(())
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use std::fs;

    use tempfile::TempDir;

    use super::*;
    use crate::entry::EntryPath;

    fn exclude(pattern: &str) -> Choice {
        Choice::Pattern { pattern: pattern.into(), include: false }
    }

    fn rules(choices: &[Choice]) -> Vec<Rule> {
        Choices::read(choices, Separator::Newline).unwrap().rules
    }

    fn rule(pattern: &str, include: bool, syntax: Syntax, ignore_case: bool) -> Rule {
        Rule::Pattern { pattern: pattern.into(), include, syntax, ignore_case }
    }

    #[test]
    fn filters_change_how_later_patterns_are_read() {
        let choices = [
            exclude("a"),
            Choice::Filter(Filter::Literal),
            exclude("b"),
            Choice::Filter(Filter::IgnoreCase),
            exclude("c"),
            Choice::Filter(Filter::Regexp),
            exclude("ignorecase:d"),
            Choice::Filter(Filter::StrictCase),
            Choice::Regexp { pattern: "e".into(), include: true },
            Choice::Filter(Filter::Globbing),
            exclude("f"),
            exclude("IgnoreCase:g"),
        ];
        let expected = [
            rule("a", false, Syntax::Glob, false),
            rule("b", false, Syntax::Literal, false),
            rule("c", false, Syntax::Literal, true),
            rule("ignorecase:d", false, Syntax::Regexp, true),
            rule("e", true, Syntax::Regexp, false),
            rule("f", false, Syntax::Glob, false),
            rule("g", false, Syntax::Glob, true),
        ];
        assert_eq!(rules(&choices), expected);
    }

    #[test]
    fn filters_that_change_nothing_are_refused() {
        let filter = Choice::Filter;
        let read = |choices: &[Choice]| Choices::read(choices, Separator::Newline).map(|_| ());
        for choices in [&[exclude("a"), filter(Filter::Literal)][..], &[filter(Filter::Globbing)]] {
            assert_eq!(read(choices), Err(SelectionError::TrailingFilter));
        }
        for filters in [&[Filter::Globbing][..], &[Filter::StrictCase, Filter::Globbing]] {
            let filters = filters.iter().copied().map(filter);
            let choices: Vec<_> = filters.chain([exclude("a")]).collect();
            assert_eq!(read(&choices), Err(SelectionError::RedundantFilter));
        }
        assert_eq!(read(&[filter(Filter::Globbing), filter(Filter::Regexp), exclude("a")]), Ok(()));
    }

    #[test]
    fn the_lines_of_a_list_stand_where_the_list_stands() {
        let folder = TempDir::new().unwrap();
        let path = folder.path().join("list");
        fs::write(&path, "b\n# c\n+ d\n").unwrap();
        let choices = [exclude("a"), Choice::Filelist { path: path.clone(), include: false }, exclude("e")];
        let expected = [Rule::exclude("a"), Rule::exclude("b"), Rule::include("d"), Rule::exclude("e")];
        assert_eq!(rules(&choices), expected);
        fs::write(&path, "b\nc\0d").unwrap();
        let read = Choices::read(&[Choice::Filelist { path, include: true }], Separator::Nul).unwrap();
        assert_eq!(read.rules, [Rule::include("b\nc"), Rule::include("d")]);
        let missing = Choice::FilesFrom(folder.path().join("missing"));
        assert!(matches!(
            Choices::read(&[missing], Separator::Newline),
            Err(SelectionError::UnreadableList { .. })
        ));
    }

    #[test]
    fn of_several_lists_of_files_the_last_counts() {
        let folder = TempDir::new().unwrap();
        let list = |name: &str| {
            fs::write(folder.path().join(name), name).unwrap();
            Choice::FilesFrom(folder.path().join(name))
        };
        let read = Choices::read(&[list("a"), list("b")], Separator::Newline).unwrap();
        let (listed, root) = (read.listed.unwrap(), EntryPath::root());
        assert_eq!(listed.names_in(&root).collect::<Vec<_>>(), [b"b"]);
    }
}
