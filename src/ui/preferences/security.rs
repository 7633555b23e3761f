//! Preferences: the password, and the end of a plan.

use adw::prelude::*;
use hindsight::i18n::{gettext, gettext_f};
use hindsight::settings::Plan;
use relm4::adw;
use relm4::prelude::*;

use crate::ui::dialogs;

pub struct SecurityPage {
    plan: Plan,
}

#[derive(Debug)]
pub enum SecurityInput {
    Plan(Box<Plan>),
    Forget,
    AskDelete { with_backups: bool },
    Delete { with_backups: bool },
}

#[derive(Debug)]
pub enum SecurityOutput {
    ForgetPassword,
    DeletePlan { with_backups: bool },
}

#[relm4::component(pub)]
impl Component for SecurityPage {
    type Init = Plan;
    type Input = SecurityInput;
    type Output = SecurityOutput;
    type CommandOutput = ();

    view! {
        adw::PreferencesPage {
            set_title: &gettext("Security"),
            set_icon_name: Some("security-high-symbolic"),
            adw::PreferencesGroup {
                set_title: &gettext("Password"),
                adw::ActionRow {
                    set_title: &gettext("Encryption"),
                    #[watch]
                    set_subtitle: &if model.plan.encrypt {
                        gettext("The backups are protected by a password")
                    } else {
                        gettext("Off: whoever has the place can read the backups")
                    },
                },
                adw::ButtonRow {
                    set_title: &gettext("Forget Password"),
                    #[watch]
                    set_visible: model.plan.encrypt,
                    connect_activated => SecurityInput::Forget,
                },
            },
            adw::PreferencesGroup {
                set_title: &gettext("Delete Backup Plan"),
                adw::ButtonRow {
                    set_title: &gettext("Delete Plan, Keep Its Backups…"),
                    connect_activated => SecurityInput::AskDelete { with_backups: false },
                },
                adw::ButtonRow {
                    set_title: &gettext("Delete Plan and Its Backups…"),
                    add_css_class: "destructive-action",
                    connect_activated => SecurityInput::AskDelete { with_backups: true },
                },
            },
        }
    }

    fn init(plan: Plan, root: Self::Root, sender: ComponentSender<Self>) -> ComponentParts<Self> {
        let model = Self { plan };
        let widgets = view_output!();
        ComponentParts { model, widgets }
    }

    fn update(&mut self, input: SecurityInput, sender: ComponentSender<Self>, root: &Self::Root) {
        match input {
            SecurityInput::Plan(plan) => self.plan = *plan,
            SecurityInput::Forget => {
                let _ = sender.output(SecurityOutput::ForgetPassword);
            }
            SecurityInput::AskDelete { with_backups } => {
                let input = sender.input_sender().clone();
                let place = [("place", self.plan.place.label.as_str())];
                let (heading, body, action) = match with_backups {
                    true => (
                        gettext("Delete the Backups?"),
                        gettext_f("All backups of this plan on {place} are deleted for good.", &place),
                        gettext("Delete Backups"),
                    ),
                    false => (
                        gettext("Delete the Plan?"),
                        gettext_f("Its backups stay on {place} and can be restored later.", &place),
                        gettext("Delete Plan"),
                    ),
                };
                let appearance = adw::ResponseAppearance::Destructive;
                dialogs::confirm(root, &heading, &body, &action, appearance, move |confirmed| {
                    if confirmed {
                        input.emit(SecurityInput::Delete { with_backups });
                    }
                });
            }
            SecurityInput::Delete { with_backups } => {
                let _ = sender.output(SecurityOutput::DeletePlan { with_backups });
            }
        }
    }
}
