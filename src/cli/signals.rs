//! Ctrl-C and friends: the first asks the job to stop, which closes its set; the second ends the program at once.

use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM};
use signal_hook::iterator::{Handle, Signals};

use super::exit::INTERRUPTED;
use super::terminal::err;
use crate::context::Why;
use crate::worker::JobHandle;

/// While this lives, signals go to the job.
pub(super) struct Forwarding(Handle);

impl Forwarding {
    /// `announce`: say that the stop takes a moment.
    pub(super) fn to(job: JobHandle, announce: bool) -> std::io::Result<Self> {
        let mut signals = Signals::new([SIGINT, SIGTERM, SIGHUP])?;
        let handle = signals.handle();
        std::thread::Builder::new().name("signals".into()).spawn(move || {
            let mut asked = false;
            for _ in signals.forever() {
                if asked {
                    std::process::exit(INTERRUPTED.into());
                }
                asked = true;
                if announce {
                    err("Stopping. What was saved is being completed; once more ends the program at once.");
                }
                job.cancel(Why::User);
            }
        })?;
        Ok(Self(handle))
    }
}

impl Drop for Forwarding {
    fn drop(&mut self) {
        self.0.close();
    }
}
