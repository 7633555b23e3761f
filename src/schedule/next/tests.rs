#![allow(clippy::unwrap_used)]

use chrono_tz::Tz;
use proptest::prelude::*;

use super::*;
use crate::schedule::conditions::{
    ConditionId, Facts, Network, PlaceFacts, Reach, State, Tolerance, Watched, conditions, ends_run, is_over,
};
use crate::schedule::{Due, HOUR, due};

const SETTLE: i64 = 120;

/// A Monday, 12:00.
const NOON: i64 = 1_780_315_200;

fn is<T>(value: T) -> Watched<T> {
    Watched { value: Some(value), since: NOON - DAY }
}

/// A computer with all that a backup could want, for a day now.
fn comfort() -> Facts {
    Facts {
        network: is(Network::Full),
        metered: is(false),
        on_battery: is(false),
        saves_power: is(false),
        plays: is(false),
        awake_since: NOON - DAY,
    }
}

fn place(reach: Reach) -> PlaceFacts {
    PlaceFacts { reach, present: is(true) }
}

fn history(last_success: i64) -> History {
    History { last_success: Some(last_success), ..History::default() }
}

/// What is in the way.
fn unmet(facts: &Facts, reach: Reach, tolerance: Tolerance, snooze: Option<Snooze>) -> Vec<ConditionId> {
    let all = conditions(facts, &place(reach), &tolerance, snooze, SETTLE, NOON);
    all.iter().filter(|condition| condition.holds_up()).map(|condition| condition.id).collect()
}

fn waits(facts: &Facts, reach: Reach) -> Vec<ConditionId> {
    unmet(facts, reach, Tolerance::default(), None)
}

#[test]
fn nothing_is_in_the_way_of_a_computer_in_comfort_or_one_that_tells_nothing() {
    for reach in [Reach::Here, Reach::House, Reach::Internet] {
        assert_eq!(waits(&comfort(), reach), []);
        assert_eq!(waits(&Facts::default(), reach), [], "{reach:?}");
    }
    let unknown = PlaceFacts { reach: Reach::Here, present: Watched::default() };
    let all = conditions(&Facts::default(), &unknown, &Tolerance::default(), None, SETTLE, NOON);
    assert!(all.iter().all(|condition| !condition.holds_up()));
}

#[test]
fn networks_matter_only_to_places_beyond_them() {
    let network = |network, metered| Facts { network: is(network), metered: is(metered), ..comfort() };
    for (facts, house, internet) in [
        (network(Network::Off, false), vec![ConditionId::Network], vec![ConditionId::Network]),
        (network(Network::Local, false), vec![], vec![]),
        (network(Network::Captive, false), vec![], vec![ConditionId::SignedIn]),
        (network(Network::Full, true), vec![], vec![ConditionId::Unmetered]),
    ] {
        assert_eq!(waits(&facts, Reach::Here), []);
        assert_eq!(waits(&facts, Reach::House), house);
        assert_eq!(waits(&facts, Reach::Internet), internet);
    }
}

#[test]
fn power_and_games_hold_up_every_place_until_the_plan_does_not_mind() {
    let facts = Facts { on_battery: is(true), saves_power: is(true), plays: is(true), ..comfort() };
    let all = [ConditionId::Mains, ConditionId::FullPower, ConditionId::NoGame];
    assert_eq!(waits(&facts, Reach::Here), all);
    let tolerance = Tolerance { battery: true, metered: true, power_saver: true };
    assert_eq!(unmet(&facts, Reach::Internet, tolerance, None), [ConditionId::NoGame]);
}

#[test]
fn what_somebody_chose_to_wait_for_is_waited_for_whatever_the_plan_minds() {
    let facts = Facts { on_battery: is(true), metered: is(true), ..comfort() };
    let tolerance = Tolerance { battery: true, metered: true, power_saver: true };
    let waits = |snooze| unmet(&facts, Reach::Internet, tolerance, Some(snooze));
    assert_eq!(waits(Snooze::Mains), [ConditionId::Mains]);
    assert_eq!(waits(Snooze::Unmetered), [ConditionId::Unmetered]);
    assert_eq!(waits(Snooze::Until(NOON + 1)), [ConditionId::Snoozed]);
    assert_eq!(waits(Snooze::Until(NOON)), []);
    let all = conditions(&facts, &place(Reach::Internet), &tolerance, None, SETTLE, NOON);
    let over = |snooze| is_over(snooze, &all, NOON);
    assert!(!over(Snooze::Mains) && !over(Snooze::Unmetered) && !over(Snooze::Until(NOON + 1)));
    assert!(over(Snooze::Place) && over(Snooze::Until(NOON)));
}

#[test]
fn after_waking_up_or_changing_networks_things_settle_first() {
    let woken = |ago| Facts { awake_since: NOON - ago, ..comfort() };
    assert_eq!(waits(&woken(SETTLE - 1), Reach::Here), [ConditionId::Settled]);
    assert_eq!(waits(&woken(SETTLE), Reach::Here), []);
    let mut moved = comfort();
    assert!(moved.network.set(Some(Network::Local), NOON - 5));
    assert!(!moved.network.set(Some(Network::Local), NOON));
    assert_eq!(waits(&moved, Reach::Here), []);
    assert_eq!(waits(&moved, Reach::House), [ConditionId::Settled]);
    let all = conditions(&moved, &place(Reach::House), &Tolerance::default(), None, SETTLE, NOON);
    assert_eq!(all.last().unwrap().until, Some(NOON - 5 + SETTLE));
    assert_eq!(waits(&woken(-DAY), Reach::Here), [], "a wrong clock");
}

#[test]
fn a_run_stops_for_what_people_would_notice_and_not_for_what_it_notices_itself() {
    let ended = |facts: &Facts, tolerance| {
        let all = conditions(facts, &place(Reach::Internet), &tolerance, None, SETTLE, NOON);
        ends_run(&all).map(|condition| condition.id)
    };
    let mind = Tolerance::default();
    assert_eq!(ended(&comfort(), mind), None);
    assert_eq!(ended(&Facts { on_battery: is(true), ..comfort() }, mind), Some(ConditionId::Mains));
    assert_eq!(ended(&Facts { metered: is(true), ..comfort() }, mind), Some(ConditionId::Unmetered));
    assert_eq!(ended(&Facts { plays: is(true), ..comfort() }, mind), Some(ConditionId::NoGame));
    assert_eq!(ended(&Facts { saves_power: is(true), ..comfort() }, mind), Some(ConditionId::FullPower));
    let easy = Tolerance { battery: true, ..mind };
    assert_eq!(ended(&Facts { on_battery: is(true), ..comfort() }, easy), None);
    let away = Facts { network: is(Network::Off), awake_since: NOON, ..comfort() };
    assert_eq!(ended(&away, mind), None);
}

#[test]
fn sentences_name_the_place_and_never_a_placeholder() {
    let facts = Facts { awake_since: NOON, ..comfort() };
    let snooze = Some(Snooze::Until(NOON + 1));
    for condition in conditions(&facts, &place(Reach::Internet), &Tolerance::default(), snooze, SETTLE, NOON)
    {
        let sentence = condition.sentence("Red Disk");
        assert!(sentence.ends_with('.') && !sentence.contains('{'), "{sentence}");
        assert_eq!(sentence.contains("Red Disk"), condition.id == ConditionId::Place);
        let name = serde_json::to_string(&condition.id).unwrap();
        assert_eq!(name, format!("{:?}", condition.id.name()));
    }
}

#[test]
fn what_nobody_began_or_wants_never_begins_by_itself() {
    let schedule = Schedule::new(Frequency::Daily);
    assert_eq!(next(&schedule, &History::default(), 0, &[], &Tz::UTC, NOON), Next::Never);
    let off = Schedule { enabled: false, ..schedule };
    assert_eq!(next(&off, &history(0), 0, &[], &Tz::UTC, NOON), Next::Never);
}

#[test]
fn places_on_the_internet_are_not_all_begun_with_at_once() {
    let schedule = Schedule::new(Frequency::Hourly);
    let next = |now| next(&schedule, &history(NOON), 90, &[], &Tz::UTC, now);
    assert_eq!(next(NOON + 1), Next::WaitUntil(NOON + HOUR + 90));
    assert_eq!(next(NOON + HOUR + 89), Next::WaitUntil(NOON + HOUR + 90));
    assert_eq!(next(NOON + HOUR + 90), Next::Start);
    for id in ["", "zz", "00000000000000000000000000000000", "ffffffffffffffffffffffffffffffff"] {
        assert!((0..JITTER).contains(&jitter(id)), "{id}");
    }
    assert_ne!(jitter("00000001"), jitter("00000002"));
}

#[test]
fn the_longer_a_backup_is_late_the_louder_it_is_told() {
    let told = |frequency, days: i64| {
        let schedule = Schedule::new(frequency);
        let planned = planned_since(&schedule, &history(NOON), &Tz::UTC, NOON + 99 * DAY).unwrap();
        urgency(&schedule, &history(NOON), &Tz::UTC, planned + days * DAY)
    };
    use Urgency::{Notice, Quiet, Warning};
    let days = [0, 1, 2, 3, 7, 8, 31];
    for (frequency, expected) in [
        (Frequency::Hourly, [Quiet, Notice, Notice, Warning, Warning, Warning, Warning]),
        (Frequency::Daily, [Quiet, Notice, Notice, Warning, Warning, Warning, Warning]),
        (Frequency::Weekly, [Quiet, Quiet, Notice, Notice, Warning, Warning, Warning]),
        (Frequency::Monthly, [Quiet, Quiet, Quiet, Quiet, Quiet, Notice, Warning]),
    ] {
        assert_eq!(days.map(|days| told(frequency, days)), expected, "{frequency:?}");
    }
    let daily = Schedule::new(Frequency::Daily);
    assert_eq!(urgency(&daily, &History::default(), &Tz::UTC, NOON), Quiet);
    assert_eq!(urgency(&daily, &history(NOON + 99 * DAY), &Tz::UTC, NOON), Quiet, "a wrong clock");
}

fn watched<T: Clone + std::fmt::Debug + 'static>(values: &'static [T]) -> impl Strategy<Value = Watched<T>> {
    let value = prop::option::of(prop::sample::select(values));
    (value, 0..3 * SETTLE).prop_map(|(value, ago)| Watched { value, since: NOON - ago })
}

fn facts() -> impl Strategy<Value = Facts> {
    let network = watched(&[Network::Off, Network::Local, Network::Captive, Network::Full]);
    let flag = || watched(&[false, true]);
    (network, flag(), flag(), flag(), flag(), 0..3 * SETTLE).prop_map(
        |(network, metered, on_battery, saves_power, plays, ago)| Facts {
            network,
            metered,
            on_battery,
            saves_power,
            plays,
            awake_since: NOON - ago,
        },
    )
}

fn places() -> impl Strategy<Value = PlaceFacts> {
    let reach = prop::sample::select(&[Reach::Here, Reach::House, Reach::Internet][..]);
    (reach, watched(&[false, true])).prop_map(|(reach, present)| PlaceFacts { reach, present })
}

fn tolerances() -> impl Strategy<Value = Tolerance> {
    let tolerance = |(battery, metered, power_saver)| Tolerance { battery, metered, power_saver };
    any::<(bool, bool, bool)>().prop_map(tolerance)
}

proptest! {
    #[test]
    fn it_begins_when_it_is_due_and_nothing_known_is_in_the_way_and_never_else(
        facts in facts(),
        place in places(),
        tolerance in tolerances(),
        ago in 0..3 * HOUR,
        failed in prop::option::of(0..3 * HOUR),
    ) {
        let schedule = Schedule::new(Frequency::Hourly);
        let failures = u32::from(failed.is_some());
        let history = History { failures, last_failure: failed.map(|ago| NOON - ago), ..history(NOON - ago) };
        let all = conditions(&facts, &place, &tolerance, None, SETTLE, NOON);
        let is_due = due(&schedule, &history, &Tz::UTC, NOON) == Due::Now;
        let blocked = all.iter().any(|condition| condition.state == State::Unmet && !condition.overridden);
        match next(&schedule, &history, 0, &all, &Tz::UTC, NOON) {
            Next::Start => prop_assert!(is_due && !blocked),
            Next::WaitUntil(time) => prop_assert!(!is_due && time > NOON),
            Next::WaitFor(waits) => {
                prop_assert!(is_due && !waits.is_empty());
                prop_assert!(waits.iter().all(Condition::holds_up));
            }
            Next::Never => prop_assert!(false),
        }
    }

    #[test]
    fn what_begins_is_not_stopped_at_once_and_settles_for_no_longer_than_it_should(
        facts in facts(),
        place in places(),
        tolerance in tolerances(),
    ) {
        let all = conditions(&facts, &place, &tolerance, None, SETTLE, NOON);
        if !all.iter().any(Condition::holds_up) {
            prop_assert_eq!(ends_run(&all), None);
        }
        for until in all.iter().filter_map(|condition| condition.until) {
            prop_assert!(until > NOON && until <= NOON + SETTLE);
        }
        let later = conditions(&facts, &place, &tolerance, None, SETTLE, NOON + SETTLE);
        prop_assert!(!later.iter().any(|condition| condition.id == ConditionId::Settled && condition.holds_up()));
    }

    #[test]
    fn minding_less_never_makes_anything_wait(facts in facts(), place in places(), tolerance in tolerances()) {
        let count = |tolerance: &Tolerance| {
            let all = conditions(&facts, &place, tolerance, None, SETTLE, NOON);
            all.iter().filter(|condition| condition.holds_up()).count()
        };
        let easy = Tolerance { battery: true, metered: true, power_saver: true };
        prop_assert!(count(&easy) <= count(&tolerance));
        prop_assert!(count(&tolerance) <= count(&Tolerance::default()));
    }
}
