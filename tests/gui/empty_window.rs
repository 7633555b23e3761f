//! The least there can be to wait for: an empty window of libadwaita. The app's first picture is measured beside it.

use adw::prelude::*;
use gtk::glib;

fn main() -> glib::ExitCode {
    let app = adw::Application::builder().build();
    app.connect_activate(|app| {
        let window = adw::ApplicationWindow::builder().application(app).title("Hindsight").build();
        window.set_default_size(680, 780);
        window.connect_realize(|window| {
            if let Some(clock) = window.frame_clock() {
                clock.connect_after_paint(|_| eprintln!("first frame"));
            }
        });
        window.present();
    });
    app.run()
}
