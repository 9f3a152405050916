#!/bin/sh
# Who may include whom: an #include may skip rooms, never climb.
#
#   cmd > mcp > auth > net > base > os
#   in mcp: bridge > translate > session > http > stdio, policy > json
#   in cmd: the rooms know the common files and not one another; doctor reads the entries that setup writes
#
# The names of eras stay in translate, session/server_era.c and json/era.
#
# What differs between systems is in os: above it stand no headers of a system's own, and no question which one it is.
#
# One third-party library, one home: libcurl in net, OpenSSL in base, jansson in auth and cmd.
climb() { # climb FOLDER UP...: files below FOLDER that include what is above them
    folder=$1
    shift
    for up in "$@"; do
        grep -rnE --include='*.[ch]' "#include \"$up/" "$folder"
    done
}
uses() { # uses HEADER FOLDER...
    header=$1
    shift
    grep -rn --include='*.[ch]' "#include <$header" "$@"
}
bad=$(
    climb lib/os base net auth mcp
    climb lib/base net auth mcp
    climb lib/net auth mcp
    climb lib/auth mcp
    climb lib/mcp/json 'mcp/(stdio|policy|http|session|translate)'
    climb lib/mcp/stdio 'mcp/(policy|http|session|translate)'
    climb lib/mcp/policy 'mcp/(stdio|http|session|translate)'
    climb lib/mcp/http 'mcp/(session|translate)'
    climb lib/mcp/session 'mcp/translate'
    # bridge and what stands beside it are the top of mcp.
    grep -rnE --include='*.[ch]' '#include "mcp/[a-z_]+\.h"' lib/mcp/*/
    # Eras have names where they are told apart, and where one is translated into the other.
    grep -rniE --include='*.[ch]' 'legacy|modern' lib/mcp |
        grep -vE '^lib/mcp/(translate/|session/server_era\.c|json/era\.[ch]|bridge\.h)'
    climb lib '(login|tools|setup|doctor)'
    for room in login tools setup doctor; do
        for other in login tools setup doctor; do
            [ "$room" = "$other" ] || [ "$room $other" = "doctor setup" ] || climb "cmd/$room" "$other"
        done
    done
    # Completion offers the words of every room.
    grep -nE '#include "(login|tools|setup|doctor)/' cmd/*.[ch] | grep -v '^cmd/cmd_completion.c:'
    uses curl/ lib/base lib/auth lib/mcp cmd
    uses openssl/ lib/net lib/auth lib/mcp cmd
    uses jansson lib/base lib/net lib/mcp lib/os
    # C11, <strings.h>, and what a processor can.
    grep -rnE --include='*.[ch]' '#include <' lib cmd | grep -v '^lib/os/' | grep -vE '<(assert|ctype|errno|float|inttypes|limits|locale|math|setjmp|stdalign|stdarg|stdatomic|stdbool|stddef|stdint|stdio|stdlib|string|strings|time)\.h>' |
        grep -vE '<(curl/|openssl/|jansson|[a-z]*mmintrin|cpuid|arm_neon)'
    grep -rnE --include='*.[ch]' '__(linux|APPLE|GLIBC|FreeBSD|unix)__|_WIN32|__GLIBC__|_(GNU|DEFAULT|DARWIN_C|POSIX_C|XOPEN)_SOURCE' lib cmd | grep -v '^lib/os/'
)
[ -z "$bad" ] || { echo "$bad"; exit 1; }
