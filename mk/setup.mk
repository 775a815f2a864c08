# SPDX-License-Identifier: Apache-2.0
# Set-up of the tools; included first. Defines where they are and the stamps
# that bring them:
#
#   target: sources | $(SETUP_BUILD) $(SETUP_NEWLIB)    as order-only prerequisites
#
# SETUP_BUILD   compilers, python3, dtc, libfdt, cmocka
# SETUP_NEWLIB  the C library of the guests (includes SETUP_BUILD)
# SETUP_AARCH32 compiler, C library and libfdt of 32-bit guests (includes SETUP_BUILD)
# SETUP_QEMU    the emulator; with QEMU=program only its version is checked
# SETUP_PROOF   the bounded model checker (includes SETUP_BUILD)
# SETUP_BOOT    U-Boot, and what makes the files that it loads
# SETUP_LINUX   Debian's arm64 kernel, for `make bench-linux` (includes SETUP_BUILD)
# SETUP_BOARDS  the device trees of Debian's arm64 kernel, for `make test-boards` (includes SETUP_BUILD)
# SETUP_LINT    clang, clang-tidy, clang-format, cppcheck (includes SETUP_BUILD)
#
# A stamp's name holds the recipe and what else it depends on, so that an
# existing stamp means: nothing to do.

setup_goal := $(.DEFAULT_GOAL)

BUILD ?= build
CROSS_COMPILE ?= aarch64-linux-gnu-
CROSS_COMPILE_32 ?= arm-none-eabi-
HOSTCC ?= gcc
PYTHON ?= python3
DTC ?= dtc

setup_tools := $(abspath $(BUILD))/tools
ifeq ($(QEMU),)
override QEMU := $(setup_tools)/bin/qemu-system-aarch64
endif

export PATH := $(setup_tools)/bin:$(PATH)

U_BOOT := $(setup_tools)/u-boot/u-boot.bin
LINUX_KERNEL := $(setup_tools)/linux/vmlinuz
LINUX_MODULES := $(setup_tools)/linux/modules
BOARD_TREES := $(setup_tools)/boards/trees

LIBFDT_INCLUDE := $(setup_tools)/libfdt/include
LIBFDT_ARM64 := $(setup_tools)/libfdt/arm64/libfdt.a
LIBFDT_ARM32 := $(setup_tools)/libfdt32/libfdt.a
LIBFDT_HOST := $(setup_tools)/libfdt/host/libfdt.a
NEWLIB_INCLUDE := $(setup_tools)/newlib/aarch64/include
NEWLIB_LIB := $(setup_tools)/newlib/aarch64/lib
CMOCKA_INCLUDE := $(setup_tools)/cmocka/include
CMOCKA_LIBS := -L$(setup_tools)/cmocka/lib -Wl,-rpath,$(setup_tools)/cmocka/lib -lcmocka

# $(call setup_stamp,part,scripts,else): the name of the part's stamp
setup_stamp = $(BUILD)/tools/stamp/$(1)-$(firstword \
  $(shell { cat $(2:%=tools/setup/%.sh); echo '$(3)'; } | cksum))
setup_machine := $(shell uname -nm)

SETUP_BUILD := $(call setup_stamp,build,build common apt wrap,$(CROSS_COMPILE) $(HOSTCC) $(PYTHON) $(setup_machine))
SETUP_NEWLIB := $(call setup_stamp,newlib,newlib,$(CROSS_COMPILE))
SETUP_AARCH32 := $(call setup_stamp,aarch32,aarch32 common apt wrap,$(CROSS_COMPILE_32) $(setup_machine))
SETUP_QEMU := $(call setup_stamp,qemu,qemu,$(QEMU:$(CURDIR)/%=%))
SETUP_PROOF := $(call setup_stamp,proof,proof apt,$(HOSTCC) $(setup_machine))
SETUP_BOOT := $(call setup_stamp,boot,boot common apt wrap,$(setup_machine))
SETUP_LINUX := $(call setup_stamp,linux,linux common apt,$(shell cksum <tools/setup/modules.py))
SETUP_BOARDS := $(call setup_stamp,boards,boards linux common apt)
SETUP_LINT := $(call setup_stamp,lint,lint common apt wrap,$(setup_machine))

# $(call setup_run,part): runs the set-up; the new stamp replaces older ones.
define setup_run
@BUILD='$(BUILD)' CROSS_COMPILE='$(CROSS_COMPILE)' CROSS_COMPILE_32='$(CROSS_COMPILE_32)' \
  HOSTCC='$(HOSTCC)' PYTHON='$(PYTHON)' QEMU='$(QEMU)' tools/setup/setup.sh $(1)
@mkdir -p $(@D) && rm -f $(@D)/$(1)-* && touch $@
endef

$(SETUP_BUILD):
	$(call setup_run,build)

$(SETUP_NEWLIB): | $(SETUP_BUILD)
	$(call setup_run,newlib)

$(SETUP_AARCH32): | $(SETUP_BUILD)
	$(call setup_run,aarch32)

$(SETUP_QEMU):
	$(call setup_run,qemu)

$(SETUP_PROOF): | $(SETUP_BUILD)
	$(call setup_run,proof)

$(SETUP_BOOT): | $(SETUP_BUILD)
	$(call setup_run,boot)

$(SETUP_LINUX): | $(SETUP_BUILD)
	$(call setup_run,linux)

$(SETUP_BOARDS): | $(SETUP_BUILD)
	$(call setup_run,boards)

$(SETUP_LINT): | $(SETUP_BUILD)
	$(call setup_run,lint)

.PHONY: setup
setup: | $(SETUP_BUILD) $(SETUP_NEWLIB) $(SETUP_AARCH32) $(SETUP_QEMU) $(SETUP_BOOT) $(SETUP_LINT) $(SETUP_PROOF)
	@:

# The stamps are no default goal: the Makefile chooses.
.DEFAULT_GOAL := $(setup_goal)
