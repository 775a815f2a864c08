# SPDX-License-Identifier: Apache-2.0
# The hypervisor's image for one board.

IMAGE_DIR := $(BUILD)/$(BOARD)
IMAGE_LINK_ADDRESS := 0x40200000

# Sources that are the same on a target and on the host.
CORE_C_SOURCES := $(wildcard lib/*.c kernel/*.c kernel/vdev/*.c drivers/iommu/*.c \
                    drivers/iommu/smmuv3/*.c drivers/pci/*.c drivers/serial/*.c \
                    drivers/topology/*.c drivers/irqchip/its.c drivers/irqchip/lpi.c)
# Readers of firmware's tables, by the name that a board has for them: its image has those alone.
READER_acpi := drivers/topology/acpi.c drivers/topology/acpi_iort.c drivers/topology/fw_cfg.c
board_tables := $(shell sed -n 's/^ *firmware-tables = "\(.*\)";/\1/p' boards/$(BOARD)/board.dts)
ABSENT_SOURCES := $(foreach name,$(filter-out $(board_tables),acpi),$(READER_$(name)))
# Only on a target: lib/string.c stands in for a C library.
ARM64_C_SOURCES := $(CORE_C_SOURCES) $(wildcard arch/arm64/*.c arch/arm64/vdev/*.c \
                     drivers/irqchip/gicv3.c)
ARM64_S_SOURCES := $(wildcard arch/arm64/*.S)

WARNINGS := -Wall -Wextra -Werror -Wconversion -Wshadow -Wstrict-prototypes -Wmissing-prototypes \
            -Wcast-qual -Wundef -Wvla -Wformat=2 -Wwrite-strings

# Every symbol is hidden: references are relative to the program counter, without a table between. The
# image with bss and stacks is less than 1 MiB (the linker would object): one instruction makes an address.
ARM64_CPPFLAGS := -I. -Iinclude -Iarch/arm64/include -isystem $(LIBFDT_INCLUDE) \
                  -DIMAGE_LINK_ADDRESS=$(IMAGE_LINK_ADDRESS)
ARM64_CODEGEN := -ffreestanding -fpie -mcmodel=tiny -include arch/arm64/include/hidden.h -g \
                 -fno-stack-protector -fno-omit-frame-pointer -fno-common -ffunction-sections \
                 -fdata-sections -falign-functions=4 -mstrict-align -fno-asynchronous-unwind-tables \
                 -fno-unwind-tables -fno-delete-null-pointer-checks -ffile-prefix-map=$(CURDIR)=. \
                 -march=armv8-a+nofp
ARM64_CFLAGS := -std=c11 $(WARNINGS) $(ARM64_CODEGEN) -mgeneral-regs-only -mno-outline-atomics
ARM64_CFLAGS_CLANG := --target=aarch64-linux-gnu -std=c11 $(WARNINGS) $(ARM64_CODEGEN) \
                      -mgeneral-regs-only -mno-outline-atomics

# What runs after boot, or before the units are closed, is compiled for speed, what runs once for size:
# the flags are what -Os spends on speed, or on compares and copies that it hopes to drop later.
HOT_SOURCES := lib/page_pool.c lib/pagetable.c lib/string.c kernel/assign.c kernel/hypercall.c \
               kernel/ioas.c kernel/ioas_life.c kernel/ioas_batch.c kernel/partition.c \
               drivers/iommu/smmuv3/domain.c drivers/iommu/smmuv3/entry.c \
               drivers/iommu/smmuv3/early.c drivers/iommu/smmuv3/entry_kinds.c \
               drivers/iommu/smmuv3/queue.c drivers/iommu/smmuv3/stream.c drivers/pci/config.c \
               arch/arm64/gic.c arch/arm64/trap.c arch/arm64/vdev/vgic.c
# The words of an entry are few: what is done with each is written out.
arm64_unrolled := drivers/iommu/smmuv3/entry.c
arm64_optimize = $(if $(filter $*.c,$(HOT_SOURCES)),-O2 $(if $(filter $*.c,$(arm64_unrolled)),-fpeel-loops),\
                   -Os -fno-move-loop-invariants -fno-tree-ch -fno-tree-forwprop -fno-shrink-wrap)

ARM64_OBJECTS := $(patsubst %.c,$(IMAGE_DIR)/obj/%.o,$(filter-out $(ABSENT_SOURCES),$(ARM64_C_SOURCES))) \
                 $(ARM64_S_SOURCES:%.S=$(IMAGE_DIR)/obj/%.o) $(IMAGE_DIR)/obj/board_table.o

.PHONY: hypervisor
hypervisor: $(IMAGE_DIR)/bulkhead.img

$(IMAGE_DIR)/%.dtb: boards/$(BOARD)/%.dts | $(SETUP_BUILD)
	@mkdir -p $(@D)
	$(Q)$(DTC) -q -I dts -O dtb -o $@ $<

# What the machine's loader passes is not what this one tells of itself.
ifneq ($(wildcard boards/$(BOARD)/overlay.dts),)
$(IMAGE_DIR)/machine.dtb: boards/$(BOARD)/machine.dts boards/$(BOARD)/overlay.dts | $(SETUP_BUILD)
	@mkdir -p $(@D)
	$(Q)$(DTC) -q -I dts -O dtb -o $(@D)/own.dtb $<
	$(Q)$(DTC) -q -I dts -O dtb -o $(@D)/overlay.dtbo $(word 2,$^)
	$(Q)fdtoverlay -i $(@D)/own.dtb -o $@ $(@D)/overlay.dtbo
endif

$(IMAGE_DIR)/board_table.S: $(IMAGE_DIR)/board.dtb tools/board_table.sh
	$(Q)tools/board_table.sh $< > $@

$(IMAGE_DIR)/obj/board_table.o: $(IMAGE_DIR)/board_table.S
	@mkdir -p $(@D)
	$(Q)$(CROSS_COMPILE)gcc -c -o $@ $<

$(IMAGE_DIR)/obj/%.o: %.c $(MAKEFILE_LIST) | $(SETUP_BUILD)
	@mkdir -p $(@D)
	$(Q)$(CROSS_COMPILE)gcc $(ARM64_CPPFLAGS) $(ARM64_CFLAGS) $(arm64_optimize) -MMD -MP -c -o $@ $<

$(IMAGE_DIR)/obj/%.o: %.S $(IMAGE_DIR)/board.dtb $(MAKEFILE_LIST) | $(SETUP_BUILD)
	@mkdir -p $(@D)
	$(Q)$(CROSS_COMPILE)gcc $(ARM64_CPPFLAGS) -DBOARD_TREE='"$(IMAGE_DIR)/board.dtb"' -MMD -MP -c -o $@ $<

$(IMAGE_DIR)/arm64.ld: linker/arm64.ld arch/arm64/include/layout.h mk/image.mk | $(SETUP_BUILD)
	@mkdir -p $(@D)
	$(Q)$(CROSS_COMPILE)gcc -E -P -x c $(ARM64_CPPFLAGS) -include arch/arm64/include/layout.h -o $@ $<

$(IMAGE_DIR)/bulkhead.elf: $(ARM64_OBJECTS) $(IMAGE_DIR)/arm64.ld tools/check_relocations.py
	$(Q)$(CROSS_COMPILE)gcc -nostdlib -static-pie -Wl,--gc-sections -Wl,--no-dynamic-linker \
	    -Wl,-z,norelro -Wl,-z,max-page-size=4096 -Wl,--no-warn-rwx-segments -Wl,--build-id=none -Wl,-T,$(IMAGE_DIR)/arm64.ld \
	    -Wl,-Map,$(@:.elf=.map) -o $@ $(ARM64_OBJECTS) $(LIBFDT_ARM64)
	$(Q)$(PYTHON) tools/check_relocations.py $@ $(CROSS_COMPILE)

$(IMAGE_DIR)/bulkhead.img: $(IMAGE_DIR)/bulkhead.elf
	$(Q)$(CROSS_COMPILE)objcopy -O binary $< $@

-include $(ARM64_OBJECTS:.o=.d)
