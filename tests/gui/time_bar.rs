//! The time bar without the app, for the driven tests of `timebar.py` and for whoever works on it.
//!
//! `time_bar SCENE [--dark] [--rtl] [--animate] [--width=PIXELS]`, with a scene of [`SCENES`]; `measure` prints what a
//! frame of 10,000 marks costs.

#![allow(clippy::unwrap_used, clippy::expect_used)] // a test that cannot go on fails
// In a program nothing is reachable from outside.
#![allow(unreachable_pub)]

#[path = "../../src/ui/timeline/bar/mod.rs"]
mod bar;

use std::time::{Duration, Instant};

use adw::prelude::*;
use bar::{Life, Mark, TimeBar};
use gtk::glib;
use gtk::subclass::prelude::*;

/// A name, and what it is shown with.
type Scene = (&'static str, fn(&gtk::Box));

const SCENES: [Scene; 6] = [
    ("states", states),
    ("few", few),
    ("many", many),
    ("one", one),
    ("finger", finger),
    ("measure", measure),
];

const DAY: i64 = 86_400;
/// 22 November 2024, 18:04 UTC.
const NEWEST: i64 = 1_732_298_640;

fn main() -> glib::ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let app = adw::Application::builder().build();
    app.connect_activate(move |app| show(app, &arguments));
    app.run_with_args::<&str>(&[])
}

fn show(app: &adw::Application, arguments: &[String]) {
    let is_asked = |option: &str| arguments.iter().any(|argument| argument == option);
    if is_asked("--rtl") {
        gtk::Widget::set_default_direction(gtk::TextDirection::Rtl);
    }
    if is_asked("--dark") {
        adw::StyleManager::default().set_color_scheme(adw::ColorScheme::ForceDark);
    }
    if is_asked("--animate") {
        gtk::Settings::default().unwrap().set_gtk_enable_animations(true);
    }
    let width =
        arguments.iter().find_map(|argument| argument.strip_prefix("--width=")?.parse().ok()).unwrap_or(900);
    let scene = arguments.first().map_or("states", String::as_str);
    let scene = SCENES.iter().find(|(name, _)| *name == scene).expect("a scene of that name").1;
    let content = gtk::Box::new(gtk::Orientation::Vertical, 6);
    scene(&content);
    let scrolled =
        gtk::ScrolledWindow::builder().hscrollbar_policy(gtk::PolicyType::Never).child(&content).build();
    let view = adw::ToolbarView::builder().content(&scrolled).build();
    view.add_top_bar(&adw::HeaderBar::new());
    let window = adw::ApplicationWindow::builder().application(app).title("Hindsight").content(&view).build();
    window.set_default_size(width, 960);
    window.present();
}

// Backups

/// So many, from the newest back: dates that are so many days apart, the first ones as `distances` says and then on as
/// its last one does.
fn history(count: usize, distances: &[(usize, i64)]) -> Vec<Mark> {
    let steps = distances.iter().flat_map(|(times, days)| std::iter::repeat_n(*days, *times));
    let last = distances.last().map_or(1, |(_, days)| *days);
    let mut date = NEWEST;
    let mut chance: u64 = 7;
    let mut marks: Vec<Mark> = steps
        .chain(std::iter::repeat(last))
        .take(count)
        .map(|days| {
            chance = chance.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            let part = (chance >> 40) as f64 / (1 << 24) as f64;
            let mark =
                Mark { date, changed_bytes: 10_f64.powf(6.3 + 3.9 * part * part) as u64, damaged: false };
            date -= days * DAY;
            mark
        })
        .collect();
    marks.reverse();
    marks
}

/// As backups are after a year: daily ones lately, with some weeks without any, and fewer the older they are.
fn thinned() -> Vec<Mark> {
    history(95, &[(38, 1), (1, 17), (16, 2), (26, 5), (1, 14)])
}

fn changed(count: usize) -> Vec<usize> {
    (0..count).filter(|index| index * index % 7 < 2).collect()
}

// Scenes

fn add(content: &gtk::Box, title: &str, marks: Option<Vec<Mark>>) -> TimeBar {
    let label = gtk::Label::builder().label(title).xalign(0.0).margin_start(12).margin_top(6).build();
    label.add_css_class("caption-heading");
    content.append(&label);
    let bar = TimeBar::new();
    let count = marks.as_ref().map_or(0, Vec::len);
    bar.set_marks(marks);
    bar.set_changed(&changed(count), "Summer House");
    bar.select(count.saturating_sub(1) / 2);
    bar.connect_chosen(|bar, index, _| bar.select(index));
    content.append(&bar);
    bar
}

fn states(content: &gtk::Box) {
    add(content, "Nothing selected in the list", Some(thinned()));
    let bar = add(content, "A file is selected", Some(thinned()));
    bar.set_life(Some(Life { held: vec![15..=50, 60..=94], versions: vec![15, 19, 47, 60, 75] }));
    let mut damaged = thinned();
    for index in [20, 47, 58, 80] {
        damaged[index] = Mark { damaged: true, changed_bytes: 300_000_000, ..damaged[index] };
    }
    add(content, "Damaged", Some(damaged));
    let bar = add(content, "Narrow", Some(thinned()));
    bar.set_life(Some(Life { held: vec![15..=94], versions: vec![15, 44, 50] }));
    bar.set_halign(gtk::Align::Start);
    bar.set_size_request(340, -1);
    bar.set_hexpand(false);
}

fn few(content: &gtk::Box) {
    let bar = add(content, "One", Some(history(1, &[(1, 1)])));
    bar.set_life(Some(Life { held: vec![0..=0], versions: vec![0] }));
    add(content, "3", Some(history(3, &[(1, 25)])));
    add(content, "12, yearly", Some(history(12, &[(1, 365)])));
    add(content, "Loading", None);
    add(content, "None", Some(Vec::new()));
}

fn many(content: &gtk::Box) {
    add(content, "60, monthly", Some(history(60, &[(1, 30)])));
    add(content, "400, daily", Some(history(400, &[(1, 1)])));
    let bar = add(content, "10,000, daily", Some(history(10_000, &[(1, 1)])));
    bar.set_life(Some(Life { held: vec![100..=4_980, 4_990..=9_000], versions: vec![4_990, 5_010] }));
    add(content, "400, daily, the newest", Some(history(400, &[(1, 1)]))).select(399);
}

/// A bar and, in words, what it tells.
fn one(content: &gtk::Box) {
    let _ = told_of(content);
}

fn told_of(content: &gtk::Box) -> TimeBar {
    let told = gtk::Label::new(Some("Nothing chosen"));
    let bar = add(content, "One", Some(thinned()));
    let jump = |label: &str, forward: bool| {
        let button = gtk::Button::with_label(label);
        let jumping = bar.clone();
        button.connect_clicked(move |_| jumping.step_change(forward));
        content.append(&button);
        button
    };
    let (back, forward) = (jump("Previous Change", false), jump("Next Change", true));
    bar.set_note(|index| (index == 3).then(|| "3 items changed in Summer House".to_owned()));
    let label = told.clone();
    bar.connect_chosen(move |bar, index, dragging| {
        let selected = bar.selected().map_or(0, |selected| selected + 1);
        let how = if dragging { "dragging" } else { "chosen" };
        label.set_label(&format!("{how} {} of {selected}", index + 1));
        back.set_sensitive(bar.can_step_change(false));
        forward.set_sensitive(bar.can_step_change(true));
    });
    content.append(&told);
    bar
}

/// The same with a finger on it, which no test has: by buttons, what GTK would call for its events. It moves by a hundred
/// pixels in a tenth of a second.
fn finger(content: &gtk::Box) {
    let bar = told_of(content);
    let add = |label: &str, from: f64, by: f64, rests: u32| {
        let (bar, button) = (bar.clone(), gtk::Button::with_label(label));
        button.connect_clicked(move |_| {
            let inner = bar.imp();
            assert!(inner.take_hold(from, 70.0, true));
            (1..=10).for_each(|step| inner.dragged(from + by * f64::from(step) / 10.0, step * 10));
            inner.released(100 + rests);
        });
        content.append(&button);
    };
    add("Tap at the Left", 60.0, 3.0, 0);
    add("Pull to the Right", 180.0, 100.0, 500);
    add("Pull to the Left", 180.0, -100.0, 500);
    add("Fling to the Right", 180.0, 100.0, 5);
}

/// Prints what a frame of 10,000 marks costs while it is scrubbed: making it, and painting it without help of a graphics
/// card.
fn measure(content: &gtk::Box) {
    const FRAMES: u32 = 300;
    let bar = add(content, "10,000", Some(history(10_000, &[(1, 1)])));
    glib::timeout_add_local_once(Duration::from_millis(500), move || {
        let surface =
            gtk::cairo::ImageSurface::create(gtk::cairo::Format::ARgb32, bar.width(), bar.height()).unwrap();
        let painter = gtk::cairo::Context::new(&surface).unwrap();
        let (mut making, mut painting) = (Duration::ZERO, Duration::ZERO);
        for frame in 0..FRAMES {
            bar.select(5_000 + frame as usize);
            let began = Instant::now();
            let snapshot = gtk::Snapshot::new();
            bar.imp().snapshot(&snapshot);
            let picture = snapshot.to_node().unwrap();
            making += began.elapsed();
            let began = Instant::now();
            picture.draw(&painter);
            painting += began.elapsed();
        }
        let each = |time: Duration| time.as_secs_f64() * 1000.0 / f64::from(FRAMES);
        println!("{:.2} {:.2}", each(making), each(painting));
        std::process::exit(0);
    });
}
