# SPDX-License-Identifier: Apache-2.0
# Linters: 'make lint' looks, 'make format' rewrites the layout of the C sources.
#
# The sources and flags come from the makefiles of the parts: ARM64_C_SOURCES,
# ARM64_CPPFLAGS, ARM64_CFLAGS_CLANG and the same of GUEST and HOST. A set without
# sources is left out.

lint_run = $(PYTHON) tools/lint/lint.py --build '$(BUILD)'

lint_sets = \
  --set arm64 misra '$(ARM64_CPPFLAGS) $(ARM64_CFLAGS_CLANG)' '$(ARM64_C_SOURCES)' \
  --set guest - '$(GUEST_CPPFLAGS) $(GUEST_CFLAGS_CLANG)' '$(GUEST_C_SOURCES)' \
  --set guest32 - '$(GUEST32_CPPFLAGS) $(GUEST32_CFLAGS_CLANG)' '$(GUEST32_C_SOURCES)' \
  --set probe32 - '$(PROBE32_FLAGS_CLANG)' '$(PROBE32_C_SOURCES)' \
  --set linux - '$(LINUX_CPPFLAGS) $(LINUX_CFLAGS_CLANG)' '$(LINUX_C_SOURCES)' \
  --set host - '$(HOST_CPPFLAGS) $(HOST_CFLAGS_CLANG)' '$(HOST_C_SOURCES)'

.PHONY: lint format
lint: | $(SETUP_LINT) $(SETUP_BUILD)
	@$(lint_run) $(lint_sets)

format: | $(SETUP_LINT) $(SETUP_BUILD)
	@$(lint_run) --fix-layout
