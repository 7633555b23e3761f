//! Restores beside backups: who waits for whom, who is asked what, and what is stopped.

use super::*;

fn restore_of(path: &str) -> Request {
    Request::new(plan().id, What::Restore(wish(&[path], original())))
}

fn erase() -> Request {
    Request::new(plan().id, What::Erase)
}

fn prepares(request: &Request) -> Effect {
    Effect::Prepare { request: request.clone(), passphrases: known() }
}

/// What a restore had done that was stopped is looked at, and nothing else begins.
fn cut_off() -> Effect {
    Effect::RestoreCutOff { folder: Some("/".into()) }
}

fn stages(state: &AppState) -> [Option<Stage>; 2] {
    [Lane::Backups, Lane::Restores].map(|lane| state.activity(lane).map(|activity| activity.stage))
}

/// A state in which a backup and a restore of the same plan run.
fn both_running() -> (AppState, Request) {
    let (mut state, _) = running();
    let restore = restore_of("a");
    assert_eq!(state.on(Message::Wanted(restore.clone())), [prepares(&restore)]);
    state.on(restores(Step::Running));
    (state, restore)
}

/// A state in which somebody is asked for the backup's password while the restore would ask for it too.
fn both_lack_a_password() -> (AppState, Request, Request) {
    let (mut state, backup) = with(plan());
    let restore = restore_of("a");
    state.on(Message::Wanted(backup.clone()));
    state.on(Message::Wanted(restore.clone()));
    assert_eq!(
        state.on(backups(Step::PasswordsFound(Passphrases::default()))),
        [asks_password(&backup, false)]
    );
    assert_eq!(
        state.on(restores(Step::PasswordsFound(Passphrases::default()))),
        [],
        "one question at a time"
    );
    (state, backup, restore)
}

#[test]
fn a_restore_begins_and_ends_while_a_backup_runs() {
    let (mut state, _) = both_running();
    assert_eq!(stages(&state), [Some(Stage::Running); 2]);
    let effects = state.on(restores(restored()));
    assert!(matches!(&effects[..], [Effect::Restored(_)]), "{effects:?}");
    assert_eq!(stages(&state), [Some(Stage::Running), None]);
    let effects = state.on(backups(Step::Finished(backed_up())));
    assert!(matches!(&effects[..], [Effect::Record { .. }, Effect::Toast(_)]), "{effects:?}");
    assert!(!state.is_busy());
}

#[test]
fn a_backup_begins_while_a_restore_runs() {
    let (mut state, backup) = with(Plan { protection: Protection::None, ..plan() });
    state.on(Message::Wanted(restore_of("a")));
    state.on(restores(Step::Running));
    let effects = state.on(Message::Wanted(backup.clone()));
    assert_eq!(effects, [Effect::Prepare { request: backup, passphrases: Passphrases::default() }]);
}

#[test]
fn progress_and_problems_are_those_of_the_lane() {
    let (mut state, backup) = both_running();
    let progress = hindsight::context::Progress { bytes_done: 7, ..Default::default() };
    state.on(restores(Step::Progress(progress)));
    let path = "/a".into();
    state.on(backups(Step::Problem(Problem { kind: ProblemKind::Unreadable, path, detail: "no".into() })));
    let seen = [Lane::Backups, Lane::Restores].map(|lane| {
        let activity = state.activity(lane).unwrap();
        (activity.progress.bytes_done, activity.problems.total)
    });
    assert_eq!(seen, [(0, 1), (7, 0)]);
    state.on(backups(Step::Finished(backed_up())));
    state.on(restores(restored()));
    assert_eq!(state.problems(&backup.plan).unwrap().total, 1, "those of the backup stay after a restore");
}

#[test]
fn stopping_one_leaves_the_other() {
    let (mut state, _) = both_running();
    assert_eq!(state.on(restores(Step::StopWanted)), [Effect::Cancel(Lane::Restores, Why::User)]);
    assert_eq!(stages(&state), [Some(Stage::Running), Some(Stage::Stopping)]);
    assert_eq!(state.on(restores(Step::Finished(Outcome::Cancelled(Why::User)))), [cut_off()]);
    assert_eq!(stages(&state), [Some(Stage::Running), None]);

    let (mut state, _) = both_running();
    assert_eq!(state.on(backups(Step::StopWanted)), [Effect::Cancel(Lane::Backups, Why::User)]);
    state.on(backups(Step::Finished(Outcome::Cancelled(Why::User))));
    assert_eq!(stages(&state), [None, Some(Stage::Running)]);
}

#[test]
fn the_key_stops_the_restore_first_and_the_backup_only_once_that_is_over() {
    let (mut state, _) = both_running();
    assert_eq!(state.on(Message::StopWanted), [Effect::Cancel(Lane::Restores, Why::User)]);
    assert_eq!(state.on(Message::StopWanted), [], "pressed twice, it is the same wish");
    state.on(restores(Step::Finished(Outcome::Cancelled(Why::User))));
    assert_eq!(state.on(Message::StopWanted), [Effect::Cancel(Lane::Backups, Why::User)]);
}

#[test]
fn a_second_backup_and_a_second_restore_wait_for_the_first_of_their_kind() {
    let (mut state, restore) = both_running();
    let other = Plan { id: "other".into(), protection: Protection::None, ..plan() };
    state.on(Message::Plans(vec![plan(), other.clone()]));
    let backup = Request::new(&other.id, What::BackUp);
    let second = restore_of("b");
    for request in [&restore, &backup, &second] {
        assert_eq!(state.on(Message::Wanted(request.clone())), []);
    }
    let effects = state.on(restores(restored()));
    assert!(effects.contains(&prepares(&second)), "the same restore is not begun again: {effects:?}");
    let effects = state.on(backups(Step::Finished(backed_up())));
    assert!(
        effects.contains(&Effect::Prepare { request: backup, passphrases: Passphrases::default() }),
        "{effects:?}"
    );
}

#[test]
fn what_waits_in_a_lane_is_forgotten_when_that_lane_is_stopped() {
    let (mut state, _) = both_running();
    state.on(Message::Wanted(restore_of("b")));
    state.on(Message::Wanted(Request::new(plan().id, What::Verify { compare: false })));
    state.on(restores(Step::StopWanted));
    assert_eq!(state.on(restores(Step::Finished(Outcome::Cancelled(Why::User)))), [cut_off()]);
    let effects = state.on(backups(Step::Finished(backed_up())));
    assert!(matches!(&effects[..], [.., Effect::Prepare { .. }]), "the check still comes: {effects:?}");
}

#[test]
fn after_quit_nothing_that_waits_begins() {
    let (mut state, _) = both_running();
    state.on(Message::Wanted(restore_of("b")));
    state.on(Message::Wanted(erase()));
    state.forget_waiting();
    assert_eq!(state.on(restores(Step::Finished(Outcome::Cancelled(Why::Quitting)))), [cut_off()]);
    let effects = state.on(backups(Step::Finished(Outcome::Cancelled(Why::Quitting))));
    assert!(matches!(&effects[..], [Effect::Record { .. }]), "{effects:?}");
}

#[test]
fn backups_are_deleted_only_after_all_restores_from_them() {
    let (mut state, _) = both_running();
    state.on(backups(Step::Finished(backed_up())));
    assert_eq!(state.on(Message::Wanted(erase())), [], "a restore runs");
    let second = restore_of("b");
    assert_eq!(state.on(Message::Wanted(second.clone())), []);
    let effects = state.on(restores(restored()));
    assert!(effects.contains(&prepares(&second)), "{effects:?}");
    assert!(state.activity(Lane::Backups).is_none());
    let effects = state.on(restores(restored()));
    assert!(effects.contains(&prepares(&erase())), "{effects:?}");
}

#[test]
fn nothing_is_restored_from_backups_that_are_being_deleted() {
    let (mut state, _) = running();
    state.on(backups(Step::Finished(backed_up())));
    assert_eq!(state.on(Message::Wanted(erase())), [prepares(&erase())]);
    let restore = restore_of("a");
    assert_eq!(state.on(Message::Wanted(restore.clone())), []);
    let effects = state.on(backups(Step::Finished(Outcome::Cancelled(Why::User))));
    assert_eq!(effects, [prepares(&restore)], "what is left of them can still be restored");
}

#[test]
fn backups_of_another_place_are_deleted_beside_a_restore_and_of_the_same_place_not() {
    let elsewhere = PlanPlace { kind: PlaceKind::Folder { path: "/y".into() }, ..plan().place };
    for (place, waits) in [(elsewhere, false), (plan().place, true)] {
        let (mut state, _) = both_running();
        state.on(backups(Step::Finished(backed_up())));
        let other = Plan { id: "other".into(), protection: Protection::None, place, ..plan() };
        state.on(Message::Plans(vec![plan(), other]));
        let effects = state.on(Message::Wanted(Request::new("other", What::Erase)));
        assert_eq!(effects.is_empty(), waits);
    }
}

#[test]
fn a_backup_of_another_plan_does_not_wait_for_a_deletion_that_waits() {
    let (mut state, _) = both_running();
    state.on(backups(Step::Finished(backed_up())));
    let other = Plan { id: "other".into(), protection: Protection::None, ..plan() };
    state.on(Message::Plans(vec![plan(), other]));
    state.on(Message::Wanted(erase()));
    let backup = Request::new("other", What::BackUp);
    let effects = state.on(Message::Wanted(backup.clone()));
    assert_eq!(effects, [Effect::Prepare { request: backup, passphrases: Passphrases::default() }]);
}

#[test]
fn one_password_typed_opens_the_backups_for_both() {
    let (mut state, backup, restore) = both_lack_a_password();
    let effects = state.on(backups(Step::PasswordTyped { passphrase: secret(), remember: false }));
    assert_eq!(effects, [prepares(&backup), prepares(&restore)]);
}

#[test]
fn a_question_that_waited_is_asked_when_the_first_is_closed() {
    let (mut state, _, restore) = both_lack_a_password();
    assert_eq!(state.on(backups(Step::Declined)), [asks_password(&restore, false)]);
    let effects = state.on(restores(Step::PasswordTyped { passphrase: secret(), remember: false }));
    assert_eq!(effects, [prepares(&restore)]);
}

#[test]
fn a_password_opens_only_the_plan_that_it_was_asked_for() {
    let (mut state, backup) = with(plan());
    let place = PlanPlace { kind: PlaceKind::Folder { path: "/y".into() }, ..plan().place };
    state.guest = Some(Plan { id: "guest".into(), place, ..plan() });
    let restore = Request { plan: "guest".into(), ..restore_of("a") };
    state.on(Message::Wanted(restore.clone()));
    state.on(Message::Wanted(backup.clone()));
    assert_eq!(
        state.on(restores(Step::PasswordsFound(Passphrases::default()))),
        [asks_password(&restore, false)]
    );
    assert_eq!(state.on(backups(Step::PasswordsFound(Passphrases::default()))), []);
    let effects = state.on(restores(Step::PasswordTyped { passphrase: secret(), remember: false }));
    assert_eq!(effects, [prepares(&restore), asks_password(&backup, false)]);
    assert_eq!(state.password(&backup.plan), None);
}

#[test]
fn what_is_stopped_before_its_question_came_up_is_over_and_asks_nobody() {
    let (mut state, backup, _) = both_lack_a_password();
    assert_eq!(state.on(restores(Step::StopWanted)), []);
    assert_eq!(stages(&state), [Some(Stage::Preparing), None]);
    let effects = state.on(backups(Step::PasswordTyped { passphrase: secret(), remember: false }));
    assert_eq!(effects, [prepares(&backup)]);
}

#[test]
fn one_drive_connected_lets_both_go_on() {
    let (mut state, backup) = with(plan());
    let restore = restore_of("a");
    state.on(Message::Wanted(backup.clone()));
    state.on(backups(Step::PasswordsFound(known())));
    state.on(Message::Wanted(restore.clone()));
    assert_eq!(state.on(restores(not_connected())), [asks_drive(Lane::Restores)]);
    assert_eq!(state.on(backups(not_connected())), []);
    let effects = state.on(restores(Step::Connected));
    assert_eq!(effects, [prepares(&restore), prepares(&backup)]);
}

#[test]
fn a_drive_that_was_not_waited_for_any_more_begins_nothing() {
    let (mut state, _) = both_running();
    assert_eq!(state.on(restores(Step::Connected)), []);
}

#[test]
fn what_is_stopped_while_its_place_is_looked_for_asks_for_no_drive() {
    let (mut state, _) = running();
    state.on(Message::Wanted(restore_of("a")));
    state.on(restores(Step::StopWanted));
    assert_eq!(state.on(restores(not_connected())), []);
    assert_eq!(stages(&state), [Some(Stage::Running), None]);
}
