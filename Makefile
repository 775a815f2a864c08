# SPDX-License-Identifier: Apache-2.0
# Bulkhead. The two commands: make run, make test. `make help` lists the others.

BOARD ?= qemu-virt
CONFIG ?= boards/$(BOARD)/demo.dts
V ?= 0
Q := $(if $(filter 1,$(V)),,@)

.DEFAULT_GOAL := help
include mk/setup.mk
include mk/image.mk
include guests/guests.mk
include mk/host.mk
include mk/boards.mk
include mk/report.mk
include mk/differential.mk
include mk/coverage.mk
include mk/mutants.mk
include mk/growth.mk
include mk/fuzz.mk
include mk/lint.mk
include mk/run.mk
include mk/bench.mk
include mk/bench-linux.mk
include mk/test.mk
include mk/proofs.mk
include mk/contract.mk
# The product is built without tests/, too.
-include tests/system/loader.mk
-include tests/system/check/check.mk

.PHONY: help clean
help:
	@echo 'make run [BOARD=qemu-virt] [CONFIG=set.dts]   build, start under QEMU, show the console'
	@echo '         [BOOT=u-boot]                        through U-Boot: by booti, or by bootm (fit)'
	@echo 'make test                                    all tests: lint, test-host, test-qemu'
	@echo 'make test-host                               those that need no emulated CPU'
	@echo 'make test-qemu [TEST_FILTER=word]            those of the image on QEMU'
	@echo 'make check [CONFIG=set.dts]                  what a partition set isolates, on the host alone'
	@echo '     [BOARD_DTB=file.dtb]                    which devices of any board could be isolated'
	@echo 'make report [CONFIG=|BOARD_DTB=] [LOG=run.log]   a page to look at: who reaches what, and shares what'
	@echo 'make topology [BOARD=] [LOG=console.txt]     writes a board'"'"'s pci.dts from a boot without a bundle'
	@echo 'make program SOURCES=my.c OUTPUT=my.elf      a payload from a source anywhere; [WIDTH=32]'
	@echo 'make debug [CONFIG=] [PAYLOAD=sensor.elf]    the same as run, stopped at its start, in gdb'
	@echo 'make image [BOARD=] [CONFIG=]                image and bundle, in build/BOARD/'
	@echo 'make lint                                    linters, on all sources; format: rewrites their layout'
	@echo 'make bench                                   instruction counts against the goals; bench-docs: the page'
	@echo 'make bench-linux                             the same of Debian'"'"'s kernel on the same machine, and ratios'
	@echo 'make setup                                   brings all tools at once'
	@echo 'make clean                                   what was built; tools stay'
	@echo
	@echo 'Campaigns in full (docs/testing.md):'
	@echo 'make differential [ACCESSES=100000]          QEMU'"'"'s SMMUv3 against the reference model'
	@echo 'make test-boards                             a thousand boards'"'"' trees through the reader'
	@echo 'make fuzz SECONDS=n [TARGET=name]            hypercalls, sets and device trees under libFuzzer'
	@echo 'make proofs                                  bounded proofs, each with its witnesses'
	@echo 'make mutants [FILE=a.c,b.c]                  does a test notice each check that is left out?'
	@echo 'make growth                                  what a call costs as the machine grows; docs/growth.svg'
	@echo 'make coverage                                lines and branches that the host tests reach'
	@echo 'make contract                                abi.h and documents against the tree; contract-write: what is made from them'

clean:
	$(Q)if [ -d '$(BUILD)' ]; then find '$(BUILD)' -mindepth 1 -maxdepth 1 ! -name tools -exec rm -rf {} +; fi

# A recipe that fails leaves no half-made target behind.
.DELETE_ON_ERROR:
