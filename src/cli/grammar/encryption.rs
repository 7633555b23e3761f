//! Options about how backups are sealed.

use super::{Row, flag, option};

pub(super) const ROWS: &[Row] = &[
    flag("no-encryption", "Do not encrypt."),
    flag("encryption", "Encrypt, with the passphrase unless there are keys (the default)."),
    flag("no-compression", "Do not compress.")
        .explained("Everything is compressed; it costs next to nothing."),
    flag("compression", "Compress (the default)."),
    option(
        "encrypt-key",
        &["KEY"],
        "Encrypt to this key, in any form that gpg takes; may be given several times.",
    ),
    option("hidden-encrypt-key", &["KEY"], "The same, but do not say in the files whose key it is."),
    option("sign-key", &["KEY"], "Sign with this key; when reading, take only what it signed."),
    option("encrypt-sign-key", &["KEY"], "Encrypt to this key and sign with it."),
    option(
        "encrypt-secret-keyring",
        &["FILE"],
        "Take secret keys from this file, as gpg exports them, where no agent runs.",
    ),
    option("gpg-binary", &["PATH"], "Which gpg says what keys there are."),
    option("gpg-options", &["OPTIONS"], "Options for gpg, such as --homedir=FOLDER."),
    flag("allow-weak-password", "Take a passphrase that is easy to guess when asking for a new one.").here(),
    flag("use-agent", "Leave the passphrases of secret keys to gpg-agent."),
    flag("use-gpgsm", "Encrypt with certificates (S/MIME).")
        .only_new()
        .refused("Backups are encrypted with a passphrase or keys of GnuPG."),
];
