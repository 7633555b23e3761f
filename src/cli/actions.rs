//! Runs a request: finds the passphrase, submits the job, shows its events, tells the outcome.

use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::mpsc::{Receiver, sync_channel};

use super::keys::KeyOptions;
use super::log::{JobLog, Keyword};
use super::resolve::{Action, Elsewhere, Request};
use super::signals::Forwarding;
use super::terminal::{self, Terminal};
use super::{Run, collection, exit, passphrase, reports};
use crate::context::{CancelToken, Clock, Level};
use crate::destination::{Destination, HostKey, Login, Spec};
use crate::engine::{
    BackupJob, ChangesJob, CleanUpJob, CollectionStatus, Gnupg, GnupgSetup, Job, JobKind, Keys, ListJob,
    Place, RemoveJob, ReplicateJob, Report, RestoreJob, SearchJob, StatusJob, VerifyJob, VolumesJob,
};
use crate::error::{DestinationError, Error, ErrorKind, KeyError, WalkError};
use crate::secret::Passphrase;
use crate::worker::{Event, Manner, Outcome, Worker};

/// Events on their way to the terminal; a slow one slows the job down rather than filling memory.
const EVENTS: usize = 256;

/// The exit code.
pub(super) fn run(request: Request, run: &Run) -> u8 {
    let mut session = match Session::start(run) {
        Ok(session) => session,
        Err(error) => {
            let said = format!("The work could not be started: {error}.");
            terminal::err(&said);
            run.log.failed(30, &said);
            return 30;
        }
    };
    let cache = request.cache.clone();
    let outcome = session.perform(request);
    session.tell(&outcome, &cache)
}

fn engine_keys(typed: &KeyOptions) -> Keys {
    let (passphrase, signing_passphrase) = match typed.use_agent {
        true => (None, None),
        false => passphrase::of_secret_keys(typed.signer_is_recipient()),
    };
    let setup = GnupgSetup { passphrase, signing_passphrase, ..typed.setup.clone() };
    Keys {
        gnupg: Gnupg::new(setup),
        recipients: typed.recipients.clone(),
        passphrase_too: false,
        signer: typed.signer.clone(),
        older_passphrases: Vec::new(),
    }
}

/// With a passphrase for the keys that have none yet.
fn unlocked(typed: &KeyOptions, asked: Passphrase) -> Gnupg {
    let (passphrase, signing) = passphrase::of_secret_keys(typed.signer_is_recipient());
    let (passphrase, signing) = (passphrase.or(Some(asked.clone())), signing.or(Some(asked)));
    Gnupg::new(GnupgSetup { passphrase, signing_passphrase: signing, ..typed.setup.clone() })
}

/// The engine and who listens to it.
pub(super) struct Session<'a> {
    run: &'a Run,
    worker: Worker,
    events: Receiver<Event>,
    terminal: Terminal,
    doing: Option<JobKind>,
}

impl<'a> Session<'a> {
    pub(super) fn start(run: &'a Run) -> io::Result<Self> {
        let (sender, events) = sync_channel(EVENTS);
        let manner = Manner {
            changes: run.style.tells(Level::Info),
            yields: false,
            clock: run.fixed_time.map_or(Clock::System, Clock::Fixed),
        };
        // Once nobody listens any more there is nobody to tell.
        let worker = Worker::start(manner, Arc::new(move |event| drop(sender.send(event))))?;
        Ok(Self { run, worker, events, terminal: Terminal::new(run.style), doing: None })
    }

    fn perform(&mut self, request: Request) -> Outcome {
        let Request { action, place: spec, address, prefixes, cache, encrypt, keys, login } = request;
        if let Some(error) = missing_source(&action) {
            return Outcome::Failed(error);
        }
        let writes = matches!(action, Action::Backup { .. } | Action::Replicate { dry_run: false, .. });
        let weak_is_fine = cache.exists() || keys.allow_weak || self.run.is_duplicity();
        let passphrase = passphrase::from_environment();
        let mut reach = Reach { spec, login: Login { password: passphrase::of_place(), ..login } };
        let destination = reach.connect();
        let mut place = Place { destination, passphrase, keys: engine_keys(&keys), cache, address, prefixes };
        if !matches!(action, Action::Status) {
            self.announce(&place, &action);
        }
        if writes && encrypt && keys.recipients.is_empty() {
            place.passphrase = self.to_write_with(place.passphrase.take(), weak_is_fine);
            if keys.use_agent && keys.signer.is_none() {
                self.warn(
                    "--use-agent is about keys. This backup is protected by a passphrase, not by a key.",
                );
            }
        }
        let may_ask = place.passphrase.is_none() && encrypt && !writes;
        let outcome = self.submit_reaching(&action, encrypt, &mut place, &mut reach);
        if let Outcome::Failed(Error::Key(KeyError::Locked { name })) = &outcome
            && !keys.use_agent
            && let Some(asked) = passphrase::ask_for_key(name)
        {
            place.keys.gnupg = unlocked(&keys, asked);
            return self.submit_reaching(&action, encrypt, &mut place, &mut reach);
        }
        // Whether a password is needed only the backups tell.
        if may_ask
            && matches!(outcome, Outcome::Failed(Error::PassphraseNeeded))
            && let Some(asked) = passphrase::ask()
        {
            place.passphrase = Some(asked);
            return self.submit_reaching(&action, encrypt, &mut place, &mut reach);
        }
        outcome
    }

    /// Asks for what is missing to reach the place, as long as somebody answers.
    fn submit_reaching(
        &mut self,
        action: &Action,
        encrypt: bool,
        place: &mut Place,
        reach: &mut Reach,
    ) -> Outcome {
        loop {
            let outcome = self.submit(self.job(action.clone(), encrypt, place.clone(), &reach.login));
            match &outcome {
                Outcome::Failed(Error::Destination(error)) if reach.ask_about(error) => {
                    place.destination = reach.connect();
                }
                _ => return outcome,
            }
        }
    }

    /// Tells what backups there are, as duplicity does before anything else. Why that cannot be known the job itself
    /// will tell; a new backup may well find no place yet. The job lists the place once more: what it reads or removes
    /// must be of the moment at which it has the place to itself.
    fn announce(&mut self, place: &Place, action: &Action) {
        if !self.run.is_duplicity() && !self.run.log.is_open() {
            return;
        }
        let none = CollectionStatus { place: place.destination.describe(), ..CollectionStatus::default() };
        self.worker.submit(Job::Status(StatusJob { place: place.clone() }));
        let outcome = self.events.iter().find_map(|event| match event {
            Event::Finished { outcome, .. } => Some(outcome),
            _ => None,
        });
        match outcome {
            Some(Outcome::Completed(Report::Status(status))) => {
                collection::announce(&status, action, &place.cache, self.run);
            }
            _ if matches!(action, Action::Backup { .. }) => {
                collection::announce(&none, action, &place.cache, self.run);
            }
            _ => {}
        }
    }

    /// One that is new here and weak is taken only from a script, or from who says so.
    fn to_write_with(&self, given: Option<Passphrase>, weak_is_fine: bool) -> Option<Passphrase> {
        if !weak_is_fine && given.as_ref().is_some_and(|given| given.strength().is_weak()) {
            self.warn("PASSPHRASE is weak: whoever gets hold of the backups finds it by trying.");
        }
        given.or_else(|| passphrase::ask_twice(weak_is_fine))
    }

    fn warn(&self, text: &str) {
        if self.run.style.tells(Level::Notice) {
            terminal::err(text);
        }
        self.run.log.say(Keyword::Warning, text);
    }

    fn job(&self, action: Action, encrypt: bool, place: Place, login: &Login) -> Job {
        match action {
            Action::Backup {
                source,
                selection,
                mode,
                volume_size,
                allow_source_mismatch,
                renewal,
                skip_unchanged,
                dry_run,
                statistics,
            } => {
                let count_first = self.run.style.shows_progress();
                Job::Backup(BackupJob {
                    place,
                    place_id: None,
                    source,
                    selection,
                    mode,
                    encrypt,
                    volume_size,
                    allow_source_mismatch,
                    count_first,
                    skip_unchanged,
                    guard: Vec::new(),
                    renewal,
                    dry_run,
                    statistics,
                })
            }
            Action::Restore { target, path, selection, time, force, ownership, renames } => {
                let job = RestoreJob { place, target, path, selection, time, force, ownership, renames };
                Job::Restore(job)
            }
            Action::Verify { local, path, time, selection, compare_data } => {
                Job::Verify(VerifyJob { place, local, path, time, selection, compare_data })
            }
            Action::List { time } => {
                Job::List(ListJob { place, time, each: reports::listing(self.run.log.clone()) })
            }
            Action::Search { text } => Job::Search(SearchJob { place, text, each: reports::found() }),
            Action::Status => Job::Status(StatusJob { place }),
            Action::Changes(of) => Job::Changes(ChangesJob { place, of }),
            Action::Volumes { path, time } => Job::Volumes(VolumesJob { place, path, time }),
            Action::CleanUp { delete } => Job::CleanUp(CleanUpJob { place, delete }),
            Action::Remove { outdated, delete } => Job::Remove(RemoveJob { place, outdated, delete }),
            Action::Replicate { to, before, dry_run } => {
                let Elsewhere { place: to, address, cache } = *to;
                let destination = Arc::from(to.connect(login.clone()));
                let to = Place { destination, cache, address, ..place.clone() };
                Job::Replicate(ReplicateJob { from: place, to, before, encrypt, dry_run })
            }
        }
    }

    /// Shows what happens until the end.
    pub(super) fn submit(&mut self, job: Job) -> Outcome {
        self.submit_with(job, CancelToken::default())
    }

    /// `cancel`: may be set already.
    pub(super) fn submit_with(&mut self, job: Job, cancel: CancelToken) -> Outcome {
        let announce = matches!(job.kind(), JobKind::Backup) && self.run.style.tells(Level::Notice);
        let folder = match &job {
            Job::Backup(backup) => backup.source.clone(),
            Job::Restore(restore) => restore.target.clone(),
            Job::Verify(verify) => verify.local.clone(),
            _ => PathBuf::from("/"),
        };
        let mut log = JobLog::new(self.run.log.clone(), folder, self.run.progress);
        self.doing = Some(job.kind());
        let _signals = Forwarding::to(cancel.clone(), announce);
        self.worker.submit_with(job, cancel);
        while let Ok(event) = self.events.recv() {
            log.event(&event);
            if let Some(outcome) = self.terminal.event(event) {
                return outcome;
            }
        }
        Outcome::Failed(Error::Internal("the engine thread has ended".into()))
    }

    /// The exit code.
    pub(super) fn tell(&self, outcome: &Outcome, cache: &Path) -> u8 {
        match outcome {
            Outcome::Completed(report) => {
                reports::show(report, cache, self.run);
                exit::of_report(report)
            }
            Outcome::Cancelled(why) => self.failed(&Error::Cancelled(*why)),
            Outcome::Failed(error) => self.failed(error),
        }
    }

    fn failed(&self, error: &Error) -> u8 {
        let code = match self.run.is_duplicity() {
            true => exit::of_error_of_duplicity(error),
            false => exit::of_error(error),
        };
        let said = self.terminal.failed(error);
        self.run.log.error(code, error, self.doing, &said);
        code
    }
}

/// The place of a request, and what is known so far of how to reach it.
struct Reach {
    spec: Spec,
    login: Login,
}

impl Reach {
    fn connect(&self) -> Arc<dyn Destination> {
        Arc::from(self.spec.connect(self.login.clone()))
    }

    /// Whether somebody gave an answer that is worth another attempt.
    fn ask_about(&mut self, error: &DestinationError) -> bool {
        match error.kind {
            ErrorKind::PasswordNeeded if self.login.password.is_none() => {
                self.login.password = passphrase::ask_for_place(&error.path);
                self.login.password.is_some()
            }
            ErrorKind::HostKeyUnknown if self.login.accepted_host_key.is_none() => {
                let key = error.source.as_ref().and_then(|source| source.downcast_ref::<HostKey>());
                self.login.accepted_host_key = key
                    .filter(|key| passphrase::accepts(&error.path, key))
                    .map(|key| key.fingerprint.clone());
                self.login.accepted_host_key.is_some()
            }
            _ => false,
        }
    }
}

/// Said before anybody is asked for a passphrase.
fn missing_source(action: &Action) -> Option<Error> {
    match action {
        Action::Backup { source, .. } => {
            let missing = |error: io::Error| error.kind() == io::ErrorKind::NotFound;
            let missing = source.metadata().is_err_and(missing);
            missing.then(|| Error::Source(WalkError::Missing(source.clone())))
        }
        Action::Restore { .. }
        | Action::Verify { .. }
        | Action::List { .. }
        | Action::Search { .. }
        | Action::Status
        | Action::Changes(_)
        | Action::Volumes { .. }
        | Action::CleanUp { .. }
        | Action::Remove { .. }
        | Action::Replicate { .. } => None,
    }
}
