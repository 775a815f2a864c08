# SPDX-License-Identifier: Apache-2.0
"""Starting the image through U-Boot, as `make run BOOT=u-boot` and BOOT=fit do: the same tools make
the disk, the same data of the board says what QEMU gets.

    Loaded      a run that has ended: what U-Boot printed apart from what the image printed
    UBootTest   a test that boots sets from a disk
"""
import os
import sys
import tempfile

import harness
from harness import require, runner
from scenario import Run, ScenarioTest, call, make_bundle, pci, probe, source_of

FIRMWARE = os.path.join(harness.BUILD, "tools", "u-boot", "u-boot.bin")
TOOLS = os.path.join(harness.ROOT, "tools")
STARTS = "Starting kernel ..."  # U-Boot's last words
NOT_STARTED = "U-Boot: the image was not started"  # those of the board's scripts
DISK = "0000:00:1c.0"  # where u-boot.args puts it
TAKES_THE_DISK = probe("nvme", devices=[pci(DISK)], device_name=DISK, serial="bulkhead-boot")
BY_BOOTI, BY_FIT = "booti", "FIT"
LIMIT = 120.0


def make_fit(folder, bundle, image=None):
    """The path of a FIT of image and bundle."""
    output = os.path.join(tempfile.mkdtemp(dir=folder), "bulkhead.itb")
    call(sys.executable, os.path.join(TOOLS, "fit.py"), "--image",
         image or require(harness.IMAGE), "--bundle", bundle, "--output", output)
    return output


def make_disk(folder, script, files):
    """The path of a disk with that script of the board; `files`: {name: path}."""
    output = os.path.join(tempfile.mkdtemp(dir=folder), "boot.disk")
    call(sys.executable, os.path.join(TOOLS, "disk.py"), "--script",
         os.path.join(harness.BOARD_FOLDER, script), "--output", output,
         *(f"{path}={name}" for name, path in files.items()))
    return output


def disk_for(folder, bundle, way):
    """The disk of `make run BOOT=...` with that bundle."""
    if way == BY_FIT:
        return make_disk(folder, "u-boot-fit.cmd", {"bulkhead.itb": make_fit(folder, bundle)})
    return make_disk(folder, "u-boot.cmd", {"bulkhead.img": require(harness.IMAGE),
                                            "bulkhead.bundle": bundle})


def options(disk):
    """What QEMU gets in place of image and bundle."""
    return runner.firmware_arguments(harness.BOARD_FOLDER, require(FIRMWARE, "make setup"), disk)


class Loaded(Run):
    """`lines` are those behind U-Boot's; `loader` is U-Boot's text."""

    def __init__(self, machine, limit=LIMIT):
        super().__init__(machine, limit)
        self.started = STARTS in self.lines
        end = self.lines.index(STARTS) + 1 if self.started else len(self.lines)
        self.loader = "\n".join(self.lines[:end])
        self.lines = [line for line in self.lines[end:] if line]


class UBootTest(ScenarioTest):
    """Boots from disks."""

    def boot_disk(self, disk, *extra, **how):
        return self.boot(None, *options(disk), *extra, image=None, **how)

    def load(self, partitions, way, *extra):
        """Boot a set of partitions to its end."""
        bundle = make_bundle(self.folder, source_of(partitions))
        run = Loaded(self.boot_disk(disk_for(self.folder, bundle, way), *extra))
        self.assertTrue(run.started, "U-Boot did not start the image")
        self.assert_named(run, [partition.name for partition in partitions])
        return run
