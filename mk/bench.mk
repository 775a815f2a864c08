# SPDX-License-Identifier: Apache-2.0
# Instruction counts against the goals.
#
#   make bench         table on the console, $(BUILD)/bench/bench.json
#   make bench-where   where the instructions of each row go, by function; ROW=name for one row
#
# Included by the top Makefile behind mk/image.mk, guests/guests.mk and mk/run.mk.

bench_out := $(BUILD)/bench
bench_copied := bench boot bench32 grown
bench_sets := $(bench_copied:%=$(bench_out)/%.dts) $(bench_out)/boot-half.dts $(bench_out)/where.dts
bench_payloads := $(addprefix $(BUILD)/guests/,bench.elf bench32.elf boot.elf idle.elf)
bench_bundles := $(bench_sets:.dts=.bundle)
bench_run = QEMU='$(QEMU)' $(PYTHON) tests/bench/bench.py --board tests/system/machine \
  --image $(IMAGE_DIR)/bulkhead.img --elf $(IMAGE_DIR)/bulkhead.elf \
  --map $(IMAGE_DIR)/bulkhead.map --prefix $(CROSS_COMPILE) --folder $(bench_out)

.PHONY: bench bench-where
bench: $(IMAGE_DIR)/bulkhead.img $(bench_bundles) | $(SETUP_QEMU)
	$(Q)$(bench_run)

bench-where: $(IMAGE_DIR)/bulkhead.img $(bench_out)/where.bundle | $(SETUP_QEMU)
	$(Q)QEMU='$(QEMU)' $(PYTHON) tests/bench/where.py --board tests/system/machine \
	  --image $(IMAGE_DIR)/bulkhead.img --elf $(IMAGE_DIR)/bulkhead.elf --prefix $(CROSS_COMPILE) \
	  --folder $(bench_out) $(if $(ROW),--row '$(ROW)')

$(bench_copied:%=$(bench_out)/%.dts): $(bench_out)/%.dts: tests/bench/%.dts
	@mkdir -p $(@D)
	$(Q)cp $< $@

# Half the memory: the difference is what grows with it.
$(bench_out)/boot-half.dts: tests/bench/boot.dts mk/bench.mk
	@mkdir -p $(@D)
	$(Q)sed 's/0x20000000/0x10000000/' $< > $@

# Little memory and few repetitions: every instruction is logged.
$(bench_out)/where.dts: tests/bench/bench.dts mk/bench.mk
	@mkdir -p $(@D)
	$(Q)sed -e 's/0x42000000/0x2000000/' -e '/physical-address/d' \
	    -e 's/block-bytes=0x40000000/block-bytes=0x800000 repetitions=3/' $< > $@

$(bench_bundles): $(bench_out)/%.bundle: $(bench_out)/%.dts $(bench_payloads) \
    $(IMAGE_DIR)/bulkhead.elf tools/bundle.py
	$(Q)$(PYTHON) tools/bundle.py --config $< --image $(IMAGE_DIR)/bulkhead.elf \
	    --payloads $(BUILD)/guests --prefix $(CROSS_COMPILE) --output $@
