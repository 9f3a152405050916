#!/bin/sh
# run.sh PROGRAM SEEDS SECONDS: libFuzzer on a copy of the seeds; findings stay beside the program.
set -e
work=$1.corpus
mkdir -p "$work"
[ -d "$2" ] || { echo "no seeds in $2"; exit 1; }
"$1" -max_total_time="$3" -timeout=10 -rss_limit_mb=2048 -print_final_stats=0 -verbosity=0 \
    -artifact_prefix="$1." "$work" "$2" 2>"$1.log" || { tail -n 40 "$1.log"; exit 1; }
echo "ok   $(basename "$1") for $3 s"
