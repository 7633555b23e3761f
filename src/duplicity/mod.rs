//! (to be written)

mod archive;
pub mod difftar;
mod header;
pub mod pax;
pub mod sigtar;
