//! OpenPGP packet framing (RFC 4880, 4.2): headers, lengths, partial bodies.

use std::io::{self, BufRead, ErrorKind, Read, Write};

pub(super) const PKESK: u8 = 1;
pub(super) const SIGNATURE: u8 = 2;
pub(super) const SKESK: u8 = 3;
pub(super) const ONE_PASS_SIGNATURE: u8 = 4;
pub(super) const COMPRESSED: u8 = 8;
/// Encrypted data from before there was an integrity check.
pub(super) const SED: u8 = 9;
pub(super) const MARKER: u8 = 10;
pub(super) const LITERAL: u8 = 11;
pub(super) const SEIPD: u8 = 18;
pub(super) const AEAD: u8 = 20;

/// The first octet of a packet, new format.
pub(super) fn header(tag: u8) -> u8 {
    0xC0 | tag
}

/// The length of a partial body; `length` is a power of two, and at least 512 for the first of a packet.
pub(super) fn partial_length(length: usize) -> u8 {
    0xE0 | length.ilog2() as u8
}

/// A definite length, at most 4 GiB - 1.
pub(super) fn write_length(out: &mut impl Write, length: usize) -> io::Result<()> {
    match length {
        0..192 => out.write_all(&[length as u8]),
        192..8384 => {
            let rest = length - 192;
            out.write_all(&[(rest >> 8) as u8 + 192, rest as u8])
        }
        _ => {
            out.write_all(&[0xFF])?;
            out.write_all(&(length as u32).to_be_bytes())
        }
    }
}

/// Octets of a partial body that we write.
const CHUNK: usize = 64 * 1024;

/// Writes one packet of unknown length with a new-format header and partial body lengths.
pub(super) struct PacketWriter<W: Write> {
    out: W,
    /// A partial length and its body, handed on together: what comes next need not gather them again.
    buffer: Vec<u8>,
}

impl<W: Write> PacketWriter<W> {
    pub(super) fn new(mut out: W, tag: u8) -> io::Result<Self> {
        out.write_all(&[header(tag)])?;
        let mut buffer = Vec::with_capacity(1 + CHUNK);
        buffer.push(partial_length(CHUNK));
        Ok(Self { out, buffer })
    }

    /// Ends the packet with a chunk of definite length, as the standard demands.
    pub(super) fn finish(mut self) -> io::Result<W> {
        let body = &self.buffer[1..];
        write_length(&mut self.out, body.len())?;
        self.out.write_all(body)?;
        Ok(self.out)
    }
}

impl<W: Write> Write for PacketWriter<W> {
    fn write(&mut self, data: &[u8]) -> io::Result<usize> {
        if self.buffer.len() == 1 + CHUNK {
            self.out.write_all(&self.buffer)?;
            self.buffer.truncate(1);
        }
        let taken = data.len().min(1 + CHUNK - self.buffer.len());
        self.buffer.extend_from_slice(&data[..taken]);
        Ok(taken)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.out.flush()
    }
}

/// What follows the octets of a body that are at hand.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Then {
    End,
    AnotherLength,
    /// Indeterminate length: all there is belongs to the body.
    More,
}

/// The body of one packet, whichever way its length was written. An end before its time is `UnexpectedEof`.
pub(super) struct Body<R> {
    source: R,
    tag: u8,
    at_hand: u64,
    then: Then,
}

impl<R: Read> Body<R> {
    /// `None` when the source ends where a packet could begin.
    pub(super) fn next(mut source: R) -> io::Result<Option<Self>> {
        let mut first = [0];
        if source.read(&mut first)? == 0 {
            return Ok(None);
        }
        let [header] = first;
        if header & 0x80 == 0 {
            return Err(io::Error::new(ErrorKind::InvalidData, "not an OpenPGP packet"));
        }
        let mut body = Self { source, tag: 0, at_hand: 0, then: Then::End };
        if header & 0x40 != 0 {
            body.tag = header & 0x3F;
            body.read_length()?;
        } else {
            body.tag = (header >> 2) & 0x0F;
            body.read_old_length(header & 3)?;
        }
        Ok(Some(body))
    }

    pub(super) fn tag(&self) -> u8 {
        self.tag
    }

    pub(super) fn into_source(self) -> R {
        self.source
    }

    pub(super) fn source_mut(&mut self) -> &mut R {
        &mut self.source
    }

    fn read_old_length(&mut self, kind: u8) -> io::Result<()> {
        if kind == 3 {
            self.then = Then::More;
            return Ok(());
        }
        let mut octets = [0; 4];
        self.source.read_exact(&mut octets[4 - (1 << kind)..])?;
        self.at_hand = u32::from_be_bytes(octets).into();
        Ok(())
    }

    fn read_length(&mut self) -> io::Result<()> {
        let first = self.octet()?;
        self.then = Then::End;
        self.at_hand = match first {
            0..192 => first.into(),
            192..224 => ((u64::from(first) - 192) << 8) + u64::from(self.octet()?) + 192,
            224..255 => {
                self.then = Then::AnotherLength;
                1 << (first & 0x1F)
            }
            255 => {
                let mut octets = [0; 4];
                self.source.read_exact(&mut octets)?;
                u32::from_be_bytes(octets).into()
            }
        };
        Ok(())
    }

    fn octet(&mut self) -> io::Result<u8> {
        let mut octet = [0];
        self.source.read_exact(&mut octet)?;
        Ok(octet[0])
    }

    /// Brings octets to hand; false at the end of the body.
    fn advance(&mut self) -> io::Result<bool> {
        while self.at_hand == 0 && self.then == Then::AnotherLength {
            self.read_length()?;
        }
        Ok(self.at_hand > 0 || self.then == Then::More)
    }

    fn limit(&self, wanted: usize) -> usize {
        if self.then == Then::More {
            wanted
        } else {
            wanted.min(usize::try_from(self.at_hand).unwrap_or(wanted))
        }
    }

    fn took(&mut self, count: usize) {
        if self.then != Then::More {
            self.at_hand -= count as u64;
        }
    }
}

impl<R: Read> Read for Body<R> {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        if out.is_empty() || !self.advance()? {
            return Ok(0);
        }
        let limit = self.limit(out.len());
        let count = self.source.read(&mut out[..limit])?;
        if count == 0 && self.then != Then::More {
            return Err(ErrorKind::UnexpectedEof.into());
        }
        self.took(count);
        Ok(count)
    }
}

impl<R: BufRead> BufRead for Body<R> {
    fn fill_buf(&mut self) -> io::Result<&[u8]> {
        if !self.advance()? {
            return Ok(&[]);
        }
        let available = self.source.fill_buf()?.len();
        if available == 0 && self.then != Then::More {
            return Err(ErrorKind::UnexpectedEof.into());
        }
        let limit = self.limit(available);
        Ok(&self.source.fill_buf()?[..limit])
    }

    fn consume(&mut self, count: usize) {
        self.source.consume(count);
        self.took(count);
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::expect_used)]
mod tests {
    use super::*;

    fn read(packet: &[u8]) -> (u8, io::Result<Vec<u8>>) {
        let mut body = Body::next(packet).unwrap().unwrap();
        let mut out = Vec::new();
        let result = body.read_to_end(&mut out);
        (body.tag(), result.map(|_| out))
    }

    #[test]
    fn bodies_of_every_size_come_back() {
        for length in [0, 1, 191, 192, 8383, 8384, CHUNK - 1, CHUNK, CHUNK + 1, 3 * CHUNK + 7] {
            let data: Vec<u8> = (0..length).map(|n| (n % 251) as u8).collect();
            let mut writer = PacketWriter::new(Vec::new(), LITERAL).unwrap();
            writer.write_all(&data).unwrap();
            let packet = writer.finish().unwrap();
            let (tag, body) = read(&packet);
            assert_eq!(tag, LITERAL);
            assert!(body.unwrap() == data, "{length} octets");
            assert!(
                read(&packet[..packet.len().max(3) - 1]).1.is_err() || length == 0,
                "{length} octets, cut"
            );
        }
    }

    #[test]
    fn old_lengths_of_every_kind_are_read() {
        for packet in [
            &[0x80 | SEIPD << 2 & 0x3C, 2, 7, 8][..],
            &[0x81 | SEIPD << 2 & 0x3C, 0, 2, 7, 8],
            &[0x82 | SEIPD << 2 & 0x3C, 0, 0, 0, 2, 7, 8],
            &[0x83 | SEIPD << 2 & 0x3C, 7, 8],
        ] {
            assert_eq!(read(packet).1.unwrap(), [7, 8]);
        }
    }

    #[test]
    fn buffered_reading_stops_at_the_end_of_the_body() {
        let mut body = Body::next(&[0xC0 | LITERAL, 0xE0, 1, 2, 2, 3, 9, 9][..]).unwrap().unwrap();
        let mut lengths = Vec::new();
        while let count @ 1.. = body.fill_buf().unwrap().len() {
            lengths.push(count);
            body.consume(count);
        }
        assert_eq!(lengths, [1, 2]);
        assert_eq!(body.into_source(), [9, 9]);
    }
}
