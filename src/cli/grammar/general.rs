//! Options of all actions.

use super::{Row, flag, option};

pub(super) const ROWS: &[Row] = &[
    option("archive-dir", &["PATH"], "Parent of the cache folders."),
    option("name", &["NAME"], "Name of this backup's cache folder."),
    option("tempdir", &["PATH"], "Folder for temporary files."),
    option("config-dir", &["PATH"], "Folder of settings.")
        .only_new()
        .explained("There are no settings in it."),
    option("verbosity", &["LEVEL"], "0 to 9, or error, warning, notice (the default), info, debug.")
        .short('v'),
    option("log-fd", &["NUMBER"], "Write a log for programs to this file descriptor."),
    option("log-file", &["FILE"], "Continue this file with a log for programs."),
    flag("log-timestamp", "Begin each line with time and level."),
    flag("json", "Tell the status in the form of JSON, for programs.").here(),
    flag("dry-run", "Tell what would be done, and write nothing."),
    flag("force", "Really remove; restore over existing files."),
    flag("ignore-errors", "Go on after errors where that is possible.")
        .explained("Whatever can be done without is always gone past, and told."),
    option("num-retries", &["COUNT"], "How often a connection is tried that was lost (5)."),
    option("backend-retry-delay", &["SECONDS"], "Time between two tries (short at first)."),
    option("timeout", &["SECONDS"], "How long a place may be silent (30)."),
    option("current-time", &["SECONDS"], "The time of this run, in seconds since 1970.").for_tests(),
    option("skip-volume", &["NUMBER"], "For duplicity's own tests.")
        .hidden()
        .refused("It is for duplicity's own tests."),
    option("fail-on-volume", &["NUMBER"], "For duplicity's own tests.")
        .only_old()
        .hidden()
        .refused("It is for duplicity's own tests."),
    flag("pydevd", "For duplicity's own developers.").hidden().explained("There is no Python here."),
    flag("version", "Tell the version.").short('V'),
    flag("help", "Tell what can be done; --help-backup tells about that action, and so on.").short('h'),
    flag("help-urls", "Tell what places can be.").only_new(),
    flag("help-backup", "Tell about the action backup.").only_new().hidden(),
    flag("help-full", "Tell about the action full.").only_new().hidden(),
    flag("help-inc", "Tell about the action incremental.").only_new().hidden(),
    flag("help-verify", "Tell about the action verify.").only_new().hidden(),
    flag("help-restore", "Tell about the action restore.").only_new().hidden(),
    flag("help-cleanup", "Tell about the action cleanup.").only_new().hidden(),
    flag("help-collection-status", "Tell about the action collection-status.").only_new().hidden(),
    flag("help-list-current-files", "Tell about the action list-current-files.").only_new().hidden(),
    flag("help-remove-older-than", "Tell about the action remove-older-than.").only_new().hidden(),
    flag("help-remove-all-but-n-full", "Tell about the action remove-all-but-n-full.").only_new().hidden(),
    flag("help-remove-all-inc-of-but-n-full", "Tell about the action remove-all-inc-of-but-n-full.")
        .only_new()
        .hidden(),
];
