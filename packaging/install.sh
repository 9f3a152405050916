#!/bin/sh
# Installs mpmcp for this user: chooses the archive for this machine, checks its SHA-256, and puts the program, its
# man page and completions below ~/.local (or --prefix DIR). Run it again to update. It never asks for root.
set -eu
# A release fills this in.
from='@URL@'

usage() {
    cat <<'EOF'
usage: install.sh [--prefix DIR] [--from URL-OR-FOLDER] [--target TARGET]
       install.sh --uninstall [--prefix DIR]

  --prefix DIR    install below DIR (default: ~/.local)
  --from PLACE    take the archive and SHA256SUMS from this URL or folder
  --target NAME   take this archive, for example x86_64-linux-musl
  --uninstall     remove what was installed; sign-ins stay in ~/.mcp-auth/mpmcp
EOF
}

fail() {
    echo "install.sh: $*" >&2
    exit 1
}

has() {
    command -v "$1" >/dev/null 2>&1
}

# Whether the C library here is glibc, 2.33 or later: the build that uses it looks names up as other programs do.
new_glibc() {
    libc=$(getconf GNU_LIBC_VERSION 2>/dev/null) || return 1
    libc=${libc#glibc }
    major=${libc%%.*} minor=${libc#*.}
    minor=${minor%%.*}
    [ "$major" -gt 2 ] || { [ "$major" -eq 2 ] && [ "$minor" -ge 33 ]; }
}

this_machine() {
    system=$(uname -s) machine=$(uname -m)
    case $machine in
        x86_64 | amd64) machine=x86_64 ;;
        aarch64 | arm64) machine=aarch64 ;;
        *) fail "there is no archive for the processor \"$machine\": build from source (README.md)" ;;
    esac
    case $system in
        Linux)
            if [ $machine = x86_64 ] && new_glibc; then
                echo x86_64-linux-gnu.2.33
            else
                echo "$machine-linux-musl"
            fi
            ;;
        Darwin)
            # A shell under Rosetta calls an Apple processor x86_64.
            [ "$(sysctl -n sysctl.proc_translated 2>/dev/null)" = 1 ] && machine=aarch64
            echo "$machine-macos.11"
            ;;
        *) fail "there is no archive for \"$system\": build from source (README.md)" ;;
    esac
}

get() { # get NAME: into $tmp
    case $from in
        *://*)
            if has curl; then
                curl -fsSL --proto-redir =https --retry 2 -o "$tmp/$1" "$from/$1"
            elif has wget; then
                wget -q -O "$tmp/$1" "$from/$1"
            else
                fail "neither curl nor wget is here: install one of them"
            fi
            ;;
        *) cp "$from/$1" "$tmp/$1" ;;
    esac || fail "cannot get $1 from $from"
}

sum() {
    for tool in sha256sum 'shasum -a 256' 'openssl dgst -r -sha256'; do
        # shellcheck disable=SC2086 # a command and its options
        if has "${tool%% *}"; then
            line=$($tool "$1") && echo "${line%% *}"
            return
        fi
    done
    fail "no sha256sum, shasum or openssl is here to check the download with"
}

put() { # put FILE: from the archive to the prefix; a program that runs keeps its old file
    mkdir -p "$prefix/$(dirname "$1")" && cp "$tmp/$name/$1" "$prefix/$1.new" && mv -f "$prefix/$1.new" "$prefix/$1" ||
        fail "cannot write $prefix/$1: choose another folder with --prefix"
}

files='bin/mpmcp
share/man/man1/mpmcp.1
share/bash-completion/completions/mpmcp
share/zsh/site-functions/_mpmcp
share/fish/vendor_completions.d/mpmcp.fish'

install() {
    case $from in @*) fail "this is not the installer of a release: name the place of the archives with --from" ;; esac
    tmp=$(mktemp -d) || fail "cannot make a temporary folder"
    trap 'rm -rf "$tmp"' EXIT
    trap 'exit 1' HUP INT TERM
    target=${target:-$(this_machine)}
    get SHA256SUMS
    line=$(grep "^[0-9a-f]\{64\}  mpmcp-[0-9][^ /-]*-$target\.tar\.gz\$" "$tmp/SHA256SUMS") ||
        fail "$from/SHA256SUMS lists no archive for \"$target\""
    want=${line%% *} name=${line##* }
    name=${name%.tar.gz}
    get "$name.tar.gz"
    got=$(sum "$tmp/$name.tar.gz")
    [ "$got" = "$want" ] || fail "$name.tar.gz is damaged or was replaced: its SHA-256 is $got instead of $want. Nothing was installed."
    (cd "$tmp" && gzip -dc "$name.tar.gz" | tar -xf -) || fail "cannot unpack $name.tar.gz"
    shown=$("$tmp/$name/bin/mpmcp" --version) ||
        fail "the program of $name.tar.gz does not run here. Nothing was installed. Try --target, or build from source (README.md)"
    for file in $files; do
        put "$file"
    done
    mkdir -p "$prefix/share/doc"
    rm -rf "$prefix/share/doc/mpmcp"
    cp -R "$tmp/$name/share/doc/mpmcp" "$prefix/share/doc/mpmcp"
    echo "installed $prefix/bin/mpmcp ($(echo "$shown" | head -n 1))"
    case $target in *-macos*) echo "The programs for macOS were built, not run by us: please report how it goes." ;; esac
    case :$PATH: in
        *:"$prefix/bin":*) echo "next: mpmcp setup" ;;
        *) echo "$prefix/bin is not in your PATH. Add it, or use the whole path. Next: $prefix/bin/mpmcp setup" ;;
    esac
}

uninstall() {
    [ -e "$prefix/bin/mpmcp" ] || fail "$prefix/bin/mpmcp does not exist: name the folder that it was installed to with --prefix"
    for file in $files; do
        rm -f "$prefix/$file" || fail "cannot remove $prefix/$file"
    done
    rm -rf "$prefix/share/doc/mpmcp"
    echo "removed $prefix/bin/mpmcp; sign-ins stay in ~/.mcp-auth/mpmcp (\"mpmcp logout --all\" before would remove them)"
}

# The whole script is read before anything is done: a download that breaks off does nothing.
main() {
    do=install prefix='' target=''
    while [ $# -gt 0 ]; do
        case $1 in
            --prefix | --from | --target) [ $# -gt 1 ] || fail "$1 needs a value" ;;
        esac
        case $1 in
            --prefix) prefix=$2; shift ;;
            --from) from=${2%/}; shift ;;
            --target) target=$2; shift ;;
            --uninstall) do=uninstall ;;
            -h | --help) usage; exit ;;
            *) usage >&2; fail "unexpected argument \"$1\"" ;;
        esac
        shift
    done
    if [ -z "$prefix" ]; then
        [ -n "${HOME:-}" ] || fail "HOME is not set: name a folder with --prefix"
        prefix=$HOME/.local
    fi
    case $prefix in /*) ;; *) prefix=$PWD/$prefix ;; esac
    $do
}

main "$@"
