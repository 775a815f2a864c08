# SPDX-License-Identifier: Apache-2.0
"""The manager of a set (docs/abi.md, partition_control) stops, starts and restarts another partition on another CPU:
one that never leaves its guest by itself, and one whose disk controller writes to its memory without end.

The manager's checks are the witnesses: what it is told, and that its own memory stays what it was.
"""
from scenario import CRASH, EDU, ScenarioTest, pci, probe

STOPPED = 252  # the exit code of a partition that its manager stopped


def managed(other, **words):
    """That partition and the manager, which restarts it so often."""
    return [other, probe("manage", lines=["manager;"], **words)]


class Manager(ScenarioTest):
    def test_a_partition_that_never_leaves_its_guest_is_stopped_started_and_restarted(self):
        run = self.run_set(managed(probe("hang"), rounds=3))
        self.assert_checks_hold(run, "manage")
        self.assertEqual(len(run.hypervisor("hang: starts at")), 5)
        self.assert_codes(run, hang=STOPPED, manage=0)

    def test_row_3_6_a_cpu_that_hammers_a_register_reads_it_no_more_once_the_device_is_given(self):
        run = self.run_set([probe("hammer", devices=[pci(EDU)]),
                            probe("give", devices=[pci(EDU)], lines=["manager;"])])
        self.assert_checks_hold(run, "give")
        ended = run.hypervisor("hammer: ended: it read an address that it does not have")
        given = run.hypervisor(f"{EDU}: given to give")
        self.assertEqual((len(ended), len(given)), (1, 1))
        self.assert_codes(run, hammer=CRASH, give=0)

    def test_a_partition_that_crashes_is_started_again_as_often_as_its_set_says(self):
        lines = ['on-crash = "restart";', "restarts = <2>;"]
        run = self.run_set([probe("touch", lines=lines, address=0), probe("timer")])
        self.assertEqual(len(run.hypervisor("touch: starts at")), 3)
        self.assert_checks_hold(run, "timer")
        self.assert_codes(run, touch=CRASH, timer=0)

    def test_in_the_safe_state_all_partitions_stop_and_the_machine_is_off(self):
        run = self.run_set([probe("touch", lines=['on-crash = "safe-state";'], address=0), probe("hang")])
        self.assertTrue(run.hypervisor("safe state: all partitions stop"))
        self.assert_codes(run, touch=CRASH, hang=STOPPED)
