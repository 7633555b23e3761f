# shellcheck shell=bash
# GnuPG 2.4, as Debian 13 has it, for systems with another one: the programs of the private Debian, which see all else
# of this system. With them comes their own gpg-agent.

gpg_24=$cache/stock/gnupg-2.4/gpg

set_up_gpg_24() {
    local program seen=()
    if [[ $(gpg --version 2>/dev/null | head -n 1) == *" 2.4."* ]]; then
        gpg_24=$(command -v gpg)
        return
    fi
    set_up_app_root
    seen=(--dev-bind / / --ro-bind "$app_root/usr" /usr --ro-bind "$app_root/etc/ld.so.cache" /etc/ld.so.cache)
    for program in gpg gpgconf; do
        write_launcher "${gpg_24%/*}/$program" bwrap "${seen[@]}" "/usr/bin/$program"
    done
    [[ $("$gpg_24" --version | head -n 1) == *" 2.4."* ]] || fail "GnuPG 2.4 does not run: $gpg_24 --version"
}
