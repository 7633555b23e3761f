//! Services of the system and the session that say what a test wants.

use std::collections::HashMap;
use std::sync::{Arc, Mutex};

use tokio::runtime::{Builder, Runtime};
use zbus::object_server::{Interface, SignalEmitter};
use zbus::zvariant::{OwnedFd, OwnedObjectPath, OwnedValue, Value};
use zbus::{Connection, connection, interface};

pub(crate) struct NetworkManager {
    pub(crate) connectivity: u32,
    pub(crate) metered: u32,
}

#[interface(name = "org.freedesktop.NetworkManager")]
impl NetworkManager {
    #[zbus(property)]
    fn connectivity(&self) -> u32 {
        self.connectivity
    }

    #[zbus(property)]
    fn metered(&self) -> u32 {
        self.metered
    }

    #[zbus(property)]
    fn state(&self) -> u32 {
        70
    }
}

pub(crate) struct UPower {
    pub(crate) on_battery: bool,
}

#[interface(name = "org.freedesktop.UPower")]
impl UPower {
    #[zbus(property)]
    fn on_battery(&self) -> bool {
        self.on_battery
    }
}

pub(crate) struct PowerProfiles {
    pub(crate) active: String,
}

#[interface(name = "org.freedesktop.UPower.PowerProfiles")]
impl PowerProfiles {
    #[zbus(property)]
    fn active_profile(&self) -> String {
        self.active.clone()
    }
}

pub(crate) struct GameMode {
    pub(crate) clients: i32,
}

#[interface(name = "com.feralinteractive.GameMode")]
impl GameMode {
    #[zbus(property)]
    fn client_count(&self) -> i32 {
        self.clients
    }
}

/// Who keeps the computer awake: the other ends of their locks.
pub(crate) struct Login {
    locks: Vec<(String, std::io::PipeReader)>,
}

#[interface(name = "org.freedesktop.login1.Manager")]
impl Login {
    fn inhibit(&mut self, what: &str, who: &str, why: &str, mode: &str) -> OwnedFd {
        let (reader, writer) = std::io::pipe().unwrap();
        self.locks.push((format!("{what} {who} {why} {mode}"), reader));
        std::os::fd::OwnedFd::from(writer).into()
    }

    #[zbus(signal)]
    async fn prepare_for_sleep(emitter: &SignalEmitter<'_>, begins: bool) -> zbus::Result<()>;
}

/// A notification as somebody sees it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) struct Seen {
    pub(crate) id: u32,
    pub(crate) title: String,
    pub(crate) body: String,
    /// Key and words.
    pub(crate) buttons: Vec<(String, String)>,
    /// 0 to 2.
    pub(crate) urgency: u8,
}

#[derive(Default)]
pub(crate) struct Shown {
    /// What can be seen now.
    pub(crate) now: Vec<Seen>,
    /// What was ever shown.
    pub(crate) all: Vec<Seen>,
}

#[derive(Default)]
pub(crate) struct Notifications(Arc<Mutex<Shown>>);

#[interface(name = "org.freedesktop.Notifications")]
impl Notifications {
    #[allow(clippy::too_many_arguments)]
    fn notify(
        &self,
        _app: &str,
        replaces: u32,
        _icon: &str,
        title: String,
        body: String,
        actions: Vec<String>,
        hints: HashMap<String, OwnedValue>,
        _timeout: i32,
    ) -> u32 {
        let mut shown = self.0.lock().unwrap();
        let id = if replaces > 0 { replaces } else { shown.all.len() as u32 + 1 };
        let buttons = actions.chunks(2).map(|pair| (pair[0].clone(), pair[1].clone())).collect();
        let urgency = u8::try_from(hints.get("urgency").unwrap()).unwrap();
        let seen = Seen { id, title, body, buttons, urgency };
        shown.now.retain(|other| other.id != id);
        shown.now.push(seen.clone());
        shown.all.push(seen);
        id
    }

    fn close_notification(&self, id: u32) {
        self.0.lock().unwrap().now.retain(|other| other.id != id);
    }

    #[zbus(signal)]
    async fn action_invoked(emitter: &SignalEmitter<'_>, id: u32, button: &str) -> zbus::Result<()>;
}

/// Answers as the test wants: `None`, if nothing more was asked.
pub(crate) struct Portal {
    pub(crate) grants: bool,
    pub(crate) asked: Option<HashMap<String, OwnedValue>>,
}

#[interface(name = "org.freedesktop.portal.Background")]
impl Portal {
    async fn request_background(
        &mut self,
        #[zbus(connection)] bus: &Connection,
        #[zbus(header)] header: zbus::message::Header<'_>,
        _window: &str,
        options: HashMap<String, OwnedValue>,
    ) -> OwnedObjectPath {
        let sender = header.sender().unwrap().trim_start_matches(':').replace('.', "_");
        let token = String::try_from(options["handle_token"].try_clone().unwrap()).unwrap();
        let path = format!("/org/freedesktop/portal/desktop/request/{sender}/{token}");
        let granted =
            HashMap::from([("background", Value::from(true)), ("autostart", Value::from(self.grants))]);
        let answer = (if self.grants { 0u32 } else { 1 }, granted);
        let interface = "org.freedesktop.portal.Request";
        bus.emit_signal(None::<&str>, path.as_str(), interface, "Response", &answer).await.unwrap();
        self.asked = Some(options);
        path.try_into().unwrap()
    }
}

/// A drive with one file system.
pub(crate) struct Block {
    uuid: String,
}

#[interface(name = "org.freedesktop.UDisks2.Block")]
impl Block {
    #[zbus(property, name = "IdUUID")]
    fn id_uuid(&self) -> String {
        self.uuid.clone()
    }

    #[zbus(property)]
    fn crypto_backing_device(&self) -> OwnedObjectPath {
        OwnedObjectPath::try_from("/").unwrap()
    }

    #[zbus(property)]
    fn drive(&self) -> OwnedObjectPath {
        OwnedObjectPath::try_from(DRIVE).unwrap()
    }
}

/// What was asked of the drive, in order.
type Asked = Arc<Mutex<Vec<&'static str>>>;

pub(crate) struct Filesystem(Asked);

#[interface(name = "org.freedesktop.UDisks2.Filesystem")]
impl Filesystem {
    fn unmount(&self, _options: HashMap<String, OwnedValue>) {
        self.0.lock().unwrap().push("unmount");
    }
}

pub(crate) struct Drive(Asked);

#[interface(name = "org.freedesktop.UDisks2.Drive")]
impl Drive {
    #[zbus(property)]
    fn can_power_off(&self) -> bool {
        true
    }

    #[zbus(property)]
    fn ejectable(&self) -> bool {
        true
    }

    fn power_off(&self, _options: HashMap<String, OwnedValue>) {
        self.0.lock().unwrap().push("power off");
    }
}

const DRIVES: &str = "/org/freedesktop/UDisks2";
const BLOCK: &str = "/org/freedesktop/UDisks2/block_devices/red";
const DRIVE: &str = "/org/freedesktop/UDisks2/drives/red";
const PORTAL: &str = "/org/freedesktop/portal/desktop";
const NETWORK: &str = "/org/freedesktop/NetworkManager";
const POWER: &str = "/org/freedesktop/UPower";
const PROFILES: &str = "/org/freedesktop/UPower/PowerProfiles";
const LOGIN: &str = "/org/freedesktop/login1";
const GAMES: &str = "/com/feralinteractive/GameMode";
const NOTIFICATIONS: &str = "/org/freedesktop/Notifications";

pub(crate) struct Services {
    runtime: Runtime,
    session: Connection,
    system: Connection,
    shown: Arc<Mutex<Shown>>,
}

impl Services {
    /// Online, on mains, awake, with nothing shown.
    pub(crate) fn start(session: &str, system: &str) -> Self {
        let runtime = Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
        let shown = Arc::new(Mutex::new(Shown::default()));
        let notifications = Notifications(shown.clone());
        let start = async {
            let system = connection::Builder::address(system)?
                .serve_at(NETWORK, NetworkManager { connectivity: 4, metered: 2 })?
                .serve_at(POWER, UPower { on_battery: false })?
                .serve_at(PROFILES, PowerProfiles { active: "balanced".into() })?
                .serve_at(LOGIN, Login { locks: Vec::new() })?
                .name("org.freedesktop.NetworkManager")?
                .name("org.freedesktop.UPower")?
                .name("org.freedesktop.UPower.PowerProfiles")?
                .name("org.freedesktop.login1")?
                .build()
                .await?;
            let session = connection::Builder::address(session)?
                .serve_at(GAMES, GameMode { clients: 0 })?
                .serve_at(NOTIFICATIONS, notifications)?
                .name("com.feralinteractive.GameMode")?
                .name("org.freedesktop.Notifications")?
                .build()
                .await?;
            zbus::Result::Ok((session, system))
        };
        let (session, system) = runtime.block_on(start).unwrap();
        Self { runtime, session, system, shown }
    }

    /// From now on there is a drive with this file system; what is asked of it.
    pub(crate) fn add_drive(&self, uuid: &str) -> Asked {
        let asked = Asked::default();
        self.runtime.block_on(async {
            let server = self.system.object_server();
            server.at(DRIVES, zbus::fdo::ObjectManager).await.unwrap();
            server.at(BLOCK, Block { uuid: uuid.into() }).await.unwrap();
            server.at(BLOCK, Filesystem(asked.clone())).await.unwrap();
            server.at(DRIVE, Drive(asked.clone())).await.unwrap();
            self.system.request_name("org.freedesktop.UDisks2").await.unwrap();
        });
        asked
    }

    /// From now on there is a portal.
    pub(crate) fn add_portal(&self, grants: bool) {
        self.runtime.block_on(async {
            self.session.object_server().at(PORTAL, Portal { grants, asked: None }).await.unwrap();
            self.session.request_name("org.freedesktop.portal.Desktop").await.unwrap();
        });
    }

    /// Which program the portal was asked to start in every session.
    pub(crate) fn to_autostart(&self) -> Option<Vec<String>> {
        self.runtime.block_on(async {
            let portal = self.session.object_server().interface::<_, Portal>(PORTAL).await.unwrap();
            let portal = portal.get().await;
            let options = portal.asked.as_ref()?;
            assert!(bool::try_from(&options["autostart"]).unwrap());
            Vec::try_from(options["commandline"].try_clone().unwrap()).ok()
        })
    }

    pub(crate) fn set_metered(&self, metered: bool) {
        let number = if metered { 1 } else { 2 };
        self.change::<NetworkManager>(&self.system, NETWORK, "Metered", |mock| mock.metered = number);
    }

    pub(crate) fn set_on_battery(&self, on_battery: bool) {
        self.change::<UPower>(&self.system, POWER, "OnBattery", |mock| mock.on_battery = on_battery);
    }

    pub(crate) fn set_profile(&self, profile: &str) {
        let set = |mock: &mut PowerProfiles| mock.active = profile.into();
        self.change(&self.system, PROFILES, "ActiveProfile", set);
    }

    pub(crate) fn set_games(&self, clients: i32) {
        self.change::<GameMode>(&self.session, GAMES, "ClientCount", |mock| mock.clients = clients);
    }

    /// Tells of the change as the real service does.
    fn change<T: Interface>(
        &self,
        bus: &Connection,
        path: &str,
        property: &str,
        change: impl FnOnce(&mut T),
    ) {
        self.runtime.block_on(async {
            let mock = bus.object_server().interface::<_, T>(path).await.unwrap();
            change(&mut *mock.get_mut().await);
            let value = mock.get().await;
            let name = T::name();
            let properties = HashMap::<&str, Value<'_>>::new();
            let emitter = mock.signal_emitter();
            drop(value);
            zbus::fdo::Properties::properties_changed(emitter, name, properties, vec![property].into())
                .await
                .unwrap();
        });
    }

    pub(crate) fn wake_up(&self) {
        self.runtime.block_on(async {
            let login = self.system.object_server().interface::<_, Login>(LOGIN).await.unwrap();
            for begins in [true, false] {
                Login::prepare_for_sleep(login.signal_emitter(), begins).await.unwrap();
            }
        });
    }

    /// What ever kept the computer awake; whether something does.
    pub(crate) fn inhibitors(&self) -> (Vec<String>, bool) {
        use rustix::event::{PollFd, PollFlags, poll};
        self.runtime.block_on(async {
            let login = self.system.object_server().interface::<_, Login>(LOGIN).await.unwrap();
            let login = login.get().await;
            let is_held = |pipe: &std::io::PipeReader| {
                let mut polled = [PollFd::new(pipe, PollFlags::IN)];
                let now = rustix::event::Timespec { tv_sec: 0, tv_nsec: 0 };
                poll(&mut polled, Some(&now)).unwrap() == 0
            };
            let held = login.locks.iter().any(|(_, pipe)| is_held(pipe));
            (login.locks.iter().map(|(words, _)| words.clone()).collect(), held)
        })
    }

    pub(crate) fn seen_now(&self) -> Vec<Seen> {
        self.shown.lock().unwrap().now.clone()
    }

    pub(crate) fn ever_seen(&self) -> Vec<Seen> {
        self.shown.lock().unwrap().all.clone()
    }

    pub(crate) fn press(&self, id: u32, button: &str) {
        self.runtime.block_on(async {
            let path = NOTIFICATIONS;
            let server = self.session.object_server();
            let shown = server.interface::<_, Notifications>(path).await.unwrap();
            Notifications::action_invoked(shown.signal_emitter(), id, button).await.unwrap();
        });
    }
}
