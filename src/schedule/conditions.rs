//! What a backup that begins by itself waits for besides its time, as data: the same list is what the background
//! decides by, what people read, and what the ledger keeps.
//!
//! What the computer does not tell is unknown and holds nothing up.

use serde::{Deserialize, Serialize};

use super::Snooze;
use crate::i18n::{gettext, gettext_f};

#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ConditionId {
    /// Somebody put the backup off.
    Snoozed,
    /// The drive or folder is there.
    Place,
    Network,
    /// The network leads on without somebody signing in first.
    SignedIn,
    Unmetered,
    Mains,
    /// The computer does not save power.
    FullPower,
    /// No game is being played.
    NoGame,
    /// Some time has passed since the session began, the computer woke up, or the network changed.
    Settled,
}

impl ConditionId {
    /// For programs: as in JSON.
    pub fn name(self) -> &'static str {
        match self {
            Self::Snoozed => "snoozed",
            Self::Place => "place",
            Self::Network => "network",
            Self::SignedIn => "signed-in",
            Self::Unmetered => "unmetered",
            Self::Mains => "mains",
            Self::FullPower => "full-power",
            Self::NoGame => "no-game",
            Self::Settled => "settled",
        }
    }

    /// Whether a run that has begun stops when this ends. A place or network that goes away the run notices itself.
    fn ends_runs(self) -> bool {
        matches!(self, Self::Unmetered | Self::Mains | Self::FullPower | Self::NoGame)
    }
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum State {
    Met,
    Unmet,
    Unknown,
}

#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Condition {
    pub id: ConditionId,
    pub state: State,
    /// Since when it is so, in seconds since 1970.
    pub since: i64,
    /// When it will be met, where that is known; in seconds since 1970.
    pub until: Option<i64>,
    /// The plan does not mind.
    pub overridden: bool,
}

impl Condition {
    pub fn holds_up(&self) -> bool {
        self.state == State::Unmet && !self.overridden
    }

    /// Why nothing happens. `place`: what people call the place.
    pub fn sentence(&self, place: &str) -> String {
        match self.id {
            ConditionId::Snoozed => gettext("You put this backup off."),
            ConditionId::Place => gettext_f("{place} is not connected.", &[("place", place)]),
            ConditionId::Network => gettext("There is no network connection."),
            ConditionId::SignedIn => gettext("The network asks you to sign in first."),
            ConditionId::Unmetered => gettext("The network connection is metered."),
            ConditionId::Mains => gettext("The computer runs on battery."),
            ConditionId::FullPower => gettext("The computer is saving power."),
            ConditionId::NoGame => gettext("A game is being played."),
            ConditionId::Settled => {
                gettext("The computer has only just started, woken up or changed networks.")
            }
        }
    }
}

/// Something that can change, and since when it is as it is.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Watched<T> {
    /// `None`: nobody tells.
    pub value: Option<T>,
    /// In seconds since 1970.
    pub since: i64,
}

impl<T> Default for Watched<T> {
    fn default() -> Self {
        Self { value: None, since: 0 }
    }
}

impl<T: PartialEq> Watched<T> {
    /// Whether that is news.
    pub fn set(&mut self, value: Option<T>, now: i64) -> bool {
        let is_new = self.value != value;
        if is_new {
            *self = Self { value, since: now };
        }
        is_new
    }
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Network {
    Off,
    /// Other computers in the house can be reached, whatever is beyond.
    Local,
    /// As `Local`, and a page that asks to sign in is in the way to all else.
    Captive,
    Full,
}

/// What is known about the computer.
#[derive(Clone, PartialEq, Eq, Default, Debug)]
pub struct Facts {
    pub network: Watched<Network>,
    pub metered: Watched<bool>,
    pub on_battery: Watched<bool>,
    pub saves_power: Watched<bool>,
    pub plays: Watched<bool>,
    /// When the session began or the computer woke up, in seconds since 1970.
    pub awake_since: i64,
}

/// How far away a place is.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Reach {
    Here,
    /// In the same house: what costs money on the way to the internet costs nothing here.
    House,
    Internet,
}

/// What a plan does not mind.
#[derive(Clone, Copy, PartialEq, Eq, Default, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Tolerance {
    pub battery: bool,
    pub metered: bool,
    pub power_saver: bool,
}

/// What is known about one plan's place.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct PlaceFacts {
    pub reach: Reach,
    pub present: Watched<bool>,
}

/// All conditions of a plan, met or not, in the order in which they are told.
///
/// `settle`: how long nothing begins after a change, in seconds.
pub fn conditions(
    facts: &Facts,
    place: &PlaceFacts,
    tolerance: &Tolerance,
    snooze: Option<Snooze>,
    settle: i64,
    now: i64,
) -> Vec<Condition> {
    let held = |id, holds: Watched<bool>, overridden| {
        let state = match holds.value {
            None => State::Unknown,
            Some(true) => State::Met,
            Some(false) => State::Unmet,
        };
        Condition { id, state, since: holds.since, until: None, overridden }
    };
    let not = |fact: Watched<bool>| Watched { value: fact.value.map(|value| !value), since: fact.since };
    let of_network = |test: fn(Network) -> bool| Watched {
        value: facts.network.value.map(test),
        since: facts.network.since,
    };
    // What somebody wants to wait for is waited for, even if the plan does not mind.
    let minds = |waits: Snooze| snooze == Some(waits);
    let mut all = Vec::new();
    all.extend(snooze.and_then(|snooze| put_off(snooze, now)));
    all.push(held(ConditionId::Place, place.present, false));
    if place.reach != Reach::Here {
        all.push(held(ConditionId::Network, of_network(|network| network != Network::Off), false));
    }
    if place.reach == Reach::Internet {
        all.push(held(ConditionId::SignedIn, of_network(|network| network != Network::Captive), false));
        let overridden = tolerance.metered && !minds(Snooze::Unmetered);
        all.push(held(ConditionId::Unmetered, not(facts.metered), overridden));
    }
    all.push(held(ConditionId::Mains, not(facts.on_battery), tolerance.battery && !minds(Snooze::Mains)));
    all.push(held(ConditionId::FullPower, not(facts.saves_power), tolerance.power_saver));
    all.push(held(ConditionId::NoGame, not(facts.plays), false));
    let changed = if place.reach == Reach::Here { 0 } else { facts.network.since };
    all.push(settled(facts.awake_since.max(changed), settle, now));
    all
}

fn put_off(snooze: Snooze, now: i64) -> Option<Condition> {
    match snooze {
        Snooze::Until(until) if until > now => {
            let id = ConditionId::Snoozed;
            Some(Condition { id, state: State::Unmet, since: now, until: Some(until), overridden: false })
        }
        // A condition of its own says these.
        Snooze::Until(_) | Snooze::Mains | Snooze::Unmetered | Snooze::Place => None,
    }
}

/// A change that lies in the future was dated by a wrong clock.
fn settled(changed: i64, settle: i64, now: i64) -> Condition {
    let is_recent = changed <= now && now - changed < settle;
    let (state, until) = match is_recent {
        true => (State::Unmet, Some(changed + settle)),
        false => (State::Met, None),
    };
    Condition { id: ConditionId::Settled, state, since: changed, until, overridden: false }
}

/// What is not as a run that has begun needs it.
pub fn ends_run(conditions: &[Condition]) -> Option<&Condition> {
    conditions.iter().find(|condition| condition.id.ends_runs() && condition.holds_up())
}

/// Whether what somebody wanted to wait for has come.
pub fn is_over(snooze: Snooze, conditions: &[Condition], now: i64) -> bool {
    let holds =
        |id| !conditions.iter().any(|condition| condition.id == id && condition.state == State::Unmet);
    match snooze {
        Snooze::Until(until) => until <= now,
        Snooze::Mains => holds(ConditionId::Mains),
        Snooze::Unmetered => holds(ConditionId::Unmetered) && holds(ConditionId::Network),
        Snooze::Place => holds(ConditionId::Place),
    }
}
