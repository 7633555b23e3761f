//! A new password, typed twice, with an honest word about its strength.

use adw::prelude::*;
use hindsight::i18n::gettext;
use hindsight::secret::{Passphrase, Strength, strength};
use relm4::prelude::*;
use relm4::{adw, gtk};

use super::dialogs;

pub struct NewPassword {
    first: String,
    second: String,
    remember: bool,
}

impl Drop for NewPassword {
    fn drop(&mut self) {
        zeroize::Zeroize::zeroize(&mut self.first);
        zeroize::Zeroize::zeroize(&mut self.second);
    }
}

#[derive(Debug)]
pub enum NewPasswordInput {
    Changed,
}

#[derive(Debug)]
pub enum NewPasswordOutput {
    /// `None` until both are the same.
    Changed { passphrase: Option<Passphrase>, weak: bool, remember: bool },
}

/// Whether somebody means it who has chosen a weak one.
pub fn ask_to_use_weak(parent: &impl IsA<gtk::Widget>, use_it: impl FnOnce() + 'static) {
    dialogs::confirm(
        parent,
        &gettext("Use a Weak Password?"),
        &gettext(
            "Whoever gets hold of the place can try millions of passwords a day, and finds this one soon. Four or more words that have nothing to do with each other are better.",
        ),
        &gettext("Use It Anyway"),
        adw::ResponseAppearance::Destructive,
        move |confirmed| {
            if confirmed {
                use_it();
            }
        },
    );
}

impl NewPassword {
    fn word(&self) -> String {
        if !self.second.is_empty() && self.first != self.second {
            return gettext("The two differ");
        }
        match strength(&self.first) {
            Strength::None => String::new(),
            Strength::Weak => gettext("Weak: easy to guess with patience"),
            Strength::Fair => gettext("Fair: a few more words make it strong"),
            Strength::Strong => gettext("Strong"),
        }
    }
}

#[relm4::component(pub)]
impl Component for NewPassword {
    type Init = ();
    type Input = NewPasswordInput;
    type Output = NewPasswordOutput;
    type CommandOutput = ();

    view! {
        gtk::Box {
            set_orientation: gtk::Orientation::Vertical,
            set_spacing: 24,
            adw::PreferencesGroup {
                #[name = "first"]
                adw::PasswordEntryRow {
                    set_title: &gettext("Password"),
                    connect_changed => NewPasswordInput::Changed,
                },
                #[name = "second"]
                adw::PasswordEntryRow {
                    set_title: &gettext("Repeat Password"),
                    connect_changed => NewPasswordInput::Changed,
                },
                adw::PreferencesRow {
                    set_activatable: false,
                    set_focusable: false,
                    #[wrap(Some)]
                    set_child = &gtk::Box {
                        set_orientation: gtk::Orientation::Vertical,
                        set_spacing: 6,
                        set_margin_top: 9,
                        set_margin_bottom: 12,
                        set_margin_start: 12,
                        set_margin_end: 12,
                        gtk::Box {
                            gtk::Label {
                                set_label: &gettext("Strength"),
                                set_css_classes: &["caption", "dim-label"],
                                set_hexpand: true,
                                set_xalign: 0.0,
                            },
                            gtk::Label {
                                set_css_classes: &["caption", "dim-label"],
                                set_wrap: true,
                                #[watch]
                                set_label: &model.word(),
                            },
                        },
                        gtk::LevelBar {
                            set_max_value: 3.0,
                            set_mode: gtk::LevelBarMode::Discrete,
                            add_offset_value: (gtk::LEVEL_BAR_OFFSET_LOW, 1.0),
                            add_offset_value: (gtk::LEVEL_BAR_OFFSET_HIGH, 2.0),
                            add_offset_value: (gtk::LEVEL_BAR_OFFSET_FULL, 3.0),
                            set_accessible_role: gtk::AccessibleRole::Presentation,
                            #[watch]
                            set_value: f64::from(strength(&model.first) as u8),
                        },
                    },
                },
            },
            adw::PreferencesGroup {
                #[name = "remember"]
                adw::SwitchRow {
                    set_title: &gettext("Remember Password"),
                    set_subtitle: &gettext("Kept in your login keyring, so that backups can happen by themselves"),
                    set_active: true,
                    connect_active_notify => NewPasswordInput::Changed,
                },
            },
            gtk::Box {
                set_spacing: 12,
                set_margin_start: 12,
                set_margin_end: 12,
                gtk::Image {
                    set_icon_name: Some("dialog-information-symbolic"),
                    set_valign: gtk::Align::Start,
                    add_css_class: "dim-label",
                },
                gtk::Label {
                    set_label: &gettext("Write the password down and keep it somewhere else. Without it the backups cannot be read by anybody, not even by you."),
                    add_css_class: "dim-label",
                    set_wrap: true,
                    set_xalign: 0.0,
                },
            },
        }
    }

    fn init(_: (), root: Self::Root, sender: ComponentSender<Self>) -> ComponentParts<Self> {
        let model = Self { first: String::new(), second: String::new(), remember: true };
        let widgets = view_output!();
        ComponentParts { model, widgets }
    }

    fn update_with_view(
        &mut self,
        widgets: &mut Self::Widgets,
        NewPasswordInput::Changed: NewPasswordInput,
        sender: ComponentSender<Self>,
        _root: &Self::Root,
    ) {
        self.first = widgets.first.text().into();
        self.second = widgets.second.text().into();
        self.remember = widgets.remember.is_active();
        let same = !self.first.is_empty() && self.first == self.second;
        let passphrase = same.then(|| Passphrase::new(self.first.as_bytes()));
        let weak = strength(&self.first).is_weak();
        let _ = sender.output(NewPasswordOutput::Changed { passphrase, weak, remember: self.remember });
        self.update_view(widgets, sender);
    }
}
