# SPDX-License-Identifier: Apache-2.0
# 32-bit programs on the SDK, from the same sources as 64-bit ones but for the files *_aarch32.*.
#
#   make guests     $(BUILD)/guests/{legacy,selfcheck32,example32,dma32}.elf
#
# Included by guests/guests.mk. Needs CROSS_COMPILE_32, LIBFDT_ARM32 and the stamp SETUP_AARCH32 of
# mk/setup.mk. The C library is the compiler's own, Debian's newlib for arm-none-eabi.

guest32_out := $(BUILD)/guests/aarch32
guest32_link := $(CROSS_COMPILE_32)gcc
# Armv7-A with floating-point registers, as Debian's libfdt for armhf is compiled.
guest32_cpu := -march=armv7-a+fp -mfloat-abi=hard -mthumb
guest32_codegen := -std=c11 -O2 -g -fno-stack-protector -fno-common \
  -fno-asynchronous-unwind-tables -ffunction-sections -fdata-sections -ffile-prefix-map=$(CURDIR)=.

# Where the compiler has its C library's headers; asked once, and not before it is there. They come
# first: Debian's compiler has a <stdint.h> of its own that <inttypes.h> of newlib does not know.
guest32_newlib = $(eval guest32_newlib := $(patsubst %/newlib.h,%,$(filter %/newlib.h, \
  $(shell $(CROSS_COMPILE_32)gcc -M -include newlib.h -x c /dev/null))))$(guest32_newlib)
guest32_cppflags = -isystem $(guest32_newlib) -isystem $(LIBFDT_INCLUDE) -Iinclude -Iguests
guest32_cflags = $(guest_warnings) $(guest32_codegen) $(guest32_cpu) $(guest32_cppflags)

# For the linters, which are clang's: what is built for both widths is read in both.
GUEST32_C_SOURCES = $(sort $(guest32_sdk_sources) $(guest32_program_sources))
GUEST32_CPPFLAGS = -nostdlibinc $(guest32_cppflags)
GUEST32_CFLAGS_CLANG := --target=arm-none-eabi -march=armv7-a -mfpu=vfpv3-d16 -mfloat-abi=hard \
  $(guest_warnings) $(guest32_codegen)

# The size of an enumeration is int in libfdt and the smallest in newlib; neither passes one on.
guest32_ldflags := $(guest32_cpu) -nostdlib -static -Wl,--gc-sections -Wl,--build-id=none \
  -Wl,-z,noexecstack -Wl,-z,max-page-size=4096 -Wl,--no-enum-size-warning -Wl,-T,guests/sdk/partition.ld
guest32_libs := $(guest_out)/sdk32.a $(LIBFDT_ARM32) -Wl,--start-group -lc -lm -lgcc -Wl,--end-group

guest32_sdk_sources := $(sort $(filter-out %_aarch64.c,$(wildcard guests/sdk/*.c)))
guest32_start_sources := guests/sdk/start_aarch32.S
guest32_bench_sources := $(addprefix guests/bench/,bench_aarch32.c calls.c entry.c report.c rows.c)
guest32_program_sources := $(guest_common_sources) $(guest_example_sources) $(guest_dma_sources) \
  $(guest_legacy_sources) $(guest_selfcheck_sources) $(guest32_bench_sources)

guest32_objects = $(patsubst guests/%,$(guest32_out)/%.o,$(1))
guest32_all_objects := $(call guest32_objects,$(sort $(guest32_sdk_sources) $(guest32_start_sources) \
  $(guest32_program_sources)))

$(guest32_all_objects): $(guest32_out)/%.o: guests/% guests/guests.mk guests/aarch32.mk | $(SETUP_AARCH32)
	@mkdir -p $(@D)
	$(Q)$(CROSS_COMPILE_32)gcc $(guest32_cflags) -MMD -MP -c $< -o $@

$(guest_out)/common32.a: $(call guest32_objects,$(guest_common_sources))
$(guest_out)/sdk32.a: $(call guest32_objects,$(guest32_sdk_sources))
$(guest_out)/common32.a $(guest_out)/sdk32.a:
	@rm -f $@
	$(Q)$(CROSS_COMPILE_32)ar rcs $@ $^

$(guest_out)/example32.elf: $(call guest32_objects,$(guest32_start_sources) $(guest_example_sources))
$(guest_out)/dma32.elf: $(call guest32_objects,$(guest32_start_sources) $(guest_dma_sources))
$(guest_out)/legacy.elf: $(call guest32_objects,$(guest32_start_sources) $(guest_legacy_sources))
$(guest_out)/selfcheck32.elf: $(call guest32_objects,$(guest32_start_sources) $(guest_selfcheck_sources))
$(guest_out)/bench32.elf: $(call guest32_objects,$(guest32_start_sources) $(guest32_bench_sources))
guest32_programs := $(addprefix $(guest_out)/,example32.elf dma32.elf legacy.elf selfcheck32.elf)
$(guest32_programs) $(guest_out)/bench32.elf: $(guest_out)/common32.a $(guest_out)/sdk32.a guests/sdk/partition.ld
	$(Q)$(guest32_link) $(guest32_ldflags) $(filter %.o,$^) $(guest_out)/common32.a $(guest32_libs) -o $@

guests: $(guest32_programs)

# For `make program WIDTH=32` (guests.mk).
program_needs_32 := $(call guest32_objects,$(guest32_start_sources)) $(guest_out)/sdk32.a
program_compile_32 = $(CROSS_COMPILE_32)gcc $(guest32_cflags)
program_link_32 = $(guest32_link) $(guest32_ldflags)
program_libs_32 = $(guest32_libs)

-include $(guest32_all_objects:.o=.d)
