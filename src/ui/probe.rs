//! Measuring the app from outside: how soon the first frame is there, how soon the timeline answers, and whether anything
//! holds the main thread up. Asked for by variables, for the driven tests.

use std::cell::Cell;
use std::fs::File;
use std::io::Write;
use std::rc::Rc;
use std::sync::OnceLock;
use std::time::{Duration, Instant};

use adw::prelude::*;
use relm4::gtk::{gdk, glib};
use relm4::{adw, gtk};

/// Names a file: a line for every stall, in whole milliseconds.
const STALLS: &str = "HINDSIGHT_TEST_STALLS";
/// Names a file: a line for every answer of the timeline, in whole milliseconds from the press that asked for it to the
/// frame that shows it.
const ANSWERS: &str = "HINDSIGHT_TEST_ANSWERS";
/// Prints the time from the program's start to its first frame.
const FIRST_FRAME: &str = "HINDSIGHT_TEST_FIRST_FRAME";

const BEAT: Duration = Duration::from_millis(5);
/// Longer than a frame.
const STALL: Duration = Duration::from_millis(16);

static BEGAN: OnceLock<Instant> = OnceLock::new();

thread_local! {
    /// When a key or a button was pressed last, in the display's milliseconds, until that is answered.
    static PRESSED: Cell<Option<u32>> = const { Cell::new(None) };
    /// The press whose answer is in the widgets, until a frame has shown it.
    static ANSWERED: Cell<Option<u32>> = const { Cell::new(None) };
}

pub fn begin() {
    let _ = BEGAN.set(Instant::now());
}

pub fn watch(window: &adw::ApplicationWindow) {
    if std::env::var_os(FIRST_FRAME).is_some() {
        window.connect_map(|window| {
            let Some(clock) = window.frame_clock() else { return };
            let told = std::cell::Cell::new(false);
            clock.connect_after_paint(move |_| {
                if !told.replace(true) {
                    let elapsed = BEGAN.get().map(Instant::elapsed).unwrap_or_default();
                    eprintln!("first frame: {} ms", elapsed.as_millis());
                }
            });
        });
    }
    if let Some(file) = asked_for(STALLS) {
        watch_beat(file);
    }
    if let Some(file) = asked_for(ANSWERS) {
        watch_answers(window, file);
    }
}

/// Appended to, so that whoever empties the file meanwhile gets no gap of zeros.
fn asked_for(variable: &str) -> Option<File> {
    File::options().create(true).append(true).open(std::env::var_os(variable)?).ok()
}

/// The widgets have what was asked for last.
pub fn answered() {
    if let Some(pressed) = PRESSED.take() {
        ANSWERED.set(Some(pressed));
        // What looks the same as before is an answer too, and would not be painted.
        if let Some(window) = relm4::main_adw_application().active_window() {
            window.queue_draw();
        }
    }
}

fn watch_answers(window: &adw::ApplicationWindow, file: File) {
    let presses = gtk::EventControllerLegacy::new();
    presses.set_propagation_phase(gtk::PropagationPhase::Capture);
    presses.connect_event(|_, event| {
        if matches!(event.event_type(), gdk::EventType::KeyPress | gdk::EventType::ButtonPress) {
            PRESSED.set(Some(event.time()));
        }
        glib::Propagation::Proceed
    });
    window.add_controller(presses);
    let file = Rc::new(file);
    window.connect_realize(move |window| {
        let Some(clock) = window.frame_clock() else { return };
        let file = Rc::clone(&file);
        clock.connect_after_paint(move |_| {
            if let Some(pressed) = ANSWERED.take() {
                let _ = writeln!(&*file, "{}", display_now().wrapping_sub(pressed));
            }
        });
    });
}

/// X servers count their milliseconds by the system's monotonic clock.
fn display_now() -> u32 {
    (glib::monotonic_time() / 1000) as u32
}

/// A heart that beats in the main loop, before anything of lower priority than events: late when it is held up.
fn watch_beat(mut file: File) {
    let mut last = Instant::now();
    glib::timeout_add_local_full(BEAT, glib::Priority::DEFAULT, move || {
        let late = last.elapsed().saturating_sub(BEAT);
        if late > STALL {
            let _ = writeln!(file, "{}", late.as_millis());
        }
        last = Instant::now();
        glib::ControlFlow::Continue
    });
}
