#!/bin/sh
# Checks that dynsup.so exports its entry only and brings no liblua: the interpreter has that.
# Takes the build directory.
set -eu
module=$1/dynsup.so

exported=$(nm -D --defined-only "$module" | sed 's/.* //')
if [ "$exported" != luaopen_dynsup ]; then
    echo "$module exports: $exported"
    exit 1
fi
if readelf -d "$module" | grep -E 'NEEDED.*\[liblua[0-9.]*\.so'; then
    exit 1
fi
