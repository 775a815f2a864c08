#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""`make check BOARD_DTB=`: small trees that each say one thing, and what has to be made of them.

    quick.py --folder build/qemu-virt --dtc dtc
"""
import argparse
import os
import subprocess
import sys
import tempfile
import unittest

import run
from closing import close_with

HERE = os.path.dirname(os.path.abspath(__file__))
KEPT = 64  # nodes with registers
OPTIONS = argparse.Namespace()


class Boards(unittest.TestCase):
    maxDiff = None

    def setUp(self):
        self.scratch = tempfile.TemporaryDirectory()
        self.addCleanup(self.scratch.cleanup)

    def blob(self, source, name="board"):
        """The tree of a source's text."""
        path = os.path.join(self.scratch.name, name + ".dtb")
        subprocess.run([OPTIONS.dtc, "-q", "-I", "dts", "-O", "dtb", "-o", path, "-"], input=source,
                       text=True, check=True)
        return path

    def look(self, source):
        """What is made of a tree that the tool has to end well on."""
        self.blob(source)
        result = run.look_at(os.path.join(OPTIONS.folder, "check"), self.scratch.name, "board.dtb",
                             self.scratch.name)
        self.assertIsNone(result.failure)
        return result

    def look_at(self, name):
        with open(os.path.join(HERE, name), encoding="ascii") as file:
            return self.look(file.read())

    def verdicts(self, result):
        return {master["path"]: master["verdict"] for master in result.of("master")}

    def why(self, result, path):
        return next(record["why"] for kind in ("master", "host", "unit") for record in result.of(kind)
                    if path == record.get("path", record.get("name")))

    def test_row_5_10_what_stands_behind_a_unit_is_isolated_by_it_with_its_streams(self):
        result = self.look_at("isolated.dts")
        self.assertEqual(result.of("refusal"), [])
        self.assertEqual({master["path"]: (master["verdict"], master["unit"], master["streams"])
                          for master in result.of("master")}, {
            "/soc@0/ethernet@a000000": ("isolated", "/soc@0/iommu@9050000", [0x100, 0x101]),
            "/soc@0/mmc@a001000": ("isolated", "/soc@0/iommu@9050000", [0x102])})
        self.assertEqual([(host["why"], host["unit"], host["maps"]) for host in result.of("host")],
                         [(None, "/soc@0/iommu@9050000", 1)])
        self.assertEqual(len({master["group"] for master in result.of("master")}), 2)
        self.assertEqual((result.of("summary")[0]["plain"], result.of("summary")[0]["given"]), (1, 1))

    def test_a_unit_of_another_kind_is_named_with_its_compatible(self):
        result = self.look_at("other-units.dts")
        self.assertEqual(self.verdicts(result), {
            "/usb@6000000": "other-unit", "/gpu@6001000": "other-unit",
            "/video-codec@6002000": "other-unit", "/dma-controller@6003000": "no-iommus"})
        self.assertIn("test,smmu-500, arm,mmu-500", self.why(result, "/usb@6000000"))
        self.assertIn("test,iommu", self.why(result, "/video-codec@6002000"))
        self.assertIn("pci-host-ecam-generic", self.why(result, "/pcie@7000000"))
        self.assertEqual({unit["name"]: (unit["smmuv3"], unit["usable"], unit["named"])
                          for unit in result.of("unit")}, {
            "/iommu@5000000": (False, False, 4), "/iommu@5010000": (False, False, 2),
            "/iommu@5020000": (True, True, 0)})
        self.assertEqual(sorted(record["why"] for record in result.of("refusal")),
                         ["no GICv3", "no PSCI by SMC"])

    def test_each_reason_has_its_own_word(self):
        result = self.look_at("refused.dts")
        self.assertEqual(self.verdicts(result), {
            "/behind-both@6000000": "several-units", "/behind-off@6001000": "unit-disabled",
            "/behind-short@6002000": "unit-unusable", "/first-of-stream@6003000": "shared-stream",
            "/second-of-stream@6004000": "shared-stream", "/many-streams@6005000": "many-streams",
            "/no-such-unit@6006000": "malformed", "/half-a-page@6007000": "isolated",
            "/no-registers": "registers", "/good@6008000": "isolated",
            "/bus@20000000/translated@1000": "bus"})
        self.assertIn("reg does not cover its registers",
                      [r["why"] for r in result.of("refusal") if r["path"] == "/iommu@5060000"][0])

    def test_a_stream_beyond_the_table_costs_all_behind_its_unit(self):
        result = self.look_at("far-streams.dts")
        self.assertEqual(set(self.verdicts(result).values()), {"unit-unusable"})
        self.assertIn("beyond what the unit or the hypervisor takes", self.why(result, "/near@6000000"))

    def crowd(self, count):
        parts = "".join(f'p@{i}000000 {{ compatible = "test,part"; reg = <{i * 0x1000 + 0x10000000} '
                        f"0x1000>; iommus = <&smmu {i}>; }};" for i in range(count))
        return ("/dts-v1/; / { #address-cells = <1>; #size-cells = <1>; smmu: iommu@5000000 { compatible = "
                '"arm,smmu-v3"; reg = <0x5000000 0x20000>; #iommu-cells = <1>; };' + parts + "};")

    def test_nodes_beyond_the_table_are_named_and_the_reading_goes_on(self):
        for count in (KEPT, KEPT + 1, 3 * KEPT):
            with self.subTest(count=count):
                result = self.look(self.crowd(count))
                verdicts = list(self.verdicts(result).values())
                self.assertEqual(verdicts, ["isolated"] * KEPT + ["limit"] * (count - KEPT))
                self.assertEqual(result.of("summary")[0]["blocks"], count)
                self.assertEqual(result.of("summary")[0]["kept"], KEPT)

    def test_nodes_that_are_nested_too_deeply_are_told_and_the_reading_goes_on(self):
        deep = "n {" * 9 + "};" * 9
        source = self.crowd(1).replace("smmu:", deep + " smmu:")
        result = self.look(source)
        self.assertEqual(self.verdicts(result), {"/p@0000000": "isolated"})
        self.assertIn("nodes are nested too deeply", [r["why"] for r in result.of("refusal")])

    def test_a_large_tree_is_read_and_told(self):
        source = self.crowd(1).replace("smmu:", "pad = [" + "00" * 140000 + "]; smmu:")
        self.assertIn("the device tree is larger than the hypervisor's copy of it can be",
                      [r["why"] for r in self.look(source).of("refusal")])

    def test_control_bytes_of_a_tree_do_not_reach_the_terminal(self):
        source = self.crowd(1).replace("/ {", '/ { model = "\\x1b[31mred";')
        output = subprocess.run([os.path.join(OPTIONS.folder, "check"), "--board-tree",
                                 self.blob(source)], capture_output=True, check=True).stdout
        self.assertNotIn(b"\x1b", output)
        self.assertIn(b"?[31mred", output)

    def test_what_is_no_tree_is_a_mistake_in_one_line(self):
        path = os.path.join(self.scratch.name, "none.dtb")
        whole = self.blob(self.crowd(1))
        with open(whole, "rb") as file:
            data = file.read()
        for content in (b"", b"\xd0\x0d\xfe\xed", b"x" * 100, data[:-20]):
            with open(path, "wb") as file:
                file.write(content)
            result = subprocess.run([os.path.join(OPTIONS.folder, "check"), "--board-tree", path],
                                    capture_output=True, text=True)
            self.assertEqual((result.returncode, result.stdout, result.stderr.count("\n")), (1, "", 1),
                             result.stderr)
            self.assertIn(path, result.stderr)


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("--folder", required=True)
    parser.add_argument("--dtc", default="dtc")
    parser.parse_args(namespace=OPTIONS)
    sys.exit(close_with(unittest.defaultTestLoader.loadTestsFromTestCase(Boards)))
