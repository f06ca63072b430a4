#!/bin/sh
# Checks that the C files are formatted as .clang-format says; with --fix formats them.
set -eu
cd "$(dirname "$0")/.."

action='--dry-run -Werror'
[ "${1-}" != --fix ] || action=-i
# shellcheck disable=SC2086 # two options
find . \( -path ./build -o -path ./.git \) -prune -o -name '*.[ch]' -print0 |
    xargs -0 -r clang-format --style=file $action
