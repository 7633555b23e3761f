# shellcheck shell=bash
# What the driven tests need beside the app; drive_app in app.sh runs them.

# set_up_driving FOLDER: the app, the programs that it is measured beside, and in FOLDER/dated backups of the past.
set_up_driving() {
    build_app
    with_gtk closed cargo build --release --locked --features gui \
        --example dated_backup --example empty_window --example long_past --example time_bar
    write_dated "$1/dated"
}

# write_dated FOLDER: other people's backups: by the two versions of duplicity, and a year of a house by ours.
write_dated() {
    tests/gui/dated "$stock_32" "$1/3.2.1" few
    tests/gui/dated "$stock_08" "$1/0.8.22" few
    with_gtk closed "$project/tests/gui/dated" "$app_built/release/examples/dated_backup" "$1/house" many
}
