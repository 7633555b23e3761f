//! What comes of restores.

use super::*;

#[test]
fn backups_found_elsewhere_are_restored_from_without_a_plan() {
    let mut state =
        AppState { guest: Some(Plan { protection: Protection::None, ..plan() }), ..AppState::default() };
    let guest = state.guest.as_ref().unwrap().id.clone();
    let request = Request::new(guest, What::Restore(wish(&[""], original())));
    let effects = state.on(Message::Wanted(request.clone()));
    assert_eq!(effects, [Effect::Prepare { request, passphrases: Passphrases::default() }]);
}

/// What is said after a restore.
fn after(wish: Restore, counts: Counts, undo: Option<&str>) -> Restored {
    let (mut state, request) = with(Plan { protection: Protection::None, ..plan() });
    state.on(Message::Wanted(Request::new(&request.plan, What::Restore(wish))));
    state.on(restores(Step::Running));
    let report = RestoreReport { counts, undo: undo.map(Into::into), ..RestoreReport::default() };
    let mut effects = state.on(restores(Step::Finished(Outcome::Completed(Report::Restore(report)))));
    let Some(Effect::Restored(restored)) = effects.pop() else { panic!("{effects:?}") };
    assert!(effects.is_empty() && !state.is_busy());
    restored
}

#[test]
fn what_came_back_is_named_and_can_be_undone() {
    let counts = Counts { created: 1, ..Counts::default() };
    let restored = after(wish(&["home/ada/letter.txt"], original()), counts, Some("/state/1.undo"));
    assert_eq!(restored.text, "Restored “letter.txt”");
    assert_eq!(restored.folder, Some("/home/ada".into()));
    assert_eq!(restored.undo, Some("/state/1.undo".into()));
}

#[test]
fn several_things_are_counted_and_lie_in_the_chosen_folder() {
    let counts = Counts { created: 2, replaced: 1, ..Counts::default() };
    let restored = after(wish(&["a/x", "b/y"], To::Folder("/out".into())), counts, Some("/r"));
    assert_eq!((restored.text, restored.folder), ("Restored 3 items".into(), Some("/out".into())));
}

#[test]
fn where_nothing_had_to_be_done_nothing_can_be_undone() {
    let counts = Counts { kept: 2, ..Counts::default() };
    let restored = after(wish(&["home/ada/letter.txt"], original()), counts, None);
    assert_eq!((restored.text.as_str(), restored.undo), ("Nothing had to be restored", None));
}

#[test]
fn a_restore_that_ends_early_is_looked_at_for_what_it_did() {
    let cancelled = Outcome::Cancelled(Why::User);
    for (outcome, more) in [(cancelled, 0), (Outcome::Failed(Error::Internal("a pipe broke".into())), 1)] {
        let (mut state, request) = with(Plan { protection: Protection::None, ..plan() });
        let restore = wish(&["home/ada/letter.txt"], original());
        state.on(Message::Wanted(Request::new(&request.plan, What::Restore(restore))));
        state.on(restores(Step::Running));
        let effects = state.on(restores(Step::Finished(outcome)));
        assert_eq!(effects[0], Effect::RestoreCutOff { folder: Some("/home/ada".into()) });
        assert_eq!((effects.len(), state.is_busy()), (1 + more, false));
    }
}

#[test]
fn what_could_not_be_restored_is_listed_after_the_toast() {
    let (mut state, request) = with(Plan { protection: Protection::None, ..plan() });
    state.on(Message::Wanted(Request::new(&request.plan, What::Restore(wish(&["a"], original())))));
    state.on(restores(Step::Running));
    let problem =
        Problem { kind: ProblemKind::NotWritten, path: "/a".into(), detail: "Permission denied".into() };
    state.on(restores(Step::Problem(problem)));
    let report = Report::Restore(RestoreReport { not_written: 1, ..RestoreReport::default() });
    let effects = state.on(restores(Step::Finished(Outcome::Completed(report))));
    assert!(
        matches!(&effects[..], [Effect::Restored(_), Effect::ShowProblems(problems)] if problems.total == 1)
    );
}
