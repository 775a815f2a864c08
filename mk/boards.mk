# SPDX-License-Identifier: Apache-2.0
# Boards that nobody here has: their device trees through the reader of the hypervisor, on the host.
#
#   make test-boards     every tree of Debian's arm64 kernel package, which it downloads (95 MB)
#   make boards-docs     the same, and writes the table of docs/boards.md
#   make boards-quick    the small trees of tests/boards; part of the host tests
#
# Included behind mk/host.mk.

boards_run = $(PYTHON) tests/boards/run.py --check $(IMAGE_DIR)/check --trees $(BOARD_TREES) \
    --package "$$(cat $(BOARD_TREES)/../package)"

.PHONY: test-boards boards-docs boards-quick
test-boards: $(IMAGE_DIR)/check | $(SETUP_BOARDS)
	@$(boards_run)

boards-docs: $(IMAGE_DIR)/check | $(SETUP_BOARDS)
	@$(boards_run) --table docs/boards.md

boards-quick: check-tool | $(SETUP_BUILD)
	@$(PYTHON) tests/boards/quick.py --folder $(IMAGE_DIR) --dtc '$(DTC)'
