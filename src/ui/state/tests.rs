#![allow(clippy::unwrap_used, clippy::expect_used)] // a test that cannot go on fails

mod lanes;
mod restoring;

use std::path::Path;

use hindsight::context::{Problem, ProblemKind, Why};
use hindsight::engine::{
    BackupReport, Counts, EraseReport, Existing, Part, Report, RestoreReport, To, VerifyReport,
};
use hindsight::entry::EntryPath;
use hindsight::error::Error;
use hindsight::jobs::Answers;
use hindsight::ledger::{RunOutcome, RunRecord};
use hindsight::settings::{PlaceKind, PlanKey, PlanKeys, PlanPlace};
use hindsight::worker::Outcome;

use super::request::PROBLEMS_SHOWN;
use super::*;

const SECRET: &str = "correct horse";

fn plan() -> Plan {
    let kind = PlaceKind::Folder { path: "/x".into() };
    let place = PlanPlace { kind, label: "Red Disk".into(), marker: Some("id".into()) };
    Plan { id: "plan".into(), ..Plan::for_home("Red Disk", place, Path::new("/")).unwrap() }
}

fn with(plan: Plan) -> (AppState, Request) {
    let mut state = AppState::default();
    let request = Request::new(&plan.id, What::BackUp);
    assert_eq!(state.on(Message::Plans(vec![plan])), []);
    (state, request)
}

fn secret() -> Passphrase {
    Passphrase::new(SECRET)
}

fn only(passphrase: Passphrase) -> Passphrases {
    Passphrases { today: Some(passphrase), older: Vec::new() }
}

fn known() -> Passphrases {
    only(secret())
}

/// A state whose backup runs.
fn running() -> (AppState, Request) {
    let (mut state, request) = with(plan());
    state.on(Message::Wanted(request.clone()));
    state.on(backups(Step::PasswordsFound(known())));
    state.on(backups(Step::Running));
    (state, request)
}

fn backed_up() -> Outcome {
    Outcome::Completed(Report::Backup(BackupReport::default()))
}

fn failed(error: Error) -> Message {
    backups(Step::Finished(Outcome::Failed(error)))
}

fn backups(step: Step) -> Message {
    Message::In(Lane::Backups, step)
}

fn restores(step: Step) -> Message {
    Message::In(Lane::Restores, step)
}

fn asks(lane: Lane, question: Question) -> Effect {
    Effect::Ask { lane, question }
}

fn asks_password(request: &Request, wrong: bool) -> Effect {
    asks(Lane::of(&request.what), Question::Password { plan: request.plan.clone(), wrong })
}

fn asks_drive(lane: Lane) -> Effect {
    asks(lane, Question::Drive { label: "Red Disk".into() })
}

fn not_connected() -> Step {
    Step::NotReady(NotReady::NotConnected { label: "Red Disk".into() })
}

fn restored() -> Step {
    Step::Finished(restored_outcome())
}

fn restored_outcome() -> Outcome {
    Outcome::Completed(Report::Restore(RestoreReport::default()))
}

fn original() -> To {
    To::Original { root: "/".into(), instead: None }
}

fn wish(paths: &[&str], to: To) -> Restore {
    let paths = paths.iter().map(|path| EntryPath::parse(path.as_bytes()).unwrap()).collect();
    let part = Part { paths, date: 7, mark: "12 May 2026".into() };
    Restore { parts: vec![part], to, existing: Existing::OnlyMissing }
}

#[test]
fn a_backup_asks_the_keyring_first_and_somebody_then() {
    let (mut state, request) = with(plan());
    let effects = state.on(Message::Wanted(request.clone()));
    assert_eq!(effects, [Effect::FindPassword { lane: Lane::Backups, plan: request.plan.clone() }]);
    let effects = state.on(backups(Step::PasswordsFound(Passphrases::default())));
    assert_eq!(effects, [asks_password(&request, false)]);
    let effects = state.on(backups(Step::PasswordTyped { passphrase: secret(), remember: true }));
    let remember = Effect::Remember { plan: request.plan.clone(), passphrase: secret(), older: false };
    assert_eq!(effects, [remember, Effect::Prepare { request, passphrases: known() }]);
}

#[test]
fn without_encryption_nobody_is_asked() {
    let (mut state, request) = with(Plan { protection: Protection::None, ..plan() });
    let effects = state.on(Message::Wanted(request.clone()));
    assert_eq!(effects, [Effect::Prepare { request, passphrases: Passphrases::default() }]);
}

#[test]
fn a_password_once_known_is_not_asked_for_again() {
    let (mut state, request) = running();
    state.on(backups(Step::Finished(backed_up())));
    let effects = state.on(Message::Wanted(request.clone()));
    assert_eq!(effects, [Effect::Prepare { request, passphrases: known() }]);
}

#[test]
fn a_wrong_password_is_said_at_once_and_the_same_request_goes_on() {
    let (mut state, request) = running();
    let effects = state.on(failed(Error::PassphraseWrong));
    assert!(effects.contains(&asks_password(&request, true)));
    assert_eq!(state.password(&request.plan), None);
    let right = Passphrase::new("right");
    let effects = state.on(backups(Step::PasswordTyped { passphrase: right.clone(), remember: false }));
    assert_eq!(effects, [Effect::Prepare { request, passphrases: only(right) }]);
}

#[test]
fn a_password_that_was_set_aside_goes_with_the_one_from_the_keyring_and_not_with_a_typed_one() {
    let older = vec![Passphrase::new("old")];
    let plan = Plan { older_passwords: true, ..plan() };
    let (mut state, request) = with(plan.clone());
    state.on(Message::Wanted(request.clone()));
    let found = Passphrases { older: older.clone(), ..known() };
    let effects = state.on(backups(Step::PasswordsFound(found.clone())));
    assert_eq!(effects, [Effect::Prepare { request: request.clone(), passphrases: found }]);

    let (mut state, _) = with(plan);
    state.on(Message::Wanted(request.clone()));
    state.on(backups(Step::PasswordsFound(Passphrases { today: None, older: older.clone() })));
    let effects = state.on(backups(Step::PasswordTyped { passphrase: secret(), remember: false }));
    assert_eq!(effects, [Effect::Prepare { request: request.clone(), passphrases: known() }]);
    let restore = Request::new(&request.plan, What::Restore(wish(&["a"], original())));
    let effects = state.on(Message::Wanted(restore.clone()));
    let reading = Passphrases { older, ..known() };
    assert_eq!(effects, [Effect::Prepare { request: restore, passphrases: reading }]);
}

#[test]
fn what_is_typed_for_an_old_date_opens_it_beside_the_password_of_today() {
    let (mut state, request) = running();
    state.on(backups(Step::Finished(backed_up())));
    let restore = Request::new(&request.plan, What::Restore(wish(&["a"], original())));
    state.on(Message::Wanted(restore.clone()));
    state.on(restores(Step::Running));
    let effects = state.on(restores(Step::Finished(Outcome::Failed(Error::PassphraseWrong))));
    assert!(effects.contains(&asks_password(&restore, true)));
    let old = Passphrase::new("old");
    let effects = state.on(restores(Step::PasswordTyped { passphrase: old.clone(), remember: true }));
    let both = Passphrases { today: Some(old.clone()), older: vec![secret()] };
    let kept = Effect::Remember { plan: request.plan.clone(), passphrase: old.clone(), older: true };
    assert_eq!(effects, [kept, Effect::Prepare { request: restore, passphrases: both }]);
    state.on(restores(Step::Finished(restored_outcome())));
    let effects = state.on(Message::Wanted(request.clone()));
    let alone = only(old);
    assert_eq!(
        effects,
        [Effect::Prepare { request, passphrases: alone }],
        "it does not begin anew by mistake"
    );
}

#[test]
fn a_plan_for_keys_asks_nobody_for_a_password() {
    let key = PlanKey { fingerprint: "A".repeat(40), label: "Ada".into() };
    let protection = Protection::Keys(PlanKeys { recipients: vec![key], signer: None });
    let (mut state, request) = with(Plan { protection: protection.clone(), ..plan() });
    let effects = state.on(Message::Wanted(request.clone()));
    assert_eq!(effects, [Effect::Prepare { request, passphrases: Passphrases::default() }]);

    let (mut state, request) = with(Plan { protection, older_passwords: true, ..plan() });
    let effects = state.on(Message::Wanted(request.clone()));
    assert_eq!(effects, [Effect::FindPassword { lane: Lane::Backups, plan: request.plan.clone() }]);
    let passphrases = Passphrases { today: None, older: vec![secret()] };
    let effects = state.on(backups(Step::PasswordsFound(passphrases.clone())));
    assert_eq!(effects, [Effect::Prepare { request, passphrases }]);
}

#[test]
fn closing_the_password_dialog_ends_the_request() {
    let (mut state, request) = with(plan());
    state.on(Message::Wanted(request));
    state.on(backups(Step::PasswordsFound(Passphrases::default())));
    assert_eq!(state.on(backups(Step::Declined)), []);
    assert!(!state.is_busy());
}

#[test]
fn stop_is_passed_on_once_and_a_stopped_run_is_no_failure() {
    let (mut state, request) = running();
    assert_eq!(state.on(Message::StopWanted), [Effect::Cancel(Lane::Backups, Why::User)]);
    assert_eq!(state.on(Message::StopWanted), []);
    let effects = state.on(backups(Step::Finished(Outcome::Cancelled(Why::User))));
    assert_eq!(effects, [Effect::Record { plan: request.plan, outcome: RunOutcome::Stopped }]);
    assert!(!state.is_busy());
}

#[test]
fn what_is_stopped_while_it_is_prepared_stays_stopping() {
    let (mut state, request) = with(Plan { protection: Protection::None, ..plan() });
    state.on(Message::Wanted(request));
    state.on(Message::StopWanted);
    state.on(backups(Step::Running));
    assert_eq!(state.activity(Lane::Backups).unwrap().stage, Stage::Stopping);
}

#[test]
fn what_is_stopped_while_the_keyring_is_asked_asks_nobody() {
    let (mut state, request) = with(plan());
    state.on(Message::Wanted(request));
    state.on(Message::StopWanted);
    assert_eq!(state.on(backups(Step::PasswordsFound(Passphrases::default()))), []);
    assert!(!state.is_busy());
}

#[test]
fn pressing_twice_runs_once_and_other_wishes_wait() {
    let (mut state, request) = running();
    assert_eq!(state.on(Message::Wanted(request.clone())), []);
    let verify = Request::new(&request.plan, What::Verify { compare: false });
    assert_eq!(state.on(Message::Wanted(verify.clone())), []);
    let effects = state.on(backups(Step::Finished(backed_up())));
    assert!(effects.contains(&Effect::Prepare { request: verify, passphrases: known() }));
    let report = VerifyReport { compared: 3, ..VerifyReport::default() };
    state.on(backups(Step::Finished(Outcome::Completed(Report::Verify(report)))));
    assert!(!state.is_busy(), "the second press of the same button is forgotten");
}

#[test]
fn missing_files_stop_the_run_with_a_question_and_yes_goes_on() {
    let (mut state, request) = running();
    let shrunk = Error::SourceShrunk {
        folder: "/home/ada/Pictures".into(),
        before: 900,
        now: 0,
        reason: hindsight::error::Shrunk::Empty,
    };
    let effects = state.on(failed(shrunk));
    let [Effect::Record { .. }, Effect::Ask { question: Question::MissingFiles(_), .. }] = &effects[..]
    else {
        panic!("{effects:?}")
    };
    assert!(state.is_busy(), "it waits for the answer");
    let effects = state.confirm(Lane::Backups, |answers| answers.accept_missing = true);
    let answers = Answers { accept_missing: true, ..Answers::default() };
    let request = Request { answers, ..request };
    assert_eq!(effects, [Effect::Prepare { request, passphrases: known() }]);
}

#[test]
fn the_backups_of_another_computer_are_continued_only_when_somebody_says_so() {
    let (mut state, _) = running();
    let other = Error::HostChanged { now: "a".into(), before: "b".into() };
    let effects = state.on(failed(other));
    let [Effect::Record { .. }, Effect::Ask { question: Question::SourceMismatch(_), .. }] = &effects[..]
    else {
        panic!("{effects:?}")
    };
    assert_eq!(state.on(backups(Step::Declined)), []);
    assert!(!state.is_busy());
}

#[test]
fn other_failures_are_shown_with_a_way_to_try_again() {
    let (mut state, request) = running();
    let effects = state.on(failed(Error::Internal("odd".into())));
    assert!(matches!(&effects[0], Effect::Record { outcome: RunOutcome::Failed { .. }, .. }));
    let Effect::ShowError { retry, details, .. } = &effects[1] else { panic!("{effects:?}") };
    assert_eq!((retry.as_ref(), details.contains("odd")), (Some(&request), true));
    assert!(!state.is_busy());
}

#[test]
fn a_run_by_itself_asks_nobody_anything() {
    let (mut state, request) = with(plan());
    let request = Request { by_itself: true, ..request };
    state.on(Message::Wanted(request.clone()));
    assert_eq!(state.on(backups(Step::PasswordsFound(Passphrases::default()))), []);
    assert!(!state.is_busy());

    state.on(Message::Wanted(request.clone()));
    state.on(backups(Step::PasswordsFound(known())));
    assert_eq!(state.on(backups(not_connected())), []);

    state.on(Message::Wanted(request));
    state.on(backups(Step::Running));
    let effects = state.on(failed(Error::PassphraseWrong));
    assert!(matches!(effects.as_slice(), [Effect::Record { .. }]), "{effects:?}");
    assert!(!state.is_busy());
}

#[test]
fn problems_are_kept_up_to_a_limit_and_all_are_counted() {
    let (mut state, request) = running();
    for number in 0..PROBLEMS_SHOWN + 5 {
        let path = format!("/{number}").into();
        let detail = "Permission denied".into();
        state.on(backups(Step::Problem(Problem { kind: ProblemKind::Unreadable, path, detail })));
    }
    state.on(backups(Step::Finished(backed_up())));
    let problems = state.problems(&request.plan).unwrap();
    assert_eq!((problems.kept.len(), problems.total), (PROBLEMS_SHOWN, PROBLEMS_SHOWN as u64 + 5));
}

#[test]
fn a_missing_drive_is_waited_for() {
    let (mut state, request) = with(plan());
    state.on(Message::Wanted(request.clone()));
    state.on(backups(Step::PasswordsFound(known())));
    assert_eq!(state.on(backups(not_connected())), [asks_drive(Lane::Backups)]);
    assert!(state.is_busy());
    let effects = state.on(backups(Step::Connected));
    assert_eq!(effects, [Effect::Prepare { request, passphrases: known() }]);
    assert_eq!(state.on(backups(Step::Connected)), [], "it goes on once");
}

#[test]
fn the_plan_goes_when_its_backups_are_gone() {
    let (mut state, request) = with(Plan { protection: Protection::None, ..plan() });
    state.on(Message::Wanted(Request::new(&request.plan, What::Erase)));
    state.on(backups(Step::Running));
    let effects =
        state.on(backups(Step::Finished(Outcome::Completed(Report::Erase(EraseReport::default())))));
    assert_eq!(effects, [Effect::Forget { plan: request.plan }]);
}

#[test]
fn no_message_shows_a_password_in_a_log() {
    let messages =
        [Step::PasswordsFound(known()), Step::PasswordTyped { passphrase: secret(), remember: true }];
    assert!(!format!("{messages:?}").contains(SECRET));
    let (state, _) = running();
    assert!(!format!("{state:?}").contains(SECRET));
}

#[test]
fn a_crash_is_known_until_another_run_has_ended() {
    let (mut state, request) = with(plan());
    let ended = |began| RunRecord { began, ended: began + 1, outcome: RunOutcome::Stopped };
    let mut tell = |crashed, last: Option<i64>| {
        let facts = Facts { crashed, last: last.map(ended), ..Facts::default() };
        state.on(Message::Recorded { plan: request.plan.clone(), facts });
        state.facts(&request.plan).crashed
    };
    assert_eq!(tell(Some(20), Some(10)), Some(20));
    assert_eq!(tell(None, Some(10)), Some(20), "the ledger tells it once");
    assert_eq!(tell(None, Some(30)), None);
}
