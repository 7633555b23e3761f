//! The page's own menu and keys.

use adw::prelude::*;
use gtk::{gio, glib};
use hindsight::i18n::gettext;
use relm4::{Sender, adw, gtk};

use super::{TimelineInput, Way};

/// Keys of the page and of its time bar, with their words.
pub fn shortcuts() -> Vec<(&'static str, String)> {
    vec![
        ("<Control>f", gettext("Search")),
        ("<Control>h", gettext("Show Hidden Files")),
        ("<Alt>Up", gettext("Parent Folder")),
        ("<Alt>Left", gettext("Back")),
        ("<Alt>Right", gettext("Forward")),
        ("Left", gettext("Earlier Date")),
        ("Right", gettext("Later Date")),
        ("<Control>Left", gettext("Earlier Change of This Folder")),
        ("<Control>Right", gettext("Later Change of This Folder")),
        ("Home", gettext("Oldest Date")),
        ("End", gettext("Newest Date")),
    ]
}

pub fn menu() -> gio::Menu {
    let menu = gio::Menu::new();
    menu.append(Some(&gettext("Show _Hidden Files")), Some("timeline.hidden"));
    menu.append(Some(&gettext("Show _Deleted Items")), Some("timeline.deleted"));
    menu
}

/// Actions for the menu, and keys that work anywhere on the page.
pub fn install(page: &adw::NavigationPage, with_deleted: bool, input: &Sender<TimelineInput>) {
    let actions = gio::SimpleActionGroup::new();
    let switch = |name: &str, on: bool, message: fn(bool) -> TimelineInput| {
        let action = gio::SimpleAction::new_stateful(name, None, &on.to_variant());
        let input = input.clone();
        action.connect_change_state(move |action, state| {
            if let Some(on) = state.and_then(|state| state.get::<bool>()) {
                action.set_state(&on.to_variant());
                input.emit(message(on));
            }
        });
        actions.add_action(&action);
    };
    switch("hidden", false, TimelineInput::WithHidden);
    switch("deleted", with_deleted, TimelineInput::WithDeleted);
    page.insert_action_group("timeline", Some(&actions));

    let keys = gtk::ShortcutController::new();
    keys.set_scope(gtk::ShortcutScope::Managed);
    let action = |key: &str, action: &str| {
        let trigger = gtk::ShortcutTrigger::parse_string(key);
        keys.add_shortcut(gtk::Shortcut::new(trigger, Some(gtk::NamedAction::new(action))));
    };
    action("<Control>h", "timeline.hidden");
    let tell = |key: &str, message: fn() -> TimelineInput| {
        let input = input.clone();
        let told = gtk::CallbackAction::new(move |_, _| {
            input.emit(message());
            glib::Propagation::Stop
        });
        keys.add_shortcut(gtk::Shortcut::new(gtk::ShortcutTrigger::parse_string(key), Some(told)));
    };
    tell("<Control>f", || TimelineInput::Find);
    tell("<Alt>Up", || TimelineInput::Go(Way::Up));
    tell("<Alt>Left", || TimelineInput::Go(Way::Back));
    tell("<Alt>Right", || TimelineInput::Go(Way::Forward));
    page.add_controller(keys);
}
