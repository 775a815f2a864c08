# SPDX-License-Identifier: Apache-2.0
# Bundles, and running them under QEMU.

# The bundle of a set is made anew at each run: a set may lie anywhere and its payloads may change.
BUNDLE := $(IMAGE_DIR)/$(basename $(notdir $(CONFIG))).bundle

.PHONY: run bundle image
bundle: $(IMAGE_DIR)/bulkhead.elf guests | $(SETUP_BUILD)
	$(Q)$(PYTHON) tools/bundle.py --config '$(CONFIG)' --image $(IMAGE_DIR)/bulkhead.elf \
	    --payloads $(BUILD)/guests --prefix $(CROSS_COMPILE) --output '$(BUNDLE)'

image: $(IMAGE_DIR)/bulkhead.img bundle
	@echo 'image:  $(IMAGE_DIR)/bulkhead.img'
	@echo 'bundle: $(BUNDLE)'

run: $(IMAGE_DIR)/bulkhead.img bundle | $(SETUP_QEMU)
	$(Q)QEMU='$(QEMU)' $(PYTHON) tools/run/run.py --board boards/$(BOARD) \
	    --image $(IMAGE_DIR)/bulkhead.img --bundle '$(BUNDLE)'
