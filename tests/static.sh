#!/bin/sh
# static.sh FOLDER: a libcurl.a for make static in FOLDER, made from Debian's own source package with
# https and HTTP/2 alone. Debian's libcurl.a wants Kerberos, LDAP, SSH and two dozen other libraries,
# most of them without a static form. CURL_SOURCE=DIR takes another unpacked source of libcurl.
#
# The resolver is the threaded one: it asks the system's getaddrinfo(), so that names mean what they
# mean to all other programs here (hosts, mDNS, VPNs), and does not hold up the loop.
set -e
cd "$(dirname "$0")/.."
mkdir -p "$1"
o=$(cd "$1" && pwd)
[ -f "$o/curl/lib/.libs/libcurl.a" ] && exit 0

packages="dpkg-dev libnghttp2-dev libbrotli-dev libzstd-dev zlib1g-dev libssl-dev libjansson-dev"
if command -v apt-get >/dev/null; then
    missing=""
    for p in $packages; do
        dpkg-query -W -f='${Status}' "$p" 2>/dev/null | grep -q '^install ok installed$' || missing="$missing $p"
    done
    as_root=""
    [ "$(id -u)" -eq 0 ] || as_root=sudo
    # shellcheck disable=SC2086 # words on purpose
    [ -z "$missing" ] || DEBIAN_FRONTEND=noninteractive $as_root apt-get install -y -qq --no-install-recommends $missing >/dev/null
elif [ -z "$CURL_SOURCE" ]; then
    echo "make static takes libcurl from a Debian source package. Elsewhere unpack its source and set CURL_SOURCE to it."
    exit 1
fi

# The machine's own package sources, asked for sources: kept apart, so that nothing changes for the machine.
if [ -z "$CURL_SOURCE" ]; then
    a=$o/apt
    rm -rf "$a" "$o/source"
    mkdir -p "$a/parts" "$a/lists/partial" "$a/cache/archives/partial" "$o/source"
    for f in /etc/apt/sources.list.d/*.sources; do
        [ ! -f "$f" ] || sed 's/^Types:.*/Types: deb-src/' "$f" >"$a/parts/${f##*/}"
    done
    for f in /etc/apt/sources.list /etc/apt/sources.list.d/*.list; do
        [ ! -f "$f" ] || sed -n 's/^deb /deb-src /p' "$f" >"$a/parts/${f##*/}"
    done
    apt() {
        apt-get -qq -o Dir::Etc::sourcelist=/dev/null -o Dir::Etc::sourceparts="$a/parts" -o Dir::State::lists="$a/lists" \
            -o Dir::Cache="$a/cache" -o APT::Sandbox::User="$(id -un)" "$@"
    }
    apt update
    version=$(dpkg-query -W -f='${Version}' libcurl4-openssl-dev 2>/dev/null || true)
    (cd "$o/source" && { apt source "curl=$version" >/dev/null 2>&1 || apt source curl >/dev/null; })
    CURL_SOURCE=$(echo "$o"/source/curl-*/)
fi
# What configure was made from is patched, and newer; it is not to be made again.
find "$CURL_SOURCE" \( -name aclocal.m4 -o -name configure -o -name Makefile.in -o -name curl_config.h.in \) -exec touch {} +

rm -rf "$o/curl"
mkdir "$o/curl"
cd "$o/curl"
echo "  CONF  $1/curl"
"$CURL_SOURCE/configure" -q CFLAGS="$STATIC_CFLAGS" \
    --disable-shared --enable-static --enable-threaded-resolver --disable-ares \
    --with-openssl --with-nghttp2 --with-zlib --with-brotli --with-zstd \
    --without-ca-bundle --without-ca-path --without-libpsl --without-libidn2 --without-librtmp --without-libssh2 \
    --without-libssh --without-libgsasl --without-gssapi --without-ngtcp2 --disable-ldap --disable-ldaps --disable-ftp \
    --disable-file --disable-rtsp --disable-dict --disable-telnet --disable-tftp --disable-pop3 --disable-imap \
    --disable-smb --disable-smtp --disable-gopher --disable-mqtt --disable-manual --disable-ntlm --disable-ntlm-wb \
    --disable-tls-srp --disable-unix-sockets --disable-alt-svc --disable-hsts --disable-doh --disable-netrc \
    --disable-libcurl-option >configure.log 2>&1 || { tail -n 20 configure.log; exit 1; }
echo "  MAKE  $1/curl"
MAKEFLAGS= make -C lib -j"${JOBS:-2}" >make.log 2>&1 || { tail -n 20 make.log; exit 1; }
ln -s "$CURL_SOURCE/include" include
