#!/bin/sh
# run.sh PROGRAM: official SDKs on both ends, mpmcp between them. Needs Node; packages are pinned by
# package-lock.json.
program=$(cd "$(dirname "$1")" && pwd)/$(basename "$1")
cd "$(dirname "$0")" || exit 1
if ! command -v npm >/dev/null; then
    echo "make interop needs Node and npm"
    exit 1
fi
npm ci --no-audit --no-fund --silent || exit 1
status=0
passed=0 failed=0
for topic in sdk1.mjs everything.mjs authorize.mjs; do
    log=$(mktemp)
    timeout 300 node "$topic" "$program" >"$log" 2>&1
    cat "$log"
    last=$(grep -E '^[0-9]+ passed, [0-9]+ failed$' "$log" | tail -n 1)
    rm -f "$log"
    if [ -z "$last" ]; then
        echo "FAIL $topic did not come to its end"
        failed=$((failed + 1))
        continue
    fi
    passed=$((passed + ${last%% *}))
    failed=$((failed + $(echo "$last" | cut -d' ' -f3)))
done
echo "$passed passed, $failed failed"
[ "$failed" -eq 0 ]
