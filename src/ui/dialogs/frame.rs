//! The frame of a dialog that asks for something larger than a word: a header bar with the buttons that answer, and
//! below it the question and what is asked for, no wider than is good to read.

use adw::prelude::*;
use relm4::{adw, gtk, view};

/// A header bar whose only buttons are those that answer the question.
pub fn question_header() -> adw::HeaderBar {
    adw::HeaderBar::builder().show_start_title_buttons(false).show_end_title_buttons(false).build()
}

/// `sentence`: what helps to answer; may be empty.
pub fn question(
    header: &adw::HeaderBar,
    heading: &str,
    sentence: &str,
    content: &impl IsA<gtk::Widget>,
) -> adw::ToolbarView {
    view! {
        frame = adw::ToolbarView {
            add_top_bar: header,
            #[wrap(Some)]
            set_content = &gtk::ScrolledWindow {
                set_hscrollbar_policy: gtk::PolicyType::Never,
                adw::Clamp {
                    set_maximum_size: 480,
                    gtk::Box {
                        set_orientation: gtk::Orientation::Vertical,
                        set_spacing: 24,
                        set_margin_top: 18,
                        set_margin_bottom: 24,
                        set_margin_start: 18,
                        set_margin_end: 18,
                        gtk::Box {
                            set_orientation: gtk::Orientation::Vertical,
                            set_spacing: 6,
                            gtk::Label {
                                set_label: heading,
                                add_css_class: "title-2",
                                set_wrap: true,
                                set_justify: gtk::Justification::Center,
                            },
                            gtk::Label {
                                set_visible: !sentence.is_empty(),
                                set_label: sentence,
                                add_css_class: "dim-label",
                                set_wrap: true,
                                set_justify: gtk::Justification::Center,
                            },
                        },
                        append: content,
                    },
                },
            },
        }
    }
    frame
}
