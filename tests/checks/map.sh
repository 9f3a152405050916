#!/bin/sh
# The map in lib/mcp/bridge.h names every file of the folder.
bad=$(
    for f in lib/mcp/*.c lib/mcp/*/*.c; do
        name=$(basename "$f" .c)
        grep -qE "^ \*  +$name( |\$)" lib/mcp/bridge.h || echo "$f is not in the map of lib/mcp/bridge.h"
    done
)
[ -z "$bad" ] || { echo "$bad"; exit 1; }
