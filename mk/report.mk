# SPDX-License-Identifier: Apache-2.0
# One page to look at, from a check; and from a run, if its log is given.
#
#   make report [CONFIG=set.dts | BOARD_DTB=file.dtb] [LOG=run.log]      $(BUILD)/BOARD/report.html
#   make report-quick                                                    its tests; part of the host tests
#
# Included behind mk/host.mk.

REPORT := $(IMAGE_DIR)/report.html
LOG ?=

# The check comes to its own end first: what it finds is what the page is for.
.PHONY: report report-quick
report:
	@mkdir -p $(IMAGE_DIR)
	$(Q)rm -f $(IMAGE_DIR)/report.jsonl
	$(Q)$(MAKE) $(if $(Q),-s) --no-print-directory check CONFIG='$(CONFIG)' BOARD_DTB='$(BOARD_DTB)' \
	    CHECK_WORDS='--records $(IMAGE_DIR)/report.jsonl' >$(IMAGE_DIR)/report.txt || test -s $(IMAGE_DIR)/report.jsonl
	$(Q)$(PYTHON) tools/report/report.py --records $(IMAGE_DIR)/report.jsonl --output $(REPORT) \
	    $(if $(LOG),--log '$(LOG)')

report-quick: check-tool | $(SETUP_BUILD)
	@$(PYTHON) tests/report/quick.py --folder $(IMAGE_DIR) --dtc '$(DTC)'
