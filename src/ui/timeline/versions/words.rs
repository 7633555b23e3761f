//! What the pane says.

use adw::prelude::*;
use hindsight::engine::timeline::Version;
use hindsight::i18n::{gettext, ngettext_f};
use relm4::adw;

use super::VersionsPane;
use crate::ui::services::now;
use crate::ui::texts;
use crate::ui::timeline::preview::{self, Look, Preview};

impl VersionsPane {
    pub(super) fn nothing_title(&self) -> String {
        match self.selected {
            0 => gettext("Nothing Selected"),
            count => ngettext_f("{count} Item Selected", "{count} Items Selected", count as u64, &[]),
        }
    }

    pub(super) fn nothing_sentence(&self) -> String {
        match self.selected {
            0 => gettext("Select a file to see it and all its versions."),
            _ => gettext("Select one file alone to see its versions."),
        }
    }

    pub(super) fn preview_name(&self) -> &'static str {
        match &self.preview {
            _ if self.waiting => "waiting",
            Some(Preview::Picture(_)) => "picture",
            Some(Preview::Text(text)) if !text.trim().is_empty() => "text",
            _ => "icon",
        }
    }

    pub(super) fn kind(&self) -> String {
        let Some(row) = &self.row else { return String::new() };
        if let Some(Preview::Failed(why)) = &self.preview {
            return why.clone();
        }
        let mut kind = preview::kind(&row.path, &row.content_type());
        if let Some(Preview::Picture(texture)) = &self.preview {
            kind = format!("{kind}, {} × {}", texture.width(), texture.height());
        }
        if row.is_ghost() { format!("{kind} · {}", row.when(now())) } else { kind }
    }

    pub(super) fn is_text(&self) -> bool {
        let Some(row) = &self.row else { return false };
        !row.is_folder() && matches!(Look::at(&row.content_type()), Look::Text | Look::Unknown)
    }

    /// "4.2 MB · shown".
    pub(super) fn about(&self, index: usize, version: &Version) -> String {
        let content = version.attributes.as_ref().and_then(|attributes| attributes.content);
        let last = self.versions.len().saturating_sub(1);
        let role = match index {
            _ if self.current() == Some(index) => Some(gettext("shown")),
            0 if last > 0 => Some(gettext("newest")),
            index if index == last && last > 0 => Some(gettext("first")),
            _ => None,
        };
        let parts = [content.map(|content| texts::size(content.size)), role];
        parts.into_iter().flatten().collect::<Vec<_>>().join(" · ")
    }
}
