#!/bin/sh
# formula.sh URL ARCHIVE: the formula that builds ARCHIVE, which will be at URL, on standard output.
set -eu
name=$(basename "$2" .tar.gz)
sum=$(sha256sum "$2")
sed "s|@HOME@|${1%/releases/*}|; s|@URL@|$1|; s|@VERSION@|${name#mpmcp-}|; s|@SHA256@|${sum%% *}|" "$(dirname "$0")/mpmcp.rb"
