//! What people see. Components, as they contain each other:
//!
//! ```text
//! App (app/)                 the window; owns the worker; the only one that submits jobs
//! ├─ Overview                whether all is well, and the doors to everything else
//! ├─ Operation               the bar at the bottom while something runs
//! ├─ Setup (setup/)          dialog: place, folders, password, rhythm
//! │  ├─ PlaceChooser
//! │  └─ NewPassword
//! ├─ Finder                  dialog: backups made elsewhere
//! │  └─ PlaceChooser
//! ├─ Preferences (preferences/)   dialog: folders, place, schedule, security
//! │  └─ ProtectionPage            page: another password, or keys of GnuPG
//! └─ TimelinePage (timeline/)     a folder as it was, every version, and the way back
//!    └─ RestorePlan (restore_plan/)   dialog: where to, what about files that are there, what will happen
//! ```
//!
//! Decisions are made in [`state`], which knows no window; words in [`texts`]; whatever may wait happens in
//! [`services`], called from commands. Children know neither each other nor the app. [`sheet`] is the recovery sheet on
//! paper.

mod actions;
mod app;
mod change;
mod dialogs;
mod finder;
mod folder_list;
mod invocation;
mod left_out;
mod operation;
mod overview;
mod password;
mod place;
mod preferences;
mod probe;
mod restore_plan;
mod services;
mod setup;
mod sheet;
mod state;
mod texts;
mod timeline;

use std::cell::Cell;
use std::time::Duration;

use adw::prelude::*;
use relm4::gtk::{gio, glib};
use relm4::{MessageBroker, RelmApp, adw};

use self::app::{App, AppInput};

pub const APP_ID: &str = "io.github.hindsight_backup.Hindsight";

/// How words from other invocations reach the window.
static BROKER: MessageBroker<AppInput> = MessageBroker::new();

const STYLE: &str = "
.badge { padding: 24px; border-radius: 9999px; }
.badge.success { color: var(--success-color); background-color: color-mix(in srgb, var(--success-bg-color) 16%, transparent); }
.badge.warning { color: var(--warning-color); background-color: color-mix(in srgb, var(--warning-bg-color) 22%, transparent); }
.badge.accent { color: var(--accent-color); background-color: color-mix(in srgb, var(--accent-bg-color) 16%, transparent); }
.ghost image { opacity: 0.45; }
.ghost label { opacity: 0.55; }
columnview.timeline > listview > row > cell, listview.timeline > row { padding: 0; }
columnview.timeline > listview > row > cell > * { padding: 5px 12px; }
listview.timeline > row > * { padding: 8px 12px; }
columnview.timeline > header > button { padding-left: 12px; padding-right: 12px; }
button.crumb { padding: 3px 8px; font-weight: 400; }
button.crumb.last { font-weight: 700; }
.dragged { padding: 9px 12px; border-radius: 9px; background-color: var(--popover-bg-color); color: var(--popover-fg-color); }
.preview { border-radius: 12px; }
.preview .paper { background: white; color: rgb(0 0 0 / 80%); padding: 18px; }
row.shown { background-color: color-mix(in srgb, var(--accent-bg-color) 12%, transparent); }
progressbar.space trough, progressbar.space progress { min-height: 6px; border-radius: 3px; }
";

pub fn run() {
    probe::begin();
    glib::set_application_name("Hindsight");
    let app = adw::Application::builder()
        .application_id(APP_ID)
        .flags(gio::ApplicationFlags::HANDLES_COMMAND_LINE)
        .build();
    // Answered by GLib: --version.
    app.set_property("version", env!("CARGO_PKG_VERSION"));
    invocation::declare(&app);
    app.connect_command_line(|app, line| {
        BROKER.send(AppInput::Invoked(invocation::parse(line)));
        app.activate();
        glib::ExitCode::SUCCESS
    });
    // An instance that only hands its words to the one that runs never starts up, and RelmApp waits for one more event
    // of its main loop before it ends: this is that event.
    let waker = glib::timeout_add_local(Duration::from_millis(20), || glib::ControlFlow::Continue);
    let waker = Cell::new(Some(waker));
    app.connect_startup(move |_| {
        if let Some(waker) = waker.take() {
            waker.remove();
        }
        relm4::set_global_css(STYLE);
    });
    RelmApp::from_app(app).with_broker(&BROKER).run::<App>(());
}
