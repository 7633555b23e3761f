//! Old content and a delta make the new content.

use std::io::{BufReader, Read, Seek, SeekFrom, Write};

use super::DeltaError;
use super::command::{Command, MAGIC, read_error};

const BUFFER: usize = 128 << 10;

/// Writes to `out` what `delta` makes of `basis`, and returns the number of bytes written. Every copy is
/// checked to lie within the basis before a byte of it is written; what follows the end mark is ignored, as
/// librsync does. After an error `out` holds part of the result.
pub fn patch(
    basis: &mut (impl Read + Seek),
    delta: impl Read,
    out: &mut impl Write,
) -> Result<u64, DeltaError> {
    let mut delta = BufReader::with_capacity(BUFFER, delta);
    let mut magic = [0; MAGIC.len()];
    delta.read_exact(&mut magic).map_err(read_error)?;
    if magic != MAGIC {
        return Err(DeltaError::NotADelta);
    }
    let size = basis.seek(SeekFrom::End(0)).map_err(DeltaError::Read)?;
    let mut position = size;
    let mut buffer = vec![0; BUFFER];
    let mut written = 0u64;
    loop {
        let length = match Command::read(&mut delta)? {
            Command::End => return Ok(written),
            Command::Literal(length) => {
                transfer(&mut delta, length, out, &mut buffer)?;
                length
            }
            Command::Copy { offset, length } => {
                let end = offset.checked_add(length).filter(|end| *end <= size);
                let end = end.ok_or(DeltaError::OutOfBounds { offset, length, basis: size })?;
                if offset != position {
                    basis.seek(SeekFrom::Start(offset)).map_err(DeltaError::Read)?;
                }
                transfer(basis, length, out, &mut buffer)?;
                position = end;
                length
            }
        };
        written = written.saturating_add(length);
    }
}

/// Exactly `length` bytes, or an error.
fn transfer(
    from: &mut impl Read,
    mut length: u64,
    to: &mut impl Write,
    buffer: &mut [u8],
) -> Result<(), DeltaError> {
    while length > 0 {
        let step = usize::try_from(length).map_or(buffer.len(), |length| length.min(buffer.len()));
        let piece = &mut buffer[..step];
        from.read_exact(piece).map_err(read_error)?;
        to.write_all(piece).map_err(DeltaError::Write)?;
        length -= step as u64;
    }
    Ok(())
}
