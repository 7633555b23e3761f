//! The state of every path at a date, resolved from the sets that make it up.
//!
//! Per path the sets' entries are taken oldest to newest; the newest that is not a delta is the base,
//! later ones are deltas on it, in order (`FORMAT.md`, restore).

use std::collections::VecDeque;
use std::io::{self, Read};
use std::sync::Arc;
use std::thread::ScopedJoinHandle;

use super::compare::is_ours;
use crate::context::{Context, Level};
use crate::entry::{self, Attributes, EntryPath, Kind};
use crate::error::{Error, Result};
use crate::repository::stream::{Content, Gate, Head, ReadAhead, SetStream, Wanted, wanted_volumes};
use crate::repository::{BackupSet, Manifest, RECORDS_VERSION, Repository, VolumeRecord};

pub(super) struct States {
    /// Oldest set first.
    streams: Vec<SetStream>,
}

/// One path as it was.
pub(super) struct State {
    pub(super) path: EntryPath,
    pub(super) what: What,
}

pub(super) enum What {
    /// A directory, symlink, fifo or device.
    Object(Box<Attributes>),
    File(Box<FileState>),
    /// It existed, but cannot be brought back; says why.
    Lost(String),
}

/// A file's content: a base and deltas on it, not read yet.
pub(super) struct FileState {
    base: Source,
    deltas: Vec<Source>,
    /// An entry among these is lost. If it changed no content (a change of mode, say), the content is
    /// still right, and only the recorded hash of the newest state can tell.
    unproven: bool,
    /// Of the newest entry, where that is a lost one.
    newest: Option<Attributes>,
    /// Entries older than the base, for what only we record.
    extended: Option<Attributes>,
}

/// How a file's content failed to be what was saved.
pub(super) enum Failed {
    Lost(&'static str),
    Corrupt(&'static str),
}

/// What is known of a file's content beforehand.
#[derive(Clone, Copy)]
pub(super) struct Expected {
    recorded: Option<entry::Content>,
    /// Only the recorded hash can tell.
    unproven: bool,
    lost: bool,
}

impl Expected {
    /// Why this content cannot be believed, if so.
    pub(super) fn fault(&self, content: &entry::Content) -> Option<Failed> {
        if self.lost || (self.unproven && self.recorded != Some(*content)) {
            return Some(Failed::Lost(VOLUME));
        }
        let differs = self.recorded.is_some_and(|recorded| recorded != *content);
        differs.then_some(Failed::Corrupt("its content is not what was saved"))
    }
}

/// The sets that have anything to say of `path`, where the catalogue knows them all: the volumes of the others
/// are not fetched.
fn with_entries(repository: &Repository, sets: &[BackupSet], path: &EntryPath) -> Vec<BackupSet> {
    let dates = || {
        let catalog = repository.catalog_if_known(sets).filter(|_| !path.is_root())?;
        catalog.dates_of_entries(sets.first()?.id.at.0, path).ok().filter(|dates| !dates.is_empty())
    };
    let dates = dates();
    let has_entries = |set: &&BackupSet| dates.as_ref().is_none_or(|dates| dates.contains(&set.id.at.0));
    sets.iter().filter(has_entries).cloned().collect()
}

struct Source {
    stream: usize,
    head: Head,
}

impl States {
    /// `path`: nothing outside it is needed.
    pub(super) fn open(
        repository: &Arc<Repository>,
        sets: &[BackupSet],
        path: &EntryPath,
        ctx: &Context,
    ) -> Result<Self> {
        let sets = with_entries(repository, sets, path);
        let wanted = sets.into_iter().map(|set| (set, Wanted::Below(path.clone()))).collect();
        Self::of(repository, wanted, ctx)
    }

    /// Of each set, oldest first, what is wanted.
    pub(super) fn of(
        repository: &Arc<Repository>,
        wanted: Vec<(BackupSet, Wanted)>,
        ctx: &Context,
    ) -> Result<Self> {
        let (sets, wanted): (Vec<_>, Vec<_>) = wanted.into_iter().unzip();
        let volumes = volumes_of(repository, &sets, &wanted, ctx)?;
        let plan = ReadAhead::for_sets(&volumes.iter().map(VecDeque::len).collect::<Vec<_>>());
        let gate = Gate::default();
        let begin = |(((set, wanted), volumes), ahead)| {
            SetStream::begin(Arc::clone(repository), set, volumes, wanted, ahead, &gate, ctx)
        };
        let streams = sets.iter().zip(wanted).zip(volumes).zip(plan).map(begin).collect();
        Ok(Self { streams })
    }

    /// The next path that exists, or existed and is lost. A file's content must be read before the next call.
    pub(super) fn next(&mut self) -> Result<Option<State>> {
        loop {
            for stream in &mut self.streams {
                stream.advance()?;
            }
            let Some(path) = self.streams.iter().filter_map(SetStream::path).min().cloned() else {
                return Ok(None);
            };
            let mut sources = Vec::new();
            for (index, stream) in self.streams.iter_mut().enumerate() {
                if stream.path() == Some(&path)
                    && let Some(head) = stream.take()
                {
                    sources.push(Source { stream: index, head });
                }
            }
            if let Some(what) = resolve(sources) {
                return Ok(Some(State { path, what }));
            }
        }
    }

    fn chunk(&mut self, source: &mut Source) -> Result<Option<Vec<u8>>> {
        match self.streams.get_mut(source.stream) {
            Some(stream) => stream.chunk(&mut source.head),
            None => Ok(None),
        }
    }
}

/// The volumes that are read for what is wanted of each set.
pub(super) fn volumes_of(
    repository: &Repository,
    sets: &[BackupSet],
    wanted: &[Wanted],
    ctx: &Context,
) -> Result<Vec<VecDeque<VolumeRecord>>> {
    let mut volumes = Vec::with_capacity(sets.len());
    for ((set, wanted), manifest) in sets.iter().zip(wanted).zip(manifests(repository, sets)) {
        let manifest = manifest?;
        if manifest.version.is_some_and(|version| version > RECORDS_VERSION) {
            ctx.say(Level::Warning, "A newer version wrote these backups: something may be missing.");
        }
        volumes.push(wanted_volumes(set, &manifest, wanted));
    }
    Ok(volumes)
}

/// In the order of `sets`, read some at a time: each may have a key of its own to derive.
fn manifests(repository: &Repository, sets: &[BackupSet]) -> Vec<Result<Manifest>> {
    let threads = std::thread::available_parallelism().map_or(2, usize::from).max(2);
    let share = sets.len().div_ceil(threads).max(1);
    std::thread::scope(|scope| {
        let read = |share: &'_ [BackupSet]| share.iter().map(|set| repository.manifest(set)).collect();
        let shares = sets.chunks(share).map(|share| (share.len(), scope.spawn(move || read(share))));
        let shares: Vec<(usize, ScopedJoinHandle<'_, Vec<_>>)> = shares.collect();
        let panicked = || Err(Error::Internal("reading a manifest ended halfway".into()));
        let join = |(length, share): (usize, ScopedJoinHandle<'_, Vec<_>>)| {
            share.join().unwrap_or_else(|_| std::iter::repeat_with(panicked).take(length).collect())
        };
        shares.into_iter().flat_map(join).collect()
    })
}

/// `None`: the path does not exist at this date.
fn resolve(mut sources: Vec<Source>) -> Option<What> {
    let stands = |source: &Source| !matches!(source.head.content, Content::Diff | Content::Lost);
    let Some(base) = sources.iter().rposition(stands) else {
        let lost = sources.iter().any(|source| source.head.content == Content::Lost);
        return Some(What::Lost(if lost { VOLUME } else { NO_BASE }.into()));
    };
    let mut deltas = sources.split_off(base + 1);
    let base = sources.pop()?;
    let newest = deltas.last().filter(|last| last.head.content == Content::Lost);
    let newest = newest.map(|last| last.head.attributes.clone());
    let unproven = deltas.iter().any(|delta| delta.head.content == Content::Lost);
    deltas.retain(|delta| delta.head.content == Content::Diff);
    match base.head.content {
        Content::Snapshot if base.head.attributes.kind == Kind::File => {
            let extended = inherited(&sources);
            Some(What::File(Box::new(FileState { base, deltas, unproven, newest, extended })))
        }
        _ if unproven => Some(What::Lost(VOLUME.into())),
        Content::Deleted if deltas.is_empty() => None,
        Content::Snapshot if deltas.is_empty() => {
            let mut attributes = base.head.attributes;
            if !is_ours(&attributes)
                && let Some(older) = inherited(&sources)
                && older.kind == attributes.kind
            {
                attributes.extended = older.extended;
            }
            Some(What::Object(Box::new(attributes)))
        }
        _ => Some(What::Lost(NO_BASE.into())),
    }
}

const VOLUME: &str = "the volume that holds it is damaged or missing";
const NO_BASE: &str = "a change is stored, but not what it changes";

/// Stock drops xattrs and ACLs from what it writes again: the last entry that has them counts.
fn inherited(older: &[Source]) -> Option<Attributes> {
    older.iter().rev().map(|source| &source.head.attributes).find(|a| is_ours(a)).cloned()
}

/// Reads the body of one of a file's sources.
pub(super) struct BodyReader<'a> {
    states: &'a mut States,
    source: &'a mut Source,
    chunk: Vec<u8>,
    position: usize,
}

impl Read for BodyReader<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if self.position == self.chunk.len() {
            let next = self.states.chunk(self.source).map_err(io::Error::other)?;
            self.chunk = next.unwrap_or_default();
            self.position = 0;
        }
        let length = buffer.len().min(self.chunk.len() - self.position);
        buffer[..length].copy_from_slice(&self.chunk[self.position..self.position + length]);
        self.position += length;
        Ok(length)
    }
}

impl FileState {
    pub(super) fn has_deltas(&self) -> bool {
        !self.deltas.is_empty()
    }

    /// Best guess before the content was read.
    pub(super) fn is_sparse(&self) -> bool {
        self.newest().sparse
    }

    fn newest(&self) -> &Attributes {
        let own = self.deltas.last().map_or(&self.base.head, |delta| &delta.head);
        self.newest.as_ref().unwrap_or(&own.attributes)
    }

    pub(super) fn delta<'a>(&'a mut self, index: usize, states: &'a mut States) -> Option<BodyReader<'a>> {
        let source = self.deltas.get_mut(index)?;
        Some(BodyReader { states, source, chunk: Vec::new(), position: 0 })
    }

    pub(super) fn base<'a>(&'a mut self, states: &'a mut States) -> BodyReader<'a> {
        BodyReader { states, source: &mut self.base, chunk: Vec::new(), position: 0 }
    }

    /// Next bytes of the base; `None` at its end.
    pub(super) fn base_chunk(&mut self, states: &mut States) -> Result<Option<Vec<u8>>> {
        states.chunk(&mut self.base)
    }

    /// What the content must be to be believed. Call after reading.
    pub(super) fn expected(&self) -> Expected {
        let mut sources = std::iter::once(&self.base).chain(&self.deltas);
        let lost = sources.any(|source| source.head.content == Content::Lost);
        Expected { recorded: self.newest().content, unproven: self.unproven, lost }
    }

    /// Attributes of the newest entry, complete once all bodies were read.
    pub(super) fn attributes(&self) -> Attributes {
        let mut attributes = self.newest().clone();
        if !is_ours(&attributes) {
            let own = std::iter::once(&self.base).chain(&self.deltas).map(|source| &source.head.attributes);
            let older = own.rev().find(|a| is_ours(a)).or(self.extended.as_ref());
            attributes.extended = older.and_then(|older| older.extended.clone());
        }
        attributes
    }
}
