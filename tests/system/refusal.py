# SPDX-License-Identifier: Apache-2.0
"""What tests of refusals share: a run that must end as a whole before anything starts."""
import re

from scenario import (REFUSED, Run, ScenarioTest, probe)

BYSTANDER = probe("exit", "bystander", code=0)
REFUSAL_LIMIT = 30.0  # seconds: a refusal is quick, a hang is not one


class RefusalTest(ScenarioTest):
    """Asserts that nothing starts."""

    def refused(self, bundle, *extra, **options):
        """The lines of a run that was refused as a whole."""
        run = Run(self.boot(bundle, *extra, **options), REFUSAL_LIMIT)
        self.assertEqual(run.lines[-1:], [f"[bulkhead] off: bulkhead={REFUSED}"])
        self.assertEqual(run.strangers([]), [], "something else than the hypervisor spoke")
        self.assertEqual(run.hypervisor(r": starts at |exception"), [])
        self.assertEqual(run.status, 0, "QEMU's own status")
        return run.said("bulkhead")[:-1]

    def assert_mistake(self, node, wanted, remedy, partitions, *extra, **options):
        """One line: file, node, property (None: the node as such) and what to do about it."""
        lines = self.refused([*partitions, BYSTANDER], *extra, **options)
        place = f"set.dts:{node}: " + (f"{wanted}: " if wanted else "")
        self.assert_line(lines, f"^{re.escape(place)}.*({remedy})")

    def assert_line(self, lines, pattern):
        self.assertTrue([line for line in lines if re.search(pattern, line)],
                        f"no line like {pattern!r} among {lines}")

    def assert_fatal(self, lines, text):
        self.assert_line(lines, rf"^fatal: .*({text})")
