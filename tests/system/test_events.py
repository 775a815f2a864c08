# SPDX-License-Identifier: Apache-2.0
"""What a partition is told of its devices, and what a storm of faults costs those beside it."""
import unittest

from scenario import EDU, ScenarioTest, pci, probe


class Ring(ScenarioTest):
    """guests/probe/events.c: real faults, read from the ring by the partition that owns the edu."""

    def test_each_fault_of_a_device_is_an_event_and_no_index_does_harm(self):
        run = self.run_set([probe("events", devices=[pci(EDU)])])
        self.assert_checks_hold(run, "events")
        self.assert_codes(run, events=0)


if __name__ == "__main__":
    unittest.main()
