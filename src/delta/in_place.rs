//! What stayed where it was: the sums of a new signature beside those of the old one.
//!
//! Both are of blocks from the same boundaries, so a disk image or database that is edited in place needs no search
//! but for the blocks that differ. Equal sums mean equal content to librsync, and so here.

use super::Basis;
use super::signature::{LANES, STRONG, SignatureBuilder, WEAK};

/// Consecutive bytes of new content.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Run {
    pub length: usize,
    /// The old content has the same at the same place.
    pub same: bool,
}

/// Bytes of a piece, at most: longer blocks are not compared.
const LONGEST: usize = 2 << 20;

/// Makes the signature of new content, and tells of each piece what the old content has at its place.
pub struct InPlace<'a> {
    signature: SignatureBuilder,
    /// Blocks so far.
    blocks: u64,
    /// `None` when its blocks are of another length.
    old: Option<&'a Basis>,
}

impl<'a> InPlace<'a> {
    /// `block_len` is that of the new signature.
    pub fn new(block_len: u32, old: Option<&'a Basis>) -> Self {
        let old = old.filter(|old| old.info().block_len == block_len && block_len as usize <= LONGEST);
        Self { signature: SignatureBuilder::new(block_len), blocks: 0, old }
    }

    /// How long each piece has to be but the last: about `wanted` bytes where that is whole blocks.
    pub fn piece_length(&self, wanted: usize) -> usize {
        if self.old.is_none() {
            return wanted;
        }
        let block = self.signature.block_len as usize;
        let unit = if block * LANES <= LONGEST { block * LANES } else { block };
        (wanted / unit).max(1) * unit
    }

    /// `piece` is [`Self::piece_length`] long, or ends the content.
    pub fn update(&mut self, piece: &[u8]) -> Vec<Run> {
        let Some(old) = self.old else {
            self.signature.update(piece);
            return vec![Run { length: piece.len(), same: false }];
        };
        let block = self.signature.block_len as usize;
        let sums = self.signature.update_to_block_end(piece);
        let mut runs: Vec<Run> = Vec::new();
        for (block, sums) in piece.chunks(block).zip(sums.chunks(WEAK + STRONG as usize)) {
            let same = old.sums(self.blocks, 1) == Some(sums);
            self.blocks += 1;
            match runs.last_mut() {
                Some(run) if run.same == same => run.length += block.len(),
                _ => runs.push(Run { length: block.len(), same }),
            }
        }
        runs
    }

    /// As [`SignatureBuilder::finish`].
    pub fn finish(self) -> Vec<u8> {
        self.signature.finish()
    }
}
