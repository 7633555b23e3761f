# shellcheck shell=bash
# Rust: the system's where it is new enough, rustup's otherwise. And the builds.

PATH=${CARGO_HOME:-$HOME/.cargo}/bin:$PATH
export CARGO_TARGET_DIR=$cache/target-host

wanted_rust=$(sed -n 's/^rust-version = "\(.*\)"/\1/p' "$project/Cargo.toml")

# Prints cargo's version in PATH, 0 if there is none.
found_rust() { { cargo --version 2>/dev/null || echo cargo 0; } | cut -d ' ' -f 2; }

rust_suffices() { [ "$(printf '%s\n' "$wanted_rust" "$(found_rust)" | sort -V | head -n 1)" = "$wanted_rust" ]; }

set_up_rust() {
    rust_suffices && return
    local found
    found=$(found_rust)
    [ "$found" = 0 ] && found="none is here" || found="$found is here"
    say "Rust $wanted_rust is needed, $found: installing the newest by rustup into your home folder (about 2 minutes, 0.6 GB)"
    if have rustup; then
        rustup toolchain install stable --profile minimal -c clippy -c rustfmt
    else
        curl --proto '=https' --tlsv1.2 -sSf https://sh.rustup.rs |
            sh -s -- -y --quiet --profile minimal -c clippy -c rustfmt --no-modify-path
    fi || fail "rustup could not install Rust. Please install Rust $wanted_rust or newer (https://rustup.rs) and try again."
    # A default or an override of an older toolchain would still win.
    rust_suffices || export RUSTUP_TOOLCHAIN=stable
    rust_suffices || fail "Rust $(found_rust) was found where $wanted_rust is needed: is another cargo first in PATH?"
}

# Builds the command line as people get it; its path is $cli.
cli=$CARGO_TARGET_DIR/release/hindsight-cli

build_cli() {
    local quiet=(--quiet)
    if [ ! -x "$cli" ] || [ -n "$(find "$project/src" "$project"/Cargo.* -newer "$cli" -print -quit)" ]; then
        say "Building hindsight-cli (about 4 minutes on two cores the first time, half a minute after a change)"
        quiet=()
    fi
    # Cargo decides what is stale: another checkout may have built last.
    cargo build --release --locked --no-default-features --features keyring --bin hindsight-cli \
        --manifest-path "$project/Cargo.toml" "${quiet[@]}" >&2
}
