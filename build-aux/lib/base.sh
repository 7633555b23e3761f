# shellcheck shell=bash
# What every script of this project starts with: where things are, how to speak, how to make something just once.
# The caller has set -euo pipefail.

# shellcheck disable=SC2034  # Used by the scripts that read this file.
project=$(realpath "$(dirname "${BASH_SOURCE[0]}")/../..")
cache=${XDG_CACHE_HOME:-$HOME/.cache}/hindsight
mkdir -p "$cache"

say() { printf '%s\n' "== $*" >&2; }

fail() {
    printf '%s\n' "!! $*" >&2
    exit 1
}

have() { command -v "$1" >/dev/null 2>&1; }

# A number of seconds as people say it.
duration() {
    if (($1 < 60)); then echo "$1 s"; else echo "$(($1 / 60)) min $(($1 % 60)) s"; fi
}

# A short name for the texts given as files: changes when one of them does.
key_of() { cat -- "$@" | sha256sum | cut -c1-12; }

# make_once PATH FUNCTION: PATH is what FUNCTION made out of an empty folder, or it does not exist at all. The folder
# is filled under a temporary name and renamed when complete, so that an interrupted run leaves nothing half made;
# two runs at once make it once.
make_once() {
    local path=$1 function=$2
    [ -e "$path" ] && return
    mkdir -p "$(dirname "$path")"
    (
        flock 9
        [ -e "$path" ] && exit
        discard "$path.part"
        mkdir -p "$path.part"
        # Not in a condition: there bash would forget -e inside the function.
        "$function" "$path.part"
        mv "$path.part" "$path"
    ) 9>"$path.lock"
}

# Deletes a folder even where it has folders without the right to write.
discard() {
    [ -e "$1" ] || return 0
    chmod -R u+rwX "$1" && rm -rf "$1"
}

# Lists without comments and empty lines.
names_in() { sed -e 's/#.*//' -e 's/[[:space:]]*$//' -e '/^$/d' -- "$@"; }
