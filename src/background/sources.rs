//! What the kernel tells: time, file systems, files. One thread that sleeps in `poll`.

use std::ffi::CStr;
use std::fs::File;
use std::io;
use std::mem::MaybeUninit;
use std::os::fd::OwnedFd;
use std::path::Path;
use std::sync::Arc;

use rustix::event::{PollFd, PollFlags, poll};
use rustix::fs::inotify::{self, CreateFlags, WatchFlags};
use rustix::io::Errno;
use rustix::time::{
    Itimerspec, TimerfdClockId, TimerfdFlags, TimerfdTimerFlags, Timespec, timerfd_create, timerfd_settime,
};

use super::{Event, Events};

/// A moment on the wall clock that wakes the process. It comes in time whatever the computer slept through, and at once
/// when the clock is set.
#[derive(Clone)]
pub(super) struct Alarm(Arc<OwnedFd>);

impl Alarm {
    fn new() -> io::Result<Self> {
        let flags = TimerfdFlags::CLOEXEC | TimerfdFlags::NONBLOCK;
        Ok(Self(Arc::new(timerfd_create(TimerfdClockId::Realtime, flags)?)))
    }

    /// Instead of what was set before. `time` in seconds since 1970.
    pub(super) fn set(&self, time: i64) -> io::Result<()> {
        let zero = Timespec { tv_sec: 0, tv_nsec: 0 };
        // A time of nought would be none.
        let at = Itimerspec { it_interval: zero, it_value: Timespec { tv_sec: time.max(1), tv_nsec: 0 } };
        let flags = TimerfdTimerFlags::ABSTIME | TimerfdTimerFlags::CANCEL_ON_SET;
        timerfd_settime(&*self.0, flags, &at)?;
        Ok(())
    }
}

/// The files in two folders, of which some matter.
pub(super) struct Folders<'a> {
    pub(super) settings: &'a Path,
    pub(super) history: &'a Path,
}

/// Tells until nobody listens.
pub(super) fn watch(folders: &Folders<'_>, events: Events) -> io::Result<Alarm> {
    let alarm = Alarm::new()?;
    let files = inotify::init(CreateFlags::CLOEXEC | CreateFlags::NONBLOCK)?;
    for folder in [folders.settings, folders.history] {
        std::fs::create_dir_all(folder)?;
    }
    inotify::add_watch(&files, folders.settings, WatchFlags::MOVED_TO | WatchFlags::CLOSE_WRITE)?;
    inotify::add_watch(&files, folders.history, WatchFlags::MODIFY)?;
    let mounts = File::open("/proc/self/mountinfo")?;
    let timer = alarm.clone();
    std::thread::Builder::new().name("sources".into()).stack_size(128 * 1024).spawn(move || {
        while let Ok(Some(event)) = next(&timer, &files, &mounts) {
            if events.send(event).is_err() {
                return;
            }
        }
    })?;
    Ok(alarm)
}

/// Waits. `None`: what happened is nobody's business, or does not concern us.
fn next(timer: &Alarm, files: &OwnedFd, mounts: &File) -> io::Result<Option<Event>> {
    loop {
        let mut waiting = [
            PollFd::new(&*timer.0, PollFlags::IN),
            PollFd::new(files, PollFlags::IN),
            // A change of the table counts as urgent, and as an error.
            PollFd::new(mounts, PollFlags::PRI),
        ];
        match poll(&mut waiting, None) {
            Err(Errno::INTR) => continue,
            polled => polled?,
        };
        let [time, file, mount] = waiting.map(|waiting| !waiting.revents().is_empty());
        if time {
            // It says how often the time has come, or that the clock was set.
            let _ = rustix::io::read(&*timer.0, &mut [0u8; 8]);
            return Ok(Some(Event::Time));
        }
        if mount {
            return Ok(Some(Event::Mounts));
        }
        if file && ours_changed(files) {
            return Ok(Some(Event::Files));
        }
    }
}

/// Reads all that has happened.
fn ours_changed(files: &OwnedFd) -> bool {
    let mut buffer = [MaybeUninit::uninit(); 4096];
    let mut reader = inotify::Reader::new(files, &mut buffer);
    let mut ours = false;
    while let Ok(event) = reader.next() {
        ours |= event.file_name().is_none_or(is_ours);
    }
    ours
}

/// The history's own shared memory changes when it is only read.
fn is_ours(name: &CStr) -> bool {
    [c"settings.json", c"runs.sqlite", c"runs.sqlite-wal"].contains(&name)
}
