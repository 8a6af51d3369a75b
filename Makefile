# SPDX-License-Identifier: Apache-2.0
# caisson: `make help` lists the targets.

PREFIX  ?= /usr/local
DESTDIR ?=
CC      ?= cc
CLANG   ?= clang
V       ?= 0

ifeq ($(origin CC),default)
CC := gcc
endif

VERSION := 0.1.0
COMMIT  := $(shell git describe --always --dirty --abbrev=12 2>/dev/null || echo unknown)

ifeq ($(SANITIZE),1)
BUILD ?= build/sanitize
else
BUILD ?= build
endif

ifeq ($(V),0)
Q := @
say = @printf '  %-7s %s\n' $(1) $(2)
else
Q :=
say = @:
endif

# --- what is compiled ---------------------------------------------------------------

FOLDERS  := base oci-spec cgroups seccomp vm-sandbox runtime/launch runtime
SOURCES  := $(sort $(foreach d,$(FOLDERS),$(wildcard $(d)/*.c $(d)/*.S)))
OBJECTS  := $(patsubst %,$(BUILD)/obj/%.o,$(SOURCES))
LIBRARY  := $(patsubst %,$(BUILD)/host/%.o,$(filter-out runtime/main.c,$(SOURCES)))
INIT_SRC := $(sort $(wildcard runtime/launch/init/*.c runtime/launch/init/*.S)) \
            runtime/launch/plan_check.c
INIT_OBJ := $(patsubst %,$(BUILD)/init/%.o,$(INIT_SRC))
# The microVM's tests and fuzzers are linked with all of it, and nothing else but base.
VM_SOURCES := $(sort $(wildcard base/*.c base/*.S vm-sandbox/*.c))
VM_LIBRARY := $(patsubst %,$(BUILD)/host/%.o,$(VM_SOURCES))
# The guest's first process, of the launcher's and the cgroups' code; what it does not call is
# left out when it is linked.
GUEST_SRC := $(sort $(wildcard base/*.c base/*.S cgroups/*.c runtime/launch/*.c runtime/launch/*.S \
            vm-sandbox/guest/*.c)) vm-sandbox/channel.c vm-sandbox/protocol.c
GUEST_OBJ := $(patsubst %,$(BUILD)/guest/%.o,$(GUEST_SRC))
HEADERS  := $(sort $(wildcard */*.h */*/*.h */*/*/*.h))
UNITS    := $(patsubst tests/unit/%.c,$(BUILD)/tests/%,$(sort $(wildcard tests/unit/test_*.c)))
FUZZERS  := $(patsubst tests/fuzz/%.c,build/fuzz/%,$(sort $(wildcard tests/fuzz/fuzz_*.c)))
TOOLS    := $(patsubst tests/faults/%.c,build/tests/%,$(sort $(wildcard tests/faults/*.c))) \
            $(patsubst tests/cli/%.c,build/tests/%,$(sort $(wildcard tests/cli/*.c))) \
            $(patsubst tests/races/%.c,build/tests/%,$(sort $(wildcard tests/races/*.c)))
BENCHES  := $(patsubst bench/%.c,build/bench/%,$(sort $(wildcard bench/*.c)))

# --- flags ----------------------------------------------------------------------------

WARN := -Wall -Wextra -Wshadow -Wconversion -Wvla -Wformat=2 -Wmissing-prototypes \
        -Wstrict-prototypes -Wimplicit-fallthrough -Wcast-qual -Wcast-align -Werror
# Kept by both compilers; the second line is gcc's alone.
HARDEN := -fPIE -fstack-protector-strong -fstack-clash-protection -fcf-protection=full \
          -ftrivial-auto-var-init=zero -fno-strict-aliasing -fno-delete-null-pointer-checks -fwrapv
IS_CLANG := $(findstring clang,$(shell $(CC) --version 2>/dev/null))
ifeq ($(IS_CLANG),)
HARDEN += -fzero-call-used-regs=used-gpr -Wnull-dereference
else
HARDEN += -enable-trivial-auto-var-init-zero-knowing-it-will-be-removed-from-clang
endif
REPRODUCIBLE := -ffile-prefix-map=$(CURDIR)=.

CPPFLAGS += -I. -D_GNU_SOURCE -DCAISSON_VERSION='"$(VERSION)"' -DCAISSON_COMMIT='"$(COMMIT)"'
CFLAGS   ?= -O2 -g
ALL_CFLAGS := -std=gnu17 $(CFLAGS) $(WARN) $(HARDEN) $(REPRODUCIBLE)
ifeq ($(SANITIZE),1)
ALL_CFLAGS += -fsanitize=address,undefined -fno-sanitize-recover=all -fno-omit-frame-pointer
LDFLAGS    += -fsanitize=address,undefined
else
HOST_CPPFLAGS := -U_FORTIFY_SOURCE -D_FORTIFY_SOURCE=2
endif
ALL_LDFLAGS := -Wl,-z,relro,-z,now,-z,noexecstack,-z,separate-code $(LDFLAGS)
VM_LIBS := -l:libz.a -l:liblzma.a -l:libzstd.a
LIBS := -l:libseccomp.a $(VM_LIBS)
TEST_LIBS := -lcmocka -l:libyajl_s.a

# --- which libc -------------------------------------------------------------------------

# The program is linked against musl, statically: glibc's start alone would be a tenth of
# a container's (docs/architecture.md). musl has no _FORTIFY_SOURCE. The unit tests and
# the fuzzers use the compiler's own libc, as do sanitizers, which need it dynamic:
# objects for it are below $(BUILD)/host, and fortified. LIBC=host links the program
# against it, too.
ifeq ($(SANITIZE),1)
LIBC := host
else
LIBC ?= musl
endif

ifeq ($(LIBC),musl)
MUSL_LIB    := /usr/lib/x86_64-linux-musl
# The kernel's headers and the libraries' lie among glibc's: links lead to them alone.
MUSL_LINKS  := $(BUILD)/include
OBJ_CPPFLAGS := -nostdinc -isystem /usr/include/x86_64-linux-musl -isystem $(MUSL_LINKS) \
        -isystem $(shell $(CC) -print-file-name=include)
LINK_FIRST  := -static-pie -nostdlib -nostartfiles $(MUSL_LIB)/rcrt1.o $(MUSL_LIB)/crti.o \
        $(shell $(CC) -print-file-name=crtbeginS.o)
LINK_LAST   := $(MUSL_LIB)/libc.a -lgcc $(shell $(CC) -print-file-name=crtendS.o) \
        $(MUSL_LIB)/crtn.o
else
OBJ_CPPFLAGS := $(HOST_CPPFLAGS)
LINK_FIRST  := $(if $(filter 1,$(SANITIZE)),-pie,-static-pie)
endif

# caisson-init has no libc: no stack protector (it would need one), no sanitizer, and
# nothing may be relocated before it runs, so it is linked at a fixed address.
INIT_CFLAGS := -std=gnu17 -Os -g $(WARN) $(REPRODUCIBLE) -ffreestanding -fno-stack-protector \
        -fno-pic -fno-asynchronous-unwind-tables -fcf-protection=none -fno-strict-aliasing \
        -fwrapv -fno-builtin -ffunction-sections -fdata-sections -mno-sse -mno-mmx -mno-80387 -I.
GUEST_CFLAGS := $(ALL_CFLAGS) -Os -ffunction-sections -fdata-sections
INIT_LDFLAGS := -static -nostdlib -Wl,-z,noexecstack,-z,noseparate-code,--gc-sections \
        -Wl,--build-id=none

# --- targets ----------------------------------------------------------------------------

.DELETE_ON_ERROR:
.SUFFIXES:
.SECONDARY: $(LIBRARY) $(VM_LIBRARY)
.PHONY: all agent help run check check-plans check-unit check-cli check-vm check-long check-faults check-fuzz bench \
        lint fmt install uninstall deps clean init

all: $(BUILD)/caisson ## build build/caisson

help: ## list the targets
	@awk -F ':.*## ' '/^[a-z][a-z-]*:.*## /{printf "  %-12s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

# What only a debugger reads is beside it; a sanitizer reads it, too.
$(BUILD)/caisson: $(OBJECTS)
	$(call say,LINK,$@)
	$(Q)$(CC) $(ALL_CFLAGS) $(ALL_LDFLAGS) -o $@.debug $(LINK_FIRST) $(OBJECTS) $(LIBS) $(LINK_LAST)
ifeq ($(SANITIZE),1)
	$(Q)cp $@.debug $@
else
	$(Q)objcopy --strip-debug --add-gnu-debuglink=$@.debug $@.debug $@
endif

$(BUILD)/obj/%.c.o: %.c Makefile | $(MUSL_LINKS)
	$(call say,CC,$<)
	$(Q)mkdir -p $(@D) && $(CC) $(CPPFLAGS) $(OBJ_CPPFLAGS) $(ALL_CFLAGS) -MMD -MP -c -o $@ $<

# two rules: one pattern rule with two targets would be taken to make both at once
define assemble
$(call say,AS,$<)
$(Q)mkdir -p $(@D) && $(CC) $(CPPFLAGS) -DINIT_PATH='"$(BUILD)/caisson-init"' \
  -DAGENT_PATH='"$(BUILD)/caisson-agent.xz"' $(REPRODUCIBLE) -MMD -MP -c -o $@ $<
endef
$(BUILD)/obj/%.S.o: %.S Makefile
	$(assemble)
$(BUILD)/host/%.S.o: %.S Makefile
	$(assemble)

$(BUILD)/host/%.c.o: %.c Makefile
	$(call say,CC,"$< (for tests)")
	$(Q)mkdir -p $(@D) && $(CC) $(CPPFLAGS) $(HOST_CPPFLAGS) $(ALL_CFLAGS) -MMD -MP -c -o $@ $<

$(MUSL_LINKS): Makefile
	$(Q)rm -rf $@ $@.new && mkdir -p $@.new && ln -sf /usr/include/linux /usr/include/asm-generic \
	  /usr/include/x86_64-linux-gnu/asm /usr/include/video /usr/include/seccomp.h \
	  /usr/include/seccomp-syscalls.h /usr/include/zlib.h /usr/include/zconf.h \
	  /usr/include/lzma.h /usr/include/lzma /usr/include/zstd.h /usr/include/zstd_errors.h \
	  $@.new && mv -T $@.new $@

# the embedded init
$(BUILD)/guest/runtime/launch/init_image.S.o $(BUILD)/obj/runtime/launch/init_image.S.o $(BUILD)/host/runtime/launch/init_image.S.o: $(BUILD)/caisson-init

# and the embedded agent
$(BUILD)/obj/vm-sandbox/agent_image.S.o $(BUILD)/host/vm-sandbox/agent_image.S.o: $(BUILD)/caisson-agent.xz

$(BUILD)/caisson-agent.xz: $(BUILD)/caisson-agent
	$(Q)xz -T1 --x86 --lzma2=preset=9e,dict=256KiB,pb=0 --check=crc32 -c $< >$@.new && mv $@.new $@

init: $(BUILD)/caisson-init ## build only the embedded init

$(BUILD)/caisson-init: $(INIT_OBJ)
	$(call say,LINK,$@)
	$(Q)$(CC) $(INIT_CFLAGS) $(INIT_LDFLAGS) -o $@.debug $(INIT_OBJ)
	$(Q)objcopy --strip-all $@.debug $@

$(BUILD)/init/%.c.o: %.c Makefile
	$(call say,CC,"$< (init)")
	$(Q)mkdir -p $(@D) && $(CC) $(INIT_CFLAGS) -MMD -MP -c -o $@ $<

$(BUILD)/init/%.S.o: %.S Makefile
	$(call say,AS,"$< (init)")
	$(Q)mkdir -p $(@D) && $(CC) $(INIT_CFLAGS) -MMD -MP -c -o $@ $<

agent: $(BUILD)/caisson-agent ## build the first process of a microVM's guest

$(BUILD)/caisson-agent: $(GUEST_OBJ)
	$(call say,LINK,$@)
	$(Q)$(CC) $(GUEST_CFLAGS) $(ALL_LDFLAGS) -Wl,--gc-sections -o $@.debug $(LINK_FIRST) $(GUEST_OBJ) $(LINK_LAST)
	$(Q)objcopy --strip-all $@.debug $@

$(BUILD)/guest/%.c.o: %.c Makefile | $(MUSL_LINKS)
	$(call say,CC,"$< (guest)")
	$(Q)mkdir -p $(@D) && $(CC) $(CPPFLAGS) $(OBJ_CPPFLAGS) $(GUEST_CFLAGS) -MMD -MP -c -o $@ $<

$(BUILD)/guest/%.S.o: %.S Makefile
	$(call say,AS,"$< (guest)")
	$(Q)mkdir -p $(@D) && $(CC) $(CPPFLAGS) -DINIT_PATH='"$(BUILD)/caisson-init"' $(REPRODUCIBLE) -MMD -MP -c -o $@ $<

-include $(patsubst %.o,%.d,$(OBJECTS) $(GUEST_OBJ) $(LIBRARY) $(VM_LIBRARY) $(INIT_OBJ))

# --- tests --------------------------------------------------------------------------------

# Each unit test is one program over all modules; it may include a .c file to reach
# what is static there.
$(BUILD)/tests/test_%: tests/unit/test_%.c $(LIBRARY)
	$(call say,CC,$<)
	$(Q)mkdir -p $(@D) && $(CC) $(CPPFLAGS) $(HOST_CPPFLAGS) -DSOURCE_DIR='"$(CURDIR)"' $(filter-out -Wmissing-prototypes -Wcast-qual,$(ALL_CFLAGS)) \
	  -pie $(ALL_LDFLAGS) -MMD -MP -Wl,--allow-multiple-definition -o $@ $< $(LIBRARY) $(LIBS) $(TEST_LIBS)

# It has a table of commands of its own.
$(BUILD)/tests/test_cli_groups: LIBRARY := $(filter-out %/runtime/commands.c.o,$(LIBRARY))

# Those of the microVM, over its modules and base.
$(BUILD)/tests/test_vm_%: tests/unit/test_vm_%.c $(VM_LIBRARY)
	$(call say,CC,$<)
	$(Q)mkdir -p $(@D) && $(CC) $(CPPFLAGS) $(HOST_CPPFLAGS) -DSOURCE_DIR='"$(CURDIR)"' $(filter-out -Wmissing-prototypes -Wcast-qual,$(ALL_CFLAGS)) \
	  -pie $(ALL_LDFLAGS) -MMD -MP -Wl,--allow-multiple-definition -o $@ $< $(VM_LIBRARY) $(VM_LIBS) -lcmocka

# Those of the guest's agent run it, with plans that the compiler makes.
$(patsubst %,$(BUILD)/tests/test_vm_%,agent_run agent_group agent_hostile talk exec ops): $(BUILD)/tests/%: tests/unit/%.c \
  $(LIBRARY) $(BUILD)/caisson-agent
	$(call say,CC,$<)
	$(Q)mkdir -p $(@D) && $(CC) $(CPPFLAGS) $(HOST_CPPFLAGS) $(filter-out -Wmissing-prototypes -Wcast-qual,$(ALL_CFLAGS)) \
	  -pie $(ALL_LDFLAGS) -MMD -MP -o $@ $< $(LIBRARY) $(LIBS) -lcmocka

-include $(addsuffix .d,$(UNITS))

build/tests/%: tests/faults/%.c
	$(call say,CC,$<)
	$(Q)mkdir -p $(@D) && $(CC) -I. -D_GNU_SOURCE $(ALL_CFLAGS) -o $@ $<

# those that run in containers
build/tests/syscalls build/tests/calls: TOOL_FLAGS := -static -pthread
build/tests/session: TOOL_FLAGS := -static
build/tests/%: tests/cli/%.c
	$(call say,CC,$<)
	$(Q)mkdir -p $(@D) && $(CC) -I. -D_GNU_SOURCE $(ALL_CFLAGS) -o $@ $< $(TOOL_FLAGS)

build/tests/%: tests/races/%.c
	$(call say,CC,$<)
	$(Q)mkdir -p $(@D) && $(CC) -I. -D_GNU_SOURCE $(ALL_CFLAGS) -o $@ $<

# Both go into the test machine, which has no compiler and perhaps other libraries.
build/tests/microvm-boot: tests/microvm/boot.c $(VM_LIBRARY)
	$(call say,CC,$<)
	$(Q)mkdir -p $(@D) && $(CC) $(CPPFLAGS) $(ALL_CFLAGS) -static-pie -o $@ $< $(VM_LIBRARY) $(VM_LIBS)

build/tests/microvm-init: tests/microvm/init.c
	$(call say,CC,$<)
	$(Q)mkdir -p $(@D) && $(CC) $(CPPFLAGS) $(ALL_CFLAGS) -static -no-pie -o $@ $<

# A guest without a kernel: nothing but its own instructions
build/tests/microvm-hostile: tests/microvm/hostile.c
	$(call say,CC,$<)
	$(Q)mkdir -p $(@D) && $(CC) -std=gnu17 -O2 $(WARN) -ffreestanding -fno-pie -fno-stack-protector -fcf-protection=none \
		-mno-red-zone -mgeneral-regs-only -mcmodel=large -nostdlib -static -no-pie -Wl,-Ttext-segment=0x1000000 \
		-Wl,--build-id=none -Wl,-z,noexecstack -o $@ $<

# over the modules, and without libraries, for the test machine
build/bench/cgroup: bench/cgroup.c $(LIBRARY)
	$(call say,CC,$<)
	$(Q)mkdir -p $(@D) && $(CC) $(CPPFLAGS) $(ALL_CFLAGS) -static-pie -o $@ $< $(LIBRARY) $(LIBS)

build/bench/loop build/bench/first: TOOL_FLAGS := -static
build/bench/%: bench/%.c $(HEADERS)
	$(call say,CC,$<)
	$(Q)mkdir -p $(@D) && $(CC) -I. -D_GNU_SOURCE $(ALL_CFLAGS) -o $@ $< $(TOOL_FLAGS) $(LIBS)

# Fuzzers are clang's; they have the modules with coverage and sanitizers.
FUZZ_FLAGS := -std=gnu17 -O1 -g -fsanitize=fuzzer,address,undefined -fno-sanitize-recover=all
FUZZ_CC     = $(CLANG) $(CPPFLAGS) -U_FORTIFY_SOURCE -DINIT_PATH='"$(BUILD)/caisson-init"' \
  -DAGENT_PATH='"$(BUILD)/caisson-agent.xz"' $(FUZZ_FLAGS)
# The agent's own files, but for those that would change the machine: they are played.
FUZZ_AGENT := $(patsubst %,vm-sandbox/guest/%.c,request process talk stdio reap) $(wildcard base/*.c base/*.S) \
  vm-sandbox/channel.c vm-sandbox/protocol.c runtime/launch/plan_check.c
fuzz_objects = $(patsubst %,build/fuzz/obj/%.o,$(filter-out runtime/main.c,$(1)))

build/fuzz/obj/%.c.o: %.c Makefile
	$(call say,CC,"$< (for fuzzers)")
	$(Q)mkdir -p $(@D) && $(FUZZ_CC) -MMD -MP -c -o $@ $<
build/fuzz/obj/%.S.o: %.S Makefile $(BUILD)/caisson-init $(BUILD)/caisson-agent.xz
	$(call say,AS,"$< (for fuzzers)")
	$(Q)mkdir -p $(@D) && $(FUZZ_CC) -MMD -MP -c -o $@ $<

build/fuzz/fuzz_%: tests/fuzz/fuzz_%.c $(call fuzz_objects,$(SOURCES))
	$(call say,FUZZ,$<)
	$(Q)$(FUZZ_CC) -o $@ $^ $(LIBS) -l:libyajl_s.a
build/fuzz/fuzz_vm_%: tests/fuzz/fuzz_vm_%.c $(call fuzz_objects,$(VM_SOURCES))
	$(call say,FUZZ,$<)
	$(Q)$(FUZZ_CC) -o $@ $^ $(VM_LIBS)
build/fuzz/fuzz_vm_agent: tests/fuzz/fuzz_vm_agent.c $(call fuzz_objects,$(FUZZ_AGENT))
	$(call say,FUZZ,$<)
	$(Q)$(FUZZ_CC) -o $@ $^
.SECONDARY: $(call fuzz_objects,$(SOURCES) $(VM_SOURCES) $(FUZZ_AGENT))
-include $(patsubst %.o,%.d,$(call fuzz_objects,$(sort $(SOURCES) $(VM_SOURCES) $(FUZZ_AGENT))))

clean: ## remove everything that was built
	rm -rf build

include tests/tests.mk
