# shellcheck shell=bash
# Private Debians: made by mmdebstrap under the cache, entered with bubblewrap. Nothing of them runs as a service,
# nothing of the system is changed, and deleting the folder is all there is to getting rid of one.

# The Debian 13 with GTK 4.18 and libadwaita 1.7 for systems whose own are older. Its name changes with its packages.
app_lists=("$project/build-aux/packages-app" "$project/build-aux/packages-gui-test")
app_packages() { names_in "${app_lists[@]}" | awk '$1 != "-" {print $1}' | paste -sd,; }
app_root=$cache/root-trixie-$(app_packages | sha256sum | cut -c1-12)

# with_gtk closed|open CMD...: runs CMD where there are GTK 4.18 and libadwaita 1.7: here, if this system offers them.
with_gtk() {
    if offers_gtk; then
        install_listed "${app_lists[@]}"
        "${@:2}"
    else
        CARGO_TARGET_DIR=$cache/target-root "$project/build-aux/root" "$@"
    fi
}

offers_gtk() {
    case $(system_id) in
        debian) version_is 13 ;;
        ubuntu) version_is 25.04 ;;
        fedora) version_is 42 ;;
        arch) true ;;
        *) false ;;
    esac
}

set_up_app_root() {
    [ -e "$app_root" ] && return
    install_listed "$project/build-aux/packages-bootstrap"
    say "Making a private Debian 13 for GTK (about 3 minutes, 1.5 GB, once): $app_root"
    make_once "$app_root" make_app_root
}

make_app_root() { bootstrap trixie "$1" "$(app_packages)"; }

# bootstrap SUITE FOLDER PACKAGE,...: unpacks by tar, so that without root everything belongs to the caller, who
# can then delete it. Devices are left out: /dev comes from bubblewrap.
bootstrap() {
    local how=(--mode=unshare)
    if [ "$(id -u)" = 0 ] || have sudo; then how=(--mode=root); fi
    run_bootstrap "${how[@]}" --variant=minbase --quiet --dpkgopt=force-unsafe-io \
        --aptopt='APT::Install-Recommends "false"' \
        --aptopt='Acquire::Check-Valid-Until "false"' --aptopt='Acquire::Check-Date "false"' \
        --dpkgopt='path-exclude=/usr/share/doc/*' --dpkgopt='path-exclude=/usr/share/man/*' \
        --include="$3" "$1" - 2>"$cache/bootstrap.log" | tar -x --exclude='./dev/*' -C "$2" || {
        tail -n 20 "$cache/bootstrap.log" >&2
        fail "The private Debian could not be made."
    }
    # Places for what the system hands in.
    mkdir -p "$2/etc/ssl/certs" "$2/usr/local/share/ca-certificates" "$2/usr/lib/locale"
    touch "$2"/etc/{resolv.conf,hosts,machine-id,fstab}
}

run_bootstrap() {
    # /tmp is often in memory, and too small.
    local mmdebstrap=(env TMPDIR=/var/tmp mmdebstrap "$@")
    if [ "$1" = --mode=root ]; then as_root "${mmdebstrap[@]}"; else "${mmdebstrap[@]}"; fi
}

# The two ways in. Both leave CMD... where the caller stands, as who the caller is.

# enter_closed ROOT CMD...: for builds and tests. Of the system it shows the project, Rust and this project's cache.
enter_closed() {
    local root=$1
    shift
    local rust=${RUSTUP_HOME:-$HOME/.rustup} crates=${CARGO_HOME:-$HOME/.cargo} shown=()
    [ -d "$rust" ] && shown+=(--ro-bind "$rust" "$rust")
    [ -d "$crates" ] && shown+=(--bind "$crates" "$crates")
    in_bubble "$root" \
        --ro-bind "$root/var" /var --perms 1777 --tmpfs /var/tmp \
        --perms 1777 --tmpfs /tmp --perms 755 --tmpfs /run --dev /dev --perms 1777 --tmpfs /dev/shm \
        --unshare-pid --unshare-ipc --unshare-uts --die-with-parent --proc /proc \
        "${shown[@]}" --bind "$project" "$project" --bind "$cache" "$cache" \
        --setenv LC_ALL C.UTF-8 -- "$@"
}

# enter_open ROOT CMD...: for a person's app. Only programs and libraries (usr, etc) are the root's; home, drives
# and mounts, the session's bus, displays and processes are the system's, under the same paths.
enter_open() {
    local root=$1
    shift
    local shown=() place
    for place in /*; do
        case $place in
            /usr | /etc | /bin | /sbin | /lib* | /dev | /sys) ;;
            *) [ -d "$place" ] && [ ! -L "$place" ] && shown+=(--bind "$place" "$place") ;;
        esac
    done
    for place in /etc/machine-id /etc/fstab /usr/lib/locale; do
        [ -e "$place" ] && shown+=(--ro-bind "$place" "$place")
    done
    in_bubble "$root" "${shown[@]}" --dev-bind /dev /dev --setenv TZ "${TZ:-$(time_zone)}" -- "$@"
}

time_zone() {
    local file
    file=$(readlink -f /etc/localtime) || return 0
    [[ $file == */zoneinfo/* ]] && echo ":${file#*/zoneinfo/}" || echo UTC
}

# in_bubble ROOT OPTION... -- CMD...: what both ways share: the root's programs, the system's names of people, its
# network and its certificates.
in_bubble() {
    local root=$1 shared=() place
    shift
    # Certificates of the system's own, where they are kept as in Debian.
    for place in /etc/ssl/certs /usr/local/share/ca-certificates; do
        [ -e /etc/ssl/certs/ca-certificates.crt ] && [ -d "$place" ] && shared+=(--ro-bind "$place" "$place")
    done
    exec bwrap --ro-bind "$root/usr" /usr --ro-bind "$root/etc" /etc \
        --symlink usr/bin /bin --symlink usr/sbin /sbin --symlink usr/lib /lib --symlink usr/lib64 /lib64 \
        --ro-bind /sys /sys \
        --ro-bind /etc/resolv.conf /etc/resolv.conf --ro-bind /etc/hosts /etc/hosts \
        "${shared[@]}" \
        --ro-bind-data 11 /etc/passwd --ro-bind-data 12 /etc/group \
        --setenv PATH "${CARGO_HOME:-$HOME/.cargo}/bin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin" \
        --chdir "$PWD" "$@" 11< <(people passwd "$(id -u)" "$root") 12< <(people group "$(id -g)" "$root")
}

# The system's table of people or groups, the caller (who may come from a directory service), and the root's own.
people() { cat "/etc/$1" <(getent "$1" "$2") "$3/etc/$1"; }
