//! The question what is to become of what is there.

use adw::prelude::*;
use hindsight::engine::Existing;
use hindsight::i18n::gettext;
use relm4::prelude::*;
use relm4::{adw, gtk};

use super::{RestorePlan, RestorePlanInput};

/// The harmless one is the first, and chosen.
pub fn ask(group: &adw::PreferencesGroup, sender: &ComponentSender<RestorePlan>) {
    let rows = [
        (Existing::OnlyMissing, gettext("Keep It"), gettext("Restore only what is missing")),
        (Existing::KeepBoth, gettext("Keep Both"), gettext("The restored file gets the date in its name")),
        (
            Existing::Replace,
            gettext("Replace It"),
            gettext("The present file is moved to a hidden folder first"),
        ),
    ];
    let mut first: Option<gtk::CheckButton> = None;
    for (existing, title, subtitle) in rows {
        let radio = gtk::CheckButton::builder().valign(gtk::Align::Center).build();
        radio.update_property(&[gtk::accessible::Property::Label(&title)]);
        radio.set_group(first.as_ref());
        radio.set_active(first.is_none());
        let input = sender.input_sender().clone();
        radio.connect_toggled(move |radio| {
            if radio.is_active() {
                input.emit(RestorePlanInput::Existing(existing));
            }
        });
        let row =
            adw::ActionRow::builder().title(title).subtitle(subtitle).activatable_widget(&radio).build();
        row.add_prefix(&radio);
        group.add(&row);
        first.get_or_insert(radio);
    }
}
