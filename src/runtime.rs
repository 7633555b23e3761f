//! The one place where something asynchronous is waited for.

use std::io;

/// Blocks the calling thread. For the few libraries that speak D-Bus; the runtime ends with the call.
pub(crate) fn block_on<F: Future>(work: F) -> io::Result<F::Output> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    Ok(runtime.block_on(work))
}
