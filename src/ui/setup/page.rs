//! The frame that all steps of set-up share.

use adw::prelude::*;
use hindsight::i18n::{gettext, gettext_f};
use relm4::{adw, gtk};

use super::draft::Step;
use crate::ui::dialogs;

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
    let next = gtk::Button::builder()
        .label(if last { gettext("Done") } else { gettext("Next") })
        .css_classes(["suggested-action"])
        .build();
    let header = dialogs::question_header();
    header.set_title_widget(Some(&adw::WindowTitle::new(&step.title(), &subtitle)));
    header.pack_end(&next);
    if let Some(cancel) = cancel {
        header.pack_start(cancel);
    }
    let page = adw::NavigationPage::builder()
        .title(step.title())
        .tag(step.tag())
        .child(&dialogs::question(&header, &heading, &sentence, content))
        .build();
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
