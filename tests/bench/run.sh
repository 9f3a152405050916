#!/bin/sh
# run.sh BUILD: a table of mpmcp beside the floor and, where npm is there, mcp-remote. Reports; asserts
# nothing.
cd "$(dirname "$0")/../.." || exit 1
o=$1/bench
mkdir -p "$o"
for f in server floor drive; do
    cc -O2 -D_GNU_SOURCE -o "$o/$f" tests/bench/$f.c $(pkg-config --cflags --libs libcurl) || exit 1
done
# The server ends when its input does.
rm -f "$o/in" "$o/port" && mkfifo "$o/in" "$o/port"
"$o/server" <"$o/in" >"$o/port" &
exec 3>"$o/in"
read -r port <"$o/port"
url=http://127.0.0.1:$port/mcp
export MIXPANEL_SA_TOKEN=YmVuY2g6YmVuY2g=
timeout 120 "$o/drive" "$url" "$o/floor" 3>&- >"$o/floor.txt"
timeout 120 "$o/drive" "$url" "$1/mpmcp" 3>&- >"$o/mpmcp.txt"
rm -f "$o/remote.txt"
# BENCH_MCP_REMOTE=1 adds mcp-remote; the large event stream does not come to its end there.
if [ -n "$BENCH_MCP_REMOTE" ] && command -v npm >/dev/null; then
    npm install --silent --no-audit --no-fund --prefix "$o/remote" mcp-remote@0.15.1 &&
        timeout 180 "$o/drive" "$url" node "$o/remote/node_modules/mcp-remote/dist/proxy.js" 3>&- >"$o/remote.txt" 2>/dev/null
fi
exec 3>&-
awk 'FILENAME ~ /floor/ { floor[$1] = $2; order[n++] = $1 }
     FILENAME ~ /mpmcp/ { mine[$1] = $2 }
     FILENAME ~ /remote/ { remote[$1] = $2 }
     END {
         printf "%-24s %12s %12s %8s %12s\n", "", "floor", "mpmcp", "ratio", "mcp-remote"
         for (i = 0; i < n; i++) {
             k = order[i]
             printf "%-24s %12s %12s %8s %12s\n", k, floor[k], mine[k], (floor[k] > 0 ? sprintf("%.2f", mine[k] / floor[k]) : "-"), ((k in remote) ? remote[k] : "-")
         }
     }' "$o/floor.txt" "$o/mpmcp.txt" $([ -f "$o/remote.txt" ] && echo "$o/remote.txt")
