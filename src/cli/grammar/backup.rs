//! Options of backups, beside those of what is saved and how it is sealed.

use super::{Row, flag, option};

pub(super) const ROWS: &[Row] = &[
    option("volsize", &["MIB"], "Size of a volume in MiB (200)."),
    option("full-if-older-than", &["TIME"], "Save everything again if the last full backup is older."),
    option("full-if-n-inc", &["COUNT"], "The same once the last full backup was continued so often.")
        .only_new(),
    flag("skip-if-no-change", "Store nothing if nothing has changed.").only_new(),
    flag("allow-source-mismatch", "Accept another computer or source folder than the last backup's."),
    flag("accept-missing", "Of a plan: files that have disappeared since the last backup were meant to go.")
        .here(),
    option("max-blocksize", &["BYTES"], "Longest block in which changes are looked for.")
        .explained("The length of blocks follows from the size of each file."),
    option("copy-blocksize", &["KIB"], "Size of a buffer.")
        .only_new()
        .explained("Buffers have a size of their own."),
    flag("copy-links", "Save what symbolic links point to."),
    option("concurrency", &["COUNT"], "Volumes to store at once.")
        .only_new()
        .explained("Volumes are always stored while the next ones are made."),
    flag("asynchronous-upload", "Store volumes while the next ones are made.")
        .explained("Volumes are always stored while the next ones are made."),
    flag("progress", "Show progress even when there is no terminal."),
    option("progress-rate", &["SECONDS"], "Time between two lines of progress (3)."),
    flag("no-print-statistics", "Say nothing about the numbers of a backup."),
    flag("print-statistics", "Print the numbers of a backup (the default)."),
    flag("no-files-changed", "Do not list the changed files in the manifest (the default)."),
    flag("files-changed", "List the changed files in the manifest.")
        .explained("What has changed is told from the signatures, which hold it anyway."),
    flag("jsonstat", "Store the numbers of a backup beside it, as JSON.").only_new(),
    flag("no-check-remote", "Trust the cache, and do not look at the place.")
        .only_new()
        .explained("The place is always looked at."),
    flag("check-remote", "Look at the place (the default).").only_new(),
    option("metadata-sync-mode", &["full|partial"], "Whether to fetch all or only what is needed.")
        .explained("What is needed is fetched."),
];
