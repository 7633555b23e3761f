# shellcheck shell=bash
# Stock duplicity in the two versions that the interop tests run: 0.8.22, as Debian 12 has it, and 3.2.1 from PyPI.
# Each becomes an executable under $cache/stock that runs that version whatever the caller's environment says.

stock_08=$cache/stock/duplicity-0.8.22
stock_32=$cache/stock/duplicity-3.2.1

# Writes the launcher PATH: runs the given words, with the caller's arguments behind them. Python's own variables and
# a pyenv or virtual environment of the caller do not reach it; passwords, HOME, GNUPGHOME and TZ do.
write_launcher() {
    local path=$1
    shift
    mkdir -p "$(dirname "$path")"
    {
        echo '#!/bin/bash'
        echo 'export PATH=/usr/bin:/bin LC_ALL=C.UTF-8'
        echo "exec$(printf ' %q' "$@") \"\$@\""
    } >"$path.part"
    chmod +x "$path.part"
    mv "$path.part" "$path"
}

runs_version() { [ -x "$1" ] && "$1" --version 2>/dev/null | grep -q "^duplicity $2\b"; }

# Sets up everything that tests need, and tells them where the stock versions are.
set_up_tests() {
    install_listed "$project/build-aux/packages-build" "$project/build-aux/packages-test"
    set_up_rust
    set_up_stock_08
    set_up_stock_32
    export HINDSIGHT_STOCK_08=$stock_08 HINDSIGHT_STOCK_32=$stock_32
}

set_up_stock_08() {
    runs_version "$stock_08" 0.8.22 && return
    if [ "$(system_id) $(system_version)" = "debian 12" ]; then
        install_packages duplicity gnupg
        write_launcher "$stock_08" /usr/bin/python3 -I /usr/bin/duplicity
    else
        local root=$cache/root-bookworm-stock
        say "Making a small Debian 12 for duplicity 0.8.22 (about 2 minutes, 0.5 GB, once)"
        install_listed "$project/build-aux/packages-bootstrap"
        make_once "$root" make_bookworm
        write_launcher "$stock_08" "$project/build-aux/root" --in "$root" open /usr/bin/python3 -I /usr/bin/duplicity
    fi
    runs_version "$stock_08" 0.8.22 || fail "duplicity 0.8.22 does not run: $stock_08 --version"
}

make_bookworm() { bootstrap bookworm "$1" duplicity,gnupg,python3; }

set_up_stock_32() {
    local venv=$cache/stock/venv-3.2.1
    runs_version "$stock_32" 3.2.1 && reaches_servers "$venv" && return
    say "Installing duplicity 3.2.1 from PyPI (half a minute, once)"
    make_once "$venv" make_venv
    # Also in one that was made before servers were tested.
    reaches_servers "$venv" || "$venv/bin/python3" -m pip install --quiet paramiko
    # -I leaves out the caller's Python variables and per-user packages.
    write_launcher "$stock_32" "$venv/bin/python3" -I "$venv/bin/duplicity"
    runs_version "$stock_32" 3.2.1 || fail "duplicity 3.2.1 does not run: $stock_32 --version"
}

reaches_servers() { "$1/bin/python3" -I -c 'import paramiko' 2>/dev/null; }

# Its wheel brings librsync along. Of the forty packages it names only fasteners is needed for local folders, and
# paramiko for servers.
make_venv() {
    /usr/bin/python3 -m venv "$1"
    "$1/bin/python3" -m pip install --quiet --no-deps duplicity==3.2.1 fasteners
    "$1/bin/python3" -m pip install --quiet paramiko
}
