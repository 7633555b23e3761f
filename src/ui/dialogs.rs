//! Questions and messages that stand in front of a page. Each calls back at most once.

use std::cell::RefCell;

use adw::prelude::*;
use hindsight::context::Problem;
use hindsight::explain::{Explanation, explain_problem};
use hindsight::i18n::{gettext, gettext_f, ngettext_f};
use hindsight::secret::Passphrase;
use relm4::{adw, gtk, view};

use super::texts;

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

/// What went wrong, what to do, and the details for those who help.
pub fn show_error(
    parent: &impl IsA<gtk::Widget>,
    explanation: &Explanation,
    details: &str,
    retry: Option<Box<dyn FnOnce()>>,
) {
    view! {
        dialog = adw::Dialog {
            set_title: &explanation.title,
            set_content_width: 460,
            #[wrap(Some)]
            set_child = &adw::ToolbarView {
                add_top_bar = &adw::HeaderBar {
                    set_show_title: false,
                    // The button below does it.
                    set_show_end_title_buttons: false,
                    set_show_start_title_buttons: false,
                },
                #[wrap(Some)]
                set_content = &gtk::Box {
                    set_orientation: gtk::Orientation::Vertical,
                    set_spacing: 18,
                    set_margin_start: 24,
                    set_margin_end: 24,
                    set_margin_bottom: 24,
                    gtk::Image {
                        set_halign: gtk::Align::Center,
                        set_pixel_size: 48,
                        set_icon_name: Some("dialog-warning-symbolic"),
                        set_css_classes: &["badge", "warning"],
                        set_accessible_role: gtk::AccessibleRole::Presentation,
                    },
                    gtk::Box {
                        set_orientation: gtk::Orientation::Vertical,
                        set_spacing: 6,
                        gtk::Label {
                            set_label: &explanation.title,
                            add_css_class: "title-2",
                            set_wrap: true,
                            set_justify: gtk::Justification::Center,
                        },
                        gtk::Label {
                            set_label: &explanation.sentence,
                            set_wrap: true,
                            set_wrap_mode: gtk::pango::WrapMode::WordChar,
                            set_justify: gtk::Justification::Center,
                        },
                        gtk::Label {
                            set_visible: explanation.hint.is_some(),
                            set_label: explanation.hint.as_deref().unwrap_or_default(),
                            set_wrap: true,
                            set_justify: gtk::Justification::Center,
                        },
                    },
                    gtk::Box {
                        set_halign: gtk::Align::Center,
                        set_spacing: 12,
                        #[name = "close"]
                        gtk::Button {
                            set_label: &gettext("Close"),
                            add_css_class: "pill",
                        },
                        #[name = "again"]
                        gtk::Button {
                            set_visible: retry.is_some(),
                            set_label: &gettext("Try Again"),
                            set_css_classes: &["pill", "suggested-action"],
                        },
                    },
                    gtk::ListBox {
                        set_visible: !details.is_empty(),
                        set_selection_mode: gtk::SelectionMode::None,
                        add_css_class: "boxed-list",
                        adw::ExpanderRow {
                            set_title: &gettext("Details"),
                            #[name = "copy"]
                            add_suffix = &gtk::Button {
                                set_icon_name: "edit-copy-symbolic",
                                set_tooltip_text: Some(&gettext("Copy")),
                                set_valign: gtk::Align::Center,
                                add_css_class: "flat",
                            },
                            add_row = &gtk::ListBoxRow {
                                set_activatable: false,
                                gtk::Label {
                                    set_label: details,
                                    set_css_classes: &["monospace", "dim-label"],
                                    set_selectable: true,
                                    set_wrap: true,
                                    set_wrap_mode: gtk::pango::WrapMode::WordChar,
                                    set_xalign: 0.0,
                                    set_margin_top: 12,
                                    set_margin_bottom: 12,
                                    set_margin_start: 12,
                                    set_margin_end: 12,
                                },
                            },
                        },
                    },
                },
            },
        }
    }
    let weak = dialog.downgrade();
    let close_dialog = move || {
        if let Some(dialog) = weak.upgrade() {
            dialog.close();
        }
    };
    close.connect_clicked({
        let close_dialog = close_dialog.clone();
        move |_| close_dialog()
    });
    let retry = RefCell::new(retry);
    again.connect_clicked(move |_| {
        close_dialog();
        if let Some(retry) = retry.take() {
            retry();
        }
    });
    let text = format!("{}\n{}\n{details}", explanation.title, explanation.sentence);
    copy.connect_clicked(move |button| button.clipboard().set_text(&text));
    dialog.present(Some(parent));
}

/// The files a run had trouble with, a sentence each.
pub fn show_problems(parent: &impl IsA<gtk::Widget>, problems: &[Problem], total: u64) {
    let sentences: Vec<_> = problems.iter().map(explain_problem).collect();
    let more = total.saturating_sub(sentences.len() as u64);
    let all = sentences.join("\n");
    let lines = texts::list(&sentences);
    if more > 0 {
        lines.append(&ngettext_f("And {count} more.", "And {count} more.", more, &[]));
    }
    let factory = gtk::SignalListItemFactory::new();
    factory.connect_setup(|_, item| {
        let label = gtk::Label::builder()
            .xalign(0.0)
            .wrap(true)
            .wrap_mode(gtk::pango::WrapMode::WordChar)
            .margin_top(9)
            .margin_bottom(9)
            .margin_start(12)
            .margin_end(12)
            .build();
        if let Some(item) = item.downcast_ref::<gtk::ListItem>() {
            item.set_activatable(false);
            item.set_child(Some(&label));
        }
    });
    factory.connect_bind(|_, item| {
        let Some(item) = item.downcast_ref::<gtk::ListItem>() else { return };
        let text = item.item().and_downcast::<gtk::StringObject>().map(|line| line.string());
        if let (Some(label), Some(text)) = (item.child().and_downcast::<gtk::Label>(), text) {
            label.set_label(&text);
        }
    });
    view! {
        dialog = adw::Dialog {
            set_title: &gettext("Files With Problems"),
            set_content_width: 560,
            set_content_height: 520,
            #[wrap(Some)]
            set_child = &adw::ToolbarView {
                set_top_bar_style: adw::ToolbarStyle::Raised,
                add_top_bar = &adw::HeaderBar {
                    #[name = "copy"]
                    pack_start = &gtk::Button {
                        set_icon_name: "edit-copy-symbolic",
                        set_tooltip_text: Some(&gettext("Copy")),
                    },
                },
                #[wrap(Some)]
                set_content = &gtk::ScrolledWindow {
                    set_hscrollbar_policy: gtk::PolicyType::Never,
                    gtk::ListView {
                        set_model: Some(&gtk::NoSelection::new(Some(lines))),
                        set_factory: Some(&factory),
                        set_show_separators: true,
                        update_property: &[gtk::accessible::Property::Label(&gettext("Files With Problems"))],
                    },
                },
            },
        }
    }
    copy.connect_clicked(move |button| button.clipboard().set_text(&all));
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
    dialog.present(Some(parent));
}

/// The accelerators of `super::actions`, in words.
pub fn show_shortcuts(parent: &impl IsA<gtk::Widget>) {
    let group = adw::PreferencesGroup::new();
    for (action, title) in super::actions::shortcuts() {
        let keys = gtk::accelerator_parse(action)
            .map(|(key, modifiers)| gtk::accelerator_get_label(key, modifiers))
            .unwrap_or_default();
        let row = adw::ActionRow::builder().title(&title).build();
        let label = gtk::Label::builder().label(keys).css_classes(["dim-label", "numeric"]).build();
        row.add_suffix(&label);
        group.add(&row);
    }
    let page = adw::PreferencesPage::new();
    page.add(&group);
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
    dialog.present(Some(parent));
}
