//! The person's GnuPG, as plans use it.

use std::ffi::OsString;

use super::Access;
use crate::engine::{Gnupg, GnupgSetup, Keys, Recipient, UsableKey};
use crate::error::Result;
use crate::settings::{Plan, Protection};

/// Those that open the backups of a plan, and that new ones are sealed to.
pub(super) fn keys(plan: &Plan, access: &Access) -> Keys {
    let recipients = match &plan.protection {
        Protection::Keys(keys) => keys.recipients.as_slice(),
        Protection::None | Protection::Password => &[],
    };
    let recipient = |id: &String| Recipient { id: id.clone(), hidden: false };
    Keys {
        gnupg: Gnupg::new(GnupgSetup { key_file: plan.key_file.clone(), ..access.gnupg.clone() }),
        recipients: recipients.iter().map(|key| recipient(&key.fingerprint)).collect(),
        older_passphrases: access.passphrases.older.clone(),
        ..Keys::default()
    }
}

/// The key that signs new backups.
pub(super) fn signer(plan: &Plan) -> Option<String> {
    match &plan.protection {
        Protection::Keys(keys) => Some(keys.signer.as_ref()?.fingerprint.clone()),
        Protection::None | Protection::Password => None,
    }
}

/// The keys of this person's GnuPG that can be chosen for a plan, by name. Asks gpg, and may take a moment.
pub fn usable_keys() -> Result<Vec<UsableKey>> {
    Ok(Gnupg::default().usable_keys()?)
}

/// Where the agent may ask for a passphrase, in its own words: on the desktop, or else at `terminal`, a device file.
pub fn dialogue(variable: &dyn Fn(&str) -> Option<OsString>, terminal: Option<&str>) -> Option<Vec<String>> {
    let variable = |name| variable(name).and_then(|value: OsString| value.into_string().ok());
    let given = |name: &'static str| variable(name).filter(|value| !value.is_empty());
    let mut options = Vec::new();
    options.extend(given("DISPLAY").map(|display| format!("display={display}")));
    options.extend(given("WAYLAND_DISPLAY").map(|display| format!("putenv=WAYLAND_DISPLAY={display}")));
    // Not GPG_TTY: a run of its own accord may have it from somewhere, and would wait for nobody.
    options.extend(terminal.iter().map(|terminal| format!("ttyname={terminal}")));
    if options.is_empty() {
        return None;
    }
    options.extend(given("XAUTHORITY").map(|file| format!("xauthority={file}")));
    options.extend(
        given("DBUS_SESSION_BUS_ADDRESS").map(|address| format!("putenv=DBUS_SESSION_BUS_ADDRESS={address}")),
    );
    options.extend(given("TERM").map(|kind| format!("ttytype={kind}")));
    // A line break would be another command.
    options.retain(|option| !option.contains(char::is_control));
    Some(options)
}
