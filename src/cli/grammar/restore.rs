//! Options about what is read from backups.

use super::{Row, flag, option};

pub(super) const ROWS: &[Row] = &[
    option("path-to-restore", &["PATH"], "Only this file or folder of the backup.")
        .short('r')
        .aliases(&["file-to-restore"]),
    option(
        "time",
        &["TIME"],
        "State at this time: now, seconds, 3D12h ago, 2026-05-31, 2026-05-31T12:00:00Z.",
    )
    .short('t')
    .aliases(&["restore-time"]),
    flag("no-restore-ownership", "Leave restored files to whoever restores.")
        .aliases(&["do-not-restore-ownership"]),
    flag("numeric-owner", "Give files to the archived user and group numbers rather than names."),
    option("rename", &["FROM", "TO"], "Restore FROM under the name TO."),
    flag("compare-data", "Compare with the local files too, not only what is stored with its checksums."),
    option("file-changed", &["PATH"], "Tell in which backups this file changed."),
    option("show-changes-in-set", &["NUMBER"], "Tell what changed in this backup; 0 is the newest."),
    flag("null-separator", "Names in lists of files end with NUL rather than a line."),
    option("time-separator", &["CHARACTER"], "What stands for the colon in names of very old backups.")
        .explained("Such names are read with whatever stands there."),
    option("file-prefix", &["TEXT"], "What all names of stored files begin with."),
    option("file-prefix-archive", &["TEXT"], "The same for volumes."),
    option("file-prefix-manifest", &["TEXT"], "The same for manifests."),
    option("file-prefix-signature", &["TEXT"], "The same for signatures."),
    option("file-prefix-jsonstat", &["TEXT"], "The same for statistics.").only_new(),
];
