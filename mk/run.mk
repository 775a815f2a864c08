# SPDX-License-Identifier: Apache-2.0
# Bundles, what boot loaders start, and running it under QEMU.

# Who starts the image: kernel (QEMU itself), u-boot (booti), fit (U-Boot's bootm of one FIT).
BOOT ?= kernel

# These are made anew at each run: a set may lie anywhere and its payloads may change.
BUNDLE := $(IMAGE_DIR)/$(basename $(notdir $(CONFIG))).bundle
FIT := $(BUNDLE:.bundle=.itb)
DISK := $(BUNDLE:.bundle=.$(BOOT).disk)

.PHONY: run bundle fit disk image digest
bundle: $(IMAGE_DIR)/bulkhead.elf guests | $(SETUP_BUILD)
	$(Q)$(PYTHON) tools/bundle.py --config '$(CONFIG)' --image $(IMAGE_DIR)/bulkhead.elf \
	    --payloads $(BUILD)/guests --prefix $(CROSS_COMPILE) --output '$(BUNDLE)'

fit: $(IMAGE_DIR)/bulkhead.img bundle | $(SETUP_BOOT)
	$(Q)$(PYTHON) tools/fit.py --image $(IMAGE_DIR)/bulkhead.img --bundle '$(BUNDLE)' --output '$(FIT)'

print_digest = $(PYTHON) tools/image_digest.py $(IMAGE_DIR)/bulkhead.elf $(IMAGE_DIR)/bulkhead.img $(CROSS_COMPILE)

# What the image prints of itself at boot.
digest: $(IMAGE_DIR)/bulkhead.img
	@$(print_digest)

image: $(IMAGE_DIR)/bulkhead.img bundle fit
	@echo 'image:  $(IMAGE_DIR)/bulkhead.img'
	@$(print_digest)
	@echo 'bundle: $(BUNDLE)'
	@echo 'FIT:    $(FIT) (both)'

# What stands on the disk that U-Boot boots from, and what starts it.
on_disk_u-boot = --script boards/$(BOARD)/u-boot.cmd \
                 $(IMAGE_DIR)/bulkhead.img=bulkhead.img '$(BUNDLE)=bulkhead.bundle'
on_disk_fit = --script boards/$(BOARD)/u-boot-fit.cmd '$(FIT)=bulkhead.itb'
start_kernel = --image $(IMAGE_DIR)/bulkhead.img --bundle '$(BUNDLE)'
start_u-boot = --firmware $(U_BOOT) --disk '$(DISK)'
start_fit = $(start_u-boot)
ifeq ($(start_$(BOOT)),)
$(error BOOT=$(BOOT): write kernel, u-boot or fit)
endif

disk: $(IMAGE_DIR)/bulkhead.img bundle $(filter fit,$(BOOT)) | $(SETUP_BOOT)
	$(Q)$(PYTHON) tools/disk.py --output '$(DISK)' $(on_disk_$(BOOT))

run: $(if $(filter kernel,$(BOOT)),$(IMAGE_DIR)/bulkhead.img bundle,disk) | $(SETUP_QEMU)
	$(Q)QEMU='$(QEMU)' $(PYTHON) tools/run/run.py --board boards/$(BOARD) \
	    --scratch $(IMAGE_DIR)/scratch.disk $(start_$(BOOT))

# boards/BOARD/pci.dts, from what the image says when there is no bundle to start: on QEMU, or in a log from elsewhere.
.PHONY: topology
topology: $(if $(LOG),,$(IMAGE_DIR)/bulkhead.img) | $(SETUP_QEMU)
	$(Q)QEMU='$(QEMU)' $(PYTHON) tools/topology.py --board boards/$(BOARD) --output boards/$(BOARD)/pci.dts \
	    $(if $(LOG),--log '$(LOG)',--image $(IMAGE_DIR)/bulkhead.img --scratch $(IMAGE_DIR)/scratch.disk)

# QEMU stopped at its first instruction, and a debugger. PAYLOAD: the program whose symbols are wanted, by the
# name that the set gives it.
.PHONY: debug
debug: $(IMAGE_DIR)/bulkhead.img bundle | $(SETUP_QEMU)
	$(Q)QEMU='$(QEMU)' $(PYTHON) tools/run/debug.py --board boards/$(BOARD) $(start_kernel) \
	    --symbols $(IMAGE_DIR)/bulkhead.elf --console $(IMAGE_DIR)/debug.console \
	    --scratch $(IMAGE_DIR)/scratch.disk \
	    --payloads '$(dir $(CONFIG))' --payloads $(BUILD)/guests $(PAYLOAD:%=--payload '%')
