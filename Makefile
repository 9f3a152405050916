# mpmcp: an MCP bridge for Mixpanel. Targets a newcomer tries:
#   make            build/mpmcp               make check    all tests
#   make deps       Debian packages needed    make demo     a session against the local sandbox
#   make install    PREFIX= DESTDIR=          make help     the others
VERSION := 0.1.0

O       ?= build
PREFIX  ?= /usr/local
BINDIR  ?= $(PREFIX)/bin
MANDIR  ?= $(PREFIX)/share/man
PKG_CONFIG ?= pkg-config
PYTHON  ?= python3
PKGS    := libcurl jansson libcrypto libssl

CFLAGS  ?= -O2 -g
WARN    := -Wall -Wextra -Wconversion -Wshadow -Wstrict-prototypes -Wmissing-prototypes \
           -Wpointer-arith -Wwrite-strings -Wformat=2 -Wundef -Wvla
HARDEN  ?= -D_FORTIFY_SOURCE=2 -fstack-protector-strong -fPIE
HARDEN_LD ?= -pie -Wl,-z,relro,-z,now
# CI sets WERROR=-Werror; a packager's newer compiler must not fail the build.
WERROR  ?=

ALL_CFLAGS = -std=c11 -D_POSIX_C_SOURCE=200809L -Ilib -Icmd $(WARN) $(WERROR) $(HARDEN) \
             $(shell $(PKG_CONFIG) --cflags $(PKGS)) -DMPMCP_VERSION='"$(VERSION)"' $(CPPFLAGS) $(CFLAGS)
LIBS    = $(shell $(PKG_CONFIG) --libs $(PKGS))

LIB     := $(patsubst %.c,$O/%.o,$(wildcard lib/*/*.c))
CMD     := $(patsubst %.c,$O/%.o,$(wildcard cmd/*.c))
UNIT    := $(patsubst %.c,$O/%,$(wildcard tests/unit/test_*.c))
FUZZ    := $(patsubst tests/fuzz/%.c,%,$(wildcard tests/fuzz/fuzz_*.c))

.PHONY: all
all: $O/mpmcp

$O/mpmcp: $(CMD) $O/libmpmcp.a
	@echo '  LD    $@'
	@$(CC) $(ALL_CFLAGS) $(HARDEN_LD) $(LDFLAGS) -o $@ $(CMD) $O/libmpmcp.a $(LIBS)

$O/libmpmcp.a: $(LIB)
	@rm -f $@
	@$(AR) rcs $@ $(LIB)

$O/%.o: %.c Makefile
	@mkdir -p $(@D)
	@echo '  CC    $<'
	@$(CC) $(ALL_CFLAGS) -MMD -MP -c -o $@ $<

# Unit tests: one program per tests/unit/test_*.c, on cmocka.
$O/tests/unit/%: tests/unit/%.c $O/libmpmcp.a
	@mkdir -p $(@D)
	@echo '  LD    $@'
	@$(CC) $(ALL_CFLAGS) -Itests/unit -MMD -MP -MF $@.d $(HARDEN_LD) $(LDFLAGS) -o $@ $< $O/libmpmcp.a \
		$(shell $(PKG_CONFIG) --cflags --libs cmocka) $(LIBS)

.PHONY: unit
unit: $(UNIT)
	@for t in $(UNIT); do $$t || exit 1; done

-include $(LIB:.o=.d) $(CMD:.o=.d) $(UNIT:=.d)
