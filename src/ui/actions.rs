//! The app's actions and their keys, all in one place.

use adw::prelude::*;
use hindsight::i18n::gettext;
use relm4::{Sender, adw, gtk};

use super::app::{AppInput, Do};
use gtk::gio;

/// Name of the window's action, what it does, its key, and its words in the list of shortcuts (a msgid).
const ACTIONS: &[(&str, Do, &str, &str)] = &[
    ("backup", Do::BackUp, "<Control>b", "Back Up Now"),
    ("restore", Do::OpenRestore, "<Control>r", "Restore"),
    ("stop", Do::Stop, "<Control>period", "Stop"),
    ("preferences", Do::OpenPreferences, "<Control>comma", "Preferences"),
    ("verify", Do::Verify, "", "Check the Backups"),
    ("compare", Do::Compare, "", "Compare With My Files"),
    (UNDO, Do::UndoRestore, "", "Undo Last Restore"),
    ("new-plan", Do::NewPlan, "<Control>n", "New Backup Plan"),
    ("show-shortcuts", Do::ShowShortcuts, "<Control>question", "Keyboard Shortcuts"),
    ("about", Do::ShowAbout, "", "About Hindsight"),
    ("close", Do::Close, "<Control>w", "Close"),
];

/// There only while there is something to undo.
const UNDO: &str = "undo-restore";

const QUIT_KEY: &str = "<Control>q";

/// Adds all actions to the window and tells the application their keys.
pub fn install(app: &adw::Application, window: &adw::ApplicationWindow, sender: &Sender<AppInput>) {
    for (name, what, key, _) in ACTIONS {
        let action = gio::SimpleAction::new(name, None);
        let (sender, what) = (sender.clone(), *what);
        action.connect_activate(move |_, _| sender.emit(AppInput::Do(what)));
        window.add_action(&action);
        if !key.is_empty() {
            app.set_accels_for_action(&format!("win.{name}"), &[key]);
        }
    }
    // Those the desktop offers beside the app's icon, and the one that needs no window.
    for (name, what) in [("backup", Do::BackUp), ("restore", Do::OpenRestore), ("quit", Do::Quit)] {
        let action = gio::SimpleAction::new(name, None);
        let (sender, window) = (sender.clone(), window.clone());
        action.connect_activate(move |_, _| {
            if what != Do::Quit {
                window.present();
            }
            sender.emit(AppInput::Do(what));
        });
        app.add_action(&action);
    }
    app.set_accels_for_action("app.quit", &[QUIT_KEY]);
}

/// Whether the last restore can be undone.
pub fn offer_undo(window: &adw::ApplicationWindow, offer: bool) {
    if let Some(action) = window.lookup_action(UNDO).and_downcast::<gio::SimpleAction>() {
        action.set_enabled(offer);
    }
}

/// Keys with their words, for people.
pub fn shortcuts() -> impl Iterator<Item = (&'static str, String)> {
    let keyed = ACTIONS.iter().filter(|(_, _, key, _)| !key.is_empty());
    let quit = (QUIT_KEY, gettext("Quit"));
    keyed.map(|(_, _, key, words)| (*key, gettext(*words))).chain([quit])
}

pub fn menu() -> gio::Menu {
    let section = |items: &[(&str, &str)]| {
        let section = gio::Menu::new();
        for (words, action) in items {
            section.append(Some(&gettext(*words)), Some(action));
        }
        section
    };
    let menu = gio::Menu::new();
    menu.append_section(
        None,
        &section(&[("_Check the Backups", "win.verify"), ("C_ompare With My Files", "win.compare")]),
    );
    let undo = gio::MenuItem::new(Some(&gettext("_Undo Last Restore…")), Some(&format!("win.{UNDO}")));
    undo.set_attribute_value("hidden-when", Some(&"action-disabled".to_variant()));
    let restores = gio::Menu::new();
    restores.append_item(&undo);
    menu.append_section(None, &restores);
    menu.append_section(
        None,
        &section(&[("_New Backup Plan…", "win.new-plan"), ("_Preferences", "win.preferences")]),
    );
    menu.append_section(
        None,
        &section(&[("_Keyboard Shortcuts", "win.show-shortcuts"), ("_About Hindsight", "win.about")]),
    );
    menu
}
