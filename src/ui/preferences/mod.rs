//! Preferences of one plan: folders, place, schedule, security. Each change takes effect at once.

mod folders;
mod keys;
mod place;
mod protection;
mod schedule;
mod security;

use std::path::PathBuf;

use adw::prelude::*;
use hindsight::i18n::gettext;
use hindsight::settings::Plan;
use relm4::adw;
use relm4::prelude::*;

use self::folders::{FoldersInput, FoldersOutput, FoldersPage};
use self::place::{PlaceInput, PlacePage};
use self::protection::{ProtectionOutput, ProtectionPage};
use self::schedule::{ScheduleInput, SchedulePage};
use self::security::{SecurityInput, SecurityOutput, SecurityPage};
use super::change::PlanChange;
use super::services::NewProtection;
use super::{left_out, sheet};

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Page {
    Folders,
    Place,
    Schedule,
}

pub struct PreferencesInit {
    pub plan: Plan,
    pub home: PathBuf,
    pub page: Page,
}

pub struct Preferences {
    plan: Plan,
    home: PathBuf,
    folders: Controller<FoldersPage>,
    place: Controller<PlacePage>,
    schedule: Controller<SchedulePage>,
    security: Controller<SecurityPage>,
    /// While it is open.
    protection: Option<Controller<ProtectionPage>>,
}

#[derive(Debug)]
pub enum PreferencesInput {
    /// The plan as it is now, whoever changed it.
    Plan(Box<Plan>),
    Folders(FoldersOutput),
    Change(PlanChange),
    Security(SecurityOutput),
    Protect(NewProtection),
}

#[derive(Debug)]
pub enum PreferencesOutput {
    Change { plan: String, change: PlanChange },
    Protect { plan: String, new: Box<NewProtection> },
    ForgetPassword { plan: String },
    DeletePlan { plan: String, with_backups: bool },
    Closed,
}

#[relm4::component(pub)]
impl Component for Preferences {
    type Init = PreferencesInit;
    type Input = PreferencesInput;
    type Output = PreferencesOutput;
    type CommandOutput = ();

    view! {
        adw::PreferencesDialog {
            set_title: &gettext("Preferences"),
            set_content_width: 640,
            set_content_height: 600,
            set_search_enabled: true,
            connect_closed[sender] => move |_| {
                let _ = sender.output(PreferencesOutput::Closed);
            },
        }
    }

    fn init(init: PreferencesInit, root: Self::Root, sender: ComponentSender<Self>) -> ComponentParts<Self> {
        let PreferencesInit { plan, home, page } = init;
        let input = sender.input_sender();
        let folders = FoldersPage::builder()
            .launch((plan.clone(), home.clone()))
            .forward(input, PreferencesInput::Folders);
        let place = PlacePage::builder().launch(plan.clone()).forward(input, PreferencesInput::Change);
        let schedule = SchedulePage::builder().launch(plan.clone()).forward(input, PreferencesInput::Change);
        let security =
            SecurityPage::builder().launch(plan.clone()).forward(input, PreferencesInput::Security);
        for page in [folders.widget(), place.widget(), schedule.widget(), security.widget()] {
            root.add(page);
        }
        root.set_visible_page(match page {
            Page::Folders => folders.widget(),
            Page::Place => place.widget(),
            Page::Schedule => schedule.widget(),
        });
        let model = Self { plan, home, folders, place, schedule, security, protection: None };
        let widgets = view_output!();
        ComponentParts { model, widgets }
    }

    fn update(&mut self, input: PreferencesInput, sender: ComponentSender<Self>, root: &Self::Root) {
        match input {
            PreferencesInput::Plan(plan) => self.show(*plan),
            PreferencesInput::Folders(FoldersOutput::Change(change)) => {
                if let Some(undo) = change.undo(&self.plan) {
                    offer_undo(root, undo, &sender);
                }
                self.change(change, &sender);
            }
            PreferencesInput::Folders(FoldersOutput::Refused(sentence)) => {
                root.add_toast(adw::Toast::new(&sentence));
            }
            PreferencesInput::Folders(FoldersOutput::Review(found)) => {
                root.push_subpage(&left_out::page(&found, &self.home));
            }
            PreferencesInput::Change(change) => self.change(change, &sender),
            PreferencesInput::Security(output) => self.on_security(output, root, &sender),
            PreferencesInput::Protect(new) => {
                root.pop_subpage();
                let (plan, new) = (self.plan.id.clone(), Box::new(new));
                let _ = sender.output(PreferencesOutput::Protect { plan, new });
            }
        }
    }
}

impl Preferences {
    fn on_security(
        &mut self,
        output: SecurityOutput,
        root: &adw::PreferencesDialog,
        sender: &ComponentSender<Self>,
    ) {
        let plan = self.plan.id.clone();
        match output {
            SecurityOutput::OpenProtection => {
                let told = |ProtectionOutput(new)| PreferencesInput::Protect(new);
                let page = ProtectionPage::builder().launch(self.plan.clone());
                let page = page.forward(sender.input_sender(), told);
                root.push_subpage(page.widget());
                self.protection = Some(page);
            }
            SecurityOutput::ForgetPassword => {
                root.add_toast(adw::Toast::new(&gettext("Password forgotten")));
                let _ = sender.output(PreferencesOutput::ForgetPassword { plan });
            }
            SecurityOutput::SheetSaved(saved) => {
                root.add_toast(adw::Toast::new(&sheet::words(&saved)));
            }
            SecurityOutput::DeletePlan { with_backups } => {
                root.close();
                let _ = sender.output(PreferencesOutput::DeletePlan { plan, with_backups });
            }
        }
    }

    fn change(&self, change: PlanChange, sender: &ComponentSender<Self>) {
        let _ = sender.output(PreferencesOutput::Change { plan: self.plan.id.clone(), change });
    }

    fn show(&mut self, plan: Plan) {
        if plan == self.plan {
            return;
        }
        self.folders.emit(FoldersInput::Plan(Box::new(plan.clone())));
        self.place.emit(PlaceInput::Plan(Box::new(plan.clone())));
        self.schedule.emit(ScheduleInput::Plan(Box::new(plan.clone())));
        self.security.emit(SecurityInput::Plan(Box::new(plan.clone())));
        self.plan = plan;
    }
}

fn offer_undo(dialog: &adw::PreferencesDialog, undo: PlanChange, sender: &ComponentSender<Preferences>) {
    let toast = adw::Toast::builder().title(gettext("Removed")).button_label(gettext("Undo")).build();
    let input = sender.input_sender().clone();
    toast.connect_button_clicked(move |_| input.emit(PreferencesInput::Change(undo.clone())));
    dialog.add_toast(toast);
}
