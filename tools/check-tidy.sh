#!/bin/sh
# Checks the C files with clang-tidy (settings: .clang-tidy). It is slow, so a file that passed is
# not looked at again until it, a header it includes, the settings or the flags change.
# Needs build/dev configured: it knows the flags.
set -eu
cd "$(dirname "$0")/.."

export passed=build/tidy # holds a file for each that passed, named by its contents
mkdir -p "$passed"

# shellcheck disable=SC2016 # for the shells that xargs starts
check='
    file=$1
    includes=$(cc -std=c11 -MM -MG -I . "$file" | sed -e "s/^[^:]*://" -e "s/\\\\$//")
    # shellcheck disable=SC2086
    hash=$(cat .clang-tidy cmake/options.cmake $includes 2>/dev/null | sha256sum)
    mark=$passed/${hash%% *}
    if [ -e "$mark" ]; then
        exit 0
    fi
    # gcc has warnings that clang does not know
    if clang-tidy -p build/dev --quiet --warnings-as-errors="*" \
        --extra-arg=-Wno-unknown-warning-option "$file" 2>"$mark.log.$$"; then
        touch "$mark"
        rm -f "$mark.log.$$"
    else
        cat "$mark.log.$$"
        rm -f "$mark.log.$$"
        exit 1
    fi'

# fuzz/command*.c include files of cli/, which are looked at by themselves
find core bindings cli bench fuzz -name '*.c' ! -path 'fuzz/command*' -print0 | xargs -0 -r -n 1 -P "$(nproc)" sh -c "$check" sh
