//! Everything that may wait for a disk, a lock or a keyring: called from commands, never from the main thread.

use std::path::{Path, PathBuf};

use hindsight::context::Context;
use hindsight::destination::{Login, trial};
use hindsight::engine::undo::{Undone, undo};
use hindsight::engine::{GnupgSetup, Job, Place, UsableKey};
use hindsight::error::Error;
use hindsight::explain::{
    Explanation, explain, explain_keyring, explain_ledger, explain_plan_place, explain_settings,
};
use hindsight::folders;
use hindsight::i18n::{gettext, gettext_f};
use hindsight::jobs::{self, Access, PastRestore};
use hindsight::keyring::{self, KeyringError, Memory, SecretService, SecretStore};
use hindsight::ledger::{Ledger, LedgerError, MomentState, Run, RunOutcome};
use hindsight::secret::{Passphrase, Passphrases};
use hindsight::settings::{PlaceError, Plan, PlanPlace, Protection, Store};

use super::change::PlanChange;
use super::state::{Facts, NotReady, Request, Space, What};
use super::texts;

pub struct Services {
    pub home: PathBuf,
    caches: PathBuf,
    store: Store,
    ledger: PathBuf,
    keyring: SecretService,
    /// Where there is no keyring.
    memory: Memory,
}

/// A place, of which logs see nothing.
pub struct OpenPlace(pub Place);

impl std::fmt::Debug for OpenPlace {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("OpenPlace")
    }
}

/// A job with what has to be held while it runs.
pub struct Prepared {
    pub job: Job,
    /// In the ledger: of backups and checks.
    pub run: Option<Run>,
}

/// How backups are to be protected from now on.
#[derive(Clone, Debug)]
pub struct NewProtection {
    pub protection: Protection,
    /// Where that is a password.
    pub passphrase: Option<Passphrase>,
    pub remember: bool,
}

/// What has become of it.
#[derive(Debug)]
pub struct Protected {
    pub plan: String,
    pub plans: Vec<Plan>,
    pub passphrases: Passphrases,
    /// What somebody should know.
    pub said: Option<String>,
}

impl Services {
    /// `None`: the home folder is not known.
    pub fn new() -> Option<Self> {
        Some(Self {
            home: folders::home()?,
            caches: folders::caches()?,
            store: Store::open_default().ok()?,
            ledger: folders::state()?.join("runs.sqlite"),
            keyring: SecretService,
            memory: Memory::default(),
        })
    }

    pub fn settings_file(&self) -> &Path {
        self.store.path()
    }

    pub fn plans(&self) -> Result<Vec<Plan>, Explanation> {
        self.store.load().map(|settings| settings.plans).map_err(|error| explain_settings(&error))
    }

    pub fn add_plan(&self, plan: Plan) -> Result<Vec<Plan>, Explanation> {
        self.change_plans(|plans| plans.push(plan))
    }

    pub fn change_plan(&self, id: &str, change: &PlanChange) -> Result<Vec<Plan>, Explanation> {
        self.change_plans(|plans| {
            if let Some(plan) = plans.iter_mut().find(|plan| plan.id == id) {
                change.apply(plan);
            }
        })
    }

    /// The plan, its history, its password, and what is kept here of its backups.
    pub fn delete_plan(&self, id: &str) -> Result<Vec<Plan>, Explanation> {
        let mut gone = None;
        let plans = self.change_plans(|plans| {
            gone = plans.iter().find(|plan| plan.id == id).cloned();
            plans.retain(|plan| plan.id != id);
        })?;
        // What is left behind of a plan that is gone harms nobody.
        if let Some(plan) = gone {
            let _ = std::fs::remove_dir_all(plan.cache(&self.caches));
        }
        for history in [id, &checks_of(id)] {
            let _ = Ledger::open(&self.ledger).and_then(|ledger| ledger.forget(history));
        }
        let _ = self.memory.forget_all(id);
        let _ = self.keyring.forget_all(id);
        Ok(plans)
    }

    fn change_plans(&self, change: impl FnOnce(&mut Vec<Plan>)) -> Result<Vec<Plan>, Explanation> {
        self.store
            .change(|settings| {
                change(&mut settings.plans);
                settings.plans.clone()
            })
            .map_err(|error| explain_settings(&error))
    }

    /// None too where no keyring can be asked: then somebody types it.
    pub fn passphrases(&self, plan: &Plan) -> Passphrases {
        let of = |store: &dyn SecretStore| keyring::all(store, &plan.id, plan.older_passwords);
        let kept = of(&self.keyring).unwrap_or_default();
        let until_end = of(&self.memory).unwrap_or_default();
        Passphrases {
            today: kept.today.or(until_end.today),
            older: kept.older.into_iter().chain(until_end.older).collect(),
        }
    }

    /// `Err` says, for people, that it is remembered only until the program ends.
    pub fn remember(&self, plan: &Plan, passphrase: &Passphrase) -> Result<(), String> {
        let label = gettext_f("Backups on {place}", &[("place", &plan.place.label)]);
        self.keyring.remember(&plan.id, &label, passphrase).map_err(|error| {
            let _ = self.memory.remember(&plan.id, &label, passphrase);
            match error {
                KeyringError::Unavailable(_) => {
                    gettext("No keyring is available: the password is remembered until you quit")
                }
                KeyringError::Dismissed => {
                    gettext("The keyring is locked: the password is remembered until you quit")
                }
                KeyringError::Other(_) => {
                    gettext("The keyring failed: the password is remembered until you quit")
                }
            }
        })
    }

    /// Beside that of today, for the backups that were made with it.
    pub fn remember_older(&self, plan: &Plan, passphrase: &Passphrase) -> Result<(), Explanation> {
        self.set_aside(plan, passphrase)?;
        self.change_plans(|plans| {
            plans.iter_mut().filter(|other| other.id == plan.id).for_each(|plan| plan.older_passwords = true);
        })?;
        Ok(())
    }

    fn set_aside(&self, plan: &Plan, passphrase: &Passphrase) -> Result<(), Explanation> {
        let place = plan.place.label.as_str();
        let label =
            gettext_f("Backups on {place} until {date}", &[("place", place), ("date", &texts::date(now()))]);
        match self.keyring.set_aside(&plan.id, &label, passphrase, now()) {
            Err(KeyringError::Unavailable(_)) => {
                let _ = self.memory.set_aside(&plan.id, &label, passphrase, now());
                Ok(())
            }
            done => done.map_err(|error| explain_keyring(&error)),
        }
    }

    pub fn forget(&self, plan: &str) -> Result<(), KeyringError> {
        let _ = self.memory.forget(plan);
        self.keyring.forget(plan)
    }

    /// Protects what will be backed up in another way. What opens earlier backups is set aside before anything else.
    ///
    /// `known`: the password of today, if somebody has typed it.
    pub fn protect(
        &self,
        plan: &Plan,
        new: &NewProtection,
        known: Option<Passphrase>,
    ) -> Result<Protected, Explanation> {
        let known = known.filter(|_| plan.protection == Protection::Password);
        let kept = if plan.has_passwords() { self.passphrases(plan).today } else { None };
        if let Some(old) = kept.or_else(|| known.clone().filter(|_| new.remember)) {
            self.set_aside(plan, &old)?;
        }
        let plans = self.change_plan(&plan.id, &PlanChange::Protection(new.protection.clone()))?;
        let said = match new.passphrase.as_ref().filter(|_| new.remember) {
            Some(passphrase) => self.remember(plan, passphrase).err(),
            None => {
                let _ = self.forget(&plan.id);
                None
            }
        };
        let older = self.passphrases(&Plan { older_passwords: true, ..plan.clone() }).older;
        let unkept = known.filter(|known| !older.contains(known));
        let older = older.into_iter().chain(unkept).collect();
        let passphrases = Passphrases { today: new.passphrase.clone(), older };
        Ok(Protected { plan: plan.id.clone(), plans, passphrases, said })
    }

    /// That can be chosen for a plan.
    pub fn keys() -> Result<Vec<UsableKey>, Explanation> {
        jobs::usable_keys().map_err(|error| explain(&error))
    }

    pub fn prepare(
        &self,
        plan: &Plan,
        request: &Request,
        passphrases: Passphrases,
    ) -> Result<Prepared, NotReady> {
        let access = access(plan, passphrases, request.by_itself)?;
        let job = match &request.what {
            What::BackUp => {
                jobs::backup(plan, &access, &self.home, &self.caches, request.answers).map(Job::Backup)
            }
            What::Verify { compare } => {
                jobs::verify(plan, &access, &self.home, &self.caches, *compare).map(Job::Verify)
            }
            What::Restore(restore) => {
                let undo = jobs::undo_record(&self.restores(), now());
                jobs::restore(plan, &access, &self.caches, restore.clone(), undo).map(Job::BringBack)
            }
            What::Erase => jobs::erase(plan, &access, &self.caches).map(Job::Erase),
        };
        let job = job.map_err(|error| NotReady::Failed(explain(&error)))?;
        let run = match request.what {
            What::BackUp => Some(self.begin(&plan.id)?),
            What::Verify { .. } => Some(self.begin(&checks_of(&plan.id))?),
            What::Restore(_) | What::Erase => None,
        };
        Ok(Prepared { job, run })
    }

    fn begin(&self, plan: &str) -> Result<Run, NotReady> {
        let run = Ledger::open(&self.ledger).and_then(|ledger| ledger.begin(plan, now()));
        run.map_err(|error| match error {
            LedgerError::AlreadyRunning => NotReady::AlreadyRunning,
            other => NotReady::Failed(explain_ledger(&other)),
        })
    }

    /// Where restores write down what they do.
    fn restores(&self) -> PathBuf {
        self.ledger.with_file_name("restores")
    }

    /// That could be undone now.
    pub fn last_restore(&self) -> Option<PastRestore> {
        jobs::last_restore(&self.restores(), now())
    }

    /// Takes a restore back. `record`: what the restore wrote down.
    pub fn undo(&self, record: &Path) -> Result<Undone, Explanation> {
        undo(record, &Context::silent()).map_err(|error| explain(&error))
    }

    /// For reading what is there.
    pub fn place(&self, plan: &Plan, passphrases: Passphrases) -> Result<Place, NotReady> {
        let access = access(plan, passphrases, false)?;
        jobs::engine_place(plan, &access, &self.caches).map_err(|error| NotReady::Failed(explain(&error)))
    }

    /// A history that cannot be read is shown as none: it holds nothing that a backup needs.
    pub fn facts(&self, plan: &Plan) -> Facts {
        let mut facts = Facts { space: space(&plan.place), ..Facts::default() };
        if let Ok(ledger) = Ledger::open(&self.ledger) {
            facts.last = ledger.last(&plan.id).ok().flatten();
            facts.last_success = ledger.last_success(&plan.id).ok().flatten();
            facts.history = ledger.history(&plan.id).unwrap_or_default();
            facts.checked = ledger.last(&checks_of(&plan.id)).ok().flatten();
            facts.crashed = ledger.take_crash(&plan.id).ok().flatten();
            facts.background = ledger.has_background().unwrap_or(false);
            facts.waits = waits(&ledger, &plan.id);
        }
        facts
    }
}

/// As the background has noted it.
fn waits(ledger: &Ledger, plan: &str) -> Vec<String> {
    let newest = ledger.moments(plan, 1).unwrap_or_default().pop();
    match newest.map(|moment| moment.state) {
        Some(MomentState::Waiting { waits }) => waits.into_iter().map(|wait| wait.sentence).collect(),
        _ => Vec::new(),
    }
}

/// Tries a place out and gives it its identity, or reads the one it has.
pub fn try_out(place: PlanPlace) -> Result<PlanPlace, Explanation> {
    let spec = place.spec().map_err(|error| explain_plan_place(&error))?;
    let destination = spec.connect(Login::default());
    let failed = |error| explain(&Error::Destination(error));
    let ctx = Context::silent();
    let marker = trial::adopt_or_mark(&*destination, &ctx).map_err(failed)?;
    for check in trial::try_place(&*destination, &ctx) {
        check.result.map_err(failed)?;
    }
    Ok(PlanPlace { marker: Some(marker.id), ..place })
}

pub fn record(run: Run, outcome: &RunOutcome) {
    // The run counts as killed if its end cannot be written down: nothing worse.
    let _ = run.finish(outcome, now());
}

/// `by_itself`: nobody is asked for the passphrase of a key.
fn access(plan: &Plan, passphrases: Passphrases, by_itself: bool) -> Result<Access, NotReady> {
    let ask = || jobs::dialogue(&|name| std::env::var_os(name), None);
    let dialogue = if by_itself { None } else { ask() };
    match plan.place.spec() {
        Ok(spec) => {
            let gnupg = GnupgSetup { dialogue, ..GnupgSetup::default() };
            Ok(Access { spec, login: Login::default(), passphrases, gnupg })
        }
        Err(PlaceError::NotConnected { label }) => Err(NotReady::NotConnected { label }),
        Err(other) => Err(NotReady::Failed(explain_plan_place(&other))),
    }
}

/// Under this name the ledger has the checks of a plan's backups.
fn checks_of(plan: &str) -> String {
    format!("{plan}-checks")
}

/// Of the disk that the place is on, where it is there and tells.
fn space(place: &PlanPlace) -> Option<Space> {
    let spec = place.spec().ok()?;
    let folder = spec.folder()?;
    let existing = folder.ancestors().find(|path| path.is_dir())?;
    let stat = rustix::fs::statvfs(existing).ok()?;
    let total = stat.f_blocks * stat.f_frsize;
    (total > 0).then_some(Space { free: stat.f_bavail * stat.f_frsize, total })
}

/// Seconds since 1970.
pub fn now() -> i64 {
    hindsight::entry::Timestamp::now().seconds
}
