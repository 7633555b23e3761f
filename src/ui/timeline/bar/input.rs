//! The pointer that only looks, the wheel and the keys.

use std::time::Duration;

use relm4::gtk::{self, gdk, glib, prelude::*, subclass::prelude::*};

use super::inner::TimeBar;

/// A pointer that rests so long wants to know more.
const HOVER_DELAY: Duration = Duration::from_millis(80);
/// What is under the pointer.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Hover {
    Mark(usize),
    /// The gap before a mark.
    Gap(usize),
}

impl Hover {
    pub(super) fn mark(self) -> Option<usize> {
        match self {
            Self::Mark(index) => Some(index),
            Self::Gap(_) => None,
        }
    }
}

impl TimeBar {
    pub(super) fn listen(&self) {
        self.listen_to_drags();
        self.listen_to_pointer();
        self.listen_to_wheel();
        self.listen_to_keys();
    }

    /// A place in the view, from one in the widget.
    pub(super) fn logical(&self, x: f64) -> f64 {
        if self.is_mirrored() { f64::from(self.obj().width()) - x } else { x }
    }

    // The pointer

    fn listen_to_pointer(&self) {
        let bar = self.obj();
        let motion = gtk::EventControllerMotion::new();
        motion.connect_motion(glib::clone!(
            #[weak]
            bar,
            move |motion, x, y| {
                if !is_touch(motion) {
                    bar.imp().hovered(x, y);
                }
            }
        ));
        motion.connect_leave(glib::clone!(
            #[weak]
            bar,
            move |_| bar.imp().stop_hovering()
        ));
        bar.add_controller(motion);
    }

    fn hovered(&self, x: f64, y: f64) {
        if self.grip.get().is_some() {
            return;
        }
        let laid = self.laid();
        let x = self.logical(x);
        let on_handle = self.is_on_handle(x, y);
        self.obj().set_cursor_from_name(on_handle.then_some("grab"));
        let on_strip = x + self.place.get().offset;
        let gap = || {
            let backups = self.backups.borrow().clone()?;
            laid.strip.gap_at(on_strip, &backups.gaps).map(Hover::Gap)
        };
        let mark = || laid.strip.nearest(on_strip).map(Hover::Mark);
        let hover = if on_handle { None } else { gap().or_else(mark) };
        let selected = self.selected.get().map(Hover::Mark);
        let hover = hover.filter(|hover| selected != Some(*hover));
        if hover.is_none() {
            self.stop_hovering();
        } else if hover != self.hover.replace(hover) {
            self.obj().queue_draw();
            self.show_hover_soon();
        }
    }

    fn show_hover_soon(&self) {
        if self.hover_shown.get() || self.hover_delay.borrow().is_some() {
            return;
        }
        let bar = self.obj();
        let delay = glib::timeout_add_local_once(
            HOVER_DELAY,
            glib::clone!(
                #[weak]
                bar,
                move || {
                    bar.imp().hover_delay.replace(None);
                    bar.imp().hover_shown.set(true);
                    bar.queue_draw();
                }
            ),
        );
        self.hover_delay.replace(Some(delay));
    }

    pub(super) fn stop_hovering(&self) {
        if let Some(delay) = self.hover_delay.take() {
            delay.remove();
        }
        self.hover_shown.set(false);
        if self.hover.replace(None).is_some() {
            self.obj().queue_draw();
        }
    }

    // Wheel and keys

    fn listen_to_wheel(&self) {
        let bar = self.obj();
        let flags = gtk::EventControllerScrollFlags::BOTH_AXES | gtk::EventControllerScrollFlags::DISCRETE;
        let wheel = gtk::EventControllerScroll::new(flags);
        wheel.connect_scroll(glib::clone!(
            #[weak]
            bar,
            #[upgrade_or]
            glib::Propagation::Proceed,
            move |_, right, down| bar.imp().turned(right, down)
        ));
        bar.add_controller(wheel);
    }

    fn turned(&self, right: f64, down: f64) -> glib::Propagation {
        if self.count() == 0 || self.grip.get().is_some() {
            return glib::Propagation::Proceed;
        }
        let right = if self.is_mirrored() { -right } else { right };
        let notches = if right.abs() > down.abs() { right } else { down };
        self.step(notches.round() as isize);
        glib::Propagation::Stop
    }

    /// By so many dates, or to the first or last one.
    fn step(&self, by: isize) {
        let Some(last) = self.count().checked_sub(1) else { return };
        let index = self.selected.get().map_or(last, |index| index.saturating_add_signed(by).min(last));
        self.choose(index, false);
    }

    fn listen_to_keys(&self) {
        let bar = self.obj();
        let keys = gtk::EventControllerKey::new();
        keys.connect_key_pressed(glib::clone!(
            #[weak]
            bar,
            #[upgrade_or]
            glib::Propagation::Proceed,
            move |_, key, _, modifiers| bar.imp().key_pressed(key, modifiers)
        ));
        bar.add_controller(keys);
    }

    fn key_pressed(&self, key: gdk::Key, modifiers: gdk::ModifierType) -> glib::Propagation {
        use gdk::ModifierType as Modifier;
        let held = modifiers
            & (Modifier::CONTROL_MASK | Modifier::ALT_MASK | Modifier::SUPER_MASK | Modifier::SHIFT_MASK);
        if self.grip.get().is_some() {
            // Nothing else moves the handle while it is held.
            let grip = if key == gdk::Key::Escape { self.grip.take() } else { None };
            let Some(grip) = grip else { return glib::Propagation::Proceed };
            self.give_up(grip);
            return glib::Propagation::Stop;
        }
        let Some(last) = self.count().checked_sub(1) else { return glib::Propagation::Proceed };
        let later = |right: bool| right != self.is_mirrored();
        match (key, held == Modifier::CONTROL_MASK) {
            _ if !held.is_empty() && held != Modifier::CONTROL_MASK => return glib::Propagation::Proceed,
            (gdk::Key::Left | gdk::Key::KP_Left, changes) => self.go(later(false), changes),
            (gdk::Key::Right | gdk::Key::KP_Right, changes) => self.go(later(true), changes),
            (gdk::Key::Page_Up | gdk::Key::KP_Page_Up, false) => self.turn_page(false),
            (gdk::Key::Page_Down | gdk::Key::KP_Page_Down, false) => self.turn_page(true),
            (gdk::Key::Home | gdk::Key::KP_Home, _) => self.choose(0, false),
            (gdk::Key::End | gdk::Key::KP_End, _) => self.choose(last, false),
            _ => return glib::Propagation::Proceed,
        }
        glib::Propagation::Stop
    }

    fn go(&self, later: bool, to_change: bool) {
        match (to_change, later) {
            (true, _) => self.obj().step_change(later),
            (false, true) => self.step(1),
            (false, false) => self.step(-1),
        }
    }

    fn turn_page(&self, later: bool) {
        if let Some(index) = self.a_month_away(later) {
            self.choose(index, false);
        }
    }
}

pub(super) fn is_touch(controller: &impl IsA<gtk::EventController>) -> bool {
    let device = controller.current_event_device();
    device.is_some_and(|device| device.source() == gdk::InputSource::Touchscreen)
}
