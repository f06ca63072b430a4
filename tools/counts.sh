# How tools/test counts; sourced by it. Each counter gets an exit status and the file with the
# output, and prints two numbers: passed and failed. A bad status is never counted as passed.

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

# count_checked STATUS PASSED FAILED: a bad status without a failure, or nothing at all, fails too.
count_checked() {
    if [ "$3" = 0 ] && { [ "$1" != 0 ] || [ "$2" = 0 ]; }; then
        echo "$2 1"
    else
        echo "$2 $3"
    fi
}
