//! Plans of the app on the command line: `plan list`, `plan show NAME`, `plan run NAME`.

use std::ffi::OsString;
use std::io;
use std::path::PathBuf;

use super::actions::Session;
use super::grammar::Called;
use super::options::Typed;
use super::signals::Forwarding;
use super::terminal::{self, err, out};
use super::usage::UsageError;
use super::{Run, exit, passphrase, plan_status, plan_texts};
use crate::context::{CancelToken, Cancelled, Context, Why};
use crate::destination::{Login, Spec, adopt_or_mark, is_url};
use crate::engine::{GnupgSetup, Job};
use crate::entry::Timestamp;
use crate::error::Error;
use crate::explain::{Explanation, explain_ledger};
use crate::hooks::{self, HookError};
use crate::jobs::{self, Access, Answers};
use crate::ledger::{self, Ledger, LedgerError, RunOutcome, RunRecord};
use crate::secret::Passphrases;
use crate::settings::{PlaceError, Plan, Protection, SettingsError, Store};
use crate::worker::Outcome;
use crate::{explain, folders};

#[derive(PartialEq, Eq, Debug)]
pub(super) enum PlanRequest {
    List,
    Show { name: String },
    Run { name: String, answers: Answers, allow_weak: bool },
    Status { json: bool },
}

impl PlanRequest {
    /// `None` when the words ask for something else; a source folder may be called `plan`, too.
    pub(super) fn new(typed: &Typed) -> Result<Option<Self>, UsageError> {
        if typed.called == Called::Duplicity {
            return Ok(None);
        }
        let is_place = |rest: &[OsString]| rest.first().is_some_and(|word| is_url(word));
        let rest = match typed.words.as_slice() {
            [first, rest @ ..] if first == "plan" && !is_place(rest) => rest,
            [first] if first == "status" && !typed.accept_missing => {
                return Ok(Some(Self::Status { json: typed.json }));
            }
            _ if typed.accept_missing => return Err(UsageError::OnlyWith("--accept-missing", "plan run")),
            _ if typed.json => return Err(UsageError::OnlyWith("--json", "status")),
            _ => return Ok(None),
        };
        if typed.json {
            return Err(UsageError::OnlyWith("--json", "status"));
        }
        if typed.says_what_a_plan_says() {
            return Err(UsageError::PlanSays);
        }
        let name = |name: &OsString| name.to_string_lossy().into_owned();
        match rest {
            [verb] if verb == "list" => Ok(Some(Self::List)),
            [verb, plan] if verb == "show" => Ok(Some(Self::Show { name: name(plan) })),
            [verb, plan] if verb == "run" => {
                let allow_source_mismatch = typed.allow_source_mismatch;
                let answers = Answers { allow_source_mismatch, accept_missing: typed.accept_missing };
                let allow_weak = typed.allow_weak_password;
                Ok(Some(Self::Run { name: name(plan), answers, allow_weak }))
            }
            _ => Err(UsageError::Words { action: "plan", expected: "list, show NAME or run NAME".into() }),
        }
    }
}

/// Why nothing came of it.
struct Failure {
    explanation: Explanation,
    code: u8,
}

impl Failure {
    fn new(title: &str, sentence: String, hint: &str, code: u8) -> Self {
        let explanation = Explanation { title: title.into(), sentence, hint: Some(hint.into()) };
        Self { explanation, code }
    }

    /// What the ledger keeps of it.
    fn outcome(&self) -> RunOutcome {
        let Explanation { title, sentence, .. } = self.explanation.clone();
        RunOutcome::Failed { title, sentence }
    }
}

impl From<SettingsError> for Failure {
    fn from(error: SettingsError) -> Self {
        Self { explanation: explain::explain_settings(&error), code: exit::of_settings(&error) }
    }
}

impl From<PlaceError> for Failure {
    fn from(error: PlaceError) -> Self {
        Self { explanation: explain::explain_plan_place(&error), code: exit::of_plan_place(&error) }
    }
}

impl From<Error> for Failure {
    fn from(error: Error) -> Self {
        Self { explanation: explain::explain(&error), code: exit::of_error(&error) }
    }
}

/// The exit code.
pub(super) fn run(request: &PlanRequest, run: &Run) -> u8 {
    let done = match request {
        PlanRequest::List => list(),
        PlanRequest::Show { name } => show(name),
        PlanRequest::Status { json } => status(*json),
        PlanRequest::Run { name, answers, allow_weak } => back_up(name, *answers, *allow_weak, run),
    };
    done.unwrap_or_else(|Failure { explanation, code }| {
        err(&explanation.sentence);
        explanation.hint.iter().for_each(err);
        run.log.failed(code, &explanation.sentence);
        code
    })
}

fn list() -> Result<u8, Failure> {
    let plans = Store::open_default()?.load()?.plans;
    let ledger = Ledger::open_default().ok();
    if plans.is_empty() {
        err("There are no plans yet.");
    }
    for plan in &plans {
        out(plan_texts::line(plan, ledger.as_ref()));
    }
    Ok(0)
}

fn show(name: &str) -> Result<u8, Failure> {
    let plan = find(Store::open_default()?.load()?.plans, name)?;
    out(plan_texts::all(&plan, Ledger::open_default().ok().as_ref()).trim_end());
    Ok(0)
}

fn status(json: bool) -> Result<u8, Failure> {
    let plans = Store::open_default()?.load()?.plans;
    let found = Ledger::open_default().and_then(|ledger| plan_status::Status::new(&plans, &ledger));
    let status = found.map_err(|error| Failure { explanation: explain_ledger(&error), code: 30 })?;
    out(if json { status.json() } else { status.text() }.trim_end());
    Ok(0)
}

/// By name or id.
fn find(plans: Vec<Plan>, name: &str) -> Result<Plan, Failure> {
    let mut found: Vec<_> = plans.into_iter().filter(|plan| plan.name == name || plan.id == name).collect();
    match (found.pop(), found.is_empty()) {
        (Some(plan), true) => Ok(plan),
        (Some(_), false) => Err(Failure::new(
            "Several plans",
            format!("There are several plans of the name {name:?}."),
            "Give the long number that plan list shows instead of the name.",
            23,
        )),
        (None, _) => {
            let sentence = format!("There is no plan of the name {name:?}.");
            Err(Failure::new("No such plan", sentence, "The action plan list shows all of them.", 23))
        }
    }
}

fn back_up(name: &str, answers: Answers, allow_weak: bool, run: &Run) -> Result<u8, Failure> {
    let store = Store::open_default()?;
    let plan = find(store.load()?.plans, name)?;
    let cancel = CancelToken::default();
    // From the first moment, but not where somebody may be asked for a password: there Ctrl-C ends the question.
    let _signals = terminal::name().is_none().then(|| Forwarding::to(cancel.clone(), false));
    let ledger = usable(Ledger::open_default())?;
    let now = || Timestamp::now().seconds;
    let began = now();
    let entry = match &ledger {
        Some(ledger) => usable(ledger.begin(&plan.id, began))?,
        None => None,
    };
    let known = ledger.is_some_and(|ledger| ledger.last_success(&plan.id).is_ok_and(|last| last.is_some()));
    let wish = Wish { answers, allow_weak, known, cancel };
    let done = perform(plan.clone(), &wish, &store, run);
    let outcome = match &done {
        Ok(Done { outcome, .. }) => jobs::run_outcome(outcome),
        Err(failure) => failure.outcome(),
    };
    let ended = RunRecord { began, ended: now(), outcome };
    // Held to the end: no other run begins while the command after this one is at work.
    if let Some(entry) = &entry {
        usable(entry.record(&ended.outcome, ended.ended))?;
    }
    let code = done.map(|Done { session, outcome, cache }| session.tell(&outcome, &cache));
    if let Err(error) = hooks::after(&plan, &ended, &CancelToken::default()) {
        run.warning(explain::explain_hook(&error, false).sentence);
    }
    code
}

struct Wish {
    answers: Answers,
    allow_weak: bool,
    /// The place has backups of this plan.
    known: bool,
    cancel: CancelToken,
}

struct Done<'a> {
    session: Session<'a>,
    outcome: Outcome,
    cache: PathBuf,
}

fn perform<'a>(plan: Plan, wish: &Wish, store: &Store, run: &'a Run) -> Result<Done<'a>, Failure> {
    let (Some(home), Some(caches)) = (folders::home(), folders::caches()) else {
        return Err(SettingsError::NoHome.into());
    };
    let mut session = Session::start(run).map_err(cannot_start)?;
    let cache = plan.cache(&caches);
    if let Some(why) = prepare(&plan, &wish.cancel)? {
        return Ok(Done { session, outcome: Outcome::Cancelled(why), cache });
    }
    let spec = plan.place.spec()?;
    let plan = with_marker(plan, &spec, store)?;
    let passphrases = passphrases(&plan, wish.known, wish.allow_weak);
    let access = Access { spec, login: login(), passphrases, gnupg: gnupg(&plan) };
    let job = jobs::backup(&plan, &access, &home, &caches, wish.answers)?;
    let job = crate::engine::BackupJob { count_first: run.style.shows_progress(), ..job };
    let outcome = session.submit_with(Job::Backup(job), wish.cancel.clone());
    Ok(Done { session, outcome, cache: plan.cache(&caches) })
}

/// The command before the run. `Some`: it was stopped.
fn prepare(plan: &Plan, cancel: &CancelToken) -> Result<Option<Why>, Failure> {
    let _signals = plan.hooks.before.as_ref().map(|_| Forwarding::to(cancel.clone(), false));
    match hooks::before(plan, cancel) {
        Ok(()) => Ok(None),
        Err(HookError::Cancelled(Cancelled(why))) => Ok(Some(why)),
        Err(error) => Err(Failure { explanation: explain::explain_hook(&error, true), code: 30 }),
    }
}

/// With the password that a variable has for the place.
fn login() -> Login {
    Login { password: passphrase::of_place(), ..Login::default() }
}

fn cannot_start(error: io::Error) -> Failure {
    Error::Internal(format!("the engine thread could not be started: {error}")).into()
}

/// A history that cannot be written is no reason to leave files unsaved; another run of the plan is.
fn usable<T>(result: ledger::Result<T>) -> Result<Option<T>, Failure> {
    match result {
        Ok(value) => Ok(Some(value)),
        Err(error @ LedgerError::AlreadyRunning) => {
            Err(Failure { explanation: explain_ledger(&error), code: 23 })
        }
        Err(error) => {
            err(format_args!("Warning: {}", explain_ledger(&error).sentence));
            Ok(None)
        }
    }
}

/// A plan that was not set up in the app learns now which place is its own.
fn with_marker(plan: Plan, spec: &Spec, store: &Store) -> Result<Plan, Failure> {
    if plan.place.marker.is_some() {
        return Ok(plan);
    }
    let marker = adopt_or_mark(&*spec.connect(login()), &Context::silent()).map_err(Error::Destination)?;
    let marked = |settings: &mut crate::settings::Settings| {
        let found = settings.plans.iter_mut().find(|other| other.id == plan.id && other.place == plan.place);
        found.map(|plan| {
            plan.place.marker = Some(marker.id);
            plan.clone()
        })
    };
    Ok(store.change(marked)?.unwrap_or(plan))
}

/// The variable first, then what is remembered, then somebody at the terminal; twice for the first backup. A password
/// that is given or typed must open the newest backup: those set aside go only with the one that took their place.
fn passphrases(plan: &Plan, known: bool, allow_weak: bool) -> Passphrases {
    if !plan.has_passwords() {
        return Passphrases::default();
    }
    let given = passphrase::from_environment();
    if plan.protection != Protection::Password {
        let older = remembered(plan).older.into_iter().chain(given).collect();
        return Passphrases { today: None, older };
    }
    let remembered = if given.is_none() { remembered(plan) } else { Passphrases::default() };
    if remembered.today.is_some() {
        return remembered;
    }
    let ask = || if known { passphrase::ask() } else { passphrase::ask_twice(allow_weak) };
    Passphrases { today: given.or_else(ask), older: Vec::new() }
}

/// With the passphrases that the variables have for the plan's keys; the agent asks only where somebody sits.
fn gnupg(plan: &Plan) -> GnupgSetup {
    let Protection::Keys(keys) = &plan.protection else { return GnupgSetup::default() };
    let same = keys.signer.as_ref().is_none_or(|signer| keys.recipients.contains(signer));
    let (passphrase, signing_passphrase) = passphrase::of_secret_keys(same);
    let terminal = terminal::name();
    let dialogue = terminal.and_then(|name| jobs::dialogue(&|name| std::env::var_os(name), Some(&name)));
    GnupgSetup { passphrase, signing_passphrase, dialogue, ..GnupgSetup::default() }
}

#[cfg(feature = "keyring")]
fn remembered(plan: &Plan) -> Passphrases {
    use crate::keyring::{self, KeyringError, SecretService};
    match keyring::all(&SecretService, &plan.id, plan.older_passwords) {
        Ok(found) => found,
        // Quite usual outside a desktop.
        Err(KeyringError::Unavailable(_)) => Passphrases::default(),
        Err(error) => {
            err(format_args!("Warning: {}", explain::explain_keyring(&error).sentence));
            Passphrases::default()
        }
    }
}

#[cfg(not(feature = "keyring"))]
fn remembered(_plan: &Plan) -> Passphrases {
    Passphrases::default()
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    fn request(line: &str) -> Result<Option<PlanRequest>, UsageError> {
        let words = std::iter::once("hindsight-cli").chain(line.split_whitespace()).map(OsString::from);
        PlanRequest::new(&Typed::parse(words).unwrap())
    }

    #[test]
    fn a_plan_is_asked_for_by_name_and_answers_are_options() {
        assert_eq!(request("plan list").unwrap(), Some(PlanRequest::List));
        assert_eq!(request("plan show Home").unwrap(), Some(PlanRequest::Show { name: "Home".into() }));
        let answers = Answers { allow_source_mismatch: false, accept_missing: true };
        let expected = PlanRequest::Run { name: "Home".into(), answers, allow_weak: false };
        assert_eq!(request("--accept-missing plan run Home -v5").unwrap(), Some(expected));
    }

    #[test]
    fn a_source_folder_may_be_called_plan() {
        assert_eq!(request("plan file:///place").unwrap(), None);
        assert_eq!(request("backup plan file:///place").unwrap(), None);
    }

    #[test]
    fn the_status_is_for_people_or_for_programs_and_a_folder_may_be_called_so() {
        assert_eq!(request("status").unwrap(), Some(PlanRequest::Status { json: false }));
        assert_eq!(request("--json status").unwrap(), Some(PlanRequest::Status { json: true }));
        assert_eq!(request("status file:///place").unwrap(), None);
        for line in ["plan list --json", "--json ls file:///place"] {
            assert!(matches!(request(line), Err(UsageError::OnlyWith("--json", "status"))), "{line}");
        }
    }

    #[test]
    fn what_the_plan_says_cannot_be_said_beside_it() {
        for line in ["plan run Home --exclude /x", "plan run Home --no-encryption", "plan list --volsize 5"] {
            assert!(matches!(request(line), Err(UsageError::PlanSays)), "{line}");
        }
        for line in ["plan", "plan run", "plan list all", "plan frobnicate x"] {
            assert!(matches!(request(line), Err(UsageError::Words { .. })), "{line}");
        }
        assert!(matches!(request("backup a file:///b --accept-missing"), Err(UsageError::OnlyWith(..))));
    }
}
