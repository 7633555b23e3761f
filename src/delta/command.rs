//! The commands of a delta (`FORMAT.md` section 5.2).

use std::io::{self, Read};

use super::DeltaError;

pub(super) const MAGIC: [u8; 4] = [0x72, 0x73, 0x02, 0x36];
const END: u8 = 0x00;
const LONGEST_SHORT_LITERAL: u8 = 0x40;
const LITERAL: u8 = 0x41;
const COPY: u8 = 0x45;
const LAST_COPY: u8 = 0x54;

/// The delta of a change of metadata only: one copy of all `size` bytes of the old content.
pub fn whole_copy(size: u64) -> Vec<u8> {
    let mut out = MAGIC.to_vec();
    put_copy(&mut out, 0, size);
    put_end(&mut out);
    out
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Command {
    End,
    /// So many bytes follow.
    Literal(u64),
    Copy {
        offset: u64,
        length: u64,
    },
}

impl Command {
    /// Reads one command; the bytes of a literal stay unread.
    pub(super) fn read(delta: &mut impl Read) -> Result<Self, DeltaError> {
        let code = number(delta, 0)? as u8;
        match code {
            END => Ok(Self::End),
            1..=LONGEST_SHORT_LITERAL => Ok(Self::Literal(u64::from(code))),
            LITERAL..COPY => Ok(Self::Literal(number(delta, code - LITERAL)?)),
            COPY..=LAST_COPY => {
                let widths = code - COPY;
                let offset = number(delta, widths / 4)?;
                Ok(Self::Copy { offset, length: number(delta, widths % 4)? })
            }
            unknown => Err(DeltaError::UnknownCommand(unknown)),
        }
    }
}

pub(super) fn put_end(out: &mut Vec<u8>) {
    out.push(END);
}

/// Nothing for no bytes: readers differ about empty commands.
pub(super) fn put_literal(out: &mut Vec<u8>, bytes: &[u8]) {
    let length = bytes.len() as u64;
    match length {
        0 => return,
        1..=0x40 => out.push(length as u8),
        _ => {
            out.push(LITERAL + width(length));
            put_number(out, length);
        }
    }
    out.extend_from_slice(bytes);
}

/// Nothing for no bytes.
pub(super) fn put_copy(out: &mut Vec<u8>, offset: u64, length: u64) {
    if length > 0 {
        out.push(COPY + 4 * width(offset) + width(length));
        put_number(out, offset);
        put_number(out, length);
    }
}

/// Binary logarithm of the bytes needed for `value`: 0 to 3.
fn width(value: u64) -> u8 {
    match value {
        0..=0xff => 0,
        0x100..=0xffff => 1,
        0x1_0000..=0xffff_ffff => 2,
        _ => 3,
    }
}

fn put_number(out: &mut Vec<u8>, value: u64) {
    let bytes = 1usize << width(value);
    out.extend_from_slice(&value.to_be_bytes()[8 - bytes..]);
}

fn number(delta: &mut impl Read, width: u8) -> Result<u64, DeltaError> {
    let mut bytes = [0; 8];
    delta.read_exact(&mut bytes[8 - (1usize << width)..]).map_err(read_error)?;
    Ok(u64::from_be_bytes(bytes))
}

pub(super) fn read_error(error: io::Error) -> DeltaError {
    match error.kind() {
        io::ErrorKind::UnexpectedEof => DeltaError::Truncated,
        _ => DeltaError::Read(error),
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::expect_used)]
mod tests {
    use super::*;

    #[test]
    fn a_change_of_metadata_is_one_copy() {
        assert_eq!(whole_copy(0), [0x72, 0x73, 0x02, 0x36, 0]);
        assert_eq!(whole_copy(100_000), [0x72, 0x73, 0x02, 0x36, 0x47, 0, 0, 1, 0x86, 0xa0, 0]);
    }

    proptest::proptest! {
        #[test]
        fn commands_are_read_as_written(offset: u64, length in 1u64.., shift in 0u32..64, bytes in proptest::collection::vec(0u8.., 1..70_000)) {
            let (offset, length) = (offset >> shift, (length >> shift).max(1));
            let mut out = Vec::new();
            put_copy(&mut out, offset, length);
            put_literal(&mut out, &bytes);
            let mut input = &out[..];
            proptest::prop_assert_eq!(Command::read(&mut input).unwrap(), Command::Copy { offset, length });
            proptest::prop_assert_eq!(Command::read(&mut input).unwrap(), Command::Literal(bytes.len() as u64));
            proptest::prop_assert_eq!(input, &bytes[..]);
        }
    }
}
