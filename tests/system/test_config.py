# SPDX-License-Identifier: Apache-2.0
"""Configuration space of a function as its owner sees it (row 2.53): in the window of the partition's
addresses that its device tree names, and by calls."""
import os

from scenario import CRASH, EDU, ScenarioTest, pci, probe

CONTROLLER = "0000:02:00.0"
WINDOW = 0x08100000  # where the set puts none elsewhere


class Config(ScenarioTest):
    def controller(self):
        path = os.path.join(self.folder, "disk")
        with open(path, "wb") as file:
            file.truncate(1 << 20)
        return ("-device", "pcie-root-port,id=port2,chassis=2,addr=02.0",
                "-drive", f"if=none,id=disk,format=raw,file={path}",
                "-device", "nvme,bus=port2,drive=disk,serial=config-0001")

    def test_row_2_53_an_nvme_controller_is_found_by_ecam_and_by_calls_while_it_is_bound(self):
        run = self.run_set([probe("config", devices=[pci(EDU), pci(CONTROLLER)],
                                  device_name=CONTROLLER)], *self.controller())
        self.assert_checks_hold(run, "config")
        self.assert_codes(run, config=0)

    def test_the_window_is_where_the_set_puts_it(self):
        run = self.run_set([probe("config", devices=[pci(CONTROLLER)], device_name=CONTROLLER,
                                  lines=["pci-config = <0x1 0x00000000>;"])], *self.controller())
        self.assert_checks_hold(run, "config")
        self.assert_codes(run, config=0)

    def test_a_partition_without_functions_has_no_window(self):
        run = self.run_set([probe("touch", address=hex(WINDOW), access="r")])
        self.assertIn(f"touch: ended: it read an address that it does not have: {WINDOW:#x}",
                      run.hypervisor("ended"))
        self.assert_codes(run, touch=CRASH)
