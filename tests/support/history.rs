//! A place with many backups of many files, written as signature archives without a source, a walk or any content.

use std::collections::{BTreeMap, BTreeSet};
use std::fs::{self, File};
use std::io::{BufWriter, Write};
use std::path::Path;

use hindsight::deflate::GzipWriter;
use hindsight::duplicity::manifest::{Boundary, Manifest, VolumeRecord};
use hindsight::duplicity::name::{FileName, Part, Prefixes, Sealing, SetId};
use hindsight::duplicity::sigtar::SigtarWriter;
use hindsight::duplicity::time::SetTime;
use hindsight::entry::{Attributes, Content, EntryPath, Kind, Timestamp};

use super::bytes::next;

pub(crate) const PATHS: u64 = 200_000;
pub(crate) const BACKUPS: i64 = 1_000;
pub(crate) const CHANGES: usize = 100;
pub(crate) const FIRST: i64 = 1_700_000_000;
pub(crate) const DAY: i64 = 86_400;

/// Files of one folder; as many again are in folders of a hundred.
pub(crate) struct History {
    home: EntryPath,
    files: BTreeMap<EntryPath, Attributes>,
    /// To choose from: some may be gone.
    names: Vec<EntryPath>,
    state: u64,
    last: Option<SetTime>,
}

impl History {
    /// Some years of a large home in an empty folder: a backup every day, and a second chain of them at half time.
    pub(crate) fn of_years(place: &Path, home: &EntryPath) -> Self {
        let mut history = Self::new(PATHS, home);
        for backup in 0..BACKUPS {
            let at = FIRST + backup * DAY;
            match backup % (BACKUPS / 2) {
                0 => history.full(place, at),
                _ => history.increment(place, at, CHANGES),
            }
        }
        history
    }

    /// So many paths, half of them in `photos`, the others in `docs/NN/NN`.
    fn new(paths: u64, home: &EntryPath) -> Self {
        let home = home.clone();
        let mut history = Self { home, files: BTreeMap::new(), names: Vec::new(), state: 1, last: None };
        let mut above = Some(history.home.clone());
        while let Some(folder) = above {
            above = folder.parent();
            history.folder(folder);
        }
        history.folder(history.path("photos"));
        for number in 0..paths / 2 {
            history.file(history.path(&format!("photos/IMG_{number:06}.jpg")));
            let (top, below) = (number / 10_000, number / 100 % 100);
            if number.is_multiple_of(100) {
                for folder in ["docs".into(), format!("docs/{top:02}"), format!("docs/{top:02}/{below:02}")] {
                    history.folder(history.path(&folder));
                }
            }
            let kind = ["odt", "txt", "pdf", "rs"][(number % 4) as usize];
            history.file(history.path(&format!("docs/{top:02}/{below:02}/letter-{number}.{kind}")));
        }
        history
    }

    fn path(&self, text: &str) -> EntryPath {
        self.home.join(&EntryPath::parse(text.as_bytes()).unwrap())
    }

    fn folder(&mut self, path: EntryPath) {
        self.files.insert(path, Attributes { kind: Kind::Directory, mode: 0o755, ..Attributes::default() });
    }

    fn file(&mut self, path: EntryPath) {
        let size = next(&mut self.state) % 100_000;
        let mut sha256 = [0; 32];
        sha256[..8].copy_from_slice(&next(&mut self.state).to_le_bytes());
        let mtime = Timestamp::from_seconds(1_600_000_000 + size as i64);
        let content = Some(Content { size, sha256 });
        let attributes = Attributes { mode: 0o644, mtime, content, ..Attributes::default() };
        if self.files.insert(path.clone(), attributes).is_none() {
            self.names.push(path);
        }
    }

    /// All files, in a new chain.
    fn full(&mut self, place: &Path, at: i64) {
        let all: Vec<_> = self.files.keys().cloned().collect();
        self.write(place, SetId::full(SetTime(at)), all);
    }

    /// `docs/00/00/letter-0.odt` and so many more were changed, deleted or made.
    pub(crate) fn increment(&mut self, place: &Path, at: i64, changes: usize) {
        let always = self.path("docs/00/00/letter-0.odt");
        self.file(always.clone());
        let mut changed = BTreeSet::from([always]);
        while changed.len() < changes {
            let file = self.names[(next(&mut self.state) % self.names.len() as u64) as usize].clone();
            if !self.files.contains_key(&file) || changed.contains(&file) {
                continue;
            }
            changed.insert(file.clone());
            match next(&mut self.state) % 20 {
                0 => drop(self.files.remove(&file)),
                1 => {
                    let new = file.parent().unwrap().child(format!("new-{at}-{}", changed.len()).as_bytes());
                    self.file(new.clone());
                    changed.insert(new);
                }
                _ => self.file(file),
            }
        }
        let from = self.last.unwrap();
        self.write(place, SetId::incremental(from, SetTime(at)), changed.into_iter().collect());
    }

    fn write(&mut self, place: &Path, set: SetId, paths: Vec<EntryPath>) {
        let name = |part, sealing| {
            place.join(FileName { set, part, sealing, partial: false }.format(&Prefixes::default()))
        };
        let file = BufWriter::new(File::create(name(Part::Signatures, Sealing::Gzip)).unwrap());
        let mut tar = SigtarWriter::new(GzipWriter::new(file).unwrap());
        for path in &paths {
            match self.files.get(path) {
                Some(attributes) => tar.object(path, attributes).unwrap(),
                None => tar.deleted(path).unwrap(),
            }
        }
        tar.finish().unwrap().finish().unwrap().flush().unwrap();
        fs::write(name(Part::Volume(1), Sealing::Gzip), "no content").unwrap();
        let boundary = |path: &EntryPath| Boundary { path: path.clone(), block: None };
        let volume = VolumeRecord {
            number: 1,
            start: boundary(&paths[0]),
            end: boundary(&paths[paths.len() - 1]),
            sha1: Some([0; 20]),
            md5: None,
            sha256: None,
        };
        let manifest = Manifest { volumes: vec![volume], ..Manifest::default() };
        manifest.write(&mut File::create(name(Part::Manifest, Sealing::Plain)).unwrap()).unwrap();
        self.last = Some(set.at);
    }
}
