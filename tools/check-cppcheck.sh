#!/bin/sh
# Checks the C files with cppcheck; its results of unchanged files are kept in build/cppcheck.
set -eu
cd "$(dirname "$0")/.."

mkdir -p build/cppcheck
cppcheck --quiet --error-exitcode=1 -j "$(nproc)" --cppcheck-build-dir=build/cppcheck \
    --std=c11 --platform=unix64 -I . --enable=warning,performance,portability \
    --inline-suppr --suppress=missingIncludeSystem core bindings cli bench fuzz
