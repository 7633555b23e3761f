//! The command line as typed: duplicity's flat grammar, where options and words come in any order and long
//! options may be abbreviated. Nothing is interpreted here beyond single values.

use std::ffi::OsString;
use std::path::PathBuf;

use clap::parser::ValueSource;
use clap::{Arg, ArgAction, ArgMatches, Command, CommandFactory, FromArgMatches, Parser};

use super::usage::UsageError;
use crate::tree::select::Rule;

#[derive(Parser, Debug)]
#[command(
    name = "hindsight-cli",
    version,
    about = "Backups with a timeline, in duplicity's repository format",
    override_usage = "hindsight-cli [OPTIONS] [ACTION] SOURCE TARGET",
    after_help = ACTIONS_HELP,
    infer_long_args = true,
    args_override_self = true
)]
pub(super) struct Typed {
    /// The action and what it works on.
    #[arg(value_name = "WORDS", hide = true)]
    pub(super) words: Vec<OsString>,

    /// State at this time: `now`, seconds, `3D12h` ago, `2026-05-31`, `2026-05-31T12:00:00Z`.
    #[arg(short = 't', long, visible_alias = "restore-time")]
    pub(super) time: Option<String>,
    /// Only this file or folder of the backup.
    #[arg(short = 'r', long, value_name = "PATH", alias = "file-to-restore")]
    pub(super) path_to_restore: Option<OsString>,
    /// Restore over existing files.
    #[arg(long)]
    pub(super) force: bool,
    /// Give files to the archived user and group numbers rather than names.
    #[arg(long)]
    pub(super) numeric_owner: bool,
    /// Leave restored files to whoever restores.
    #[arg(long, alias = "do-not-restore-ownership")]
    pub(super) no_restore_ownership: bool,
    /// Compare with the local files too, not only what is stored with its checksums.
    #[arg(long)]
    pub(super) compare_data: bool,

    /// Save what matches the pattern; rules are tried in their order.
    #[arg(long, value_name = "PATTERN", action = ArgAction::Append)]
    pub(super) include: Vec<OsString>,
    /// Leave out what matches the pattern.
    #[arg(long, value_name = "PATTERN", action = ArgAction::Append)]
    pub(super) exclude: Vec<OsString>,
    /// Leave out folders that hold a file of this name.
    #[arg(long, value_name = "NAME", action = ArgAction::Append)]
    pub(super) exclude_if_present: Vec<OsString>,

    /// Do not encrypt.
    #[arg(long, overrides_with = "encryption")]
    pub(super) no_encryption: bool,
    /// Encrypt, with the passphrase unless there are keys (the default).
    #[arg(long, overrides_with = "no_encryption")]
    pub(super) encryption: bool,
    /// Encrypt to this key, in any form that gpg takes; may be given several times.
    #[arg(long, value_name = "KEY", action = ArgAction::Append)]
    pub(super) encrypt_key: Vec<String>,
    /// The same, but do not say in the files whose key it is.
    #[arg(long, value_name = "KEY", action = ArgAction::Append)]
    pub(super) hidden_encrypt_key: Vec<String>,
    /// Sign with this key; when reading, take only what it signed.
    #[arg(long, value_name = "KEY")]
    pub(super) sign_key: Option<String>,
    /// Encrypt to this key and sign with it.
    #[arg(long, value_name = "KEY", action = ArgAction::Append)]
    pub(super) encrypt_sign_key: Vec<String>,
    /// Leave the passphrases of secret keys to gpg-agent.
    #[arg(long)]
    pub(super) use_agent: bool,
    /// Which gpg says what keys there are.
    #[arg(long, value_name = "PATH")]
    pub(super) gpg_binary: Option<OsString>,
    /// Options for gpg, such as --homedir=FOLDER.
    #[arg(long, value_name = "OPTIONS", action = ArgAction::Append, allow_hyphen_values = true)]
    pub(super) gpg_options: Vec<String>,
    /// Take a passphrase that is easy to guess when asking for a new one.
    #[arg(long)]
    pub(super) allow_weak_password: bool,
    /// Size of a volume in MiB.
    #[arg(long, value_name = "MIB", value_parser = clap::value_parser!(u64).range(1..=1 << 20))]
    pub(super) volsize: Option<u64>,
    /// Accept another computer or source folder than the last backup's.
    #[arg(long)]
    pub(super) allow_source_mismatch: bool,
    /// Of a plan: files that have disappeared since the last backup were meant to go.
    #[arg(long)]
    pub(super) accept_missing: bool,

    /// Parent of the cache folders.
    #[arg(long, value_name = "PATH")]
    pub(super) archive_dir: Option<OsString>,
    /// Name of this backup's cache folder.
    #[arg(long)]
    pub(super) name: Option<OsString>,
    /// Folder for temporary files.
    #[arg(long, value_name = "PATH")]
    pub(super) tempdir: Option<OsString>,
    /// 0 to 9, or error, warning, notice, info, debug.
    #[arg(short, long, value_name = "LEVEL", default_value = "notice", value_parser = verbosity)]
    pub(super) verbosity: u8,
    /// Show progress even when there is no terminal.
    #[arg(long)]
    pub(super) progress: bool,
    /// Say nothing about the numbers of a backup.
    #[arg(long, overrides_with = "print_statistics")]
    pub(super) no_print_statistics: bool,
    /// Print the numbers of a backup (the default).
    #[arg(long, overrides_with = "no_print_statistics")]
    pub(super) print_statistics: bool,

    /// For tests: the time of this run, in seconds since 1970.
    #[arg(long, hide = true)]
    pub(super) current_time: Option<i64>,

    // Scripts give these; they change nothing for the places that are supported.
    #[arg(long, hide = true)]
    num_retries: Option<u32>,
    #[arg(long, hide = true)]
    backend_retry_delay: Option<u32>,
    #[arg(long, hide = true)]
    timeout: Option<f64>,
    #[arg(long, hide = true)]
    asynchronous_upload: bool,
    #[arg(long, hide = true)]
    concurrency: Option<u32>,

    /// The selection options in the order in which they were typed.
    #[arg(skip)]
    pub(super) rules: Vec<Rule>,
}

const ACTIONS_HELP: &str = "\
Actions:
  backup SOURCE URL          continue the newest backup, or begin with a full one (bu)
  full SOURCE URL            save everything again (fb)
  incremental SOURCE URL     save what changed since the newest backup (inc, ib)
  restore URL TARGET         bring back everything, or --path-to-restore (rb)
  verify URL FOLDER          check what is stored, or --compare-data (vb)
  list-current-files URL     every file, as of --time (ls)
  search URL NAME            files of all backups with NAME in their names
  collection-status URL      which backups there are (st)
  plan list                  the plans of the app: name, number, place, last backup
  plan show NAME             what a plan says
  plan run NAME              back up as the plan says
Without an action, SOURCE URL backs up and URL TARGET restores.

URL is file:///folder so far. The passphrase is asked for, or taken from the
variable PASSPHRASE; a plan's also from the keyring. With keys PASSPHRASE is
that of the secret key, and SIGN_PASSPHRASE that of the one that signs.";

/// Options of duplicity that are not supported yet, with the number of their values. They are known so that
/// they are refused by name, and so that abbreviations mean the same as there.
const NOT_YET: &[(&str, usize)] = &[
    ("config-dir", 1),
    ("log-fd", 1),
    ("log-file", 1),
    ("log-timestamp", 0),
    ("dry-run", 0),
    ("ignore-errors", 0),
    ("full-if-older-than", 1),
    ("full-if-n-inc", 1),
    ("skip-if-no-change", 0),
    ("max-blocksize", 1),
    ("copy-blocksize", 1),
    ("copy-links", 0),
    ("progress-rate", 1),
    ("no-files-changed", 0),
    ("files-changed", 0),
    ("jsonstat", 0),
    ("no-check-remote", 0),
    ("check-remote", 0),
    ("metadata-sync-mode", 1),
    ("no-compression", 0),
    ("compression", 0),
    ("encrypt-secret-keyring", 1),
    ("use-gpgsm", 0),
    ("rename", 2),
    ("file-changed", 1),
    ("show-changes-in-set", 1),
    ("null-separator", 0),
    ("time-separator", 1),
    ("file-prefix", 1),
    ("file-prefix-archive", 1),
    ("file-prefix-manifest", 1),
    ("file-prefix-signature", 1),
    ("file-prefix-jsonstat", 1),
    ("include-regexp", 1),
    ("exclude-regexp", 1),
    ("include-filelist", 1),
    ("exclude-filelist", 1),
    ("exclude-device-files", 0),
    ("exclude-other-filesystems", 0),
    ("exclude-older-than", 1),
    ("files-from", 1),
    ("filter-globbing", 0),
    ("filter-literal", 0),
    ("filter-regexp", 0),
    ("filter-ignorecase", 0),
    ("filter-strictcase", 0),
];

impl Typed {
    /// `arguments` begin with the program's name.
    pub(super) fn parse(arguments: impl IntoIterator<Item = OsString>) -> Result<Self, UsageError> {
        let matches = command().try_get_matches_from(arguments).map_err(UsageError::from_clap)?;
        let given = |name: &str| matches.value_source(name) == Some(ValueSource::CommandLine);
        if let Some((name, _)) = NOT_YET.iter().find(|(name, _)| given(name)) {
            return Err(UsageError::NotYet { what: format!("The option --{name}") });
        }
        let mut typed = Self::from_arg_matches(&matches).map_err(UsageError::from_clap)?;
        typed.rules = rules(&matches);
        Ok(typed)
    }

    fn names_keys(&self) -> bool {
        let recipients = [&self.encrypt_key, &self.hidden_encrypt_key, &self.encrypt_sign_key];
        recipients.iter().any(|keys| !keys.is_empty()) || self.sign_key.is_some()
    }

    /// An option is given for which a plan has its own word.
    pub(super) fn says_what_a_plan_says(&self) -> bool {
        !self.rules.is_empty()
            || self.time.is_some()
            || self.path_to_restore.is_some()
            || self.volsize.is_some()
            || self.archive_dir.is_some()
            || self.name.is_some()
            || self.no_encryption
            || self.names_keys()
            || self.force
            || self.compare_data
    }
}

fn command() -> Command {
    NOT_YET.iter().fold(Typed::command(), |command, (name, values)| {
        let arg = Arg::new(*name).long(*name).hide(true);
        command.arg(match values {
            0 => arg.action(ArgAction::SetTrue),
            count => {
                arg.action(ArgAction::Append).num_args(*count).value_parser(clap::value_parser!(PathBuf))
            }
        })
    })
}

fn rules(matches: &ArgMatches) -> Vec<Rule> {
    let mut rules = Vec::new();
    let mut gather = |id: &str, make: fn(OsString) -> Rule| {
        let values = matches.get_many::<OsString>(id).into_iter().flatten();
        let places = matches.indices_of(id).into_iter().flatten();
        rules.extend(places.zip(values.map(|value| make(value.clone()))));
    };
    gather("include", Rule::include);
    gather("exclude", Rule::exclude);
    gather("exclude_if_present", Rule::IfPresent);
    rules.sort_by_key(|(place, _)| *place);
    rules.into_iter().map(|(_, rule)| rule).collect()
}

fn verbosity(text: &str) -> Result<u8, String> {
    match text.to_ascii_lowercase().as_str() {
        "e" | "error" => Ok(0),
        "w" | "warning" => Ok(2),
        "n" | "notice" => Ok(3),
        "i" | "info" => Ok(5),
        "d" | "debug" => Ok(9),
        other => match other.parse() {
            Ok(number @ 0..=9) => Ok(number),
            _ => Err("it is neither 0 to 9 nor error, warning, notice, info or debug".into()),
        },
    }
}
