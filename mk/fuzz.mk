# SPDX-License-Identifier: Apache-2.0
# Fuzzing under libFuzzer, with the address and undefined-behaviour sanitisers.
#
#   make fuzz [SECONDS=n] [TARGET=name]      each target, or the one, for n seconds
#
# Included by the top Makefile behind mk/host.mk.

SECONDS ?= 60
TARGET ?=
FUZZ_DIR := $(BUILD)/fuzz
FUZZ_CC := clang
FUZZ_SOURCES := $(HOST_CORE_SOURCES) $(MODEL_SOURCES) $(wildcard tests/adversary/*.c tests/observer/*.c) \
                $(filter-out tests/fuzz/test_%.c,$(wildcard tests/fuzz/*.c)) tests/fuzz/libfuzzer/main.c \
                tests/unit/machine.c tests/unit/guest.c tests/unit/tree.c tests/unit/isolated.c \
                tests/unit/units.c tests/unit/acpi_bench.c tests/unit/fw_cfg_bench.c tests/unit/its_bench.c tests/unit/fdt_bench.c \
                tests/contract/contract.c arch/arm64/call.c
FUZZ_SOURCES := $(filter-out tests/adversary/test_%.c tests/observer/test_%.c,$(FUZZ_SOURCES))
FUZZ_OBJECTS := $(call host_objects,$(FUZZ_DIR)/objects,$(FUZZ_SOURCES))
FUZZ_CFLAGS := $(HOST_CFLAGS_CLANG) $(HOST_SANITIZE) -DCAMPAIGN_DIVISOR=1
# Only new ways through the product count as progress.
fuzz_coverage = $(if $(filter kernel/% drivers/% lib/%,$<),-fsanitize=fuzzer-no-link)

$(FUZZ_DIR)/objects/%.o: %.c $(MAKEFILE_LIST) | $(SETUP_BUILD) $(SETUP_LINT)
	@mkdir -p $(@D)
	$(Q)$(FUZZ_CC) $(HOST_CPPFLAGS) $(FUZZ_CFLAGS) $(fuzz_coverage) -MMD -MP -c -o $@ $<

$(FUZZ_DIR)/fuzz: $(FUZZ_OBJECTS) $(IMAGE_DIR)/host-board.o linker/host.ld
	$(Q)$(FUZZ_CC) --target=x86_64-linux-gnu -no-pie -fsanitize=fuzzer,address,undefined \
	    -Wl,-T,linker/host.ld $(HOST_WRAPPED:%=-Wl$(comma)--wrap=%) \
	    -o $@ $(filter %.o,$^) $(LIBFDT_HOST) $(CMOCKA_LIBS)

.PHONY: fuzz
fuzz: $(FUZZ_DIR)/fuzz
	@$(PYTHON) tests/fuzz/run.py --program $< --build $(FUZZ_DIR) --seconds $(SECONDS) $(TARGET)

-include $(FUZZ_OBJECTS:.o=.d)
