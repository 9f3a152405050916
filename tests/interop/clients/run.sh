#!/bin/sh
# run.sh PROGRAM [OPTION...] [CLIENT...]: clients that people use, each with the entry that "mpmcp setup" writes
# for it, in front of the sandbox. The options are those of clients.mjs. Nothing leaves the machine: all of it runs in a network of its own that has only loopback.
program=$(cd "$(dirname "$1")" && pwd)/$(basename "$1")
shift
cd "$(dirname "$0")" || exit 1
for tool in npm unshare ip; do
    if ! command -v $tool >/dev/null; then
        echo "skipped: $tool is missing (Node's npm, Debian's util-linux and iproute2)"
        exit 0
    fi
done
root=""
[ "$(id -u)" -eq 0 ] || root=--map-root-user
if ! unshare $root --net ip link set lo up 2>/dev/null; then
    echo "skipped: this system lets nobody make a network of his own"
    exit 0
fi
# Nearly 2 GB; no package may run or fetch anything of its own while it is installed. Not "npm ci": it refuses a
# lock that leaves out other systems' programs, which opencode-ai names.
if ! cmp -s package-lock.json node_modules/.installed; then
    npm install --no-save --ignore-scripts --no-audit --no-fund --silent || exit 1
    cp package-lock.json node_modules/.installed
fi
for bin in node_modules/node-linux-*/bin; do
    [ -x "$bin/node" ] && PATH=$PWD/$bin:$PATH
done
export PATH
# shellcheck disable=SC2016 # for the shell inside
exec unshare $root --net sh -c 'ip link set lo up && exec node --no-warnings clients.mjs "$0" "$@"' "$program" "$@"
