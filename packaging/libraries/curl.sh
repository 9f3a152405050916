# https, HTTP/2 and proxies alone. The resolver is the threaded one: it asks the system's getaddrinfo(), so that
# names mean what they mean to all other programs here, and does not hold up the loop.
#
# --enable-ipv6: configure would run a program to find out, which a cross build cannot, and IPv6 would go off.
headers() {
    rm -rf "$FOLDER/include/curl"
    mkdir "$FOLDER/include/curl"
    cp "$SOURCE"/include/curl/*.h "$FOLDER/include/curl"
}
case $TARGET in
    *-macos*) host=${TARGET%%-*}-apple-darwin20 ;;
    *-windows-*)
        # Windows is the same everywhere, so curl has what configure would find out there in a file of its own.
        off=
        for feature in ALTSVC AWS DOH GETOPTIONS HSTS KERBEROS_AUTH NEGOTIATE_AUTH NETRC NTLM WEBSOCKETS; do
            off="$off -DCURL_DISABLE_$feature"
        done
        # shellcheck disable=SC2086 # words
        archive libcurl -DBUILDING_LIBCURL -DCURL_STATICLIB -DNGHTTP2_STATICLIB -DHTTP_ONLY $off -DUSE_OPENSSL -DUSE_NGHTTP2 \
            -DHAVE_LIBZ -DHAVE_BROTLI -DHAVE_ZSTD -DUSE_IPV6 "-DCURL_OS=\"$TARGET\"" \
            "-I$SOURCE/include" "-I$SOURCE/lib" "-I$FOLDER/include" -- "$SOURCE"/lib/*.c "$SOURCE"/lib/*/*.c
        headers
        return
        ;;
    *) host=${TARGET%%.[0-9]*} ;;
esac
cp -R "$SOURCE" source
cd source
# Debian's patches touch what configure is made from; it is not to be made again.
find . \( -name aclocal.m4 -o -name configure -o -name Makefile.in -o -name curl_config.h.in \) -exec touch {} +
cpp="-I$FOLDER/include -DNGHTTP2_STATICLIB"
# On macOS curl asks the system for its proxies once, and drops the answer: a program needs a framework for that.
case $TARGET in *-macos*) sed -i '/define CURL_MACOS_CALL_COPYPROXIES/d' lib/curl_setup.h ;; esac
./configure -q --build="$(cc -dumpmachine)" --host="$host" CC=release-cc AR=release-ar RANLIB=release-ranlib PKG_CONFIG=false \
    CFLAGS="$CFLAGS" CPPFLAGS="$cpp" LDFLAGS="-L$FOLDER/lib" \
    --disable-shared --enable-static --enable-threaded-resolver --disable-ares --enable-ipv6 \
    --with-openssl --with-nghttp2 --with-zlib --with-brotli --with-zstd \
    --without-ca-bundle --without-ca-path --without-libpsl --without-libidn2 --without-apple-idn --without-librtmp \
    --without-libssh2 --without-libssh --without-libgsasl --without-gssapi --without-ngtcp2 --without-nghttp3 \
    --disable-ldap --disable-ldaps --disable-ftp --disable-file --disable-ipfs --disable-rtsp --disable-dict \
    --disable-telnet --disable-tftp --disable-pop3 --disable-imap --disable-smb --disable-smtp --disable-gopher \
    --disable-mqtt --disable-manual --disable-docs --disable-ntlm --disable-tls-srp --disable-unix-sockets \
    --disable-alt-svc --disable-hsts --disable-doh --disable-netrc --disable-websockets --disable-libcurl-option \
    --disable-kerberos-auth --disable-negotiate-auth --disable-aws --disable-dependency-tracking --enable-unity
# What a test program decided wrongly would only be seen by who misses it.
for has in USE_IPV6 USE_NGHTTP2 HAVE_LIBZ HAVE_BROTLI HAVE_ZSTD USE_OPENSSL USE_THREADS_POSIX HAVE_POLL; do
    grep -Eq "^#define $has 1" lib/curl_config.h || { echo "configure left out $has"; exit 1; }
done
make -s -C lib -j"$JOBS" V=0 libcurl.la
cp lib/.libs/libcurl.a "$FOLDER/lib"
headers
