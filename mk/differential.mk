# SPDX-License-Identifier: Apache-2.0
# QEMU's SMMUv3 against the reference model.
#
#   make differential [ACCESSES=n] [SEED=n]     the long form: ACCESSES in each of three modes
#   make differential REPLAY=run:scenario       one scenario again, as a failure names it
#   make differential-quick                     bounded by time, for test-host
#
# Included by the top Makefile behind mk/host.mk.

ACCESSES ?= 100000
SEED ?= 1
REPLAY ?=

DIFFERENTIAL_DIR := $(HOST_DIR)/differential
DIFFERENTIAL_SOURCES := $(wildcard tests/differential/*.c)
DIFFERENTIAL_OBJECTS := $(patsubst %.c,$(DIFFERENTIAL_DIR)/%.o,$(DIFFERENTIAL_SOURCES) \
                                                              $(filter tests/model/smmuv3/%,$(MODEL_SOURCES)))
DIFFERENTIAL_CPPFLAGS := -I. $(MODEL_CPPFLAGS)
DIFFERENTIAL := $(DIFFERENTIAL_DIR)/differential

# Speed counts here; the model's own tests are what looks closely.
$(DIFFERENTIAL_DIR)/%.o: %.c $(MAKEFILE_LIST) | $(SETUP_BUILD)
	@mkdir -p $(@D)
	$(Q)$(HOSTCC) $(DIFFERENTIAL_CPPFLAGS) -std=c11 -D_GNU_SOURCE $(WARNINGS) -O2 -g -MMD -MP -c -o $@ $<

$(DIFFERENTIAL): $(DIFFERENTIAL_OBJECTS)
	$(Q)$(HOSTCC) -o $@ $^

.PHONY: differential differential-quick
differential: $(DIFFERENTIAL) | $(SETUP_QEMU)
	@$(DIFFERENTIAL) --qemu '$(QEMU)' $(if $(REPLAY),--replay $(REPLAY),--accesses $(ACCESSES) --seed $(SEED))

differential-quick: $(DIFFERENTIAL) | $(SETUP_QEMU)
	@$(DIFFERENTIAL) --qemu '$(QEMU)' --accesses 8000 --seconds 12 --seed $(SEED)

-include $(DIFFERENTIAL_OBJECTS:.o=.d)
