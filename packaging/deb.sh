#!/bin/sh
# deb.sh: a Debian package for the release of Debian or Ubuntu that this machine runs, in build/deb/. It uses the
# system's libraries, which the system keeps up to date.
set -eu
cd "$(dirname "$0")/.."

fail() {
    echo "deb.sh: $*" >&2
    exit 1
}

command -v dpkg-buildpackage >/dev/null && command -v dh >/dev/null ||
    fail "dpkg-buildpackage or dh is missing: apt-get install dpkg-dev debhelper"
version=$(sh packaging/version.sh)
: "${SOURCE_DATE_EPOCH:=$(git log -1 --format=%ct 2>/dev/null || date -r CHANGELOG.md +%s)}"
export SOURCE_DATE_EPOCH
folder=build/deb/mpmcp-$version
rm -rf build/deb
mkdir -p "$folder"
cp -R Makefile LICENSE README.md CHANGELOG.md cmd lib man "$folder"
cp -R packaging/debian "$folder/debian"
{
    echo "mpmcp ($version-0mpmcp1) unstable; urgency=medium"
    echo
    echo "  * See changelog.gz beside this file."
    echo
    echo " -- $(sed -n 's/^Maintainer: //p' packaging/debian/control)  $(LC_ALL=C date -u -R -d "@$SOURCE_DATE_EPOCH")"
} >"$folder/debian/changelog"
(cd "$folder" && dpkg-buildpackage -us -uc -b >../build.log 2>&1) || {
    tail -n 30 build/deb/build.log >&2
    fail "the package cannot be built; all of it is in build/deb/build.log"
}
ls build/deb/*.deb
