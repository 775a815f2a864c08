# SPDX-License-Identifier: Apache-2.0
# Bounded proofs (docs/proofs.md): all of them with their witnesses, or those that are fast.

.PHONY: proofs proofs-quick
proofs: | $(SETUP_PROOF)
	@BUILD='$(BUILD)' $(PYTHON) tests/proofs/run.py $(if $(PROOF),--only '$(PROOF)')

proofs-quick: | $(SETUP_PROOF)
	@BUILD='$(BUILD)' $(PYTHON) tests/proofs/run.py --quick $(if $(PROOF),--only '$(PROOF)')
