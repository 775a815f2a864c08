# SPDX-License-Identifier: Apache-2.0
# Which lines and branches of the product the host tests reach.
#
#   make coverage      table a folder on the console, $(BUILD)/coverage/report.txt line by line
#
# Included by the top Makefile behind mk/host.mk.

COVERAGE_DIR := $(BUILD)/coverage
# The product counts and is not optimised; the rest is built as ever. Expanded in each recipe.
COVERAGE_FLAGS = -DCAMPAIGN_DIVISOR=10 $(if $(filter %.c,$<),$(if \
  $(filter kernel/% drivers/% lib/%,$<),--coverage -O0),--coverage -Wl,--wrap=_exit)
$(eval $(call host_variant,$(COVERAGE_DIR),$$(COVERAGE_FLAGS)))

$(COVERAGE_DIR)/unit-tests: $(COVERAGE_DIR)/tests/coverage/flush.o

.PHONY: coverage
coverage: $(COVERAGE_DIR)/unit-tests
	@$(PYTHON) tests/coverage/coverage.py --objects $(COVERAGE_DIR) --report $(COVERAGE_DIR)/report.txt $^
