//! What the dialog shows of its choice and of the last answer.

use hindsight::error::Error;
use hindsight::explain::explain;
use hindsight::i18n::{gettext, gettext_f};

use super::{RestorePlan, words};
use crate::ui::texts;

impl RestorePlan {
    pub(super) fn as_of(&self) -> String {
        match &self.choice.parts[..] {
            [part] => gettext_f("As of {date}", &[("date", &texts::date_and_time(part.date))]),
            _ => gettext("Each as of its own date"),
        }
    }

    pub(super) fn original_text(&self) -> String {
        match self.choice.original_folder() {
            Some(folder) => texts::folder_path(&folder, &self.home),
            None => gettext("Each where it was"),
        }
    }

    pub(super) fn other_home_text(&self) -> String {
        let other = self.choice.other_home.as_ref();
        let other = other.map(|home| home.of.below("/".as_ref()).display().to_string()).unwrap_or_default();
        gettext_f("Instead of {folder}, which is another person’s", &[("folder", &other)])
    }

    pub(super) fn folder_text(&self) -> String {
        self.choice.folder.as_ref().map(|folder| texts::folder_path(folder, &self.home)).unwrap_or_default()
    }

    pub(super) fn is_counting(&self) -> bool {
        self.answer.is_none() && self.choice.wish().is_some() && self.estimator.is_some()
    }

    /// Only an impossible place says no; whatever else is wrong is a warning.
    pub(super) fn is_possible(&self) -> bool {
        self.choice.wish().is_some()
            && match &self.answer {
                Some(Ok(estimate)) => estimate.is_possible(),
                Some(Err(error)) => !matches!(error, Error::Target(_)),
                None => true,
            }
    }

    /// Icon and class of what will happen.
    pub(super) fn mark(&self) -> (&'static str, &'static str) {
        match &self.answer {
            Some(Ok(estimate)) if estimate.is_possible() => ("object-select-symbolic", "success"),
            Some(Err(_)) => ("dialog-warning-symbolic", "warning"),
            _ => ("dialog-information-symbolic", "dim-label"),
        }
    }

    pub(super) fn outcome(&self) -> (String, String) {
        match &self.answer {
            _ if self.choice.wish().is_none() => (gettext("Choose a folder to restore to"), String::new()),
            Some(Ok(estimate)) => words::outcome(estimate, self.choice.existing),
            Some(Err(error)) => {
                let explanation = explain(error);
                (explanation.title, explanation.sentence)
            }
            None => (gettext("Counting…"), String::new()),
        }
    }

    pub(super) fn warning(&self) -> Option<(String, String)> {
        self.answer.as_ref().and_then(|answer| words::warning(answer.as_ref().ok()?))
    }

    pub(super) fn warnings(&self) -> Vec<String> {
        let estimate = self.answer.as_ref().and_then(|answer| answer.as_ref().ok());
        estimate.map(words::warnings).unwrap_or_default()
    }
}
