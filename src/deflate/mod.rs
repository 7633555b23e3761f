//! Deflate that leaves alone what does not compress; used inside gzip files and inside OpenPGP compressed packets.

mod compressor;

use std::io::{self, Read, Write};

use flate2::read::MultiGzDecoder;

use self::compressor::Compressor;

/// Input is judged piece by piece; this is also the most that one stored block holds.
const CHUNK: usize = 0xFFFF;
/// Bytes of a chunk that are looked at, in this many runs spread over it.
const SAMPLE: usize = 4096;
const RUNS: usize = 16;
/// Bits per byte above which a sample counts as incompressible. 4096 random bytes measure about 7.95.
const INCOMPRESSIBLE: f32 = 7.8;
/// Within a chunk that does not compress as a whole, pieces of this many bytes are kept apart when this many of them
/// are zero: the tar headers between contents. Stored as well, they would make 2 % of a backup of photos.
const CELL: usize = 256;
const HEADER_ZEROS: usize = CELL / 4;
/// A final, empty block with fixed codes.
const LAST_BLOCK: [u8; 2] = [0x03, 0x00];

/// Writes one raw deflate stream (RFC 1951) made of segments: runs of compressible data, each through a fresh
/// compressor and ended by a sync flush, and runs of incompressible data as stored blocks.
///
/// Memory is bounded (about 400 KiB). Nothing is valid before [`Deflater::finish`].
pub struct Deflater<W: Write> {
    out: W,
    chunk: Vec<u8>,
    compressor: Compressor,
    /// The compressor has taken input since it was fresh.
    in_segment: bool,
}

impl<W: Write> Deflater<W> {
    pub fn new(out: W) -> Self {
        Self { out, chunk: Vec::with_capacity(CHUNK), compressor: Compressor::new(), in_segment: false }
    }

    /// Completes the stream and hands back the writer, which is not flushed.
    pub fn finish(mut self) -> io::Result<W> {
        self.end_chunk()?;
        self.end_segment()?;
        self.out.write_all(&LAST_BLOCK)?;
        Ok(self.out)
    }

    fn end_chunk(&mut self) -> io::Result<()> {
        let chunk = std::mem::take(&mut self.chunk);
        if is_incompressible(&chunk) {
            for (is_header, run) in runs(&chunk) {
                if is_header { self.extend_segment(run)? } else { self.store(run)? }
            }
        } else if !chunk.is_empty() {
            self.extend_segment(&chunk)?;
        }
        self.chunk = chunk;
        self.chunk.clear();
        Ok(())
    }

    fn extend_segment(&mut self, data: &[u8]) -> io::Result<()> {
        self.in_segment = true;
        self.compressor.compress(data, &mut self.out)
    }

    /// Stored blocks begin at a byte boundary, which the sync flush before them provides.
    fn store(&mut self, chunk: &[u8]) -> io::Result<()> {
        self.end_segment()?;
        let length = chunk.len() as u16;
        let [l0, l1] = length.to_le_bytes();
        let [n0, n1] = (!length).to_le_bytes();
        self.out.write_all(&[0, l0, l1, n0, n1])?;
        self.out.write_all(chunk)
    }

    /// A segment must not refer back across what was stored, so the next one starts with an empty window.
    fn end_segment(&mut self) -> io::Result<()> {
        if std::mem::take(&mut self.in_segment) {
            self.compressor.end(&mut self.out)?;
        }
        Ok(())
    }
}

impl<W: Write> Write for Deflater<W> {
    fn write(&mut self, data: &[u8]) -> io::Result<usize> {
        if self.chunk.len() == CHUNK {
            self.end_chunk()?;
        }
        let taken = data.len().min(CHUNK - self.chunk.len());
        self.chunk.extend_from_slice(&data[..taken]);
        Ok(taken)
    }

    /// Keeps what is buffered: a flush here would cost compression and nothing needs it.
    fn flush(&mut self) -> io::Result<()> {
        self.out.flush()
    }
}

/// Whether a chunk is clearly not worth compressing. Short ones never are: changing segments costs more.
fn is_incompressible(chunk: &[u8]) -> bool {
    if chunk.len() < SAMPLE {
        return false;
    }
    let mut counts = [0_u16; 256];
    for run in chunk.chunks(chunk.len().div_ceil(RUNS)) {
        for &byte in run.iter().take(SAMPLE / RUNS) {
            counts[usize::from(byte)] += 1;
        }
    }
    entropy(&counts) > INCOMPRESSIBLE
}

/// An incompressible chunk as runs of headers and of all else, in turns.
fn runs(chunk: &[u8]) -> impl Iterator<Item = (bool, &[u8])> {
    let is_header = |cell: &[u8]| memchr::memchr_iter(0, cell).count() >= HEADER_ZEROS;
    let mut rest = chunk;
    std::iter::from_fn(move || {
        let kind = is_header(rest.chunks(CELL).next()?);
        let cells = rest.chunks(CELL).take_while(|cell| is_header(cell) == kind);
        let (run, behind) = rest.split_at(cells.map(<[u8]>::len).sum());
        rest = behind;
        Some((kind, run))
    })
}

/// Order-0 entropy in bits per byte.
fn entropy(counts: &[u16; 256]) -> f32 {
    let total: f32 = counts.iter().map(|&count| f32::from(count)).sum();
    let weighted: f32 = counts
        .iter()
        .filter(|&&count| count > 0)
        .map(|&count| f32::from(count) * f32::from(count).log2())
        .sum();
    total.log2() - weighted / total
}

/// A gzip file (RFC 1952) of one member, without name and time, around a [`Deflater`].
pub struct GzipWriter<W: Write> {
    deflater: Deflater<W>,
    crc: crc32fast::Hasher,
    /// Modulo 2^32, as the trailer wants it.
    size: u32,
}

impl<W: Write> GzipWriter<W> {
    /// Writes the header at once.
    pub fn new(mut out: W) -> io::Result<Self> {
        out.write_all(&[0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 0xff])?;
        Ok(Self { deflater: Deflater::new(out), crc: crc32fast::Hasher::new(), size: 0 })
    }

    /// Writes the trailer and hands back the writer, which is not flushed.
    pub fn finish(self) -> io::Result<W> {
        let mut out = self.deflater.finish()?;
        out.write_all(&self.crc.finalize().to_le_bytes())?;
        out.write_all(&self.size.to_le_bytes())?;
        Ok(out)
    }
}

impl<W: Write> Write for GzipWriter<W> {
    fn write(&mut self, data: &[u8]) -> io::Result<usize> {
        let taken = self.deflater.write(data)?;
        self.crc.update(&data[..taken]);
        self.size = self.size.wrapping_add(taken as u32);
        Ok(taken)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.deflater.flush()
    }
}

/// Reads a gzip file of any number of members. Damage and truncation are errors.
pub fn gunzip<R: Read>(source: R) -> impl Read + use<R> {
    MultiGzDecoder::new(source)
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::expect_used)]
mod tests {
    use flate2::read::DeflateDecoder;
    use proptest::prelude::*;

    use super::*;

    fn deflate(data: &[u8]) -> Vec<u8> {
        let mut deflater = Deflater::new(Vec::new());
        deflater.write_all(data).unwrap();
        deflater.finish().unwrap()
    }

    fn inflate(data: &[u8]) -> Vec<u8> {
        let mut out = Vec::new();
        DeflateDecoder::new(data).read_to_end(&mut out).unwrap();
        out
    }

    fn gzip(data: &[u8]) -> Vec<u8> {
        let mut writer = GzipWriter::new(Vec::new()).unwrap();
        writer.write_all(data).unwrap();
        writer.finish().unwrap()
    }

    fn random(length: usize) -> Vec<u8> {
        let mut data = vec![0; length];
        getrandom::fill(&mut data).unwrap();
        data
    }

    fn text(length: usize) -> Vec<u8> {
        (0..)
            .flat_map(|line: u32| format!("line {line}: how many loved your moments\n").into_bytes())
            .take(length)
            .collect()
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(24))]
        #[test]
        fn any_mixture_of_text_noise_and_zeros_comes_back(runs in prop::collection::vec((0..3, 0_usize..200_000), 0..8)) {
            let data: Vec<u8> = runs
                .into_iter()
                .flat_map(|(kind, length)| match kind {
                    0 => random(length),
                    1 => text(length),
                    _ => vec![0; length % 1000],
                })
                .collect();
            prop_assert!(inflate(&deflate(&data)) == data);
        }
    }

    #[test]
    fn noise_is_stored_and_grows_by_less_than_a_thousandth() {
        let data = random(1_000_000);
        assert!(deflate(&data).len() < data.len() + 1000);
    }

    #[test]
    fn text_is_compressed_even_between_noise() {
        let data = [random(300_000), text(300_000), random(300_000)].concat();
        let deflated = deflate(&data);
        assert!(deflated.len() < 750_000, "{}", deflated.len());
        assert!(inflate(&deflated) == data);
    }

    #[test]
    fn headers_between_noise_are_compressed() {
        let noises: Vec<_> = (0..20).map(|_| random(60_000)).collect();
        let header = [&b"multivol_snapshot/photos/a.jpg/7"[..], &[0; 480]].concat();
        let data = noises.iter().flat_map(|noise| [&header[..], noise]).collect::<Vec<_>>().concat();
        let deflated = deflate(&data);
        // At either end of a header the rest of a cell is stored, and each change of kind costs some bytes.
        assert!(deflated.len() < 20 * 60_000 + 20 * (CELL + 64), "{}", deflated.len());
        assert!(inflate(&deflated) == data);
    }

    #[test]
    fn empty_input_is_one_final_block() {
        assert_eq!(deflate(&[]), LAST_BLOCK);
    }

    #[test]
    fn gzip_files_of_several_members_are_read_as_one() {
        let mut out = Vec::new();
        gunzip(&[gzip(b"one "), gzip(&[]), gzip(b"two")].concat()[..]).read_to_end(&mut out).unwrap();
        assert_eq!(out, b"one two");
    }

    #[test]
    fn a_cut_or_altered_gzip_file_is_an_error() {
        let whole = gzip(&text(200_000));
        let read = |data: &[u8]| gunzip(data).read_to_end(&mut Vec::new());
        assert!(read(&whole).is_ok());
        assert!(read(&whole[..whole.len() - 1]).is_err());
        assert!(read(&whole[..whole.len() / 2]).is_err());
        for position in [0, 12, whole.len() / 2, whole.len() - 5] {
            let mut altered = whole.clone();
            altered[position] ^= 1;
            assert!(read(&altered).is_err(), "octet {position}");
        }
    }
}
