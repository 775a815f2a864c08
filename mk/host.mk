# SPDX-License-Identifier: Apache-2.0
# kernel/, drivers/ and lib/ as a host library, unchanged, for tests and host tools.

-include tests/model/sources.mk

HOST_DIR := $(BUILD)/host
HOST_CPPFLAGS := -I. -Iinclude -Iarch/host/include -isystem $(LIBFDT_INCLUDE) $(MODEL_CPPFLAGS) \
                 -isystem $(CMOCKA_INCLUDE)
# Fixed low addresses, so that a pointer into the program is a physical address too.
HOST_CFLAGS := -std=c11 -D_GNU_SOURCE $(WARNINGS) -O1 -g -fno-pie -fno-omit-frame-pointer
HOST_CFLAGS_CLANG := --target=x86_64-linux-gnu $(HOST_CFLAGS)
HOST_SANITIZE := -fsanitize=address,undefined -fno-sanitize-recover=all

# The host has a C library: lib/string.c is not part of it.
HOST_CORE_SOURCES := $(filter-out lib/string.c,$(CORE_C_SOURCES)) $(wildcard arch/host/*.c)
HOST_TEST_SOURCES := $(wildcard tests/unit/*.c)
HOST_TOOL_SOURCES := $(wildcard tools/check/*.c)
HOST_C_SOURCES := $(wildcard arch/host/*.c) $(HOST_TEST_SOURCES) $(HOST_TOOL_SOURCES) \
                  $(MODEL_SOURCES) $(MODEL_TEST_SOURCES)

HOST_CORE_OBJECTS := $(HOST_CORE_SOURCES:%.c=$(HOST_DIR)/%.o) $(HOST_DIR)/board.o
HOST_TEST_OBJECTS := $(HOST_TEST_SOURCES:%.c=$(HOST_DIR)/%.o) $(MODEL_SOURCES:%.c=$(HOST_DIR)/%.o)
HOST_MODEL_TEST_OBJECTS := $(MODEL_SOURCES:%.c=$(HOST_DIR)/%.o) \
                           $(MODEL_TEST_SOURCES:%.c=$(HOST_DIR)/%.o)
HOST_LINK := $(HOSTCC) -no-pie $(HOST_SANITIZE)

$(HOST_DIR)/%.o: %.c $(MAKEFILE_LIST) | $(SETUP_BUILD)
	@mkdir -p $(@D)
	$(Q)$(HOSTCC) $(HOST_CPPFLAGS) $(HOST_CFLAGS) $(HOST_SANITIZE) -MMD -MP -c -o $@ $<

# The board's table and tree, as the image has them.
$(HOST_DIR)/board.o: $(IMAGE_DIR)/board_table.S $(IMAGE_DIR)/board.dtb arch/host/board.S
	@mkdir -p $(@D)
	$(Q)$(HOSTCC) -c -I. -DBOARD_TREE='"$(IMAGE_DIR)/board.dtb"' -DBOARD_TABLE='"$(IMAGE_DIR)/board_table.S"' \
	    -o $@ arch/host/board.S

$(HOST_DIR)/unit-tests: $(HOST_CORE_OBJECTS) $(HOST_TEST_OBJECTS) linker/host.ld
	$(Q)$(HOST_LINK) -Wl,-T,linker/host.ld -o $@ $(HOST_CORE_OBJECTS) $(HOST_TEST_OBJECTS) \
	    $(LIBFDT_HOST) $(CMOCKA_LIBS)

$(HOST_DIR)/model-tests: $(HOST_MODEL_TEST_OBJECTS)
	$(Q)$(HOST_LINK) -o $@ $(HOST_MODEL_TEST_OBJECTS) $(CMOCKA_LIBS)

-include $(HOST_CORE_OBJECTS:.o=.d) $(HOST_TEST_OBJECTS:.o=.d) $(HOST_MODEL_TEST_OBJECTS:.o=.d)

# ---- make check: what a set isolates, without starting anything ----------------------------------
CHECK_OBJECTS := $(HOST_TOOL_SOURCES:%.c=$(HOST_DIR)/%.o)
CHECK_SET := $(HOST_DIR)/check-set.dtb

.PHONY: check check-tool
check-tool: $(HOST_DIR)/check $(HOST_DIR)/machine.dtb $(HOST_DIR)/pci.dtb

$(HOST_DIR)/check: $(HOST_CORE_OBJECTS) $(CHECK_OBJECTS) linker/host.ld
	$(Q)$(HOST_LINK) -Wl,-T,linker/host.ld -o $@ $(HOST_CORE_OBJECTS) $(CHECK_OBJECTS) $(LIBFDT_HOST)

$(HOST_DIR)/%.dtb: boards/$(BOARD)/%.dts | $(SETUP_BUILD)
	@mkdir -p $(@D)
	$(Q)$(DTC) -q -I dts -O dtb -o $@ $<

# Where the image lies, from its symbols.
image_symbol = $$($(CROSS_COMPILE)nm $(IMAGE_DIR)/bulkhead.elf | sed -n 's/ . $(1)$$//p')

check: check-tool guests $(IMAGE_DIR)/bulkhead.elf | $(SETUP_BUILD)
	$(Q)$(DTC) -q -I dts -O dtb -o $(CHECK_SET) '$(CONFIG)'
	$(Q)$(HOST_DIR)/check --set $(CHECK_SET) --name '$(CONFIG)' --directory '$(dir $(CONFIG))' \
	    --payloads $(BUILD)/guests --machine $(HOST_DIR)/machine.dtb \
	    --board $(IMAGE_DIR)/board.dtb --pci $(HOST_DIR)/pci.dtb \
	    --image-base "$(call image_symbol,image_start)" --image-end "$(call image_symbol,image_end)"

-include $(CHECK_OBJECTS:.o=.d)
