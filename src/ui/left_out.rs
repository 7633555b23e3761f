//! What the rules of a plan leave out: words for the kinds, and the page that lists it with sizes.

use std::path::Path;

use adw::prelude::*;
use hindsight::i18n::{gettext, ngettext_f};
use hindsight::settings::Preset;
use hindsight::tree::measure::LeftOut;
use relm4::{adw, gtk, view};

use super::overview::escaped;
use super::texts;

/// Title and subtitle.
pub fn preset_words(preset: Preset) -> (String, String) {
    match preset {
        Preset::Caches => (gettext("Caches"), gettext("Made again by applications when needed")),
        Preset::Trash => (gettext("Trash"), gettext("What you have thrown away")),
        Preset::BuildTrees => {
            (gettext("Build Trees"), gettext("What programmers’ tools make again from sources"))
        }
        Preset::VirtualMachines => (gettext("Virtual Machines"), gettext("Disks of Boxes and VirtualBox")),
        Preset::FlatpakCaches => {
            (gettext("Caches of Flatpak Apps"), gettext("Made again by applications when needed"))
        }
        Preset::Steam => (gettext("Steam Games"), gettext("Can be downloaded again")),
        Preset::Downloads => (gettext("Downloads"), gettext("The folder for downloads")),
    }
}

/// Largest first, as they come.
pub fn page(found: &[LeftOut], home: &Path) -> adw::NavigationPage {
    let group = adw::PreferencesGroup::new();
    for out in found {
        let shown = match out.path.strip_prefix(home) {
            Ok(below) => format!("~/{}", below.display()),
            Err(_) => out.path.display().to_string(),
        };
        let files = ngettext_f("{count} file", "{count} files", out.totals.files, &[]);
        let row = adw::ActionRow::builder().title(escaped(&shown)).subtitle(files).build();
        let size = gtk::Label::builder()
            .label(texts::size(out.totals.bytes))
            .css_classes(["dim-label", "numeric"])
            .build();
        row.add_suffix(&size);
        group.add(&row);
    }
    if found.is_empty() {
        group.set_description(Some(&gettext("Nothing is left out.")));
    }
    let content = adw::PreferencesPage::new();
    content.add(&group);
    view! {
        page = adw::NavigationPage {
            set_title: &gettext("Left Out"),
            #[wrap(Some)]
            set_child = &adw::ToolbarView {
                add_top_bar = &adw::HeaderBar {},
                set_content: Some(&content),
            },
        }
    }
    page
}
