#!/bin/sh
# run.sh PROGRAM [PART...]: official SDKs, servers and test suites around mpmcp. Needs Node; packages are
# pinned by package-lock.json. A part is a script of this folder; its last line counts. All of them when
# none is named.
program=$(cd "$(dirname "$1")" && pwd)/$(basename "$1")
shift
cd "$(dirname "$0")" || exit 1
if ! command -v npm >/dev/null; then
    echo "make interop needs Node and npm"
    exit 1
fi
# Installing takes longer than most parts, and a registry that does not answer would be waited for much longer.
install() {
    timeout 300 npm ci --no-audit --no-fund --silent
}
if ! cmp -s package-lock.json node_modules/.installed; then
    if ! install && ! install; then
        echo "not run: npm cannot install the packages of tests/interop/package-lock.json"
        exit 1
    fi
    cp package-lock.json node_modules/.installed
fi
# Some packages want a newer Node than distributions have; it comes as a package, too.
for bin in node_modules/node-linux-*/bin; do
    [ -x "$bin/node" ] && PATH=$PWD/$bin:$PATH
done
passed=0 failed=0
for part in ${*:-sdk everything authorize oidc browser conformance}; do
    log=$(mktemp)
    timeout 600 node --no-warnings "$part.mjs" "$program" >"$log" 2>&1
    cat "$log"
    last=$(grep -E '^[0-9]+ passed, [0-9]+ failed$' "$log" | tail -n 1)
    rm -f "$log"
    if [ -z "$last" ]; then
        echo "FAIL $part did not come to its end"
        failed=$((failed + 1))
        continue
    fi
    passed=$((passed + ${last%% *}))
    failed=$((failed + $(echo "$last" | cut -d' ' -f3)))
done
echo "$passed passed, $failed failed"
[ "$failed" -eq 0 ]
