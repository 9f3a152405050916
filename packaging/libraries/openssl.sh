# On macOS random bytes come from /dev/urandom: those of CommonCrypto need a header that the compiler lacks.
case $TARGET in
    x86_64-linux*) system=linux-x86_64 ;;
    aarch64-linux*) system=linux-aarch64 ;;
    x86_64-macos*) system='darwin64-x86_64-cc -DOPENSSL_NO_APPLE_CRYPTO_RANDOM' ;;
    aarch64-macos*) system='darwin64-arm64-cc -DOPENSSL_NO_APPLE_CRYPTO_RANDOM' ;;
    x86_64-windows*) system=mingw64 ;;
    *) echo "openssl.sh: no system of OpenSSL is known for $TARGET"; exit 1 ;;
esac
# Certificates where the system keeps them. Nothing is loaded at run time: no engines, modules, configuration.
# Left out beside that: what no client of HTTP over TLS uses. async wants makecontext(), which musl has not.
CC=release-cc AR=release-ar RANLIB=release-ranlib perl "$SOURCE/Configure" $system --prefix=/usr --libdir=lib \
    --openssldir=/etc/ssl no-shared no-dso no-engine no-legacy no-module no-autoload-config no-async no-apps no-docs \
    no-tests no-quic no-dtls no-cmp no-cms no-ts no-srp no-srtp no-rfc3779 no-ui-console no-integrity-only-ciphers \
    no-slh-dsa no-ssl-trace no-aria no-bf no-camellia no-cast no-dsa no-ec2m no-gost no-idea no-md4 no-mdc2 no-rc2 \
    no-rc4 no-rmd160 no-scrypt no-argon2 no-seed no-siphash no-siv no-sm2 no-sm3 no-sm4 no-whirlpool
make -s -j"$JOBS" build_generated
# A constant of the assembler, which is a symbol in the object file unless it begins with L; zig's linker fails at it.
case $TARGET in aarch64-macos*) sed -i 's/\bmixin\b/Lmixin/g' crypto/chacha/chacha-armv8-sve.S ;; esac
make -s -j"$JOBS" libcrypto.a libssl.a
case $TARGET in
    *-windows-*)
        # What the libraries refer to and zig's C library for Windows lacks. The guard of the stack gets its value before
        # main; until then it is a constant.
        cat >windows.c <<'EOF'
#include <stdint.h>
#include <stdlib.h>
#include <winsock2.h>
#include <ws2tcpip.h>

BOOLEAN NTAPI SystemFunction036(PVOID, ULONG); /* RtlGenRandom */

uintptr_t __stack_chk_guard = (uintptr_t)0x595e9fbd94fda766;

__attribute__((constructor, no_stack_protector)) static void set_guard(void)
{
	uintptr_t random;

	if (SystemFunction036(&random, sizeof(random)))
		__stack_chk_guard = random;
}

__attribute__((noreturn)) void __stack_chk_fail(void)
{
	abort();
}

int WINAPI WspiapiGetAddrInfo(const char *name, const char *service, const struct addrinfo *hints, struct addrinfo **found)
{
	return getaddrinfo(name, service, hints, found);
}

void WINAPI WspiapiFreeAddrInfo(struct addrinfo *found)
{
	freeaddrinfo(found);
}

int WINAPI WspiapiGetNameInfo(const struct sockaddr *address, socklen_t n, char *name, DWORD name_n, char *service,
	DWORD service_n, int flags)
{
	return getnameinfo(address, n, name, name_n, service, service_n, flags);
}

char *gai_strerrorA(int error)
{
	static char text[256];

	if (!FormatMessageA(FORMAT_MESSAGE_FROM_SYSTEM | FORMAT_MESSAGE_IGNORE_INSERTS, NULL, (DWORD)error, 0, text, sizeof(text), NULL))
		wsprintfA(text, "error %d", error);
	return text;
}
EOF
        release-cc -O2 -D_WIN32_WINNT=0x0601 -c -o windows.o windows.c
        release-ar r libcrypto.a windows.o
        ;;
esac
cp libcrypto.a libssl.a "$FOLDER/lib"
rm -rf "$FOLDER/include/openssl"
mkdir "$FOLDER/include/openssl"
cp "$SOURCE"/include/openssl/*.h include/openssl/*.h "$FOLDER/include/openssl"
