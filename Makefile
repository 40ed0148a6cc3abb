# Gatehouse: GNU make, everything out of tree under $(BUILD).
#
#   make               the three programs            make test    install what is missing, build, run every test
#   make demo          one morning at a gate         make lint    format, static analysis, shell scripts
#   make bench         per-stage timings             make install DESTDIR= PREFIX=/usr/local
#   make chaos         kill, cut, fill up, set back  make chaos-mutants  whether chaos notices what is broken
#   make bench-fleet FLEET_GATES=10000  many gates at one server
#   make fuzz FUZZ_S=60  seconds for each target     make SAN=1 ... with ASan and UBSan
#   make check-board     the installed gate on an emulated Raspberry Pi
#   make deb [SUITE=bookworm|trixie] [ARCH=arm64]  Debian packages, in build/deb/
#   make WERROR=1 CC=clang ...

SHELL := /bin/sh
.DELETE_ON_ERROR:
MAKEFLAGS += --no-builtin-rules

ifeq ($(origin CC),default)
CC := gcc
endif
PKG_CONFIG ?= pkg-config
PREFIX ?= /usr/local
BUILD ?= build/$(if $(FUZZ),fuzz,$(if $(SAN),san,$(notdir $(firstword $(CC)))))
VERSION := $(shell cat VERSION)
# V=1 shows every command whole.
Q := $(if $(V),,@)
say = $(if $(V),,@printf '  %-5s %s\n' $(1) $(2))

# Targets that may run before anything is installed; they install, then call make again.
BOOTSTRAP_GOALS := demo test deps deps-lint deb check-packages check-board clean
ifneq ($(filter-out $(BOOTSTRAP_GOALS),$(or $(MAKECMDGOALS),all)),)
ifeq ($(shell command -v $(PKG_CONFIG)),)
$(error $(PKG_CONFIG) is missing: run 'make deps' first)
endif
PACKAGES := zbar libqrencode libcurl sqlite3 libgpiod libcrypto libcbor jansson libjpeg libpng \
            inih libsystemd libmicrohttpd libsodium zlib libzstd alsa libseccomp
MISSING := $(shell $(PKG_CONFIG) --print-errors --exists $(PACKAGES) 2>&1)
ifneq ($(MISSING),)
$(error $(MISSING) (run 'make deps' first))
endif
PACKAGE_CFLAGS := $(shell $(PKG_CONFIG) --cflags $(PACKAGES))
PACKAGE_LIBS := $(shell $(PKG_CONFIG) --libs $(PACKAGES)) -lm -lpthread
# libgpiod 1.6 (Debian 12) and 2.x (Debian 13) are different interfaces: one file each.
GPIOD := $(shell $(PKG_CONFIG) --atleast-version=2 libgpiod && echo v2 || echo v1)
# The floor of a gate's clock: no time before this build is believed.
SOURCE_DATE_EPOCH ?= $(shell git log -1 --format=%ct 2>/dev/null || stat -c %Y CHANGELOG.md)
endif

CPPFLAGS := -D_GNU_SOURCE -D_FILE_OFFSET_BITS=64 -D_TIME_BITS=64 -Iinclude -Isrc -DGH_VERSION='"$(VERSION)"' $(CPPFLAGS)
WARNINGS := -Wall -Wextra -Wshadow -Wpointer-arith -Wstrict-prototypes -Wmissing-prototypes -Wvla \
            -Wformat=2 -Wwrite-strings -Wundef $(if $(WERROR),-Werror)
ifdef FUZZ
OPTIMISE := -O1 -g -fno-omit-frame-pointer -fsanitize=fuzzer-no-link,address,undefined -fno-sanitize-recover=all
LINK := -fsanitize=fuzzer,address,undefined
else ifdef SAN
OPTIMISE := -O1 -g -fno-omit-frame-pointer -fsanitize=address,undefined -fno-sanitize-recover=all
LINK := -fsanitize=address,undefined
else
OPTIMISE := -O2 -g -D_FORTIFY_SOURCE=2 -fstack-protector-strong -fstack-clash-protection
LINK := -Wl,-z,relro,-z,now -Wl,-z,noexecstack
endif
CFLAGS := -std=gnu11 $(OPTIMISE) -fPIE $(WARNINGS) $(CFLAGS)
LDFLAGS := -pie -Wl,--as-needed $(LINK) $(LDFLAGS)

# --- what is built -------------------------------------------------------------------------------------------
ROOMS := base crypto net code image list journal gate server cli
GROUND := base crypto net code image list journal
sources = $(filter-out %/main.c $(if $(filter gate,$(1)),$(filter-out src/gate/gpio_$(GPIOD).c,$(wildcard src/gate/gpio_v?.c))),\
          $(wildcard src/$(1)/*.c))
objects = $(patsubst %.c,$(BUILD)/%.o,$(1))
library = $(BUILD)/lib$(1).a
PROGRAMS := $(BUILD)/gatehouse-gate $(BUILD)/gatehouse-server $(BUILD)/gatehouse

all: $(PROGRAMS)
.PHONY: all

define room_rules
$(call library,$(1)): $(call objects,$(call sources,$(1)))
endef
$(foreach room,$(ROOMS),$(eval $(call room_rules,$(room))))

$(BUILD)/lib%.a:
	@mkdir -p $(@D)
	@rm -f $@
	$(call say,AR,$@)
	$(Q)$(AR) rcs $@ $^

$(BUILD)/%.o: %.c Makefile
	@mkdir -p $(@D)
	$(call say,CC,$<)
	$(Q)$(CC) $(CPPFLAGS) $(PACKAGE_CFLAGS) $(CFLAGS) -MMD -MP -c -o $@ $<

$(BUILD)/src/gate/build_time.o: CPPFLAGS += -DGH_BUILD_TIME_S=$(SOURCE_DATE_EPOCH)LL

ground_libraries := $(foreach room,$(GROUND),$(call library,$(room)))
link = $(CC) $(CFLAGS) $(LDFLAGS) -o $@ $(filter %.o,$^) -Wl,--start-group $(filter %.a,$^) -Wl,--end-group $(PACKAGE_LIBS)

$(BUILD)/gatehouse-gate: $(BUILD)/src/gate/main.o $(call library,gate) $(ground_libraries)
	$(call say,LINK,$@)
	$(Q)$(link)
$(BUILD)/gatehouse-server: $(BUILD)/src/server/main.o $(call library,server) $(ground_libraries)
	$(call say,LINK,$@)
	$(Q)$(link)
$(BUILD)/gatehouse: $(BUILD)/src/cli/main.o $(call library,cli) $(ground_libraries)
	$(call say,LINK,$@)
	$(Q)$(link)

# --- what a gate says, by espeak-ng: $(BUILD)/sounds/LANGUAGE/PROMPT.wav ---
prompt_languages := $(basename $(notdir $(wildcard src/gate/prompts/*.txt)))
prompts: $(prompt_languages:%=$(BUILD)/sounds/%.made)
$(BUILD)/sounds/%.made: src/gate/prompts/%.txt scripts/make-prompts
	$(call say,SAY,$<)
	$(Q)scripts/make-prompts $< $(BUILD)/sounds/$*
	$(Q)touch $@
.PHONY: prompts

# --- tests: every tests/unit/test_*.c is a program; tests/fakes is a library; tests/system/*.c are helper programs ---
unit_tests := $(patsubst %.c,$(BUILD)/%,$(wildcard tests/unit/test_*.c))
system_helpers := $(patsubst %.c,$(BUILD)/%,$(wildcard tests/system/*.c))
benches := $(patsubst %.c,$(BUILD)/%,$(wildcard tests/bench/bench_*.c))
test_libraries := $(call library,fakes) $(foreach room,$(ROOMS),$(call library,$(room)))
$(call library,fakes): $(call objects,$(wildcard tests/fakes/*.c))
$(unit_tests) $(system_helpers) $(benches): $(BUILD)/%: $(BUILD)/%.o $(test_libraries)
	$(call say,LINK,$@)
	$(Q)$(link) -lcmocka
$(BUILD)/tests/%.o: CPPFLAGS += -Itests

build-tests: all $(unit_tests) $(system_helpers)
check: build-tests
	@BUILD='$(BUILD)' tests/run $(TESTS)
bench: all $(benches) bench-light
	@for bench in $(benches); do BUILD='$(BUILD)' $$bench || exit 1; done
# Memory, start and writes of the real gate with LIGHT_PEOPLE=100000 on its list.
light := $(BUILD)/tests/bench/light/bare
$(light): $(BUILD)/%: $(BUILD)/%.o $(test_libraries)
	$(call say,LINK,$@)
	$(Q)$(link)
bench-light: all $(light) $(BUILD)/tests/system/journal_dump
	@BUILD='$(BUILD)' tests/bench/light.sh
# FLEET_GATES=10000 gates against one server; 500 take some 20 seconds.
fleet := $(BUILD)/tests/bench/fleet/fleet
$(fleet): $(call objects,$(wildcard tests/bench/fleet/*.c)) $(test_libraries)
	$(call say,LINK,$@)
	$(Q)$(link)
bench-fleet: all $(fleet)
	@BUILD='$(BUILD)' FLEET_GATES='$(FLEET_GATES)' FLEET_CHANGES='$(FLEET_CHANGES)' $(fleet)
.PHONY: build-tests check bench bench-light bench-fleet

# --- chaos: real programs, whose network, disks, clocks and power fail; HACKING.md says more ---------------------------
chaos_tools := $(patsubst %,$(BUILD)/tests/chaos/%,checker power replayer)
chaos_shim := $(BUILD)/tests/chaos/shim.so
chaos_shared := $(call objects,$(patsubst %,tests/chaos/%.c,disk reader truth witness))
$(chaos_tools): $(BUILD)/%: $(BUILD)/%.o $(chaos_shared) $(test_libraries)
	$(call say,LINK,$@)
	$(Q)$(link)
$(chaos_shim): $(wildcard tests/chaos/shim*.c tests/chaos/shim*.h) Makefile
	@mkdir -p $(@D)
	$(call say,LINK,$@)
	$(if $(SAN),$(error chaos preloads a library, as the sanitizers do: it goes without SAN=1))
	$(Q)$(CC) -D_GNU_SOURCE -Itests -std=gnu11 -O2 -g $(WARNINGS) -fPIC -fvisibility=hidden -shared -o $@ $(filter %.c,$^) -ldl -lpthread
build-chaos: all $(chaos_tools) $(chaos_shim) $(BUILD)/tests/system/fault_proxy
chaos: build-chaos
	@BUILD='$(BUILD)' tests/chaos/run
chaos-mutants: build-chaos
	@BUILD='$(BUILD)' tests/chaos/mutate $(MUTANTS)
chaos-short: build-chaos
	@BUILD='$(BUILD)' CHAOS_SEED='$(or $(CHAOS_SEED),1)' CHAOS_ROUNDS='$(or $(CHAOS_ROUNDS),20)' CHAOS_PEOPLE=2000 \
	  tests/chaos/run
	@BUILD='$(BUILD)' tests/chaos/mutate door-before-journal
.PHONY: build-chaos chaos chaos-mutants chaos-short

# --- fuzz: every tests/fuzz/fuzz_*.c is a libFuzzer target over base, crypto, code and list; FUZZ_S seconds each ---
FUZZ_S ?= 60
fuzz_targets := $(patsubst %.c,$(BUILD)/%,$(wildcard tests/fuzz/fuzz_*.c))
$(fuzz_targets): $(BUILD)/%: $(BUILD)/%.o $(foreach room,base crypto code list,$(call library,$(room)))
	$(call say,LINK,$@)
	$(Q)$(link)
$(BUILD)/tests/fuzz/fuzz_framing: $(call objects,src/gate/framing.c src/gate/keymap.c)
build-fuzz: $(fuzz_targets)
fuzz:
	@+$(MAKE) --no-print-directory -j$$(nproc) FUZZ=1 CC=clang build-fuzz
	@FUZZ_S='$(FUZZ_S)' tests/fuzz/run build/fuzz $(TARGETS)
.PHONY: build-fuzz fuzz

# --- board: the installed gate on an emulated Raspberry Pi; HACKING.md says more ---
BOARD_SUITE ?= bookworm
BOARD_MACHINES ?= raspi3b virt
board_packages := build/deb/$(BOARD_SUITE)-arm64
$(board_packages)/made: $(wildcard src/*/*.[ch] src/*/*/* include/*/*.h debian/* systemd/* docs/* docs/man/*) VERSION Makefile
	@SUITE='$(BOARD_SUITE)' ARCH=arm64 scripts/make-deb
	@touch $@
check-board:
	@scripts/install-deps build board
	@+$(MAKE) --no-print-directory all $(board_packages)/made
	@card=$$(SUITE='$(BOARD_SUITE)' tests/board/guest $(foreach name,gatehouse-gate gatehouse gatehouse-sounds,$(board_packages)/$(name)_*.deb)) && \
	  for machine in $(BOARD_MACHINES); do \
	  BUILD='$(BUILD)' tests/board/run --machine $$machine "$$card" $(BOARD_TESTS) || exit 1; done
.PHONY: check-board

# --- for people: these install what is missing first -------------------------------------------------------------
deps:
	@scripts/install-deps build
deps-lint:
	@scripts/install-deps build lint
test: deps
	@+$(MAKE) --no-print-directory -j$$(nproc) build-tests
	@+$(MAKE) --no-print-directory check
demo: deps
	@+$(MAKE) --no-print-directory -j$$(nproc) all
	@BUILD='$(BUILD)' KEEP='$(KEEP)' scripts/demo
.PHONY: deps deps-lint test demo

# --- manual: the pages about configuration files are made from the sample files -----------------------------------------
ini_pages := $(patsubst %,$(BUILD)/man/gatehouse-%.ini.5,gate server)
$(ini_pages): $(BUILD)/man/gatehouse-%.ini.5: docs/gatehouse-%.ini scripts/ini-man
	@mkdir -p $(@D)
	$(call say,MAN,$@)
	$(Q)SOURCE_DATE_EPOCH='$(SOURCE_DATE_EPOCH)' scripts/ini-man gatehouse-$* /etc/gatehouse/$*.ini $< >$@

# --- packages: for this machine's suite and architecture, or in a fresh root for another (SUITE=trixie ARCH=arm64) ------
deb:
	@SUITE='$(SUITE)' ARCH='$(ARCH)' scripts/make-deb
# Installed, upgraded, removed and purged in fresh roots; HACKING.md says more.
check-packages:
	@scripts/install-deps packages
	@SUITE='$(SUITE)' ARCH='$(ARCH)' BUILT='$(BUILT)' tests/packages/run
.PHONY: deb check-packages

# --- lint: each part can fail. cppcheck knows neither the cleanup attribute nor that readdir is safe on its own stream ---
C_FILES := $(wildcard include/*/*.h src/*/*.[ch] tests/*/*.[ch] tests/bench/*/*.[ch] tests/fakes/*/*.[ch])
SH_FILES := .ci/run tests/run tests/board/guest tests/board/root/usr/local/sbin/board-agent tests/fuzz/run tests/chaos/run tests/chaos/mutate tests/bench/light.sh $(wildcard scripts/* tests/system/*.sh tests/packages/*) src/cli/completion/gatehouse.bash
lint: $(ini_pages)
	$(call say,LINT,clang-format)
	$(Q)clang-format --dry-run -Werror $(C_FILES)
	$(call say,LINT,cppcheck)
	$(Q)cppcheck --quiet --error-exitcode=1 --inline-suppr --std=c11 --enable=warning,portability,performance \
	  --suppress=missingIncludeSystem --suppress=resourceLeak --suppress=readdirCalled -D_GNU_SOURCE -D__linux__ -Iinclude -Isrc --library=posix -j2 src
	$(call say,LINT,clang-tidy)
	$(Q)printf '%s\n' $(foreach room,$(ROOMS),$(call sources,$(room)) $(wildcard src/$(room)/main.c)) | \
	  xargs -P$$(nproc) -I{} clang-tidy --quiet {} -- \
	  $(CPPFLAGS) $(PACKAGE_CFLAGS) -std=gnu11 -DGH_BUILD_TIME_S=0 2>/dev/null
	$(call say,LINT,shellcheck)
	$(Q)shellcheck $(SH_FILES)
	$(call say,LINT,mandoc)
	$(Q)mandoc -Tlint -W warning $(wildcard docs/man/*) $(ini_pages)
format:
	clang-format -i $(C_FILES)
.PHONY: lint format

# --- install: each program with what belongs to it. What lies in systemd/ belongs to the program whose name is in its ---
# --- file's name; @PREFIX@ in it is the prefix. Packagers set DESTDIR and the folders. ---------------------------------
UNITDIR ?= $(PREFIX)/lib/systemd/system
SYSUSERSDIR ?= $(PREFIX)/lib/sysusers.d
TMPFILESDIR ?= $(PREFIX)/lib/tmpfiles.d
UDEVDIR ?= $(PREFIX)/lib/udev/rules.d
DOCDIR ?= $(PREFIX)/share/doc/gatehouse
MANDIR ?= $(PREFIX)/share/man
BASHDIR ?= $(PREFIX)/share/bash-completion/completions
ZSHDIR ?= $(PREFIX)/share/zsh/site-functions
FISHDIR ?= $(PREFIX)/share/fish/vendor_completions.d
# $(call put,FILES,FOLDER[,MODE]), $(call system,PROGRAM), $(call pages,FILES)
put = $(if $(strip $(1)),install -d $(DESTDIR)$(2) && install -m $(or $(3),0644) $(1) $(DESTDIR)$(2)/)
system = scripts/install-system $(1) '$(PREFIX)' '$(DESTDIR)$(UNITDIR)' '$(DESTDIR)$(SYSUSERSDIR)' '$(DESTDIR)$(TMPFILESDIR)' \
  '$(DESTDIR)$(UDEVDIR)'
define pages
$(foreach section,1 5 8,$(if $(filter %.$(section),$(1)),
	$(call put,$(filter %.$(section),$(1)),$(MANDIR)/man$(section))))
endef
gate_pages := $(wildcard docs/man/gatehouse-gate*) $(filter %-gate.ini.5,$(ini_pages))
server_pages := $(wildcard docs/man/gatehouse-server*) $(filter %-server.ini.5,$(ini_pages))
tool_pages := $(filter-out $(gate_pages) $(server_pages),$(wildcard docs/man/*))

install: install-gate install-server install-tool install-sounds
install-gate: $(BUILD)/gatehouse-gate $(gate_pages)
	$(call put,$<,$(PREFIX)/sbin,0755)
	$(call system,gatehouse-gate)
	$(call put,docs/gatehouse-gate.ini $(wildcard systemd/gatehouse-gate*.conf),$(DOCDIR))
	$(call pages,$(gate_pages))
install-server: $(BUILD)/gatehouse-server $(server_pages)
	$(call put,$<,$(PREFIX)/sbin,0755)
	$(call system,gatehouse-server)
	$(call put,docs/gatehouse-server.ini docs/openapi.yaml $(wildcard systemd/gatehouse-server*.conf),$(DOCDIR))
	$(call pages,$(server_pages))
install-tool: $(BUILD)/gatehouse
	$(call put,$<,$(PREFIX)/bin,0755)
	$(call put,README.md CHANGELOG.md LICENSE $(wildcard docs/*.md) examples/people.csv,$(DOCDIR))
	$(call pages,$(tool_pages))
	$(call put,src/cli/completion/_gatehouse,$(ZSHDIR))
	$(call put,src/cli/completion/gatehouse.fish,$(FISHDIR))
	install -d $(DESTDIR)$(BASHDIR) && install -m 0644 src/cli/completion/gatehouse.bash $(DESTDIR)$(BASHDIR)/gatehouse
install-sounds: prompts
	for language in $(prompt_languages); do \
	  $(call put,$(BUILD)/sounds/$$language/*.wav,$(PREFIX)/share/gatehouse/sounds/$$language) || exit 1; done
clean:
	rm -rf build
.PHONY: install install-gate install-server install-tool install-sounds clean

-include $(shell find $(BUILD) -name '*.d' 2>/dev/null)
