# A bare Debian 12 to try things in; sourced by tools/check-bare and tools/check-deb, in the project's
# root. Needs root and debootstrap. The mirror is taken from apt's own configuration.

say() {
    echo "${0##*/}: $*"
}

die() {
    say "$@" >&2
    exit 1
}

# Where apt gets this release from.
apt_mirror() {
    # shellcheck disable=SC2016 # apt's own variables
    apt-get indextargets --format '$(RELEASE) $(COMPONENT) $(REPO_URI)' 'Created-By: Packages' |
        sed -n 's/^bookworm main //p' | head -n 1
}

# The settings of apt that concern the network, for the new root.
apt_settings() {
    apt-config dump | grep -E '^Acquire::(https?|Check-[A-Za-z-]*|Retries|Force[A-Za-z0-9]*)(::| )' || true
}

# bare_root: makes a minimal Debian in $work/root.
bare_root() {
    say "debootstrap from $mirror"
    include=
    case $mirror in https:*) include=--include=ca-certificates ;; esac
    eval "$(apt-config shell http_proxy Acquire::http::Proxy https_proxy Acquire::https::Proxy)"
    [ -z "${http_proxy-}" ] || export http_proxy
    [ -z "${https_proxy-}" ] || export https_proxy
    # shellcheck disable=SC2086 # an option or nothing
    debootstrap --variant=minbase $include bookworm "$work/root" "$mirror" >"$work/log" 2>&1 || {
        tail "$work/log"
        die "debootstrap failed"
    }
    cp -L /etc/resolv.conf "$work/root/etc/resolv.conf"
    cp /etc/hosts "$work/root/etc/hosts"
    cp -r /etc/apt/auth.conf.d "$work/root/etc/apt/" 2>/dev/null || true
    apt_settings >"$work/root/etc/apt/apt.conf.d/99network"
}

# inside ROOT SCRIPT: runs a script in that root, with mounts that end with it.
inside() {
    # shellcheck disable=SC2016 # for the inner shell
    unshare --mount --propagation private sh -eu -c '
        mount -t proc proc "$1/proc"
        mount --rbind /dev "$1/dev"
        exec env -i PATH=/usr/sbin:/usr/bin:/sbin:/bin HOME=/root chroot "$1" sh -eu -c "$2"
    ' sh "$1" "$2" </dev/null
}

# bare_open DIRECTORY: makes the folder $work there, which is removed in the end, and finds a mirror
# unless $mirror has one.
bare_open() {
    [ "$(id -u)" = 0 ] || die "must be run as root"
    command -v debootstrap >/dev/null || die "needs the Debian package debootstrap"
    [ -n "$mirror" ] || mirror=$(apt_mirror)
    [ -n "$mirror" ] || die "apt has no source of bookworm here: give one by --mirror URL"
    work=$(mktemp -d "$1/dynsup-bare.XXXXXX")
    chmod 755 "$work"
    trap 'rm -rf --one-file-system "$work"' EXIT
    trap 'exit 1' INT TERM HUP
}
