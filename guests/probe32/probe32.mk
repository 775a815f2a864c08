# SPDX-License-Identifier: Apache-2.0
# The payload of the system tests for AArch32 partitions: probe32.elf, without a C library, and the
# same as a flat binary.
#
# Included by guests/guests.mk.

probe32_out := $(BUILD)/guests/probe32
probe32_sources := $(sort $(wildcard guests/probe32/*.[cS]))
probe32_objects := $(patsubst guests/probe32/%,$(probe32_out)/%.o,$(probe32_sources))
# MMU and caches are off: all memory is Device, on which unaligned accesses fault.
probe32_codegen := -std=c11 -O2 -g -ffreestanding -fno-common -ffunction-sections -fdata-sections \
  -fno-stack-protector -ffile-prefix-map=$(CURDIR)=.
probe32_cpu := -mcpu=cortex-a15 -marm -mfloat-abi=soft -mno-unaligned-access

# For the linters, which are clang's.
PROBE32_C_SOURCES := $(filter %.c,$(probe32_sources))
PROBE32_FLAGS_CLANG := --target=arm-none-eabi -march=armv7-a $(guest_warnings) $(probe32_codegen) \
  -Iinclude -Iguests

$(probe32_objects): $(probe32_out)/%.o: guests/probe32/% guests/probe32/probe32.mk | $(SETUP_AARCH32)
	@mkdir -p $(@D)
	$(Q)$(CROSS_COMPILE_32)gcc $(guest_warnings) $(probe32_codegen) $(probe32_cpu) -Iinclude -Iguests \
	    -MMD -MP -c $< -o $@

$(guest_out)/probe32.elf: $(probe32_objects) guests/probe32/probe32.ld
	$(Q)$(CROSS_COMPILE_32)gcc $(probe32_cpu) -nostdlib -static -Wl,--gc-sections -Wl,--build-id=none \
	    -Wl,--no-warn-rwx-segments -Wl,-T,guests/probe32/probe32.ld $(probe32_objects) -lgcc -o $@

$(guest_out)/probe32.bin: $(guest_out)/probe32.elf
	$(Q)$(CROSS_COMPILE_32)objcopy -O binary $< $@

guests: $(guest_out)/probe32.elf $(guest_out)/probe32.bin

-include $(probe32_objects:.o=.d)
