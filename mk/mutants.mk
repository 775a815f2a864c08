# SPDX-License-Identifier: Apache-2.0
# Whether the tests notice when one barrier, invalidation, check or step of the product is left out.
#
#   make mutants             all sites; MUTANT=n, SITES=from-to or FILE=a.c[,b.c]: some of them; KEEP=1: what an
#                            earlier program noticed counts; LOCKS=1: the locks instead; RECORD=1: write down
#                            who noticed
#   make mutants-quick       an eighth of the sites, another one with each commit; SLICE=n/8: the n-th
#
# Included by the top Makefile behind mk/host.mk.

MUTANTS_DIR := $(BUILD)/mutants
MUTANTS_SOURCES := $(filter-out lib/string.c,$(CORE_C_SOURCES))
MUTANTS_LIST := $(MUTANTS_DIR)/sites.json
# A campaign is two orders of magnitude more than a run of the tests: only what is cheap is sanitised.
MUTANTS_FLAGS := -fsanitize=bounds,shift,null -fsanitize-undefined-trap-on-error -DCAMPAIGN_DIVISOR=20 \
                 -Wl,--wrap=main -Wl,--wrap=_cmocka_run_group_tests
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

RUN_MUTANTS = @$(PYTHON) tests/mutants/mutants.py --folder $(MUTANTS_DIR) --program $(MUTANTS_DIR)/unit-tests

.PHONY: mutants mutants-quick
mutants: $(MUTANTS_DIR)/unit-tests
	$(RUN_MUTANTS) $(if $(MUTANT)$(SITES),--sites $(or $(MUTANT),$(SITES))) $(if $(FILE),--files $(FILE)) \
	    $(if $(KEEP),--keep) $(if $(LOCKS),--locks) $(if $(RECORD),--record)

SLICE = $(or $(shell git rev-list --count HEAD 2>/dev/null),0)/8
mutants-quick: $(MUTANTS_DIR)/unit-tests
	$(RUN_MUTANTS) --slice $(SLICE) $(if $(KEEP),--keep)
