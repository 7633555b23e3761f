//! One set's entries in path order, volumes fetched and decoded ahead on threads of their own.
//!
//! A damaged or missing volume does not end the stream: what the set's signatures say was in it comes
//! out in its place, file contents as [`Content::Lost`], so that nobody mistakes an older state for it.

mod ahead;
mod decode;
mod wanted;

use std::collections::VecDeque;
use std::sync::Arc;

use crossbeam_channel::Receiver;

use super::Repository;
use super::volume::Memory;
use crate::context::{Context, Level};
use crate::duplicity::chain::BackupSet;
use crate::duplicity::manifest::{Boundary, Manifest, VolumeRecord};
use crate::duplicity::sigtar::{self, SigtarReader};
use crate::duplicity::time::asctime;
use crate::entry::{Attributes, EntryPath, Kind};
use crate::error::{Error, Result};
pub(crate) use ahead::{Gate, ReadAhead};
use decode::{Decoded, Decoder, Piece};
pub(crate) use wanted::Wanted;

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

pub(crate) struct SetStream {
    decoder: Decoder,
    /// Not begun yet, in listing order.
    waiting: VecDeque<VolumeRecord>,
    running: VecDeque<(VolumeRecord, Receiver<Decoded>)>,
    /// Decoded, or standing in for what a lost volume held.
    ready: VecDeque<Piece>,
    next: Option<Piece>,
    /// Last path that came out: entries must increase.
    last: Option<EntryPath>,
    body: Body,
}

/// Where the consumer is in the body of the entry that it took.
enum Body {
    None,
    /// `first`: its beginning, unless that was taken.
    Open {
        multivol: bool,
        first: Option<Vec<u8>>,
    },
}

/// The volumes of a set in which anything wanted may be, in listing order.
pub(crate) fn wanted_volumes(
    set: &BackupSet,
    manifest: &Manifest,
    wanted: &Wanted,
) -> VecDeque<VolumeRecord> {
    let listed = manifest.volumes.iter().filter(|volume| wanted.may_be_in(volume)).cloned();
    listed.chain(unlisted(set, manifest)).collect()
}

impl SetStream {
    /// The wanted entries of `set`, out of `volumes`. Begins to fetch, so that several sets do so at the same
    /// time.
    pub(crate) fn begin(
        repository: Arc<Repository>,
        set: &BackupSet,
        volumes: VecDeque<VolumeRecord>,
        wanted: Wanted,
        ahead: ReadAhead,
        gate: &Gate,
        ctx: &Context,
    ) -> Self {
        let decoder = Decoder {
            repository,
            set: Arc::new(set.clone()),
            wanted,
            ahead,
            memory: Memory::new(ahead.sealed),
            gate: gate.clone(),
            ctx: ctx.clone(),
        };
        let (running, ready) = (VecDeque::new(), VecDeque::new());
        let mut stream =
            Self { decoder, waiting: volumes, running, ready, next: None, last: None, body: Body::None };
        stream.start();
        stream
    }

    /// Finds the next entry. Call only when the last entry's body was read or skipped.
    pub(crate) fn advance(&mut self) -> Result<()> {
        self.skip_body()?;
        while self.next.is_none() {
            let Some(piece) = self.pull()? else { break };
            // The first occurrence of a path wins; what follows out of order cannot be merged.
            let in_order = self.last.as_ref().is_none_or(|last| piece.head.path > *last);
            if piece.first && in_order {
                self.next = Some(piece);
            } else if piece.first && self.last.as_ref() != Some(&piece.head.path) {
                let (path, at) = (&piece.head.path, asctime(self.decoder.set.id.at.0));
                let text = format_args!("{path} is out of order in the backup of {at}");
                self.decoder.ctx.say(Level::Warning, text);
            }
        }
        Ok(())
    }

    /// Path of the entry that [`Self::advance`] found; `None` at the end.
    pub(crate) fn path(&self) -> Option<&EntryPath> {
        self.next.as_ref().map(|piece| &piece.head.path)
    }

    /// Takes the entry that [`Self::advance`] found.
    pub(crate) fn take(&mut self) -> Option<Head> {
        let Piece { head, multivol, data, .. } = self.next.take()?;
        self.last = Some(head.path.clone());
        self.body = Body::Open { multivol, first: Some(data) };
        Some(head)
    }

    /// Next bytes of the body; `None` at its end. `head` gets the attributes of the last part, which
    /// carries the size and hash of the whole.
    pub(crate) fn chunk(&mut self, head: &mut Head) -> Result<Option<Vec<u8>>> {
        let Body::Open { multivol, first } = &mut self.body else { return Ok(None) };
        let multivol = *multivol;
        if let Some(data) = first.take().filter(|data| !data.is_empty()) {
            return Ok(Some(data));
        }
        loop {
            if self.next.is_none() {
                self.next = self.pull()?;
            }
            let continues = |piece: &mut Piece| piece.head.path == head.path && (multivol || !piece.first);
            let Some(piece) = self.next.take_if(continues) else { break };
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
    fn pull(&mut self) -> Result<Option<Piece>> {
        loop {
            if let Some(piece) = self.ready.pop_front() {
                return Ok(Some(piece));
            }
            self.decoder.ctx.check()?;
            self.start();
            let Some((record, decoding)) = self.running.front() else { return Ok(None) };
            match decoding.recv() {
                Ok(Decoded::Pieces(pieces)) => self.ready = pieces.into(),
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

    fn start(&mut self) {
        while self.running.len() < self.decoder.ahead.volumes {
            let Some(record) = self.waiting.pop_front() else { break };
            let decoding = self.decoder.start(record.clone());
            self.running.push_back((record, decoding));
        }
    }

    /// Errors that concern the whole run end it; a damaged volume costs what was in it.
    fn replace_lost(&mut self, record: &VolumeRecord, error: Error) -> Result<()> {
        if !matches!(error, Error::Damaged { .. }) && !Repository::is_gone(&error) {
            return Err(error);
        }
        let Decoder { repository, set, wanted, ctx, .. } = &self.decoder;
        ctx.say(
            Level::Warning,
            format_args!(
                "{error}. Lost: files of the backup of {} from {} to {}.",
                asctime(set.id.at.0),
                record.start.path,
                record.end.path
            ),
        );
        let tar = repository.signatures(set)?;
        let mut reader = SigtarReader::new(tar);
        // A file that straddles the edge has its beginning in the volume before: it is lost as well.
        let from = self.last.clone().unwrap_or_default();
        while let Some(entry) = reader.next().map_err(Error::damaged)? {
            let within = entry.path >= from && (&record.start.path..=&record.end.path).contains(&&entry.path);
            if !within || !wanted.has(&entry.path) {
                continue;
            }
            let content = match entry.element {
                sigtar::Element::Deleted => Content::Deleted,
                _ if entry.attributes.kind == Kind::File => Content::Lost,
                _ => Content::Snapshot,
            };
            let head = Head { path: entry.path, content, attributes: entry.attributes };
            self.ready.push_back(Piece { head, multivol: true, first: true, data: Vec::new() });
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
