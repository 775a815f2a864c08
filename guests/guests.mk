# SPDX-License-Identifier: Apache-2.0
# The programs that run in partitions: the SDK as an archive, and what links it.
#
#   make guests     $(BUILD)/guests/{sensor,rogue,legacy,legacy64,probe,probe32,selfcheck,selfcheck32,
#                   example,example32,dma,dma32}.elf, sensor.bin, probe32.bin
#   (bench.elf, bench32.elf, boot.elf and idle.elf are made for `make bench` alone)
#   make program SOURCES='a.c b.c' OUTPUT=my.elf [WIDTH=32]    another one, from anywhere
#
# 32-bit code is built by aarch32.mk (on the SDK) and probe32/probe32.mk (without).
#
# Included by the top Makefile. Needs BUILD, CROSS_COMPILE, NEWLIB_INCLUDE, NEWLIB_LIB,
# LIBFDT_INCLUDE, LIBFDT_ARM64 and the stamps SETUP_BUILD and SETUP_NEWLIB of mk/setup.mk.
# GUEST_CC=clang compiles with clang; the link stays with the cross compiler.

guest_out := $(BUILD)/guests
guest_link := $(CROSS_COMPILE)gcc

ifeq ($(GUEST_CC),)
GUEST_CC := $(CROSS_COMPILE)gcc
endif

# newlib's headers, not the C library's of the compiler; the compiler's own are wanted. Clang has
# an option for that, GCC wants them named.
ifneq ($(findstring clang,$(notdir $(GUEST_CC))),)
guest_target := --target=aarch64-linux-gnu
guest_no_libc := -nostdlibinc
else
guest_target :=
guest_no_libc = -nostdinc -isystem $(shell $(GUEST_CC) -print-file-name=include)
endif

guest_system_includes := -isystem $(NEWLIB_INCLUDE) -isystem $(LIBFDT_INCLUDE)
guest_warnings := -Wall -Wextra -Werror -Wconversion -Wshadow -Wstrict-prototypes \
  -Wmissing-prototypes -Wcast-qual -Wundef -Wvla -Wformat=2 -Wswitch-enum -Wwrite-strings
guest_codegen := -std=c11 -O2 -g -march=armv8-a -fno-pic -fno-pie -fno-stack-protector \
  -fno-common -fno-asynchronous-unwind-tables -ffunction-sections -fdata-sections \
  -mno-outline-atomics -ffile-prefix-map=$(CURDIR)=.
guest_cflags = $(guest_target) $(guest_warnings) $(guest_codegen) $(guest_no_libc) \
  $(guest_system_includes) -Iinclude -Iguests

# For the linters, which are clang's.
GUEST_C_SOURCES := $(sort $(filter-out guests/probe32/% %_aarch32.c,$(wildcard guests/*/*.c)))
GUEST_CPPFLAGS := -nostdlibinc $(guest_system_includes) -Iinclude -Iguests
GUEST_CFLAGS_CLANG := --target=aarch64-linux-gnu $(guest_warnings) $(guest_codegen)

guest_ldflags = -nostdlib -static -no-pie -Wl,--gc-sections -Wl,--build-id=none \
  -Wl,-z,max-page-size=4096 -Wl,-T,guests/sdk/partition.ld
guest_libs = $(guest_out)/sdk.a $(LIBFDT_ARM64) -L$(NEWLIB_LIB) -Wl,--start-group -lc -lm -lgcc \
  -Wl,--end-group

guest_sdk_sources := $(sort $(filter-out %_aarch32.c,$(wildcard guests/sdk/*.c)))
# Not in the archive: nothing but the linker script asks for _start.
guest_start_sources := guests/sdk/start_aarch64.S
guest_example_sources := guests/example/example.c
guest_dma_sources := guests/example/dma.c
# What several of them use; the archive of it gives each program what that calls.
guest_common_sources := $(sort $(wildcard guests/common/*.c))
# What the demo runs is the 32-bit build.
guest_legacy_sources := $(sort $(wildcard guests/legacy/*.c))
guest_selfcheck_sources := $(sort $(wildcard guests/selfcheck/*.c))
guest_sensor_sources := $(sort $(wildcard guests/sensor/*.c))
guest_rogue_sources := $(sort $(wildcard guests/rogue/*.c))
guest_probe_sources := $(sort $(wildcard guests/probe/*.[cS]))
# boot.S is a program of its own, without the SDK.
guest_bench_sources := $(sort $(filter-out guests/bench/boot.S guests/bench/idle.c %_aarch32.c, \
  $(wildcard guests/bench/*.[cS])))
guest_idle_sources := guests/bench/idle.c
guest_boot_sources := guests/bench/boot.S

guest_objects = $(patsubst guests/%,$(guest_out)/%.o,$(1))
guest_all_objects := $(call guest_objects,$(sort $(guest_sdk_sources) $(guest_start_sources) \
  $(guest_common_sources) $(guest_sensor_sources) $(guest_rogue_sources) $(guest_probe_sources) $(guest_example_sources) \
  $(guest_dma_sources) $(guest_legacy_sources) $(guest_selfcheck_sources) $(guest_bench_sources) $(guest_boot_sources) \
  $(guest_idle_sources)))

.PHONY: guests
guests: $(guest_out)/sensor.elf $(guest_out)/sensor.bin $(guest_out)/probe.elf \
        $(guest_out)/rogue.elf $(guest_out)/example.elf $(guest_out)/dma.elf $(guest_out)/legacy64.elf \
        $(guest_out)/selfcheck.elf

$(guest_all_objects): $(guest_out)/%.o: guests/% guests/guests.mk | $(SETUP_BUILD) $(SETUP_NEWLIB)
	@mkdir -p $(@D)
	$(Q)$(GUEST_CC) $(guest_cflags) -MMD -MP -c $< -o $@

# Removed first: ar would keep the members of sources that are gone.
$(guest_out)/common.a: $(call guest_objects,$(guest_common_sources))
$(guest_out)/sdk.a: $(call guest_objects,$(guest_sdk_sources))
$(guest_out)/common.a $(guest_out)/sdk.a:
	@rm -f $@
	$(Q)$(CROSS_COMPILE)ar rcs $@ $^

$(guest_out)/sensor.elf: $(call guest_objects,$(guest_start_sources) $(guest_sensor_sources))
$(guest_out)/rogue.elf: $(call guest_objects,$(guest_start_sources) $(guest_rogue_sources))
$(guest_out)/probe.elf: $(call guest_objects,$(guest_start_sources) $(guest_probe_sources))
$(guest_out)/bench.elf: $(call guest_objects,$(guest_start_sources) $(guest_bench_sources))
$(guest_out)/idle.elf: $(call guest_objects,$(guest_start_sources) $(guest_idle_sources))
$(guest_out)/example.elf: $(call guest_objects,$(guest_start_sources) $(guest_example_sources))
$(guest_out)/dma.elf: $(call guest_objects,$(guest_start_sources) $(guest_dma_sources))
$(guest_out)/legacy64.elf: $(call guest_objects,$(guest_start_sources) $(guest_legacy_sources))
$(guest_out)/selfcheck.elf: $(call guest_objects,$(guest_start_sources) $(guest_selfcheck_sources))
guest_programs := $(addprefix $(guest_out)/,sensor.elf rogue.elf probe.elf bench.elf example.elf dma.elf legacy64.elf \
                    selfcheck.elf idle.elf)
$(guest_programs): $(guest_out)/common.a $(guest_out)/sdk.a guests/sdk/partition.ld
	$(Q)$(guest_link) $(guest_ldflags) $(filter %.o,$^) $(guest_out)/common.a $(guest_libs) -o $@

$(guest_out)/boot.elf: $(call guest_objects,$(guest_boot_sources))
	$(Q)$(guest_link) -nostdlib -static -no-pie -Wl,-n -Wl,-Ttext=0x40000000 -Wl,--build-id=none \
	    -Wl,-z,max-page-size=4096 $^ -o $@

$(guest_out)/%.bin: $(guest_out)/%.elf
	$(Q)$(CROSS_COMPILE)objcopy -O binary $< $@

include guests/aarch32.mk
include guests/probe32/probe32.mk

# ---- A program from elsewhere ---------------------------------------------------------------------
WIDTH ?= 64
program_needs_64 := $(call guest_objects,$(guest_start_sources)) $(guest_out)/sdk.a
program_compile_64 = $(GUEST_CC) $(guest_cflags)
program_link_64 = $(guest_link) $(guest_ldflags)
program_libs_64 = $(guest_libs)
program_object = $(guest_out)/program/$(WIDTH)/$(subst /,_,$(1)).o
define program_compile
$(Q)$(program_compile_$(WIDTH)) -c $(1) -o $(call program_object,$(1))

endef

.PHONY: program
program: $(program_needs_$(WIDTH)) guests/sdk/partition.ld
	$(if $(program_needs_$(WIDTH)),,$(error WIDTH=$(WIDTH): write 64 or 32))
	$(if $(and $(SOURCES),$(OUTPUT)),,$(error write SOURCES='a.c b.c' OUTPUT=my.elf))
	@mkdir -p $(guest_out)/program/$(WIDTH)
	$(foreach source,$(SOURCES),$(call program_compile,$(source)))
	$(Q)$(program_link_$(WIDTH)) $(filter %.o,$^) $(foreach source,$(SOURCES),$(call \
	    program_object,$(source))) $(program_libs_$(WIDTH)) -o $(OUTPUT)

-include $(guest_all_objects:.o=.d)
