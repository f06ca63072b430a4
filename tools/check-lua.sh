#!/bin/sh
# Checks all Lua files of the project with luacheck (settings: .luacheckrc).
set -eu
cd "$(dirname "$0")/.."

luacheck -q --no-color .
