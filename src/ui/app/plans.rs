//! The plans: read, shown, changed, and their passwords remembered.

use std::path::Path;

use hindsight::explain::Explanation;
use hindsight::i18n::gettext;
use hindsight::schedule::{Frequency, Schedule};
use hindsight::secret::{Passphrase, Passphrases};
use hindsight::settings::{PlaceKind, Plan, PlanPlace, Protection};
use relm4::adw;
use relm4::adw::prelude::*;
use relm4::gtk::gio;
use relm4::prelude::*;

use super::{App, AppCommand, AppInput};
use crate::ui::change::PlanChange;
use crate::ui::overview::{OverviewInput, Shown};
use crate::ui::preferences::PreferencesInput;
use crate::ui::services::{NewProtection, Protected};
use crate::ui::setup::Created;
use crate::ui::state::{Message, Request, What};
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
            let known = Passphrases { today: Some(passphrase.clone()), older: Vec::new() };
            self.state.learn_passphrases(&plan.id, known);
            if remember {
                self.remember(plan.clone(), passphrase, false);
            }
        }
        self.state.offers_sheet_of = Some(plan.id.clone());
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

    /// `older`: of earlier backups.
    pub(super) fn remember(&self, plan: Plan, passphrase: Passphrase, older: bool) {
        self.beside(move |services| {
            let remembered = match older {
                true => services.remember_older(&plan, &passphrase).map_err(|error| error.sentence),
                false => services.remember(&plan, &passphrase),
            };
            remembered.map_or_else(AppCommand::Toast, |()| AppCommand::Nothing)
        });
    }

    pub(super) fn protect(&self, plan: &str, new: NewProtection) {
        let Some(plan) = self.state.plan(plan).cloned() else { return };
        let known = self.state.password(&plan.id).cloned();
        self.beside(move |services| AppCommand::Protected(services.protect(&plan, &new, known)));
    }

    pub(super) fn protected(&mut self, outcome: Result<Protected, Explanation>) {
        let Protected { plan, plans, passphrases, said } = match outcome {
            Ok(protected) => protected,
            Err(explanation) => return dialogs::show_error(&self.window, &explanation, "", None),
        };
        self.state.learn_passphrases(&plan, passphrases);
        self.set_plans(plans);
        if let Some(said) = said {
            self.toasts.add_toast(adw::Toast::new(&said));
        }
        match self.state.facts(&plan).last_success {
            Some(_) => self.offer_to_begin_anew(plan),
            None => self.toasts.add_toast(adw::Toast::new(&gettext("Protection changed"))),
        }
    }

    fn offer_to_begin_anew(&self, plan: String) {
        let dialog = adw::AlertDialog::builder()
            .heading(gettext("Back Up Anew Now?"))
            .body(gettext(
                "The next backup saves everything anew, protected in the new way. Earlier backups stay as they are and can still be restored.",
            ))
            .close_response("later")
            .default_response("now")
            .build();
        dialog.add_responses(&[("later", &gettext("Later")), ("now", &gettext("Back Up Now"))]);
        dialog.set_response_appearance("now", adw::ResponseAppearance::Suggested);
        let input = self.input();
        dialog.choose(Some(&self.window), None::<&gio::Cancellable>, move |response| {
            if response == "now" {
                input.emit(AppInput::State(Message::Wanted(Request::new(plan, What::BackUp))));
            }
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
        protection: Protection::None,
        key_file: None,
        older_passwords: false,
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
