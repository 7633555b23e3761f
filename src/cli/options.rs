//! The command line as typed: the values of its options, each read by itself. Nothing is interpreted here.

use std::ffi::OsString;

use super::grammar::{self, Called, Given, selection};
use super::usage::UsageError;
use crate::engine::Prefixes;

/// That of a run that says nothing about it.
pub(super) const VERBOSITY: u8 = 3;

#[derive(Debug, Default)]
pub(super) struct Typed {
    pub(super) called: Called,
    /// What is to be said about options that change nothing.
    pub(super) explained: Vec<String>,
    /// The action and what it works on.
    pub(super) words: Vec<OsString>,

    pub(super) time: Option<String>,
    pub(super) path_to_restore: Option<OsString>,
    pub(super) force: bool,
    pub(super) numeric_owner: bool,
    pub(super) no_restore_ownership: bool,
    pub(super) compare_data: bool,
    /// From and to.
    pub(super) renames: Vec<(OsString, OsString)>,

    /// The selection options in the order in which they were typed.
    pub(super) selection: Vec<(&'static str, OsString)>,

    pub(super) no_encryption: bool,
    pub(super) encrypt_key: Vec<String>,
    pub(super) hidden_encrypt_key: Vec<String>,
    pub(super) sign_key: Option<String>,
    pub(super) encrypt_sign_key: Vec<String>,
    pub(super) use_agent: bool,
    pub(super) allow_weak_password: bool,
    pub(super) encrypt_secret_keyring: Option<OsString>,
    pub(super) gpg_binary: Option<OsString>,
    pub(super) gpg_options: String,

    pub(super) ssh_options: String,
    pub(super) num_retries: Option<u32>,
    /// In seconds.
    pub(super) backend_retry_delay: Option<u64>,
    /// In seconds.
    pub(super) timeout: Option<u64>,

    /// In MiB.
    pub(super) volsize: Option<u64>,
    pub(super) copy_links: bool,
    pub(super) allow_source_mismatch: bool,
    pub(super) accept_missing: bool,
    pub(super) json: bool,
    pub(super) progress: bool,
    /// In seconds.
    pub(super) progress_rate: Option<u64>,
    pub(super) no_print_statistics: bool,

    pub(super) full_if_older_than: Option<String>,
    pub(super) full_if_n_inc: Option<u64>,
    pub(super) skip_if_no_change: bool,
    pub(super) dry_run: bool,
    pub(super) jsonstat: bool,
    pub(super) file_changed: Option<OsString>,
    /// 0 is the newest.
    pub(super) show_changes_in_set: Option<u64>,
    /// Of lists of files.
    pub(super) null_separator: bool,

    pub(super) prefixes: Prefixes,
    pub(super) archive_dir: Option<OsString>,
    pub(super) name: Option<OsString>,
    pub(super) tempdir: Option<OsString>,
    pub(super) verbosity: u8,
    /// In seconds since 1970.
    pub(super) current_time: Option<i64>,
}

impl Typed {
    /// `arguments` begin with the program's name.
    pub(super) fn parse(arguments: impl IntoIterator<Item = OsString>) -> Result<Self, UsageError> {
        let arguments: Vec<_> = arguments.into_iter().collect();
        let called = Called::new(arguments.first());
        let given = grammar::parse(called, arguments)?;
        if let Some(help) = grammar::shown(called, &given) {
            return Err(UsageError::Shown(help));
        }
        if given.flag("version") {
            return Err(UsageError::Shown(grammar::version(called)));
        }
        Self::new(called, &given)
    }

    fn new(called: Called, given: &Given) -> Result<Self, UsageError> {
        Ok(Self {
            called,
            explained: grammar::explained(called, given),
            words: given.words(),
            time: given.text("time")?,
            path_to_restore: given.last("path-to-restore"),
            force: given.flag("force"),
            numeric_owner: given.flag("numeric-owner"),
            no_restore_ownership: given.flag("no-restore-ownership"),
            compare_data: given.flag("compare-data"),
            renames: given.pairs("rename"),
            selection: given.in_order(selection::ROWS),
            no_encryption: given.switch("no-encryption", "encryption"),
            encrypt_key: given.texts("encrypt-key")?,
            hidden_encrypt_key: given.texts("hidden-encrypt-key")?,
            sign_key: given.text("sign-key")?,
            encrypt_sign_key: given.texts("encrypt-sign-key")?,
            use_agent: given.flag("use-agent"),
            allow_weak_password: called == Called::Hindsight && given.flag("allow-weak-password"),
            encrypt_secret_keyring: given.last("encrypt-secret-keyring"),
            gpg_binary: given.last("gpg-binary"),
            gpg_options: given.joined("gpg-options")?,
            ssh_options: given.joined("ssh-options")?,
            num_retries: given.number("num-retries", "a number of tries")?,
            backend_retry_delay: given.number("backend-retry-delay", "a number of seconds")?,
            timeout: given.number("timeout", "a number of seconds")?,
            volsize: volsize(given)?,
            copy_links: given.flag("copy-links"),
            allow_source_mismatch: given.flag("allow-source-mismatch"),
            accept_missing: given.flag("accept-missing"),
            json: called == Called::Hindsight && given.flag("json"),
            progress: given.flag("progress"),
            progress_rate: given.number("progress-rate", "a number of seconds")?,
            no_print_statistics: given.switch("no-print-statistics", "print-statistics"),
            full_if_older_than: given.text("full-if-older-than")?,
            full_if_n_inc: given.number("full-if-n-inc", "a number of backups")?,
            skip_if_no_change: given.flag("skip-if-no-change"),
            dry_run: given.flag("dry-run"),
            jsonstat: given.flag("jsonstat"),
            file_changed: given.last("file-changed"),
            show_changes_in_set: given.number("show-changes-in-set", "a number from 0")?,
            null_separator: given.flag("null-separator"),
            prefixes: prefixes(given)?,
            archive_dir: given.last("archive-dir"),
            name: given.last("name"),
            tempdir: given.last("tempdir"),
            verbosity: verbosity(given)?,
            current_time: given.number("current-time", "a number of seconds")?,
        })
    }

    fn names_keys(&self) -> bool {
        let recipients = [&self.encrypt_key, &self.hidden_encrypt_key, &self.encrypt_sign_key];
        recipients.iter().any(|keys| !keys.is_empty()) || self.sign_key.is_some()
    }

    /// An option is given for which a plan has its own word.
    pub(super) fn says_what_a_plan_says(&self) -> bool {
        !self.selection.is_empty()
            || self.time.is_some()
            || self.path_to_restore.is_some()
            || self.volsize.is_some()
            || self.copy_links
            || self.archive_dir.is_some()
            || self.prefixes != Prefixes::default()
            || self.name.is_some()
            || self.no_encryption
            || self.names_keys()
            || self.force
            || self.compare_data
            || self.dry_run
            || self.jsonstat
            || self.skip_if_no_change
            || self.full_if_older_than.is_some()
            || self.full_if_n_inc.is_some()
    }
}

/// A part of a file's name each.
fn prefixes(given: &Given) -> Result<Prefixes, UsageError> {
    let prefix = |option: &'static str| match given.text(option)?.unwrap_or_default() {
        value if value.contains(['/', '\0', '\n']) => Err(UsageError::Value {
            option: option.into(),
            value,
            expected: "the beginning of a file's name",
        }),
        value => Ok(value),
    };
    Ok(Prefixes {
        common: prefix("file-prefix")?,
        archive: prefix("file-prefix-archive")?,
        manifest: prefix("file-prefix-manifest")?,
        signature: prefix("file-prefix-signature")?,
        jsonstat: prefix("file-prefix-jsonstat")?,
    })
}

fn volsize(given: &Given) -> Result<Option<u64>, UsageError> {
    const LARGEST: u64 = 1 << 20;
    let expected = "a size in MiB from 1 to 1048576";
    match given.number::<u64>("volsize", expected)? {
        Some(size) if size == 0 || size > LARGEST => {
            Err(UsageError::Value { option: "volsize".into(), value: size.to_string(), expected })
        }
        size => Ok(size),
    }
}

fn verbosity(given: &Given) -> Result<u8, UsageError> {
    let Some(value) = given.text("verbosity")? else { return Ok(VERBOSITY) };
    parse_verbosity(&value).ok_or_else(|| UsageError::Value {
        option: "verbosity".into(),
        value,
        expected: "0 to 9 or one of error, warning, notice, info and debug",
    })
}

pub(super) fn parse_verbosity(typed: &str) -> Option<u8> {
    match typed.to_ascii_lowercase().as_str() {
        "e" | "error" => Some(0),
        "w" | "warning" => Some(2),
        "n" | "notice" => Some(3),
        "i" | "info" => Some(5),
        "d" | "debug" => Some(9),
        other => other.parse().ok().filter(|number| *number <= 9),
    }
}
