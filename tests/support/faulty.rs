//! A destination around another that writes down every call and lets one of them fail.

// Each test crate uses its own part of this.
#![allow(dead_code)]

use std::io::{self, Read, Write};
use std::sync::{Arc, Mutex, MutexGuard};

use hindsight::destination::{Destination, DestinationError, ErrorKind, Existing, Result, Staged, Stored};

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Op {
    Create,
    List,
    Size,
    Open,
    Stage,
    Write,
    Seal,
    Publish,
    Park,
    Adopt,
    Delete,
}

/// Name: the final one of a publish or adopt, the foreign one of an upload's other calls, "" of the place's own.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) struct Call {
    pub(crate) op: Op,
    pub(crate) name: String,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum When {
    /// Nothing happened.
    Before,
    /// A write stored, or a read gave, half of its bytes. For other calls like `Before`.
    Half,
    /// It happened, but the answer was lost.
    After,
}

#[derive(Clone, Copy, Debug)]
pub(crate) struct Fault {
    /// Which call fails, counted from 0: among those of this kind, or among all.
    pub(crate) op: Option<Op>,
    pub(crate) nth: usize,
    pub(crate) when: When,
    pub(crate) kind: ErrorKind,
    pub(crate) temporary: bool,
    /// Every later call fails too and uploads stay where they are: what a killed run leaves behind.
    pub(crate) forever: bool,
}

impl Fault {
    pub(crate) fn at(op: Op, nth: usize, when: When) -> Self {
        Self { op: Some(op), nth, when, kind: ErrorKind::Offline, temporary: true, forever: false }
    }

    pub(crate) fn kill_at(nth: usize, when: When) -> Self {
        Self { op: None, nth, when, kind: ErrorKind::Other, temporary: false, forever: true }
    }

    fn error(&self, name: &str) -> DestinationError {
        let error = DestinationError::new(self.kind, name);
        DestinationError { temporary: self.temporary, source: Some("injected fault".into()), ..error }
    }
}

#[derive(Default)]
struct Log {
    calls: Vec<Call>,
    fault: Option<Fault>,
    reached: bool,
}

#[derive(Clone)]
pub(crate) struct Faulty {
    inner: Arc<dyn Destination>,
    log: Arc<Mutex<Log>>,
    at_fault: Option<Arc<dyn Fn() + Send + Sync>>,
    at_open: Option<Arc<AtOpen>>,
}

type AtOpen = dyn Fn(&str) + Send + Sync;

impl Faulty {
    pub(crate) fn new(inner: Arc<dyn Destination>) -> Self {
        Self { inner, log: Arc::default(), at_fault: None, at_open: None }
    }

    /// Calls `act` at the moment of the planned fault, before anybody hears of it: to keep what a killed
    /// run's disk looked like.
    pub(crate) fn at_fault(self, act: impl Fn() + Send + Sync + 'static) -> Self {
        Self { at_fault: Some(Arc::new(act)), ..self }
    }

    /// Calls `act` with the name of what is about to be read, on the thread that reads it.
    pub(crate) fn at_open(self, act: impl Fn(&str) + Send + Sync + 'static) -> Self {
        Self { at_open: Some(Arc::new(act)), ..self }
    }

    /// Plans a fault and begins counting anew.
    pub(crate) fn plan(&self, fault: Fault) {
        *self.log() = Log { fault: Some(fault), ..Log::default() };
    }

    /// Whether the planned fault happened: a loop over all calls ends when it no longer does.
    pub(crate) fn reached(&self) -> bool {
        self.log().reached
    }

    pub(crate) fn calls(&self) -> Vec<Call> {
        self.log().calls.clone()
    }

    pub(crate) fn count(&self, op: Op) -> usize {
        self.log().calls.iter().filter(|call| call.op == op).count()
    }

    /// Final names that were published or adopted, in order; for "nothing is uploaded twice".
    pub(crate) fn published(&self) -> Vec<String> {
        let made = |call: &&Call| matches!(call.op, Op::Publish | Op::Adopt);
        self.log().calls.iter().filter(made).map(|call| call.name.clone()).collect()
    }

    fn log(&self) -> MutexGuard<'_, Log> {
        self.log.lock().unwrap_or_else(|poisoned| poisoned.into_inner())
    }

    /// Writes the call down; gives the fault if it is this call's turn.
    fn begin(&self, op: Op, name: &str) -> Option<Fault> {
        let mut log = self.log();
        let fault = log.fault;
        let earlier = |log: &Log, op: Option<Op>| {
            log.calls.iter().filter(|call| op.is_none_or(|op| call.op == op)).count()
        };
        let counted = |fault: &Fault| fault.op.is_none_or(|wanted| wanted == op);
        let hit = fault.filter(|fault| {
            if log.reached {
                return fault.forever;
            }
            counted(fault) && earlier(&log, fault.op) == fault.nth
        });
        let hit = hit.map(|fault| if log.reached { Fault { when: When::Before, ..fault } } else { fault });
        let first = hit.is_some() && !log.reached;
        log.reached |= hit.is_some();
        log.calls.push(Call { op, name: name.to_owned() });
        drop(log);
        if let Some(act) = self.at_fault.as_ref().filter(|_| first) {
            act();
        }
        hit
    }

    fn call<T>(&self, op: Op, name: &str, act: impl FnOnce() -> Result<T>) -> Result<T> {
        let fault = self.begin(op, name);
        self.finish(fault, name, act)
    }

    fn finish<T>(&self, fault: Option<Fault>, name: &str, act: impl FnOnce() -> Result<T>) -> Result<T> {
        let Some(fault) = fault else { return act() };
        if fault.when == When::After {
            act()?;
        }
        Err(fault.error(name))
    }

    fn is_dead(&self) -> bool {
        let log = self.log();
        log.reached && log.fault.is_some_and(|fault| fault.forever)
    }
}

impl Destination for Faulty {
    fn create(&self) -> Result<()> {
        self.call(Op::Create, "", || self.inner.create())
    }

    fn list(&self) -> Result<Vec<Stored>> {
        self.call(Op::List, "", || self.inner.list())
    }

    fn open(&self, name: &str) -> Result<Box<dyn Read + Send + Sync>> {
        let fault = self.begin(Op::Open, name);
        if let Some(act) = &self.at_open {
            act(name);
        }
        if let Some(fault) = fault.filter(|fault| fault.when != When::Before) {
            let size = self.inner.size(name)?.unwrap_or_default();
            let readable = if fault.when == When::Half { size / 2 } else { size };
            return Ok(Box::new(self.inner.open(name)?.take(readable).chain(Broken(fault, name.to_owned()))));
        }
        self.finish(fault, name, || self.inner.open(name))
    }

    fn stage(&self) -> Result<Box<dyn Staged>> {
        self.call(Op::Stage, "", || {
            let inner = Some(self.inner.stage()?);
            Ok(Box::new(FaultyUpload { place: self.clone(), inner }) as Box<dyn Staged>)
        })
    }

    fn adopt(&self, parked: &str, name: &str) -> Result<()> {
        self.call(Op::Adopt, name, || self.inner.adopt(parked, name))
    }

    fn delete(&self, name: &str) -> Result<()> {
        self.call(Op::Delete, name, || self.inner.delete(name))
    }

    fn describe(&self) -> String {
        self.inner.describe()
    }

    fn size(&self, name: &str) -> Result<Option<u64>> {
        self.call(Op::Size, name, || self.inner.size(name))
    }

    fn free_space(&self) -> Result<Option<u64>> {
        self.inner.free_space()
    }
}

/// Ends a read with an error instead of an end.
struct Broken(Fault, String);

impl Read for Broken {
    fn read(&mut self, _: &mut [u8]) -> io::Result<usize> {
        Err(self.0.error(&self.1).into())
    }
}

struct FaultyUpload {
    place: Faulty,
    /// Taken by `publish` and `park`.
    inner: Option<Box<dyn Staged>>,
}

impl FaultyUpload {
    fn inner(&mut self) -> &mut dyn Staged {
        self.inner.as_deref_mut().expect("neither published nor parked yet")
    }

    /// A fault before the call leaves `inner` to `drop`.
    fn settle<T>(mut self, op: Op, name: &str, act: impl FnOnce(Box<dyn Staged>) -> Result<T>) -> Result<T> {
        let place = self.place.clone();
        place.call(op, name, || act(self.inner.take().expect("settled once")))
    }
}

impl Write for FaultyUpload {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let name = self.parked_name().to_owned();
        let Some(fault) = self.place.begin(Op::Write, &name) else { return self.inner().write(bytes) };
        match fault.when {
            When::Before => {}
            When::Half => self.inner().write_all(&bytes[..bytes.len() / 2])?,
            When::After => self.inner().write_all(bytes)?,
        }
        Err(fault.error(&name).into())
    }

    fn flush(&mut self) -> io::Result<()> {
        self.inner().flush()
    }
}

impl Staged for FaultyUpload {
    fn parked_name(&self) -> &str {
        self.inner.as_ref().map_or("", |inner| inner.parked_name())
    }

    fn seal(&mut self) -> Result<u64> {
        let name = self.parked_name().to_owned();
        let place = self.place.clone();
        place.call(Op::Seal, &name, || self.inner().seal())
    }

    fn publish(self: Box<Self>, name: &str, existing: Existing) -> Result<()> {
        (*self).settle(Op::Publish, name, |inner| inner.publish(name, existing))
    }

    fn park(self: Box<Self>) -> Result<String> {
        let name = self.parked_name().to_owned();
        (*self).settle(Op::Park, &name, |inner| inner.park())
    }
}

impl Drop for FaultyUpload {
    fn drop(&mut self) {
        if self.place.is_dead() {
            // A killed process cleans nothing up.
            std::mem::forget(self.inner.take());
        }
    }
}
