//! Attributes to and from tar headers: ustar fields as Python's tar writes them, standard PAX records
//! where those do not suffice (`FORMAT.md` section 3.1), and our own records (section 21).

mod decode;
mod encode;
mod values;

pub(super) use decode::{Decoded, Extensions, checksum_matches, decode, is_zero, stored_size};
pub(super) use encode::{Scope, encode};

/// Bytes; headers take one, bodies are padded to a multiple.
pub(super) const BLOCK: usize = 512;
/// Version of our own records that this program writes, and the highest it knows.
const VERSION: u64 = 1;
