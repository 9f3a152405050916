#!/bin/sh
# make check: unit tests (given as arguments), checks of the tree, end-to-end
# cases. Everything runs even when something before it failed; the last line
# counts.
cd "$(dirname "$0")/.." || exit 1
passed=0 failed=0 skipped=0
PYTHON=${PYTHON:-python3}

one() { # one NAME COMMAND...
    name=$1
    shift
    if out=$("$@" 2>&1); then
        passed=$((passed + 1))
        echo "ok   $name"
    else
        failed=$((failed + 1))
        echo "FAIL $name"
        echo "$out" | sed 's/^/    | /'
    fi
}

for t in "$@"; do
    one "unit $(basename "$t")" "$t"
done
for c in tests/checks/*.sh; do
    one "check $(basename "$c" .sh)" sh "$c"
done
for c in tests/checks/*.py; do
    one "check $(basename "$c" .py)" "$PYTHON" "$c"
done
log=$(mktemp)
# shellcheck disable=SC2086 # CASES: parts of names, all cases when there are none
"$PYTHON" tests/run $CASES >"$log" 2>&1
cat "$log"
last=$(tail -n 1 "$log")
rm -f "$log"
# shellcheck disable=SC2046 # three numbers
set -- $(echo "$last" | sed -nE 's/^([0-9]+) passed, ([0-9]+) failed(, ([0-9]+) skipped)?$/\1 \2 \4/p')
if [ $# -ge 2 ]; then
    passed=$((passed + $1))
    failed=$((failed + $2))
    skipped=${3:-0}
else
    failed=$((failed + 1))
fi
[ "$skipped" -eq 0 ] || skips=", $skipped skipped"
echo "$passed passed, $failed failed$skips"
[ "$failed" -eq 0 ]
