//! Keys of GnuPG to choose from: whom backups are encrypted for, and who signs them.

use adw::prelude::*;
use hindsight::engine::UsableKey;
use hindsight::explain::Explanation;
use hindsight::i18n::{gettext, gettext_f};
use hindsight::settings::{PlanKey, PlanKeys, short_id};
use relm4::prelude::*;
use relm4::{adw, gtk};

use crate::ui::overview::escaped;
use crate::ui::texts;

pub struct KeysChooser {
    /// `None` until GnuPG has told them.
    found: Option<Result<Vec<UsableKey>, Explanation>>,
    /// By fingerprint.
    recipients: Vec<String>,
    signer: Option<String>,
}

#[derive(Debug)]
pub enum KeysInput {
    Found(Result<Vec<UsableKey>, Explanation>),
    Recipient {
        fingerprint: String,
        chosen: bool,
    },
    /// In the list, where the first one is nobody.
    Signer(u32),
}

/// `None` while nobody is chosen.
#[derive(Debug)]
pub struct KeysOutput(pub Option<PlanKeys>);

#[relm4::component(pub)]
impl Component for KeysChooser {
    type Init = Option<PlanKeys>;
    type Input = KeysInput;
    type Output = KeysOutput;
    type CommandOutput = ();

    view! {
        adw::PreferencesGroup {
            set_title: &gettext("Encrypt For"),
            #[watch]
            set_description: Some(&model.description()),
            #[name = "signer"]
            adw::ComboRow {
                set_title: &gettext("Sign With"),
                set_subtitle: &gettext("Adds a signature that GnuPG and duplicity can check"),
                set_visible: false,
                connect_selected_notify[sender] => move |row| sender.input(KeysInput::Signer(row.selected())),
            },
        }
    }

    fn init(
        chosen: Option<PlanKeys>,
        root: Self::Root,
        sender: ComponentSender<Self>,
    ) -> ComponentParts<Self> {
        let fingerprint = |key: &PlanKey| key.fingerprint.clone();
        let recipients =
            chosen.iter().flat_map(|keys| keys.recipients.iter().map(fingerprint)).collect::<Vec<_>>();
        let signer = chosen.and_then(|keys| keys.signer.as_ref().map(fingerprint));
        let model = Self { found: None, recipients, signer };
        let widgets = view_output!();
        ComponentParts { model, widgets }
    }

    fn update_with_view(
        &mut self,
        widgets: &mut Self::Widgets,
        input: KeysInput,
        sender: ComponentSender<Self>,
        root: &Self::Root,
    ) {
        match input {
            KeysInput::Found(found) => {
                self.found = Some(found);
                self.choose_own();
                self.fill(root, &widgets.signer, &sender);
            }
            KeysInput::Recipient { fingerprint, chosen } => {
                self.recipients.retain(|kept| *kept != fingerprint);
                self.recipients.extend(chosen.then_some(fingerprint));
            }
            KeysInput::Signer(index) => {
                let key = index.checked_sub(1).and_then(|index| self.signing().nth(index as usize));
                self.signer = key.map(|key| key.fingerprint.clone());
            }
        }
        let _ = sender.output(KeysOutput(self.chosen()));
        self.update_view(widgets, sender);
    }
}

impl KeysChooser {
    fn keys(&self) -> &[UsableKey] {
        self.found.as_ref().and_then(|found| found.as_deref().ok()).unwrap_or_default()
    }

    fn encrypting(&self) -> impl Iterator<Item = &UsableKey> {
        self.keys().iter().filter(|key| key.encrypts)
    }

    fn signing(&self) -> impl Iterator<Item = &UsableKey> {
        self.keys().iter().filter(|key| key.signs)
    }

    /// Where there is only one of this person's, it is most likely meant.
    fn choose_own(&mut self) {
        let own: Vec<_> =
            self.encrypting().filter(|key| key.own).map(|key| key.fingerprint.clone()).collect();
        if let ([only], true) = (own.as_slice(), self.recipients.is_empty()) {
            self.recipients.push(only.clone());
        }
    }

    fn chosen(&self) -> Option<PlanKeys> {
        let plan_key =
            |key: &UsableKey| PlanKey { fingerprint: key.fingerprint.clone(), label: key.name.clone() };
        let is_chosen = |key: &&UsableKey| self.recipients.contains(&key.fingerprint);
        let recipients: Vec<_> = self.encrypting().filter(is_chosen).map(plan_key).collect();
        let signer = self.signing().find(|key| Some(&key.fingerprint) == self.signer.as_ref()).map(plan_key);
        (!recipients.is_empty()).then_some(PlanKeys { recipients, signer })
    }

    fn description(&self) -> String {
        match &self.found {
            None => gettext("Looking for keys…"),
            Some(Err(explanation)) => {
                let hint = explanation.hint.iter().map(String::as_str);
                std::iter::once(explanation.sentence.as_str()).chain(hint).collect::<Vec<_>>().join(" ")
            }
            Some(Ok(_)) if self.encrypting().next().is_none() => {
                gettext("GnuPG has no key that backups could be encrypted for.")
            }
            Some(Ok(_)) if self.excludes_owner() => {
                gettext("None of the chosen keys is yours: you could not restore your own files.")
            }
            Some(Ok(_)) => gettext("Each of these people can restore everything."),
        }
    }

    fn excludes_owner(&self) -> bool {
        let is_chosen = |key: &&UsableKey| self.recipients.contains(&key.fingerprint);
        let mut chosen = self.encrypting().filter(is_chosen).peekable();
        chosen.peek().is_some() && !chosen.any(|key| key.own)
    }

    fn fill(&self, group: &adw::PreferencesGroup, signer: &adw::ComboRow, sender: &ComponentSender<Self>) {
        // Those that sign come last.
        group.remove(signer);
        for key in self.encrypting() {
            group.add(&self.row(key, sender));
        }
        group.add(signer);
        let names: Vec<_> = std::iter::once(gettext("Nobody")).chain(self.signing().map(named)).collect();
        let place = self.signing().position(|key| Some(&key.fingerprint) == self.signer.as_ref());
        signer.set_visible(self.encrypting().next().is_some() && names.len() > 1);
        signer.set_model(Some(&texts::list(&names)));
        signer.set_selected(place.map_or(0, |place| place as u32 + 1));
    }

    fn row(&self, key: &UsableKey, sender: &ComponentSender<Self>) -> adw::ActionRow {
        let chosen = self.recipients.contains(&key.fingerprint);
        let mark = gtk::CheckButton::builder().active(chosen).valign(gtk::Align::Center).build();
        let (input, fingerprint) = (sender.input_sender().clone(), key.fingerprint.clone());
        mark.connect_toggled(move |mark| {
            let fingerprint = fingerprint.clone();
            input.emit(KeysInput::Recipient { fingerprint, chosen: mark.is_active() });
        });
        let row = adw::ActionRow::builder().title(escaped(&key.name)).subtitle(escaped(&details(key)));
        let row = row.build();
        row.add_prefix(&mark);
        row.set_activatable_widget(Some(&mark));
        row
    }
}

/// Where several have the same name, their ids tell them apart.
fn named(key: &UsableKey) -> String {
    format!("{} ({})", key.name, short_id(&key.fingerprint))
}

fn details(key: &UsableKey) -> String {
    let expires = key.expires.map_or_else(
        || gettext("does not expire"),
        |expires| gettext_f("expires on {date}", &[("date", &texts::date(expires))]),
    );
    let parts = [key.email.clone(), short_id(&key.fingerprint), expires];
    parts.into_iter().filter(|part| !part.is_empty()).collect::<Vec<_>>().join(" · ")
}
