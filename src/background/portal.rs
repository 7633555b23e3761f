//! Asking the desktop to be started in every session: in a sandbox nothing else does that.

use std::collections::HashMap;
use std::path::Path;
use std::time::Duration;

use futures_lite::StreamExt;
use serde::{Deserialize, Serialize};
use zbus::message::Type;
use zbus::zvariant::{OwnedObjectPath, OwnedValue, Value};
use zbus::{Connection, MatchRule, MessageStream, Proxy};

use crate::i18n::gettext;

const NAME: &str = "org.freedesktop.portal.Desktop";
const PATH: &str = "/org/freedesktop/portal/desktop";
const BACKGROUND: &str = "org.freedesktop.portal.Background";
const REQUEST: &str = "org.freedesktop.portal.Request";

/// Somebody may have to think about it.
const PATIENCE: Duration = Duration::from_secs(10 * 60);

/// What came of it.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Autostart {
    Granted,
    /// By somebody, now or long ago.
    Refused,
    /// There is nobody to ask, or no answer.
    Unknown,
}

impl Autostart {
    /// What is wrong and what to do, for people. `None`: nothing.
    pub fn advice(self) -> Option<String> {
        match self {
            Self::Granted => None,
            Self::Refused => Some(gettext(
                "Hindsight may not run in the background. Allow it in the settings of your desktop, under Apps.",
            )),
            Self::Unknown => Some(gettext(
                "The desktop does not say whether Hindsight may run in the background. Add hindsight-background to the programs that start with your session.",
            )),
        }
    }
}

pub(super) fn is_sandboxed() -> bool {
    Path::new("/.flatpak-info").exists()
}

/// The desktop may ask somebody, and remembers the answer.
pub(super) async fn ask(session: Option<&Connection>) -> Autostart {
    let Some(session) = session else { return Autostart::Unknown };
    match tokio::time::timeout(PATIENCE, request(session)).await {
        Ok(Ok(granted)) => granted,
        Ok(Err(_)) | Err(_) => Autostart::Unknown,
    }
}

async fn request(session: &Connection) -> zbus::Result<Autostart> {
    let token = format!("hindsight{}", std::process::id());
    let name = session.unique_name().map(|name| name.trim_start_matches(':').replace('.', "_"));
    let path = format!("{PATH}/request/{}/{token}", name.unwrap_or_default());
    // Before the request, whose answer may come at once.
    let rule = MatchRule::builder().msg_type(Type::Signal).interface(REQUEST)?.member("Response")?;
    let rule = rule.path(path)?.build();
    let mut answers = MessageStream::for_match_rule(rule, session, None).await?;
    let options = HashMap::from([
        ("handle_token", Value::from(token)),
        ("reason", Value::from(gettext("Backups begin by themselves when they are due."))),
        ("autostart", Value::from(true)),
        ("commandline", Value::from(vec!["hindsight-background"])),
        ("dbus-activatable", Value::from(false)),
    ]);
    let portal = Proxy::new(session, NAME, PATH, BACKGROUND).await?;
    let _: OwnedObjectPath = portal.call("RequestBackground", &("", options)).await?;
    let Some(answer) = answers.next().await else { return Ok(Autostart::Unknown) };
    let (code, results): (u32, HashMap<String, OwnedValue>) = answer?.body().deserialize()?;
    Ok(granted(code, &results))
}

/// 0: answered. 1: somebody refused. Anything else is trouble.
fn granted(code: u32, results: &HashMap<String, OwnedValue>) -> Autostart {
    let is_granted = |name: &str| results.get(name).and_then(|value| bool::try_from(value).ok());
    match (code, is_granted("autostart")) {
        (0, Some(true)) => Autostart::Granted,
        (0 | 1, _) => Autostart::Refused,
        _ => Autostart::Unknown,
    }
}
