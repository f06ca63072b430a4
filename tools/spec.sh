#!/bin/sh
# Runs specs with a build: tools/spec.sh PRESET [FILE...], all of spec/ without a file. Each file has a
# Lua of its own, and as many run at once as there are processors. Prints a line for each file, then what
# those with failed or pending tests have printed, and ends with the line "N passed, N failed".
#
# The checks run them in other ways, by these variables of the environment:
#   SPEC_NAME    names the folder of the logs, build/test/spec-NAME (PRESET)
#   SPEC_LUA     the interpreter with its first arguments (lua5.4)
#   SPEC_UNDER   a command with arguments that runs the interpreter
#   SPEC_OPTIONS options of busted's
#   SPEC_LIMIT   within how many seconds a file must end (600)
#   SPEC_PATIENCE for how many seconds a test waits for what must happen (60)
set -eu
cd -P "$(dirname "$0")/.."

# shellcheck source=tools/counts.sh
. tools/counts.sh

# one PRESET FILE: runs a file; its output goes to a log, its numbers beside it.
#
# The specs run in the stock interpreter. That is not built with AddressSanitizer, whose library must
# be there before all others: so it is preloaded. It also looks for leaks when the interpreter and
# the programs that specs start end; stock Lua and busted have none.
one() {
    preset=$1
    file=$2
    log=build/test/spec-${SPEC_NAME:-$preset}/$(basename "$file" .lua).log
    set -- env -u LUA_INIT -u LUA_INIT_5_4 -u LUA_PATH_5_4 -u LUA_CPATH_5_4 \
        "LUA_PATH=$PWD/?.lua;;" "LUA_CPATH=$PWD/build/$preset/?.so;;" \
        "DYNSUP_BUILD=$PWD/build/$preset" "DYNSUP_PROGRAM=$PWD/build/$preset/dynsup" \
        "DYNSUP_RUNNING=$log.running"
    if [ "$preset" = asan ]; then
        set -- "$@" "LD_PRELOAD=$(gcc -print-file-name=libasan.so)"
    fi
    status=0
    begun=$(date +%s)
    # Not `busted --lua=lua5.4`, which is the same behind a shell that a time-out would not reach.
    # shellcheck disable=SC2086 # commands with arguments
    timeout --foreground "${SPEC_LIMIT:-600}" "$@" ${SPEC_UNDER-} ${SPEC_LUA:-lua5.4} \
        "$(command -v busted)" -o spec/support/report.lua ${SPEC_OPTIONS-} "$file" \
        >"$log" 2>&1 </dev/null || status=$?
    counts=$(count_spec "$status" "$log")
    if [ "$status" = 0 ] && grep -qx "0 passed, 0 failed" "$log"; then
        counts="0 0" # nothing in it can run here
    fi
    echo "$counts" >"$log.counts"
    echo "$file ${counts% *} passed ${counts#* } failed $(($(date +%s) - begun)) s"
}

# The sums of all files, with the output of those with a failure or with tests that cannot run here.
conclude() {
    passed=0
    failed=0
    for counts in "$1"/*.counts; do
        read -r ok bad <"$counts"
        passed=$((passed + ok))
        failed=$((failed + bad))
        if [ "$bad" != 0 ] || grep -q ^Pending "${counts%.counts}"; then
            cat "${counts%.counts}"
        fi
    done
    echo "$passed passed, $failed failed"
    [ "$failed" = 0 ] && [ "$passed" != 0 ]
}

if [ "$1" = --one ]; then
    one "$2" "$3"
    exit
fi
preset=$1
shift
[ $# -gt 0 ] || set -- spec/*_spec.lua
for file; do
    if [ ! -f "$file" ]; then
        echo "${0##*/}: there is no spec $file" >&2
        exit 2
    fi
done
logs=build/test/spec-${SPEC_NAME:-$preset}
rm -rf "$logs"
mkdir -p "$logs"
# The longest begin first: none is left alone at the end.
# shellcheck disable=SC2011,SC2012 # names of the project's own files
ls -S "$@" | xargs -P "$(nproc)" -n 1 tools/spec.sh --one "$preset"
conclude "$logs"
