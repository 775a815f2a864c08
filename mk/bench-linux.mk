# SPDX-License-Identifier: Apache-2.0
# The same figures of a Linux on the same machine, beside ours.
#
#   make bench-linux   table on the console, $(BUILD)/bench/linux.json
#   make bench-docs    docs/numbers.md: what `make bench` prints, and this
#
# Included behind mk/bench.mk. The kernel is Debian's (SETUP_LINUX), its only program is built here, on
# the C library of the guests.

linux_out := $(BUILD)/bench/linux
linux_include := -Iguests -Iinclude -Itests/bench/linux
linux_sources := $(sort $(wildcard tests/bench/linux/*.[cS])) guests/bench/rows.c
linux_objects := $(patsubst %,$(linux_out)/%.o,$(linux_sources))

# For the linters, which are clang's. rows.c is in the set of the guests.
LINUX_C_SOURCES := $(sort $(wildcard tests/bench/linux/*.c))
LINUX_CPPFLAGS := -nostdlibinc $(guest_system_includes) $(linux_include)
LINUX_CFLAGS_CLANG := --target=aarch64-linux-gnu $(guest_warnings) $(guest_codegen)

$(linux_objects): $(linux_out)/%.o: % mk/bench-linux.mk guests/guests.mk | $(SETUP_BUILD) $(SETUP_NEWLIB)
	@mkdir -p $(@D)
	$(Q)$(GUEST_CC) $(guest_cflags) $(linux_include) -MMD -MP -c $< -o $@

$(linux_out)/init: $(linux_objects)
	$(Q)$(guest_link) -nostdlib -static -no-pie -Wl,--gc-sections -Wl,--build-id=none \
	    $(linux_objects) -L$(NEWLIB_LIB) -Wl,--start-group -lc -lgcc -Wl,--end-group -o $@

# The modules are as new as the stamp of their set-up.
$(linux_out)/initramfs.cpio: $(linux_out)/init tests/bench/initramfs.py $(SETUP_LINUX)
	$(Q)$(PYTHON) tests/bench/initramfs.py --output $@ dev/ sys/ init=$< modules/ \
	    modules/order=$(LINUX_MODULES)/order $$(sed 's|.*|modules/&=$(LINUX_MODULES)/&|' $(LINUX_MODULES)/order)

bench_linux_run = QEMU='$(QEMU)' $(PYTHON) tests/bench/bench_linux.py --board tests/system/machine \
  --image $(IMAGE_DIR)/bulkhead.img --folder $(bench_out) --kernel $(LINUX_KERNEL) \
  --initramfs $(linux_out)/initramfs.cpio
bench_linux_needs := $(IMAGE_DIR)/bulkhead.img $(bench_out)/bench.bundle $(bench_out)/boot.bundle \
  $(linux_out)/initramfs.cpio

.PHONY: bench-linux bench-docs
bench-linux: $(bench_linux_needs) | $(SETUP_QEMU)
	$(Q)$(bench_linux_run)

bench-docs: $(bench_linux_needs) $(bench_bundles) | $(SETUP_QEMU)
	$(Q)$(bench_run) --markdown docs/numbers.md
	$(Q)$(bench_linux_run) --append docs/numbers.md

-include $(linux_objects:.o=.d)
