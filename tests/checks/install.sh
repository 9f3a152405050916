#!/bin/sh
# make install puts every file where it is looked for, make uninstall takes all of them away.
program=${MPMCP:-build/mpmcp}
root=$(mktemp -d) || exit 1
trap 'rm -rf "$root"' EXIT
files='
/usr/bin/mpmcp
/usr/share/bash-completion/completions/mpmcp
/usr/share/fish/vendor_completions.d/mpmcp.fish
/usr/share/man/man1/mpmcp.1
/usr/share/zsh/site-functions/_mpmcp'
present() {
    find "$root" -type f | sed "s|^$root||" | sort
}
# What is built is not built again: the flags of this flavour are not known here.
run() {
    make -s -o "$program" "$1" O="$(dirname "$program")" DESTDIR="$root" PREFIX=/usr
}
run install || exit 1
[ "$(present)" = "$(echo "$files" | tail -n +2)" ] || { present; exit 1; }
for f in $files; do
    [ -s "$root$f" ] || { echo "$f is empty"; exit 1; }
done
[ "$(head -n 1 "$root/usr/share/zsh/site-functions/_mpmcp")" = '#compdef mpmcp' ] || { echo "zsh would not load it"; exit 1; }
run uninstall || exit 1
[ -z "$(present)" ] || { present; exit 1; }
