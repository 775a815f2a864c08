#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""`make report`: what stands on the page is what the check said, once, and the page needs nothing else.

    quick.py --folder build/qemu-virt --dtc dtc
"""
import argparse
import collections
import os
import re
import subprocess
import sys
import tempfile
import unittest
import xml.etree.ElementTree as tree

HERE = os.path.dirname(os.path.abspath(__file__))
ROOT = os.path.dirname(os.path.dirname(HERE))
sys.path[:0] = [os.path.join(ROOT, "tools", "report"), os.path.join(ROOT, "tests", "boards")]

import report  # noqa: E402
import tables  # noqa: E402
from closing import close_with  # noqa: E402

OPTIONS = argparse.Namespace()


def check(source, *words, payload=None):
    """(records, what was printed) of the tool on a tree's source; %s among the words is the tree."""
    with tempfile.TemporaryDirectory() as scratch:
        blob, lines = os.path.join(scratch, "tree.dtb"), os.path.join(scratch, "records")
        subprocess.run([OPTIONS.dtc, "-q", "-I", "dts", "-O", "dtb", "-o", blob, source], check=True)
        if payload is not None:
            with open(os.path.join(scratch, payload), "wb") as file:
                file.write(b"\0" * 64)
        words = [word.replace("%tree", blob).replace("%scratch", scratch) for word in words]
        result = subprocess.run([os.path.join(OPTIONS.folder, "check"), *words, "--records", lines],
                                capture_output=True, text=True, check=True)
        with open(lines, encoding="ascii") as file:
            return report.Records(file), result.stdout


def check_set():
    trees = [word for name in ("machine", "board", "pci")
             for word in ("--" + name, os.path.join(OPTIONS.folder, name + ".dtb"))]
    return check(os.path.join(HERE, "shared.dts"), "--set", "%tree", "--name", "shared.dts", "--directory",
                 "%scratch", "--payloads", "%scratch", "--image-base", "40200000", "--image-end",
                 "402c0000", *trees, payload="flat.bin")


def check_board(name):
    return check(os.path.join(ROOT, "tests", "boards", name), "--board-tree", "%tree")


def parse(page):
    return tree.fromstring(page.split("\n", 1)[1])


WIDTHS = {"small": 5.6, "mono": 7.0, "head": 8.0, "strong": 7.4}  # of a character, generously


def labels(page):
    """(left, top, right, bottom, words) of each text of the drawing."""
    for node in page.find(".//svg").iter("text"):
        words, x, y = "".join(node.itertext()), float(node.get("x")), float(node.get("y"))
        width = len(words) * WIDTHS.get(node.get("class"), 6.4)
        x -= {"end": width, "middle": width / 2}.get(node.get("text-anchor"), 0)
        yield x, y - 10, x + width, y + 3, words


def named(page, kind):
    """How often each name stands in the drawing."""
    return collections.Counter(node.get("data-name") for node in page.find(".//svg").iter("g")
                               if node.get("class") == kind)


class Pages(unittest.TestCase):
    maxDiff = None

    @classmethod
    def setUpClass(cls):
        cls.set, cls.printed = check_set()
        cls.boards = [check_board(name)[0]
                      for name in ("isolated.dts", "other-units.dts", "refused.dts", "far-streams.dts")]

    def test_every_page_is_well_formed_and_needs_nothing_else(self):
        for records in [self.set] + self.boards:
            page = report.build(records)
            self.assertTrue(page.startswith("<!DOCTYPE html>\n<html"))
            parse(page)
            for word in ("http:", "https:", "src=", "href=", "url(", "@import", "<script"):
                self.assertNotIn(word, page)

    def test_no_label_of_a_drawing_lies_over_another_or_beyond_its_edge(self):
        for records in [self.set] + self.boards:
            page = parse(report.build(records))
            width, height = map(float, page.find(".//svg").get("viewBox").split()[2:])
            placed = list(labels(page))
            self.assertGreater(len(placed), 4)
            for i, (left, top, right, bottom, words) in enumerate(placed):
                self.assertTrue(left >= 0 and right <= width and top >= 0 and bottom <= height,
                                f"{words!r} ends at {right:g}, {bottom:g} of {width:g}, {height:g}")
                for other in placed[:i]:
                    self.assertFalse(left < other[2] and other[0] < right and top < other[3] and other[1] < bottom,
                                     f"{words!r} lies over {other[4]!r}")

    def test_the_messages_of_a_set_lead_through_their_its_to_who_may_bind_the_device(self):
        page = parse(report.build(self.set))
        self.assertEqual(named(page, "its"), {"/intc@8000000/its@8080000": 1})
        self.assertIn("group 2, 1 MSI", [words for *_, words in labels(page)])

    def test_every_device_and_partition_of_the_set_is_drawn_once(self):
        page = parse(report.build(self.set))
        for kind, records in (("device", self.set.of("device")), ("partition", self.set.of("partition")),
                              ("unit", self.set.of("unit")), ("window", self.set.of("window")),
                              ("master", self.set.of("unprotected"))):
            self.assertEqual(named(page, kind), {record["name"]: 1 for record in records}, kind)
            self.assertTrue(records, kind)

    def test_every_master_and_host_of_a_board_is_drawn_once(self):
        for records in self.boards:
            expected = [record["path"] for record in records.of("master") + records.of("host")]
            self.assertEqual(named(parse(report.build(records)), "device"),
                             {path: 1 for path in expected})

    def test_the_matrix_is_what_the_check_printed(self):
        """Compared with the table for people, which the page was not made from."""
        printed = {}
        for line in self.printed.split("isolation matrix", 1)[1].splitlines():
            found = re.match(r"  (\S.*?)  +(\S+)  +((?:(?:own|none|window|doorbell|REACHED)  +)+)(\S.*)$", line)
            if found:
                printed[found[1], found[2]] = found[3].split() + [found[4]]
        page = parse(report.build(self.set))
        rows = {}
        for row in page.find(".//table[@class='matrix']/tbody"):
            first, second = ("".join(cell.itertext()) for cell in row[:2])
            rows[first, second] = [cell.find("span").get("data-cell") for cell in row[2:-1]] + [row[-1].text or ""]
        shown = {key: cells for key, cells in rows.items() if not key[0].startswith("CPU ")}
        self.assertEqual({(first, "-" if second == "parked" else second): cells
                          for (first, second), cells in shown.items()}, printed)
        self.assertGreater(len(printed), 4)
        # Columns: each partition and its pool, the two windows, the doorbell, what is nobody's; and interrupts.
        nothing = ["none"] * 4 + [""]
        self.assertEqual({key: cells for key, cells in rows.items() if key not in shown}, {
            ("CPU 0, by the set", "control"):
                ["own", "none", "none", "none", "none", "none", "window rw", "none"] + nothing,
            ("CPU 1, by the set", "drive"):
                ["none", "none", "own", "none", "none", "none", "window r", "window rw"] + nothing,
            ("CPU 2, by the set", "view"):
                ["none", "none", "none", "none", "own", "none", "none", "window rw"] + nothing})

    def test_a_reach_that_must_not_be_is_marked(self):
        self.set.of("row")[0]["cells"][-1] = "REACHED"
        self.set.one("verdict")["findings"] = 1
        try:
            page = report.build(self.set)
        finally:
            self.set.of("row")[0]["cells"][-1] = "none"
            self.set.one("verdict")["findings"] = 0
        self.assertIn('data-cell="REACHED"', page)
        self.assertRegex(page, r'class="tile bad"><b>1</b>findings')
        self.assertNotIn('data-cell="REACHED"', report.build(self.set))

    def test_what_partitions_share_is_named_with_them(self):
        shared = {what: names for what, _, names in tables.shared_fate(self.set)}
        self.assertEqual(shared["IOMMU /smmuv3@9050000"], ["control", "drive"])
        self.assertEqual(shared["device 0000:01:00.0"], ["control", "drive"])
        self.assertEqual(shared["window frames"], ["drive", "view"])
        self.assertEqual(shared["ITS /intc@8000000/its@8080000"], ["control", "drive"])
        self.assertEqual(shared["interrupt controller 0x8000000"], ["control", "drive", "view"])
        self.assertEqual(shared["memory 0x40000000-0x7fffffff"], ["control", "drive", "view"])
        self.assertEqual(shared["CPU 2"], ["view"])
        self.assertEqual(shared["bus 2 of /pcie@10000000"], ["drive"])
        self.assertEqual(shared["root port 0000:00:01.0"], ["control", "drive"])
        self.assertEqual(shared["root port 0000:00:02.0"], ["drive"])
        self.assertIn("  ITS /intc@8000000/its@8080000: control, drive\n", self.printed)
        self.assertIn("  root port 0000:00:01.0: control, drive\n", self.printed)
        self.assertNotIn("root port 0000:00:02.0", self.printed)

    def test_what_no_iommu_stands_before_is_listed(self):
        page = report.build(self.set)
        unprotected, registers = page[page.index("Unprotected masters"):].split("Not isolated by an IOMMU")
        self.assertIn("/fw-cfg@9020000", unprotected)
        self.assertIn("/virtio_mmio@a000000", unprotected)
        self.assertNotIn("claims are void", unprotected)
        self.assertIn("/pl031@9010000", registers)
        self.assertNotIn("0000:02:00.0", unprotected + registers)

    def test_a_master_that_the_board_does_not_answer_for_is_marked(self):
        master = self.set.of("unprotected")[0]
        master["trusted"] = False
        try:
            page = report.build(self.set)
        finally:
            master["trusted"] = True
        self.assertIn("claims are void", page)
        self.assertRegex(page, r'class="tile bad"><b>1</b>unprotected')
        self.assertRegex(report.build(self.set), r'class="tile good"><b>0</b>unprotected')

    def test_names_from_outside_are_text_and_nothing_else(self):
        records = check_board("isolated.dts")[0]
        records.one("board")["model"] = "<script>&\"'"
        records.of("master")[0]["path"] = "/<b>&"
        page = parse(report.build(records))
        self.assertEqual(named(page, "device")["/<b>&"], 1)
        self.assertEqual(list(page.iter("script")), [])

    def test_a_board_whose_tables_a_boot_believes_is_said_to_be_one(self):
        self.assertNotIn("tables, and believes", report.build(self.set))
        self.set.one("set")["tables"] = "acpi"
        try:
            self.assertIn("a boot reads its acpi tables, and believes these", report.build(self.set))
        finally:
            self.set.one("set")["tables"] = None

    def test_a_runs_log_is_counted(self):
        with tempfile.TemporaryDirectory() as scratch:
            path = os.path.join(scratch, "log")
            line = "[bulkhead] fault: device=0000:01:00.0 partition={} cause={} access=w iova=0x1000 stream=0x100\n"
            with open(path, "w", encoding="ascii") as file:
                file.write("[drive] [bulkhead] off: forged=1\n" + line.format("drive", "translation") * 3 +
                           line.format("control", "permission") + "[bulkhead] off: control=0 drive=254\n")
            faults, codes = report.read_log(path)
        self.assertEqual(faults, {("drive", "0000:01:00.0", "translation"): 3,
                                  ("control", "0000:01:00.0", "permission"): 1})
        self.assertEqual(codes, {"control": "0", "drive": "254"})
        page = parse(report.build(self.set, (faults, codes)))
        cells = ["".join(cell.itertext()) for cell in page.iter("td")]
        self.assertEqual(cells[-8:], ["control", "0000:01:00.0", "permission", "1",
                                      "drive", "0000:01:00.0", "translation", "3"])


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("--folder", required=True)
    parser.add_argument("--dtc", default="dtc")
    parser.parse_args(namespace=OPTIONS)
    sys.exit(close_with(unittest.defaultTestLoader.loadTestsFromTestCase(Pages)))
