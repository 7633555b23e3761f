//! Holes instead of zeros.

use std::fs::File;
use std::io::{self, Write};
use std::os::unix::fs::FileExt;

/// Bytes of the smallest hole; holes begin and end at multiples of it.
const BLOCK: usize = 4096;
static ZEROS: [u8; BLOCK] = [0; BLOCK];

/// Writes an empty file from its start, leaving a hole for each aligned block of zeros. The file's own
/// position does not move.
pub struct SparseWriter {
    file: File,
    /// Where `partial` begins: a multiple of the block.
    position: u64,
    /// The bytes of an incomplete block.
    partial: Vec<u8>,
}

impl SparseWriter {
    pub fn new(file: File) -> Self {
        Self { file, position: 0, partial: Vec::with_capacity(BLOCK) }
    }

    /// Writes the rest, extends the file over a hole at its end, and returns its size in bytes.
    pub fn finish(mut self) -> io::Result<u64> {
        let partial = std::mem::take(&mut self.partial);
        self.put(&partial)?;
        self.file.set_len(self.position)?;
        Ok(self.position)
    }

    /// `data` is whole blocks, but for the end of the file.
    fn put(&mut self, data: &[u8]) -> io::Result<()> {
        let mut start = 0;
        while start < data.len() {
            let is_hole = |at: usize| data[at..].chunks(BLOCK).next() == Some(&ZEROS[..]);
            let hole = is_hole(start);
            let mut end = (start + BLOCK).min(data.len());
            while end < data.len() && is_hole(end) == hole {
                end = (end + BLOCK).min(data.len());
            }
            if !hole {
                self.file.write_all_at(&data[start..end], self.position)?;
            }
            self.position += (end - start) as u64;
            start = end;
        }
        Ok(())
    }
}

impl Write for SparseWriter {
    fn write(&mut self, data: &[u8]) -> io::Result<usize> {
        let mut rest = data;
        if !self.partial.is_empty() {
            let (head, tail) = rest.split_at(rest.len().min(BLOCK - self.partial.len()));
            self.partial.extend_from_slice(head);
            rest = tail;
            if self.partial.len() < BLOCK {
                return Ok(data.len());
            }
            let block = std::mem::replace(&mut self.partial, Vec::with_capacity(BLOCK));
            self.put(&block)?;
        }
        let (blocks, rest) = rest.split_at(rest.len() - rest.len() % BLOCK);
        self.put(blocks)?;
        self.partial.extend_from_slice(rest);
        Ok(data.len())
    }

    /// Nothing: an incomplete block waits for its rest.
    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
