//! Deltas: new content as copies from the old content and literal bytes.

use fast_rsync::{IndexedSignature, Signature, diff};

use super::DeltaError;
use super::command::{Command, MAGIC, put_copy, put_end, put_literal};
use super::signature::{HEADER, SignatureInfo, WEAK, has_strong_sum};

/// Bytes of new data searched at a time. No match is lost at the cuts, so more would only cost memory.
const WINDOW: usize = 4 << 20;
/// After so many bytes without a single match, the rest will not match either. Searching for nothing is the slowest
/// thing there is here, so this is less than one window.
const HOPELESS: u64 = 3 << 20;

/// Blocks to either side, in the old content, of where something is in the new one: that is near.
const NEAR: u64 = 8;

/// A signature of old content, checked to be fit for making deltas.
pub struct Basis {
    info: SignatureInfo,
    signature: Signature,
}

impl Basis {
    /// Fails with [`DeltaError::UnsupportedSignature`] where the caller should store the whole content.
    pub fn new(signature: Vec<u8>) -> Result<Self, DeltaError> {
        let info = SignatureInfo::parse(&signature)?;
        let SignatureInfo { kind, block_len, blocks, .. } = info;
        if !info.supports_delta() {
            return Err(DeltaError::UnsupportedSignature { kind, block_len, blocks });
        }
        let signature = Signature::deserialize(signature).map_err(|_| DeltaError::InvalidSignature)?;
        Ok(Self { info, signature })
    }

    pub fn info(&self) -> SignatureInfo {
        self.info
    }

    /// The weak and strong sums of `count` blocks from `block` on.
    pub(super) fn sums(&self, block: u64, count: u64) -> Option<&[u8]> {
        if block.checked_add(count)? > self.info.blocks {
            return None;
        }
        let entry = WEAK + self.info.strong_len as usize;
        let start = HEADER + block as usize * entry;
        self.signature.serialized().get(start..start + count as usize * entry)
    }
}

/// Makes the delta of content that arrives in pieces of any size. Holds the index of the signature and
/// two windows.
pub struct Differ<'a> {
    basis: &'a Basis,
    index: IndexedSignature<'a>,
    window: usize,
    /// New data not yet turned into commands.
    pending: Vec<u8>,
    /// What the library found in one window.
    found: Vec<u8>,
    /// The last copy, not yet written since the next may continue it: (offset, length).
    copy: (u64, u64),
    started: bool,
    matched: u64,
    literal: u64,
}

impl<'a> Differ<'a> {
    pub fn new(basis: &'a Basis) -> Self {
        Self::with_window(basis, WINDOW)
    }

    pub(super) fn with_window(basis: &'a Basis, window: usize) -> Self {
        Self {
            basis,
            index: basis.signature.index(),
            window: window.max(2 * basis.info.block_len as usize),
            pending: Vec::new(),
            found: Vec::new(),
            copy: (0, 0),
            started: false,
            matched: 0,
            literal: 0,
        }
    }

    /// Appends the commands known so far to `out`: at times none, at times those of whole windows.
    pub fn update(&mut self, mut data: &[u8], out: &mut Vec<u8>) -> Result<(), DeltaError> {
        while !data.is_empty() {
            let (head, rest) = data.split_at(data.len().min(self.window - self.pending.len()));
            self.pending.extend_from_slice(head);
            data = rest;
            if self.pending.len() == self.window {
                let unmatched = self.search(out)?;
                // A block that begins before the cut and ends behind it can begin only in these bytes.
                let carried = unmatched.min(self.basis.info.block_len as usize - 1);
                let cut = self.pending.len() - carried;
                self.put_literal(self.pending.len() - unmatched, cut, out);
                self.pending.drain(..cut);
            }
        }
        Ok(())
    }

    /// As [`Self::update`] for `length` bytes which the old content has at the same place.
    pub fn keep(&mut self, length: usize, out: &mut Vec<u8>) -> Result<(), DeltaError> {
        let unmatched = self.search(out)?;
        self.put_literal(self.pending.len() - unmatched, self.pending.len(), out);
        self.pending.clear();
        self.put_copy(self.matched + self.literal, length as u64, out);
        Ok(())
    }

    /// Appends the last commands and the end mark.
    pub fn finish(mut self, out: &mut Vec<u8>) -> Result<(), DeltaError> {
        let unmatched = self.search(out)?;
        let start = self.pending.len() - unmatched;
        let last = self.last_block(&self.pending[start..]);
        self.put_literal(start, self.pending.len() - last, out);
        if last > 0 {
            let offset = (self.basis.info.blocks - 1) * u64::from(self.basis.info.block_len);
            self.put_copy(offset, last as u64, out);
        }
        self.flush_copy(out);
        put_end(out);
        Ok(())
    }

    /// Bytes found in the old content so far.
    pub fn matched_bytes(&self) -> u64 {
        self.matched
    }

    /// Bytes not found in the old content so far.
    pub fn literal_bytes(&self) -> u64 {
        self.literal
    }

    /// Much was searched and nothing found: the whole content is cheaper to make and no larger.
    pub fn is_hopeless(&self) -> bool {
        self.matched == 0 && self.literal >= HOPELESS
    }

    /// Turns `pending` into commands, up to the unmatched bytes at its end, whose number is returned.
    pub(super) fn search(&mut self, out: &mut Vec<u8>) -> Result<usize, DeltaError> {
        if !self.started {
            out.extend_from_slice(&MAGIC);
            self.started = true;
        }
        if self.pending.is_empty() {
            return Ok(0);
        }
        let mut found = std::mem::take(&mut self.found);
        found.clear();
        diff(&self.index, &self.pending, &mut found).map_err(|_| DeltaError::InvalidSignature)?;
        let mut commands = found.get(MAGIC.len()..).unwrap_or_default();
        let (mut here, mut unmatched) = (0, 0);
        loop {
            match Command::read(&mut commands)? {
                Command::End => break,
                Command::Literal(length) => {
                    unmatched += length as usize;
                    commands = commands.get(length as usize..).unwrap_or_default();
                }
                Command::Copy { offset, length } => {
                    self.put_literal(here, here + unmatched, out);
                    here += unmatched + length as usize;
                    unmatched = 0;
                    let step = self.basis.info.block_len as usize;
                    for block in (offset..offset + length).step_by(step) {
                        let length = (offset + length - block).min(step as u64);
                        self.put_copy(self.near(block).unwrap_or(block), length, out);
                    }
                }
            }
        }
        self.found = found;
        Ok(unmatched)
    }

    fn put_literal(&mut self, start: usize, end: usize, out: &mut Vec<u8>) {
        if start < end {
            self.flush_copy(out);
            put_literal(out, &self.pending[start..end]);
            self.literal += (end - start) as u64;
        }
    }

    fn put_copy(&mut self, offset: u64, length: u64, out: &mut Vec<u8>) {
        if self.copy.0 + self.copy.1 == offset && self.copy.1 > 0 {
            self.copy.1 += length;
        } else {
            self.flush_copy(out);
            self.copy = (offset, length);
        }
        self.matched += length;
    }

    fn flush_copy(&mut self, out: &mut Vec<u8>) {
        put_copy(out, self.copy.0, self.copy.1);
        self.copy = (0, 0);
    }

    /// Equal blocks (zeros above all) occur in many places, of which the index knows one. Taking them from where the
    /// last copy ended, else from about where they are in the new content, lets copies grow together, and go through
    /// content that was edited in place from front to back.
    fn near(&self, offset: u64) -> Option<u64> {
        let block_len = u64::from(self.basis.info.block_len);
        let sums_at = |at: u64| self.basis.sums(at / block_len, 1).filter(|_| at.is_multiple_of(block_len));
        let wanted = sums_at(offset)?;
        let last = (self.copy.1 > 0).then_some(self.copy.0 + self.copy.1);
        let here = (self.matched + self.literal) / block_len;
        let around = (0..NEAR).flat_map(|n| [here.saturating_sub(n), here + 1 + n]);
        last.into_iter().chain(around.map(|block| block * block_len)).find(|at| sums_at(*at) == Some(wanted))
    }

    /// How many bytes at the end of `tail` are the old content's last block, which is shorter than the others
    /// and therefore not found by the search.
    fn last_block(&self, tail: &[u8]) -> usize {
        let blocks = self.basis.info.blocks;
        let Some((weak, strong)) =
            blocks.checked_sub(1).and_then(|b| self.basis.sums(b, 1)?.split_at_checked(WEAK))
        else {
            return 0;
        };
        // librsync's rollsum grown backwards from the end: of 16 bits each, the plain and the weighted sum.
        let (mut plain, mut weighted) = (0u16, 0u16);
        for (length, byte) in (1..self.basis.info.block_len as usize).zip(tail.iter().rev()) {
            let value = u16::from(*byte) + 31;
            plain = plain.wrapping_add(value);
            weighted = weighted.wrapping_add(value.wrapping_mul(length as u16));
            let sum = (u32::from(weighted) << 16 | u32::from(plain)).to_be_bytes();
            if sum == weak && has_strong_sum(&tail[tail.len() - length..], strong) {
                return length;
            }
        }
        0
    }
}
