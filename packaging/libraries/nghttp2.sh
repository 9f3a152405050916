version=$(sed -n 's/^AC_INIT(\[nghttp2\], \[\([0-9.]*\)\].*/\1/p' "$SOURCE/configure.ac")
number=$(echo "$version" | awk -F. '{ printf "0x%02x%02x%02x", $1, $2, $3 }')
rm -rf "$FOLDER/include/nghttp2"
mkdir "$FOLDER/include/nghttp2"
cp "$SOURCE/lib/includes/nghttp2/nghttp2.h" "$FOLDER/include/nghttp2"
sed "s/@PACKAGE_VERSION@/$version/; s/@PACKAGE_VERSION_NUM@/$number/" "$SOURCE/lib/includes/nghttp2/nghttp2ver.h.in" \
    >"$FOLDER/include/nghttp2/nghttp2ver.h"
case $TARGET in
    *-windows-*) has='-DWIN32 -DHAVE_WINDOWS_H -DHAVE_GETTICKCOUNT64' ;;
    *) has='-DHAVE_ARPA_INET_H -DHAVE_NETINET_IN_H -DHAVE_DECL_CLOCK_MONOTONIC=1' ;;
esac
# shellcheck disable=SC2086 # words
archive libnghttp2 $has -DNGHTTP2_STATICLIB "-I$FOLDER/include" -- "$SOURCE"/lib/*.c
