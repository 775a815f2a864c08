# SPDX-License-Identifier: Apache-2.0
"""Groups on machines whose paths are not clean: bridges, switches, functions of one device.

Numbers in the names of tests are rows of the requirements.
"""
import re

from refusal import RefusalTest
from scenario import pci, probe

ALIAS, MULTIFUNCTION, NO_ACS = 1, 2, 4  # include/bulkhead/abi.h, BH_GROUP_*

PORT = ("-device", "pcie-root-port,id=port2,chassis=2,addr=02.0")


def devices(kind, *places):
    """The words for devices of a kind at these places."""
    return [word for place in places for word in ("-device", f"{kind},{place}")]


# Each: words for QEMU, the two devices that it adds, why they are one group.
SWITCH = ([*PORT, "-device", "x3130-upstream,id=up,bus=port2",
           "-device", "xio3130-downstream,id=down0,bus=up,chassis=3,addr=0",
           "-device", "xio3130-downstream,id=down1,bus=up,chassis=4,addr=1",
           *devices("iommu-testdev", "bus=down0", "bus=down1")],
          ("0000:04:00.0", "0000:05:00.0"), NO_ACS)
BRIDGE = ([*PORT, "-device", "pcie-pci-bridge,id=bridge,bus=port2",
           *devices("edu", "bus=bridge,addr=1", "bus=bridge,addr=2")],
          ("0000:03:01.0", "0000:03:02.0"), ALIAS)
FUNCTIONS = ([*PORT, *(word for number in range(2)
                       for word in ("-blockdev", f"driver=null-co,node-name=disk{number}")),
              *devices("nvme", "bus=port2,addr=0.0,multifunction=on,drive=disk0,serial=0",
                       "bus=port2,addr=0.1,drive=disk1,serial=1")],
             ("0000:02:00.0", "0000:02:00.1"), MULTIFUNCTION)
PLACES = {"switch": SWITCH, "bridge": BRIDGE, "functions": FUNCTIONS}
WHY = {ALIAS: "one requester id behind a bridge",
       MULTIFUNCTION: "functions of one device, no ACS between them",
       NO_ACS: "a switch port without ACS above them"}


class Groups(RefusalTest):
    def test_row_0_8_what_shares_a_path_is_one_group_and_the_log_says_why(self):
        for name, (words, addresses, reasons) in PLACES.items():
            with self.subTest(name):
                run = self.run_set([probe("exit", "whole", devices=map(pci, addresses), code=0)],
                                   *words)
                self.assert_codes(run, whole=0)
                self.assertTrue(run.hypervisor(re.escape(
                    f"{addresses[0]} and 1 more are one group: {WHY[reasons]}")), run.lines)

    def test_row_5_5_a_set_that_splits_it_is_refused_and_says_why(self):
        for name, (words, addresses, reasons) in PLACES.items():
            with self.subTest(name):
                split = [probe("exit", partition, devices=[pci(address)], code=0)
                         for partition, address in zip(("one", "two"), addresses)]
                self.assert_mistake("/partitions/one/devices/device0", "pci",
                                    " and ".join(map(re.escape, addresses))
                                    + rf" are one group.*list both.*\({re.escape(WHY[reasons])}\)",
                                    split, *words, "-smp", "3")

    def test_row_0_9_row_0_13_its_owner_may_bind_the_other_member_and_nobody_else_any(self):
        for name in ("switch", "functions"):
            with self.subTest(name):
                words, addresses, reasons = PLACES[name]
                members = [pci(address) for address in addresses]
                run = self.run_set([probe("peers-hold", "one", devices=members, reasons=reasons),
                                    probe("peers-late", "two", devices=members)], *words)
                for partition in ("one", "two"):
                    self.assert_checks_hold(run, partition)
                self.assert_codes(run, one=0, two=0)

    def test_row_0_10_row_0_11_row_0_22_registers_of_a_member_are_no_addresses_of_the_other(self):
        for name in ("switch", "functions"):
            with self.subTest(name):
                words, addresses, reasons = PLACES[name]
                run = self.run_set([probe("peers", devices=map(pci, addresses), reasons=reasons)],
                                   *words)
                self.assert_checks_hold(run, "peers")
                self.assert_codes(run, peers=0)


class VirtualFunctions(RefusalTest):
    """A network card of which the board has two virtual functions enabled."""

    CARD = (*PORT, "-device", "igb,bus=port2")
    PHYSICAL, FIRST, SECOND = "0000:02:00.0", "0000:02:10.0", "0000:02:10.2"

    def boot(self, bundle, *extra, **options):
        machine = super().boot(bundle, *extra, **options)
        lines = machine.console.lines
        machine.console.lines = lambda: [line for line in lines() if "has no peer" not in line]
        return machine

    def test_row_0_8_each_is_a_group_of_its_own_for_a_partition_of_its_own(self):
        run = self.run_set([probe("virtual", "one", devices=[pci(self.FIRST)]),
                            probe("virtual", "two", devices=[pci(self.SECOND)])], *self.CARD)
        for name, address in (("one", self.FIRST), ("two", self.SECOND)):
            self.assert_checks_hold(run, name)
            self.assertTrue([line for line in run.said(name) if line.startswith(address)])
        self.assert_codes(run, one=0, two=0)

    def test_their_physical_function_stays_with_the_hypervisor(self):
        self.assert_mistake("/partitions/probe/devices/device0", "pci",
                            "has virtual functions, and stays with the hypervisor",
                            [probe("exit", "probe", devices=[pci(self.PHYSICAL)], code=0)],
                            *self.CARD)

    def test_there_are_as_many_as_the_board_says(self):
        self.assert_mistake("/partitions/probe/devices/device0", "pci", "no 0000:02:10.4",
                            [probe("exit", "probe", devices=[pci("0000:02:10.4")], code=0)],
                            *self.CARD)
