//! Options that say which files are saved. They are tried in their order, so all are read together.

use super::{Row, flag, option};

const GONE: &str = "duplicity has dropped it. --include-filelist and --exclude-filelist take patterns, too; \
    - is the standard input.";

pub(in crate::cli) const ROWS: &[Row] = &[
    option("include", &["PATTERN"], "Save what matches the pattern."),
    option("exclude", &["PATTERN"], "Leave out what matches the pattern."),
    option("include-regexp", &["EXPRESSION"], "Save what matches the regular expression."),
    option("exclude-regexp", &["EXPRESSION"], "Leave out what matches the regular expression."),
    option("include-filelist", &["FILE"], "Save what the patterns in the file match."),
    option("exclude-filelist", &["FILE"], "Leave out what the patterns in the file match."),
    option("exclude-if-present", &["NAME"], "Leave out folders that hold a file of this name."),
    flag("exclude-device-files", "Leave out devices."),
    flag("exclude-other-filesystems", "Leave out what is on other file systems than the source."),
    option("exclude-older-than", &["TIME"], "Leave out files that were not changed since."),
    option("files-from", &["FILE"], "Save exactly the files that are named in the file.").only_new(),
    flag("filter-globbing", "The patterns that follow are globs (the default).").only_new(),
    flag("filter-literal", "The patterns that follow are plain paths.").only_new(),
    flag("filter-regexp", "The patterns that follow are regular expressions.").only_new(),
    flag("filter-ignorecase", "Upper and lower case are the same in the patterns that follow.").only_new(),
    flag("filter-strictcase", "Upper and lower case differ in the patterns that follow (the default).")
        .only_new(),
    option("include-globbing-filelist", &["FILE"], "Now --include-filelist.")
        .only_old()
        .hidden()
        .refused(GONE),
    option("exclude-globbing-filelist", &["FILE"], "Now --exclude-filelist.")
        .only_old()
        .hidden()
        .refused(GONE),
    flag("include-filelist-stdin", "Now --include-filelist.").only_old().hidden().refused(GONE),
    flag("exclude-filelist-stdin", "Now --exclude-filelist.").only_old().hidden().refused(GONE),
];
