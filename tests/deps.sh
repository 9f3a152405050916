#!/bin/sh
# make deps: what a build and the tests need, as Debian packages.
packages="gcc make pkg-config libc6-dev libcurl4-openssl-dev libjansson-dev libssl-dev libcmocka-dev python3 openssl
ca-certificates mandoc git curl"

if ! command -v apt-get >/dev/null; then
    echo "make deps installs Debian packages. Elsewhere install a C compiler, make, pkg-config, python3, openssl and"
    echo "mandoc, and the development files of libcurl (7.88 or later), jansson, OpenSSL 3 and cmocka."
    exit 1
fi
missing=""
for p in $packages; do
    dpkg-query -W -f='${Status}' "$p" 2>/dev/null | grep -q '^install ok installed$' || missing="$missing $p"
done
[ -z "$missing" ] && exit 0
as_root="env"
[ "$(id -u)" -eq 0 ] || as_root="sudo env"
if ! command -v "${as_root%% *}" >/dev/null; then
    echo "make deps needs root to install$missing: run it as root, or install sudo"
    exit 1
fi
# shellcheck disable=SC2086 # words on purpose
$as_root apt-get update -qq && $as_root DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends $missing
