//! What reaches the window: from people, from its children, from the engine, and from work done beside.

use std::path::PathBuf;

use hindsight::engine::undo::Undone;
use hindsight::explain::Explanation;
use hindsight::jobs::PastRestore;
use hindsight::secret::Passphrases;
use hindsight::settings::Plan;
use hindsight::worker::Event;

use crate::ui::dialogs::Typed;
use crate::ui::finder::FinderOutput;
use crate::ui::invocation::Invocation;
use crate::ui::operation::OperationOutput;
use crate::ui::overview::OverviewOutput;
use crate::ui::preferences::PreferencesOutput;
use crate::ui::restore_plan::RestorePlanOutput;
use crate::ui::services::{OpenPlace, Prepared, Protected};
use crate::ui::setup::SetupOutput;
use crate::ui::state::{Facts, Lane, Message, NotReady, Restored};
use crate::ui::timeline::TimelineOutput;

/// What an action of the window asks for.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Do {
    BackUp,
    OpenRestore,
    Stop,
    OpenPreferences,
    Verify,
    Compare,
    UndoRestore,
    NewPlan,
    ShowShortcuts,
    ShowAbout,
    Close,
    Quit,
}

/// A question that a run ended with, answered with yes.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Confirmed {
    MissingFiles,
    SourceMismatch,
}

#[derive(Debug)]
pub enum AppInput {
    Invoked(Invocation),
    Do(Do),
    Overview(OverviewOutput),
    Operation(Lane, OperationOutput),
    Preferences(PreferencesOutput),
    Setup(SetupOutput),
    Finder(FinderOutput),
    Timeline(TimelineOutput),
    RestorePlan(RestorePlanOutput),
    /// Typed for the timeline.
    RestorePassword(Typed),
    State(Message),
    Confirmed(Lane, Confirmed),
    Engine(Lane, Event),
    SettingsChanged,
    DrivesChanged,
    /// Or why not.
    SheetSaved(Result<(), String>),
    OpenFolder(PathBuf),
    /// The restore of which this is the record.
    UndoRestore(PathBuf),
    Tick,
    FindBackups,
}

#[derive(Debug)]
pub enum AppCommand {
    Plans(Result<Vec<Plan>, Explanation>),
    Facts {
        plan: String,
        facts: Facts,
    },
    /// Its run has been written down.
    Recorded {
        plan: String,
        facts: Facts,
    },
    PasswordsFound(Lane, Passphrases),
    Prepared(Lane, Result<Boxed<Prepared>, NotReady>),
    RestorePlace {
        place: Result<OpenPlace, NotReady>,
        known: Passphrases,
    },
    Protected(Result<Protected, Explanation>),
    Undone(Result<Undone, Explanation>),
    /// That could be undone.
    LastRestore(Option<PastRestore>),
    /// What a restore had done that was stopped or failed.
    CutOff(Restored),
    Toast(String),
    Nothing,
}

/// Its content is no business of logs.
pub struct Boxed<T>(pub Box<T>);

impl<T> std::fmt::Debug for Boxed<T> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("…")
    }
}
