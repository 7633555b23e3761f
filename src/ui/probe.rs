//! Measuring the app from outside: how soon the first frame is there, and whether anything holds the main thread up.
//! Asked for by variables, for the driven tests.

use std::fs::File;
use std::io::Write;
use std::sync::OnceLock;
use std::time::{Duration, Instant};

use adw::prelude::*;
use relm4::adw;
use relm4::gtk::glib;

/// Names a file: a line for every stall, in whole milliseconds.
const STALLS: &str = "HINDSIGHT_TEST_STALLS";
/// Prints the time from the program's start to its first frame.
const FIRST_FRAME: &str = "HINDSIGHT_TEST_FIRST_FRAME";

const BEAT: Duration = Duration::from_millis(5);
/// Longer than a frame.
const STALL: Duration = Duration::from_millis(16);

static BEGAN: OnceLock<Instant> = OnceLock::new();

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
    // Appended, so that whoever empties the file meanwhile gets no gap of zeros.
    let appended = |path| File::options().create(true).append(true).open(path).ok();
    if let Some(file) = std::env::var_os(STALLS).and_then(appended) {
        watch_beat(file);
    }
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
