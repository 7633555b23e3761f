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
        Found::Unreadable { path, error, .. } => panic!("{path}: {error}"),
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
    let cases = include_str!("cases.txt").replace('@', folder.path().to_str().unwrap());
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
        other => panic!("{other}"),
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
    let decide = |path: &[u8]| {
        let facts = Facts::not_looked_at(true);
        selection.decide(&EntryPath::parse(path).unwrap(), &facts, |_| false)
    };
    assert_eq!(decide(b"proc"), Decision::Exclude);
    assert_eq!(decide(b"home/proc"), Decision::Include);
}

#[test]
fn a_backward_range_is_an_invalid_pattern() {
    let error = Selection::new(Path::new("src"), [Rule::exclude("src/[b-a]")]).unwrap_err();
    assert_eq!(exit_code(&error), 15);
}

#[test]
fn age_kind_and_file_system_count_once_an_object_was_looked_at() {
    let rules = [Rule::OlderThan(100), Rule::OtherFilesystems, Rule::DeviceFiles, Rule::exclude("src/x")];
    let selection = Selection::new(Path::new("src"), rules).unwrap();
    assert!(selection.asks_for_facts());
    let decide = |facts: Facts| selection.decide(&EntryPath::parse(b"a").unwrap(), &facts, |_| false);
    let at = |seconds| Timestamp { seconds, nanos: 5 };
    for (facts, decision) in [
        (Facts::new(Some(Kind::File), at(99)), Decision::Exclude),
        (Facts::new(Some(Kind::File), at(100)), Decision::Include),
        (Facts::new(Some(Kind::Directory), at(99)), Decision::Include),
        (Facts::new(Some(Kind::Symlink), at(99)), Decision::Include),
        (Facts::new(Some(Kind::CharDevice), at(200)), Decision::Exclude),
        (Facts::new(Some(Kind::Fifo), at(200)), Decision::Include),
        (Facts { is_elsewhere: true, ..Facts::default() }, Decision::Exclude),
        (Facts::not_looked_at(false), Decision::Include),
    ] {
        assert_eq!(decide(facts), decision, "{facts:?}");
    }
}

#[test]
fn of_listed_files_only_those_are_walked_and_rules_still_count() {
    let folder = sample();
    let list = folder.path().join("list");
    fs::write(&list, "a/b/f1\na/x\nd\nnone\n").unwrap();
    let chosen = |rules: Vec<Rule>| {
        let choices = Choices::read(&[Choice::FilesFrom(list.clone())], Separator::Newline).unwrap();
        let selection = Selection::new(Path::new("src"), rules).unwrap().only(choices.listed.unwrap());
        let walk = Walk::new(folder.path().join("src"), Arc::new(selection), &Context::silent()).unwrap();
        walk.map(|found| match found {
            Found::Entry(entry) => entry.path.to_string(),
            Found::Unreadable { path, error, .. } => panic!("{path}: {error}"),
        })
        .collect::<Vec<_>>()
    };
    assert_eq!(chosen(Vec::new()), [".", "a", "a/b", "a/b/f1", "a/x", "d"]);
    assert_eq!(chosen(vec![Rule::exclude("src/a/b")]), [".", "a", "a/x", "d"]);
    assert_eq!(chosen(vec![Rule::include("src/a/x"), Rule::exclude("**")]), [".", "a", "a/x"]);
}

#[test]
fn rules_of_a_restore_speak_of_paths_in_the_backup() {
    let decide = |rules: Vec<Rule>, path: &[u8]| {
        let directory = Attributes { kind: Kind::Directory, ..Attributes::default() };
        Selection::of_backup(rules).unwrap().decide_stored(&EntryPath::parse(path).unwrap(), Some(&directory))
    };
    let rules = || vec![Rule::include("./a/b"), Rule::exclude("**")];
    assert_eq!(decide(rules(), b"a"), Decision::Scan);
    assert_eq!(decide(rules(), b"a/b/c"), Decision::Include);
    assert_eq!(decide(rules(), b"b"), Decision::Exclude);
    for pattern in ["/a", "../a", "a/./b", "./", "."] {
        let refused = Selection::of_backup([Rule::exclude(pattern)]).unwrap_err();
        assert!(matches!(refused, SelectionError::OutsideBackup { .. }), "{pattern}: {refused}");
    }
    let regexp = Rule::pattern(r"^./b|\.\.".into(), false, Syntax::Regexp, false);
    assert_eq!(decide(vec![regexp], b"a/b"), Decision::Exclude);
}
