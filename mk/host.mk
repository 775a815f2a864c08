# SPDX-License-Identifier: Apache-2.0
# kernel/, drivers/ and lib/ as a host library, unchanged, for tests and host tools.

-include tests/model/sources.mk

HOST_DIR := $(BUILD)/host
HOST_CPPFLAGS := -I. -Iinclude -Iarch/host/include -isystem $(LIBFDT_INCLUDE) $(MODEL_CPPFLAGS) \
                 -Itests/unit -Itests/observer -isystem $(CMOCKA_INCLUDE)
# Fixed low addresses, so that a pointer into the program is a physical address too; whole stacks, so
# that a report names who stored what.
HOST_CFLAGS := -std=c11 -D_GNU_SOURCE $(WARNINGS) -O1 -g -fno-pie -fno-omit-frame-pointer \
               -fno-optimize-sibling-calls
HOST_CFLAGS_CLANG := --target=x86_64-linux-gnu $(HOST_CFLAGS)
HOST_SANITIZE := -fsanitize=address,undefined -fno-sanitize-recover=all

# The host has a C library: lib/string.c is not part of it.
HOST_CORE_SOURCES := $(filter-out lib/string.c,$(CORE_C_SOURCES)) $(wildcard arch/host/*.c)
HOST_TEST_SOURCES := $(wildcard tests/unit/*.c tests/adversary/*.c tests/observer/*.c \
                      tests/observer/wrong/*.c tests/fuzz/*.c tests/contract/*.c)
# Parts of an architecture that are data and decisions; what they ask of a CPU is made of data too.
HOST_TEST_SOURCES += arch/arm64/call.c arch/arm64/instruction32.c arch/arm64/vdev/vgic.c \
                     arch/arm64/vdev/vgic_lists.c arch/arm64/vdev/vgic_registers.c \
                     drivers/irqchip/gicv3.c
HOST_TOOL_SOURCES := $(wildcard tools/check/*.c)
HOST_C_SOURCES := $(wildcard arch/host/*.c) $(HOST_TEST_SOURCES) $(HOST_TOOL_SOURCES) \
                  $(MODEL_SOURCES) $(MODEL_TEST_SOURCES) $(wildcard tests/coverage/*.c tests/differential/*.c \
                                                            tests/growth/*.c tests/mutants/*.c)

# Calls that the linker leads past tests/observer/wrap.c, and the board's table of units, which the
# tests' machine has its own copy of; in the unit tests alone.
HOST_WRAPPED := hypercall assign_release assign_release_all ioas_free_all page_pool_init page_pool_take page_pool_give \
                iommu_tag_take iommu_tag_give windows_join windows_leave smmuv3_issue smmuv3_put \
                host_barrier cache_clean boot_memory_take \
                board_smmuv3_bases board_smmuv3_count
comma := ,

# $(call host_objects,folder,sources): where a variant keeps its objects
host_objects = $(2:%.c=$(1)/%.o)

# The board's table and tree are the image's.
$(IMAGE_DIR)/host-board.o: arch/host/board.S $(IMAGE_DIR)/board_table.S $(IMAGE_DIR)/board.dtb
	$(Q)$(HOSTCC) -c -I. -DBOARD_TREE='"$(IMAGE_DIR)/board.dtb"' \
	    -DBOARD_TABLE='"$(IMAGE_DIR)/board_table.S"' -o $@ $<

# One variant of everything that runs on the host: $(call host_variant,folder,flags).
define host_variant
$(1)/%.o: %.c $(MAKEFILE_LIST) | $(SETUP_BUILD)
	@mkdir -p $$(@D)
	$$(Q)$(HOSTCC) $(HOST_CPPFLAGS) $(HOST_CFLAGS) $(2) -MMD -MP -c -o $$@ $$<

$(1)/unit-tests: $(call host_objects,$(1),$(HOST_CORE_SOURCES) $(HOST_TEST_SOURCES) $(MODEL_SOURCES)) \
                 $(IMAGE_DIR)/host-board.o linker/host.ld
	$$(Q)$(HOSTCC) -no-pie $(2) -Wl,-T,linker/host.ld $(HOST_WRAPPED:%=-Wl$(comma)--wrap=%) \
	    -o $$@ $$(filter %.o,$$^) $(LIBFDT_HOST) $(CMOCKA_LIBS)

$(1)/model-tests: $(call host_objects,$(1),$(MODEL_SOURCES) $(MODEL_TEST_SOURCES))
	$$(Q)$(HOSTCC) -no-pie $(2) -o $$@ $$^ $(CMOCKA_LIBS)

-include $(patsubst %.c,$(1)/%.d,$(HOST_CORE_SOURCES) $(HOST_TEST_SOURCES) $(HOST_TOOL_SOURCES) \
                                 $(MODEL_SOURCES) $(MODEL_TEST_SOURCES))
endef

# The sanitised build looks closely and runs a tenth of every campaign, the plain one runs it whole.
PLAIN_DIR := $(BUILD)/plain
$(eval $(call host_variant,$(HOST_DIR),$(HOST_SANITIZE) -DCAMPAIGN_DIVISOR=10))
$(eval $(call host_variant,$(PLAIN_DIR),-O2 -DCAMPAIGN_DIVISOR=1))

# ---- make check: what a set isolates, without starting anything ----------------------------------
CHECK_SET := $(IMAGE_DIR)/check-set.dtb
CHECK_WORDS := # further ones, for the tool

.PHONY: check check-tool
check-tool: $(IMAGE_DIR)/check $(IMAGE_DIR)/machine.dtb $(IMAGE_DIR)/pci.dtb

# The tool's machine has the reference model for an IOMMU.
CHECK_OBJECTS := $(call host_objects,$(HOST_DIR),$(HOST_CORE_SOURCES) $(HOST_TOOL_SOURCES) $(MODEL_SOURCES)) \
                 $(IMAGE_DIR)/host-board.o

$(IMAGE_DIR)/check: $(CHECK_OBJECTS) linker/host.ld
	$(Q)$(HOSTCC) -no-pie $(HOST_SANITIZE) -Wl,-T,linker/host.ld -o $@ $(filter %.o,$^) $(LIBFDT_HOST)

# Where the image lies, from its symbols.
image_symbol = $$($(PYTHON) tools/symbols.py --prefix $(CROSS_COMPILE) $(IMAGE_DIR)/bulkhead.elf $(1))

# What a boot would find, as far as the board's folder has to tell it.
CHECK_MISSING := $(filter-out $(wildcard boards/$(BOARD)/*.dts),$(patsubst %,boards/$(BOARD)/%.dts,machine pci))

# Of any board, from its tree alone; or of a set on the board that is built for.
ifneq ($(BOARD_DTB),)
check: $(IMAGE_DIR)/check
	$(Q)$(IMAGE_DIR)/check --board-tree '$(BOARD_DTB)' $(CHECK_WORDS)
else ifneq ($(CHECK_MISSING),)
check:
	@echo '$(firstword $(CHECK_MISSING)): there is none: make check cannot know what a boot would find (docs/configuration.md)' >&2; exit 1
else
check: check-tool guests $(IMAGE_DIR)/bulkhead.elf | $(SETUP_BUILD)
	$(Q)$(DTC) -q -I dts -O dtb -o $(CHECK_SET) '$(CONFIG)'
	$(Q)$(IMAGE_DIR)/check --set $(CHECK_SET) --name '$(CONFIG)' --directory '$(dir $(CONFIG))' \
	    --payloads $(BUILD)/guests --machine $(IMAGE_DIR)/machine.dtb \
	    --board $(IMAGE_DIR)/board.dtb --pci $(IMAGE_DIR)/pci.dtb \
	    --image-base "$(call image_symbol,image_start)" --image-end "$(call image_symbol,image_end)" $(CHECK_WORDS)
endif
