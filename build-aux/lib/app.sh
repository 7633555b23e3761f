# shellcheck shell=bash
# The app: building it as people get it, and running it where it has GTK.

# What build_app leaves, in $app_built/release.
app_built=$cache/target-root
if offers_gtk; then app_built=$CARGO_TARGET_DIR; fi
app=$app_built/release/hindsight

# The app, and the command line beside it.
build_app() {
    local quiet=(--quiet)
    if [ ! -x "$app" ] || [ -n "$(find "$project/src" "$project"/Cargo.* -newer "$app" -print -quit)" ]; then
        say "Building the app (about 10 minutes on two cores the first time, a minute or two after a change)"
        quiet=()
    fi
    with_gtk closed cargo build --release --locked --features gui --bins \
        --manifest-path "$project/Cargo.toml" "${quiet[@]}" >&2
}

# data/ is laid out as a share folder: the app that is not installed finds its icon there.
open_app() {
    XDG_DATA_DIRS=$project/data:${XDG_DATA_DIRS:-/usr/local/share:/usr/share} with_gtk open "$app"
}

# drive_app FOLDER [THEME[.TEST]...]: the driven tests, or those named; FOLDER then has what the app looked like.
drive_app() { mkdir -p "$1" && with_gtk closed "$project/tests/gui/run" "$app" "$@"; }
