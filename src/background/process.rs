//! The process: alone in its session, attentive until the session ends or a newer version of it is installed.

use std::io;
use std::os::unix::fs::MetadataExt;
use std::path::PathBuf;
use std::time::Duration;

use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM};
use signal_hook::iterator::Signals;
use tokio::sync::mpsc::{UnboundedReceiver, unbounded_channel};
use zbus::fdo::RequestNameFlags;

use super::bus::Buses;
use super::keeper::Keeper;
use super::notifications::Notifications;
use super::sources::{Folders, watch};
use super::{Event, Events, Manner, portal};
use crate::folders;
use crate::ledger::Ledger;
use crate::runtime::block_on;
use crate::settings::Store;

const NAME: &str = "io.github.hindsight_backup.Hindsight.Background";

/// What happens together is looked at together: a run that has written its end is over a moment later.
const TOGETHER: Duration = Duration::from_millis(100);

/// For the run that is going on when the session ends.
const FAREWELL: Duration = Duration::from_secs(20);

/// Why the process is to end.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Ended {
    /// The session ends.
    Asked,
    /// There is another one.
    NotAlone,
    /// Its program was replaced by another one, which is to be executed.
    Replaced,
}

/// Until the session ends.
pub fn run(manner: Manner) -> io::Result<Ended> {
    let program = Program::this()?;
    block_on(attend(manner, &program))?
}

async fn attend(manner: Manner, program: &Program) -> io::Result<Ended> {
    let (events, mut inbox) = unbounded_channel();
    listen_for_end(&events)?;
    let ledger = Ledger::open_default().map_err(io::Error::other)?;
    // A lock besides the name: where there is no bus, and for programs that have none.
    let Some(_alone) = ledger.hold_background().map_err(io::Error::other)? else {
        return Ok(Ended::NotAlone);
    };
    let buses = Buses::connect().await;
    if !has_name(&buses).await {
        return Ok(Ended::NotAlone);
    }
    buses.watch(&events).await.map_err(io::Error::other)?;
    if manner.asks {
        let (session, events) = (buses.session.clone(), events.clone());
        tokio::spawn(async move { events.send(Event::Autostart(portal::ask(session.as_ref()).await)) });
    }
    let notifications = Notifications::new(buses.session.clone(), &events).await.map_err(io::Error::other)?;
    let store = Store::open_default().map_err(io::Error::other)?;
    let settings = store.path().parent().unwrap_or(store.path());
    let history = folders::state().ok_or(io::ErrorKind::NotFound)?;
    let alarm = watch(&Folders { settings, history: &history }, events.clone())?;
    let ours = (store, ledger, program.folder());
    let mut keeper = Keeper::new(manner, ours, (buses, notifications), alarm, events);
    loop {
        keeper.attend().await;
        if keeper.is_idle() && program.is_replaced() {
            keeper.withdraw_all().await;
            return Ok(Ended::Replaced);
        }
        if !take_in(&mut keeper, &mut inbox).await {
            break;
        }
    }
    keeper.end_run();
    let ends = async {
        while !keeper.is_idle() {
            take_in(&mut keeper, &mut inbox).await;
        }
    };
    let _ = tokio::time::timeout(FAREWELL, ends).await;
    Ok(Ended::Asked)
}

/// Whether to go on.
async fn take_in(keeper: &mut Keeper, inbox: &mut UnboundedReceiver<Event>) -> bool {
    let Some(first) = inbox.recv().await else { return false };
    if matches!(first, Event::Files | Event::Mounts | Event::System) {
        tokio::time::sleep(TOGETHER).await;
    }
    let mut event = Some(first);
    let mut goes_on = true;
    while let Some(this) = event {
        goes_on &= !matches!(this, Event::Quit);
        keeper.on(this).await;
        event = inbox.try_recv().ok();
    }
    goes_on
}

/// Where there is no bus, the lock must do.
async fn has_name(buses: &Buses) -> bool {
    let Some(session) = &buses.session else { return true };
    let asked = session.request_name_with_flags(NAME, RequestNameFlags::DoNotQueue.into()).await;
    !matches!(asked, Err(zbus::Error::NameTaken))
}

fn listen_for_end(events: &Events) -> io::Result<()> {
    let mut signals = Signals::new([SIGINT, SIGTERM, SIGHUP])?;
    let events = events.clone();
    let listen = move || {
        for _ in signals.forever() {
            let _ = events.send(Event::Quit);
        }
    };
    std::thread::Builder::new().name("signals".into()).stack_size(64 * 1024).spawn(listen)?;
    Ok(())
}

/// The file that is executed, as it was when it was started.
struct Program {
    path: PathBuf,
    identity: (u64, u64),
}

impl Program {
    fn this() -> io::Result<Self> {
        let path = std::env::current_exe()?;
        let identity = identity(&path)?;
        Ok(Self { path, identity })
    }

    /// Not while it is only gone: an installation may be under way.
    fn is_replaced(&self) -> bool {
        identity(&self.path).is_ok_and(|now| now != self.identity)
    }

    fn folder(&self) -> PathBuf {
        self.path.parent().unwrap_or(&self.path).to_path_buf()
    }
}

fn identity(path: &std::path::Path) -> io::Result<(u64, u64)> {
    let facts = path.metadata()?;
    Ok((facts.dev(), facts.ino()))
}
