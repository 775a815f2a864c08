# SPDX-License-Identifier: Apache-2.0
"""Messages of devices (I12): MSI and MSI-X come to the owner as the interrupt that it asked for, and to nobody else."""
import os

from scenario import EDU, ScenarioTest, pci, probe

DISK = "0000:02:00.0"


class Messages(ScenarioTest):
    def disk(self):
        """An NVMe controller below a second root port."""
        path = os.path.join(self.folder, "disk.img")
        with open(path, "wb") as file:
            file.truncate(1 << 20)
        return ("-device", "pcie-root-port,id=port2,chassis=2,addr=02.0",
                "-drive", f"if=none,id=disk,format=raw,file={path}",
                "-device", "nvme,bus=port2,drive=disk,serial=messages")

    def test_i12_row_3_22_msi_x_of_a_disk_comes_to_its_owner_alone(self):
        run = self.run_set([probe("message-nvme", devices=[pci(DISK)]), probe("line-watch")],
                           *self.disk())
        self.assert_checks_hold(run, "message-nvme")
        self.assert_checks_hold(run, "line-watch")
        self.assert_codes(run, **{"message-nvme": 0, "line-watch": 0})

    def test_i12_row_3_22_msi_comes_to_its_owner_and_what_dma_writes_to_the_doorbell_to_nobody(self):
        run = self.run_set([probe("message", devices=[pci(EDU)]), probe("line-watch", for_ms=4000)])
        self.assert_checks_hold(run, "message")
        self.assert_checks_hold(run, "line-watch")
        self.assert_codes(run, **{"message": 0, "line-watch": 0})

    def test_a_storm_of_messages_keeps_nobody_from_his_end(self):
        run = self.run_set([probe("message", devices=[pci(EDU)]), probe("timer")])
        self.assert_checks_hold(run, "message")
        self.assert_codes(run, **{"message": 0, "timer": 0})
