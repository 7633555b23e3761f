//! What is recorded of a file's content: size, SHA-256 and signature, and the delta where that is worth it.

use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom};

use crossbeam_channel::{Receiver, Sender};
use sha2::{Digest, Sha256};

use crate::delta::{Basis, Differ, InPlace, Run, SignatureBuilder, block_length, whole_copy};
use crate::entry::{Attributes, Content};
use crate::tree::source::DiskIdentity;

/// Bytes read at a time.
pub(super) const BUFFER: usize = 256 * 1024;

/// What the newest backup that has the file recorded of it.
pub(super) struct Known<'a> {
    pub(super) attributes: &'a Attributes,
    /// librsync signature of its content; `None` when there is none to build a delta on.
    pub(super) signature: Option<Vec<u8>>,
}

/// What the last backup knows of the content, when the disk says that nobody wrote since.
pub(super) fn proven_unchanged<'p>(
    before: &DiskIdentity,
    prior: Option<&'p Known>,
) -> Option<(Content, &'p [u8])> {
    let Known { attributes: old, signature } = prior?;
    let content = old.content.filter(|content| content.size == before.size)?;
    let same = old.disk == Some(before.disk) && old.mtime == before.mtime;
    same.then_some((content, signature.as_deref()?))
}

/// Content on its way from the reader of a large file to the writer of its body.
pub(super) struct Piece {
    pub(super) bytes: Vec<u8>,
    /// The old content has the same at the same place.
    pub(super) same: bool,
}

/// Hands on at most `size` bytes in pieces, in buffers that come back, and compares them with the `old` content;
/// returns what they are together, with their signature. Ends early when nobody takes the pieces.
pub(super) fn describe_while_reading(
    file: &mut File,
    size: u64,
    old: Option<&Basis>,
    pieces: &Sender<Piece>,
    spent: &Receiver<Vec<u8>>,
) -> io::Result<(Content, Vec<u8>)> {
    let mut hasher = Sha256::new();
    let mut signature = InPlace::new(block_length(size), old);
    let most = signature.piece_length(BUFFER) as u64;
    let mut left = size;
    while left > 0 {
        let mut bytes = spent.try_recv().unwrap_or_default();
        bytes.clear();
        let wanted = left.min(most);
        let got = file.take(wanted).read_to_end(&mut bytes)? as u64;
        // Cut short meanwhile: this is its end.
        let ended = got < wanted;
        left -= got;
        hasher.update(&bytes);
        let runs = signature.update(&bytes);
        if !hand_on(bytes, &runs, pieces) || ended {
            break;
        }
    }
    Ok((Content { size: size - left, sha256: hasher.finalize().into() }, signature.finish()))
}

/// `false`: nobody takes them.
fn hand_on(bytes: Vec<u8>, runs: &[Run], pieces: &Sender<Piece>) -> bool {
    if let [Run { same, .. }] = *runs {
        return pieces.send(Piece { bytes, same }).is_ok();
    }
    let mut rest = &bytes[..];
    runs.iter().all(|run| {
        let (bytes, behind) = rest.split_at(run.length);
        rest = behind;
        pieces.send(Piece { bytes: bytes.to_vec(), same: run.same }).is_ok()
    })
}

/// The signature of new content, and the delta if that is worth more than the content itself.
pub(super) fn describe(data: &[u8], content: &Content, prior: Option<&Known>) -> (Vec<u8>, Option<Vec<u8>>) {
    let old = prior.and_then(|prior| prior.signature.as_ref().map(|signature| (prior, signature)));
    if let Some((prior, signature)) = old
        && prior.attributes.content == Some(*content)
    {
        return (signature.clone(), Some(whole_copy(content.size)));
    }
    let mut builder = SignatureBuilder::new(block_length(content.size));
    builder.update(data);
    let delta = old.and_then(|(_, signature)| {
        let basis = Basis::new(signature.clone()).ok()?;
        let mut differ = Differ::new(&basis);
        let mut delta = Vec::new();
        for piece in data.chunks(BUFFER) {
            differ.update(piece, &mut delta).ok()?;
            if differ.is_hopeless() {
                return None;
            }
        }
        differ.finish(&mut delta).ok()?;
        (delta.len() + delta.len() / 8 < data.len()).then_some(delta)
    });
    (builder.finish(), delta)
}

pub(super) fn rewind(file: &mut File) -> io::Result<()> {
    file.seek(SeekFrom::Start(0)).map(|_| ())
}

pub(super) fn read_again(file: &mut File, size: u64) -> io::Result<Vec<u8>> {
    rewind(file)?;
    let mut data = Vec::with_capacity(size as usize);
    file.take(size).read_to_end(&mut data)?;
    Ok(data)
}

pub(super) fn read_some(file: &mut File, buffer: &mut [u8]) -> io::Result<usize> {
    loop {
        match file.read(buffer) {
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            other => return other,
        }
    }
}
