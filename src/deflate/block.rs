//! Where a deflate block ends (RFC 1951, 3.2.7), told from its head alone.

/// The order in which the lengths of the code length codes come.
const ORDER: [usize; 19] = [16, 17, 18, 0, 8, 7, 9, 6, 10, 5, 11, 4, 12, 3, 13, 2, 14, 1, 15];
/// Longest code length code, and longest code of all.
const LONGEST_META: usize = 7;
const LONGEST: usize = 15;
const END_OF_BLOCK: usize = 256;

/// Makes room in a stream of one block for more blocks: the block is no longer the last, and an empty stored
/// block after it leads to a byte boundary.
///
/// False, and nothing done, for what is not one block with dynamic codes, zeros after it.
pub(super) fn leave_open(stream: &mut Vec<u8>) -> bool {
    let Some(end) = end_of_single_block(stream) else { return false };
    stream[0] &= !1;
    // The header of a stored block is three zero bits, the rest of its octet is ignored.
    stream.resize((end + 3).div_ceil(8), 0);
    stream.extend_from_slice(&[0, 0, 0xFF, 0xFF]);
    true
}

/// Bits up to and with the end of a stream's only block.
///
/// The last symbol of a block is always the same, so that after its last set bit come as many zeros as that
/// symbol's code ends with.
fn end_of_single_block(stream: &[u8]) -> Option<usize> {
    let mut head = Bits { stream, position: 0 };
    let (is_last, kind) = (head.take(1)?, head.take(2)?);
    if (is_last, kind) != (1, 2) {
        return None;
    }
    let code = last_code(&mut head)?;
    let last = stream.iter().rposition(|&octet| octet != 0)?;
    let set = last * 8 + stream[last].ilog2() as usize + 1;
    let end = set + code.trailing_zeros() as usize;
    (code != 0 && end.div_ceil(8) == stream.len()).then_some(end)
}

/// The code of the end of the block, its last bit lowest.
fn last_code(head: &mut Bits) -> Option<u32> {
    let (literals, distances, metas) = (head.take(5)? + 257, head.take(5)? + 1, head.take(4)? + 4);
    let mut lengths = [0; 19];
    for &at in &ORDER[..metas] {
        lengths[at] = head.take(3)?;
    }
    let meta = codes(&lengths, LONGEST_META)?;
    let mut lengths = Vec::with_capacity(literals + distances);
    while lengths.len() < literals {
        let symbol = head.symbol(&meta)?;
        let (length, times) = match symbol {
            16 => (*lengths.last()?, 3 + head.take(2)?),
            17 => (0, 3 + head.take(3)?),
            18 => (0, 11 + head.take(7)?),
            length => (length, 1),
        };
        lengths.resize(lengths.len() + times, length);
    }
    lengths.truncate(literals);
    let (length, code) = codes(&lengths, LONGEST)?[END_OF_BLOCK];
    (length > 0).then_some(code)
}

/// Length and canonical code of every symbol; length 0 for those that do not occur.
fn codes(lengths: &[usize], longest: usize) -> Option<Vec<(usize, u32)>> {
    let mut counts = [0; LONGEST + 1];
    for &length in lengths {
        *counts.get_mut(length).filter(|_| length <= longest)? += 1;
    }
    counts[0] = 0;
    let mut next = [0; LONGEST + 2];
    for length in 1..=longest {
        next[length + 1] = (next[length] + counts[length]) << 1;
    }
    let codes = lengths.iter().map(|&length| {
        let code = next[length];
        next[length] += u32::from(length > 0);
        (length, code)
    });
    Some(codes.collect())
}

struct Bits<'a> {
    stream: &'a [u8],
    position: usize,
}

impl Bits<'_> {
    /// A number, its lowest bit first.
    fn take(&mut self, count: usize) -> Option<usize> {
        let mut value = 0;
        for place in 0..count {
            let octet = *self.stream.get(self.position / 8)?;
            value |= usize::from(octet >> (self.position % 8) & 1) << place;
            self.position += 1;
        }
        Some(value)
    }

    /// A symbol by its code, whose highest bit is first.
    fn symbol(&mut self, codes: &[(usize, u32)]) -> Option<usize> {
        let mut code = 0;
        for length in 1..=LONGEST_META {
            code = code << 1 | self.take(1)? as u32;
            if let Some(symbol) = codes.iter().position(|&known| known == (length, code)) {
                return Some(symbol);
            }
        }
        None
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::expect_used)]
mod tests {
    use std::io::Read;

    use flate2::read::DeflateDecoder;
    use libdeflater::{CompressionLvl, Compressor};
    use proptest::prelude::*;

    use super::*;

    fn block(data: &[u8]) -> Vec<u8> {
        let mut compressor = Compressor::new(CompressionLvl::fastest());
        let mut stream = vec![0; compressor.deflate_compress_bound(data.len())];
        let length = compressor.deflate_compress(data, &mut stream).unwrap();
        stream.truncate(length);
        stream
    }

    proptest! {
        /// Few and many different octets, so that the codes of the end have all lengths.
        #[test]
        fn blocks_that_were_left_open_can_be_followed_by_others(
            runs in prop::collection::vec((1_u8..=255, 1_usize..20_000), 1..6),
            seed: u32,
        ) {
            let mut state = seed | 1;
            let (mut stream, mut whole) = (Vec::new(), Vec::new());
            for (different, length) in runs {
                let data: Vec<u8> = (0..length).map(|_| {
                    state ^= state << 13;
                    state ^= state >> 17;
                    state ^= state << 5;
                    (state.trailing_zeros() as u8).wrapping_mul(31).wrapping_add(state as u8 % different)
                }).collect();
                let mut one = block(&data);
                let before = one.clone();
                if leave_open(&mut one) {
                    stream.extend_from_slice(&one);
                    whole.extend_from_slice(&data);
                } else {
                    prop_assert!(one == before);
                }
            }
            stream.extend_from_slice(&[3, 0]);
            let mut out = Vec::new();
            DeflateDecoder::new(&stream[..]).read_to_end(&mut out).unwrap();
            prop_assert!(out == whole);
        }

        #[test]
        fn any_octets_are_looked_at_without_harm(mut octets: Vec<u8>) {
            if let Some(first) = octets.first_mut() {
                *first = *first & !7 | 5;
            }
            leave_open(&mut octets);
        }
    }

    #[test]
    fn text_makes_one_block_that_can_be_left_open() {
        let text: Vec<u8> =
            (0..).flat_map(|n: u32| format!("{n} bottles of beer\n").into_bytes()).take(60_000).collect();
        assert!(leave_open(&mut block(&text)));
    }

    #[test]
    fn stored_and_fixed_blocks_are_refused() {
        assert!(!leave_open(&mut block(b"")));
        assert!(!leave_open(&mut block(b"aaaaaaaaaaaaaaaaaaaa")));
    }
}
