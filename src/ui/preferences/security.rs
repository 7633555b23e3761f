//! Preferences: how the backups are protected, and the end of a plan.

use adw::prelude::*;
use hindsight::i18n::{gettext, gettext_f};
use hindsight::settings::{Plan, PlanKey, PlanKeys, Protection};
use relm4::prelude::*;
use relm4::{adw, gtk};

use crate::ui::overview::escaped;
use crate::ui::{dialogs, sheet};

pub struct SecurityPage {
    plan: Plan,
}

#[derive(Debug)]
pub enum SecurityInput {
    Plan(Box<Plan>),
    Forget,
    SaveSheet,
    PrintSheet,
    AskDelete { with_backups: bool },
    Delete { with_backups: bool },
}

#[derive(Debug)]
pub enum SecurityOutput {
    OpenProtection,
    ForgetPassword,
    /// Or why not.
    SheetSaved(Result<(), String>),
    DeletePlan {
        with_backups: bool,
    },
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
                adw::ActionRow {
                    set_title: &gettext("Protection"),
                    set_activatable: true,
                    add_suffix = &gtk::Image::from_icon_name("go-next-symbolic"),
                    #[watch]
                    set_subtitle: &escaped(&protection_words(&model.plan.protection)),
                    connect_activated[sender] => move |_| {
                        let _ = sender.output(SecurityOutput::OpenProtection);
                    },
                },
                adw::ButtonRow {
                    set_title: &gettext("Forget Password"),
                    #[watch]
                    set_visible: model.plan.protection == Protection::Password,
                    connect_activated => SecurityInput::Forget,
                },
            },
            adw::PreferencesGroup {
                set_title: &gettext("Recovery Sheet"),
                set_description: Some(&gettext("One page that says how to get your files back, even without this computer and without Hindsight")),
                adw::ButtonRow {
                    set_title: &gettext("Save Recovery Sheet…"),
                    connect_activated => SecurityInput::SaveSheet,
                },
                adw::ButtonRow {
                    set_title: &gettext("Print Recovery Sheet…"),
                    connect_activated => SecurityInput::PrintSheet,
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
            SecurityInput::SaveSheet => {
                let sender = sender.clone();
                sheet::save(root, &self.plan, move |saved| {
                    let _ = sender.output(SecurityOutput::SheetSaved(saved));
                });
            }
            SecurityInput::PrintSheet => sheet::print(root, &self.plan),
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

fn protection_words(protection: &Protection) -> String {
    match protection {
        Protection::None => gettext("None: whoever has the place can read the backups"),
        Protection::Password => gettext("A password"),
        Protection::Keys(PlanKeys { recipients, signer }) => {
            let named = |key: &PlanKey| format!("{} ({})", key.label, key.short_id());
            let names = recipients.iter().map(named).collect::<Vec<_>>().join(", ");
            match signer {
                None => gettext_f("Keys of {names}", &[("names", &names)]),
                Some(signer) => gettext_f(
                    "Keys of {names}; signed by {signer}",
                    &[("names", &names), ("signer", &signer.label)],
                ),
            }
        }
    }
}
