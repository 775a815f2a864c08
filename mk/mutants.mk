# SPDX-License-Identifier: Apache-2.0
# Whether the tests notice when one barrier, invalidation, check or step of the product is left out.
#
#   make mutants             all sites; MUTANT=n or SITES=from-to: some of them; KEEP=1: what an earlier
#                            program noticed counts; LOCKS=1: the locks instead; RECORD=1: write down who noticed
#
# Included by the top Makefile behind mk/host.mk.

MUTANTS_DIR := $(BUILD)/mutants
MUTANTS_SOURCES := $(filter-out lib/string.c,$(CORE_C_SOURCES))
MUTANTS_LIST := $(MUTANTS_DIR)/sites.json
# A campaign is two orders of magnitude more than a run of the tests: only what is cheap is sanitised.
MUTANTS_FLAGS := -fsanitize=bounds,shift,null -fsanitize-undefined-trap-on-error -DCAMPAIGN_DIVISOR=20 \
                 -Wl,--wrap=main
$(eval $(call host_variant,$(MUTANTS_DIR),$(MUTANTS_FLAGS)))

# The tree's nodes are the same for every compiler flag that is not about macros.
$(MUTANTS_LIST): $(MUTANTS_SOURCES) tests/mutants/mutate.py $(wildcard */*.h */*/*.h */*/*/*.h) \
                 | $(SETUP_LINT) $(SETUP_BUILD)
	@mkdir -p $(@D)
	$(Q)$(PYTHON) tests/mutants/mutate.py --output $(MUTANTS_DIR)/src --sites $@ \
	    --flags '$(HOST_CPPFLAGS) --target=x86_64-linux-gnu -std=c11 -D_GNU_SOURCE' $(MUTANTS_SOURCES)

$(MUTANTS_SOURCES:%.c=$(MUTANTS_DIR)/src/%.c): $(MUTANTS_LIST)

$(MUTANTS_SOURCES:%.c=$(MUTANTS_DIR)/%.o): $(MUTANTS_DIR)/%.o: $(MUTANTS_DIR)/src/%.c tests/mutants/site.h \
  mk/mutants.mk
	@mkdir -p $(@D)
	$(Q)$(HOSTCC) $(HOST_CPPFLAGS) $(HOST_CFLAGS) -w $(MUTANTS_FLAGS) -include tests/mutants/site.h \
	    -MMD -MP -c -o $@ $<

$(MUTANTS_DIR)/unit-tests: $(MUTANTS_DIR)/tests/mutants/site.o

.PHONY: mutants
mutants: $(MUTANTS_DIR)/unit-tests
	@$(PYTHON) tests/mutants/mutants.py --folder $(MUTANTS_DIR) --program $< \
	    $(if $(MUTANT)$(SITES),--sites $(or $(MUTANT),$(SITES))) $(if $(KEEP),--keep) \
	    $(if $(LOCKS),--locks) $(if $(RECORD),--record)
