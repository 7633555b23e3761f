//! From the words and options as typed to one complete request. Pure but for lists of files: variables and the time
//! are arguments.

use std::ffi::{OsStr, OsString};
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use super::grammar::{self, ACTIONS, Called, Removal, Verb, Word};
use super::keys::KeyOptions;
use super::options::Typed;
use super::selection;
use super::usage::UsageError;
use crate::destination::{Login, Spec, SshOptions, is_url};
use crate::engine::{ChangesOf, Mode, Outdated, Ownership, Prefixes, Renewal, parse_user_time};
use crate::entry::EntryPath;
use crate::tree::select::Selection;

/// What is asked for, before any passphrase.
#[derive(Debug)]
pub(super) struct Request {
    pub(super) action: Action,
    pub(super) place: Spec,
    /// Same for all spellings of the place.
    pub(super) address: OsString,
    pub(super) prefixes: Prefixes,
    /// This place's own cache folder.
    pub(super) cache: PathBuf,
    pub(super) encrypt: bool,
    pub(super) keys: KeyOptions,
    /// Without passwords.
    pub(super) login: Login,
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
        renewal: Renewal,
        skip_unchanged: bool,
        dry_run: bool,
        /// Store the counts, too.
        statistics: bool,
    },
    Restore {
        target: PathBuf,
        path: EntryPath,
        selection: Arc<Selection>,
        time: Option<i64>,
        force: bool,
        ownership: Ownership,
        renames: Vec<(EntryPath, EntryPath)>,
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
    Search {
        text: String,
    },
    Status,
    Changes(ChangesOf),
    /// Which of them a restore reads.
    Volumes {
        path: EntryPath,
        time: Option<i64>,
    },
    CleanUp {
        delete: bool,
    },
    Remove {
        outdated: Outdated,
        delete: bool,
    },
    Replicate {
        to: Box<Elsewhere>,
        before: Option<i64>,
    },
}

/// The place to which backups are copied; as in [`Request`].
#[derive(Clone, Debug)]
pub(super) struct Elsewhere {
    pub(super) place: Spec,
    pub(super) address: OsString,
    pub(super) cache: PathBuf,
}

pub(super) struct Environment<'a> {
    pub(super) variable: &'a dyn Fn(&str) -> Option<OsString>,
    /// The device file of the terminal that somebody sits at.
    pub(super) terminal: Option<String>,
    /// Seconds since 1970.
    pub(super) now: i64,
}

impl Request {
    pub(super) fn new(typed: Typed, environment: &Environment) -> Result<Self, UsageError> {
        let Words { verb, url, other } = Words::new(&typed)?;
        let place = Spec::parse(&url).map_err(UsageError::Place)?;
        let cache = cache(&typed, typed.name.as_ref(), &place, environment)?;
        let address = place.normalised().map_err(|_| UsageError::NoWorkingFolder)?;
        if matches!(verb, Verb::Backup(_))
            && Spec::from_folder(Path::new(&other)).normalised().is_ok_and(|of| of == address)
        {
            return Err(UsageError::SourceIsPlace);
        }
        let (encrypt, prefixes) = (!typed.no_encryption, typed.prefixes.clone());
        let keys = KeyOptions::new(&typed, environment)?;
        let login = login(&typed)?;
        let action = action(verb, other, typed, &place, &cache, environment)?;
        Ok(Self { action, place, address, prefixes, cache, encrypt, keys, login })
    }
}

/// What the words say.
struct Words {
    verb: Verb,
    url: OsString,
    /// The action's other word, if it has one.
    other: OsString,
}

impl Words {
    fn new(typed: &Typed) -> Result<Self, UsageError> {
        let (action, rest) = asked(&typed.words, typed.called)?;
        if rest.len() != action.words.len() {
            return Err(UsageError::Words { action: action.name(), expected: action.expected() });
        }
        let mut said = Self { verb: action.verb, url: OsString::new(), other: OsString::new() };
        for (kind, word) in action.words.iter().zip(rest) {
            match kind {
                Word::Place if said.url.is_empty() => said.url = word.clone(),
                _ if kind.is_path() && is_url(word) => return Err(UsageError::Direction),
                _ => said.other = word.clone(),
            }
        }
        if action.words.iter().any(|word| word.is_path()) && !is_url(&said.url) {
            return Err(UsageError::Direction);
        }
        Ok(said)
    }
}

/// The action that is named or implied, and the words that are for it.
fn asked(words: &[OsString], called: Called) -> Result<(&'static grammar::Action, &[OsString]), UsageError> {
    let actions = move || ACTIONS.iter().filter(move |action| called.knows(action.known));
    let named = |name: &OsStr| actions().find(|action| action.names.iter().any(|known| name == *known));
    let implied = |verb: Verb| actions().find(|action| action.verb == verb).ok_or(UsageError::Direction);
    match words {
        [] => Err(UsageError::Options("Nothing to do. See --help.".into())),
        [first, rest @ ..] if let Some(action) = named(first) => Ok((action, rest)),
        [first, second] => match (is_url(first), is_url(second)) {
            (false, true) => Ok((implied(Verb::Backup(Mode::Auto))?, words)),
            (true, false) => Ok((implied(Verb::Restore)?, words)),
            _ => Err(UsageError::Direction),
        },
        // There may be a password in it, so it is not repeated.
        [first, ..] if is_url(first) => Err(UsageError::Direction),
        [first, ..] => Err(UsageError::UnknownAction(first.clone())),
    }
}

fn action(
    verb: Verb,
    other: OsString,
    typed: Typed,
    place: &Spec,
    cache: &Path,
    environment: &Environment,
) -> Result<Action, UsageError> {
    let time_of = |text: &String| {
        parse_user_time(text, environment.now).map_err(|_| UsageError::Time { typed: text.clone() })
    };
    let time = typed.time.as_ref().map(time_of).transpose()?;
    let path = typed.path_to_restore.as_ref().map_or_else(|| Ok(EntryPath::root()), path_of)?;
    let delete = typed.force && !typed.dry_run;
    let local = PathBuf::from(&other);
    Ok(match verb {
        Verb::Backup(mode) => {
            let mut selection = selection::of_source(&typed, &local, environment)?;
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
                renewal: Renewal {
                    older_than: typed.full_if_older_than.as_ref().map(time_of).transpose()?,
                    increments: typed.full_if_n_inc,
                },
                skip_unchanged: typed.skip_if_no_change,
                dry_run: typed.dry_run,
                statistics: typed.jsonstat,
            }
        }
        Verb::Restore if typed.dry_run => Action::Volumes { path, time },
        Verb::Restore => {
            let ownership = match (typed.no_restore_ownership, typed.numeric_owner) {
                (true, _) => Ownership::Ignore,
                (false, true) => Ownership::ByNumber,
                (false, false) => Ownership::ByName,
            };
            let selection = Arc::new(selection::of_backup(&typed, environment)?);
            let renames = renames(&typed)?;
            Action::Restore { target: local, path, selection, time, force: typed.force, ownership, renames }
        }
        Verb::Verify => {
            let selection = Arc::new(selection::of_source(&typed, &local, environment)?);
            Action::Verify { local, path, time, selection, compare_data: typed.compare_data }
        }
        Verb::List => Action::List { time },
        Verb::Search => Action::Search { text: other.to_string_lossy().into_owned() },
        Verb::Status => match (&typed.file_changed, typed.show_changes_in_set) {
            (Some(path), _) => Action::Changes(ChangesOf::File(path_of(path)?)),
            (None, Some(number)) => Action::Changes(ChangesOf::Set(number)),
            (None, None) => Action::Status,
        },
        Verb::CleanUp => Action::CleanUp { delete },
        Verb::Remove(removal) => {
            let text = other.to_string_lossy().into_owned();
            let outdated = match removal {
                Removal::OlderThan => Outdated::Before(time_of(&text)?),
                Removal::AllButFulls => Outdated::AllButFulls(count(&text)?),
                Removal::IncrementsOfAllButFulls => Outdated::IncrementsOfAllButFulls(count(&text)?),
            };
            Action::Remove { outdated, delete }
        }
        Verb::Replicate if typed.dry_run => {
            return Err(UsageError::NotYet { what: "Replicating with --dry-run".into() });
        }
        Verb::Replicate => {
            let place = Spec::parse(&other).map_err(UsageError::Place)?;
            let address = place.normalised().map_err(|_| UsageError::NoWorkingFolder)?;
            // The name is that of the place that is read.
            let cache = self::cache(&typed, None, &place, environment)?;
            Action::Replicate { to: Box::new(Elsewhere { place, address, cache }), before: time }
        }
    })
}

/// How places on a network are to be reached.
fn login(typed: &Typed) -> Result<Login, UsageError> {
    let ssh = SshOptions::parse(&typed.ssh_options).map_err(UsageError::Ssh)?;
    let usual = Login { ssh, ..Login::default() };
    Ok(Login {
        patience: typed.timeout.filter(|seconds| *seconds > 0).map_or(usual.patience, Duration::from_secs),
        // The first try is no other connection.
        reconnects: typed.num_retries.map_or(usual.reconnects, |tries| tries.saturating_sub(1)),
        pause: typed.backend_retry_delay.map(Duration::from_secs),
        ..usual
    })
}

/// How many full backups are to stay.
fn count(text: &str) -> Result<u64, UsageError> {
    let number = text.parse::<u64>().ok().filter(|number| *number > 0);
    number.ok_or_else(|| UsageError::Count { typed: text.to_owned() })
}

/// Paths below what is restored.
fn renames(typed: &Typed) -> Result<Vec<(EntryPath, EntryPath)>, UsageError> {
    typed.renames.iter().map(|(from, to)| Ok((path_of(from)?, path_of(to)?))).collect()
}

/// A path below the root of the backup.
fn path_of(text: &OsString) -> Result<EntryPath, UsageError> {
    EntryPath::parse(text.as_bytes()).map_err(|_| UsageError::Path { typed: text.clone() })
}

/// duplicity's: a folder named by `--name` or the address, in the archive folder.
fn cache(
    typed: &Typed,
    name: Option<&OsString>,
    place: &Spec,
    environment: &Environment,
) -> Result<PathBuf, UsageError> {
    let variable = |name| (environment.variable)(name).filter(|value: &OsString| !value.is_empty());
    let archive = match (&typed.archive_dir, variable("XDG_CACHE_HOME"), variable("HOME")) {
        (Some(typed), _, _) => expand(typed, environment.variable),
        (None, Some(cache), _) => Path::new(&cache).join("duplicity"),
        (None, None, Some(home)) => Path::new(&home).join(".cache/duplicity"),
        (None, None, None) => return Err(UsageError::NoHome),
    };
    let name = name.cloned().unwrap_or_else(|| place.default_cache_name().into());
    Ok(archive.join(with_prefixes(name, &typed.prefixes)))
}

/// Backups under other prefixes are others, also at the same place: what is known of one, or was not finished, must
/// never be taken for the other's.
fn with_prefixes(mut name: OsString, prefixes: &Prefixes) -> OsString {
    if *prefixes != Prefixes::default() {
        let Prefixes { common, archive, manifest, signature, jsonstat } = prefixes;
        name.push(format!(".{common}+{archive}+{manifest}+{signature}+{jsonstat}"));
    }
    name
}

/// A leading `~` and `$NAME` or `${NAME}`, for shells that did not; what is unknown stays.
pub(super) fn expand(typed: &OsStr, variable: &dyn Fn(&str) -> Option<OsString>) -> PathBuf {
    let mut rest = typed.as_bytes();
    let mut expanded = Vec::new();
    if matches!(rest, [b'~'] | [b'~', b'/', ..])
        && let Some(home) = variable("HOME")
    {
        expanded.extend_from_slice(home.as_bytes());
        rest = &rest[1..];
    }
    while let Some(dollar) = rest.iter().position(|byte| *byte == b'$') {
        let (before, from_dollar) = rest.split_at(dollar);
        expanded.extend_from_slice(before);
        let (name, length) = variable_name(&from_dollar[1..]);
        let value = std::str::from_utf8(name).ok().and_then(variable);
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
