//! Storing whole objects so that a place may fail at any moment, and cleaning up after runs that died.

use std::io::{Read, Write};
use std::time::{Duration, SystemTime};

use super::{Destination, DestinationError, Existing, Result, Stored, is_upload_name};
use crate::context::{Context, Level};

/// How often a temporary error is worth another attempt. The pause doubles each time.
#[derive(Clone, Copy, Debug)]
pub struct Retry {
    pub attempts: u32,
    pub first_pause: Duration,
}

impl Default for Retry {
    fn default() -> Self {
        Self { attempts: 5, first_pause: Duration::from_millis(500) }
    }
}

impl Retry {
    /// Calls `attempt` until it succeeds, fails for good, or the attempts are used up; returns the last error.
    /// A run that was asked to stop is not kept waiting: the error at hand is returned.
    pub fn run<T>(&self, ctx: &Context, mut attempt: impl FnMut() -> Result<T>) -> Result<T> {
        let mut pause = self.first_pause;
        let mut left = self.attempts;
        loop {
            let error = match attempt() {
                Err(error) if error.temporary => error,
                done => return done,
            };
            left = left.saturating_sub(1);
            if left == 0 {
                return Err(error);
            }
            ctx.say(Level::Notice, format_args!("{error}; trying again"));
            if !wait(pause, ctx) {
                return Err(error);
            }
            pause *= 2;
        }
    }
}

/// Sleeps in short steps; false if asked to stop meanwhile.
fn wait(pause: Duration, ctx: &Context) -> bool {
    const STEP: Duration = Duration::from_millis(50);
    let mut left = pause;
    while !left.is_zero() {
        if ctx.check().is_err() {
            return false;
        }
        let step = left.min(STEP);
        std::thread::sleep(step);
        left -= step;
    }
    ctx.check().is_ok()
}

/// Stores `bytes` under `name`: small objects (manifests, markers) that are at hand in memory.
///
/// Each attempt is a whole new upload under a new foreign name. After an error whose outcome is unknown the place
/// is asked whether the object is there after all, byte for byte.
pub fn put_bytes(
    place: &dyn Destination,
    name: &str,
    bytes: &[u8],
    existing: Existing,
    ctx: &Context,
) -> Result<()> {
    let mut uncertain = false;
    Retry::default().run(ctx, || {
        let done = put_once(place, name, bytes, existing);
        let Err(error) = &done else { return done };
        uncertain |= error.temporary;
        // `NameTaken` after an earlier attempt may well be that attempt's own object.
        if uncertain && holds(place, name, bytes) { Ok(()) } else { done }
    })
}

fn put_once(place: &dyn Destination, name: &str, bytes: &[u8], existing: Existing) -> Result<()> {
    let mut staged = place.stage()?;
    staged.write_all(bytes).map_err(|error| DestinationError::from_io(place.describe(), error))?;
    staged.seal()?;
    staged.publish(name, existing)
}

fn holds(place: &dyn Destination, name: &str, bytes: &[u8]) -> bool {
    read_bytes(place, name, bytes.len() as u64).is_ok_and(|stored| stored == bytes)
}

/// Reads a whole small object, refusing (`Other`) one larger than `limit` bytes.
pub fn read_bytes(place: &dyn Destination, name: &str, limit: u64) -> Result<Vec<u8>> {
    let fail = |error| DestinationError::from_io(format!("{}/{name}", place.describe()), error);
    let mut bytes = Vec::new();
    place.open(name)?.take(limit.saturating_add(1)).read_to_end(&mut bytes).map_err(fail)?;
    if bytes.len() as u64 > limit {
        return Err(fail(std::io::Error::other(format!("larger than {limit} bytes"))));
    }
    Ok(bytes)
}

/// Deletes those of the `listed` uploads that nobody will finish and returns their names: those named in `dead` (of this computer's own
/// ended runs), and any other older than `age` by the place's clock. Never one named in `keep` (parked, to be
/// adopted), never a name that is not exactly ours.
pub fn sweep(
    place: &dyn Destination,
    listed: &[Stored],
    now: SystemTime,
    age: Duration,
    dead: &[String],
    keep: &[String],
) -> Result<Vec<String>> {
    let is_old = |modified: Option<SystemTime>| {
        modified.and_then(|modified| now.duration_since(modified).ok()).is_some_and(|passed| passed > age)
    };
    let mut swept = Vec::new();
    for stored in listed {
        if is_upload_name(&stored.name)
            && !keep.contains(&stored.name)
            && (dead.contains(&stored.name) || is_old(stored.modified))
        {
            place.delete(&stored.name)?;
            swept.push(stored.name.clone());
        }
    }
    Ok(swept)
}
