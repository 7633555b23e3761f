//! Signatures: a weak and a strong sum for each block of a file (`FORMAT.md` section 5.1).

use fast_rsync::{Signature, SignatureOptions};

use super::DeltaError;

/// Bytes of magic, block length and strong length before the sums.
pub(super) const HEADER: usize = 12;
/// Bytes of a weak sum.
pub(super) const WEAK: usize = 4;
/// Bytes of MD4 kept for each block: what every duplicity writes.
pub(super) const STRONG: u32 = 8;
/// As many blocks as the vectorised MD4 hashes side by side.
pub(super) const LANES: usize = 16;

/// Shortest block: shorter ones make the signatures of many small files a noticeable part of a backup.
const SHORTEST: u64 = 1024;
/// Up to the number of blocks that follows, blocks are no longer than this: each place that is edited costs one.
const LONG: u64 = 8192;
const MANY: u64 = 131_072;

/// The block length for a file of `size` bytes, a multiple of 512: the root of the size, but from 1 KiB to 8 KiB while
/// that makes at most 131,072 blocks. Files and sets may differ in it; readers take it from each signature.
pub fn block_length(size: u64) -> u32 {
    let length = size.isqrt().min(LONG.max(size / MANY)).max(SHORTEST);
    u32::try_from(length.div_ceil(512) * 512).unwrap_or(u32::MAX - 511)
}

/// Makes the signature of content that arrives in pieces of any size.
pub struct SignatureBuilder {
    pub(super) block_len: u32,
    /// Less than one batch; starts at a block boundary.
    pending: Vec<u8>,
    signature: Vec<u8>,
}

impl SignatureBuilder {
    /// `block_len` in bytes, as [`block_length`] gives it; zero is taken as one.
    pub fn new(block_len: u32) -> Self {
        let block_len = block_len.max(1);
        let signature = Signature::calculate(&[], options(block_len)).into_serialized();
        Self { block_len, pending: Vec::new(), signature }
    }

    pub fn update(&mut self, mut data: &[u8]) {
        let batch = self.block_len as usize * LANES;
        if !self.pending.is_empty() {
            let (head, rest) = data.split_at(data.len().min(batch - self.pending.len()));
            self.pending.extend_from_slice(head);
            data = rest;
            if self.pending.len() < batch {
                return;
            }
            append_sums(&mut self.signature, &self.pending, self.block_len);
            self.pending.clear();
        }
        let (batches, rest) = data.split_at(data.len() - data.len() % batch);
        append_sums(&mut self.signature, batches, self.block_len);
        self.pending.extend_from_slice(rest);
    }

    /// As [`Self::update`], up to the end of a block or of the content. Returns the sums of the blocks that `data`
    /// completed.
    pub(super) fn update_to_block_end(&mut self, data: &[u8]) -> &[u8] {
        let before = self.signature.len();
        self.update(data);
        append_sums(&mut self.signature, &self.pending, self.block_len);
        self.pending.clear();
        &self.signature[before..]
    }

    /// The serialised signature; 12 bytes for empty content.
    pub fn finish(mut self) -> Vec<u8> {
        append_sums(&mut self.signature, &self.pending, self.block_len);
        self.signature
    }
}

fn options(block_len: u32) -> SignatureOptions {
    SignatureOptions { block_size: block_len, crypto_hash_size: STRONG }
}

/// `data` begins at a block boundary, and ends at one unless it ends the file.
fn append_sums(signature: &mut Vec<u8>, data: &[u8], block_len: u32) {
    if !data.is_empty() {
        let sums = Signature::calculate(data, options(block_len));
        signature.extend_from_slice(&sums.serialized()[HEADER..]);
    }
}

/// The first `strong_len` bytes (at most 16) of the MD4 of one block.
pub(super) fn has_strong_sum(block: &[u8], strong: &[u8]) -> bool {
    let (Ok(block_size), Ok(crypto_hash_size)) = (u32::try_from(block.len()), u32::try_from(strong.len()))
    else {
        return false;
    };
    block_size > 0
        && Signature::calculate(block, SignatureOptions { block_size, crypto_hash_size }).serialized()
            [HEADER + WEAK..]
            == *strong
}

/// The sums of a signature. All kinds may occur in a repository; only the first can be used to make deltas here.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum SignatureKind {
    RollsumMd4,
    RollsumBlake2,
    RabinKarpMd4,
    RabinKarpBlake2,
}

impl SignatureKind {
    fn from_magic(magic: u32) -> Option<Self> {
        match magic {
            0x7273_0136 => Some(Self::RollsumMd4),
            0x7273_0137 => Some(Self::RollsumBlake2),
            0x7273_0146 => Some(Self::RabinKarpMd4),
            0x7273_0147 => Some(Self::RabinKarpBlake2),
            _ => None,
        }
    }

    fn longest_strong_sum(self) -> u32 {
        match self {
            Self::RollsumMd4 | Self::RabinKarpMd4 => 16,
            Self::RollsumBlake2 | Self::RabinKarpBlake2 => 32,
        }
    }
}

/// What the header of a signature says, checked against its length.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct SignatureInfo {
    pub kind: SignatureKind,
    /// Bytes a block; the last may be shorter. Never zero.
    pub block_len: u32,
    /// Bytes of each strong sum. Never zero.
    pub strong_len: u32,
    pub blocks: u64,
}

impl SignatureInfo {
    /// Above this the index of a signature would need more memory than a backup may take.
    pub const MAX_BLOCKS: u64 = 1_000_000;
    /// Above this a window of new data would.
    pub const MAX_BLOCK_LEN: u32 = 16 << 20;

    /// Refuses whatever is not exactly one signature, an empty one included (stock crashes on it).
    pub fn parse(signature: &[u8]) -> Result<Self, DeltaError> {
        let word = |at: usize| {
            let bytes = signature.get(at..at + 4).and_then(|b| b.try_into().ok());
            bytes.map(u32::from_be_bytes).ok_or(DeltaError::InvalidSignature)
        };
        let kind = SignatureKind::from_magic(word(0)?).ok_or(DeltaError::InvalidSignature)?;
        let (block_len, strong_len) = (word(4)?, word(8)?);
        if block_len == 0 || strong_len == 0 || strong_len > kind.longest_strong_sum() {
            return Err(DeltaError::InvalidSignature);
        }
        let (sums, entry) = (signature.len() - HEADER, WEAK + strong_len as usize);
        if !sums.is_multiple_of(entry) {
            return Err(DeltaError::InvalidSignature);
        }
        Ok(Self { kind, block_len, strong_len, blocks: (sums / entry) as u64 })
    }

    /// Whether a delta can be made against it in bounded memory and without false matches.
    pub fn supports_delta(&self) -> bool {
        self.kind == SignatureKind::RollsumMd4
            && self.strong_len >= STRONG
            && self.block_len <= Self::MAX_BLOCK_LEN
            && self.blocks <= Self::MAX_BLOCKS
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::expect_used)]
mod tests {
    use super::*;

    #[test]
    fn block_length_follows_the_root_of_the_size_within_bounds() {
        let known = [
            (0, 1024),
            (1, 1024),
            (1 << 20, 1024),
            (1_100_000, 1536),
            (3_100_000, 2048),
            (64 << 20, 8192),
            (1 << 30, 8192),
            (4 << 30, 32_768),
            (100_000_000_000, 316_416),
        ];
        for (size, expected) in known {
            assert_eq!(block_length(size), expected, "size {size}");
        }
        assert_eq!(block_length(u64::MAX), u32::MAX - 511);
    }

    #[test]
    fn empty_content_has_a_signature_of_twelve_bytes() {
        let signature = SignatureBuilder::new(512).finish();
        assert_eq!(signature, [0x72, 0x73, 0x01, 0x36, 0, 0, 2, 0, 0, 0, 0, 8]);
        assert_eq!(SignatureInfo::parse(&signature).unwrap().blocks, 0);
    }

    #[test]
    fn a_damaged_header_or_length_is_refused() {
        let good = SignatureBuilder::new(512).finish();
        assert!(SignatureInfo::parse(&[]).is_err());
        assert!(SignatureInfo::parse(&good[..11]).is_err());
        assert!(SignatureInfo::parse(&[&good[..], &[0; 11]].concat()).is_err());
        for at in [0, 3, 6, 11] {
            let mut bad = good.clone();
            bad[at] = if at == 6 { 0 } else { 0xff };
            assert!(SignatureInfo::parse(&bad).is_err(), "byte {at}");
        }
    }

    #[test]
    fn foreign_kinds_are_known_but_not_used() {
        for (magic, strong, usable) in [
            (0x36, 8, true),
            (0x36, 16, true),
            (0x36, 4, false),
            (0x37, 32, false),
            (0x46, 8, false),
            (0x47, 8, false),
        ] {
            let mut bytes = vec![0x72, 0x73, 0x01, magic, 0, 0, 2, 0, 0, 0, 0, strong];
            bytes.extend(vec![0; 3 * (4 + strong as usize)]);
            let info = SignatureInfo::parse(&bytes).unwrap();
            assert_eq!((info.blocks, info.supports_delta()), (3, usable));
        }
    }

    proptest::proptest! {
        #[test]
        fn chunking_does_not_change_the_signature(data: Vec<u8>, cuts: Vec<u8>, block_len in 1u32..40) {
            let mut builder = SignatureBuilder::new(block_len);
            let mut rest = &data[..];
            for cut in cuts {
                let (head, tail) = rest.split_at(rest.len().min(cut as usize));
                builder.update(head);
                rest = tail;
            }
            builder.update(rest);
            proptest::prop_assert_eq!(builder.finish(), Signature::calculate(&data, options(block_len)).into_serialized());
        }
    }
}
