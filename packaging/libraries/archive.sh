# archive NAME [FLAG...] -- SOURCE...: compiles the sources side by side into $FOLDER/lib/NAME.a. For libraries
# of a dozen files, whose own builds would bring cmake or autotools along.
archive() {
    name=$1 flags=
    shift
    while [ "$1" != -- ]; do
        flags="$flags $1"
        shift
    done
    shift
    export flags
    # shellcheck disable=SC2016 # for the inner shell
    printf '%s\n' "$@" | xargs -P "$JOBS" -n 1 sh -c 'o=${1##*/}; exec release-cc $CFLAGS $flags -c -o "${o%.*}.o" "$1"' sh
    rm -f "$FOLDER/lib/$name.a"
    release-ar rcsD "$FOLDER/lib/$name.a" ./*.o
}
