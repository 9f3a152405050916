#!/bin/sh
# program.sh TARGET OUTPUT [MAKE-TARGET...]: mpmcp for TARGET in the folder OUTPUT, with all libraries but the C
# library linked in. Compiler, sources and libraries are made in build/release/ and kept there.
set -eu
cd "$(dirname "$0")/.."
target=$1 output=$2
shift 2
folder=$PWD/build/release/$target

sh packaging/toolchain.sh "$target" "$folder"
sh packaging/sources.sh fetch build/release/sources
sh packaging/libraries.sh "$target" "$folder"

# Other libraries or another compiler: nothing that was made with the ones before is of use.
if ! cat "$folder"/keys/* | cmp -s - "$output/libraries"; then
    rm -rf "$output"
    mkdir -p "$output"
    cat "$folder"/keys/* >"$output/libraries"
fi

libs='-lcurl -lnghttp2 -lssl -lcrypto -lzstd -lbrotlidec -lbrotlicommon -lz -ljansson'
case $target in
    # The Makefile would ask the compiler, and one that is wrapped need not answer.
    *-linux-*) system=linux posix=-D_POSIX_C_SOURCE=200809L strip='-Wl,--gc-sections -s' werror=-Werror ;;
    # Sockets are numbers without a sign there, and kept as descriptors here. The C library's printf() is older than C99,
    # and its errno.h lacks one error of POSIX, which the system does not report.
    *-windows-*)
        system=win32 posix='' werror='' more='-Wno-sign-conversion -Wno-shorten-64-to-32 -D_WIN32_WINNT=0x0A00 -D__USE_MINGW_ANSI_STDIO=1 -DEDQUOT=10069'
        strip="-Wl,--gc-sections -s $output/manifest.o"
        libs="$libs -lws2_32 -liphlpapi -lcrypt32 -lbcrypt -ladvapi32 -lole32 -lshell32 -luser32"
        # Not asked for: the compiler makes a C library of its own for each set of flags, which takes minutes.
        set -- HARDEN=-fstack-protector-strong HARDEN_LD= "${@:-$output/mpmcp}"
        "$folder/bin/release-cc" -c packaging/windows/manifest.s -o "$output/manifest.o"
        ;;
    *) system=darwin posix='' strip='-Wl,-dead_strip -s' werror='' ;;
esac
case $target in *-linux-gnu*) libs="$libs -lpthread -ldl" ;; esac
PATH=$folder/bin:$PATH
export PATH
unset MAKEFLAGS MFLAGS
exec make -s -j"${JOBS:-2}" O="$output" CC=release-cc AR=release-ar PKG_CONFIG=: SYSTEM=$system POSIX="$posix" WERROR="$werror" \
    CPPFLAGS="-I$folder/include -DCURL_STATICLIB -DNGHTTP2_STATICLIB" CFLAGS="-O2 -ffunction-sections -fdata-sections ${more:-}" \
    LDFLAGS="-L$folder/lib $strip" LIBS="$libs" "${@:-$output/mpmcp}"
