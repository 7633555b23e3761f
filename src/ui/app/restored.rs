//! After a restore: what is said, and the way back.
//!
//! A toast has one button, and that is *Undo*: it is what somebody wants at once or never. The folder can be found
//! at any time, so that it is a link in the words; only where nothing was changed is it the button.

use std::path::PathBuf;

use hindsight::engine::Job;
use hindsight::engine::undo::{self, Undone};
use hindsight::explain::Explanation;
use hindsight::i18n::{gettext, gettext_f};
use hindsight::jobs::PastRestore;
use relm4::{adw, gtk};

use super::{App, AppCommand, AppInput};
use crate::ui::overview::escaped;
use crate::ui::restore_plan::words;
use crate::ui::state::Restored;
use crate::ui::{actions, dialogs, texts};

/// Seconds in which somebody may look at what came back before the way to undo it goes.
const TIME_TO_LOOK: u32 = 20;

impl App {
    /// A job begins: of a restore it is kept where its deeds are written down.
    pub(super) fn note_restore(&mut self, job: &Job) {
        if let Job::BringBack(job) = job {
            self.restore_record = job.undo.clone();
        }
    }

    pub(super) fn restored(&mut self, restored: Restored) {
        self.restore_record = None;
        self.look_for_restore();
        self.say_restored(restored);
    }

    /// What a restore had done before it ended early, it has written down.
    pub(super) fn cut_off(&mut self, folder: Option<PathBuf>) {
        let Some(record) = self.restore_record.take() else { return };
        self.look_for_restore();
        self.beside(move |_| match undo::recorded(&record) {
            Some(recorded) => {
                let text = words::cut_off(&recorded);
                AppCommand::CutOff(Restored { text, folder, undo: Some(record) })
            }
            None => AppCommand::Nothing,
        });
    }

    pub(super) fn look_for_restore(&self) {
        self.beside(|services| AppCommand::LastRestore(services.last_restore()));
    }

    /// What is being written down just now is none that is over.
    fn undoable(&self) -> Option<&PastRestore> {
        self.last_restore.as_ref().filter(|_| self.restore_record.is_none())
    }

    pub(super) fn show_undo(&self) {
        actions::offer_undo(&self.window, self.undoable().is_some());
    }

    /// Long after it was restored nobody may remember what that was.
    pub(super) fn ask_to_undo(&self) {
        let Some(PastRestore { record, began, recorded }) = self.undoable().cloned() else { return };
        let heading = gettext("Undo the Last Restore?");
        let when = gettext_f("It was on {date}.", &[("date", &texts::date_and_time(began))]);
        let body = format!("{when} {}", words::would_be_undone(&recorded));
        let appearance = adw::ResponseAppearance::Destructive;
        let input = self.input();
        dialogs::confirm(&self.window, &heading, &body, &gettext("Undo"), appearance, move |yes| {
            if yes {
                input.emit(AppInput::UndoRestore(record));
            }
        });
    }

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
        self.look_for_restore();
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
