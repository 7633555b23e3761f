//! What is to be saved, where and when: the plans, in one file that the app, the background and the command
//! line share.
//!
//! `$XDG_CONFIG_HOME/hindsight/settings.json`. A change is read-modify-write under a lock and replaces the file
//! in one atomic step, so that readers need no lock and watchers see whole files only. Fields that this version
//! does not know are refused, as is a file of a newer version: writing it back without them would lose them.

mod drive;
mod folder;
mod hooks;
mod migrate;
mod path_text;
mod place;
mod plan;
mod presets;
mod protection;
mod rules;
mod store;

pub use folder::{Folder, FolderError};
pub use hooks::Hooks;
pub use place::{PlaceError, PlaceKind, PlanPlace, place_folder_name};
pub use plan::Plan;
pub use presets::Preset;
pub use protection::{PlanKey, PlanKeys, Protection, short_id};
pub use store::{SettingsError, Store};

#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Settings {
    pub plans: Vec<Plan>,
}

impl Settings {
    pub fn plan(&self, id: &str) -> Option<&Plan> {
        self.plans.iter().find(|plan| plan.id == id)
    }
}
