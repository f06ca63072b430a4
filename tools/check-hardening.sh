#!/bin/sh
# Checks that programs and libraries of a release build have what SECURITY.md promises. Takes the files.
set -eu

check() {
    headers=$(readelf -lW "$1")
    dynamic=$(readelf -dW "$1")
    symbols=$(readelf -sW --dyn-syms "$1")
    echo "$headers" | grep -q 'Elf file type is DYN' || echo "$1 is not position-independent"
    echo "$headers" | grep -q GNU_RELRO || echo "$1 has no read-only relocations (-z relro)"
    echo "$headers" | grep 'GNU_STACK' | grep -q RWE && echo "$1 has a stack that is executable"
    echo "$dynamic" | grep -qE 'BIND_NOW|Flags:.* NOW' || echo "$1 is bound late (no -z now)"
    echo "$dynamic" | grep -qE 'TEXTREL' && echo "$1 has relocations in its code"
    echo "$symbols" | grep -q __stack_chk_fail || echo "$1 has no stack protector"
    echo "$symbols" | grep -qE '__[a-z]+_chk(@|$)' || echo "$1 uses no function that is fortified"
    true
}

problems=$(for file; do check "$file"; done)
if [ -n "$problems" ]; then
    echo "$problems"
    exit 1
fi
