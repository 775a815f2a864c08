# SPDX-License-Identifier: Apache-2.0
# What calls cost as a machine grows: measured on the host, far beyond what the image has room for.
#
#   make growth        the tests, and docs/growth-*.svg from what they measured
#   make growth-quick  the tests
#
# Included by the top Makefile behind mk/host.mk.

GROWTH_DIR := $(BUILD)/growth
# The product's limits, larger in copies of their headers, which go before the tree's own.
GROWTH_LIMITS := kernel/limits.h@OWN_MEMORY@UINT64_C(0x1000000) kernel/limits.h@DEVICE_LIMIT@1200 \
                 kernel/limits.h@PARTITION_DEVICES@40 arch/arch.h@ARCH_INTERRUPT_HANDLERS@128 \
                 drivers/iommu/early.h@EARLY_UNITS@32 drivers/topology/topology.h@TOPOLOGY_IOMMUS@32 \
                 drivers/topology/topology.h@TOPOLOGY_ID_MAPS@64 \
                 drivers/pci/pci.h@PCI_FUNCTIONS@1100 arch/host/pci_model.h@PCI_MODEL_FUNCTIONS@1100
GROWTH_HEADERS := $(sort $(foreach limit,$(GROWTH_LIMITS),$(GROWTH_DIR)/include/$(firstword $(subst @, ,$(limit)))))
GROWTH_FLAGS := -iquote $(GROWTH_DIR)/include -DUNIT_STRIDE=0x20000
# Counted are the basic blocks that the product runs; the machine around it is not.
GROWTH_COUNTED := $(filter-out arch/%,$(HOST_CORE_SOURCES))
GROWTH_SOURCES := $(HOST_CORE_SOURCES) $(MODEL_SOURCES) $(wildcard tests/growth/*.c) arch/arm64/call.c
# The tests' machine: what of it is needed.
GROWTH_MACHINE := $(filter-out %/main.c tests/unit/test_%,$(wildcard tests/unit/*.c))
GROWTH_OBJECTS := $(call host_objects,$(GROWTH_DIR),$(GROWTH_SOURCES) $(GROWTH_MACHINE))

$(call host_objects,$(GROWTH_DIR),$(GROWTH_COUNTED)): COUNT := -fsanitize-coverage=trace-pc
$(GROWTH_OBJECTS): | $(GROWTH_HEADERS)
$(GROWTH_OBJECTS): $(GROWTH_DIR)/%.o: %.c $(MAKEFILE_LIST) | $(SETUP_BUILD)
	@mkdir -p $(@D)
	$(Q)$(HOSTCC) $(GROWTH_FLAGS) $(HOST_CPPFLAGS) $(HOST_CFLAGS) $(COUNT) -MMD -MP -c -o $@ $<

growth_edit = $(foreach limit,$(filter $(1)@%,$(GROWTH_LIMITS)),-e \
  's/^(\#define $(word 2,$(subst @, ,$(limit)))) .*/\1 $(word 3,$(subst @, ,$(limit)))/')
$(GROWTH_HEADERS): $(GROWTH_DIR)/include/%: % mk/growth.mk
	@mkdir -p $(@D)
	$(Q)sed -E $(call growth_edit,$*) $< > $@

$(GROWTH_DIR)/machine.a: $(call host_objects,$(GROWTH_DIR),$(GROWTH_MACHINE))
	@rm -f $@
	$(Q)ar rcs $@ $^

$(GROWTH_DIR)/growth: $(call host_objects,$(GROWTH_DIR),$(GROWTH_SOURCES)) $(GROWTH_DIR)/machine.a $(IMAGE_DIR)/host-board.o linker/host.ld
	$(Q)$(HOSTCC) -no-pie -Wl,-T,linker/host.ld -Wl,--wrap=board_smmuv3_bases \
	    -Wl,--wrap=board_smmuv3_count -o $@ $(filter %.o %.a,$^) $(LIBFDT_HOST) $(CMOCKA_LIBS)

-include $(GROWTH_OBJECTS:.o=.d)

.PHONY: growth growth-quick
growth: $(GROWTH_DIR)/growth
	@$(PYTHON) tests/growth/growth.py --program $< --folder $(GROWTH_DIR) --plots docs

growth-quick: $(GROWTH_DIR)/growth
	@$(PYTHON) tests/growth/growth.py --program $< --folder $(GROWTH_DIR)
