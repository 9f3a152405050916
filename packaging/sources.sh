#!/bin/sh
# The sources of the libraries that a release links in: Debian's own, with Debian's security patches.
#
#   sources.sh fetch FOLDER       downloads what sources.lock names, checks it, unpacks it as FOLDER/NAME
#   sources.sh pin NAME[=VERSION]...  asks Debian 13 for current versions and records them in sources.lock
#
# "pin" trusts what apt verified with Debian's archive keys; "fetch" trusts the SHA-256 recorded then, so a
# release is made of the same bytes on every machine. A name with ":orig" is taken without Debian's patches.
# Downloads go to the mirror that this machine uses for its own packages (RELEASE_MIRROR names another).
set -eu
here=$(cd "$(dirname "$0")" && pwd)
lock=$here/sources.lock
suite=trixie

# Exit status 75: what is missing is out of reach, which says nothing about this program.
fail() {
    echo "sources.sh: $*" >&2
    exit "${status:-1}"
}

# The mirror of this machine: of its release, or of the release's security updates ("-security").
mirror() {
    if [ -n "${RELEASE_MIRROR:-}" ]; then
        echo "${RELEASE_MIRROR%/}$1"
        return
    fi
    command -v apt-get >/dev/null || fail "no apt-get here: set RELEASE_MIRROR to a Debian mirror, or build on Debian"
    release=$(sed -n 's/^VERSION_CODENAME=//p' /etc/os-release)
    found=$(apt-get indextargets --no-release-info --format '$(RELEASE) $(REPO_URI)' 'Created-By: Packages' |
        sed -n "s|^$release$1 ||p" | head -n 1)
    [ -n "$found" ] || fail "apt knows no Debian mirror for $release$1: set RELEASE_MIRROR to one"
    echo "${found%/}"
}

# Files of security updates stand on the security mirror until the next point release.
url_of() { # url_of POOL FILE
    case $1 in
        pool/updates/*) echo "$(mirror -security)/$1/$2" ;;
        *) echo "$(mirror '')/$1/$2" ;;
    esac
}

sum_of() {
    sha256sum "$1" | cut -d' ' -f1
}

download() { # download POOL FILE SHA256: into the working folder
    [ -f "$2" ] && [ "$(sum_of "$2")" = "$3" ] && return
    echo "  GET   $2"
    url=$(url_of "$1" "$2")
    /usr/lib/apt/apt-helper -o APT::Sandbox::User=root -qq download-file "$url" "$2" "SHA256:$3" >download.log 2>&1 || {
        sed 's/^/    | /' download.log >&2
        status=75 fail "cannot download $2, or it differs from sources.lock. If the mirror dropped this version, take" \
            "the current one: packaging/sources.sh pin ${name:-NAME}"
    }
}

unpack() { # unpack NAME FOLDER: from the working folder, patches applied
    rm -rf "$2" "$2.new"
    dsc=$(awk -v n="$1" '$1 == n && $4 ~ /\.dsc$/ { print $4 }' "$lock")
    if [ -n "$dsc" ]; then
        dpkg-source --no-check --no-copy -x "$dsc" "$2.new" >unpack.log 2>&1 || { cat unpack.log >&2; fail "cannot unpack $dsc"; }
    else
        mkdir "$2.new"
        tar -xf "$(awk -v n="$1" '$1 == n { print $4 }' "$lock")" -C "$2.new" --strip-components=1
    fi
    mv "$2.new" "$2"
}

fetch() { # fetch FOLDER
    command -v dpkg-source >/dev/null || fail "dpkg-source is missing: apt-get install dpkg-dev"
    mkdir -p "$1/download"
    to=$(cd "$1" && pwd)
    cd "$to/download"
    for name in $(awk '!/^#/ { print $1 }' "$lock" | uniq); do
        key=$(awk -v n="$name" '$1 == n' "$lock" | sha256sum)
        [ -f "$to/$name.key" ] && [ "$(cat "$to/$name.key")" = "$key" ] && continue
        awk -v n="$name" '$1 == n { print $3, $4, $5 }' "$lock" >"$name.files"
        while read -r pool file sum; do
            download "$pool" "$file" "$sum"
        done <"$name.files"
        unpack "$name" "$to/$name"
        echo "$key" >"$to/$name.key"
    done
}

pin() { # pin NAME[=VERSION][:orig]...
    keys=/usr/share/keyrings/debian-archive-keyring.gpg
    [ -f $keys ] || fail "$keys is missing: apt-get install debian-archive-keyring"
    tmp=$(mktemp -d)
    trap 'rm -rf "$tmp"' EXIT
    mkdir -p "$tmp/lists/partial" "$tmp/cache/archives/partial"
    main=$(mirror '') security=$(mirror -security)
    echo "deb-src [signed-by=$keys] $main/ $suite main" >"$tmp/sources.list"
    echo "deb-src [signed-by=$keys] $security/ $suite-security main" >>"$tmp/sources.list"
    cat >"$tmp/apt.conf" <<EOF
Dir::Etc::sourcelist "$tmp/sources.list";
Dir::Etc::sourceparts "/dev/null";
Dir::Etc::preferencesparts "/dev/null";
Dir::State::lists "$tmp/lists";
Dir::Cache "$tmp/cache";
APT::Sandbox::User "root";
#clear APT::Update::Post-Invoke-Success;
EOF
    export APT_CONFIG="$tmp/apt.conf"
    apt-get update -qq -o APT::Update::Error-Mode=any || fail "apt cannot verify $suite"
    for spec; do
        how='' want=${spec%:orig}
        [ "$want" = "$spec" ] || how=--tar-only
        # shellcheck disable=SC2086 # none or one word
        apt-get source -qq --print-uris $how "$want" >"$tmp/uris" || fail "Debian $suite has no source \"$want\""
        name=${want%%=*}
        version=${want#*=}
        [ "$version" != "$want" ] || version=$(apt-cache showsrc "$want" | sed -n 's/^Version: //p' | sort -V | tail -n 1)
        [ -z "$how" ] || version=$(echo "$version" | sed 's/^[0-9]*://; s/-[^-]*$//')
        grep -v "^$name " "$lock" >"$tmp/lock" || true
        # 'URI' FILE SIZE SHA256:SUM
        tr -d "'" <"$tmp/uris" | while read -r uri file _ sum; do
            case $file in *.asc) continue ;; esac
            pool=$(echo "$uri" | sed "s|^.*/\(pool/.*\)/[^/]*\$|\1|")
            echo "$name $version $pool $file ${sum#SHA256:}"
        done >>"$tmp/lock"
        { grep '^#' "$tmp/lock"; grep -v '^#' "$tmp/lock" | LC_ALL=C sort; } >"$lock"
        echo "  PIN   $name $version"
    done
}

case ${1:-} in
    fetch) [ $# -eq 2 ] || fail "usage: sources.sh fetch FOLDER"; fetch "$2" ;;
    pin) shift; [ $# -gt 0 ] || fail "usage: sources.sh pin NAME[=VERSION]..."; pin "$@" ;;
    *) fail "usage: sources.sh fetch FOLDER | pin NAME[=VERSION]..." ;;
esac
