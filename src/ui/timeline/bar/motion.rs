//! What is selected, and how the handle and the strip get to where they belong.

use std::rc::Rc;

use relm4::adw::{self, prelude::*};
use relm4::gtk::{self, glib, subclass::prelude::*};

use super::calendar;
use super::drag::Grip;
use super::inner::{CHOSEN, TimeBar};
use super::layout::{Backups, Laid};
use super::{Mark, fling, words};

/// In which the handle moves to its new mark. Milliseconds.
const EASE: u32 = 150;

/// Where the handle is, and how far the strip is scrolled.
#[derive(Clone, Copy, PartialEq, Default, Debug)]
pub(super) struct Place {
    /// Its middle, on the strip.
    pub handle: f64,
    /// How much of the strip is hidden at its beginning.
    pub offset: f64,
}

impl Place {
    fn towards(self, end: Self, part: f64) -> Self {
        let between = |from: f64, to: f64| from + (to - from) * part;
        Self { handle: between(self.handle, end.handle), offset: between(self.offset, end.offset) }
    }
}

impl TimeBar {
    pub(super) fn prepare_motion(&self) {
        let bar = self.obj();
        let target = adw::CallbackAnimationTarget::new(glib::clone!(
            #[weak]
            bar,
            move |part| bar.imp().moved_to(part)
        ));
        let animation = adw::TimedAnimation::new(&*bar, 0.0, 1.0, EASE, target);
        animation.set_easing(adw::Easing::EaseOutCubic);
        animation.connect_done(glib::clone!(
            #[weak]
            bar,
            move |_| bar.imp().arrived()
        ));
        let _ = self.animation.set(animation);
    }

    /// `part` of the way of the animation.
    fn moved_to(&self, part: f64) {
        let (from, to) = self.way.get();
        self.place.set(from.towards(to, part));
        self.obj().queue_draw();
        if self.coasting.get() {
            self.pass();
        }
    }

    fn arrived(&self) {
        if self.coasting.replace(false) {
            self.conclude();
        }
    }

    /// Where all belongs. Nothing selected: the newest backups are in sight.
    fn rest_place(&self, laid: &Laid) -> Place {
        let strip = &laid.strip;
        let Some(index) = self.selected.get() else {
            return Place { handle: 0.0, offset: strip.clamp_offset(f64::from(strip.width)) };
        };
        let handle = strip.axis(index);
        // What is under the pointer stays there while it drags.
        let dragging = matches!(self.grip.get(), Some(Grip::Handle(_)));
        let offset =
            if dragging { strip.clamp_offset(self.place.get().offset) } else { strip.offset_for(handle) };
        Place { handle, offset }
    }

    /// All is where it belongs, at once.
    pub(super) fn rest(&self) {
        self.halt();
        let laid = self.laid.borrow().clone();
        if let Some(laid) = laid {
            self.place.set(self.rest_place(&laid));
        }
        self.obj().queue_draw();
    }

    /// All gets to where it belongs.
    pub(super) fn settle(&self, eased: bool) {
        let laid = self.laid();
        if !eased {
            return self.rest();
        }
        self.travel(self.rest_place(&laid), EASE, false);
    }

    /// The strip goes on by some way after a finger has let go of it, and stops on a mark.
    pub(super) fn coast(&self, way: f64) {
        let laid = self.laid();
        let Some(index) = laid.strip.nearest(self.place.get().handle - way) else { return };
        let handle = laid.strip.axis(index);
        let way = handle - self.place.get().handle;
        self.travel(Place { handle, offset: laid.strip.offset_for(handle) }, fling::duration(way), true);
    }

    fn travel(&self, to: Place, duration: u32, coasting: bool) {
        self.halt();
        self.way.set((self.place.get(), to));
        self.coasting.set(coasting);
        if let Some(animation) = self.animation.get() {
            animation.set_duration(duration);
            animation.play();
        }
    }

    /// Stops what moves where it is.
    pub(super) fn halt(&self) {
        self.coasting.set(false);
        if let Some(animation) =
            self.animation.get().filter(|found| found.state() == adw::AnimationState::Playing)
        {
            animation.pause();
        }
    }

    // What is selected

    pub(super) fn set_marks(&self, marks: Option<Vec<Mark>>) {
        let before = self.selected_mark().map(|mark| mark.date);
        let kept = before.and_then(|date| marks.as_ref()?.iter().position(|mark| mark.date == date));
        self.grip.set(None);
        self.stop_hovering();
        self.halt();
        self.changed.replace(Rc::default());
        self.life.replace(None);
        self.unsettled.set(false);
        self.selected.set(kept);
        self.backups.replace(marks.map(|marks| Rc::new(Backups::new(marks))));
        self.laid.replace(None);
        self.announce();
        self.obj().queue_draw();
    }

    pub(super) fn selected_mark(&self) -> Option<Mark> {
        let backups = self.backups.borrow().clone()?;
        backups.marks.get(self.selected.get()?).copied()
    }

    pub(super) fn select(&self, index: usize) {
        let first = self.selected.get().is_none();
        if self.set_selected(index) {
            self.unsettled.set(false);
            self.settle(!first);
        }
    }

    /// By a person.
    pub(super) fn choose(&self, index: usize, dragging: bool) {
        if !self.set_selected(index) {
            return;
        }
        self.settle(!dragging);
        if !dragging && self.laid().strip.scrolls() {
            // Another mark is under the pointer now.
            self.stop_hovering();
        }
        self.tell(index, dragging);
    }

    /// The strip passes below the handle.
    pub(super) fn pass(&self) {
        let nearest = self.laid().strip.nearest(self.place.get().handle);
        if let Some(index) = nearest.filter(|index| self.set_selected(*index)) {
            self.tell(index, true);
        }
    }

    /// What was chosen while dragging is what is wanted.
    pub(super) fn conclude(&self) {
        if let Some(index) = self.selected.get().filter(|_| self.unsettled.get()) {
            self.tell(index, false);
        }
    }

    fn tell(&self, index: usize, dragging: bool) {
        self.unsettled.set(dragging);
        self.obj().emit_by_name::<()>(CHOSEN, &[&(index as u64), &dragging]);
    }

    /// Whether it is another one now.
    fn set_selected(&self, index: usize) -> bool {
        if index >= self.count() || self.selected.get() == Some(index) {
            return false;
        }
        self.selected.set(Some(index));
        self.announce();
        self.obj().queue_draw();
        true
    }

    /// The next one, or the one before, in which the folder changed.
    pub(super) fn next_change(&self, forward: bool) -> Option<usize> {
        let (selected, changed) = (self.selected.get()?, self.changed.borrow().clone());
        let found = if forward {
            changed.get(changed.partition_point(|index| *index <= selected)).copied()
        } else {
            let before = changed.partition_point(|index| *index < selected);
            before.checked_sub(1).and_then(|at| changed.get(at)).copied()
        };
        found.filter(|index| *index < self.count())
    }

    pub(super) fn a_month_away(&self, later: bool) -> Option<usize> {
        let backups = self.backups.borrow().clone()?;
        Some(calendar::a_month_away(&backups.days, &backups.months, self.selected.get()?, later))
    }

    /// Tells a screen reader what the slider says.
    pub(super) fn announce(&self) {
        use gtk::accessible::{Property, State};
        let bar = self.obj();
        let backups = self.backups.borrow().clone();
        bar.update_state(&[State::Busy(backups.is_none()), State::Disabled(self.count() == 0)]);
        let Some(backups) = backups else { return };
        let count = backups.marks.len();
        let (now, text) = match self.selected.get().and_then(|index| Some((index, backups.named(index)?))) {
            Some((index, backup)) => (index + 1, backup.spoken(index, count, &self.spoken_more(index))),
            None => (0, if count == 0 { words::none_yet() } else { String::new() }),
        };
        bar.update_property(&[
            Property::ValueMin(1.0_f64.min(count as f64)),
            Property::ValueMax(count as f64),
            Property::ValueNow(now as f64),
            Property::ValueText(&text),
        ]);
    }

    fn spoken_more(&self, index: usize) -> Vec<String> {
        let folder = self.folder.borrow().clone();
        let changed = self.changed.borrow().binary_search(&index).is_ok();
        let about_folder = match self.note_of(index) {
            Some(note) => Some(note),
            None if folder.is_empty() => None,
            None if changed => Some(words::changed_in(&folder)),
            None => Some(words::unchanged_in(&folder)),
        };
        let damaged = self.selected_mark().is_some_and(|mark| mark.damaged);
        about_folder.into_iter().chain(damaged.then(words::damaged_backup)).collect()
    }
}
