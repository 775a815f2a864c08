# SPDX-License-Identifier: Apache-2.0
# The loader of the boot-window test: leaves the SMMU on, then enters the image at LOADER_NEXT.
# Included by the Makefile; needs BUILD and CROSS_COMPILE.

LOADER_SOURCE := tests/system/loader/loader.S
LOADER_NEXT := 0x44000000

$(BUILD)/tests/loader.elf: $(LOADER_SOURCE) tests/system/loader.mk
	@mkdir -p $(@D)
	$(Q)$(CROSS_COMPILE)gcc -nostdlib -static -no-pie -Wl,-Ttext=0,--build-id=none -z noexecstack \
		-DNEXT=$(LOADER_NEXT) -o $@ $<

$(BUILD)/tests/loader.bin: $(BUILD)/tests/loader.elf
	$(Q)$(CROSS_COMPILE)objcopy -O binary $< $@
