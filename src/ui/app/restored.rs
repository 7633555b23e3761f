//! After a restore: what is said, and the way back.
//!
//! A toast has one button, and that is *Undo*: it is what somebody wants at once or never. The folder can be found
//! at any time, so that it is a link in the words; only where nothing was changed is it the button.

use std::path::PathBuf;

use hindsight::engine::undo::Undone;
use hindsight::explain::Explanation;
use hindsight::i18n::gettext;
use relm4::{adw, gtk};

use super::{App, AppCommand, AppInput};
use crate::ui::dialogs;
use crate::ui::overview::escaped;
use crate::ui::restore_plan::words;
use crate::ui::state::Restored;

/// Seconds in which somebody may look at what came back before the way to undo it goes.
const TIME_TO_LOOK: u32 = 20;

impl App {
    pub(super) fn say_restored(&self, restored: Restored) {
        let Restored { text, folder, undo } = restored;
        // Whoever has just restored something is not to wait for older news to be gone.
        let toast = adw::Toast::builder().title(escaped(&text)).priority(adw::ToastPriority::High).build();
        match (undo, folder) {
            (Some(record), folder) => {
                toast.set_timeout(TIME_TO_LOOK);
                toast.set_button_label(Some(&gettext("Undo")));
                let input = self.input();
                toast.connect_button_clicked(move |_| input.emit(AppInput::UndoRestore(record.clone())));
                if let Some(folder) = folder {
                    toast.set_custom_title(Some(&self.with_link(&text, folder)));
                }
            }
            (None, Some(folder)) => {
                toast.set_button_label(Some(&gettext("Open Folder")));
                let input = self.input();
                toast.connect_button_clicked(move |_| input.emit(AppInput::OpenFolder(folder.clone())));
            }
            (None, None) => {}
        }
        self.toasts.add_toast(toast);
    }

    fn with_link(&self, text: &str, folder: PathBuf) -> gtk::Label {
        let link = format!("<a href=\"folder\">{}</a>", escaped(&gettext("Open Folder")));
        let label = gtk::Label::builder()
            .label(format!("{} · {link}", escaped(text)))
            .use_markup(true)
            .wrap(true)
            .xalign(0.0)
            .css_classes(["heading"])
            .build();
        let input = self.input();
        label.connect_activate_link(move |_, _| {
            input.emit(AppInput::OpenFolder(folder.clone()));
            gtk::glib::Propagation::Stop
        });
        label
    }

    pub(super) fn undo_restore(&self, record: PathBuf) {
        self.beside(move |services| AppCommand::Undone(services.undo(&record)));
    }

    pub(super) fn undone(&self, undone: Result<Undone, Explanation>) {
        match undone {
            Ok(undone) => {
                let toast = adw::Toast::new(&escaped(&words::undone(&undone)));
                toast.set_priority(adw::ToastPriority::High);
                self.toasts.add_toast(toast);
                if !undone.left.is_empty() {
                    let paths: Vec<_> = undone.left.iter().map(|path| path.display().to_string()).collect();
                    dialogs::show_lines(&self.window, &gettext("Changed Since"), &paths);
                }
            }
            Err(explanation) => dialogs::show_error(&self.window, &explanation, "", None),
        }
    }
}
