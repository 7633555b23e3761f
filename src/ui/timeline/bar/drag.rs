//! Pressing and dragging: the handle over the marks, or on touch the strip below the handle.

use std::cell::Cell;

use relm4::gtk::{self, gdk, glib, prelude::*, subclass::prelude::*};

use super::fling::Fling;
use super::inner::TimeBar;
use super::input::is_touch;
use super::motion::Place;

/// Less is no dragging but an unsteady hand, or finger. Pixels.
const UNSTEADY_HAND: f64 = 4.0;
const UNSTEADY_FINGER: f64 = 8.0;
/// Dragging so near to a side scrolls the strip. Pixels.
const SCROLLING_EDGE: f64 = 40.0;
/// The farther beyond the edge, the faster, up to here. Pixels.
const FASTEST_AT: f64 = 200.0;
/// Pixels in a millisecond, for each pixel beyond the edge.
const SPEED: f64 = 0.012;

/// What is held since a button was pressed or a finger came down.
#[derive(Clone, Copy, Debug)]
pub(super) enum Grip {
    Handle(HandleGrip),
    Strip(StripGrip),
}

/// The handle moves over the marks.
#[derive(Clone, Copy, Debug)]
pub(super) struct HandleGrip {
    /// What was selected before.
    before: Option<usize>,
    began: f64,
    /// The pointer, in the view.
    x: f64,
    /// From the pointer to the middle of the handle.
    reach: f64,
    pub moved: bool,
}

/// A finger moves the strip below the handle.
#[derive(Clone, Copy, Debug)]
pub(super) struct StripGrip {
    before: Option<usize>,
    began: f64,
    /// Where all was when the finger began to move, and where the finger was.
    from: Option<(Place, f64)>,
    fling: Fling,
}

impl TimeBar {
    pub(super) fn listen_to_drags(&self) {
        let bar = self.obj();
        let drag = gtk::GestureDrag::builder().button(gdk::BUTTON_PRIMARY).build();
        drag.connect_drag_begin(glib::clone!(
            #[weak]
            bar,
            move |drag, x, y| bar.imp().pressed(drag, x, y)
        ));
        drag.connect_drag_update(glib::clone!(
            #[weak]
            bar,
            move |drag, by, _| {
                if let Some((start, _)) = drag.start_point() {
                    bar.imp().dragged(start + by, drag.current_event_time());
                }
            }
        ));
        drag.connect_drag_end(glib::clone!(
            #[weak]
            bar,
            move |drag, _, _| bar.imp().released(drag.current_event_time())
        ));
        bar.add_controller(drag);
    }

    fn pressed(&self, drag: &gtk::GestureDrag, x: f64, y: f64) {
        let held = self.take_hold(x, y, is_touch(drag));
        drag.set_state(match held {
            true => gtk::EventSequenceState::Claimed,
            false => gtk::EventSequenceState::Denied,
        });
    }

    /// Whether there is anything to be held.
    pub(crate) fn take_hold(&self, x: f64, y: f64, is_finger: bool) -> bool {
        let laid = self.laid();
        if laid.strip.lefts.is_empty() {
            return false;
        }
        self.obj().grab_focus();
        self.stop_hovering();
        let coasting = self.coasting.get();
        self.halt();
        let x = self.logical(x);
        let before = self.selected.get();
        if is_finger && laid.strip.scrolls() {
            // The finger that stops a strip has begun to move it.
            let from = coasting.then(|| (self.place.get(), x));
            let grip = StripGrip { before, began: x, from, fling: Fling::default() };
            self.grip.set(Some(Grip::Strip(grip)));
            return true;
        }
        let place = self.place.get();
        let on_handle = self.is_on_handle(x, y);
        let reach = if on_handle { place.handle - place.offset - x } else { 0.0 };
        self.grip.set(Some(Grip::Handle(HandleGrip { before, began: x, x, reach, moved: false })));
        self.obj().set_cursor_from_name(Some("grabbing"));
        if !on_handle {
            self.scrub(x);
        }
        if laid.strip.scrolls() {
            self.scroll_at_the_sides();
        }
        true
    }

    /// Selects what is at a place in the view.
    fn scrub(&self, x: f64) {
        if let Some(index) = self.laid().strip.nearest(self.place.get().offset + x) {
            self.choose(index, true);
        }
    }

    /// `time` in milliseconds.
    pub(crate) fn dragged(&self, x: f64, time: u32) {
        let x = self.logical(x);
        match self.grip.get() {
            Some(Grip::Handle(mut grip)) => {
                grip.x = x;
                grip.moved |= (x - grip.began).abs() > UNSTEADY_HAND;
                self.grip.set(Some(Grip::Handle(grip)));
                if grip.moved {
                    self.scrub(x + grip.reach);
                    self.obj().queue_draw();
                }
            }
            Some(Grip::Strip(mut grip)) => {
                grip.fling.moved(x, f64::from(time));
                if grip.from.is_none() && (x - grip.began).abs() > UNSTEADY_FINGER {
                    grip.from = Some((self.place.get(), x));
                }
                self.grip.set(Some(Grip::Strip(grip)));
                if let Some((from, began)) = grip.from {
                    self.move_strip(from, x - began);
                }
            }
            None => {}
        }
    }

    /// The strip moves with the finger, the handle stays on the screen, and what passes below it is selected.
    fn move_strip(&self, from: Place, by: f64) {
        let laid = self.laid();
        let Some(last) = laid.strip.lefts.len().checked_sub(1) else { return };
        let handle = (from.handle - by).clamp(laid.strip.axis(0), laid.strip.axis(last));
        self.place.set(Place { handle, offset: from.offset + handle - from.handle });
        self.obj().queue_draw();
        self.pass();
    }

    pub(crate) fn released(&self, time: u32) {
        let grip = self.grip.take();
        self.obj().set_cursor_from_name(None);
        match grip {
            Some(Grip::Handle(_)) => {
                self.settle(true);
                self.conclude();
            }
            Some(Grip::Strip(StripGrip { from: Some(_), fling, .. })) => {
                self.coast(fling.way(f64::from(time)))
            }
            Some(Grip::Strip(grip)) => {
                // A finger that did not move meant a mark.
                if let Some(index) = self.laid().strip.nearest(self.place.get().offset + grip.began) {
                    self.choose(index, false);
                }
            }
            None => {}
        }
    }

    /// Back to what was selected before the drag.
    pub(super) fn give_up(&self, grip: Grip) {
        let (Grip::Handle(HandleGrip { before, .. }) | Grip::Strip(StripGrip { before, .. })) = grip;
        self.obj().set_cursor_from_name(None);
        match before.filter(|before| self.selected.get() != Some(*before)) {
            Some(before) => self.choose(before, false),
            None => {
                self.settle(true);
                self.conclude();
            }
        }
    }

    /// While the handle is dragged near to a side, more of the strip comes from there.
    fn scroll_at_the_sides(&self) {
        let last = Cell::new(None);
        self.obj().add_tick_callback(move |bar, clock| {
            let inner = bar.imp();
            let Some(Grip::Handle(grip)) = inner.grip.get() else { return glib::ControlFlow::Break };
            let passed = last.replace(Some(clock.frame_time())).map_or(0, |last| clock.frame_time() - last);
            if grip.moved {
                inner.scroll_beside(grip, passed as f64 / 1000.0);
            }
            glib::ControlFlow::Continue
        });
    }

    /// `passed`: milliseconds since the last time.
    fn scroll_beside(&self, grip: HandleGrip, passed: f64) {
        let laid = self.laid();
        let place = self.place.get();
        let beyond = grip.x
            - grip.x.clamp(SCROLLING_EDGE, (f64::from(laid.strip.view) - SCROLLING_EDGE).max(SCROLLING_EDGE));
        let offset =
            laid.strip.clamp_offset(place.offset + beyond.clamp(-FASTEST_AT, FASTEST_AT) * SPEED * passed);
        if offset != place.offset {
            self.place.set(Place { offset, ..place });
            self.obj().queue_draw();
            self.scrub(grip.x + grip.reach);
        }
    }
}
