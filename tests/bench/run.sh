#!/bin/sh
# run.sh BUILD: a table of mpmcp beside the floor and, where they are there, its static build and
# mcp-remote, all measured in turns in one run of about three minutes. Reports; asserts nothing.
cd "$(dirname "$0")/../.." || exit 1
# What the person's own environment says about certificates is not to be measured.
unset SSL_CERT_FILE SSL_CERT_DIR NODE_EXTRA_CA_CERTS CURL_CA_BUNDLE
o=$1/bench
remote=mcp-remote@0.15.1
mkdir -p "$o"
for f in server floor drive; do
    # shellcheck disable=SC2046 # words on purpose
    ${CC:-cc} -O2 -D_GNU_SOURCE -o "$o/$f" tests/bench/$f.c $(pkg-config --cflags --libs libcurl libssl libcrypto) || exit 1
done

# The system's authorities with one of our own: as a hashed folder, and as one file.
if [ ! -f "$o/key.pem" ]; then
    openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 3650 -subj /CN=bench \
        -addext subjectAltName=IP:127.0.0.1 -keyout "$o/key.pem" -out "$o/cert.pem" 2>/dev/null || exit 1
fi
rm -rf "$o/certs"
mkdir "$o/certs"
cp -P /etc/ssl/certs/????????.[0-9] "$o/certs" 2>/dev/null
find "$o/certs" -type l | while read -r link; do
    ln -sf "$(readlink -f "/etc/ssl/certs/${link##*/}")" "$link"
done
cat /etc/ssl/certs/ca-certificates.crt "$o/cert.pem" >"$o/bundle.pem" 2>/dev/null
cp "$o/cert.pem" "$o/certs/$(openssl x509 -hash -noout -in "$o/cert.pem").0"

# The server ends when its input does.
rm -f "$o/in" "$o/port"
mkfifo "$o/in" "$o/port"
"$o/server" "$o/cert.pem" "$o/key.pem" <"$o/in" >"$o/port" &
exec 3>"$o/in"
read -r port tls_port <"$o/port"
url=http://127.0.0.1:$port/mcp tls_url=https://127.0.0.1:$tls_port/mcp

program=$1/mpmcp
set -- -- floor "$o/floor" -- mpmcp "$program"
columns="floor mpmcp"
if [ -x build/static/mpmcp ]; then
    set -- "$@" -- static build/static/mpmcp
    columns="$columns static"
else
    echo "skipped: the static build (make static makes it)"
fi
# Installed once, into the build folder; nothing of it is part of the program.
proxy=$o/remote/node_modules/mcp-remote/dist/proxy.js
if ! command -v npm >/dev/null || ! command -v node >/dev/null; then
    echo "skipped: mcp-remote (no npm here)"
elif [ -f "$proxy" ] || timeout 180 npm install --silent --no-audit --no-fund --prefix "$o/remote" $remote >/dev/null 2>&1; then
    set -- "$@" -- mcp-remote node "$proxy"
    columns="$columns mcp-remote"
else
    echo "skipped: mcp-remote (npm cannot install $remote)"
fi
rm -rf "$o/auth"
export MPMCP_AUTH_DIR="$o/auth" MCP_REMOTE_CONFIG_DIR="$o/auth" MIXPANEL_SA_TOKEN=YmVuY2g6YmVuY2g=
"$o/drive" "$url" "$tls_url" "$o/certs" "$o/bundle.pem" "$@" 3>&- 2>/dev/null >"$o/rows.txt"
exec 3>&-
awk -F '\t' -v columns="$columns" -f tests/bench/table.awk "$o/rows.txt"

if command -v python3 >/dev/null; then
    echo
    python3 tests/bench/rtt.py "mpmcp=$program"
fi
