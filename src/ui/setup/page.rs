//! The frame that all steps of set-up share.

use adw::prelude::*;
use hindsight::i18n::{gettext, gettext_f};
use relm4::{adw, gtk, view};

use super::draft::Step;

/// A step's page and its button to go on.
pub struct StepPage {
    pub page: adw::NavigationPage,
    pub next: gtk::Button,
}

/// `cancel`: what the first page has where the others have the way back.
pub fn build(step: Step, content: &impl IsA<gtk::Widget>, cancel: Option<&gtk::Button>) -> StepPage {
    let (heading, sentence) = words(step);
    let last = step.next().is_none();
    let subtitle = gettext_f(
        "Step {number} of {count}",
        &[("number", &step.number().to_string()), ("count", &Step::ALL.len().to_string())],
    );
    view! {
        page = adw::NavigationPage {
            set_title: &step.title(),
            set_tag: Some(step.tag()),
            #[wrap(Some)]
            set_child = &adw::ToolbarView {
                #[name = "header"]
                add_top_bar = &adw::HeaderBar {
                    set_show_end_title_buttons: false,
                    set_show_start_title_buttons: false,
                    set_title_widget: Some(&adw::WindowTitle::new(&step.title(), &subtitle)),
                    #[name = "next"]
                    pack_end = &gtk::Button {
                        set_label: &if last { gettext("Done") } else { gettext("Next") },
                        add_css_class: "suggested-action",
                    },
                },
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
                                    set_label: &heading,
                                    add_css_class: "title-2",
                                    set_wrap: true,
                                    set_justify: gtk::Justification::Center,
                                },
                                gtk::Label {
                                    set_label: &sentence,
                                    add_css_class: "dim-label",
                                    set_wrap: true,
                                    set_justify: gtk::Justification::Center,
                                },
                            },
                            append: content,
                        },
                    },
                },
            },
        }
    }
    if let Some(cancel) = cancel {
        header.pack_start(cancel);
    }
    StepPage { page, next }
}

fn words(step: Step) -> (String, String) {
    match step {
        Step::Place => (
            gettext("Where should backups be kept?"),
            gettext("A drive that you unplug and keep elsewhere is best"),
        ),
        Step::Folders => {
            (gettext("What should be saved?"), gettext("Everything below these folders is backed up"))
        }
        Step::Password => (
            gettext("Protect your backups"),
            gettext("Everything is encrypted before it leaves this computer"),
        ),
        Step::Rhythm => (gettext("How often?"), gettext("Only what has changed is saved, so often is good")),
    }
}
