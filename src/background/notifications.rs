//! The desktop's notifications, by its own protocol: shown, replaced, withdrawn, and their buttons heard.

use std::collections::HashMap;

use zbus::message::Type;
use zbus::zvariant::Value;
use zbus::{Connection, MatchRule, Proxy};

use super::{Event, Events, bus};

const NAME: &str = "org.freedesktop.Notifications";
const PATH: &str = "/org/freedesktop/Notifications";
const APP: &str = "io.github.hindsight_backup.Hindsight";

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Level {
    /// Goes by itself, and is not kept.
    Low,
    Normal,
    /// Stays until somebody has seen it.
    Critical,
}

/// What is shown.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) struct Content {
    pub(super) title: String,
    pub(super) body: String,
    pub(super) level: Level,
    /// Key and words of each. That of the key `default` is the notification itself.
    pub(super) buttons: Vec<(&'static str, String)>,
}

/// Where there is no bus, or nobody who shows notifications, nothing is shown.
pub(super) struct Notifications(Option<Connection>);

impl Notifications {
    pub(super) async fn new(bus: Option<Connection>, events: &Events) -> zbus::Result<Self> {
        if let Some(bus) = &bus {
            let signal = |name| -> zbus::Result<MatchRule<'static>> {
                let rule = MatchRule::builder().msg_type(Type::Signal).path(PATH)?;
                Ok(rule.interface(NAME)?.member(name)?.build())
            };
            bus::follow(bus, signal("ActionInvoked")?, events, |message| {
                let (id, button) = message.body().deserialize().ok()?;
                Some(Event::Pressed { id, button })
            })
            .await?;
            bus::follow(bus, signal("NotificationClosed")?, events, |message| {
                let (id, _why): (u32, u32) = message.body().deserialize().ok()?;
                Some(Event::Closed { id })
            })
            .await?;
        }
        Ok(Self(bus))
    }

    /// In the place of the one that is shown already, if any. Its number, if it could be shown.
    pub(super) async fn show(&self, content: &Content, instead: Option<u32>) -> Option<u32> {
        let buttons: Vec<&str> =
            content.buttons.iter().flat_map(|(key, words)| [*key, words.as_str()]).collect();
        let urgency: u8 = match content.level {
            Level::Low => 0,
            Level::Normal => 1,
            Level::Critical => 2,
        };
        let mut hints = HashMap::from([
            ("desktop-entry", Value::from(APP)),
            ("urgency", Value::from(urgency)),
            ("category", Value::from("transfer")),
        ]);
        if content.level == Level::Low {
            hints.insert("transient", Value::from(true));
        }
        let (title, body) = (content.title.as_str(), content.body.as_str());
        let body = ("Hindsight", instead.unwrap_or(0), APP, title, body, buttons, hints, -1i32);
        self.proxy().await?.call("Notify", &body).await.ok()
    }

    pub(super) async fn withdraw(&self, id: u32) {
        if let Some(proxy) = self.proxy().await {
            let _: zbus::Result<()> = proxy.call("CloseNotification", &(id,)).await;
        }
    }

    async fn proxy(&self) -> Option<Proxy<'_>> {
        Proxy::new(self.0.as_ref()?, NAME, PATH, NAME).await.ok()
    }

    /// The app, in front of whoever pressed a button.
    pub(super) async fn open_app(&self) -> Option<()> {
        let path = format!("/{}", APP.replace('.', "/"));
        let proxy = Proxy::new(self.0.as_ref()?, APP, path, "org.freedesktop.Application").await.ok()?;
        proxy.call("Activate", &(HashMap::<&str, Value<'_>>::new(),)).await.ok()
    }
}
