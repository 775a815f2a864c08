# SPDX-License-Identifier: Apache-2.0
"""Partition sets for the system tests: written, packed and run on the image that ships.

    Partition       one node of a set, as a person would write it
    probe(...)      a partition that runs one behaviour of guests/probe
    make_bundle     a set and its payloads, packed by the tool that `make run` uses
    Bundle          a bundle taken apart, to be damaged
    assemble        a program of sets/ as a flat binary, for what no C program does
    Run             a run that has ended: who said what, and the codes of the closing line
    ScenarioTest    a test that boots sets and shows the console of those that it booted

Every line of every run must begin with the name of a partition of its set, or with [bulkhead].
"""
import contextlib
import dataclasses
import hashlib
import os
import re
import sys
import tempfile

import harness
from built import CROSS, ELF, PAYLOADS, call, packer
from harness import Machine, SystemTest, require, runner
from places import MIB

SETS = os.path.join(harness.ROOT, "tests", "system", "sets")

LIMIT = 90.0  # seconds of real time for a run that takes two
BASE, SIZE = 0x40000000, 16 * MIB  # of a partition, guest-physical, unless a test says otherwise
POOL_PAGES, PAGE = 64, 4096  # table pages that a set gets by default, behind the visible memory

CRASH, REFUSED = 254, 253  # exit codes that the hypervisor gives
EDU = "0000:01:00.0"  # the board's own device


def cells(*numbers):
    """Numbers of 64 bits as cells of a device tree."""
    return "<" + " ".join(f"{number >> 32:#x} {number & 0xFFFFFFFF:#x}" for number in numbers) + ">"


def pci(address):
    return f'pci = "{address}";'


def block(path):
    return f'path = "{path}"; no-dma;'


@dataclasses.dataclass(frozen=True)
class Partition:
    """A node of a set. `lines` are further properties, in the words of the device tree."""

    name: str
    bootargs: str = ""
    payload: str = "probe.elf"
    memory: tuple = (BASE, SIZE)
    devices: tuple = ()
    lines: tuple = ()

    def source(self):
        words = [f'payload = "{self.payload}";', f'bootargs = "{self.bootargs}";', *self.lines]
        if self.memory:
            words.append(f"memory = {cells(*self.memory)};")
        devices = [f"device{number} {{ {text} }};" for number, text in enumerate(self.devices)]
        words.append("devices { " + " ".join(devices) + " };")
        return f"{self.name} {{\n    " + "\n    ".join(words) + "\n};\n"


def probe(test, name=None, devices=(), lines=(), memory=(BASE, SIZE), **words):
    """A partition that runs that behaviour; `words` are what it reads from bootargs."""
    spelled = [f"{key.replace('_', '-')}={value}" for key, value in words.items()]
    return Partition(name or test, " ".join([f"test={test}", *spelled]), memory=memory,
                     devices=tuple(devices), lines=tuple(lines))


def source_of(partitions, windows=""):
    """windows: nodes of /windows, in the words of the device tree."""
    nodes = "".join(partition.source() for partition in partitions)
    return ('/dts-v1/;\n/ {\ncompatible = "bulkhead,partition-set";\npartitions {\n'
            f"{nodes}}};\nwindows {{\n{windows}}};\n}};\n")


def make_bundle(folder, source, payloads=None, name="set.dts"):
    """The path of a bundle of the set in `source`; `payloads`: {name: bytes} beside the set."""
    folder = tempfile.mkdtemp(dir=folder)
    for file, data in {name: source.encode(), **(payloads or {})}.items():
        with open(os.path.join(folder, file), "wb") as out:
            out.write(data)
    return pack_file(folder, os.path.join(folder, name))


def pack_file(folder, config, image=ELF):
    """The path of a bundle of a set that lies in a file; ${name} in it is a symbol of the image."""
    output = os.path.join(tempfile.mkdtemp(dir=folder), "set.bundle")
    call(sys.executable, os.path.join(harness.ROOT, "tools", "bundle.py"), "--config", config,
         "--image", require(image), "--payloads", require(PAYLOADS, "make guests"),
         "--prefix", CROSS, "--output", output)
    return output


class Bundle:
    """What a bundle holds, entry by entry (kernel/bundle.h), to be changed and packed again."""

    def __init__(self, path):
        with open(path, "rb") as file:
            self.data = bytearray(file.read())
        _, _, count, _, _ = packer.HEADER.unpack_from(self.data)
        places = [packer.HEADER.size + number * packer.ENTRY.size for number in range(count)]
        self._entries = dict(enumerate(places))

    def _fields(self, number):
        return packer.ENTRY.unpack_from(self.data, self._entries[number])

    def contents(self, number):
        _, offset, size, _ = self._fields(number)
        return bytes(self.data[offset:offset + size])

    def rename(self, number, name):
        _, offset, size, digest = self._fields(number)
        packer.ENTRY.pack_into(self.data, self._entries[number], name.encode(), offset, size,
                               digest)

    def place(self, number, offset, size):
        """Say that the contents stand elsewhere."""
        name, _, _, digest = self._fields(number)
        packer.ENTRY.pack_into(self.data, self._entries[number], name, offset, size, digest)

    def flip(self, number, position):
        """Change one bit of the contents; the digest stays what it was."""
        self.data[self._fields(number)[1] + position] ^= 1

    def replace(self, number, contents):
        """Other contents of the same size, with a digest that agrees."""
        name, offset, size, _ = self._fields(number)
        assert len(contents) == size
        self.data[offset:offset + size] = contents
        packer.ENTRY.pack_into(self.data, self._entries[number], name, offset, size,
                               hashlib.sha256(contents).digest())

    def save(self, folder, length=None):
        """The path of a new file with the first `length` bytes, or all."""
        path = os.path.join(tempfile.mkdtemp(dir=folder), "damaged.bundle")
        with open(path, "wb") as out:
            out.write(self.data[:length])
        return path


def assemble(folder, name, **defines):
    """The program sets/<name>.S as a flat binary."""
    folder = tempfile.mkdtemp(dir=folder)
    elf, flat = os.path.join(folder, name + ".elf"), os.path.join(folder, name + ".bin")
    call(CROSS + "gcc", "-nostdlib", "-static", "-no-pie", "-z", "noexecstack",
         "-Wl,-Ttext=0,--build-id=none", f"-I{os.path.join(harness.ROOT, 'include')}",
         *(f"-D{key}={value}" for key, value in defines.items()),
         "-o", elf, os.path.join(SETS, name + ".S"))
    call(CROSS + "objcopy", "-O", "binary", elf, flat)
    with open(flat, "rb") as file:
        return file.read()


class Run:
    """A run that has ended by itself."""

    def __init__(self, machine, limit=LIMIT):
        self.status = machine.wait_end(limit)
        self.lines = machine.console.lines()
        self.codes = dict(runner.parse_off(self.lines[-1]) or ()) if self.lines else {}

    def said(self, name):
        """What one partition printed, without its name in front."""
        prefix = f"[{name}] "
        return [line[len(prefix):] for line in self.lines if line.startswith(prefix)]

    def hypervisor(self, pattern):
        """The hypervisor's own lines that a pattern finds."""
        return [line for line in self.said("bulkhead") if re.search(pattern, line)]

    def strangers(self, names):
        """Lines that do not begin with one of the names: torn, mixed, or from nobody."""
        known = tuple(f"[{name}] " for name in (*names, "bulkhead"))
        return [line for line in self.lines if not line.startswith(known)]


class ScenarioTest(SystemTest):
    """Boots partition sets. A test that fails shows the consoles of the machines it booted."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.folder = cls.enterClassContext(tempfile.TemporaryDirectory(prefix="bulkhead-sets-"))

    @classmethod
    def launch(cls, bundle, *extra, **options):
        """A machine that boots a bundle, or a set of partitions; ends with the class."""
        if isinstance(bundle, (list, tuple)):
            source = source_of(bundle, options.pop("windows", ""))
            bundle = make_bundle(cls.folder, source, options.pop("payloads", None))
        machine = Machine(bundle=bundle, extra=extra,
                          **{"image": require(harness.IMAGE), **options})
        cls.addClassCleanup(machine.close)
        return machine

    @contextlib.contextmanager
    def subTest(self, *words, **names):  # noqa: N802 (a name of unittest)
        """A part that fails shows the machine that it booted last."""
        with super().subTest(*words, **names):
            try:
                yield
            except Exception as error:
                for machine in self.machines[-1:]:
                    error.add_note(machine.report())
                raise

    def boot(self, bundle, *extra, **options):
        """A machine of this test alone."""
        machine = self.launch(bundle, *extra, **options)
        self.addCleanup(machine.close)
        self.machines = (*self.machines, machine)
        return machine

    def run_set(self, partitions, *extra, **options):
        """Boot a set, wait for its end, check that each line has a name in front."""
        run = Run(self.boot(partitions, *extra, **options))
        self.assert_named(run, [partition.name for partition in partitions])
        return run

    def assert_named(self, run, names):
        self.assertEqual(run.strangers(names)[:3], [], "lines without a known name in front")

    def assert_codes(self, run, **codes):
        self.assertEqual(run.codes, {name.replace("_", "-"): code
                                     for name, code in codes.items()})

    def assert_checks_hold(self, run, name):
        """The probe's own verdict: every check that it made."""
        said = run.said(name)
        self.assertEqual([line for line in said if line.startswith("check ")], [])
        self.assertRegex(said[-1] if said else "", r"^[1-9]\d* checks, 0 failed$")
