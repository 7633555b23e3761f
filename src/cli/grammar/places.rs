//! Options about single kinds of places. Places of other kinds are refused by their addresses.

use super::{Row, flag, option};

const OWN_SSH: &str = "No other program is needed for ssh.";

const fn foreign(name: &'static str, values: &'static [&'static str], help: &'static str) -> Row {
    option(name, values, help).explained("It is about places of another kind.")
}

const fn gone(row: Row) -> Row {
    row.only_old().hidden().refused("duplicity has dropped it.")
}

pub(super) const ROWS: &[Row] = &[
    flag("ssh-askpass", "Ask for the password of ssh.").explained("It is asked for whenever it is needed."),
    option("ssh-options", &["OPTIONS"], "Options as ssh takes them, such as '-p 2222 -oIdentityFile=FILE'."),
    option("scp-command", &["COMMAND"], "The scp to use.").explained(OWN_SSH),
    option("sftp-command", &["COMMAND"], "The sftp to use.").explained(OWN_SSH),
    foreign("rsync-options", &["OPTIONS"], "Options for rsync."),
    foreign("ftp-passive", &[], "Passive FTP (the default)."),
    foreign("ftp-regular", &[], "Active FTP."),
    foreign("ssl-cacert-file", &["FILE"], "Certificates to trust."),
    foreign("ssl-cacert-path", &["PATH"], "Folder of certificates to trust."),
    foreign("ssl-no-check-certificate", &[], "Trust every certificate."),
    foreign("webdav-headers", &["CSV"], "More headers for WebDAV.").only_new(),
    foreign("imap-full-address", &[], "The user's name is the whole address."),
    foreign("imap-mailbox", &["NAME"], "Folder of the mailbox."),
    foreign("par2-redundancy", &["PERCENT"], "How much of a file can be mended."),
    foreign("par2-options", &["OPTIONS"], "Options for par2."),
    foreign("par2-volumes", &["COUNT"], "Number of par2's files."),
    foreign("s3-endpoint-url", &["URL"], "Another S3 than Amazon's."),
    foreign("s3-region-name", &["NAME"], "Region of the bucket."),
    foreign("s3-unencrypted-connection", &[], "No TLS."),
    foreign("s3-use-rrs", &[], "Storage of reduced redundancy."),
    foreign("s3-use-ia", &[], "Storage for infrequent access."),
    foreign("s3-use-onezone-ia", &[], "The same, in one zone."),
    foreign("s3-use-glacier", &[], "Glacier storage."),
    foreign("s3-use-glacier-ir", &[], "Glacier storage of instant retrieval."),
    foreign("s3-use-deep-archive", &[], "Deep archive storage."),
    foreign("s3-multipart-chunk-size", &["MIB"], "Size of the parts of an upload."),
    foreign("s3-multipart-max-procs", &["COUNT"], "Parts to upload at once."),
    foreign("s3-use-server-side-encryption", &[], "The server encrypts, too."),
    foreign("s3-use-server-side-kms-encryption", &[], "The same with a key of its own."),
    foreign("s3-kms-key-id", &["ID"], "Which key."),
    foreign("s3-kms-grant", &["TEXT"], "Who may use it."),
    foreign("azure-blob-tier", &["TIER"], "Tier of storage."),
    foreign("azure-max-single-put-size", &["BYTES"], "Largest upload in one part."),
    foreign("azure-max-block-size", &["BYTES"], "Size of the parts of an upload."),
    foreign("azure-max-connections", &["COUNT"], "Parts to upload at once."),
    foreign("b2-hide-files", &[], "Hide files rather than remove them."),
    foreign("cf-backend", &["pyrax|cloudfiles"], "Library for Cloud Files."),
    foreign("swift-storage-policy", &["NAME"], "Policy of a container."),
    foreign("mp-segment-size", &["MIB"], "Size of the parts of an upload to Swift."),
    foreign("mf-purge", &[], "Remove files for good from MediaFire."),
    foreign("idr-fakeroot", &["PATH"], "Root at IDrive."),
    gone(flag("gio", "")),
    gone(flag("old-filenames", "")),
    gone(flag("short-filenames", "")),
    gone(option("s3-multipart-max-timeout", &["SECONDS"], "")),
    gone(flag("s3-european-buckets", "")),
    gone(flag("s3-use-multiprocessing", "")),
    gone(flag("s3-use-new-style", "")),
];
