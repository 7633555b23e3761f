//! Incompressible bytes that are the same in every run.

/// `length` bytes that depend on `seed` alone (SplitMix64).
pub(crate) fn bytes(seed: u64, length: usize) -> Vec<u8> {
    let mut state = seed.wrapping_mul(0x5851_f42d_4c95_7f2d);
    let mut out = Vec::with_capacity(length + 8);
    while out.len() < length {
        out.extend(next(&mut state).to_le_bytes());
    }
    out.truncate(length);
    out
}

/// The next number of the sequence that `state` stands in.
pub(crate) fn next(state: &mut u64) -> u64 {
    *state = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
    let mut mixed = *state;
    mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    mixed ^ (mixed >> 31)
}
