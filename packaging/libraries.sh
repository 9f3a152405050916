#!/bin/sh
# libraries.sh TARGET FOLDER: the libraries of sources.lock as archives in FOLDER/lib, for the compiler that
# toolchain.sh put into FOLDER/bin. What has not changed since the last run is not built again.
set -eu
here=$(cd "$(dirname "$0")" && pwd)
TARGET=$1
FOLDER=$(cd "$2" && pwd)
SOURCES=$(dirname "$FOLDER")/sources
# Each library's file in libraries/ runs with these, in an empty folder.
export TARGET FOLDER JOBS="${JOBS:-2}" CFLAGS="-O2 -g0 -fPIC -ffunction-sections -fdata-sections -fstack-protector-strong"
export PATH="$FOLDER/bin:$PATH" SOURCE_DATE_EPOCH="${SOURCE_DATE_EPOCH:-0}"
unset MAKEFLAGS MFLAGS

mkdir -p "$FOLDER/lib" "$FOLDER/include" "$FOLDER/keys"
compiler=$(cat "$FOLDER/bin/compiler")
keys=
for name in zlib brotli libzstd jansson nghttp2 openssl curl; do
    # libcurl is made with the others' headers.
    case $name in curl) before=$keys ;; *) before='' ;; esac
    key=$({ echo "$compiler $CFLAGS $before"; grep "^$name " "$here/sources.lock"; cat "$here/libraries/$name.sh" "$here/libraries/archive.sh"; } | sha256sum)
    keys=$keys$key
    [ -f "$FOLDER/keys/$name" ] && [ "$(cat "$FOLDER/keys/$name")" = "$key" ] && continue
    echo "  LIB   $TARGET $name"
    work=$FOLDER/work/$name
    rm -rf "$work"
    mkdir -p "$work"
    if ! (cd "$work" && SOURCE=$SOURCES/$name && export SOURCE && sh -eu -c '. "$1/archive.sh"; . "$1/$2.sh"' sh "$here/libraries" "$name") >"$work.log" 2>&1; then
        tail -n 30 "$work.log" >&2
        echo "libraries.sh: cannot build $name for $TARGET; all of it is in $work.log" >&2
        exit 1
    fi
    rm -rf "$work"
    echo "$key" >"$FOLDER/keys/$name"
done
