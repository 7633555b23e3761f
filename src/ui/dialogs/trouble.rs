//! What went wrong: with a run, and with single files.

use std::cell::RefCell;

use adw::prelude::*;
use hindsight::explain::{Explanation, explain_problem};
use hindsight::i18n::{gettext, ngettext_f};
use relm4::{adw, gtk, view};

use crate::ui::state::Problems;
use crate::ui::texts;

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
    super::present(&dialog, parent);
}

/// The files a run had trouble with, a sentence each.
pub fn show_problems(parent: &impl IsA<gtk::Widget>, problems: &Problems) {
    let mut sentences: Vec<_> = problems.kept.iter().map(explain_problem).collect();
    let more = problems.total.saturating_sub(sentences.len() as u64);
    if more > 0 {
        sentences.push(ngettext_f("And {count} more.", "And {count} more.", more, &[]));
    }
    show_lines(parent, &gettext("Files With Problems"), &sentences);
}

/// A long list to read and to copy.
pub fn show_lines(parent: &impl IsA<gtk::Widget>, title: &str, lines: &[String]) {
    let all = lines.join("\n");
    let lines = texts::list(lines);
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
            set_title: title,
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
                        update_property: &[gtk::accessible::Property::Label(title)],
                    },
                },
            },
        }
    }
    copy.connect_clicked(move |button| button.clipboard().set_text(&all));
    super::present(&dialog, parent);
}
