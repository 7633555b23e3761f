//! From the words and options as typed to one complete request. Pure: variables and the time are arguments.

use std::ffi::{OsStr, OsString};
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::options::Typed;
use super::usage::UsageError;
use crate::destination::{Spec, is_url};
use crate::engine::{Mode, Ownership, parse_user_time};
use crate::entry::EntryPath;
use crate::tree::select::Selection;

/// What is asked for, before any passphrase.
#[derive(Debug)]
pub(super) struct Request {
    pub(super) action: Action,
    pub(super) place: Spec,
    /// Same for all spellings of the place.
    pub(super) address: OsString,
    /// This place's own cache folder.
    pub(super) cache: PathBuf,
    pub(super) encrypt: bool,
}

#[derive(Clone, Debug)]
pub(super) enum Action {
    Backup {
        source: PathBuf,
        selection: Arc<Selection>,
        mode: Mode,
        /// In bytes.
        volume_size: Option<u64>,
        allow_source_mismatch: bool,
    },
    Restore {
        target: PathBuf,
        path: EntryPath,
        time: Option<i64>,
        force: bool,
        ownership: Ownership,
    },
    Verify {
        local: PathBuf,
        path: EntryPath,
        time: Option<i64>,
        selection: Arc<Selection>,
        compare_data: bool,
    },
    List {
        time: Option<i64>,
    },
    Status,
}

pub(super) struct Environment<'a> {
    pub(super) variable: &'a dyn Fn(&str) -> Option<OsString>,
    /// Seconds since 1970.
    pub(super) now: i64,
}

/// Which action a word or the order of the words asks for.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Verb {
    Backup(Mode),
    Restore,
    Verify,
    List,
    Status,
}

const ACTIONS: &[(&[&str], Verb)] = &[
    (&["backup", "bu"], Verb::Backup(Mode::Auto)),
    (&["full", "fb"], Verb::Backup(Mode::Full)),
    (&["incremental", "incremen", "incr", "inc", "ib"], Verb::Backup(Mode::Incremental)),
    (&["restore", "rb"], Verb::Restore),
    (&["verify", "vb"], Verb::Verify),
    (&["list-current-files", "ls"], Verb::List),
    (&["collection-status", "st"], Verb::Status),
];

const NOT_YET: &[&str] = &[
    "cleanup",
    "cl",
    "remove-older-than",
    "ro",
    "remove-all-but-n-full",
    "ra",
    "remove-all-inc-of-but-n-full",
    "ri",
    "replicate",
];

impl Verb {
    fn name(self) -> &'static str {
        ACTIONS.iter().find(|(_, verb)| *verb == self).map_or("", |(names, _)| names[0])
    }

    fn expected(self) -> &'static str {
        match self {
            Self::Backup(_) => "a source folder and the URL of a place",
            Self::Restore => "the URL of a place and a target folder",
            Self::Verify => "the URL of a place and a local folder",
            Self::List | Self::Status => "the URL of a place",
        }
    }
}

impl Request {
    pub(super) fn new(typed: Typed, environment: &Environment) -> Result<Self, UsageError> {
        let (verb, url, local) = words(&typed.words)?;
        let place = Spec::parse(&url).map_err(UsageError::Place)?;
        let cache = cache(&typed, &place, environment)?;
        let address = place.normalised().map_err(|_| UsageError::NoWorkingFolder)?;
        let encrypt = !typed.no_encryption;
        let action = action(verb, local, typed, &place, &cache, environment)?;
        Ok(Self { action, place, address, cache, encrypt })
    }
}

/// The action, the URL, and the folder of this computer if the action has one.
fn words(words: &[OsString]) -> Result<(Verb, OsString, PathBuf), UsageError> {
    let named = |word: &OsString| {
        let names = |(names, _): &&(&[&str], Verb)| names.iter().any(|name| word == name);
        ACTIONS.iter().find(names).map(|(_, verb)| *verb)
    };
    let (verb, rest) = match words {
        [] => return Err(UsageError::Options("Nothing to do. See --help.".into())),
        [first, ..] if NOT_YET.iter().any(|name| first == name) => {
            return Err(UsageError::NotYet { what: format!("The action {}", first.to_string_lossy()) });
        }
        [first, rest @ ..] if let Some(verb) = named(first) => (verb, rest),
        [first, second] => match (is_url(first), is_url(second)) {
            (false, true) => (Verb::Backup(Mode::Auto), words),
            (true, false) => (Verb::Restore, words),
            _ => return Err(UsageError::Direction),
        },
        [first, ..] => return Err(UsageError::UnknownAction(first.clone())),
    };
    let wrong = || UsageError::Words { action: verb.name(), expected: verb.expected() };
    match (verb, rest) {
        (Verb::Backup(_), [local, url]) if is_url(url) && !is_url(local) => {
            Ok((verb, url.clone(), local.into()))
        }
        (Verb::Restore | Verb::Verify, [url, local]) if is_url(url) && !is_url(local) => {
            Ok((verb, url.clone(), local.into()))
        }
        (Verb::Backup(_) | Verb::Restore | Verb::Verify, [_, _]) => Err(UsageError::Direction),
        (Verb::List | Verb::Status, [url]) => Ok((verb, url.clone(), PathBuf::new())),
        _ => Err(wrong()),
    }
}

fn action(
    verb: Verb,
    local: PathBuf,
    typed: Typed,
    place: &Spec,
    cache: &Path,
    environment: &Environment,
) -> Result<Action, UsageError> {
    let time = match &typed.time {
        None => None,
        Some(text) => Some(
            parse_user_time(text, environment.now).map_err(|_| UsageError::Time { typed: text.clone() })?,
        ),
    };
    let path = match &typed.path_to_restore {
        None => EntryPath::root(),
        Some(text) => {
            EntryPath::parse(text.as_bytes()).map_err(|_| UsageError::Path { typed: text.clone() })?
        }
    };
    if matches!(verb, Verb::Restore) && !typed.rules.is_empty() {
        return Err(UsageError::NotYet { what: "Selecting files of a restore by patterns".into() });
    }
    Ok(match verb {
        Verb::Backup(mode) => {
            let mut selection = Selection::new(&local, typed.rules)?;
            // A backup must not swallow itself.
            selection.exclude_subtree(cache.to_path_buf());
            if let Some(folder) = place.folder() {
                selection.exclude_subtree(folder.to_path_buf());
            }
            Action::Backup {
                source: local,
                selection: Arc::new(selection),
                mode,
                volume_size: typed.volsize.map(|mebibytes| mebibytes << 20),
                allow_source_mismatch: typed.allow_source_mismatch,
            }
        }
        Verb::Restore => {
            let ownership = match (typed.no_restore_ownership, typed.numeric_owner) {
                (true, _) => Ownership::Ignore,
                (false, true) => Ownership::ByNumber,
                (false, false) => Ownership::ByName,
            };
            Action::Restore { target: local, path, time, force: typed.force, ownership }
        }
        Verb::Verify => {
            let selection = Arc::new(Selection::new(&local, typed.rules)?);
            Action::Verify { local, path, time, selection, compare_data: typed.compare_data }
        }
        Verb::List => Action::List { time },
        Verb::Status => Action::Status,
    })
}

/// duplicity's: a folder named by `--name` or the address, in the archive folder.
fn cache(typed: &Typed, place: &Spec, environment: &Environment) -> Result<PathBuf, UsageError> {
    let variable = |name| (environment.variable)(name).filter(|value: &OsString| !value.is_empty());
    let archive = match (&typed.archive_dir, variable("XDG_CACHE_HOME"), variable("HOME")) {
        (Some(typed), _, _) => expand(typed, environment),
        (None, Some(cache), _) => Path::new(&cache).join("duplicity"),
        (None, None, Some(home)) => Path::new(&home).join(".cache/duplicity"),
        (None, None, None) => return Err(UsageError::NoHome),
    };
    Ok(match &typed.name {
        Some(name) => archive.join(name),
        None => archive.join(place.default_cache_name()),
    })
}

/// A leading `~` and `$NAME` or `${NAME}`, for shells that did not; what is unknown stays.
pub(super) fn expand(typed: &OsStr, environment: &Environment) -> PathBuf {
    let mut rest = typed.as_bytes();
    let mut expanded = Vec::new();
    if matches!(rest, [b'~'] | [b'~', b'/', ..])
        && let Some(home) = (environment.variable)("HOME")
    {
        expanded.extend_from_slice(home.as_bytes());
        rest = &rest[1..];
    }
    while let Some(dollar) = rest.iter().position(|byte| *byte == b'$') {
        let (before, from_dollar) = rest.split_at(dollar);
        expanded.extend_from_slice(before);
        let (name, length) = variable_name(&from_dollar[1..]);
        let value = std::str::from_utf8(name).ok().and_then(|name| (environment.variable)(name));
        let (taken, tail) = from_dollar.split_at(1 + length);
        expanded.extend_from_slice(value.as_ref().map_or(taken, |value| value.as_bytes()));
        rest = tail;
    }
    expanded.extend_from_slice(rest);
    OsString::from_vec(expanded).into()
}

/// The name at the start of what follows a dollar sign, and its length with braces.
fn variable_name(text: &[u8]) -> (&[u8], usize) {
    if let [b'{', braced @ ..] = text
        && let Some(end) = braced.iter().position(|byte| *byte == b'}')
    {
        return (&braced[..end], end + 2);
    }
    let end =
        text.iter().position(|byte| !byte.is_ascii_alphanumeric() && *byte != b'_').unwrap_or(text.len());
    (&text[..end], end)
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::expect_used)]
mod tests {
    use super::*;
    use crate::cli::exit;

    /// 2020-09-13 12:26:40 UTC.
    const NOW: i64 = 1_600_000_000;

    fn variable(name: &str) -> Option<OsString> {
        let value = match name {
            "HOME" => "/home/u",
            "PLACE" => "disk",
            _ => return None,
        };
        Some(value.into())
    }

    fn request(line: &str) -> Result<Request, UsageError> {
        let words = std::iter::once("hindsight-cli").chain(line.split_whitespace());
        let environment = Environment { variable: &variable, now: NOW };
        Request::new(Typed::parse(words.map(OsString::from))?, &environment)
    }

    fn action(line: &str) -> Action {
        request(line).unwrap_or_else(|error| panic!("{line}: {error}")).action
    }

    fn code(line: &str) -> u8 {
        exit::of_usage(&request(line).map(|request| request.action).expect_err(line))
    }

    #[test]
    fn actions_are_named_abbreviated_or_implied() {
        let mode = |line: &str| match action(line) {
            Action::Backup { mode, source, .. } => (mode, source),
            other => panic!("{line}: {other:?}"),
        };
        for (names, expected) in [
            ("backup bu", Mode::Auto),
            ("full fb", Mode::Full),
            ("incremental inc incr ib", Mode::Incremental),
        ] {
            for name in names.split(' ') {
                assert_eq!(mode(&format!("{name} /src file:///dst")), (expected, "/src".into()), "{name}");
            }
        }
        assert_eq!(mode("/src file:///dst"), (Mode::Auto, "/src".into()));
        assert_eq!(mode("full/ file:///dst"), (Mode::Auto, "full/".into()));
        for line in ["file:///src dst", "restore file:///src dst", "rb file:///src dst"] {
            assert!(matches!(action(line), Action::Restore { .. }), "{line}");
        }
        for line in ["verify file:///src dst", "vb file:///src dst"] {
            assert!(matches!(action(line), Action::Verify { .. }), "{line}");
        }
        for line in ["list-current-files file:///src", "ls file:///src"] {
            assert!(matches!(action(line), Action::List { .. }), "{line}");
        }
        for line in ["collection-status file:///src", "st file:///src"] {
            assert!(matches!(action(line), Action::Status), "{line}");
        }
    }

    #[test]
    fn options_stand_anywhere_and_may_be_abbreviated() {
        for line in [
            "--path-to-restore a/b --time 3D restore file:///src dst --force",
            "restore --path a/b file:///src -t 3D dst --force",
            "file:///src --file-to-restore=a/b dst --restore-t=3D --forc",
            "-ra/b -t3D --force file:///src dst",
        ] {
            let Action::Restore { target, path, time, force, ownership } = action(line) else {
                panic!("{line}")
            };
            assert_eq!((target.as_path(), path.as_bytes()), (Path::new("dst"), b"a/b".as_slice()), "{line}");
            assert_eq!((time, force, ownership), (Some(NOW - 3 * 86_400), true, Ownership::ByName), "{line}");
        }
    }

    #[test]
    fn of_contradicting_options_the_last_wins() {
        assert!(!request("--no-encryption /src file:///dst").unwrap().encrypt);
        assert!(request("--no-encrypt --encryption /src file:///dst").unwrap().encrypt);
        assert!(!request("--encryption --no-encryption --no-encryption /src file:///dst").unwrap().encrypt);
        let Action::Backup { volume_size, .. } = action("--volsize 5 --vol=1 /src file:///dst") else {
            panic!()
        };
        assert_eq!(volume_size, Some(1 << 20));
    }

    #[test]
    fn ownership_of_restored_files_is_by_name_by_number_or_left() {
        let ownership = |option: &str| match action(&format!("file:///src dst {option}")) {
            Action::Restore { ownership, .. } => ownership,
            other => panic!("{other:?}"),
        };
        assert_eq!(ownership(""), Ownership::ByName);
        assert_eq!(ownership("--numeric-owner"), Ownership::ByNumber);
        assert_eq!(ownership("--no-restore-ownership"), Ownership::Ignore);
        assert_eq!(ownership("--do-not-restore-ownership --numeric-owner"), Ownership::Ignore);
    }

    #[test]
    fn selection_rules_keep_their_order_across_options() {
        use crate::tree::select::Rule;
        let words =
            ["x", "--exclude", "/s/a", "--include=/s/b", "/s", "--exclude-if-present", "N", "--exclude=/s/c"];
        let typed = Typed::parse(words.map(OsString::from)).unwrap();
        let expected = [
            Rule::exclude("/s/a"),
            Rule::include("/s/b"),
            Rule::IfPresent("N".into()),
            Rule::exclude("/s/c"),
        ];
        assert_eq!(typed.rules, expected);
    }

    #[test]
    fn the_cache_is_where_duplicity_has_it() {
        let cache = |line: &str| request(line).unwrap().cache;
        let url = "file:///tmp/backup";
        let md5 = "ba8d32ccb88d13597b4784252744fc75";
        assert_eq!(cache(&format!("st {url}")), Path::new("/home/u/.cache/duplicity").join(md5));
        assert_eq!(cache(&format!("st {url} --archive-dir /c --name n")), Path::new("/c/n"));
        assert_eq!(cache(&format!("st {url} --archive-dir=~/c --name n")), Path::new("/home/u/c/n"));
        assert_eq!(
            cache(&format!("st {url} --archive-dir /$PLACE/${{PLACE}}s --name n")),
            Path::new("/disk/disks/n")
        );
        assert_eq!(cache(&format!("st {url} --archive-dir /$NONE/~ --name n")), Path::new("/$NONE/~/n"));
    }

    #[test]
    fn what_cannot_be_followed_is_refused_with_duplicitys_codes() {
        for (line, expected) in [
            ("", 23),
            ("--nope st file:///x", 23),
            ("-v 77 st file:///x", 23),
            ("-v", 23),
            ("--ex x", 23),
            ("unknown-action", 23),
            ("unknown-action file:///x y", 23),
            ("cleanup file:///x", 23),
            ("--log-fd 3 st file:///x", 23),
            ("--log-fd=3 st file:///x", 23),
            ("/a /b", 23),
            ("file:///a file:///b", 23),
            ("full file:///a /b", 23),
            ("restore /b file:///a", 23),
            ("full /a", 23),
            ("st", 23),
            ("st file:///a file:///b", 23),
            ("st /a", 23),
            ("st gopher://a/b", 23),
            ("ls file:///x --time 3d", 23),
            ("restore file:///x y -r ../z", 23),
            ("/src file:///x --volsize 0", 23),
            ("/src file:///x --exclude /other", 14),
            ("/src file:///x --exclude /src//a", 15),
            ("/src file:///x --include /src/a", 16),
        ] {
            assert_eq!(code(line), expected, "{line}");
        }
        for line in ["--help", "-h st", "--version", "-V"] {
            assert_eq!(code(line), 0, "{line}");
        }
    }

    #[test]
    fn a_refused_address_is_not_repeated() {
        let error = request("st gopher://me:secret@host/x").unwrap_err();
        assert!(!error.to_string().contains("secret"), "{error}");
        assert!(!format!("{error:?}").contains("secret"));
    }

    #[test]
    fn verbosity_has_names_and_numbers() {
        for (typed, expected) in
            [("0", 0), ("9", 9), ("Error", 0), ("w", 2), ("NOTICE", 3), ("info", 5), ("d", 9)]
        {
            let words = ["x", "-v", typed].map(OsString::from);
            assert_eq!(Typed::parse(words).unwrap().verbosity, expected, "{typed}");
        }
        assert_eq!(Typed::parse(["x", "-v5"].map(OsString::from)).unwrap().verbosity, 5);
        assert_eq!(Typed::parse([OsString::from("x")]).unwrap().verbosity, 3);
    }
}
