#![allow(clippy::unwrap_used)]

use std::fs;

use clap_complete::Shell;

use super::*;

/// Every option of duplicity 0.8.22 and 3.2.1 (cli.md 3.1 to 3.6).
const OPTIONS: &str = "\
    archive-dir name tempdir config-dir verbosity log-fd log-file log-timestamp dry-run force ignore-errors \
    num-retries backend-retry-delay timeout current-time skip-volume fail-on-volume pydevd version \
    volsize full-if-older-than full-if-n-inc skip-if-no-change allow-source-mismatch max-blocksize copy-blocksize \
    copy-links concurrency asynchronous-upload progress progress-rate no-print-statistics print-statistics \
    no-files-changed files-changed jsonstat no-check-remote check-remote metadata-sync-mode \
    no-encryption encryption no-compression compression encrypt-key hidden-encrypt-key sign-key encrypt-sign-key \
    encrypt-secret-keyring gpg-binary gpg-options use-agent use-gpgsm \
    path-to-restore file-to-restore time restore-time no-restore-ownership do-not-restore-ownership numeric-owner \
    rename compare-data file-changed show-changes-in-set null-separator time-separator file-prefix \
    file-prefix-archive file-prefix-manifest file-prefix-signature file-prefix-jsonstat \
    gio old-filenames short-filenames exclude-globbing-filelist include-globbing-filelist exclude-filelist-stdin \
    include-filelist-stdin s3-multipart-max-timeout s3-european-buckets s3-use-multiprocessing s3-use-new-style \
    include exclude include-regexp exclude-regexp include-filelist exclude-filelist exclude-if-present \
    exclude-device-files exclude-other-filesystems exclude-older-than files-from filter-globbing filter-literal \
    filter-regexp filter-ignorecase filter-strictcase \
    ssh-askpass ssh-options scp-command sftp-command rsync-options ftp-passive ftp-regular ssl-cacert-file \
    ssl-cacert-path ssl-no-check-certificate webdav-headers imap-full-address imap-mailbox par2-redundancy \
    par2-options par2-volumes s3-endpoint-url s3-region-name s3-unencrypted-connection s3-use-rrs s3-use-ia \
    s3-use-onezone-ia s3-use-glacier s3-use-glacier-ir s3-use-deep-archive s3-multipart-chunk-size \
    s3-multipart-max-procs s3-use-server-side-encryption s3-use-server-side-kms-encryption s3-kms-key-id \
    s3-kms-grant azure-blob-tier azure-max-single-put-size azure-max-block-size azure-max-connections b2-hide-files \
    cf-backend swift-storage-policy mp-segment-size mf-purge idr-fakeroot \
    help help-urls help-backup help-full help-inc help-verify help-restore help-cleanup help-collection-status \
    help-list-current-files help-remove-older-than help-remove-all-but-n-full help-remove-all-inc-of-but-n-full";

const TABLE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/src/cli/OPTIONS.md");

#[test]
fn every_option_of_duplicity_has_its_row() {
    let known: Vec<_> =
        rows(Called::Duplicity).flat_map(|row| [&[row.name][..], row.aliases].concat()).collect();
    let missing: Vec<_> = OPTIONS.split_whitespace().filter(|name| !known.contains(name)).collect();
    assert!(missing.is_empty(), "{missing:?}");
    let ours: Vec<_> =
        known.iter().filter(|name| !OPTIONS.split_whitespace().any(|of| of == **name)).collect();
    assert!(ours.is_empty(), "{ours:?} are no options of duplicity");
}

#[test]
fn every_action_of_duplicity_has_its_row_and_its_help() {
    let names: Vec<_> = ACTIONS.iter().flat_map(|action| action.names).collect();
    for name in "backup bu full fb incremental inc incr ib restore rb verify vb collection-status st \
        list-current-files ls cleanup cl remove-older-than ro remove-all-but-n-full ra remove-all-inc-of-but-n-full \
        ri replicate"
        .split_whitespace()
    {
        assert!(names.contains(&&name), "{name}");
    }
    for row in rows(Called::Duplicity).filter_map(|row| row.name.strip_prefix("help-")) {
        assert!(row == "urls" || names.contains(&&row), "--help-{row} is about no action");
    }
}

#[test]
fn each_name_is_given_once_and_says_what_it_does() {
    let mut names: Vec<_> =
        rows(Called::Hindsight).flat_map(|row| [&[row.name][..], row.aliases].concat()).collect();
    let count = names.len();
    names.sort_unstable();
    names.dedup();
    assert_eq!(names.len(), count);
    assert!(rows(Called::Hindsight).all(|row| row.hidden || !row.help.is_empty()));
    command(Called::Hindsight).debug_assert();
    command(Called::Duplicity).debug_assert();
}

#[test]
fn help_by_topic_is_about_what_concerns_it() {
    let help = |line: &str| {
        let arguments: Vec<_> = line.split(' ').map(OsString::from).collect();
        shown(Called::new(arguments.first()), &parse(Called::Hindsight, arguments).unwrap()).unwrap()
    };
    let backup = help("duplicity --help-backup");
    assert!(backup.starts_with("Usage: duplicity [OPTIONS] backup SOURCE URL\n"), "{backup}");
    assert!(backup.contains("--volsize") && !backup.contains("--path-to-restore"), "{backup}");
    let restore = help("duplicity --help-restore");
    assert!(restore.contains("--path-to-restore") && !restore.contains("--volsize"), "{restore}");
    assert!(help("hindsight-cli --help-inc").contains("incremental SOURCE URL"));
    assert!(help("hindsight-cli --help-urls").contains("file:///"));
    assert!(help("hindsight-cli -h").contains("plan run NAME"));
    assert!(!help("duplicity -h").contains("plan run NAME"));
}

#[cfg(not(feature = "fault-injection"))]
#[test]
fn what_is_for_tests_is_in_builds_for_tests_only() {
    let line = ["duplicity", "full", "/src", "file:///dst", "--current-time", "5"].map(OsString::from);
    let refused = parse(Called::Duplicity, line.into()).err().unwrap();
    assert_eq!(
        refused.to_string(),
        "The option --current-time cannot be used. Only builds for tests have it."
    );
}

#[test]
fn the_manual_names_what_can_be_done() {
    let page = manual_page();
    for part in [
        ".B \\-\\-volsize MIB\n",
        ".B full SOURCE URL\n",
        ".B plan run NAME\n",
        ".B \\-\\-num\\-retries COUNT\n",
    ] {
        assert!(page.contains(part), "{part}");
    }
    assert!(!page.contains("\n\n") && !page.contains("--"), "every hyphen is one to be typed");
}

#[test]
fn shells_complete_the_options() {
    for shell in [Shell::Bash, Shell::Zsh, Shell::Fish] {
        let mut script = Vec::new();
        clap_complete::generate(shell, &mut command(Called::Duplicity), "duplicity", &mut script);
        let script = String::from_utf8(script).unwrap();
        assert!(script.contains("full-if-older-than") && !script.contains("accept-missing"), "{shell}");
    }
}

/// To bring it up to date: `UPDATE_TABLES=1 cargo test --lib grammar`.
#[test]
fn the_table_of_options_is_current() {
    let table = table();
    if std::env::var_os("UPDATE_TABLES").is_some() {
        fs::write(TABLE, &table).unwrap();
    }
    assert!(fs::read_to_string(TABLE).unwrap_or_default() == table, "{TABLE} is out of date");
}

fn table() -> String {
    let mut table = String::from(
        "# duplicity's options, and what becomes of them here\n\n\
         Made from `src/cli/grammar`. Old: only duplicity 0.8 has it; new: only duplicity 3.\n",
    );
    for section in SECTIONS {
        table += &format!("\n## {}\n\n| Option | Of | State |\n| --- | --- | --- |\n", section.title);
        for row in section.rows {
            let of = match row.known {
                Known::ToAll => "",
                Known::ToOld => "old",
                Known::ToNew => "new",
                Known::Here => "Hindsight",
            };
            let state = match row.state {
                State::Done => "done".into(),
                State::Explained(why) => format!("accepted, changes nothing: {why}"),
                State::Refused(why) => format!("refused (23): {why}"),
                State::ForTests => "done in builds for tests, else refused (23)".into(),
            };
            let names: Vec<_> = row.aliases.iter().map(|name| format!(", `--{name}`")).collect();
            let spelled = row.spelled().replace('|', "\\|");
            table += &format!("| `{spelled}`{} | {of} | {state} |\n", names.concat());
        }
    }
    table
}
