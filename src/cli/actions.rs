//! Runs a request: finds the passphrase, submits the job, shows its events, tells the outcome.

use std::io;
use std::path::Path;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, sync_channel};

use super::keys::KeyOptions;
use super::resolve::{Action, Request};
use super::signals::Forwarding;
use super::terminal::{self, Terminal};
use super::{Run, exit, passphrase, reports};
use crate::context::Clock;
use crate::engine::{
    BackupJob, Gnupg, GnupgSetup, Job, JobKind, Keys, ListJob, Place, RestoreJob, SearchJob, StatusJob,
    VerifyJob,
};
use crate::error::{Error, KeyError, WalkError};
use crate::secret::Passphrase;
use crate::worker::{Event, Interest, Outcome, Worker};

/// Events on their way to the terminal; a slow one slows the job down rather than filling memory.
const EVENTS: usize = 256;

/// The exit code.
pub(super) fn run(request: Request, run: &Run) -> u8 {
    let mut session = match Session::start(run) {
        Ok(session) => session,
        Err(error) => {
            terminal::err(format_args!("The work could not be started: {error}."));
            return 30;
        }
    };
    let cache = request.cache.clone();
    let outcome = session.perform(request);
    session.tell(&outcome, &cache, run)
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
pub(super) struct Session {
    worker: Worker,
    events: Receiver<Event>,
    terminal: Terminal,
    count_first: bool,
    notices: bool,
}

impl Session {
    pub(super) fn start(run: &Run) -> io::Result<Self> {
        let (sender, events) = sync_channel(EVENTS);
        let interest = Interest {
            changes: run.style.tells_changes(),
            clock: run.fixed_time.map_or(Clock::System, Clock::Fixed),
        };
        // Once nobody listens any more there is nobody to tell.
        let worker = Worker::start(interest, Arc::new(move |event| drop(sender.send(event))))?;
        Ok(Self {
            worker,
            events,
            terminal: Terminal::new(run.style),
            count_first: run.style.shows_progress(),
            notices: run.style.tells_notices(),
        })
    }

    fn perform(&mut self, request: Request) -> Outcome {
        let Request { action, place, address, cache, encrypt, keys } = request;
        if let Some(error) = missing_source(&action) {
            return Outcome::Failed(error);
        }
        let writes = matches!(action, Action::Backup { .. });
        let known = passphrase::from_environment();
        let by_passphrase = encrypt && keys.recipients.is_empty();
        let known = if writes && by_passphrase { self.to_write_with(known, &keys, &cache) } else { known };
        if writes && by_passphrase && keys.use_agent && keys.signer.is_none() && self.notices {
            terminal::err(
                "--use-agent is about keys. This backup is protected by a passphrase, not by a key.",
            );
        }
        let may_ask = known.is_none() && encrypt && !writes;
        let destination = Arc::from(place.connect());
        let mut place = Place { destination, passphrase: known, keys: engine_keys(&keys), cache, address };
        let outcome = self.submit(self.job(action.clone(), encrypt, place.clone()));
        if let Outcome::Failed(Error::Key(KeyError::Locked { name })) = &outcome
            && !keys.use_agent
            && let Some(asked) = passphrase::ask_for_key(name)
        {
            place.keys.gnupg = unlocked(&keys, asked);
            return self.submit(self.job(action, encrypt, place));
        }
        // Whether a password is needed only the backups tell.
        if may_ask
            && matches!(outcome, Outcome::Failed(Error::PassphraseNeeded))
            && let Some(asked) = passphrase::ask()
        {
            place.passphrase = Some(asked);
            return self.submit(self.job(action, encrypt, place));
        }
        outcome
    }

    /// One that is new here and weak is taken only from a script, or from who says so.
    fn to_write_with(
        &self,
        given: Option<Passphrase>,
        keys: &KeyOptions,
        cache: &Path,
    ) -> Option<Passphrase> {
        let is_fine = cache.exists() || keys.allow_weak || passphrase::weak_is_fine();
        if self.notices && !is_fine && given.as_ref().is_some_and(|given| given.strength().is_weak()) {
            terminal::err("PASSPHRASE is weak: whoever gets hold of the backups finds it by trying.");
        }
        given.or_else(|| passphrase::ask_twice(is_fine))
    }

    fn job(&self, action: Action, encrypt: bool, place: Place) -> Job {
        match action {
            Action::Backup { source, selection, mode, volume_size, allow_source_mismatch } => {
                let count_first = self.count_first;
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
                    skip_unchanged: false,
                    guard: Vec::new(),
                })
            }
            Action::Restore { target, path, time, force, ownership } => {
                Job::Restore(RestoreJob { place, target, path, time, force, ownership })
            }
            Action::Verify { local, path, time, selection, compare_data } => {
                Job::Verify(VerifyJob { place, local, path, time, selection, compare_data })
            }
            Action::List { time } => Job::List(ListJob { place, time, each: reports::listing() }),
            Action::Search { text } => Job::Search(SearchJob { place, text, each: reports::found() }),
            Action::Status => Job::Status(StatusJob { place }),
        }
    }

    /// Shows what happens until the end.
    pub(super) fn submit(&mut self, job: Job) -> Outcome {
        let announce = matches!(job.kind(), JobKind::Backup) && self.notices;
        let handle = self.worker.submit(job);
        let _signals = Forwarding::to(handle, announce);
        while let Ok(event) = self.events.recv() {
            if let Some(outcome) = self.terminal.event(event) {
                return outcome;
            }
        }
        Outcome::Failed(Error::Internal("the engine thread has ended".into()))
    }

    /// The exit code.
    pub(super) fn tell(&self, outcome: &Outcome, cache: &Path, run: &Run) -> u8 {
        match outcome {
            Outcome::Completed(report) => {
                reports::show(report, cache, run);
                exit::of_report(report)
            }
            Outcome::Cancelled(why) => self.terminal.failed(&Error::Cancelled(*why)),
            Outcome::Failed(error) => self.terminal.failed(error),
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
        | Action::Status => None,
    }
}
