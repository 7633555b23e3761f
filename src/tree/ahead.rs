//! Reading ahead of a walk: threads that do the tasks of a [`Scanner`], the first in the walk's order always
//! first, so that it stays depth first and few directories are open.
//!
//! Whoever waits for a result does tasks as well. So a walk needs no other thread to get on, and none of the
//! bounds can make it wait for ever: what it waits for comes before all that is finished, and such a task is
//! never held back.

use std::collections::BTreeMap;
use std::sync::atomic::Ordering;
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::thread;

use rustix::io::Errno;

use super::scan::{Part, Place, Scanner, Scratch, Task};

pub(super) struct Ahead {
    scanner: Scanner,
    /// Entries that may lie finished before tasks are held back.
    most_entries: usize,
    state: Mutex<State>,
    /// A task came, was finished or is no longer held back; or the end.
    changed: Condvar,
}

#[derive(Default)]
struct State {
    pending: BTreeMap<Place, Task>,
    finished: BTreeMap<Place, Result<Part, Errno>>,
    /// Names in `finished`, and one for each part.
    entries: usize,
    /// Threads that wait for a change.
    waiting: usize,
    /// A task panicked: its result will never come.
    died: bool,
}

/// A thread panicked while it did a task.
#[derive(Debug)]
pub(super) struct Died;

impl Ahead {
    pub(super) fn new(scanner: Scanner, first: Option<(Place, Task)>, most_entries: usize) -> Self {
        let state = State { pending: first.into_iter().collect(), ..State::default() };
        Self { scanner, most_entries, state: Mutex::new(state), changed: Condvar::new() }
    }

    /// Does tasks until [`Ahead::stop`].
    pub(super) fn work(&self) {
        let mut scratch = Scratch::default();
        let mut state = self.lock();
        while !self.scanner.stopped.load(Ordering::Relaxed) {
            state = self.step(state, &mut scratch);
        }
    }

    /// The result of the task at `place`, which must be the first in order that was not taken yet.
    pub(super) fn take(&self, place: &Place, scratch: &mut Scratch) -> Result<Result<Part, Errno>, Died> {
        let mut state = self.lock();
        loop {
            if let Some(part) = state.finished.remove(place) {
                state.entries -= weight(&part);
                // Not at once when there is room for one more: threads would fall asleep again and again.
                if state.entries < self.most_entries / 2 || state.is_next_due() {
                    self.wake(&state);
                }
                return Ok(part);
            }
            if state.died {
                return Err(Died);
            }
            state = self.step(state, scratch);
        }
    }

    /// Soon ends all threads in [`Ahead::work`].
    pub(super) fn stop(&self) {
        let _state = self.lock();
        self.scanner.stopped.store(true, Ordering::Relaxed);
        self.changed.notify_all();
    }

    /// Names that lie finished, and one for each part.
    #[cfg(test)]
    pub(super) fn entries(&self) -> usize {
        self.lock().entries
    }

    #[cfg(test)]
    pub(super) fn idle_threads(&self) -> usize {
        self.lock().waiting
    }

    #[cfg(test)]
    pub(super) fn has_died(&self) -> bool {
        self.lock().died
    }

    /// Does one task, or waits for a change when there is none to do.
    fn step<'a>(&'a self, mut state: MutexGuard<'a, State>, scratch: &mut Scratch) -> MutexGuard<'a, State> {
        let due = state.entries < self.most_entries || state.is_next_due();
        let Some((place, task)) = due.then(|| state.pending.pop_first()).flatten() else {
            state.waiting += 1;
            let mut state = self.changed.wait(state).unwrap_or_else(PoisonError::into_inner);
            state.waiting -= 1;
            return state;
        };
        drop(state);
        let guard = DeathNotice(self);
        let (part, tasks) = self.scanner.run(&place, task, scratch);
        drop(guard);
        let mut state = self.lock();
        state.entries += weight(&part);
        state.pending.extend(tasks);
        state.finished.insert(place, part);
        self.wake(&state);
        state
    }

    fn wake(&self, state: &State) {
        if state.waiting > 0 {
            self.changed.notify_all();
        }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    /// Nothing that is finished can be of use before the next task is done.
    fn is_next_due(&self) -> bool {
        match (self.pending.first_key_value(), self.finished.first_key_value()) {
            (Some((next, _)), Some((finished, _))) => next < finished,
            (next, _) => next.is_some(),
        }
    }
}

fn weight(part: &Result<Part, Errno>) -> usize {
    1 + part.as_ref().map_or(0, |part| part.visited.len())
}

struct DeathNotice<'a>(&'a Ahead);

impl Drop for DeathNotice<'_> {
    fn drop(&mut self) {
        if thread::panicking() {
            self.0.lock().died = true;
            self.0.changed.notify_all();
        }
    }
}
