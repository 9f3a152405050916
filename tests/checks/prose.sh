#!/bin/sh
# No decision reads what a person is told: whoever decides reads the kind and the
# reason of a struct err. What servers say is looked up in lib/mcp/http/error_text.c
# alone, where adding a text is adding a row.
seek='(mem|str|case|find)[a-z_]*(str|chr|cmp|mem|nocase|mentions|starts?)|mentions'
code=$(find lib cmd -name '*.[ch]')
# shellcheck disable=SC2086 # words on purpose
bad=$(
    # A search in, or a comparison of, a message or advice of ours.
    grep -nE "\\b($seek) ?\\([^;]*(->|\\.)(msg|advice)\\b" $code |
        grep -v '^lib/base/err.c:' |
        # The same message twice is told once.
        grep -vE 'strcmp\(e\.msg, s->e\.msg\)'
    # Reading a message letter by letter.
    grep -nE '(->|\.)(msg|advice)\[[^]]' $code |
        grep -vE '^lib/base/err.c:|toupper|\*?f->advice|advice\[0\]'
    grep -nE 'char \*[a-z_]+ = [^;("]*(->|\.)(msg|advice)\b' $code
    # Known words of servers outside of the table.
    grep -niE '"[^"]*(not enabled|requires? scopes?|rate limit|too many requests|session not found|not initialized|just a moment)[^"]*"' \
        $code | grep -v '^lib/mcp/http/error_text.c:' |
        grep -iE 'str|mem|nocase|mentions|\[\] = \{'
    # By which they show that they keep sessions.
    grep -nE "\\b($seek) ?\\([^;]*\"[^\"]*(nitializ|ession.?[Ii][Dd]|rotocol version)" $code
)
[ -z "$bad" ] || { echo "$bad"; exit 1; }
