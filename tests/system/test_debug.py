# SPDX-License-Identifier: Apache-2.0
"""`make debug`: the machine waits for a debugger, and symbols name what the CPU runs.

No debugger is needed: the test speaks the remote protocol itself.
"""
import os
import re
import select
import shlex
import shutil
import subprocess
import sys
import tempfile
import unittest

import harness
import processes
from built import ELF, PAYLOADS, addresses, call
from scenario import Partition, ScenarioTest, make_bundle, probe, source_of

DEBUG = os.path.join(harness.ROOT, "tools", "run", "debug.py")
PROBE = os.path.join(PAYLOADS, "probe.elf")
NARROW = os.path.join(PAYLOADS, "selfcheck32.elf")


def read_now(descriptor):
    """What has been written to a pipe since."""
    ready, _, _ = select.select([descriptor], [], [], 0.5)
    return os.read(descriptor, 1 << 16) if ready else b""


class Debug(ScenarioTest):
    """Started as `make debug` starts it."""

    def start(self, partition=probe("exit", code=0), payload=PROBE):
        """(debugger's command line, connection)"""
        bundle = make_bundle(self.folder, source_of([partition]))
        socket = os.path.join(self.folder, f"{self._testMethodName[-20:]}.gdb")
        process = processes.start(
            self, [sys.executable, DEBUG, "--print", "--board", harness.BOARD_FOLDER, "--image",
             harness.IMAGE, "--symbols", ELF, "--bundle", bundle, "--payload", payload, "--listen",
             f"unix:{socket}"], stdout=subprocess.PIPE)
        line = processes.read_until(process.stdout.fileno(), b"\n").decode().splitlines()[0]
        self.assertTrue(line.startswith("debugger: "), line)
        self.process = process
        gdb = harness.Gdb(harness.connect(socket, process))
        self.addCleanup(gdb.close)
        return shlex.split(line)[1:], socket, gdb

    def run_to(self, gdb, address):
        gdb.break_at(address)
        gdb.run_to_stop()
        self.assertEqual(gdb.register(gdb.PC), address)
        gdb.unbreak(address)

    def test_symbols_of_hypervisor_and_payload_are_where_the_cpu_runs(self):
        command, socket, gdb = self.start()
        self.assertIn(f"target remote {socket}", command)
        self.assertIn(f"add-symbol-file {PROBE}", command)
        self.assertIn(ELF, command)
        self.run_to(gdb, addresses(ELF)["kernel_main"])
        self.assertEqual(gdb.exception_level(), 2)
        self.run_to(gdb, addresses(PROBE)["main"])
        self.assertEqual(gdb.exception_level(), 1)

    def test_32_bit_code_stops_at_its_symbols(self):
        """QEMU's stub shows no registers of it: where it stopped, the console tells."""
        partition = Partition("narrow", "test=large-code", "selfcheck32.elf", lines=("aarch32;",))
        _, _, gdb = self.start(partition, NARROW)
        gdb.break_at(addresses(NARROW)["main"])
        gdb.run_to_stop()
        gdb.unbreak(addresses(NARROW)["main"])
        console = self.process.stdout.fileno()
        before = processes.read_until(console, b"in AArch32")
        self.assertNotIn(b"[narrow]", before + read_now(console))
        gdb.resume()
        processes.read_until(console, b"[narrow] test large-code")

    def run_stand_in(self, command):
        """(what it did, socket): a script stands in for gdb, which tells its arguments and leaves."""
        folder = tempfile.mkdtemp(dir=self.folder)
        stand_in, socket = os.path.join(folder, "gdb-multiarch"), os.path.join(folder, "gdb")
        with open(stand_in, "w", encoding="utf-8") as out:
            out.write('#!/bin/sh\n[ "$2" = -batch ] && exit 0\nprintf "<%s>" "$@"\nexit 7\n')
        os.chmod(stand_in, 0o755)
        return subprocess.run(
            [*command, "--listen", f"unix:{socket}", "--console", os.path.join(folder, "console")],
            capture_output=True, encoding="utf-8", cwd=harness.ROOT, timeout=30, check=False,
            env={**os.environ, "PATH": folder + os.pathsep + os.environ["PATH"]}), socket

    def test_a_debugger_that_is_there_is_started_on_the_machine_which_ends_with_it(self):
        done, socket = self.run_stand_in([sys.executable, DEBUG, "--board", harness.BOARD_FOLDER,
                                          "--image", harness.IMAGE, "--symbols", ELF])
        self.assertEqual((done.returncode, done.stderr), (7, ""))
        self.assertIn(f"<{ELF}>", done.stdout)
        self.assertIn(f"<target remote {socket}>", done.stdout)

    def debug(self, payload):
        """What `make debug PAYLOAD=` does for a set with a program beside it, my.elf."""
        config = os.path.join(self.folder, "mine.dts")
        shutil.copy(NARROW, os.path.join(self.folder, "my.elf"))
        shown = call("make", "-n", "-C", harness.ROOT, "debug", f"CONFIG={config}",
                     f"PAYLOAD={payload}", f"BUILD={harness.BUILD}").replace("\\\n", " ")
        words = shlex.split([line for line in shown.splitlines() if "debug.py" in line][-1])
        script = [word.endswith("debug.py") for word in words].index(True)
        bundle = make_bundle(self.folder, source_of([probe("exit", code=0)]))
        return self.run_stand_in([sys.executable, *words[script:], "--bundle", bundle])[0]

    def test_a_payload_is_looked_up_beside_the_set_and_then_among_those_that_are_built(self):
        for payload, path in (("my.elf", os.path.join(self.folder, "my.elf")),
                              ("probe.elf", os.path.relpath(PROBE, harness.ROOT)), (NARROW, NARROW)):
            with self.subTest(payload=payload):
                done = self.debug(payload)
                self.assertEqual((done.returncode, done.stderr), (7, ""))
                added = re.search("<add-symbol-file ([^>]*)>", done.stdout)
                self.assertIsNotNone(added, done.stdout)
                self.assertEqual(os.path.realpath(os.path.join(harness.ROOT, added[1])),
                                 os.path.realpath(os.path.join(harness.ROOT, path)))

    def test_a_payload_that_is_nowhere_is_named(self):
        done = self.debug("none.elf")
        self.assertEqual(done.returncode, 1)
        self.assertIn("debug.py: payload none.elf: no such file in", done.stderr)


if __name__ == "__main__":
    unittest.main()
