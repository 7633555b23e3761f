//! Ctrl-C and friends: the first asks the job to stop, which closes its set; the second ends the program at once.

use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM};
use signal_hook::iterator::{Handle, Signals};

use super::exit::INTERRUPTED;
use crate::context::Why;
use crate::worker::JobHandle;

/// While this lives, signals go to the job.
pub(super) struct Forwarding(Handle);

impl Forwarding {
    pub(super) fn to(job: JobHandle) -> std::io::Result<Self> {
        let mut signals = Signals::new([SIGINT, SIGTERM, SIGHUP])?;
        let handle = signals.handle();
        std::thread::Builder::new().name("signals".into()).spawn(move || {
            let mut asked = false;
            for _ in signals.forever() {
                if asked {
                    std::process::exit(INTERRUPTED.into());
                }
                asked = true;
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
