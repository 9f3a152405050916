#!/bin/sh
# bare.sh FOLDER: the README's two lines on a Debian that has nothing but its base system, in FOLDER: as root in
# /root, without sudo, and as an ordinary user with sudo. The last line counts. What is committed is tried.
#
# Root runs only the cases that run the program as somebody else; the user runs all. BARE_CASES, parts of names,
# says which instead. All mounts are in a namespace of their own, which ends with this script however that ends.
cd "$(dirname "$0")/.." || exit 1
if [ "$(id -u)" -ne 0 ] || ! command -v debootstrap >/dev/null; then
    echo "not run: make check-bare needs root and debootstrap"
    exit 1
fi
if [ -z "$BARE_INSIDE" ]; then
    BARE_INSIDE=1 exec unshare --mount --pid --fork --kill-child sh "$0" "$@"
fi
mkdir -p "$1"
o=$(cd "$1" && pwd)
top=$(pwd)
release=$(. /etc/os-release && echo "$VERSION_CODENAME")
passed=0 failed=0
trap 'exit 1' HUP INT TERM # as the first process of its namespace it would ignore them
exec 9>"$o/lock"
if ! flock -n 9; then
    echo "not run: another make check-bare is running"
    exit 1
fi

# The packages come from where this machine's own do.
apt-get indextargets --format '$(REPO_URI) $(RELEASE) $(COMPONENT)' 'Identifier: Packages' |
    awk -v r="$release" '$3 == "main" && index($2, r) == 1 { print "deb", $0 }' | sort -u >"$o/sources"
mirror=$(awk -v r="$release" '$3 == r { print $2; exit }' "$o/sources")
if [ -z "$mirror" ]; then
    echo "not run: apt-get knows no source of $release"
    exit 1
fi
if [ ! -f "$o/$release.tar" ]; then
    rm -rf "$o/base"
    debootstrap --variant=minbase "$release" "$o/base" "$mirror" >"$o/debootstrap.log" 2>&1 &&
        tar -C "$o/base" -cf "$o/new.tar" . && mv "$o/new.tar" "$o/$release.tar" || {
        tail -n 5 "$o/debootstrap.log"
        echo "not run: debootstrap fails"
        exit 1
    }
    rm -rf "$o/base"
fi

fresh() { # fresh HOME OWNER: $r becomes a new system with a clone in that home
    r=$o/root
    rm -rf "$r"
    mkdir "$r"
    tar -C "$r" -xf "$o/$release.tar" || exit 1
    cp "$o/sources" "$r/etc/apt/sources.list"
    apt-config dump | grep -E '^Acquire::(http|https|Check|Retries|Languages)' >"$r/etc/apt/apt.conf.d/90host"
    cp -L /etc/resolv.conf /etc/hosts "$r/etc/"
    mount -t proc proc "$r/proc"
    mount -t devpts -o newinstance,ptmxmode=0666,mode=0620,gid=5 devpts "$r/dev/pts"
    ln -sf pts/ptmx "$r/dev/ptmx"
    mount -t tmpfs -o mode=1777 shm "$r/dev/shm"
    if [ "$2" != 0 ]; then
        chroot "$r" sh -c "apt-get update -qq && apt-get install -y -qq sudo && useradd -m -u $2 -s /bin/sh somebody" >"$o/log" 2>&1 || tail "$o/log"
        echo 'somebody ALL=(ALL) NOPASSWD: ALL' >"$r/etc/sudoers.d/somebody"
    fi
    git clone -q "$top" "$r$1/mpmcp"
    chown -R "$2:$2" "$r$1/mpmcp"
}

gone() {
    umount "$r/dev/shm" "$r/dev/pts" "$r/proc" || exit 1
    rm -rf "$r"
}

bad() { # bad LOG: what failed, at least beside other cases, with its transcript
    awk '/^(FAIL|unsteady) / { shown = 1; print; next } !/^    [|]/ { shown = 0 } shown' "$1"
}

line() { # line HOME OWNER WHAT CASES: the README's line with "make deps WHAT" in it
    command=$(sed -nE "s/^    (.*make deps $3)\$/\\1/p" README.md)
    echo "run  uid $2: $command"
    if [ -n "$command" ] && chroot --userspec="$2:$2" --groups= "$r" env -i HOME="$1" PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin \
        LANG=C.UTF-8 CASES="$4" JOBS="${JOBS:-4}" sh -c "cd ~/mpmcp && $command" >"$o/log" 2>&1 </dev/null; then
        passed=$((passed + 1))
        bad "$o/log"
        grep -E '^skip |^unsteady: |^[0-9]+ passed' "$o/log"
        echo "ok   make deps $3 as uid $2"
    else
        failed=$((failed + 1))
        bad "$o/log" | head -n 300
        tail -n 20 "$o/log"
        echo "FAIL make deps $3 as uid $2"
    fi
}

fresh /root 0
line /root 0 demo ""
line /root 0 check "${BARE_CASES:-auth_store}"
gone
fresh /home/somebody 1000
line /home/somebody 1000 check "$BARE_CASES"
line /home/somebody 1000 demo ""
gone
echo "$passed passed, $failed failed"
[ "$failed" -eq 0 ]
