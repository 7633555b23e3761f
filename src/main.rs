//! The app: `hindsight`. See `ui`.

mod ui;

fn main() {
    ui::run();
}
