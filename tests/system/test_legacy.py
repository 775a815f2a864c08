# SPDX-License-Identifier: Apache-2.0
"""An NVMe controller and its disk under guests/legacy; the disk is read from outside.

What the program prints is what its own CPU saw. What stands in the file of the disk afterwards is what
the controller did: the blocks that it was to write, and nothing else.
"""
import os
import re
import unittest

from scenario import Partition, Run, ScenarioTest, pci
from table import read_faults, read_table

# Numbers as in guests/legacy/legacy.c, in pages of the disk.
PAGE_BYTES, BLOCK_BYTES, DISK_PAGES = 4096, 512, 256
ONE, MANY, MANY_PAGES, VICTIM = 1, 8, 4, 16
SPARE_MARK = b"\x5c"  # the page that the controller may not read is full of it
SCRATCH = b"\xe7"  # the disk is full of it before
TITLE = b"The disk of a test, page 0"
SEED = 0x35
ATTEMPTS = 12
CONTROLLER = "0000:02:00.0"


def pattern(page, pages):
    """What the program writes there."""
    return bytes((SEED + page + i * 7 + i // 256) & 0xFF for i in range(pages * PAGE_BYTES))


def controller(path):
    """QEMU's options for a disk in a file, on a controller of its own behind a port of its own."""
    return ("-device", "pcie-root-port,id=port2,chassis=2,addr=02.0",
            "-drive", f"if=none,id=scratch,format=raw,file={path}",
            "-device", "nvme,bus=port2,drive=scratch,serial=scratch-0001")


class Legacy:
    """One run of the program alone, on a disk of its own; the tests read what it left."""

    cpu, payload, lines = "max", "legacy.elf", ("aarch32;",)

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        path = os.path.join(cls.folder, "disk")
        with open(path, "wb") as file:
            file.write((TITLE + b"\0").ljust(DISK_PAGES * PAGE_BYTES, SCRATCH))
        legacy = Partition("legacy", f"seed={SEED:#x}", cls.payload, devices=(pci(CONTROLLER),),
                           lines=cls.lines)
        machine = cls.launch([legacy], "-cpu", cls.cpu, *controller(path))
        cls.watch(machine)
        cls.ended = Run(machine)
        cls.said = cls.ended.said("legacy")
        cls.rows = {row.attempt: row for row in read_table(cls.said)}
        with open(path, "rb") as file:
            cls.disk = file.read()

    def pages(self, page, pages=1):
        return self.disk[page * PAGE_BYTES:(page + pages) * PAGE_BYTES]

    def assert_seen(self, attempt, outcome):
        row = self.rows.get(attempt)
        self.assertIsNotNone(row, f"no {attempt!r} among {list(self.rows)}")
        self.assertEqual((row.expected, row.seen), (outcome, outcome), str(row))
        return row

    def assert_blocked(self, attempt, cause, access):
        """The program saw it, and the hypervisor's log names the same page, cause and access."""
        proof = self.assert_seen(attempt, "blocked").proof.split()
        self.assertEqual(proof[:2], [cause, access])
        page = int(proof[2], 16) // PAGE_BYTES
        told = [(fault["device"], fault["partition"], fault["cause"], fault["access"])
                for fault in read_faults(self.ended.lines)
                if int(fault["iova"], 16) // PAGE_BYTES == page]
        self.assertIn((CONTROLLER, "legacy", cause, access), told)

    def test_it_ends_with_code_0_and_without_a_surprise(self):
        self.assert_named(self.ended, ["legacy"])
        self.assert_codes(self.ended, legacy=0)
        self.assertEqual(self.said[-1], f"result: {ATTEMPTS} attempts, 0 surprises")
        self.assertEqual(len(self.rows), ATTEMPTS)

    def test_it_reads_what_the_disk_held_before(self):
        self.assertIn(f'title    "{TITLE.decode()}"', [line.strip() for line in self.said])

    def test_the_page_that_it_wrote_stands_on_the_disk(self):
        self.assert_seen("write a page and read it back", "lands")
        self.assertEqual(self.pages(ONE).hex(), pattern(ONE, 1).hex())

    def test_the_pages_that_it_wrote_by_a_list_stand_on_the_disk(self):
        self.assert_seen("the same with four, by a list", "lands")
        self.assertEqual(self.pages(MANY, MANY_PAGES).hex(), pattern(MANY, MANY_PAGES).hex())

    def test_nothing_else_of_the_disk_changed(self):
        written = {0, ONE, VICTIM, *range(MANY, MANY + MANY_PAGES)}
        changed = [page for page in range(DISK_PAGES)
                   if page not in written and self.pages(page) != SCRATCH * PAGE_BYTES]
        self.assertEqual(changed, [])
        self.assertEqual(self.pages(0), (TITLE + b"\0").ljust(PAGE_BYTES, SCRATCH))

    def test_nothing_of_a_page_that_was_not_mapped_comes_to_the_disk(self):
        self.assert_blocked("write from a page that I did not map", "translation", "r")
        self.assertNotIn(SPARE_MARK * 8, self.pages(VICTIM))
        rest = self.pages(VICTIM)[BLOCK_BYTES:]
        self.assertEqual(rest, SCRATCH * len(rest), "more than one block was written")

    def test_data_does_not_come_to_a_page_that_is_not_mapped(self):
        self.assert_blocked("read into a page that I did not map", "translation", "w")
        self.assert_seen("the same read, after map", "lands")
        self.assert_blocked("the same read, after unmap", "translation", "w")

    def test_guest_physical_addresses_mean_nothing_to_the_controller(self):
        self.assert_blocked("read to where I see the page", "translation", "w")

    def test_data_does_not_come_to_a_page_that_may_be_read_only(self):
        self.assert_blocked("read to a page that it may only read", "permission", "w")

    def test_data_does_not_come_past_the_end_of_the_buffer(self):
        self.assert_blocked("read past the end of my buffer", "translation", "w")

    def test_a_list_that_is_not_mapped_fails_in_the_controller_too(self):
        self.assert_blocked("read by a list that I did not map", "translation", "r")
        place = next(number for number, line in enumerate(self.said)
                     if re.search("try +read by a list", line))
        self.assertRegex(self.said[place + 1], "failed: 0x004, data transfer error")

    def test_it_goes_on_working_and_what_lies_between_is_untouched(self):
        self.assert_seen("and still: write a page, read it back", "lands")
        self.assert_seen("leave what lies between alone", "silent")

    def test_the_controller_is_off_before_it_is_given_back(self):
        told = [line.split()[0] for line in self.said if line.startswith("   ")]
        self.assertEqual(told[told.index("delete"):told.index("attempt")],
                         ["delete", "disable", "off", "detach", "free", "unbind", "nobody's"])
        self.assertFalse([line for line in self.said if "FAILED" in line])


class OnMax(Legacy, ScenarioTest):
    """32-bit code."""


class OnCortexA53(Legacy, ScenarioTest):
    """32-bit code, on a CPU without features of later years."""

    cpu = "cortex-a53"


class In64Bits(Legacy, ScenarioTest):
    """The same sources as 64-bit code."""

    payload, lines = "legacy64.elf", ()


class Unfit(ScenarioTest):
    """What it needs is not there: it says so, ends with a code, and gives back what it has."""

    def run_legacy(self, *extra, devices=()):
        legacy = Partition("legacy", payload="legacy.elf", devices=devices, lines=("aarch32;",))
        run = self.run_set([legacy], *extra)
        self.assert_codes(run, legacy=1)
        self.assertEqual(run.said("legacy")[-1], "result: 0 attempts, 1 surprises")
        return [line.strip() for line in run.said("legacy")]

    def test_no_controller_on_its_list(self):
        said = self.run_legacy()
        self.assertIn("device   FAILED with BH_ENOENT: no NVMe controller on the list of this "
                      "partition", said)

    def test_a_disk_that_is_too_small(self):
        path = os.path.join(self.folder, "small")
        with open(path, "wb") as file:
            file.write(SCRATCH * (VICTIM * PAGE_BYTES))
        said = self.run_legacy(*controller(path), devices=(pci(CONTROLLER),))
        self.assertIn("disk     FAILED with BH_ENOSPC: it is too small", said)
        self.assertIn("unbind   no longer mine", said)
        with open(path, "rb") as file:
            self.assertEqual(file.read(), SCRATCH * (VICTIM * PAGE_BYTES), "the disk changed")


if __name__ == "__main__":
    unittest.main()
