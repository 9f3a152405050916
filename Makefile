# mpmcp: an MCP bridge for Mixpanel. Targets a newcomer tries:
#   make            build/mpmcp               make check    all tests
#   make deps       Debian packages needed    make demo     a session against the local sandbox
#   make install    PREFIX= DESTDIR=          make help     the others
VERSION := 0.2.0

O       ?= build
PREFIX  ?= /usr/local
BINDIR  ?= $(PREFIX)/bin
MANDIR  ?= $(PREFIX)/share/man
BASHDIR ?= $(PREFIX)/share/bash-completion/completions
ZSHDIR  ?= $(PREFIX)/share/zsh/site-functions
FISHDIR ?= $(PREFIX)/share/fish/vendor_completions.d
PKG_CONFIG ?= pkg-config
PYTHON  ?= python3
PKGS    := libcurl jansson libcrypto libssl
comma   := ,

# "make deps check": first what is needed, then a make of its own for the rest.
ifneq ($(filter deps,$(MAKECMDGOALS)),)
rest    := $(filter-out deps,$(MAKECMDGOALS))
.PHONY: deps $(rest)
deps:
	@sh tests/deps.sh
	$(if $(rest),@$(MAKE) --no-print-directory $(rest))
$(rest): deps
	@:
else

CFLAGS  ?= -O2 -g
WARN    := -Wall -Wextra -Wconversion -Wshadow -Wstrict-prototypes -Wmissing-prototypes \
           -Wpointer-arith -Wwrite-strings -Wformat=2 -Wundef -Wvla
# The machine is asked once, when something is first built, and must be able to answer: a compiler that is
# missing knows no hardening either, and the build would silently be a weaker one.
once    = $(eval $1 := $2)$($1)
asked   = $(if $(filter ok,$(lastword $2)),$(filter-out ok,$2),$(error "$1" fails; "make deps" installs what a build needs))
ask     = $(call asked,$1,$(shell $1 && echo ok))
trial   = echo 'int main(void) { return 0; }' | $(CC) -x c -include stdio.h -O2 $1 -o /dev/null -
# Hardening, as far as this compiler and linker know it.
knows   = $(shell { $(call trial,-Werror $1); } >/dev/null 2>&1 && echo '$1')
HARDEN  ?= $(hard)
HARDEN_LD ?= $(hard_ld)
hard    = $(call once,hard,$(call ask,$(call trial)) -fPIE \
            $(or $(call knows,-U_FORTIFY_SOURCE -D_FORTIFY_SOURCE=3),-U_FORTIFY_SOURCE -D_FORTIFY_SOURCE=2) \
            $(foreach f,-fstack-protector-strong -fstack-clash-protection -fcf-protection \
            -mbranch-protection=standard,$(call knows,$f)))
hard_ld = $(call once,hard_ld,$(call knows,-fPIE -pie) $(foreach f,-Wl$(comma)-z$(comma)relro -Wl$(comma)-z$(comma)now \
            -Wl$(comma)-z$(comma)noexecstack,$(call knows,$f)))
# CI sets WERROR=-Werror; a packager's newer compiler must not fail the build.
WERROR  ?=

# Whose files of lib/os are compiled (linux, darwin, win32): those of the system that programs are made for.
SYSTEM  ?= $(call system_of,$(shell $(CC) -dumpmachine 2>/dev/null || uname -s))
system_of = $(if $(findstring mingw,$1),win32,$(if $(findstring windows,$1),win32,$(if \
            $(or $(findstring apple,$1),$(findstring macos,$1),$(findstring Darwin,$1)),darwin,linux)))
parts_linux := posix linux
parts_darwin := posix darwin
parts_win32 := win32
SYSTEM  := $(SYSTEM)

# glibc and musl show POSIX and what a file asks for; the headers of macOS and the BSDs would hide flock()
# and more, whatever a file asks for.
POSIX   := $(if $(filter linux,$(SYSTEM)),-D_POSIX_C_SOURCE=200809L)

ALL_CFLAGS = -std=c11 $(POSIX) -Ilib -Icmd $(WARN) $(WERROR) $(HARDEN) \
             $(PKG_CFLAGS) -DMPMCP_VERSION='"$(VERSION)"' $(CPPFLAGS) $(CFLAGS)
PKG_CFLAGS = $(call once,PKG_CFLAGS,$(call ask,$(PKG_CONFIG) --cflags $(PKGS)))
LIBS    = $(call once,LIBS,$(call ask,$(PKG_CONFIG) --libs $(PKGS)))

LIB_C   := $(filter-out lib/os/%,$(wildcard lib/*/*.c lib/*/*/*.c)) \
           $(foreach part,$(parts_$(SYSTEM)),$(wildcard lib/os/*_$(part).c))
LIB     := $(patsubst %.c,$O/%.o,$(LIB_C))
CMD     := $(patsubst %.c,$O/%.o,$(wildcard cmd/*.c cmd/*/*.c))
UNIT    := $(patsubst %.c,$O/%,$(wildcard tests/unit/test_*.c))
FUZZ    := $(patsubst tests/fuzz/%.c,%,$(wildcard tests/fuzz/fuzz_*.c))

.PHONY: all
all: $O/mpmcp $O/mpmcp.bash $O/mpmcp.zsh $O/mpmcp.fish

$O/mpmcp: $(CMD) $O/libmpmcp.a
	@echo '  LD    $@'
	@$(CC) $(ALL_CFLAGS) $(HARDEN_LD) $(LDFLAGS) -o $@ $(CMD) $O/libmpmcp.a $(LIBS)

$O/libmpmcp.a: $(LIB)
	@rm -f $@
	@$(AR) rcs $@ $(LIB)

# Completion, as the program prints it. RUN is for builds that another machine runs (RUN=qemu-aarch64).
$O/mpmcp.%: $O/mpmcp
	@$(RUN) $O/mpmcp completion $* >$@.new && mv $@.new $@

# The commands without main, for unit tests.
$O/libcmd.a: $(filter-out $O/cmd/main.o,$(CMD))
	@rm -f $@
	@$(AR) rcs $@ $^

# What was built with other flags is built again.
$O/flags: FORCE
	@mkdir -p $(@D)
	@echo $(CC) $(filter-out $(WERROR),$(ALL_CFLAGS)) $(HARDEN_LD) $(LDFLAGS) $(LIBS) >$@.new
	@if cmp -s $@.new $@; then rm $@.new; else mv $@.new $@; fi

.PHONY: FORCE
FORCE:

$O/%.o: %.c $O/flags
	@mkdir -p $(@D)
	@echo '  CC    $<'
	@$(CC) $(ALL_CFLAGS) -MMD -MP -c -o $@ $<

# Unit tests: one program per tests/unit/test_*.c, on cmocka.
$O/tests/unit/%: tests/unit/%.c $O/libcmd.a $O/libmpmcp.a
	@mkdir -p $(@D)
	@echo '  LD    $@'
	@$(CC) $(ALL_CFLAGS) -Itests/unit -MMD -MP -MF $@.d $(HARDEN_LD) $(LDFLAGS) -o $@ $< $O/libcmd.a $O/libmpmcp.a \
		$(call ask,$(PKG_CONFIG) --cflags --libs cmocka) $(LIBS)

.PHONY: unit
unit: $(UNIT)
	@for t in $(UNIT); do $$t || exit 1; done

# All that CI runs but interop. Every part runs even when one before it failed.
.PHONY: check
check: $O/mpmcp $(UNIT) $O/tests/fuzz/policy
	@MPMCP=$O/mpmcp HARDEN='$(HARDEN) $(HARDEN_LD)' sh tests/check.sh $(UNIT)

# The README's two lines on a Debian without anything: root and debootstrap only.
.PHONY: check-bare
check-bare:
	@sh tests/bare.sh build/bare

# Each way to install, on Debian 12 and 11 without anything: root, debootstrap, and what "make release npm deb" made.
.PHONY: check-install
check-install:
	@bash packaging/bare.sh build/bare-install

# Answers tests/checks/policy.py, which has its own reading of the rules.
$O/tests/fuzz/policy: tests/fuzz/fuzz_policy.c $O/libmpmcp.a
	@mkdir -p $(@D)
	@echo '  LD    $@'
	@$(CC) $(ALL_CFLAGS) -DPOLICY_STANDALONE -MMD -MP -MF $@.d $(HARDEN_LD) $(LDFLAGS) -o $@ $< $O/libmpmcp.a $(LIBS)

.PHONY: demo
demo: $O/mpmcp
	@$(PYTHON) tests/demo.py $O/mpmcp

# One file that needs the C library alone: it starts in a third of the time. Not even that one is linked
# in: names would then not be looked up as in every other program, to save a fifth of a millisecond.
.PHONY: static
static:
	@sh packaging/program.sh $(shell uname -m)-linux-gnu.2.33 build/static

# mpmcp.exe, by the same compiler and libraries as the archives. Run under Wine only so far.
.PHONY: windows
windows:
	@sh packaging/program.sh x86_64-windows-gnu build/windows
	@mv build/windows/mpmcp build/windows/mpmcp.exe

# The archives that are offered for download, TARGETS='...' some of them; then what they promise is checked.
.PHONY: release
release:
	@bash packaging/release.sh $(TARGETS)
	@$(PYTHON) packaging/check.py

# npm packages of the archives that are there, tried with a registry on this machine.
.PHONY: npm
npm:
	@$(PYTHON) packaging/npm/pack.py
	@bash packaging/npm/check.sh

# The bundle for Claude Desktop, of the archives that are there.
.PHONY: mcpb
mcpb:
	@$(PYTHON) packaging/mcpb/pack.py
	@sh packaging/mcpb/check.sh

# The Homebrew formula, without Homebrew: what it does is done here. The commit is built, not the tree.
.PHONY: homebrew
homebrew:
	@command -v ruby >/dev/null || { echo 'not run: the formula (no ruby)'; exit 0; }; \
	$(MAKE) -s dist O=$O/homebrew >/dev/null && \
	sh packaging/homebrew/formula.sh https://example.com/releases/download/v$(VERSION) $O/homebrew/mpmcp-$(VERSION).tar.gz \
		>$O/homebrew/mpmcp.rb && \
	ruby packaging/homebrew/check.rb $O/homebrew/mpmcp.rb $O/homebrew/mpmcp-$(VERSION).tar.gz $O/homebrew/prefix

# For the release of Debian or Ubuntu that this machine runs.
.PHONY: deb
deb:
	@sh packaging/deb.sh

# Each flavour has its own folder, so none dirties another.
.PHONY: asan
asan:
	$(MAKE) check O=build/asan HARDEN= HARDEN_LD= \
		CFLAGS='-O1 -g -fsanitize=address,undefined -fno-sanitize-recover=all -fno-omit-frame-pointer'

.PHONY: valgrind
valgrind:
	$(MAKE) check O=build/valgrind HARDEN= CFLAGS='-O1 -g' JOBS=2 \
		MPMCP_WRAP='valgrind -q --error-exitcode=99 --leak-check=full --show-leak-kinds=definite,indirect,possible --errors-for-leak-kinds=definite --child-silent-after-fork=yes'

FUZZ_SECONDS ?= 60
.PHONY: fuzz
fuzz: $(FUZZ:%=$O/fuzz/%)
	@for f in $(FUZZ); do sh tests/fuzz/run.sh $O/fuzz/$$f tests/fuzz/seeds/$$f $(FUZZ_SECONDS) || exit 1; done

# The library as an archive: a harness may bring its own version of what stands around the module
# that it tests, and only the rest is taken from here.
FUZZ_FLAGS = -std=c11 $(POSIX) -Ilib -Icmd $(PKG_CFLAGS) \
             -DMPMCP_VERSION='"$(VERSION)"' -O1 -g -fsanitize=address,undefined -fno-sanitize-recover=all

$O/fuzz/lib/%.o: lib/%.c $(wildcard lib/*/*.h lib/*/*/*.h)
	@mkdir -p $(@D)
	@clang $(FUZZ_FLAGS) -fsanitize=fuzzer-no-link -c -o $@ $<

$O/fuzz/libmpmcp.a: $(patsubst lib/%.c,$O/fuzz/lib/%.o,$(LIB_C))
	@rm -f $@
	@$(AR) rcs $@ $^

$O/fuzz/fuzz_%: tests/fuzz/fuzz_%.c $O/fuzz/libmpmcp.a $(wildcard cmd/*.[ch] cmd/*/*.[ch])
	@echo '  FUZZ  $@'
	@clang $(FUZZ_FLAGS) -fsanitize=fuzzer -o $@ $< $O/fuzz/libmpmcp.a $(LIBS)

# Every allocation and every poll() of short sessions fails once: nothing may crash, hang or be left without
# an answer. Some minutes; TORTURE='--stride 10' or '--seconds 60' for less of it (tests/torture/run.py --help).
.PHONY: torture
torture: $O/torture/mpmcp
	@$(PYTHON) tests/torture/run.py $O/torture/mpmcp $(TORTURE)

# Eight bridges on one token folder while tokens end, sessions are forgotten, answers break and bridges are killed. Minutes;
# SOAK='--seconds 60' for less of it, '--seed N' for the same again (tests/soak/run.py --help).
.PHONY: soak
soak: $O/mpmcp
	@$(PYTHON) tests/soak/run.py $O/mpmcp $(SOAK)

$O/torture/mpmcp: $(CMD) $O/libmpmcp.a tests/torture/fail.c
	@mkdir -p $(@D)
	@echo '  LD    $@'
	@$(CC) $(ALL_CFLAGS) $(HARDEN_LD) $(LDFLAGS) -Wno-missing-prototypes -fno-builtin -rdynamic -o $@ tests/torture/fail.c $(CMD) \
		$O/libmpmcp.a $(LIBS)

# Left out: what the compiler's -Wconversion judges better, and what takes text with a length for a string.
TIDY = -*,bugprone-*,-bugprone-branch-clone,-bugprone-easily-swappable-parameters,-bugprone-implicit-widening-of-multiplication-result,$(strip \
	)-bugprone-narrowing-conversions,-bugprone-not-null-terminated-result,-bugprone-reserved-identifier,$(strip \
	)misc-redundant-expression,readability-misleading-indentation,readability-redundant-control-flow

.PHONY: lint
lint:
	clang-format --dry-run -Werror lib/*/*.[ch] lib/*/*/*.[ch] cmd/*.[ch] cmd/*/*.[ch] tests/*/*.[ch]
	cppcheck --quiet --error-exitcode=1 --std=c11 --enable=warning,performance,portability --inline-suppr \
		--suppress=missingIncludeSystem --suppress=normalCheckLevelMaxBranches -Ilib -Icmd -DMPMCP_VERSION='"$(VERSION)"' cmd lib
	clang-tidy --quiet --checks='$(TIDY)' --warnings-as-errors='*' $(patsubst $O/%.o,%.c,$(CMD) $(LIB)) -- \
		-std=c11 $(POSIX) -Ilib -Icmd $(PKG_CFLAGS) -DMPMCP_VERSION='"$(VERSION)"'
	mandoc -T lint -W warning man/mpmcp.1
	$(MAKE) O=build/clang CC=clang WERROR=-Werror all
	$(MAKE) $(FUZZ:%=$O/fuzz/%)

.PHONY: interop
interop: $O/mpmcp
	@sh tests/interop/run.sh $O/mpmcp

# Heavy, so apart: neither "check" nor CI runs it. CLIENTS='"Gemini CLI" Codex' for some of them;
# '--entry printed' pastes what setup prints, '--entry command' runs the client's own command that it prints;
# '--state unfinished' has a sign-in page that nobody completes, '--state unopened' a browser that fails.
.PHONY: interop-clients
interop-clients: $O/mpmcp
	@sh tests/interop/clients/run.sh $O/mpmcp $(CLIENTS)

# HTTP/2 as nginx speaks it; says so when there is no nginx.
.PHONY: front
front: $O/mpmcp
	@$(PYTHON) tests/front/run.py $O/mpmcp

.PHONY: bench
bench: $O/mpmcp
	@sh tests/bench/run.sh $O

# How fast JSON is read: each way to scan, over four kinds of text, beside memcpy.
.PHONY: bench-scan
bench-scan: $O/libmpmcp.a
	@$(CC) $(ALL_CFLAGS) $(HARDEN_LD) $(LDFLAGS) -o $O/bench_scan tests/bench/bench_scan.c $O/libmpmcp.a $(LIBS)
	@$O/bench_scan

.PHONY: install
install: all
	install -d $(DESTDIR)$(BINDIR) $(DESTDIR)$(MANDIR)/man1 $(DESTDIR)$(BASHDIR) $(DESTDIR)$(ZSHDIR) $(DESTDIR)$(FISHDIR)
	install -m 755 $O/mpmcp $(DESTDIR)$(BINDIR)/mpmcp
	install -m 644 man/mpmcp.1 $(DESTDIR)$(MANDIR)/man1/mpmcp.1
	install -m 644 $O/mpmcp.bash $(DESTDIR)$(BASHDIR)/mpmcp
	install -m 644 $O/mpmcp.zsh $(DESTDIR)$(ZSHDIR)/_mpmcp
	install -m 644 $O/mpmcp.fish $(DESTDIR)$(FISHDIR)/mpmcp.fish

.PHONY: uninstall
uninstall:
	rm -f $(DESTDIR)$(BINDIR)/mpmcp $(DESTDIR)$(MANDIR)/man1/mpmcp.1 $(DESTDIR)$(BASHDIR)/mpmcp \
		$(DESTDIR)$(ZSHDIR)/_mpmcp $(DESTDIR)$(FISHDIR)/mpmcp.fish

.PHONY: dist
dist:
	@mkdir -p $O
	git archive --prefix=mpmcp-$(VERSION)/ -o $O/mpmcp-$(VERSION).tar HEAD
	gzip -9nf $O/mpmcp-$(VERSION).tar
	@echo $O/mpmcp-$(VERSION).tar.gz

.PHONY: clean
clean:
	rm -rf $O

.PHONY: help
help:
	@sed -n 's/^#   //p' Makefile
	@echo 'also: check-bare check-install static release npm mcpb homebrew deb asan valgrind fuzz torture soak lint interop interop-clients front bench bench-scan dist windows clean uninstall'

-include $(LIB:.o=.d) $(CMD:.o=.d) $(UNIT:=.d) $O/tests/fuzz/policy.d
endif
