#!/bin/bash
# release.sh [TARGET...]: everything that a release offers for download, in build/release/dist/. The same sources
# give the same bytes, in any folder and at any time.
set -eu
cd "$(dirname "$0")/.."
all='x86_64-linux-gnu.2.33 x86_64-linux-musl aarch64-linux-musl x86_64-macos.11 aarch64-macos.11 universal-macos.11'
dist=build/release/dist

fail() {
    echo "release.sh: $*" >&2
    exit 1
}

version=$(sh packaging/version.sh)
# Times in archives: of the commit, or of what an archive of the sources was unpacked with.
if [ -z "${SOURCE_DATE_EPOCH:-}" ]; then
    SOURCE_DATE_EPOCH=$(git log -1 --format=%ct 2>/dev/null || date -r CHANGELOG.md +%s)
fi
export SOURCE_DATE_EPOCH LC_ALL=C TZ=UTC
umask 022

# How PROGRAM runs on this machine: nothing, an emulator, or failure.
runner() {
    if "$1" --version >/dev/null 2>&1; then
        return
    fi
    machine=${2%%-*}
    command -v "qemu-$machine-static" >/dev/null && "qemu-$machine-static" "$1" --version >/dev/null 2>&1 &&
        echo "qemu-$machine-static"
}

pack() { # pack FOLDER: FOLDER.tar.gz in $dist, without the time, user and order of this build
    tar -C "$(dirname "$1")" --sort=name --owner=0 --group=0 --numeric-owner --mtime="@$SOURCE_DATE_EPOCH" \
        --format=ustar -cf - "$(basename "$1")" | gzip -9n >"$dist/$(basename "$1").tar.gz"
}

licences() { # licences TARGET FOLDER: of what is linked in
    for name in $(awk '!/^#/ { print $1 }' packaging/sources.lock | uniq); do
        for file in COPYING LICENSE LICENSE.txt; do
            text=build/release/sources/$name/$file
            # zstd is offered under BSD or GPL, its COPYING being the GPL; nghttp2's LICENSE only refers to COPYING.
            case $name/$file in libzstd/COPYING | nghttp2/LICENSE) continue ;; esac
            [ -f "$text" ] && cp "$text" "$2/$name.txt" && break
        done
        [ -f "$2/$name.txt" ] || fail "no licence text in build/release/sources/$name"
    done
    case $1 in *-musl) cp build/release/zig-*/lib/libc/musl/COPYRIGHT "$2/musl.txt" ;; esac
}

program() { # program TARGET FOLDER: FOLDER/mpmcp
    case $1 in
        universal-macos.*)
            mkdir -p "$2"
            halves=
            for processor in x86_64 aarch64; do
                half=$processor-${1#*-}
                sh packaging/program.sh "$half" "build/release/$half/program"
                halves="$halves build/release/$half/program/mpmcp"
            done
            # shellcheck disable=SC2086 # two words
            python3 packaging/universal.py "$2/mpmcp" $halves
            ;;
        *) sh packaging/program.sh "$1" "$2" ;;
    esac
}

completions='' not_run=''
one() { # one TARGET
    output=build/release/$1/program
    program "$1" "$output"
    if run=$(runner "$output/mpmcp" "$1"); then
        sh packaging/program.sh "$1" "$output" all "RUN=$run"
        completions=${completions:-$output}
    else
        # The texts are the same everywhere; a program for another system cannot print them here.
        [ -n "$completions" ] || fail "$1 does not run here: name a target that does before it, for its completions"
        cp "$completions"/mpmcp.bash "$completions"/mpmcp.zsh "$completions"/mpmcp.fish "$output"
        not_run="$not_run $1"
    fi
    folder=build/release/$1/mpmcp-$version-$1
    rm -rf "build/release/$1"/mpmcp-*
    make -s -o "$output/mpmcp" install O="$output" DESTDIR="$folder" PREFIX= >/dev/null
    mkdir -p "$folder/share/doc/mpmcp/licences"
    cp LICENSE CHANGELOG.md README.md "$folder/share/doc/mpmcp"
    licences "$1" "$folder/share/doc/mpmcp/licences"
    find "$folder" -type d -exec chmod 755 {} + -o -type f ! -path '*/bin/*' -exec chmod 644 {} +
    pack "$folder"
    python3 packaging/sbom.py "$version" "$1" "$dist/mpmcp-$version-$1.tar.gz" >"$dist/mpmcp-$version-$1.cdx.json"
    echo "  OUT   $dist/mpmcp-$version-$1.tar.gz"
}

# The commit as it is: what is not committed is in the programs alone.
source_archive() {
    git rev-parse -q --verify HEAD >/dev/null 2>&1 || { echo "  (no archive of the sources: this is no git checkout)"; return; }
    git diff --quiet HEAD || echo "release.sh: this tree has changes that are not committed: they are not in the archive of the sources" >&2
    make -s dist O="$dist" >/dev/null
    # Where the archives will be: neither the formula nor the installer need be told.
    sh packaging/homebrew/formula.sh "$url" "$dist/mpmcp-$version.tar.gz" >"$dist/mpmcp.rb"
    echo "  OUT   $dist/mpmcp-$version.tar.gz"
}

notes() { # of CHANGELOG.md, and what nobody has run
    awk -v v="$version" '/^## /{ on = $2 == v; next } on' CHANGELOG.md | sed -e '/./,$!d'
    [ -n "$not_run" ] || return 0
    printf '\nBuilt, not run by us:%s. Libraries, minimum version and signature of these programs were checked.\n' "$not_run"
    echo "If you run one, please report how it goes."
}

url=${RELEASE_URL:-@URL@}
rm -rf "$dist"
mkdir -p "$dist"
# shellcheck disable=SC2048 # words
for target in ${*:-$all}; do
    one "$target"
done
source_archive
notes >"$dist/NOTES.md"
sed "s|^from='@URL@'|from='$url'|" packaging/install.sh >"$dist/install.sh"
(cd "$dist" && sha256sum -- mpmcp-* >SHA256SUMS)
