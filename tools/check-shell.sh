#!/bin/sh
# Checks all shell scripts of the project with shellcheck.
set -eu
cd "$(dirname "$0")/.."

scripts=$(grep -rlE --exclude-dir=build --exclude-dir=.git '^#!/bin/(ba)?sh' .)
# shellcheck disable=SC2086 # a list
shellcheck -x -s sh $scripts tools/setup.sh tools/counts.sh tools/bare.sh
