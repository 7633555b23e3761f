//! Deflate that leaves alone what does not compress; used inside gzip files and inside OpenPGP compressed packets.

mod block;

use std::io::{self, Read, Write};

use flate2::read::MultiGzDecoder;
use flate2::{Compress, Compression, FlushCompress, Status};
use libdeflater::{CompressionLvl, Compressor};

/// libdeflate's fastest.
pub const DEFAULT_LEVEL: u32 = 1;

/// Input is judged and compressed piece by piece: a piece makes one block, so that its end can be found.
const PIECE: usize = 64 * 1024 + 512;
/// The most that one stored block holds.
const STORED: usize = 0xFFFF;
/// A write of this many bytes or more is a piece by itself when nothing waits before it.
const DIRECT: usize = 64 * 1024;
/// So many pieces are cut in two after one that made more than one block.
const CUT: u32 = 16;
/// For pieces of which the fast compressor does not make one block.
const FALLBACK_LEVEL: u32 = 2;
/// Bytes of a piece that are looked at, in this many runs spread over it.
const SAMPLE: usize = 4096;
const RUNS: usize = 16;
/// Bits per byte above which a sample counts as incompressible. 4096 random bytes measure about 7.95.
const INCOMPRESSIBLE: f32 = 7.8;
/// A final, empty block with fixed codes.
const LAST_BLOCK: [u8; 2] = [0x03, 0x00];

/// Writes one raw deflate stream (RFC 1951). Each piece of the input is compressed by itself and ends at a byte
/// boundary, or is left alone in stored blocks.
///
/// Measured on source text, 64 KiB a piece: libdeflate's level 1 makes .146 of it at 267 MB/s, zlib-rs's level 1
/// .192 at 241, 2 .150 at 198, with all of the window.
///
/// Memory is bounded (about 500 KiB). Nothing is valid before [`Deflater::finish`].
pub struct Deflater<W: Write> {
    out: W,
    piece: Vec<u8>,
    compressor: Compressor,
    fallback: Compress,
    /// Pieces to cut in two.
    to_cut: u32,
    compressed: Vec<u8>,
}

impl<W: Write> Deflater<W> {
    /// `level` is libdeflate's: all but 1 make several blocks of a piece, for which it is then compressed anew.
    pub fn new(out: W, level: u32) -> Self {
        let level = CompressionLvl::new(level as i32).unwrap_or(CompressionLvl::fastest());
        Self {
            out,
            piece: Vec::with_capacity(PIECE),
            compressor: Compressor::new(level),
            fallback: Compress::new(Compression::new(FALLBACK_LEVEL), false),
            to_cut: 0,
            compressed: Vec::with_capacity(PIECE),
        }
    }

    /// Completes the stream and hands back the writer, which is not flushed.
    pub fn finish(mut self) -> io::Result<W> {
        self.end_piece()?;
        self.out.write_all(&LAST_BLOCK)?;
        Ok(self.out)
    }

    fn end_piece(&mut self) -> io::Result<()> {
        let mut piece = std::mem::take(&mut self.piece);
        let result = self.put(&piece);
        piece.clear();
        self.piece = piece;
        result
    }

    fn put(&mut self, piece: &[u8]) -> io::Result<()> {
        if piece.is_empty() {
            return Ok(());
        }
        if is_incompressible(piece) {
            return self.store(piece);
        }
        if self.to_cut == 0 {
            if self.compress(piece) {
                return self.put_compressed(piece);
            }
            self.to_cut = CUT;
        }
        self.to_cut -= 1;
        for half in piece.chunks(piece.len().div_ceil(2)) {
            if !self.compress(half) {
                self.compress_without_fail(half)?;
            }
            self.put_compressed(half)?;
        }
        Ok(())
    }

    /// Leaves blocks of the piece in `compressed`; false when it made none that others can follow.
    fn compress(&mut self, piece: &[u8]) -> bool {
        self.compressed.resize(self.compressor.deflate_compress_bound(piece.len()), 0);
        let Ok(length) = self.compressor.deflate_compress(piece, &mut self.compressed) else { return false };
        self.compressed.truncate(length);
        block::leave_open(&mut self.compressed)
    }

    /// As [`Self::compress`], slower: zlib ends any stream at a byte boundary when asked to.
    fn compress_without_fail(&mut self, mut piece: &[u8]) -> io::Result<()> {
        self.fallback.reset();
        self.compressed.clear();
        loop {
            self.compressed.reserve(PIECE);
            let before = self.fallback.total_in();
            let status = self.fallback.compress_vec(piece, &mut self.compressed, FlushCompress::Sync)?;
            piece = &piece[(self.fallback.total_in() - before) as usize..];
            let room_left = self.compressed.len() < self.compressed.capacity();
            if status == Status::BufError || (piece.is_empty() && room_left) {
                return Ok(());
            }
        }
    }

    fn put_compressed(&mut self, piece: &[u8]) -> io::Result<()> {
        match self.compressed.len() < piece.len() {
            true => self.out.write_all(&self.compressed),
            false => self.store(piece),
        }
    }

    /// Stored blocks begin at a byte boundary, which every piece ends at.
    fn store(&mut self, piece: &[u8]) -> io::Result<()> {
        for stored in piece.chunks(STORED) {
            let length = stored.len() as u16;
            let [l0, l1] = length.to_le_bytes();
            let [n0, n1] = (!length).to_le_bytes();
            self.out.write_all(&[0, l0, l1, n0, n1])?;
            self.out.write_all(stored)?;
        }
        Ok(())
    }
}

impl<W: Write> Write for Deflater<W> {
    fn write(&mut self, data: &[u8]) -> io::Result<usize> {
        if self.piece.is_empty() && data.len() >= DIRECT {
            let taken = data.len().min(PIECE);
            self.put(&data[..taken])?;
            return Ok(taken);
        }
        let taken = data.len().min(PIECE - self.piece.len());
        self.piece.extend_from_slice(&data[..taken]);
        if self.piece.len() == PIECE {
            self.end_piece()?;
        }
        Ok(taken)
    }

    /// Keeps what is buffered: a flush here would cost compression and nothing needs it.
    fn flush(&mut self) -> io::Result<()> {
        self.out.flush()
    }
}

/// Whether a piece is clearly not worth compressing. Short ones never are: a sample of them says little.
fn is_incompressible(piece: &[u8]) -> bool {
    if piece.len() < SAMPLE {
        return false;
    }
    let mut counts = [0_u16; 256];
    for run in piece.chunks(piece.len().div_ceil(RUNS)) {
        for &byte in run.iter().take(SAMPLE / RUNS) {
            counts[usize::from(byte)] += 1;
        }
    }
    entropy(&counts) > INCOMPRESSIBLE
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
    /// Writes the header at once. `level` as in [`Deflater::new`].
    pub fn new(mut out: W, level: u32) -> io::Result<Self> {
        out.write_all(&[0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 0xff])?;
        Ok(Self { deflater: Deflater::new(out, level), crc: crc32fast::Hasher::new(), size: 0 })
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
        let mut deflater = Deflater::new(Vec::new(), DEFAULT_LEVEL);
        deflater.write_all(data).unwrap();
        deflater.finish().unwrap()
    }

    fn inflate(data: &[u8]) -> Vec<u8> {
        let mut out = Vec::new();
        DeflateDecoder::new(data).read_to_end(&mut out).unwrap();
        out
    }

    fn gzip(data: &[u8]) -> Vec<u8> {
        let mut writer = GzipWriter::new(Vec::new(), DEFAULT_LEVEL).unwrap();
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
        fn any_mixture_of_text_and_noise_comes_back(runs in prop::collection::vec((any::<bool>(), 0_usize..200_000), 0..6)) {
            let data: Vec<u8> =
                runs.into_iter().flat_map(|(noise, length)| if noise { random(length) } else { text(length) }).collect();
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
