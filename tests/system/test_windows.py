# SPDX-License-Identifier: Apache-2.0
"""Windows between partitions (row 2.20): what two guests exchange by one, and what a survivor, its CPU and its
device, has of it when the other side ends.

The probe's checks are the witnesses of each side; the hypervisor's log is that nobody was ended for it.
"""
from scenario import CRASH, EDU, ScenarioTest, cells, pci, probe

AT = 0x50000000  # in both sides
SIZE = 0x4000


def window(first, second, writers=None, dma=False):
    quoted = ", ".join(f'"{name}"' for name in writers or (first, second))
    return (f'link {{ between = "{first}", "{second}"; writable-by = {quoted}; '
            f"size = {cells(SIZE)}; at = {cells(AT, AT)}; {'dma;' if dma else ''} }};\n")


class Windows(ScenarioTest):
    def run_pair(self, first, second, devices=(), **words):
        run = self.run_set([probe(first, devices=devices), probe(second)],
                           windows=window(first, second, **words))
        self.assert_checks_hold(run, first)
        return run

    def test_row_2_20_two_partitions_exchange_by_a_window_and_its_doorbells(self):
        run = self.run_pair("window-ask", "window-answer")
        self.assert_checks_hold(run, "window-answer")
        self.assert_codes(run, window_ask=0, window_answer=0)

    def test_row_2_20_the_end_of_a_side_costs_the_other_s_device_the_window_and_nothing_else(self):
        run = self.run_pair("window-survive", "window-end", [pci(EDU)], dma=True)
        self.assert_checks_hold(run, "window-end")
        self.assert_codes(run, window_survive=0, window_end=0)

    def test_row_2_20_a_new_life_finds_zeros_and_is_reached_by_new_maps_alone(self):
        run = self.run_pair("window-outlive", "window-again", [pci(EDU)], dma=True)
        self.assert_checks_hold(run, "window-again")
        self.assertEqual(len(run.hypervisor("window-again: resets")), 1)
        self.assert_codes(run, window_outlive=0, window_again=0)

    def test_i13_a_write_to_a_window_that_may_only_be_read_ends_the_writer(self):
        run = self.run_set([probe("window-trespass"), probe("timer")],
                           windows=window("timer", "window-trespass", ["timer"]))
        self.assertTrue(run.hypervisor(
            f"window-trespass: ended: it wrote to what it may only read: {AT:#x}"))
        self.assert_checks_hold(run, "timer")
        self.assert_codes(run, window_trespass=CRASH, timer=0)
