//! The app: `hindsight`. See `ui`.

// In a program nothing is reachable from outside.
#![allow(unreachable_pub)]

mod ui;

fn main() {
    hindsight::secret::keep_out_of_core_dumps();
    ui::run();
}
