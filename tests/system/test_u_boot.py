# SPDX-License-Identifier: Apache-2.0
"""Debian's U-Boot loads image and bundle from an NVMe disk and starts them, by booti and as a FIT.

U-Boot leaves its disk running: queues set up, bus mastering on. Here, a partition gets the
disk afterwards.
"""
import os
import subprocess
import sys
import tempfile

import harness
from harness import require
from scenario import EDU, REFUSED, Bundle, call, make_bundle, pci, probe, source_of
from u_boot import (BY_BOOTI, BY_FIT, FIRMWARE, LIMIT, NOT_STARTED, TAKES_THE_DISK, Loaded,
                    UBootTest, disk_for, make_disk, make_fit)

CPUS = ("max", "cortex-a53", "neoverse-n1")
IN_USE = probe("abi", devices=[pci(EDU)])
IDLE = probe("exit", "idle", code=0)


class Started(UBootTest):
    """Sets that must run as they do when QEMU loads them."""

    def assert_runs(self, way, cpu):
        run = self.load([IN_USE, TAKES_THE_DISK], way, "-cpu", cpu)
        self.assertEqual(run.codes, {"abi": 0, "nvme": 0})
        for name in ("abi", "nvme"):
            self.assert_checks_hold(run, name)
        return run

    def test_row_5_9_booti_starts_a_set_on_each_cpu(self):
        for cpu in CPUS:
            with self.subTest(cpu):
                self.assert_runs(BY_BOOTI, cpu)

    def test_a_fit_starts_a_set_on_each_cpu_with_its_hashes_compared(self):
        for cpu in CPUS:
            with self.subTest(cpu):
                run = self.assert_runs(BY_FIT, cpu)
                self.assertEqual(run.loader.count("sha256+ OK"), 2, "image and bundle")

    def test_the_disk_that_u_boot_left_running_is_reset_before_a_partition_has_it(self):
        run = self.load([TAKES_THE_DISK], BY_BOOTI)
        self.assert_checks_hold(run, "nvme")
        self.assertIn("serial number: bulkhead-boot", run.said("nvme")[1])

    def test_the_demo_runs_as_it_does_without_u_boot(self):
        """The disk moves no other device: the set names the same bus numbers."""
        disk = disk_for(self.folder, require(harness.DEMO), BY_BOOTI)
        command = [sys.executable, os.path.join(harness.ROOT, "tools", "run", "run.py"), "--board",
                   harness.BOARD_FOLDER, "--firmware", require(FIRMWARE), "--disk", disk]
        done = subprocess.run(command, capture_output=True, timeout=LIMIT, check=False,
                              encoding="utf-8")
        self.assertEqual((done.returncode, done.stderr), (0, ""), done.stdout)
        self.assertRegex(done.stdout.splitlines()[-1], r"^\[bulkhead\] off: ")


class Refused(UBootTest):
    """What U-Boot, or else Bulkhead, must not start."""

    def setUp(self):
        super().setUp()
        self.bundle = make_bundle(self.folder, source_of([IDLE]))

    def assert_not_started(self, disk, *words):
        """U-Boot says why, the machine goes off, and no instruction of the image ran."""
        run = Loaded(self.boot_disk(disk))
        for word in (*words, NOT_STARTED):
            self.assertIn(word, run.loader)
        self.assertFalse(run.started, run.loader)
        self.assertNotIn("[bulkhead]", run.loader)
        self.assertEqual(run.status, 0, "QEMU's own status")

    def fit_disk(self, fit):
        return make_disk(self.folder, "u-boot-fit.cmd", {"bulkhead.itb": fit})

    def damaged_fit(self, part):
        """A FIT with one bit changed in the middle of that file's copy."""
        fit = make_fit(self.folder, self.bundle)
        with open(part, "rb") as file, open(fit, "r+b") as out:
            contents, whole = file.read(), out.read()
            place = whole.index(contents) + len(contents) // 2
            out.seek(place)
            out.write(bytes([whole[place] ^ 1]))
        return fit

    def test_a_fit_whose_image_was_damaged_is_refused_by_u_boot(self):
        fit = self.damaged_fit(require(harness.IMAGE))
        self.assert_not_started(self.fit_disk(fit), "Bad hash value", "'hypervisor' image node")

    def test_a_fit_whose_bundle_was_damaged_is_refused_by_u_boot(self):
        fit = self.damaged_fit(self.bundle)
        self.assert_not_started(self.fit_disk(fit), "Bad hash value", "'bundle' image node")

    def test_a_fit_with_a_wrong_hash_is_refused_by_u_boot(self):
        fit = make_fit(self.folder, self.bundle)
        call("fdtput", "-t", "bx", fit, "/images/hypervisor/hash", "value", *["5a"] * 32)
        self.assert_not_started(self.fit_disk(fit), "Bad hash value", "'hypervisor' image node")

    def changed_fit(self, *change):
        """A FIT with one property changed; `change`: the words of fdtput."""
        fit = make_fit(self.folder, self.bundle)
        call("fdtput", "-t", change[0], fit, *change[1:])
        return self.fit_disk(fit)

    def test_a_fit_with_a_wrong_hash_of_the_bundle_is_refused_by_u_boot(self):
        disk = self.changed_fit("bx", "/images/bundle/hash", "value", *["5a"] * 32)
        self.assert_not_started(disk, "Bad hash value", "'bundle' image node")

    def test_a_fit_with_a_hash_that_u_boot_cannot_compute_is_refused(self):
        for image in ("hypervisor", "bundle"):
            with self.subTest(image):
                disk = self.changed_fit("s", f"/images/{image}/hash", "algo", "sha0")
                self.assert_not_started(disk, f"'{image}' image node")

    def test_a_fit_whose_configuration_names_no_image_is_refused_by_u_boot(self):
        for role in ("kernel", "ramdisk"):
            with self.subTest(role):
                disk = self.changed_fit("s", "/configurations/conf", role, "nobody")
                self.assert_not_started(disk)

    def test_a_disk_without_a_bundle_starts_nothing(self):
        disk = make_disk(self.folder, "u-boot.cmd", {"bulkhead.img": require(harness.IMAGE)})
        self.assert_not_started(disk, "Failed to load 'bulkhead.bundle'")

    def test_a_file_that_is_no_image_is_refused_by_u_boot(self):
        disk = make_disk(self.folder, "u-boot.cmd", {"bulkhead.img": self.bundle,
                                                     "bulkhead.bundle": self.bundle})
        self.assert_not_started(disk, "Bad Linux ARM64 Image magic!")

    def assert_refused_by_bulkhead(self, bundle, text):
        run = Loaded(self.boot_disk(disk_for(self.folder, bundle, BY_BOOTI)))
        self.assertTrue(run.started, run.loader)
        self.assertEqual(run.codes, {"bulkhead": REFUSED})
        self.assertEqual(run.hypervisor(": starts at "), [])
        self.assertTrue(run.hypervisor(text), run.lines)

    def test_a_bundle_whose_payload_was_damaged_is_refused_by_bulkhead(self):
        bundle = Bundle(self.bundle)
        bundle.flip(1, len(bundle.contents(1)) // 2)
        self.assert_refused_by_bulkhead(bundle.save(self.folder), "payload: .*digest.*damaged")

    def test_a_bundle_whose_set_was_damaged_is_refused_by_bulkhead(self):
        bundle = Bundle(self.bundle)
        bundle.flip(0, 60)
        self.assert_refused_by_bulkhead(bundle.save(self.folder), "^fatal: .*digest.*damaged")

    def test_a_truncated_bundle_is_refused_by_bulkhead(self):
        bundle = Bundle(self.bundle)
        self.assert_refused_by_bulkhead(bundle.save(self.folder, len(bundle.data) - 4096),
                                        "^fatal: .*truncated")

    def test_a_file_that_is_no_bundle_is_refused_by_bulkhead(self):
        path = os.path.join(tempfile.mkdtemp(dir=self.folder), "initrd")
        with open(path, "wb") as out:
            out.write(b"070701" + bytes(100000))
        self.assert_refused_by_bulkhead(path, "^fatal: .*not a Bulkhead bundle")


class Media(UBootTest):
    """The tools that make the disk and the FIT."""

    def tool(self, name, *arguments):
        command = [sys.executable, os.path.join(harness.ROOT, "tools", name), *arguments]
        return subprocess.run(command, capture_output=True, timeout=60, check=False,
                              encoding="utf-8")

    def scratch(self, name, data=b""):
        path = os.path.join(tempfile.mkdtemp(dir=self.folder), name)
        with open(path, "wb") as out:
            out.write(data)
        return path

    def assert_one_line(self, done, *words):
        self.assertEqual((done.returncode, len(done.stderr.splitlines())), (1, 1), done)
        for word in words:
            self.assertIn(word, done.stderr)

    def test_the_same_parts_make_the_same_fit(self):
        bundle = self.scratch("bundle", bytes(range(256)))
        first, second = (make_fit(self.folder, bundle) for _ in range(2))
        with open(first, "rb") as one, open(second, "rb") as other:
            self.assertEqual(one.read(), other.read())

    def test_a_fit_takes_parts_whose_names_need_quotes(self):
        bundle = self.scratch('a "bundle" \\, so to say', b"the bundle's contents")
        with open(make_fit(self.folder, bundle), "rb") as fit:
            self.assertIn(b"the bundle's contents", fit.read())

    def test_a_part_of_a_fit_that_is_missing_is_named(self):
        done = self.tool("fit.py", "--image", "/no/image", "--bundle", self.scratch("bundle"),
                         "--output", self.scratch("fit"))
        self.assert_one_line(done, "/no/image", "no such file")

    def test_a_file_for_the_disk_that_is_missing_is_named(self):
        done = self.tool("disk.py", "--script", self.scratch("script"), "--output",
                         self.scratch("disk"), "/no/file=x")
        self.assert_one_line(done, "/no/file", "no such file")

    def test_what_stands_on_the_disk_is_what_was_given(self):
        contents = os.urandom(3 << 20)
        disk = make_disk(self.folder, "u-boot.cmd", {"a file": self.scratch("file", contents)})
        copy = self.scratch("copy")
        call("mcopy", "-o", "-i", f"{disk}@@1M", "::a file", copy)
        with open(copy, "rb") as file:
            self.assertEqual(file.read(), contents)
