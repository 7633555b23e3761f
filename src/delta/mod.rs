//! Binary deltas in librsync's formats (`FORMAT.md` section 5): signatures of old content, deltas of new
//! content against them, and the way back.
//!
//! Pure: bytes in, bytes out. Nothing here holds a whole file in memory.

mod command;
mod diff;
mod in_place;
mod patch;
mod signature;

pub use command::whole_copy;
pub use diff::{Basis, Differ};
pub use in_place::{InPlace, Run};
pub use patch::{Onwards, Patched, furthest_step_back};
pub use signature::{SignatureBuilder, SignatureInfo, SignatureKind, block_length};

use std::io;

/// Why a signature or delta could not be used.
#[derive(Debug, thiserror::Error)]
pub enum DeltaError {
    #[error("not a signature")]
    InvalidSignature,
    /// Legal, but no delta can be made against it here: store the whole content instead.
    #[error("no delta can be made against this signature ({kind:?}, {blocks} blocks of {block_len} bytes)")]
    UnsupportedSignature { kind: SignatureKind, block_len: u32, blocks: u64 },
    #[error("not a delta")]
    NotADelta,
    #[error("the delta ends before its end mark")]
    Truncated,
    #[error("unknown delta command {0:#04x}")]
    UnknownCommand(u8),
    /// The delta was made for other content.
    #[error("the delta copies {length} bytes at {offset}, where its basis has ended")]
    OutOfBounds { offset: u64, length: u64 },
    #[error("the delta could not be read: {0}")]
    Read(#[source] io::Error),
}

/// For readers, which can only fail with an [`io::Error`].
impl From<DeltaError> for io::Error {
    fn from(error: DeltaError) -> Self {
        match error {
            DeltaError::Read(error) => error,
            own => Self::new(io::ErrorKind::InvalidData, own),
        }
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::expect_used)]
mod tests;
