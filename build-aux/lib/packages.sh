# shellcheck shell=bash
# The system's packages: which system this is, which packages are missing, how to install them.
#
# A list (build-aux/packages-*) has three columns: the name on Debian and Ubuntu, on Fedora, and on Arch;
# "-" where the system has none or needs none.

# debian, ubuntu, fedora, arch, or whatever the system calls itself.
system_id() { sed -n 's/^ID=//p' /etc/os-release | tr -d '"'; }
system_version() { sed -n 's/^VERSION_ID=//p' /etc/os-release | tr -d '"'; }

# version_is LEAST: this or a later version of the system. Systems without versions are later than all.
version_is() {
    local version
    version=$(system_version)
    [ "$(printf '%s\n' "$1" "${version:-9999}" | sort -V | head -n 1)" = "$1" ]
}

# debian, fedora or arch: whose package tool this system has; empty if another's.
system_family() {
    if have apt-get; then echo debian
    elif have dnf; then echo fedora
    elif have pacman; then echo arch
    fi
}

as_root() {
    if [ "$(id -u)" = 0 ]; then "$@"
    elif have sudo; then sudo "$@"
    else fail "Neither root nor sudo here. As root, please: $*"
    fi
}

# install_listed LIST...: installs what is missing of the lists.
install_listed() {
    local family column
    family=$(system_family)
    case $family in
        debian) column=1 ;;
        fedora) column=2 ;;
        arch) column=3 ;;
        *) fail "This system's package tool is not known here. Please install what $* name, then set HINDSIGHT_PACKAGES=installed." ;;
    esac
    local wanted
    mapfile -t wanted < <(names_in "$@" | awk -v c=$column '$c != "-" {print $c}' | sort -u)
    install_packages "${wanted[@]}"
}

install_packages() {
    [ "${HINDSIGHT_PACKAGES:-}" = installed ] && return
    local missing
    mapfile -t missing < <(missing_packages "$@")
    ((${#missing[@]})) || return 0
    say "Installing ${#missing[@]} packages (a minute or two): ${missing[*]}"
    case $(system_family) in
        debian) apt_install "${missing[@]}" ;;
        fedora) as_root dnf install -y "${missing[@]}" ;;
        arch) as_root pacman -S --needed --noconfirm "${missing[@]}" ;;
    esac
}

# Prints those of the packages that are not installed.
missing_packages() {
    local name
    for name; do
        case $(system_family) in
            debian) dpkg-query -W -f '${Status}\n' "$name" 2>/dev/null | grep -q '^install ok installed' ;;
            fedora) rpm -q --whatprovides "$name" >/dev/null 2>&1 ;;
            arch) pacman -Qq "$name" >/dev/null 2>&1 ;;
        esac || echo "$name"
    done
}

# A source of packages that does not answer makes apt-get update fail although all that is wanted is at hand: what
# counts is the installation. Both wait for another apt.
apt_install() {
    until as_root apt-get update -qq; do
        pgrep -x apt-get >/dev/null || break
        sleep 5
    done
    as_root env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends \
        -o DPkg::Lock::Timeout=600 "$@" >"$cache/apt.log" 2>&1 || {
        tail -n 20 "$cache/apt.log" >&2
        fail "These packages could not be installed: $*"
    }
}
