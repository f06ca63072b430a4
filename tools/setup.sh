# Installs missing Debian packages and runs builds; sourced by tools/dynsup and tools/test, in the
# project's root. Says what it does in one line each on stderr; the details are in build/setup*.log.

setup_log=build/setup.log

setup_say() {
    echo "${0##*/}: $*" >&2
}

# setup_run WHAT COMMAND...: runs the command; says what failed, with the end of its output.
setup_run() {
    setup_what=$1
    shift
    mkdir -p build
    if "$@" >"$setup_log" 2>&1; then
        return 0
    fi
    tail -n 40 "$setup_log" >&2
    setup_say "$setup_what failed (all of its output: $setup_log)"
    return 1
}

# setup_missing LIST...: the packages of those lists that are not installed.
setup_missing() {
    for setup_list; do
        sed -n "s/^$setup_list  *\([^ ]*\).*/\1/p" tools/dependencies.txt
    done | while read -r setup_package; do
        # shellcheck disable=SC2016 # dpkg-query's own variable
        case $(dpkg-query -W -f '${db:Status-Status} ' "$setup_package" 2>/dev/null) in
        *"installed "*) ;;
        *) echo "$setup_package" ;;
        esac
    done
}

# The command before apt-get that makes it root's; fails where there is none.
setup_as_root() {
    if [ "$(id -u)" = 0 ]; then
        echo env
    elif ! command -v sudo >/dev/null; then
        return 1
    elif sudo -n true 2>/dev/null; then
        echo sudo -n env
    elif (: </dev/tty) 2>/dev/null; then
        echo sudo env # asks for the password at the terminal
    else
        return 1
    fi
}

# setup_packages LIST...: installs what is missing.
setup_packages() {
    if ! command -v dpkg-query >/dev/null; then
        return 0 # not Debian: what is missing shows in the build
    fi
    setup_names=$(setup_missing "$@" | tr "\n" " ")
    [ -n "$setup_names" ] || return 0
    if ! setup_root=$(setup_as_root); then
        setup_say "these Debian packages are missing: $setup_names"
        setup_say "install them as root: apt-get update; apt-get install --no-install-recommends $setup_names"
        return 1
    fi
    setup_say "installing Debian packages: $setup_names"
    setup_apt="$setup_root DEBIAN_FRONTEND=noninteractive apt-get -q -o DPkg::Lock::Timeout=300"
    # shellcheck disable=SC2086 # commands and lists of words
    setup_run "apt-get update" $setup_apt update || return 1
    grep '^[WE]:' "$setup_log" >&2 || true # sources that failed: apt goes on without them
    # shellcheck disable=SC2086
    setup_run "apt-get install" $setup_apt install -y --no-install-recommends $setup_names
}

# setup_build PRESET [TARGET...]: builds what changed, all or these targets. A moved or half-made
# build directory is made again. If another call is building the preset, this one waits for it.
setup_build() {
    setup_preset=$1
    shift
    [ $# = 0 ] || set -- --target "$@"
    setup_alone setup_made_ready &&
        setup_alone setup_run "building build/$setup_preset" cmake --build "build/$setup_preset" "$@"
}

# setup_configure PRESET: makes the build directory ready, and builds nothing.
setup_configure() {
    setup_preset=$1
    setup_alone setup_made_ready
}

# setup_alone COMMAND...: while nobody else works on the preset.
setup_alone() {
    mkdir -p build
    (
        flock 9
        setup_log=build/setup-$setup_preset.log
        "$@"
    ) 9>"build/$setup_preset.lock"
}

setup_made_ready() {
    setup_home="CMAKE_HOME_DIRECTORY:INTERNAL=$PWD"
    if [ ! -e "build/$setup_preset/build.ninja" ] ||
        ! grep -qsxF "$setup_home" "build/$setup_preset/CMakeCache.txt"; then
        rm -rf "build/$setup_preset"
        setup_run "configuring build/$setup_preset" cmake --preset "$setup_preset"
    fi
}
