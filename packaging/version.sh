#!/bin/sh
# version.sh: prints the version, which the Makefile, the newest entry of CHANGELOG.md and the man page agree on.
set -eu
cd "$(dirname "$0")/.."
version=$(sed -n 's/^VERSION := //p' Makefile)
changes=$(sed -n 's/^## //p' CHANGELOG.md | head -n 1)
manual=$(sed -n 's/^\.Os mpmcp //p' man/mpmcp.1)
for other in "CHANGELOG.md:${changes%% *}" "man/mpmcp.1 (.Os):$manual"; do
    [ "${other#*:}" = "$version" ] && continue
    echo "version.sh: Makefile has version $version, but ${other%%:*} has \"${other#*:}\"" >&2
    exit 1
done
echo "$version"
