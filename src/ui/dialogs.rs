//! Questions and messages that stand in front of a page. Each calls back at most once.

mod frame;
mod trouble;

use adw::prelude::*;
use hindsight::explain::Explanation;
use hindsight::i18n::{gettext, gettext_f};
use hindsight::secret::Passphrase;
use relm4::gtk::glib;
use relm4::{adw, gtk, view};

use super::{actions, timeline};

pub use self::frame::{question, question_header};
pub use self::trouble::{show_error, show_lines, show_problems};

/// What somebody typed, and whether the keyring is to remember it. `None`: closed without an answer.
pub type Typed = Option<(Passphrase, bool)>;

pub fn ask_password(
    parent: &impl IsA<gtk::Widget>,
    place: &str,
    wrong: bool,
    answer: impl FnOnce(Typed) + 'static,
) {
    view! {
        group = adw::PreferencesGroup {
            #[name = "entry"]
            adw::PasswordEntryRow {
                set_title: &gettext("Password"),
                set_activates_default: true,
            },
            #[name = "remember"]
            adw::SwitchRow {
                set_title: &gettext("Remember Password"),
                set_active: true,
            },
        }
    }
    view! {
        body = gtk::Box {
            set_orientation: gtk::Orientation::Vertical,
            set_spacing: 12,
            gtk::Label {
                set_visible: wrong,
                set_label: &gettext("The password does not open these backups."),
                set_css_classes: &["error"],
                set_wrap: true,
                set_justify: gtk::Justification::Center,
            },
            append: &group,
        }
    }
    let dialog = adw::AlertDialog::builder()
        .heading(gettext("Password Needed"))
        .body(gettext_f("The backups on {place} are protected by a password.", &[("place", place)]))
        .extra_child(&body)
        .close_response("cancel")
        .default_response("continue")
        .focus_widget(&entry)
        .build();
    dialog.add_responses(&[("cancel", &gettext("Cancel")), ("continue", &gettext("Continue"))]);
    dialog.set_response_appearance("continue", adw::ResponseAppearance::Suggested);
    dialog.set_response_enabled("continue", false);
    let weak = dialog.downgrade();
    entry.connect_changed(move |entry| {
        if let Some(dialog) = weak.upgrade() {
            dialog.set_response_enabled("continue", !entry.text().is_empty());
        }
    });
    dialog.choose(Some(parent), None::<&gtk::gio::Cancellable>, move |response| {
        let typed = (response == "continue")
            .then(|| (Passphrase::new(entry.text().as_bytes()), remember.is_active()));
        // What was typed stays no longer than it must in the widget.
        entry.set_text("");
        answer(typed);
    });
}

/// A question whose answer goes on with what was stopped by it.
pub fn ask_to_go_on(
    parent: &impl IsA<gtk::Widget>,
    explanation: &Explanation,
    go_on: &str,
    answer: impl FnOnce(bool) + 'static,
) {
    let body = match &explanation.hint {
        Some(hint) => format!("{}\n\n{hint}", explanation.sentence),
        None => explanation.sentence.clone(),
    };
    confirm(parent, &explanation.title, &body, go_on, adw::ResponseAppearance::Default, answer);
}

/// The button with the consequence is never the default one.
pub fn confirm(
    parent: &impl IsA<gtk::Widget>,
    heading: &str,
    body: &str,
    action: &str,
    appearance: adw::ResponseAppearance,
    answer: impl FnOnce(bool) + 'static,
) {
    let dialog = adw::AlertDialog::builder()
        .heading(heading)
        .body(body)
        .close_response("cancel")
        .default_response("cancel")
        .build();
    dialog.add_responses(&[("cancel", &gettext("Cancel")), ("go-on", action)]);
    dialog.set_response_appearance("go-on", appearance);
    dialog.choose(Some(parent), None::<&gtk::gio::Cancellable>, move |response| answer(response == "go-on"));
}

/// Shows a dialog that nobody else holds. Where there are no animations, libadwaita's sheet still tells of itself after
/// closing has let go of the dialog: that stays until the main loop's next turn.
fn present(dialog: &impl IsA<adw::Dialog>, parent: &impl IsA<gtk::Widget>) {
    dialog.connect_closed(|dialog| {
        let dialog = dialog.clone();
        glib::idle_add_local_once(move || drop(dialog));
    });
    dialog.present(Some(parent));
}

pub fn show_about(parent: &impl IsA<gtk::Widget>) {
    let dialog = adw::AboutDialog::builder()
        .application_name("Hindsight")
        .application_icon(super::APP_ID)
        .version(env!("CARGO_PKG_VERSION"))
        .comments(gettext("Backups with a timeline, in an open format"))
        .developer_name(gettext("The Hindsight Founders"))
        .website(env!("CARGO_PKG_REPOSITORY"))
        .license_type(gtk::License::Gpl30)
        .build();
    present(&dialog, parent);
}

/// The accelerators of `super::actions`, in words.
pub fn show_shortcuts(parent: &impl IsA<gtk::Widget>) {
    let page = adw::PreferencesPage::new();
    page.add(&shortcut_group("", actions::shortcuts()));
    page.add(&shortcut_group(&gettext("Timeline"), timeline::shortcuts()));
    view! {
        dialog = adw::Dialog {
            set_title: &gettext("Keyboard Shortcuts"),
            set_content_width: 420,
            #[wrap(Some)]
            set_child = &adw::ToolbarView {
                add_top_bar = &adw::HeaderBar {},
                set_content: Some(&page),
            },
        }
    }
    present(&dialog, parent);
}

fn shortcut_group(
    title: &str,
    shortcuts: impl IntoIterator<Item = (&'static str, String)>,
) -> adw::PreferencesGroup {
    let group = adw::PreferencesGroup::builder().title(title).build();
    for (shortcut, title) in shortcuts {
        let keys = gtk::accelerator_parse(shortcut)
            .map(|(key, modifiers)| gtk::accelerator_get_label(key, modifiers))
            .unwrap_or_default();
        let row = adw::ActionRow::builder().title(&title).build();
        let label = gtk::Label::builder().label(keys).css_classes(["dim-label", "numeric"]).build();
        row.add_suffix(&label);
        group.add(&row);
    }
    group
}
