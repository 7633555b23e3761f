//! The compressor: ISA-L, which is three times as fast as zlib's kind at the size that we want.
//!
//! Measured on 296 MB of source text, one thread: ISA-L level 1 makes .208 of it at 840 MB/s, level 2 .206 at 800, level 3
//! .197 at 420; zlib-rs level 1 .260 at 457, level 2 .203 at 285, level 3 .186 at 230. Its crate for Rust offers no sync
//! flush, so the four calls that are needed are made here.

#![allow(unsafe_code)] // a C library: each call says why it is sound

use std::io::{self, Write};

use isal_sys::igzip_lib::{
    COMP_OK, ISAL_DEF_LVL2_MEDIUM, NO_FLUSH, SYNC_FLUSH, isal_deflate, isal_deflate_init, isal_deflate_reset,
    isal_zstream,
};

const LEVEL: u32 = 2;
/// Bytes that this level works in: matches are sought in all of the window, and a block has 32 K symbols at most.
const TABLES: usize = ISAL_DEF_LVL2_MEDIUM as usize;
const OUTPUT: usize = 32 * 1024;

/// A raw deflate stream (RFC 1951) without its last block. About 330 KiB.
pub(super) struct Compressor {
    stream: Box<isal_zstream>,
    /// The stream points into this. Words, for they are aligned as C's structures want it; a `Vec`, for what a `Box`
    /// holds must not be pointed at while it moves.
    _tables: Vec<u128>,
    output: Box<[u8]>,
}

// SAFETY: the stream points only into `_tables`, which moves along, and into what is lent to it during a call.
unsafe impl Send for Compressor {}

impl Compressor {
    pub(super) fn new() -> Self {
        let mut tables = vec![0_u128; TABLES.div_ceil(size_of::<u128>())];
        // SAFETY: a structure of numbers and pointers, for which zero is a value; what must be otherwise is set here.
        let mut stream: Box<isal_zstream> = unsafe { Box::new_zeroed().assume_init() };
        // SAFETY: writes the fields of a structure that is ours alone.
        unsafe { isal_deflate_init(&raw mut *stream) };
        stream.level = LEVEL;
        stream.level_buf = tables.as_mut_ptr().cast();
        stream.level_buf_size = TABLES as u32;
        Self { stream, _tables: tables, output: vec![0; OUTPUT].into_boxed_slice() }
    }

    /// Some of what becomes of `data` may be written by a later call.
    pub(super) fn compress(&mut self, data: &[u8], out: &mut impl Write) -> io::Result<()> {
        self.run(data, NO_FLUSH, out)
    }

    /// Writes what is kept back and goes on to a whole byte by an empty stored block. What comes next is compressed
    /// without regard to what came before.
    pub(super) fn end(&mut self, out: &mut impl Write) -> io::Result<()> {
        self.run(&[], SYNC_FLUSH, out)?;
        // SAFETY: as for `isal_deflate_init`; level, tables and wrapping stay.
        unsafe { isal_deflate_reset(&raw mut *self.stream) };
        Ok(())
    }

    fn run(&mut self, data: &[u8], flush: u32, out: &mut impl Write) -> io::Result<()> {
        let stream = &mut *self.stream;
        stream.flush = flush as u16;
        // It is only read from, though C does not say so.
        stream.next_in = data.as_ptr().cast_mut();
        stream.avail_in = u32::try_from(data.len()).map_err(io::Error::other)?;
        loop {
            stream.next_out = self.output.as_mut_ptr();
            stream.avail_out = OUTPUT as u32;
            // SAFETY: the input is borrowed for this call and behind it nothing points to it, for what must be
            // remembered is copied into the stream; input, output and tables are as long as is said.
            let code = unsafe { isal_deflate(&raw mut *stream) };
            if code != COMP_OK as i32 {
                return Err(io::Error::other(format!("ISA-L's deflate gave up with code {code}")));
            }
            out.write_all(&self.output[..OUTPUT - stream.avail_out as usize])?;
            // Room that is left means that nothing is kept back for lack of it.
            if stream.avail_in == 0 && stream.avail_out > 0 {
                return Ok(());
            }
        }
    }
}
