//! What the page says.

use std::path::Path;

use adw::prelude::*;
use hindsight::context::Progress;
use hindsight::explain::Explanation;
use hindsight::i18n::{gettext, gettext_f, ngettext_f};
use relm4::adw;

use super::browse::Look;
use super::listing::MOST_FOUND;
use super::row::Row;
use super::{State, TimelinePage};
use crate::ui::texts;

impl TimelinePage {
    pub(super) fn is_ready(&self) -> bool {
        matches!(self.state, State::Ready)
    }

    pub(super) fn state_name(&self) -> &'static str {
        match self.state {
            State::Loading => "loading",
            State::Ready => "ready",
            State::Empty => "empty",
            State::Failed(_) => "failed",
        }
    }

    pub(super) fn failure(&self) -> Option<&Explanation> {
        match &self.state {
            State::Failed(explanation) => Some(explanation),
            _ => None,
        }
    }

    pub(super) fn reading(&self) -> Option<String> {
        let Progress { bytes_done, bytes_total, .. } = self.progress;
        let (done, total) = (texts::size(bytes_done), texts::size(bytes_total?));
        Some(gettext_f("{done} of {total} read", &[("done", &done), ("total", &total)]))
    }

    pub(super) fn list_name(&self) -> &'static str {
        match self.narrow {
            _ if self.is_empty => "nothing",
            true => "lines",
            false => "columns",
        }
    }

    pub(super) fn nothing_title(&self) -> String {
        if self.has_results() { gettext("Nothing Found") } else { gettext("Nothing Here") }
    }

    pub(super) fn nothing_sentence(&self) -> String {
        match &self.browse.search {
            Some(search) if !search.all_dates => gettext("Try all dates."),
            Some(search) if !search.everywhere => gettext("Try everywhere."),
            Some(_) => gettext("No name in these backups contains that."),
            None => gettext("On this date the folder was empty, or did not exist."),
        }
    }

    pub(super) fn folder_name(&self) -> String {
        if self.browse.folder.is_root() {
            return gettext("Everything");
        }
        texts::folder_name(&self.browse.folder.below(Path::new("/")), &self.home)
    }

    pub(super) fn selection_text(&self) -> String {
        let rows = self.list.selected();
        let text = match &rows[..] {
            [] => return gettext("Nothing selected"),
            [row] => gettext_f("“{name}” selected", &[("name", &row.name)]),
            rows => ngettext_f("{count} item selected", "{count} items selected", rows.len() as u64, &[]),
        };
        // Of folders, and of what other programs saved, it is not known here.
        match rows.iter().map(Row::bytes).sum::<Option<u64>>() {
            Some(bytes) => format!("{text}, {}", texts::size(bytes)),
            None => text,
        }
    }

    pub(super) fn restore_label(&self) -> String {
        if self.list.selected().is_empty() { gettext("Restore Folder…") } else { gettext("Restore…") }
    }

    pub(super) fn has_results(&self) -> bool {
        matches!(self.browse.look(), Look::Found { .. })
    }

    pub(super) fn results(&self) -> String {
        match self.list.files.n_items() {
            count if count as usize >= MOST_FOUND => {
                gettext_f("The first {count} results", &[("count", &MOST_FOUND.to_string())])
            }
            count => ngettext_f("{count} result", "{count} results", count.into(), &[]),
        }
    }
}
