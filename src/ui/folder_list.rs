//! Rows of folders with a button to remove each: in set-up and in the preferences.

use std::path::{Path, PathBuf};

use adw::prelude::*;
use hindsight::i18n::{gettext, gettext_f};
use relm4::{adw, gtk};

use super::overview::escaped;
use super::texts;

/// A row for one folder; `removed` is called when its button is pressed.
pub fn row(
    path: &Path,
    home: &Path,
    size: Option<&gtk::Label>,
    removed: impl Fn(PathBuf) + 'static,
) -> adw::ActionRow {
    let name = texts::folder_name(path, home);
    let row = adw::ActionRow::builder()
        .title(escaped(&name))
        .subtitle(escaped(&path.display().to_string()))
        .build();
    row.add_prefix(&gtk::Image::from_icon_name(if path == home {
        "user-home-symbolic"
    } else {
        "folder-symbolic"
    }));
    if let Some(size) = size {
        row.add_suffix(size);
    }
    let path = path.to_owned();
    row.add_suffix(&remove_button(&name, move || removed(path.clone())));
    row
}

/// `what` is told to those who cannot see to which row the button belongs.
pub fn remove_button(what: &str, pressed: impl Fn() + 'static) -> gtk::Button {
    let button = gtk::Button::builder()
        .icon_name("list-remove-symbolic")
        .tooltip_text(gettext("Remove"))
        .valign(gtk::Align::Center)
        .css_classes(["flat"])
        .build();
    button.update_property(&[
        gtk::accessible::Property::Label(&gettext("Remove")),
        gtk::accessible::Property::Description(&gettext_f("Remove {name}", &[("name", what)])),
    ]);
    button.connect_clicked(move |_| pressed());
    button
}

pub fn add_button(words: &str, pressed: impl Fn() + 'static) -> adw::ButtonRow {
    let row = adw::ButtonRow::builder().title(words).start_icon_name("list-add-symbolic").build();
    row.connect_activated(move |_| pressed());
    row
}
