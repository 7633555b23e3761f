//! Verifying: everything is read and checked as a restore would; on demand also compared with local files.

use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom};
use std::iter::Peekable;
use std::sync::Arc;

use super::assemble::{Assembled, Failure, assemble};
use super::dates::{report_unusable, sets_at};
use super::states::{State, States, What};
use super::{VerifyJob, VerifyReport};
use crate::context::{Context, Phase, ProblemKind, Progress};
use crate::entry::{Attributes, EntryPath, Kind};
use crate::error::{Error, Result};
use crate::repository::asctime;
use crate::tree::owner::Owners;
use crate::tree::source::Source;
use crate::tree::walk::{Found, Walk};

pub(super) fn run(job: VerifyJob, ctx: &Context) -> Result<VerifyReport> {
    let place = job.place.clone();
    let repository = place.open()?;
    let repository = Arc::new(repository);
    let sets = sets_at(&repository, job.time, ctx)?;
    let time = sets.last().map_or(0, |set| set.id.at.0);
    let mut states = States::open(&repository, sets, &job.path, ctx)?;
    let local = if job.compare_data { Some(Local::open(&job, ctx)?) } else { None };
    let lost = report_unusable(&repository, sets, job.time, &job.local, ctx);
    let report = VerifyReport { time, lost, ..VerifyReport::default() };
    let mut verify = Verify { job: &job, ctx, local, report };
    let mut found = false;
    while let Some(State { path, what }) = states.next()? {
        ctx.check()?;
        let Some(path) = path.relative_to(&job.path) else { continue };
        found = true;
        verify.state(&path, what, &mut states)?;
    }
    if !found {
        return Err(Error::PathNotFound { path: job.path, date: asctime(time) });
    }
    verify.rest();
    Ok(verify.report)
}

/// The local files, walked beside the stored ones.
struct Local {
    walk: Peekable<Walk>,
    source: Source,
    owners: Owners,
}

impl Local {
    fn open(job: &VerifyJob, ctx: &Context) -> Result<Self> {
        let walk = Walk::new(job.local.clone(), Arc::clone(&job.selection), ctx)?.peekable();
        let source = Source::open(&job.local).map_err(Error::local(&job.local))?;
        let source = source.following_links(job.selection.follows_links());
        Ok(Self { walk, source, owners: Owners::default() })
    }
}

struct Verify<'a> {
    job: &'a VerifyJob,
    ctx: &'a Context,
    local: Option<Local>,
    report: VerifyReport,
}

impl Verify<'_> {
    fn differs(&mut self, path: &EntryPath, why: &str) {
        self.report.differences += 1;
        self.ctx.problem(ProblemKind::Differs, path.below(&self.job.local), why);
    }

    fn state(&mut self, path: &EntryPath, what: What, states: &mut States) -> Result<()> {
        self.report.compared += 1;
        let found = self.local_at(path);
        let scratch = tempfile::env::temp_dir();
        let (stored, whole) = match what {
            What::Object(attributes) => (*attributes, None),
            What::File(mut file) => {
                let mut make = tempfile::tempfile;
                match assemble(states, &mut file, &scratch, &mut make)? {
                    Ok(whole) => (file.attributes(), Some(whole)),
                    Err(Failure::Lost(why)) => {
                        self.lost(path, ProblemKind::Lost, &why);
                        return Ok(());
                    }
                    Err(Failure::Corrupt(why)) => {
                        self.lost(path, ProblemKind::Corrupt, &why);
                        return Ok(());
                    }
                    Err(Failure::Write(error)) => return Err(Error::Local { path: scratch, source: error }),
                }
            }
            What::Lost(why) => {
                self.lost(path, ProblemKind::Lost, &why);
                return Ok(());
            }
        };
        let files = self.report.compared;
        let bytes_done = whole.as_ref().map_or(0, |whole| whole.content.size);
        self.ctx.monitor.progress(Progress {
            phase: Phase::Verifying,
            bytes_done,
            files,
            current: Some(path.below(&self.job.local)),
            ..Progress::default()
        });
        if self.local.is_none() {
            return Ok(());
        }
        let Some(now) = found else {
            self.differs(path, "missing");
            return Ok(());
        };
        let difference = match self.attributes_differ(&now, &stored) {
            Some(why) => Some(why),
            None => whole.and_then(|whole| self.content_differs(path, whole.data)),
        };
        if let Some(why) = difference {
            self.differs(path, &why);
        }
        Ok(())
    }

    fn lost(&mut self, path: &EntryPath, kind: ProblemKind, why: &str) {
        self.report.lost += 1;
        self.ctx.problem(kind, path.below(&self.job.local), why);
    }

    /// The local object at `path`; what lies before it is not in the backup.
    fn local_at(&mut self, path: &EntryPath) -> Option<Attributes> {
        loop {
            let walk = &mut self.local.as_mut()?.walk;
            match walk.peek()? {
                Found::Entry(entry) if entry.path > *path => return None,
                Found::Unreadable { path: here, .. } if here > path => return None,
                _ => {}
            }
            match walk.next()? {
                Found::Entry(entry) if entry.path == *path => return Some(entry.attributes),
                Found::Entry(entry) => self.extra(&entry.path),
                Found::Unreadable { path, error, .. } => self.differs(&path, &error.to_string()),
            }
        }
    }

    fn extra(&mut self, path: &EntryPath) {
        self.report.compared += 1;
        self.differs(path, "not in the backup");
    }

    /// Local files after the last stored one.
    fn rest(&mut self) {
        while let Some(found) = self.local.as_mut().and_then(|local| local.walk.next()) {
            match found {
                Found::Entry(entry) => self.extra(&entry.path),
                Found::Unreadable { path, error, .. } => self.differs(&path, &error.to_string()),
            }
        }
    }

    /// What stock compares: type, permissions, owner, time in whole seconds, target, device numbers.
    fn attributes_differ(&self, now: &Attributes, stored: &Attributes) -> Option<String> {
        let owners = &self.local.as_ref()?.owners;
        if now.kind != stored.kind {
            return Some("it is of another kind".into());
        }
        if now.kind == Kind::Symlink {
            let differs = now.link_target != stored.link_target;
            return differs.then(|| "the link points elsewhere".into());
        }
        let uid = owners.uid(&stored.user).unwrap_or(stored.uid);
        let gid = owners.gid(&stored.group).unwrap_or(stored.gid);
        if now.mode != stored.mode {
            Some(format!("its permissions are {:o}, were {:o}", now.mode, stored.mode))
        } else if (now.uid, now.gid) != (uid, gid) {
            Some(format!("its owner is {}:{}, was {uid}:{gid}", now.uid, now.gid))
        } else if now.mtime.seconds.max(0) != stored.mtime.seconds.max(0) {
            Some("it was changed at another time".into())
        } else if now.device != stored.device {
            Some("it is another device".into())
        } else {
            None
        }
    }

    fn content_differs(&self, path: &EntryPath, stored: Assembled<File>) -> Option<String> {
        let source = &self.local.as_ref()?.source;
        let equal = || -> io::Result<bool> {
            let mut local = source.open_file(path)?;
            match stored {
                Assembled::Memory(data) => equal(&mut local, &mut &data[..]),
                Assembled::File(mut file) => {
                    file.seek(SeekFrom::Start(0))?;
                    equal(&mut local, &mut file)
                }
            }
        };
        match equal() {
            Ok(true) => None,
            Ok(false) => Some("its content differs".into()),
            Err(error) => Some(error.to_string()),
        }
    }
}

fn equal(a: &mut impl Read, b: &mut impl Read) -> io::Result<bool> {
    let mut buffers = (vec![0; 1 << 16], vec![0; 1 << 16]);
    loop {
        let (n, m) = (fill(a, &mut buffers.0)?, fill(b, &mut buffers.1)?);
        if buffers.0[..n] != buffers.1[..m] {
            return Ok(false);
        }
        if n == 0 {
            return Ok(true);
        }
    }
}

fn fill(from: &mut impl Read, buffer: &mut [u8]) -> io::Result<usize> {
    let mut filled = 0;
    while filled < buffer.len() {
        match from.read(&mut buffer[filled..]) {
            Ok(0) => break,
            Ok(n) => filled += n,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    Ok(filled)
}
