#!/bin/sh
# What make asks of the machine: after deps, once, and an answer that does not come is an error.
unset MAKEFLAGS MFLAGS MAKELEVEL HARDEN HARDEN_LD CFLAGS CPPFLAGS LDFLAGS LIBS PKG_CONFIG WERROR O
cc=$(command -v cc) || exit 1
t=$(mktemp -d) || exit 1
trap 'rm -rf "$t"' EXIT
wrong() {
    echo "$1"
    sed 's/^/  /' "$t/log"
    exit 1
}
run() {
    make -s O="$t/o" "$@" >"$t/log" 2>&1
}

run CC="$t/cc" "$t/o/flags" && wrong "it builds without a compiler"
grep -q 'make deps' "$t/log" || wrong "it does not say what to do about a missing compiler"
run PKG_CONFIG="$t/none" "$t/o/flags" && wrong "it builds without pkg-config"
grep -q 'make deps' "$t/log" || wrong "it does not say what to do about a missing pkg-config"
[ ! -e "$t/o/flags" ] || wrong "flags are kept that nobody answered for"
run CC="$t/cc" PKG_CONFIG="$t/none" help clean || wrong "help and clean need a compiler"

# A machine where apt-get brings the compiler.
mkdir "$t/bin"
printf '#!/bin/sh\nexit 1\n' >"$t/bin/dpkg-query"
printf '#!/bin/sh\ncase "$*" in *install*ca-certificates*) ln -sf %s %s ;; esac\n' "$cc" "$t/cc" >"$t/bin/apt-get"
printf '#!/bin/sh\nexec "$@"\n' >"$t/bin/sudo"
chmod +x "$t"/bin/*
object=$t/o/lib/base/mem.o
PATH=$t/bin:$PATH run -j2 CC="$t/cc" "$object" deps || wrong "deps does not come first"
grep -q -e ' -f' "$t/o/flags" || wrong "no hardening was found after deps: $(cat "$t/o/flags")"
PATH=$t/bin:$PATH run deps || wrong "deps alone fails"

touch -r "$object" "$t/mark"
run CC="$t/cc" "$object"
[ -z "$(find "$object" -newer "$t/mark")" ] || wrong "it was built again with the same flags"
run CC="$t/cc" WERROR=-Werror "$object"
[ -z "$(find "$object" -newer "$t/mark")" ] || wrong "it was built again, though only warnings differ"
run CC="$t/cc" CFLAGS=-O0 "$object"
[ -n "$(find "$object" -newer "$t/mark")" ] || wrong "it was not built again with other flags"
exit 0
