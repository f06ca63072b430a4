#!/bin/sh
# Checks what `cmake --install` of a build directory makes, in a temporary prefix: headers, symbols
# and names of the libraries, programs that use them by CMake and by pkg-config, the Lua module.
# Takes the build directory; the last line is "N passed, N failed".
set -eu
cd -P "$(dirname "$0")/.."
build=$(cd -P "$1" && pwd)
compiler=$(sed -n 's/^CMAKE_C_COMPILER:[A-Z]*=//p' "$build/CMakeCache.txt")
version=$(sed -n 's/^project(dynsup VERSION \([0-9.]*\).*/\1/p' CMakeLists.txt)

work=$(mktemp -d "${TMPDIR:-/tmp}/dynsup-install.XXXXXX")
trap 'rm -rf "$work"' EXIT
trap 'exit 1' INT TERM HUP
prefix="$work/a prefix"
lib=$prefix/lib

passed=0
failed=0

# check WHAT COMMAND...: the command runs by itself, so that it ends at its first failure.
check() {
    what=$1
    shift
    set +e
    (set -e && "$@") >"$work/log" 2>&1
    status=$?
    set -e
    if [ "$status" = 0 ]; then
        passed=$((passed + 1))
        echo "ok      $what"
    else
        failed=$((failed + 1))
        echo "FAILED  $what"
        cat "$work/log"
    fi
}

same() {
    [ "$1" = "$2" ] || { printf '"%s" in place of "%s"\n' "$2" "$1" && false; }
}

# nothing: fails when anything comes in, and shows it.
nothing() {
    if grep .; then false; fi
}

# ---- installing ----

files_below() {
    (cd "$1" && find . | LC_ALL=C sort)
}

installs() {
    cmake --install "$build" --prefix "$prefix"
}

installs_staged() {
    DESTDIR=$work/stage cmake --install "$build" --prefix /opt/dynsup
    same "$(files_below "$prefix")" "$(files_below "$work/stage/opt/dynsup")"
}

has_annotations() {
    for page in docs/api.md docs/api/*.md; do
        module=${page#docs/}
        file=$prefix/share/dynsup/annotations/dynsup${module#api}
        [ -s "${file%.md}.lua" ]
    done
}

names_no_folder_of_the_build() {
    grep -rlF "$build" "$lib/cmake" "$lib/pkgconfig" "$prefix/include" | nothing
    for file in "$lib"/*.so "$prefix/bin/dynsup" "$lib/lua/5.4/dynsup.so"; do
        readelf -d "$file" | grep -E 'R(UN)?PATH' | grep -v '\[[$]ORIGIN\]' || true
    done | nothing
}

is_hardened() {
    tools/check-hardening.sh "$lib"/*.so "$prefix/bin/dynsup" "$lib/lua/5.4/dynsup.so"
}

# ---- headers ----

# compiles_alone HEADER COMPILER...
compiles_alone() {
    header=$1
    shift
    # shellcheck disable=SC2046 # options
    printf '#include <dynsup/%s>\n#include <dynsup/%s>\nextern int unit;\n' "$header" "$header" |
        "$@" -Wall -Wextra -Werror -fsyntax-only -I "$prefix/include" \
            $(pkg-config --cflags-only-I lua5.4 | sed 's/-I/-isystem /g') -
}

check_headers() {
    for header in "$prefix"/include/dynsup/*.h; do
        header=${header##*/}
        check "$header alone is C11" compiles_alone "$header" "$compiler" -std=c11 -pedantic -x c
        check "$header alone is C++17" compiles_alone "$header" g++ -std=c++17 -pedantic -x c++
    done
}

# ---- symbols ----

# exports FILE NM-OPTION...: the names that a library shows.
exports() {
    file=$1
    shift
    nm "$@" --defined-only "$file" | sed -n 's/^[0-9a-f]* [A-Z] //p'
}

shows_only() {
    pattern=$1
    shift
    exports "$@" >"$work/exports"
    [ -s "$work/exports" ]
    grep -vE "^($pattern)$" "$work/exports" | nothing
}

shows_the_same() {
    exports "$1.so" -D | LC_ALL=C sort >"$work/exports"
    [ -s "$work/exports" ]
    exports "$1.a" -g | LC_ALL=C sort | diff "$work/exports" -
}

program_shows_the_libraries() {
    exports "$prefix/bin/dynsup" -D | LC_ALL=C sort >"$work/exports"
    for library in "$lib/libdynsup.so" "$lib/libdynsup-lua.so"; do
        exports "$library" -D
    done | LC_ALL=C sort | LC_ALL=C comm -23 - "$work/exports" | nothing
}

has_soname() {
    same "$2" "$(readelf -d "$1" | sed -n 's/.*SONAME.*\[\(.*\)\]/\1/p')"
}

check_symbols() {
    case $version in
    0.*) abi=${version%.*} ;;
    *) abi=${version%%.*} ;;
    esac
    check "libdynsup shows dynsup_ only" shows_only 'dynsup_.*' "$lib/libdynsup.so" -D
    check "libdynsup-lua shows dynsup_ only" \
        shows_only 'dynsup_.*|luaopen_dynsup' "$lib/libdynsup-lua.so" -D
    check "the module shows its entry only" shows_only luaopen_dynsup "$lib/lua/5.4/dynsup.so" -D
    check "the program shows what the libraries show" program_shows_the_libraries
    for library in libdynsup libdynsup-lua; do
        check "$library.a shows what $library.so shows" shows_the_same "$lib/$library"
        check "$library has its ABI's name" has_soname "$lib/$library.so" "$library.so.$abi"
    done
}

# ---- programs ----

builds_by_cmake() {
    cmake -S spec/install -B "$work/cmake" -G Ninja -DCMAKE_PREFIX_PATH="$prefix" \
        -DVERSION="$version" -DCMAKE_C_COMPILER="$compiler" -DCMAKE_C_FLAGS="$1"
    cmake --build "$work/cmake"
}

# builds_by_pkgconfig PROGRAM PACKAGE PKG-CONFIG-OPTION...
builds_by_pkgconfig() {
    source=spec/install/${1%_*}.c
    target=$work/$1.pkgconfig
    package=$2
    shift 2
    PKG_CONFIG_PATH=$lib/pkgconfig pkg-config --cflags --libs "$@" "$package" >"$work/options"
    eval "set -- $(cat "$work/options")" # it has spaces escaped
    # shellcheck disable=SC2086 # options
    "$compiler" $flags -o "$target" "$source" "$@" -Wl,-rpath,"$lib"
}

says() {
    expected=$1
    shift
    same "$expected" "$("$@")"
}

uses_shared() {
    ldd "$1" | grep -F "$lib/$2"
}

uses_no_shared() {
    ldd "$1" | grep -F libdynsup | nothing
}

check_program() {
    program=$1
    check "$program runs" says "$2" "$work/$program"
    case $program in
    *_static*) check "$program has it inside" uses_no_shared "$work/$program" ;;
    *) check "$program uses the library" uses_shared "$work/$program" "$3" ;;
    esac
}

check_programs() {
    mkdir "$work/archives" # without the shared ones, which the linker would prefer
    cp "$lib"/*.a "$work/archives"
    check "find_package: builds" builds_by_cmake "$flags"
    for part in core lua; do
        package=dynsup-$part
        package=${package%-core}
        check "pkg-config: $part builds" builds_by_pkgconfig $part "$package"
        check "pkg-config: ${part}_static builds" builds_by_pkgconfig ${part}_static "$package" \
            --static --define-variable=libdir="$work/archives"
    done
    for kind in '' _static; do
        for program in cmake/core$kind core$kind.pkgconfig; do
            check_program "$program" "core $version: 1 slice" libdynsup.so
        done
        for program in cmake/lua$kind lua$kind.pkgconfig; do
            check_program "$program" "lua $version: up" libdynsup-lua.so
        done
    done
}

# ---- Lua ----

builds_native() {
    # shellcheck disable=SC2046 # options
    "$compiler" -shared -fPIC -o "$work/native.so" spec/install/native.c -I "$prefix/include" \
        $(pkg-config --cflags lua5.4)
}

runs_native() {
    LUA_CPATH="$work/?.so" "$prefix/bin/dynsup" run spec/install/native.lua
}

program_version() {
    "$prefix/bin/dynsup" version | cut -d ' ' -f 2
}

runs_in_lua() {
    # shellcheck disable=SC2086 # variables
    env -u LUA_INIT -u LUA_INIT_5_4 -u LUA_CPATH_5_4 LUA_CPATH="$lib/lua/5.4/?.so" $preload lua5.4 -e '
        local dynsup = require "dynsup"
        print(dynsup.version, dynsup.run(function() return dynsup.server and "done" end))'
}

builds_example() {
    cmake -S "examples/$1" -B "$work/$1" -G Ninja -DCMAKE_PREFIX_PATH="$prefix" \
        -DCMAKE_C_COMPILER="$compiler" -DCMAKE_C_FLAGS="$flags" && cmake --build "$work/$1"
}

runs_game() {
    ASAN_OPTIONS=detect_leaks=0 "$work/game/game" --headless --frames 10
}

# By pkg-config, with threads and the packages that the example itself uses.
builds_embedded() {
    PKG_CONFIG_PATH=$lib/pkgconfig pkg-config --cflags --libs dynsup-lua libuv >"$work/options"
    source=$1
    eval "set -- $(cat "$work/options")" # it has spaces escaped
    # shellcheck disable=SC2086 # options
    "$compiler" $flags -o "$work/embedded" "$source" "$@" -pthread -Wl,-rpath,"$lib"
}

prints() {
    ASAN_OPTIONS=detect_leaks=0 "$work/embedded" | diff "$1" -
}

# The game is there where SDL2 is.
check_examples() {
    for source in examples/embed/*.c; do
        name=$(basename "$source" .c)
        check "$name builds" builds_embedded "$source"
        check "$name runs" prints "${source%.c}.txt"
    done
    check "logwatch builds" builds_example tool
    check "logwatch runs" "$work/tool/logwatch" README.md
    if pkg-config --exists sdl2; then
        check "the game builds" builds_example game
        check "the game runs" runs_game
    fi
}

check_lua() {
    tab=$(printf '\t')
    check "lua5.4 loads the module" says "$version${tab}true${tab}done" runs_in_lua
    check "the program runs an example" says "Hello, world!
Hello, moon!
children:${tab}1" "$prefix/bin/dynsup" run "$prefix/share/doc/dynsup/examples/hello.lua"
    check "a module in C builds" builds_native
    check "a module in C finds the functions" says "normal${tab}{ code = 404 }" runs_native
    check "the program knows its version" says "$version" program_version
}

# With a sanitizer programs need it as well.
flags=$(sed -n 's/^DYNSUP_SANITIZE:[A-Z]*=\(..*\)/-fsanitize=\1/p' "$build/CMakeCache.txt")
preload=
[ -z "$flags" ] || preload="LD_PRELOAD=$("$compiler" -print-file-name=libasan.so) ASAN_OPTIONS=detect_leaks=0"

check "installs" installs
check "installs for a package" installs_staged
check "names no folder of the build" names_no_folder_of_the_build
check "has annotations of all modules" has_annotations
check "has the manual page" test -s "$prefix/share/man/man1/dynsup.1"
if grep -q '^CMAKE_BUILD_TYPE:[A-Z]*=Release' "$build/CMakeCache.txt"; then
    check "is hardened" is_hardened
fi
check_headers
check_symbols
check_programs
check_lua
check_examples
echo "$passed passed, $failed failed"
[ "$failed" = 0 ]
