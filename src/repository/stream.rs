//! One set's entries in path order, volumes fetched and decoded ahead on threads of their own.
//!
//! A damaged or missing volume does not end the stream: what the set's signatures say was in it comes
//! out in its place, file contents as [`Content::Lost`], so that nobody mistakes an older state for it.

use std::collections::VecDeque;
use std::io::Read;
use std::sync::Arc;

use crossbeam_channel::{Receiver, Sender, bounded};

use super::Repository;
use crate::context::{Context, Level};
use crate::duplicity::chain::BackupSet;
use crate::duplicity::difftar::{DifftarReader, Element};
use crate::duplicity::manifest::{Boundary, Manifest, VolumeRecord};
use crate::duplicity::sigtar::{self, SigtarReader};
use crate::duplicity::time::asctime;
use crate::entry::{Attributes, EntryPath, Kind};
use crate::error::{Error, Result};

/// How much may be read ahead of the consumer.
#[derive(Clone, Copy, Debug)]
pub(crate) struct ReadAhead {
    /// Volumes decoded at the same time.
    volumes: usize,
    /// Pieces (at most 64 KiB each) that wait per volume.
    pieces: usize,
}

impl ReadAhead {
    /// Flat memory however many sets are merged.
    pub(crate) fn for_sets(sets: usize) -> Self {
        match sets {
            0 | 1 => Self { volumes: 2, pieces: 192 },
            n => Self { volumes: 1, pieces: (256 / n).max(4) },
        }
    }
}

const PIECE: usize = 64 * 1024;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Content {
    Snapshot,
    Diff,
    Deleted,
    /// The set touched this file, but what it stored is gone.
    Lost,
}

/// Head of an entry; the body follows through [`SetStream::chunk`].
#[derive(Clone, Debug)]
pub(crate) struct Head {
    pub(crate) path: EntryPath,
    pub(crate) content: Content,
    pub(crate) attributes: Attributes,
}

/// A stretch of one tar entry.
struct Piece {
    head: Head,
    /// Tar entries of a `multivol_*` file continue each other.
    multivol: bool,
    /// First piece of its tar entry.
    first: bool,
    data: Vec<u8>,
}

enum Decoded {
    Piece(Box<Piece>),
    /// The volume was read to its end. A thread that ends without saying so has panicked.
    End,
    /// The rest of the volume cannot be had.
    Failed(Error),
}

pub(crate) struct SetStream {
    repository: Arc<Repository>,
    set: Arc<BackupSet>,
    ctx: Context,
    ahead: ReadAhead,
    /// Not begun yet, in listing order.
    waiting: VecDeque<VolumeRecord>,
    running: VecDeque<(VolumeRecord, Receiver<Decoded>)>,
    /// Stands in for what a lost volume held.
    substitutes: VecDeque<Piece>,
    next: Option<Box<Piece>>,
    /// Last path that came out: entries must increase.
    last: Option<EntryPath>,
    body: Body,
}

/// Where the consumer is in the body of the entry that it took.
enum Body {
    None,
    Open { multivol: bool },
}

impl SetStream {
    /// All entries of `set` at or below `path`, or leading to it.
    pub(crate) fn new(
        repository: Arc<Repository>,
        set: &BackupSet,
        manifest: &Manifest,
        path: &EntryPath,
        ahead: ReadAhead,
        ctx: &Context,
    ) -> Self {
        let mut waiting: VecDeque<_> =
            manifest.volumes.iter().filter(|v| v.may_hold(path)).cloned().collect();
        waiting.extend(unlisted(set, manifest));
        Self {
            repository,
            set: Arc::new(set.clone()),
            ctx: ctx.clone(),
            ahead,
            waiting,
            running: VecDeque::new(),
            substitutes: VecDeque::new(),
            next: None,
            last: None,
            body: Body::None,
        }
    }

    /// The next entry's path, without taking it. Call only when the last entry's body was read or skipped.
    pub(crate) fn peek(&mut self) -> Result<Option<&EntryPath>> {
        self.skip_body()?;
        while self.next.is_none() {
            let Some(piece) = self.pull()? else { return Ok(None) };
            // The first occurrence of a path wins; what follows out of order cannot be merged.
            let in_order = self.last.as_ref().is_none_or(|last| piece.head.path > *last);
            if piece.first && in_order {
                self.next = Some(piece);
            } else if piece.first && self.last.as_ref() != Some(&piece.head.path) {
                let (path, at) = (&piece.head.path, asctime(self.set.id.at.0));
                self.ctx.say(Level::Warning, format_args!("{path} is out of order in the backup of {at}"));
            }
        }
        Ok(self.next.as_ref().map(|piece| &piece.head.path))
    }

    /// Takes the entry that [`Self::peek`] showed.
    pub(crate) fn take(&mut self) -> Option<Head> {
        let piece = self.next.as_mut()?;
        let head = piece.head.clone();
        self.last = Some(head.path.clone());
        self.body = Body::Open { multivol: piece.multivol };
        Some(head)
    }

    /// Next bytes of the body; `None` at its end. `head` gets the attributes of the last part, which
    /// carries the size and hash of the whole.
    pub(crate) fn chunk(&mut self, head: &mut Head) -> Result<Option<Vec<u8>>> {
        let Body::Open { multivol } = self.body else { return Ok(None) };
        loop {
            if self.next.is_none() {
                self.next = self.pull()?;
            }
            match &self.next {
                Some(piece)
                    if piece.head.path == head.path && (multivol || !piece.first || is_head(piece, head)) => {
                }
                _ => break,
            }
            let Some(piece) = self.next.take() else { break };
            if piece.head.content == Content::Lost && head.content != Content::Lost {
                head.content = Content::Lost;
                break;
            }
            head.attributes = piece.head.attributes;
            if !piece.data.is_empty() {
                return Ok(Some(piece.data));
            }
        }
        self.body = Body::None;
        Ok(None)
    }

    fn skip_body(&mut self) -> Result<()> {
        if let (Body::Open { .. }, Some(last)) = (&self.body, &self.last) {
            let mut head =
                Head { path: last.clone(), content: Content::Lost, attributes: Attributes::default() };
            while self.chunk(&mut head)?.is_some() {}
        }
        Ok(())
    }

    /// The next piece of the set, whatever volume it is in.
    fn pull(&mut self) -> Result<Option<Box<Piece>>> {
        loop {
            self.ctx.check()?;
            if let Some(piece) = self.substitutes.pop_front() {
                return Ok(Some(Box::new(piece)));
            }
            while self.running.len() < self.ahead.volumes {
                let Some(record) = self.waiting.pop_front() else { break };
                let decoding = self.start(record.clone());
                self.running.push_back((record, decoding));
            }
            let Some((record, decoding)) = self.running.front() else { return Ok(None) };
            match decoding.recv() {
                Ok(Decoded::Piece(piece)) => return Ok(Some(piece)),
                Ok(Decoded::Failed(error)) => {
                    let record = record.clone();
                    self.running.pop_front();
                    self.replace_lost(&record, error)?;
                }
                Ok(Decoded::End) => {
                    self.running.pop_front();
                }
                Err(_) => return Err(Error::Internal("reading a volume ended halfway".into())),
            }
        }
    }

    fn start(&self, record: VolumeRecord) -> Receiver<Decoded> {
        let (sender, receiver) = bounded(self.ahead.pieces);
        let (repository, set, ctx) = (self.repository.clone(), self.set.clone(), self.ctx.clone());
        std::thread::spawn(move || {
            let end = match decode(&repository, &set, &record, &sender, &ctx) {
                Ok(()) => Decoded::End,
                Err(error) => Decoded::Failed(error),
            };
            // Nobody listens any more: fine.
            let _ = sender.send(end);
        });
        receiver
    }

    /// Errors that concern the whole run end it; a damaged volume costs what was in it.
    fn replace_lost(&mut self, record: &VolumeRecord, error: Error) -> Result<()> {
        if !matches!(error, Error::Damaged { .. }) && !Repository::is_gone(&error) {
            return Err(error);
        }
        self.ctx.say(
            Level::Warning,
            format_args!(
                "{error}. Lost: files of the backup of {} from {} to {}.",
                asctime(self.set.id.at.0),
                record.start.path,
                record.end.path
            ),
        );
        let tar = self.repository.signatures(&self.set)?;
        let mut reader = SigtarReader::new(tar);
        // A file that straddles the edge has its beginning in the volume before: it is lost as well.
        let from = self.last.clone().unwrap_or_default();
        while let Some(entry) = reader.next().map_err(Error::damaged)? {
            if entry.path < from || entry.path < record.start.path || entry.path > record.end.path {
                continue;
            }
            let content = match entry.element {
                sigtar::Element::Deleted => Content::Deleted,
                _ if entry.attributes.kind == Kind::File => Content::Lost,
                _ => Content::Snapshot,
            };
            let head = Head { path: entry.path, content, attributes: entry.attributes };
            self.substitutes.push_back(Piece { head, multivol: true, first: true, data: Vec::new() });
        }
        Ok(())
    }
}

/// A volume beyond the last one that the manifest names: the manifest was cut off. What the volume held
/// cannot be checked, hence counts as lost.
fn unlisted(set: &BackupSet, manifest: &Manifest) -> Option<VolumeRecord> {
    let last = manifest.volumes.last()?;
    let (number, _) = set.volumes.iter().next_back().filter(|(number, _)| **number > last.number)?;
    let end = Boundary { path: EntryPath::parse(&[0xff; 64]).ok()?, block: None };
    let start = last.end.clone();
    Some(VolumeRecord { number: *number, start, end, sha1: None, md5: None, sha256: None })
}

/// Whether a first piece belongs to the entry being read (it is the one that `take` showed).
fn is_head(piece: &Piece, head: &Head) -> bool {
    piece.first && piece.head.path == head.path
}

/// Reads one volume to its very end, so that integrity checks that come last are seen.
fn decode(
    repository: &Repository,
    set: &BackupSet,
    record: &VolumeRecord,
    to: &Sender<Decoded>,
    ctx: &Context,
) -> Result<()> {
    let what = |e: &dyn std::fmt::Display| {
        Error::damaged(format!("volume {} of the backup of {}: {e}", record.number, asctime(set.id.at.0)))
    };
    let mut tar = DifftarReader::new(repository.volume(set, record)?);
    loop {
        let entry = match tar.next() {
            Ok(Some(entry)) => entry,
            Ok(None) => break,
            Err(error) if error.concerns_one_entry() => {
                ctx.say(Level::Warning, format_args!("Skipped: {}", what(&error)));
                continue;
            }
            Err(error) => return Err(what(&error)),
        };
        let content = match entry.element {
            Element::Snapshot => Content::Snapshot,
            Element::Diff => Content::Diff,
            Element::Deleted => Content::Deleted,
        };
        let multivol = entry.part.is_some();
        let mut head = Some(Head { path: entry.path, content, attributes: entry.attributes });
        let mut left = entry.size;
        let mut first = true;
        while let Some(current) = head.take() {
            let length = left.min(PIECE as u64);
            let mut data = vec![0; length as usize];
            tar.read_exact(&mut data).map_err(|e| what(&e))?;
            left -= length;
            if left > 0 {
                head = Some(current.clone());
            }
            let piece = Box::new(Piece { head: current, multivol, first, data });
            if to.send(Decoded::Piece(piece)).is_err() {
                return Ok(()); // nobody listens any more
            }
            first = false;
        }
    }
    tar.finish().map(|_| ()).map_err(|e| what(&e))
}
