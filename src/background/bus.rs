//! What the system's services tell: the network, power, sleep, and whether a game is played. A service that is missing is
//! not started for us, and what it would tell stays unknown.

use std::os::fd::OwnedFd as StdFd;
use std::time::Duration;

use futures_lite::StreamExt;
use zbus::message::Type;
use zbus::proxy::MethodFlags;
use zbus::zvariant::{OwnedFd, OwnedValue};
use zbus::{Connection, MatchRule, Message, MessageStream, Proxy};

use super::{Event, Events};
use crate::schedule::conditions::Network;

/// For an answer. Who is silent for longer tells nothing.
const PATIENCE: Duration = Duration::from_secs(5);

const PROPERTIES: &str = "org.freedesktop.DBus.Properties";

/// Name, path and interface of an object whose properties we follow.
struct Service(&'static str, &'static str, &'static str);

const NETWORK: Service = Service(
    "org.freedesktop.NetworkManager",
    "/org/freedesktop/NetworkManager",
    "org.freedesktop.NetworkManager",
);

const POWER: Service = Service("org.freedesktop.UPower", "/org/freedesktop/UPower", "org.freedesktop.UPower");

/// Its name of today, and the one that it had before.
const PROFILES: [Service; 2] = [
    Service(
        "org.freedesktop.UPower.PowerProfiles",
        "/org/freedesktop/UPower/PowerProfiles",
        "org.freedesktop.UPower.PowerProfiles",
    ),
    Service("net.hadess.PowerProfiles", "/net/hadess/PowerProfiles", "net.hadess.PowerProfiles"),
];

/// On the session's bus.
const GAMES: Service = Service(
    "com.feralinteractive.GameMode",
    "/com/feralinteractive/GameMode",
    "com.feralinteractive.GameMode",
);

const LOGIN: Service =
    Service("org.freedesktop.login1", "/org/freedesktop/login1", "org.freedesktop.login1.Manager");

/// As they are now.
#[derive(Clone, Copy, PartialEq, Eq, Default, Debug)]
pub(super) struct Told {
    pub(super) network: Option<Network>,
    pub(super) metered: Option<bool>,
    pub(super) on_battery: Option<bool>,
    pub(super) saves_power: Option<bool>,
    pub(super) plays: Option<bool>,
}

/// Both buses, as far as there are any.
#[derive(Clone, Default)]
pub(super) struct Buses {
    pub(super) session: Option<Connection>,
    pub(super) system: Option<Connection>,
}

impl Buses {
    pub(super) async fn connect() -> Self {
        Self { session: Connection::session().await.ok(), system: Connection::system().await.ok() }
    }

    /// Tells whenever [`Buses::told`] may have another answer, and when the computer wakes up.
    pub(super) async fn watch(&self, events: &Events) -> zbus::Result<()> {
        let of_system = [&NETWORK, &POWER, &PROFILES[0], &PROFILES[1]];
        for (bus, services) in [(&self.system, &of_system[..]), (&self.session, &[&GAMES])] {
            let Some(bus) = bus else { continue };
            for service in services {
                follow(bus, changed(service)?, events, |_| Some(Event::System)).await?;
                follow(bus, came_or_went(service)?, events, |_| Some(Event::System)).await?;
            }
        }
        if let Some(system) = &self.system {
            let sleep = rule().path(LOGIN.1)?.interface(LOGIN.2)?.member("PrepareForSleep")?.build();
            follow(system, sleep, events, |message| {
                (!message.body().deserialize::<bool>().ok()?).then_some(Event::Woken)
            })
            .await?;
        }
        Ok(())
    }

    pub(super) async fn told(&self) -> Told {
        let system = self.system.as_ref();
        let mut profile = None;
        for service in &PROFILES {
            profile = profile.or(property::<String>(system, service, "ActiveProfile").await);
        }
        let connectivity = property(system, &NETWORK, "Connectivity").await;
        let state = property(system, &NETWORK, "State").await;
        Told {
            network: network(connectivity, state),
            metered: property(system, &NETWORK, "Metered").await.and_then(metered),
            on_battery: property(system, &POWER, "OnBattery").await,
            saves_power: profile.map(|profile| profile == "power-saver"),
            plays: property::<i32>(self.session.as_ref(), &GAMES, "ClientCount").await.map(|count| count > 0),
        }
    }

    /// While the answer lives, the computer does not go to sleep by itself.
    pub(super) async fn stay_awake(&self, why: &str) -> Option<StdFd> {
        let bus = self.system.as_ref()?;
        let body = ("sleep", "Hindsight", why, "block");
        let lock: OwnedFd = call(bus, &LOGIN, LOGIN.2, "Inhibit", &body).await?;
        Some(lock.into())
    }
}

fn rule() -> zbus::match_rule::Builder<'static> {
    MatchRule::builder().msg_type(Type::Signal)
}

fn changed(service: &Service) -> zbus::Result<MatchRule<'static>> {
    let rule = rule().path(service.1)?.interface(PROPERTIES)?.member("PropertiesChanged")?;
    Ok(rule.arg(0, service.2)?.build())
}

fn came_or_went(service: &Service) -> zbus::Result<MatchRule<'static>> {
    let rule = rule().sender("org.freedesktop.DBus")?.interface("org.freedesktop.DBus")?;
    Ok(rule.member("NameOwnerChanged")?.arg(0, service.0)?.build())
}

/// From now on, in a task of its own.
pub(super) async fn follow(
    bus: &Connection,
    rule: MatchRule<'static>,
    events: &Events,
    event: impl Fn(&Message) -> Option<Event> + Send + 'static,
) -> zbus::Result<()> {
    let mut messages = MessageStream::for_match_rule(rule, bus, None).await?;
    let events = events.clone();
    tokio::spawn(async move {
        while let Some(message) = messages.next().await {
            let event = message.ok().and_then(|message| event(&message));
            if event.is_some_and(|event| events.send(event).is_err()) {
                return;
            }
        }
    });
    Ok(())
}

async fn property<T: TryFrom<OwnedValue>>(
    bus: Option<&Connection>,
    service: &Service,
    name: &str,
) -> Option<T> {
    let value: OwnedValue = call(bus?, service, PROPERTIES, "Get", &(service.2, name)).await?;
    T::try_from(value).ok()
}

async fn call<R>(
    bus: &Connection,
    service: &Service,
    interface: &'static str,
    method: &'static str,
    body: &(impl serde::Serialize + zbus::zvariant::DynamicType),
) -> Option<R>
where
    R: for<'d> zbus::zvariant::DynamicDeserialize<'d>,
{
    let answer = async {
        let proxy = Proxy::new(bus, service.0, service.1, interface).await.ok()?;
        proxy.call_with_flags(method, MethodFlags::NoAutoStart.into(), body).await.ok()?
    };
    tokio::time::timeout(PATIENCE, answer).await.ok()?
}

/// By NetworkManager's numbers. Where it does not look whether the internet can be reached, being connected must do.
fn network(connectivity: Option<u32>, state: Option<u32>) -> Option<Network> {
    match (connectivity, state) {
        (Some(1), _) => Some(Network::Off),
        (Some(2), _) => Some(Network::Captive),
        (Some(3), _) => Some(Network::Local),
        (Some(4), _) => Some(Network::Full),
        (_, Some(70)) => Some(Network::Full),
        (_, Some(50 | 60)) => Some(Network::Local),
        (_, Some(10 | 20 | 30 | 40)) => Some(Network::Off),
        _ => None,
    }
}

/// What it only guesses counts.
fn metered(number: u32) -> Option<bool> {
    match number {
        1 | 3 => Some(true),
        2 | 4 => Some(false),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_of_networkmanager_are_understood_and_others_unknown() {
        assert_eq!(network(Some(2), Some(60)), Some(Network::Captive));
        assert_eq!(network(Some(4), None), Some(Network::Full));
        assert_eq!(network(Some(0), Some(70)), Some(Network::Full));
        assert_eq!(network(None, Some(20)), Some(Network::Off));
        assert_eq!((network(Some(0), Some(0)), network(None, None)), (None, None));
        assert_eq!([0, 1, 2, 3, 4].map(metered), [None, Some(true), Some(false), Some(true), Some(false)]);
    }
}
