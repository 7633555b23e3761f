//! Changes of a plan, small enough to be merged with what another program changed meanwhile.

use std::path::PathBuf;

use hindsight::schedule::Schedule;
use hindsight::schedule::conditions::Tolerance;
use hindsight::settings::{Folder, Hooks, Plan, PlanPlace, Preset, Protection};

#[derive(Clone, PartialEq, Debug)]
pub enum PlanChange {
    AddFolder(Folder),
    RemoveFolder(PathBuf),
    LeaveOut(PathBuf),
    TakeIn(PathBuf),
    AddPattern(String),
    RemovePattern(String),
    Preset { preset: Preset, left_out: bool },
    Schedule(Schedule),
    Tolerance(Tolerance),
    Hooks(Hooks),
    Place(PlanPlace),
    Protection(Protection),
    Name(String),
}

impl PlanChange {
    pub fn apply(&self, plan: &mut Plan) {
        match self.clone() {
            Self::AddFolder(folder) => {
                plan.folders.retain(|kept| kept.path != folder.path);
                plan.folders.push(folder);
            }
            Self::RemoveFolder(path) => plan.folders.retain(|kept| kept.path != path),
            Self::LeaveOut(path) => add_once(&mut plan.ignored, path),
            Self::TakeIn(path) => plan.ignored.retain(|kept| *kept != path),
            Self::AddPattern(pattern) => add_once(&mut plan.patterns, pattern),
            Self::RemovePattern(pattern) => plan.patterns.retain(|kept| *kept != pattern),
            Self::Preset { preset, left_out: true } => drop(plan.presets.insert(preset)),
            Self::Preset { preset, left_out: false } => drop(plan.presets.remove(&preset)),
            Self::Schedule(schedule) => plan.schedule = schedule,
            Self::Tolerance(tolerance) => plan.tolerance = tolerance,
            Self::Hooks(hooks) => plan.hooks = hooks,
            Self::Place(place) => plan.place = place,
            Self::Protection(protection) => {
                plan.older_passwords |= plan.protection == Protection::Password;
                plan.protection = protection;
            }
            Self::Name(name) => plan.name = name,
        }
    }

    /// What takes a removal back.
    pub fn undo(&self, plan: &Plan) -> Option<Self> {
        match self {
            Self::RemoveFolder(path) => {
                plan.folders.iter().find(|folder| folder.path == *path).cloned().map(Self::AddFolder)
            }
            Self::TakeIn(path) => Some(Self::LeaveOut(path.clone())),
            Self::RemovePattern(pattern) => Some(Self::AddPattern(pattern.clone())),
            _ => None,
        }
    }
}

fn add_once<T: PartialEq>(list: &mut Vec<T>, item: T) {
    if !list.contains(&item) {
        list.push(item);
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use std::path::Path;

    use hindsight::settings::PlaceKind;

    use super::*;

    fn plan() -> Plan {
        let place =
            PlanPlace { kind: PlaceKind::Folder { path: "/x".into() }, label: "x".into(), marker: None };
        Plan::for_home("x", place, Path::new("/")).unwrap()
    }

    #[test]
    fn a_removed_folder_comes_back_by_undo() {
        let mut plan = plan();
        let before = plan.clone();
        let removal = PlanChange::RemoveFolder("/".into());
        let undo = removal.undo(&plan).unwrap();
        removal.apply(&mut plan);
        assert!(plan.folders.is_empty());
        undo.apply(&mut plan);
        assert_eq!(plan, before);
    }

    #[test]
    fn that_there_were_passwords_is_not_forgotten() {
        let mut plan = plan();
        for protection in [Protection::Password, Protection::None, Protection::None] {
            PlanChange::Protection(protection.clone()).apply(&mut plan);
            assert_eq!((&plan.protection, plan.older_passwords), (&protection, true));
        }
    }

    #[test]
    fn nothing_is_listed_twice() {
        let mut plan = plan();
        for _ in 0..2 {
            PlanChange::AddPattern("*.iso".into()).apply(&mut plan);
            PlanChange::LeaveOut("/a".into()).apply(&mut plan);
        }
        assert_eq!((plan.patterns.len(), plan.ignored.len()), (1, 1));
    }
}
