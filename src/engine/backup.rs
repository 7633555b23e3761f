//! A backup from beginning to end: lock, complete what a dead run left, decide, compare, store, commit.
//!
//! A run that is stopped closes its set: what was stored so far becomes a valid smaller set, and the
//! next run adds the rest.

use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use super::access::{Local, check_place, lease_error, newer};
use super::guard;
use super::pipeline::{self, Settled, Stored};
use super::plan::{self, Decision};
use super::rehearsal;
use super::statistics::Meta;
use super::{BackupJob, BackupReport, Mode, Place};
use crate::context::{Clock, Context, Level};
use crate::destination::{self, ErrorKind, Lease, LeaseError, MARKER_NAME, Marker};
use crate::entry::Timestamp;
use crate::error::{Error, Result};
use crate::repository::basis::SignatureStore;
use crate::repository::journal::Header;
use crate::repository::{
    BackupSet, Chain, Manifest, RECORDS_VERSION, Recovered, Repository, SetTime, recover,
};
use crate::tree::walk::Walk;

pub(super) fn run(job: BackupJob, ctx: &Context) -> Result<BackupReport> {
    if job.dry_run {
        return rehearsal::run(&job, ctx);
    }
    let started = seconds_now();
    // The walk looks at the source first: nothing is touched for a source that is not there.
    let scanned = Timestamp::now();
    let walk = Walk::new(job.source.clone(), Arc::clone(&job.selection), ctx)?;
    if job.encrypt && job.place.needs_passphrase() && job.place.passphrase.is_none() {
        return Err(Error::PassphraseNeeded);
    }
    let mut local = Local::acquire(&job.place)?;
    let done = back_up(&job, &local, walk, started, scanned, ctx);
    local.note(&done);
    done
}

fn back_up(
    job: &BackupJob,
    local: &Local,
    walk: Walk,
    started: f64,
    scanned: Timestamp,
    ctx: &Context,
) -> Result<BackupReport> {
    let place = &job.place;
    check_place(place, job.place_id.as_deref())?;
    // Listed only while the place is ours: what another run adds after a listing would be built on twice.
    let mut lease = lease(local, place, ctx)?;
    let mut repository = place.open_to_continue()?;
    prove(job, &repository)?;
    local.sweep(place, repository.listed())?;
    let recovered = recover(&mut repository, ctx)?;
    let repository = Arc::new(repository);

    let chain = repository.newest_chain();
    let hostname = hostname();
    let (manifests, decision) = settle(job, &repository, &hostname, ctx)?;
    let newest = repository.newest_time();
    let now = next_second(newest, ctx)?;
    let set = plan::identify(&decision, chain, newest, now);
    if set.at.0 != now {
        ctx.say(
            Level::Warning,
            "The clock of this computer is behind the last backup. The new backup is dated just after it.",
        );
    }
    let continued = continued(&decision, chain);
    let sealing = repository.sealing(job.encrypt, continued)?;
    let header = Header {
        from: set.from.map(|from| from.0),
        at: set.at.0,
        encrypted: job.encrypt,
        hostname,
        localdir: localdir(&job.source),
        source_id: source_id(&manifests)?,
        lease: Some(lease.id().to_string()),
    };
    let catalog = repository.catalog(continued)?;
    let signatures = SignatureStore::new(&repository, &catalog, continued);
    guard::check(job, &repository, &catalog, ctx)?;
    let prior = catalog.states(&repository, continued);
    if job.place_id.is_none() {
        mark_place(place, &repository, ctx)?;
    }
    let statistics = job.statistics.then(|| Meta::new(job, continued, set, started));
    let settled = Settled {
        job,
        repository: &repository,
        signatures: &signatures,
        header,
        sealing,
        scanned,
        statistics: statistics.as_ref(),
    };
    let stored = pipeline::store(settled, walk, prior, ctx, || {
        lease.renew(Timestamp::now().seconds, ctx).map_err(lease_error)
    })?;
    if !stored.unchanged
        && let Err(error) = repository.forget_partial()
    {
        ctx.say(
            Level::Warning,
            format_args!("Duplicity may resume an earlier backup that it did not complete ({error})."),
        );
    }
    drop(lease);
    Ok(report(stored, set.at.0, set.is_full(), started, recovered))
}

/// What the new set is built on, and the manifests of the newest chain.
pub(super) fn settle(
    job: &BackupJob,
    repository: &Repository,
    hostname: &str,
    ctx: &Context,
) -> Result<(Vec<Manifest>, Decision)> {
    let chain = repository.newest_chain();
    let manifests = manifests(job, repository, chain)?;
    check_source(job, &manifests, hostname)?;
    let alike = chain.map_or(Ok(true), |chain| repository.is_sealed_alike(chain, job.encrypt))?;
    let (mode, why) = plan::renewed(job.mode, job.renewal, &repository.collection.chains);
    why.into_iter().for_each(|why| ctx.say(Level::Notice, why));
    let decision = plan::decide(mode, chain, &manifests, alike)?;
    announce(&decision, ctx);
    Ok((manifests, decision))
}

pub(super) fn continued<'r>(decision: &Decision, chain: Option<&'r Chain>) -> &'r [BackupSet] {
    match (decision, chain) {
        (Decision::Continue, Some(chain)) => &chain.sets,
        _ => &[],
    }
}

/// Proves that the passphrase is the one of the newest backup, or that what is known of that suffices.
pub(super) fn prove(job: &BackupJob, repository: &Repository) -> Result<()> {
    match repository.prove_passphrase() {
        // What is not encrypted any more needs no secret of what was.
        Err(Error::PassphraseNeeded) if !job.encrypt => Ok(()),
        Err(Error::Key(_)) if begins_anew(job) => Ok(()),
        proved => proved,
    }
}

/// A full backup for keys alone does without the secret keys of earlier ones.
fn begins_anew(job: &BackupJob) -> bool {
    job.mode == Mode::Full && !job.place.needs_passphrase()
}

/// Of the newest chain's sets; of none that no key opens any more, where that does not matter.
fn manifests(job: &BackupJob, repository: &Repository, chain: Option<&Chain>) -> Result<Vec<Manifest>> {
    let sets = chain.map(|chain| chain.sets.as_slice()).unwrap_or_default();
    match sets.iter().map(|set| repository.manifest(set)).collect() {
        Err(Error::Key(_)) if begins_anew(job) => Ok(Vec::new()),
        manifests => manifests,
    }
}

/// Takes the place for this run; makes the folder of a first backup. A place that was there before and is gone
/// now is an unplugged drive.
pub(super) fn lease(local: &Local, place: &Place, ctx: &Context) -> Result<Lease> {
    let destination = &place.destination;
    match local.lease(place, ctx) {
        Err(LeaseError::Destination(error))
            if error.kind == ErrorKind::NotFound && !knows_backups(&place.cache) =>
        {
            ctx.say(Level::Info, format_args!("Creating {}", destination.describe()));
            destination.create()?;
            local.lease(place, ctx).map_err(lease_error)
        }
        leased => leased.map_err(lease_error),
    }
}

/// Whether backups to this place were made or read before.
pub(super) fn knows_backups(cache: &Path) -> bool {
    let Ok(entries) = std::fs::read_dir(cache) else { return false };
    entries.flatten().any(|entry| entry.file_name().to_string_lossy().ends_with(".manifest"))
}

pub(super) fn mark_place(place: &Place, repository: &Repository, ctx: &Context) -> Result<()> {
    let destination = &*place.destination;
    if repository.size_of(MARKER_NAME).is_none() {
        let marker = Marker::new(Timestamp::now())?;
        return Ok(destination::write_marker(destination, &marker, ctx)?);
    }
    match destination::read_marker(destination)? {
        Some(marker) if marker.is_newer() => Err(newer(place)),
        _ => Ok(()),
    }
}

/// Backups of another computer or folder must not be mixed in by accident.
fn check_source(job: &BackupJob, manifests: &[Manifest], hostname: &str) -> Result<()> {
    if let Some(version) = manifests.iter().filter_map(|m| m.version).find(|v| *v > RECORDS_VERSION) {
        return Err(Error::TooNew {
            what: format!("a newer version wrote here (records of version {version})"),
        });
    }
    let Some(last) = manifests.last().filter(|_| !job.allow_source_mismatch) else { return Ok(()) };
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    let full_name = |before: &[u8]| before.starts_with(format!("{hostname}.").as_bytes());
    if let Some(before) = &last.hostname
        && before != hostname.as_bytes()
        && !full_name(before)
    {
        return Err(Error::HostChanged { now: hostname.to_string(), before: text(before) });
    }
    let now = localdir(&job.source);
    match &last.localdir {
        Some(before) if *before != now => Err(Error::SourceChanged { now: text(&now), before: text(before) }),
        _ => Ok(()),
    }
}

fn announce(decision: &Decision, ctx: &Context) {
    if let Decision::Begin { why: Some(why) } = decision {
        ctx.say(Level::Warning, format_args!("Beginning with a full backup: {why}."));
    }
}

/// Now. Names have whole seconds: two runs in one second cannot both be named truthfully, so the later waits.
fn next_second(newest: Option<SetTime>, ctx: &Context) -> Result<i64> {
    loop {
        ctx.check()?;
        let now = ctx.clock.now();
        let is_taken = newest.is_some_and(|newest| newest.0 == now.seconds);
        if !is_taken || matches!(ctx.clock, Clock::Fixed(_)) {
            return Ok(now.seconds);
        }
        std::thread::sleep(Duration::from_nanos(1_000_000_000 - u64::from(now.nanos)));
    }
}

/// Short host name, as stock records it.
pub(super) fn hostname() -> String {
    let name = rustix::system::uname();
    let full = name.nodename().to_string_lossy();
    full.split('.').next().unwrap_or_default().to_string()
}

/// The source as typed, without empty and `.` components.
fn localdir(source: &Path) -> Vec<u8> {
    use std::os::unix::ffi::OsStrExt;
    let typed = source.as_os_str().as_bytes();
    let components: Vec<_> = typed.split(|b| *b == b'/').filter(|c| !c.is_empty() && *c != b".").collect();
    let joined = components.join(&b'/');
    match (typed.first(), joined.is_empty()) {
        (Some(b'/'), _) => [b"/".as_slice(), &joined].concat(),
        (_, true) => b".".to_vec(),
        _ => joined,
    }
}

/// Random id of what is being saved here: kept along the chain.
fn source_id(manifests: &[Manifest]) -> Result<String> {
    if let Some(id) = manifests.iter().rev().find_map(|manifest| manifest.source_id.clone()) {
        return Ok(id);
    }
    let mut random = [0; 16];
    getrandom::fill(&mut random).map_err(|e| Error::Internal(e.to_string()))?;
    Ok(random.iter().map(|b| format!("{b:02x}")).collect())
}

pub(super) fn seconds_now() -> f64 {
    SystemTime::now().duration_since(UNIX_EPOCH).map_or(0.0, |since| since.as_secs_f64())
}

pub(super) fn report(
    stored: Stored,
    time: i64,
    full: bool,
    started: f64,
    recovered: Recovered,
) -> BackupReport {
    let counts = &stored.counts;
    BackupReport {
        time,
        full,
        started,
        ended: seconds_now(),
        source_files: stored.seen.entries,
        source_bytes: stored.seen.bytes,
        new_files: counts.new_files,
        new_bytes: counts.new_bytes,
        deleted_files: counts.deleted_files,
        changed_files: counts.changed_files,
        changed_bytes: counts.changed_bytes,
        delta_entries: counts.delta_entries,
        delta_bytes: counts.delta_bytes,
        stored_bytes: stored.stored_bytes,
        problems: counts.problems + stored.seen.unreadable,
        recovered: match recovered {
            Recovered::Closed(at) => Some(at),
            _ => None,
        },
        unchanged: stored.unchanged,
        json: stored.json,
    }
}
