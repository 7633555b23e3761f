//! One volume's entries, decoded on a thread of its own and handed over in batches.

use std::io::Read;
use std::sync::Arc;

use crossbeam_channel::{Receiver, Sender, bounded};

use super::{Content, Gate, Head, ReadAhead, Wanted};
use crate::context::{Context, Level};
use crate::duplicity::chain::BackupSet;
use crate::duplicity::difftar::{DifftarReader, Element, Entry, FormatError};
use crate::duplicity::manifest::VolumeRecord;
use crate::duplicity::time::asctime;
use crate::error::{Error, Result};
use crate::repository::Repository;
use crate::repository::volume::Memory;

/// Bytes of a body that come in one piece.
const PIECE: usize = 64 * 1024;
/// What a piece counts for beside its data.
const HEAD: usize = 1024;

/// A stretch of one tar entry.
pub(super) struct Piece {
    pub(super) head: Head,
    /// Tar entries of a `multivol_*` file continue each other.
    pub(super) multivol: bool,
    /// First piece of its tar entry.
    pub(super) first: bool,
    pub(super) data: Vec<u8>,
}

pub(super) enum Decoded {
    Pieces(Vec<Piece>),
    /// All that is wanted of the volume was read. A thread that ends without saying so has panicked.
    End,
    /// The rest of the volume cannot be had.
    Failed(Error),
}

/// What the decoding threads of one set share.
#[derive(Clone)]
pub(super) struct Decoder {
    pub(super) repository: Arc<Repository>,
    pub(super) set: Arc<BackupSet>,
    /// Other entries are passed over.
    pub(super) wanted: Wanted,
    pub(super) ahead: ReadAhead,
    pub(super) memory: Memory,
    pub(super) gate: Gate,
    pub(super) ctx: Context,
}

impl Decoder {
    pub(super) fn start(&self, record: VolumeRecord) -> Receiver<Decoded> {
        let (sender, receiver) = bounded(self.ahead.batches);
        let decoder = self.clone();
        std::thread::spawn(move || {
            let mut batch = Batch { to: &sender, pieces: Vec::new(), bytes: 0, limit: decoder.ahead.batch };
            let end = match decoder.decode(&record, &mut batch) {
                Ok(()) => Decoded::End,
                Err(error) => Decoded::Failed(error),
            };
            batch.flush();
            // Nobody listens any more: fine.
            let _ = sender.send(end);
        });
        receiver
    }

    fn decode(&self, record: &VolumeRecord, batch: &mut Batch<'_>) -> Result<()> {
        let what = |error: FormatError| {
            let at = asctime(self.set.id.at.0);
            Error::damaged(format!("volume {} of the backup of {at}: {error}", record.number))
        };
        let skipped = |error| self.ctx.say(Level::Warning, format_args!("Skipped: {}", what(error)));
        let plain = {
            let _turn = self.gate.enter();
            self.repository.volume(&self.set, record, &self.memory)?
        };
        read_entries(plain, &self.wanted, batch, &skipped).map_err(what)
    }
}

/// Reads a volume up to the last entry that can be wanted; where that is the last of all, to the very end, so
/// that integrity checks that come last are seen.
fn read_entries(
    plain: impl Read,
    wanted: &Wanted,
    batch: &mut Batch<'_>,
    skipped: &dyn Fn(FormatError),
) -> std::result::Result<(), FormatError> {
    let mut tar = DifftarReader::new(plain);
    loop {
        let entry = match tar.next() {
            Ok(Some(entry)) => entry,
            Ok(None) => break,
            Err(error) if error.concerns_one_entry() => {
                skipped(error);
                continue;
            }
            Err(error) => return Err(error),
        };
        if wanted.has(&entry.path) {
            if !read_body(&mut tar, entry, batch)? {
                return Ok(()); // nobody listens any more
            }
        } else if wanted.ends_before(&entry.path) {
            return Ok(());
        }
    }
    tar.finish()?;
    Ok(())
}

/// `false` when nobody wants more.
fn read_body(tar: &mut impl Read, entry: Entry, batch: &mut Batch<'_>) -> std::io::Result<bool> {
    let content = match entry.element {
        Element::Snapshot => Content::Snapshot,
        Element::Diff => Content::Diff,
        Element::Deleted => Content::Deleted,
    };
    let multivol = entry.part.is_some();
    let mut head = Some(Head { path: entry.path, content, attributes: entry.attributes });
    let (mut left, mut first) = (entry.size, true);
    while let Some(current) = head.take() {
        let length = left.min(PIECE as u64);
        let mut data = vec![0; length as usize];
        tar.read_exact(&mut data)?;
        left -= length;
        if left > 0 {
            head = Some(current.clone());
        }
        if !batch.push(Piece { head: current, multivol, first, data }) {
            return Ok(false);
        }
        first = false;
    }
    Ok(true)
}

/// Pieces on their way: handing over each by itself would cost more than making it.
struct Batch<'a> {
    to: &'a Sender<Decoded>,
    pieces: Vec<Piece>,
    bytes: usize,
    limit: usize,
}

impl Batch<'_> {
    fn push(&mut self, piece: Piece) -> bool {
        self.bytes += HEAD + piece.data.len();
        self.pieces.push(piece);
        self.bytes < self.limit || self.flush()
    }

    fn flush(&mut self) -> bool {
        self.bytes = 0;
        let pieces = std::mem::take(&mut self.pieces);
        pieces.is_empty() || self.to.send(Decoded::Pieces(pieces)).is_ok()
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::expect_used)]
mod tests {
    use super::*;
    use crate::duplicity::difftar::{Body, DifftarWriter};
    use crate::entry::{Attributes, EntryPath, Kind};

    fn path(text: &str) -> EntryPath {
        EntryPath::parse(text.as_bytes()).unwrap()
    }

    /// A volume of files of 1000 bytes.
    fn volume(names: &[String]) -> Vec<u8> {
        let mut tar = DifftarWriter::new(Vec::new());
        let folder = Attributes { kind: Kind::Directory, ..Attributes::default() };
        tar.object(&EntryPath::root(), &folder).unwrap();
        for name in names {
            tar.file(&path(name), &Attributes::default(), Body::Snapshot, &[7; 1000]).unwrap();
        }
        tar.finish().unwrap()
    }

    /// What comes out, and how many bytes are left.
    fn read(volume: &[u8], wanted: &str, limit: usize) -> (Vec<Piece>, usize, usize) {
        let (to, from) = crossbeam_channel::unbounded();
        let mut batch = Batch { to: &to, pieces: Vec::new(), bytes: 0, limit };
        let mut rest = volume;
        read_entries(&mut rest, &Wanted::Below(path(wanted)), &mut batch, &|error| panic!("{error}"))
            .unwrap();
        batch.flush();
        let batches = from.len();
        let pieces = from.try_iter().flat_map(|decoded| match decoded {
            Decoded::Pieces(pieces) => pieces,
            _ => panic!("only pieces are expected"),
        });
        (pieces.collect(), rest.len(), batches)
    }

    #[test]
    fn a_volume_is_read_no_further_than_the_wanted_path() {
        let names: Vec<_> = (0..100).map(|n| format!("d/{n:02}")).collect();
        let volume = volume(&names);
        let (pieces, left, _) = read(&volume, "d/10", 1);
        assert_eq!(pieces.len(), 1);
        assert_eq!((&pieces[0].head.path, pieces[0].data.len()), (&path("d/10"), 1000));
        assert!(left > volume.len() * 8 / 10, "{left} of {} bytes left", volume.len());
        let (pieces, left, _) = read(&volume, "d", 1);
        assert_eq!((pieces.len(), left), (100, 0), "the last of all is read to the end");
    }

    #[test]
    fn small_files_travel_together() {
        let names: Vec<_> = (0..100).map(|n| format!("{n:02}")).collect();
        let (pieces, _, batches) = read(&volume(&names), "", 256 * 1024);
        assert_eq!((pieces.len(), batches), (101, 1));
        let (_, _, batches) = read(&volume(&names), "", 20 * 1024);
        assert!((8..20).contains(&batches), "{batches}");
    }
}
