#!/bin/sh
# cmd > mcp > auth > net > base: an #include may skip layers, never climb. One
# third-party library, one home.
bad=$(
    for folder in lib/base lib/net lib/auth lib/mcp; do
        case $folder in
        lib/base) up='net|auth|mcp' ;; lib/net) up='auth|mcp' ;; lib/auth) up=mcp ;; *) up=cmd ;;
        esac
        grep -nE "#include \"($up)/" $folder/*.[ch]
    done
    grep -n '#include <curl/' lib/base/*.[ch] lib/auth/*.[ch] lib/mcp/*.[ch] cmd/*.[ch]
    grep -n '#include <openssl/' lib/net/*.[ch] lib/auth/*.[ch] lib/mcp/*.[ch] cmd/*.[ch]
    grep -n '#include <jansson' lib/base/*.[ch] lib/net/*.[ch] lib/mcp/*.[ch]
)
[ -z "$bad" ] || { echo "$bad"; exit 1; }
