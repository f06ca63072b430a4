# How tools/test and the checks count; sourced by them. Each counter gets an exit status and the file with
# the output, and prints two numbers: passed and failed. A bad status is never counted as passed.

count_one() {
    if [ "$1" = 0 ]; then echo 1 0; else echo 0 1; fi
}

# ctest says "97% tests passed, 1 tests failed out of 30".
count_ctest() {
    line=$(sed -n 's/.*tests passed, \([0-9]*\) tests failed out of \([0-9]*\)$/\1 \2/p' "$2" | tail -n 1)
    [ -n "$line" ] || line='1 1'
    count_checked "$1" $((${line#* } - ${line% *})) "${line% *}"
}

# The specs say "N passed, N failed" in their last line (spec/support/report.lua).
count_spec() {
    line=$(tail -n 1 "$2" | sed -n 's/^\([0-9]*\) passed, \([0-9]*\) failed$/\1 \2/p')
    if [ -z "$line" ]; then
        echo "ended with status $1 in: $(head -n 1 "$2.running" 2>/dev/null)" >>"$2"
        line='0 1'
    fi
    count_checked "$1" "${line% *}" "${line#* }"
}

# Lines that begin with "ok" and "FAILED".
count_lines() {
    count_checked "$1" "$(grep -c ^ok "$2")" "$(grep -c ^FAILED "$2")"
}

# count_checked STATUS PASSED FAILED: a bad status without a failure, or nothing at all, fails too.
count_checked() {
    if [ "$3" = 0 ] && { [ "$1" != 0 ] || [ "$2" = 0 ]; }; then
        echo "$2 1"
    else
        echo "$2 $3"
    fi
}

# What runs several things ends with the sums of them:
#     counted LOG COUNTER COMMAND...     runs the command, shows its output and adds its numbers
#     counted_end                        prints the line "N passed, N failed"; false if anything failed
counted_passed=0
counted_failed=0

counted() {
    counted_log=$1
    counter=$2
    shift 2
    { "$@" </dev/null 2>&1 && echo 0 >"$counted_log.status" || echo $? >"$counted_log.status"; } |
        tee "$counted_log"
    counts=$("$counter" "$(cat "$counted_log.status")" "$counted_log")
    rm -f "$counted_log.status"
    counted_passed=$((counted_passed + ${counts% *}))
    counted_failed=$((counted_failed + ${counts#* }))
}

counted_end() {
    echo "$counted_passed passed, $counted_failed failed"
    [ "$counted_failed" = 0 ] && [ "$counted_passed" != 0 ]
}
