//! The time bar as the page sees it.

use std::rc::Rc;

use relm4::gtk::{self, glib, prelude::*, subclass::prelude::*};

use super::inner;
use super::{Life, Mark};

glib::wrapper! {
    /// All backups in a row and a handle on the one that is looked at: a slider over time.
    ///
    /// Indices count the marks from the oldest one on.
    pub struct TimeBar(ObjectSubclass<inner::TimeBar>)
        @extends gtk::Widget,
        @implements gtk::Accessible, gtk::AccessibleRange, gtk::Buildable, gtk::ConstraintTarget;
}

impl Default for TimeBar {
    fn default() -> Self {
        Self::new()
    }
}

impl TimeBar {
    /// One that waits for its marks.
    pub fn new() -> Self {
        glib::Object::new()
    }

    /// The backups, oldest first; `None` while they are being read. Whoever is selected stays so if there is still a
    /// backup of that date. What was said of changes and of a file's life is forgotten.
    pub fn set_marks(&self, marks: Option<Vec<Mark>>) {
        self.imp().set_marks(marks);
    }

    /// Moves the handle, and tells nobody. An index beyond the marks is ignored.
    pub fn select(&self, index: usize) {
        self.imp().select(index);
    }

    pub fn selected(&self) -> Option<usize> {
        self.imp().selected.get()
    }

    /// The backups in which the folder that is shown differs from the one before. `folder`: its name, as it is spoken.
    pub fn set_changed(&self, changed: &[usize], folder: &str) {
        let mut changed = changed.to_vec();
        changed.sort_unstable();
        changed.dedup();
        let inner = self.imp();
        inner.changed.replace(changed.into());
        inner.folder.replace(folder.to_owned());
        inner.announce();
        self.queue_draw();
    }

    /// What more there is to say of a backup, as "3 items changed in Summer House": under the pointer, and to a screen
    /// reader instead of whether the folder has changed.
    pub fn set_note(&self, note: impl Fn(usize) -> Option<String> + 'static) {
        self.imp().note.replace(Some(Rc::new(note)));
        self.imp().announce();
        self.queue_draw();
    }

    /// When the selected file existed, for the rail below the marks.
    pub fn set_life(&self, life: Option<Life>) {
        self.imp().life.replace(life.map(Rc::new));
        self.queue_draw();
    }

    /// A person has chosen a date, and may still be dragging: the same date comes again when it is let go of.
    pub fn connect_chosen(&self, f: impl Fn(&Self, usize, bool) + 'static) -> glib::SignalHandlerId {
        let told = glib::closure_local!(move |bar: TimeBar, index: u64, dragging: bool| {
            f(&bar, index as usize, dragging)
        });
        self.connect_closure(inner::CHOSEN, false, told)
    }

    /// Goes to the next or previous date on which the folder changed, as a person would.
    pub fn step_change(&self, forward: bool) {
        if let Some(index) = self.imp().next_change(forward) {
            self.imp().choose(index, false);
        }
    }

    pub fn can_step_change(&self, forward: bool) -> bool {
        self.imp().next_change(forward).is_some()
    }
}
