//! How backups are to be protected from now on: a page on top of the preferences.

use adw::prelude::*;
use hindsight::engine::UsableKey;
use hindsight::explain::Explanation;
use hindsight::i18n::gettext;
use hindsight::secret::Passphrase;
use hindsight::settings::{Plan, PlanKeys, Protection};
use relm4::prelude::*;
use relm4::{adw, gtk};

use super::keys::{KeysChooser, KeysInput, KeysOutput};
use crate::ui::dialogs;
use crate::ui::password::{NewPassword, NewPasswordOutput, ask_to_use_weak};
use crate::ui::services::{NewProtection, Services};

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Choice {
    Password,
    Keys,
    Nothing,
}

impl Choice {
    const ALL: [Self; 3] = [Self::Password, Self::Keys, Self::Nothing];

    pub fn of(protection: &Protection) -> Self {
        match protection {
            Protection::Password => Self::Password,
            Protection::Keys(_) => Self::Keys,
            Protection::None => Self::Nothing,
        }
    }

    /// Title and subtitle.
    fn words(self) -> (String, String) {
        match self {
            Self::Password => (gettext("Password"), gettext("Whoever knows it can restore, on any computer")),
            Self::Keys => {
                (gettext("Keys From GnuPG"), gettext("Whoever has one of the secret keys can restore"))
            }
            Self::Nothing => {
                (gettext("No Protection"), gettext("Whoever gets hold of the place can read all files"))
            }
        }
    }
}

pub struct ProtectionPage {
    before: Protection,
    choice: Choice,
    passphrase: Option<Passphrase>,
    weak: bool,
    remember: bool,
    /// `None` until some are chosen.
    chosen: Option<PlanKeys>,
    password: Controller<NewPassword>,
    keys: Controller<KeysChooser>,
}

#[derive(Debug)]
pub enum ProtectionInput {
    Choose(Choice),
    Password(NewPasswordOutput),
    Keys(KeysOutput),
    /// Asks where it must be asked.
    Change,
    ChangeAnyway,
}

#[derive(Debug)]
pub struct ProtectionOutput(pub NewProtection);

#[relm4::component(pub)]
impl Component for ProtectionPage {
    type Init = Plan;
    type Input = ProtectionInput;
    type Output = ProtectionOutput;
    type CommandOutput = Result<Vec<UsableKey>, Explanation>;

    view! {
        adw::NavigationPage {
            set_title: &gettext("Change Protection"),
            set_tag: Some("protection"),
            #[wrap(Some)]
            set_child = &adw::ToolbarView {
                add_top_bar = &adw::HeaderBar {
                    pack_end = &gtk::Button {
                        set_label: &gettext("Change"),
                        add_css_class: "suggested-action",
                        #[watch]
                        set_sensitive: model.wanted().is_some(),
                        connect_clicked => ProtectionInput::Change,
                    },
                },
                #[wrap(Some)]
                set_content = &adw::PreferencesPage {
                    #[name = "choices"]
                    add = &adw::PreferencesGroup {
                        set_description: Some(&gettext("Used from the next backup on, which saves everything anew. Earlier backups stay as they are and can still be restored.")),
                    },
                    add = &adw::PreferencesGroup {
                        add: model.password.widget(),
                        #[watch]
                        set_visible: model.choice == Choice::Password,
                    },
                    add: model.keys.widget(),
                },
            },
        }
    }

    fn init(plan: Plan, root: Self::Root, sender: ComponentSender<Self>) -> ComponentParts<Self> {
        let input = sender.input_sender();
        let chosen = match &plan.protection {
            Protection::Keys(keys) => Some(keys.clone()),
            Protection::None | Protection::Password => None,
        };
        let model = Self {
            choice: Choice::of(&plan.protection),
            before: plan.protection,
            passphrase: None,
            weak: false,
            remember: true,
            password: NewPassword::builder().launch(()).forward(input, ProtectionInput::Password),
            keys: KeysChooser::builder().launch(chosen.clone()).forward(input, ProtectionInput::Keys),
            chosen,
        };
        let widgets = view_output!();
        model.add_choices(&widgets.choices, &sender);
        model.show_keys();
        sender.spawn_oneshot_command(Services::keys);
        ComponentParts { model, widgets }
    }

    fn update(&mut self, input: ProtectionInput, sender: ComponentSender<Self>, root: &Self::Root) {
        match input {
            ProtectionInput::Choose(choice) => {
                self.choice = choice;
                self.show_keys();
            }
            ProtectionInput::Password(NewPasswordOutput::Changed { passphrase, weak, remember }) => {
                (self.passphrase, self.weak, self.remember) = (passphrase, weak, remember);
            }
            ProtectionInput::Keys(KeysOutput(chosen)) => self.chosen = chosen,
            ProtectionInput::Change => self.ask(root, &sender),
            ProtectionInput::ChangeAnyway => {
                if let Some(new) = self.wanted() {
                    let _ = sender.output(ProtectionOutput(new));
                }
            }
        }
    }

    fn update_cmd(
        &mut self,
        found: Result<Vec<UsableKey>, Explanation>,
        _sender: ComponentSender<Self>,
        _root: &Self::Root,
    ) {
        self.keys.emit(KeysInput::Found(found));
    }
}

impl ProtectionPage {
    fn add_choices(&self, group: &adw::PreferencesGroup, sender: &ComponentSender<Self>) {
        let mut first: Option<gtk::CheckButton> = None;
        for choice in Choice::ALL {
            let (title, subtitle) = choice.words();
            let mark = gtk::CheckButton::builder().active(choice == self.choice).valign(gtk::Align::Center);
            let mark = mark.build();
            mark.set_group(first.as_ref());
            let input = sender.input_sender().clone();
            mark.connect_toggled(move |mark| {
                if mark.is_active() {
                    input.emit(ProtectionInput::Choose(choice));
                }
            });
            let row = adw::ActionRow::builder().title(title).subtitle(subtitle).build();
            row.add_prefix(&mark);
            row.set_activatable_widget(Some(&mark));
            group.add(&row);
            first.get_or_insert(mark);
        }
    }

    fn show_keys(&self) {
        self.keys.widget().set_visible(self.choice == Choice::Keys);
    }

    /// `None` while something is missing, or nothing is new.
    fn wanted(&self) -> Option<NewProtection> {
        let protection = match self.choice {
            Choice::Password => self.passphrase.as_ref().map(|_| Protection::Password)?,
            Choice::Keys => Protection::Keys(self.chosen.clone()?),
            Choice::Nothing => Protection::None,
        };
        let passphrase = self.passphrase.clone().filter(|_| self.choice == Choice::Password);
        let is_new = passphrase.is_some() || protection != self.before;
        is_new.then_some(NewProtection { protection, passphrase, remember: self.remember })
    }

    fn ask(&self, root: &adw::NavigationPage, sender: &ComponentSender<Self>) {
        let input = sender.input_sender().clone();
        let change = move || input.emit(ProtectionInput::ChangeAnyway);
        match self.choice {
            Choice::Password if self.weak => ask_to_use_weak(root, change),
            Choice::Nothing => dialogs::confirm(
                root,
                &gettext("Back Up Without Protection?"),
                &gettext("Whoever gets hold of the place can then read all files in the new backups."),
                &gettext("Without Protection"),
                adw::ResponseAppearance::Destructive,
                move |confirmed| {
                    if confirmed {
                        change();
                    }
                },
            ),
            Choice::Password | Choice::Keys => change(),
        }
    }
}
