#!/bin/bash
# bare.sh FOLDER: each way to install, on Debian systems that have nothing but their base system, made in FOLDER; then
# a sign-in at the sandbox and a call, as an ordinary user. On Debian 12: npm, install.sh, the Debian package; on Debian 11,
# whose glibc is older than the one of the x86_64 archive: install.sh and npm, which choose the static program.
# Needs root, debootstrap and what "make release npm deb" made. All mounts end with this script, however that ends.
set -u
cd "$(dirname "$0")/.." || exit 1
if [ "$(id -u)" -ne 0 ] || ! command -v debootstrap >/dev/null; then
    echo "not run: this needs root and debootstrap"
    exit 0
fi
if [ -z "${BARE_INSIDE:-}" ]; then
    BARE_INSIDE=1 exec unshare --mount --pid --fork --kill-child bash "$0" "$@"
fi
mkdir -p "$1"
o=$(cd "$1" && pwd) top=$PWD passed=0 failed=0
trap 'exit 1' HUP INT TERM # as the first process of its namespace it would ignore them

# The packages come from where this machine's own do.
mirror=$(apt-get indextargets --format '$(REPO_URI)' 'Identifier: Packages' "Codename: $(. /etc/os-release && echo "$VERSION_CODENAME")" | head -n 1)
base() { # base RELEASE: $o/RELEASE.tar
    [ -f "$o/$1.tar" ] && return
    rm -rf "$o/base"
    debootstrap --variant=minbase --include=ca-certificates,curl "$1" "$o/base" "$mirror" >"$o/debootstrap.log" 2>&1 &&
        tar -C "$o/base" -cf "$o/new.tar" . && mv "$o/new.tar" "$o/$1.tar" || { tail -n 5 "$o/debootstrap.log"; return 1; }
    rm -rf "$o/base"
}

fresh() { # fresh RELEASE: $r becomes a new system with a user "somebody"
    r=$o/root
    rm -rf "$r"
    mkdir "$r"
    tar -C "$r" -xf "$o/$1.tar"
    cp -L /etc/resolv.conf /etc/hosts "$r/etc/"
    mount -t proc proc "$r/proc"
    chroot "$r" useradd -m -s /bin/sh somebody
    mkdir "$r/release" "$r/deb"
    cp build/release/dist/* "$r/release"
    cp build/deb/*.deb "$r/deb" 2>/dev/null
}

with_node() { # the node of this machine, and its npm
    install -D "$(readlink -f "$(command -v node)")" "$r/usr/local/bin/node"
    mkdir -p "$r/usr/local/lib/node_modules"
    cp -R "$(dirname "$(dirname "$(readlink -f "$(command -v npm)")")")" "$r/usr/local/lib/node_modules/npm"
    ln -s ../lib/node_modules/npm/bin/npm-cli.js "$r/usr/local/bin/npm"
}

gone() {
    umount "$r/proc"
    rm -rf "$r"
}

inside() { # inside USER COMMAND: with a clean environment
    env -i /usr/sbin/chroot "$r" /bin/su "$1" -s /bin/sh -c "export PATH=/usr/local/bin:/usr/bin:/bin:/usr/sbin:/sbin BROWSER='curl -sSL -o /dev/null %s'; cd; $2"
}

way() { # way RELEASE NAME USER PROGRAM COMMAND: installs by the command, then signs in and calls
    if inside "$3" "$5" >"$o/log" 2>&1 && inside somebody "$4 --version; $4 login $url && $4 call $url Get-Projects" >>"$o/log" 2>&1 &&
        grep -q '^Signed in to' "$o/log" && grep -q 2195193 "$o/log"; then
        passed=$((passed + 1))
        echo "ok   $1: $2 ($(grep -o 'built for.*\|^mpmcp [0-9.]*.*' "$o/log" | head -n 1))"
    else
        failed=$((failed + 1))
        echo "FAIL $1: $2"
        sed 's/^/    | /' "$o/log"
    fi
}

mkfifo "$o/alive" 2>/dev/null
python3 tests/server/sandbox.py --auto approve --until-eof <"$o/alive" >"$o/sandbox" 2>&1 &
exec 8>"$o/alive"
until grep -q '"mcp"' "$o/sandbox"; do sleep 0.1; done
url=$(sed -n 's/.*"mcp": "\([^"]*\)".*/\1/p' "$o/sandbox" | head -n 1)
registry=
if [ -d build/release/npm-check/storage/mpmcp ]; then
    port=$(python3 -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])')
    (cd build/release/npm-check && exec server/node_modules/.bin/verdaccio -c "$PWD/config.yaml" -l "127.0.0.1:$port") >"$o/verdaccio" 2>&1 &
    server=$! registry=http://127.0.0.1:$port/
    until curl -fsS -o /dev/null "$registry" 2>/dev/null; do
        kill -0 $server 2>/dev/null || { tail -n 5 "$o/verdaccio"; exit 1; }
        sleep 0.2
    done
fi

for release in bookworm bullseye; do
    base $release || { echo "not run: $release (debootstrap fails)"; continue; }
    fresh $release
    way $release install.sh somebody .local/bin/mpmcp 'sh /release/install.sh --from /release'
    gone
    if [ -n "$registry" ]; then
        fresh $release
        with_node
        way $release 'npm i -g' root mpmcp "npm i -g --registry $registry mpmcp"
        gone
    else
        echo "not run: $release: npm i -g (no packages of \"make npm\")"
    fi
done
if ls build/deb/*.deb >/dev/null 2>&1; then
    fresh bookworm
    mount -t devpts devpts "$r/dev/pts" 2>/dev/null
    apt-config dump | grep -E '^Acquire::(http|https|Check|Retries|Languages)' >"$r/etc/apt/apt.conf.d/90host"
    way bookworm 'Debian package' root mpmcp 'apt-get update -qq && apt-get install -y -qq --no-install-recommends /deb/*.deb'
    umount "$r/dev/pts" 2>/dev/null
    gone
else
    echo "not run: the Debian package (no \"make deb\" was made)"
fi
echo "$passed passed, $failed failed"
[ $failed -eq 0 ]
