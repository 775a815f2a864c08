# SPDX-License-Identifier: Apache-2.0
# The tests. Each part closes with one line, `N passed, N failed`; `make test` adds them up.

TEST_FILTER ?=
# Make targets that are part of the tests on the host and close with `N passed, N failed`.
HOST_TEST_PARTS := calls-on-units mutants-quick differential-quick proofs-quick coverage contract growth-quick boards-quick report-quick

.PHONY: test test-host test-qemu
test: | $(SETUP_BUILD) $(SETUP_NEWLIB) $(SETUP_AARCH32) $(SETUP_QEMU) $(SETUP_BOOT) $(SETUP_LINT)
	@$(PYTHON) tests/run.py lint test-host test-qemu

HOST_TEST_PROGRAMS = $(foreach build,$(HOST_DIR) $(PLAIN_DIR),$(build)/unit-tests $(build)/model-tests)
# All of it is built before any of it runs: what runs side by side builds nothing.
test-host: $(HOST_TEST_PROGRAMS) $(COVERAGE_DIR)/unit-tests $(MUTANTS_DIR)/unit-tests $(DIFFERENTIAL) $(GROWTH_DIR)/growth check-tool \
           | $(SETUP_QEMU) $(SETUP_PROOF) $(SETUP_AARCH32)
	@$(PYTHON) tests/run.py --programs $(HOST_TEST_PROGRAMS) --parts $(HOST_TEST_PARTS)

# A million calls on unequal units, with the observer on (tests/fuzz/units.h).
.PHONY: calls-on-units
calls-on-units: $(PLAIN_DIR)/unit-tests
	@$< --units

# The set that most system tests of the image boot.
$(BUILD)/tests/sensor.bundle: tests/system/sets/sensor.dts $(IMAGE_DIR)/bulkhead.elf \
                              $(BUILD)/guests/sensor.elf tools/bundle.py | $(SETUP_BUILD)
	@mkdir -p $(@D)
	$(Q)$(PYTHON) tools/bundle.py --config $< --image $(IMAGE_DIR)/bulkhead.elf \
	    --payloads $(BUILD)/guests --prefix $(CROSS_COMPILE) --output $@

# The board with several IOMMUs: some tests run its image.
.PHONY: hypervisor-three-smmus
hypervisor-three-smmus: $(IMAGE_DIR)/bulkhead.img
	@$(MAKE) $(if $(Q),-s) --no-print-directory BOARD=qemu-three-smmus hypervisor \
	    $(foreach tree,board machine pci,$(BUILD)/qemu-three-smmus/$(tree).dtb)

# The boards whose IOMMUs are read from ACPI tables.
.PHONY: hypervisor-acpi
hypervisor-acpi: $(IMAGE_DIR)/bulkhead.img
	@$(MAKE) $(if $(Q),-s) --no-print-directory BOARD=qemu-virt-acpi hypervisor
	@$(MAKE) $(if $(Q),-s) --no-print-directory BOARD=qemu-three-smmus-acpi hypervisor

test-qemu: $(IMAGE_DIR)/bulkhead.img hypervisor-three-smmus hypervisor-acpi $(BUILD)/tests/loader.bin $(BUILD)/tests/sensor.bundle guests \
           bundle check-tool \
           $(IMAGE_DIR)/check-defect | $(SETUP_QEMU) $(SETUP_BOOT)
	@QEMU='$(QEMU)' BUILD='$(BUILD)' CROSS_COMPILE='$(CROSS_COMPILE)' \
	    $(PYTHON) tests/system/runtests.py $(TEST_FILTER)
