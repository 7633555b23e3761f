//! The plans: read, shown, changed, and their passwords remembered.

use std::path::Path;

use hindsight::explain::Explanation;
use hindsight::schedule::{Frequency, Schedule};
use hindsight::secret::Passphrase;
use hindsight::settings::{PlaceKind, Plan, PlanPlace};
use relm4::gtk::gio;
use relm4::gtk::prelude::*;
use relm4::prelude::*;

use super::{App, AppCommand, AppInput};
use crate::ui::change::PlanChange;
use crate::ui::overview::{OverviewInput, Shown};
use crate::ui::preferences::PreferencesInput;
use crate::ui::setup::Created;
use crate::ui::state::Message;
use crate::ui::{dialogs, services};

impl App {
    /// The one that is shown.
    pub(super) fn plan(&self) -> Option<&Plan> {
        self.state.plans.get(self.current)
    }

    /// What people call the place of a plan.
    pub(super) fn place_label(&self, plan: &str) -> String {
        self.state.plan(plan).map(|plan| plan.place.label.clone()).unwrap_or_default()
    }

    pub(super) fn load(&self) {
        self.beside(|services| AppCommand::Plans(services.plans()));
    }

    pub(super) fn on_plans(&mut self, plans: Result<Vec<Plan>, Explanation>) {
        match plans {
            Ok(plans) => {
                self.loaded = true;
                self.set_plans(plans);
                self.follow_invocation();
            }
            Err(explanation) => dialogs::show_error(&self.window, &explanation, "", None),
        }
    }

    fn set_plans(&mut self, plans: Vec<Plan>) {
        let shown = self.plan().map(|plan| plan.id.clone());
        for plan in &plans {
            self.look_up_facts(plan);
        }
        self.current = plans.iter().position(|plan| Some(&plan.id) == shown.as_ref()).unwrap_or(0);
        let _ = self.state.on(Message::Plans(plans));
        if let (Some(preferences), Some(plan)) = (&self.preferences, self.plan()) {
            preferences.emit(PreferencesInput::Plan(Box::new(plan.clone())));
        }
    }

    fn look_up_facts(&self, plan: &Plan) {
        let plan = plan.clone();
        self.beside(move |services| AppCommand::Facts { facts: services.facts(&plan), plan: plan.id });
    }

    pub(super) fn change(&self, plan: String, change: PlanChange) {
        self.beside(move |services| AppCommand::Plans(services.change_plan(&plan, &change)));
    }

    pub(super) fn created(&mut self, created: Created) {
        let Created { plan, passphrase, remember } = created;
        if let Some(passphrase) = passphrase {
            self.state.know_password(&plan.id, passphrase.clone());
            if remember {
                self.remember(plan.clone(), passphrase);
            }
        }
        // The new plan is the one that is shown.
        self.current = self.state.plans.len();
        let mut plans = self.state.plans.clone();
        plans.push(plan.clone());
        let _ = self.state.on(Message::Plans(plans));
        self.beside(move |services| AppCommand::Plans(services.add_plan(plan)));
    }

    pub(super) fn delete_plan(&mut self, plan: String) {
        self.state.forget_password(&plan);
        self.beside(move |services| AppCommand::Plans(services.delete_plan(&plan)));
    }

    pub(super) fn remember(&self, plan: Plan, passphrase: Passphrase) {
        self.beside(move |services| match services.remember(&plan, &passphrase) {
            Ok(()) => AppCommand::Nothing,
            Err(sentence) => AppCommand::Toast(sentence),
        });
    }

    pub(super) fn forget_password(&mut self, plan: String) {
        self.state.forget_password(&plan);
        self.beside(move |services| {
            let _ = services.forget(&plan);
            AppCommand::Nothing
        });
    }

    /// Brings the overview and what can be undone up to date.
    pub(super) fn show(&mut self) {
        self.show_undo();
        let now = services::now();
        let Some(shown) = Shown::new(&self.state, self.current, &self.services.home, now) else { return };
        if self.shown.as_ref() != Some(&shown) {
            self.overview.emit(OverviewInput::Show(Box::new(shown.clone())));
            self.shown = Some(shown);
        }
    }
}

/// A plan for backups that were made elsewhere: not kept in the settings.
pub(super) fn guest(place: PlanPlace) -> Plan {
    let id = match &place.kind {
        PlaceKind::Folder { path } => format!("guest-{}", path.display()),
        PlaceKind::Drive { uuid, .. } => format!("guest-{uuid}"),
        PlaceKind::Address { url } => format!("guest-{url}"),
    };
    Plan {
        id: id.replace(|character: char| !character.is_ascii_alphanumeric(), "-"),
        name: place.label.clone(),
        place,
        folders: Vec::new(),
        ignored: Vec::new(),
        patterns: Vec::new(),
        presets: Default::default(),
        encrypt: false,
        schedule: Schedule { enabled: false, ..Schedule::new(Frequency::Daily) },
    }
}

/// Other programs change the settings too.
pub(super) fn watch_settings(file: &Path, input: relm4::Sender<AppInput>) -> Option<gio::FileMonitor> {
    let monitor = gio::File::for_path(file)
        .monitor_file(gio::FileMonitorFlags::NONE, None::<&gio::Cancellable>)
        .ok()?;
    monitor.connect_changed(move |_, _, _, event| {
        if !matches!(event, gio::FileMonitorEvent::Changed) {
            input.emit(AppInput::SettingsChanged);
        }
    });
    Some(monitor)
}
