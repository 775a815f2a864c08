# SPDX-License-Identifier: Apache-2.0
# What the documents say against what is there.
#
#   make contract            include/bulkhead/abi.h against docs/abi.md, docs/requirements-status.md
#                            and docs/safety.md against the tests and the sources
#   make contract-write      rewrites what is made from them

CONTRACT_COMPILERS = '$(HOSTCC)' '$(CROSS_COMPILE)gcc' '$(CROSS_COMPILE_32)gcc'

.PHONY: contract contract-write
contract: | $(SETUP_AARCH32)
	@$(PYTHON) tests/contract/contract.py $(CONTRACT_COMPILERS:%=--compiler %)

contract-write: | $(SETUP_BUILD)
	@$(PYTHON) tests/contract/contract.py --write
