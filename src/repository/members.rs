//! Gzip files made of many small members, so that reading can begin near any plain offset.
//!
//! Any gzip reader sees one file (RFC 1952 2.2). Where the members lie is learned by reading once and kept
//! in the catalogue, never in the file.

use std::io::{self, BufRead, Read, Write};

use flate2::bufread::GzDecoder;
use serde::{Deserialize, Serialize};

use crate::deflate::GzipWriter;

/// Plain bytes per member: what a reader inflates in vain at most.
const MEMBER: u64 = 128 * 1024;

pub(crate) struct MemberWriter<W: Write> {
    member: Option<GzipWriter<W>>,
    /// Plain bytes in the member, and in all.
    in_member: u64,
    plain: u64,
}

impl<W: Write> MemberWriter<W> {
    pub(crate) fn new(out: W) -> io::Result<Self> {
        Ok(Self { member: Some(GzipWriter::new(out)?), in_member: 0, plain: 0 })
    }

    /// Plain bytes so far.
    pub(crate) fn plain(&self) -> u64 {
        self.plain
    }

    pub(crate) fn finish(self) -> io::Result<W> {
        self.member.ok_or_else(broken)?.finish()
    }
}

impl<W: Write> Write for MemberWriter<W> {
    fn write(&mut self, data: &[u8]) -> io::Result<usize> {
        if self.in_member >= MEMBER {
            let out = self.member.take().ok_or_else(broken)?.finish()?;
            self.member = Some(GzipWriter::new(out)?);
            self.in_member = 0;
        }
        let taken = self.member.as_mut().ok_or_else(broken)?.write(data)?;
        self.in_member += taken as u64;
        self.plain += taken as u64;
        Ok(taken)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// After a failed write there is no member to go on with.
fn broken() -> io::Error {
    io::Error::other("writing went on after an error")
}

/// Where a member begins: offsets in the plain content and in the file, bytes.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub(crate) struct Member {
    pub(crate) plain: u64,
    pub(crate) stored: u64,
}

/// Reads such a file and notes where its members lie.
pub(crate) struct MemberReader<R: BufRead> {
    decoder: Option<GzDecoder<Counted<R>>>,
    position: u64,
    members: Vec<Member>,
}

impl<R: BufRead> MemberReader<R> {
    pub(crate) fn new(source: R) -> Self {
        Self::at(source, Member { plain: 0, stored: 0 })
    }

    /// Where `source` begins with that member.
    pub(crate) fn at(source: R, first: Member) -> Self {
        let source = Counted { inner: source, count: first.stored };
        Self { decoder: Some(GzDecoder::new(source)), position: first.plain, members: vec![first] }
    }

    /// Plain offset of what is read next.
    pub(crate) fn position(&self) -> u64 {
        self.position
    }

    /// The members met so far.
    pub(crate) fn into_members(self) -> Vec<Member> {
        self.members
    }
}

impl<R: BufRead> Read for MemberReader<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        loop {
            let Some(decoder) = &mut self.decoder else { return Ok(0) };
            let read = decoder.read(buffer)?;
            if read > 0 || buffer.is_empty() {
                self.position += read as u64;
                return Ok(read);
            }
            let Some(mut source) = self.decoder.take().map(GzDecoder::into_inner) else { return Ok(0) };
            if source.fill_buf()?.is_empty() {
                return Ok(0);
            }
            self.members.push(Member { plain: self.position, stored: source.count });
            self.decoder = Some(GzDecoder::new(source));
        }
    }
}

/// The member in which a plain offset lies. `members` begin at 0.
pub(crate) fn member_of(members: &[Member], plain: u64) -> Member {
    let after = members.partition_point(|member| member.plain <= plain);
    members.get(after.saturating_sub(1)).copied().unwrap_or(Member { plain: 0, stored: 0 })
}

struct Counted<R> {
    inner: R,
    count: u64,
}

impl<R: BufRead> Read for Counted<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let read = self.inner.read(buffer)?;
        self.count += read as u64;
        Ok(read)
    }
}

impl<R: BufRead> BufRead for Counted<R> {
    fn fill_buf(&mut self) -> io::Result<&[u8]> {
        self.inner.fill_buf()
    }

    fn consume(&mut self, amount: usize) {
        self.count += amount as u64;
        self.inner.consume(amount);
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::expect_used)]
mod tests {
    use super::*;

    fn noise(length: usize) -> Vec<u8> {
        let mut data = vec![0; length];
        getrandom::fill(&mut data).unwrap();
        data
    }

    fn written(pieces: &[Vec<u8>]) -> Vec<u8> {
        let mut writer = MemberWriter::new(Vec::new()).unwrap();
        pieces.iter().for_each(|piece| writer.write_all(piece).unwrap());
        assert_eq!(writer.plain(), pieces.iter().map(|piece| piece.len() as u64).sum::<u64>());
        writer.finish().unwrap()
    }

    #[test]
    fn reading_can_begin_at_any_member_of_a_file_that_any_reader_reads() {
        let pieces: Vec<_> = (0..40).map(|n| noise(n * 1000)).collect();
        let (plain, file) = (pieces.concat(), written(&pieces));
        let mut reader = MemberReader::new(&file[..]);
        let mut read = Vec::new();
        reader.read_to_end(&mut read).unwrap();
        assert!(read == plain);
        let members = reader.into_members();
        assert!(members.len() > 4, "{}", members.len());
        for member in &members {
            let mut rest = Vec::new();
            let mut reader = MemberReader::at(&file[member.stored as usize..], *member);
            reader.read_to_end(&mut rest).unwrap();
            assert!(rest == plain[member.plain as usize..]);
            assert_eq!(reader.position(), plain.len() as u64);
        }
        let mut gunzipped = Vec::new();
        crate::deflate::gunzip(&file[..]).read_to_end(&mut gunzipped).unwrap();
        assert!(gunzipped == plain);
    }

    #[test]
    fn an_offset_lies_in_the_last_member_that_begins_before_it() {
        let members = [Member { plain: 0, stored: 0 }, Member { plain: 10, stored: 7 }];
        let found = [0, 9, 10, 99].map(|plain| member_of(&members, plain).stored);
        assert_eq!(found, [0, 0, 7, 7]);
        assert_eq!(member_of(&[], 5).stored, 0);
    }

    #[test]
    fn a_cut_file_is_an_error() {
        let file = written(&[noise(300_000)]);
        let cut = &file[..file.len() - 1];
        assert!(MemberReader::new(cut).read_to_end(&mut Vec::new()).is_err());
    }
}
