//! One file goes into the backup: read once where that is possible, as its whole content or as a delta.
//!
//! What is recorded (size, SHA-256, signature) is always that of the bytes that were stored, also when
//! somebody writes to the file meanwhile; then it is reported, and looked at again by the next run.

use std::fs::File;
use std::io;
use std::thread;

use crossbeam_channel::bounded;
use sha2::{Digest, Sha256};

use super::describe::{
    BUFFER, Known, Piece, describe, describe_while_reading, proven_unchanged, read_again, read_some, rewind,
};
use super::produce::{Attempt, Counts, Fault, Producer};
use crate::context::ProblemKind;
use crate::delta::{Basis, Differ, whole_copy};
use crate::entry::{Attributes, Content, EntryPath};
use crate::error::Error;
use crate::repository::volumes::Volumes;
use crate::repository::{Body, BodyWriter, Signatures};
use crate::tree::metadata::read_extended;
use crate::tree::source::{DiskIdentity, disk_identity};
use crate::tree::walk::Entry;

pub(super) struct FileStore<'a, 'v> {
    pub(super) producer: &'a Producer<'a>,
    pub(super) volumes: &'a mut Volumes<'v>,
    pub(super) signatures: &'a mut Signatures,
    pub(super) counts: &'a mut Counts,
    pub(super) attempt: &'a mut Attempt,
}

/// Files up to this size are read again when they change meanwhile, and are stored whole unless the
/// delta is smaller. Larger deltas are believed to pay once something matched.
const WHOLE: u64 = 8 << 20;
/// Buffers of a large file between its reader and its writer.
const BUFFERS: usize = 8;
const TRIES: usize = 3;

type Outcome<T> = Result<T, Fault>;

/// What went into the volumes.
struct Stored {
    signature: Vec<u8>,
    /// Plain bytes of the body.
    bytes: u64,
}

impl FileStore<'_, '_> {
    pub(super) fn store(&mut self, entry: &Entry, prior: Option<&Known>) -> Outcome<()> {
        let opened = self.producer.source.open_file(&entry.path).and_then(|file| {
            let extended = read_extended(&file, self.producer.owners)?;
            let before = disk_identity(&file)?;
            Ok((file, extended, before))
        });
        let (mut file, extended, before) = match opened {
            Ok(opened) => opened,
            Err(error) => return self.skip(&entry.path, &error),
        };
        let mut attributes = Attributes { extended, mtime: before.mtime, ..entry.attributes.clone() };
        let stored = if let Some(signature) = proven_unchanged(&before, prior) {
            Some(self.store_unchanged(&file, &entry.path, &mut attributes, before, signature)?)
        } else if before.size <= WHOLE {
            self.store_small(&mut file, &entry.path, &mut attributes, before, prior)?
        } else {
            Some(self.store_large(&mut file, &entry.path, &mut attributes, before, prior)?)
        };
        let Some(stored) = stored else { return Ok(()) };
        self.signatures.file(&entry.path, &attributes, &stored.signature)?;
        self.counts.delta_entries += 1;
        self.counts.delta_bytes += stored.bytes;
        Ok(())
    }

    /// Nothing of the file is in a volume yet: its previous state stays.
    fn skip(&mut self, path: &EntryPath, error: &io::Error) -> Outcome<()> {
        self.counts.problems += self.producer.unreadable(path, error);
        Ok(())
    }

    /// Decides what the next run may rely on: nothing, if anybody wrote or may still write unseen.
    fn judge(&mut self, path: &EntryPath, attributes: &mut Attributes, before: DiskIdentity, file: &File) {
        let after = disk_identity(file).ok();
        if after != Some(before) {
            let place = path.below(self.producer.root);
            self.producer.ctx.problem(ProblemKind::ChangedWhileReading, place, "changed while it was read");
            self.counts.problems += 1;
        }
        // The mode and owner are those that the walk saw: they hold only while the ctime is the same.
        let steady = after == Some(before) && attributes.disk == Some(before.disk);
        attributes.disk = Some(before.disk).filter(|disk| steady && self.producer.settled(disk.ctime));
    }

    /// Only the attributes changed: nothing is stored of the content.
    fn store_unchanged(
        &mut self,
        file: &File,
        path: &EntryPath,
        attributes: &mut Attributes,
        before: DiskIdentity,
        (content, signature): (Content, &[u8]),
    ) -> Outcome<Stored> {
        attributes.content = Some(content);
        self.judge(path, attributes, before, file);
        self.attempt.looked_at(content.size, self.producer);
        let mut writer = BodyWriter::new(self.volumes, path, Body::Diff);
        writer.push(&whole_copy(content.size), attributes)?;
        let bytes = writer.finish(attributes)?;
        Ok(Stored { signature: signature.to_vec(), bytes })
    }

    fn store_small(
        &mut self,
        file: &mut File,
        path: &EntryPath,
        attributes: &mut Attributes,
        mut before: DiskIdentity,
        prior: Option<&Known>,
    ) -> Outcome<Option<Stored>> {
        let mut data = Vec::new();
        for _ in 0..TRIES {
            data = match read_again(file, before.size) {
                Ok(data) => data,
                Err(error) => return self.skip(path, &error).map(|()| None),
            };
            match disk_identity(file) {
                Ok(after) if after != before && after.size <= WHOLE => before = after,
                _ => break,
            }
        }
        self.attempt.looked_at(data.len() as u64, self.producer);
        attributes.mtime = before.mtime;
        self.judge(path, attributes, before, file);
        let content = Content { size: data.len() as u64, sha256: Sha256::digest(&data).into() };
        attributes.content = Some(content);
        let (signature, delta) = describe(&data, &content, prior);
        let (body, bytes) = match &delta {
            Some(delta) => (Body::Diff, &delta[..]),
            None => (Body::Snapshot, &data[..]),
        };
        let mut writer = BodyWriter::new(self.volumes, path, body);
        writer.push(bytes, attributes)?;
        let bytes = writer.finish(attributes)?;
        Ok(Some(Stored { signature, bytes }))
    }

    fn store_large(
        &mut self,
        file: &mut File,
        path: &EntryPath,
        attributes: &mut Attributes,
        before: DiskIdentity,
        prior: Option<&Known>,
    ) -> Outcome<Stored> {
        // Only the attributes seem to have changed: when the content is proven the same, nothing is stored of it.
        if let Some(Known { attributes: old, signature: Some(signature) }) = prior
            && let Some(content) = old.content.filter(|c| c.size == before.size && old.mtime == before.mtime)
            && self.hash(file, path, before.size)? == content
        {
            return self.store_unchanged(file, path, attributes, before, (content, signature));
        }
        let basis = prior.and_then(|prior| Basis::new(prior.signature.clone()?).ok());
        let stored = match basis {
            Some(basis) => self.stream(file, path, attributes, before, Some(&basis))?,
            None => None,
        };
        match stored {
            Some(stored) => Ok(stored),
            // No delta, or one that does not pay.
            None => self
                .stream(file, path, attributes, before, None)?
                .ok_or_else(|| Error::Internal("a snapshot always pays".into()).into()),
        }
    }

    /// Reads the file once: hash and signature are made by a thread of their own, the body by this one. `None`: the
    /// delta does not pay, and nothing was written.
    fn stream(
        &mut self,
        file: &mut File,
        path: &EntryPath,
        attributes: &mut Attributes,
        before: DiskIdentity,
        basis: Option<&Basis>,
    ) -> Outcome<Option<Stored>> {
        let producer = self.producer;
        rewind(file).map_err(|e| failed_midway(producer, path, &e))?;
        let body = if basis.is_some() { Body::Diff } else { Body::Snapshot };
        let mut writer = BodyWriter::new(self.volumes, path, body);
        let mut delta = basis.map(|basis| (Differ::new(basis), Vec::new()));
        let (pays, described) = thread::scope(|scope| {
            let (to_writer, pieces) = bounded(BUFFERS);
            let (back, spent) = bounded(BUFFERS);
            let source = &mut *file;
            let reader =
                scope.spawn(move || describe_while_reading(source, before.size, basis, &to_writer, &spent));
            let mut write = || -> Outcome<bool> {
                for Piece { bytes, same } in &pieces {
                    producer.ctx.check()?;
                    let Some((differ, held)) = &mut delta else {
                        self.attempt.looked_at(bytes.len() as u64, producer);
                        producer.done.report(Some(path.below(producer.root)), producer.ctx);
                        writer.push(&bytes, attributes)?;
                        let _ = back.try_send(bytes);
                        continue;
                    };
                    let told =
                        if same { differ.keep(bytes.len(), held) } else { differ.update(&bytes, held) };
                    told.map_err(|e| Error::Internal(e.to_string()))?;
                    let _ = back.try_send(bytes);
                    if differ.is_hopeless() {
                        return Ok(false);
                    }
                    // Nothing is written before something matched, so that there is a way back.
                    if differ.matched_bytes() > 0 {
                        writer.push(held, attributes)?;
                        held.clear();
                    }
                }
                Ok(true)
            };
            let pays = write();
            // Nobody takes pieces any more: that ends the reader.
            drop((pieces, back));
            (pays, reader.join())
        });
        if !pays? {
            return Ok(None);
        }
        let described = described.map_err(|_| Error::Internal("reading a file panicked".into()))?;
        let (content, signature) = described.map_err(|e| failed_midway(producer, path, &e))?;
        if let Some((differ, mut held)) = delta {
            let matched = differ.matched_bytes() > 0;
            differ.finish(&mut held).map_err(|e| Error::Internal(e.to_string()))?;
            if !matched && writer.is_untouched() && held.len() as u64 >= content.size {
                return Ok(None);
            }
            self.attempt.looked_at(content.size, producer);
            writer.push(&held, attributes)?;
        }
        attributes.content = Some(content);
        let bytes = writer.finish(attributes)?;
        self.judge(path, attributes, before, file);
        Ok(Some(Stored { signature, bytes }))
    }

    fn hash(&self, file: &mut File, path: &EntryPath, size: u64) -> Outcome<Content> {
        let midway = |e| failed_midway(self.producer, path, &e);
        rewind(file).map_err(midway)?;
        let mut hasher = Sha256::new();
        let mut buffer = vec![0; BUFFER];
        let mut left = size;
        while left > 0 {
            self.producer.ctx.check()?;
            let want = left.min(BUFFER as u64) as usize;
            match read_some(file, &mut buffer[..want]).map_err(midway)? {
                0 => break,
                got => {
                    hasher.update(&buffer[..got]);
                    left -= got as u64;
                }
            }
        }
        Ok(Content { size: size - left, sha256: hasher.finalize().into() })
    }
}

/// A file of several parts cannot be taken back out of its volume: the batch is made again without it.
fn failed_midway(producer: &Producer, path: &EntryPath, error: &io::Error) -> Fault {
    producer.unreadable(path, error);
    Fault::Item
}
