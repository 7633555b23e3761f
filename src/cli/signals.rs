//! Ctrl-C and friends: the first asks the job to stop, which closes its set; the second ends the program at once.
//!
//! SIGINT is somebody's wish. The others are the computer's: the session ends, or whoever began the run has a reason to
//! go on later.

use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM};
use signal_hook::iterator::{Handle, Signals};

use super::exit::INTERRUPTED;
use super::terminal::err;
use crate::context::{CancelToken, Why};

/// While this lives, signals stop the job.
pub(super) struct Forwarding(Handle);

impl Forwarding {
    /// `announce`: say that the stop takes a moment.
    pub(super) fn to(job: CancelToken, announce: bool) -> std::io::Result<Self> {
        let mut signals = Signals::new([SIGINT, SIGTERM, SIGHUP])?;
        let handle = signals.handle();
        std::thread::Builder::new().name("signals".into()).spawn(move || {
            let mut asked = false;
            for signal in signals.forever() {
                if asked {
                    std::process::exit(INTERRUPTED.into());
                }
                asked = true;
                if announce {
                    err("Stopping. What was saved is being completed; once more ends the program at once.");
                }
                job.cancel(if signal == SIGINT { Why::User } else { Why::Quitting });
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
