# SPDX-License-Identifier: Apache-2.0
"""Interrupts of partitions and of their devices (I12): what comes, to whom, and what does not.

A line is given to the partition that has bound its device, and to no other; where two partitions'
devices share one, to nobody.
"""
from scenario import CRASH, EDU, ScenarioTest, pci, probe

OTHER_EDU = "0000:02:00.0"


def second_edu(slot):
    """An edu below a second root port, at that device number of the root bus."""
    return ("-device", f"pcie-root-port,id=port2,chassis=2,addr={slot:02x}.0",
            "-device", "edu,bus=port2,dma_mask=0xffffffffffffffff")


class Interrupts(ScenarioTest):
    def run_alone(self, test, **options):
        run = self.run_set([probe(test, **options)])
        self.assert_checks_hold(run, test)
        self.assert_codes(run, **{test: 0})
        return run

    def test_shared_interrupts_nest_beyond_the_list_registers(self):
        self.run_alone("gic")

    def test_i12_row_3_22_a_line_comes_to_the_owner_of_its_device_and_to_nobody_else(self):
        run = self.run_set([probe("line", devices=[pci(EDU)]), probe("line-watch")])
        self.assert_checks_hold(run, "line")
        self.assert_checks_hold(run, "line-watch")
        self.assert_codes(run, **{"line": 0, "line-watch": 0})

    def test_a_storm_on_the_cpu_of_the_hypervisor_s_own_lines_keeps_nobody_from_his_end(self):
        run = self.run_set([probe("line", devices=[pci(EDU)]), probe("line-watch"),
                            probe("timer")], "-smp", "3")  # the first has the boot CPU
        self.assert_checks_hold(run, "line")
        self.assert_checks_hold(run, "timer")
        self.assert_codes(run, **{"line-watch": 0, "timer": 0, "line": 0})

    def test_i12_the_line_of_a_dead_partition_is_taken_back(self):
        run = self.run_set([probe("line-die", devices=[pci(EDU)]),
                            probe("line-heir", devices=[pci(EDU)])])
        self.assertIn("I die with the line high", run.said("line-die"))
        self.assert_checks_hold(run, "line-heir")
        self.assert_codes(run, **{"line-die": CRASH, "line-heir": 0})

    def test_i12_a_line_that_two_partitions_would_share_is_given_to_neither(self):
        run = self.run_set([probe("line-none", devices=[pci(EDU)]),
                            probe("line-none", "other", devices=[pci(OTHER_EDU)])],
                           *second_edu(5))
        self.assert_checks_hold(run, "line-none")
        self.assert_checks_hold(run, "other")
        self.assert_codes(run, **{"line-none": 0, "other": 0})

    def test_lines_of_two_partitions_that_differ_are_given_to_each(self):
        run = self.run_set([probe("line", devices=[pci(EDU)]),
                            probe("line", "other", devices=[pci(OTHER_EDU)])], *second_edu(2))
        self.assert_checks_hold(run, "line")
        self.assert_checks_hold(run, "other")
        self.assert_codes(run, line=0, other=0)
