# SPDX-License-Identifier: Apache-2.0
"""`make debug`: the machine waits for a debugger, and symbols name what the CPU runs.

No debugger is needed: the test speaks the remote protocol itself.
"""
import os
import shlex
import subprocess
import sys
import tempfile
import unittest

import harness
import processes
from built import ELF, PAYLOADS, addresses
from scenario import ScenarioTest, make_bundle, probe, source_of

DEBUG = os.path.join(harness.ROOT, "tools", "run", "debug.py")
PROBE = os.path.join(PAYLOADS, "probe.elf")


class Debug(ScenarioTest):
    """Started as `make debug` starts it."""

    def start(self):
        """(debugger's command line, connection)"""
        bundle = make_bundle(self.folder, source_of([probe("exit", code=0)]))
        socket = os.path.join(self.folder, f"{self._testMethodName[-20:]}.gdb")
        process = processes.start(
            self, [sys.executable, DEBUG, "--print", "--board", harness.BOARD_FOLDER, "--image",
             harness.IMAGE, "--symbols", ELF, "--bundle", bundle, "--payload", PROBE, "--listen",
             f"unix:{socket}"], stdout=subprocess.PIPE)
        line = processes.read_until(process.stdout.fileno(), b"\n").decode().splitlines()[0]
        self.assertTrue(line.startswith("debugger: "), line)
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

    def test_a_debugger_that_is_there_is_started_on_the_machine_which_ends_with_it(self):
        """A script stands in for it, which tells its arguments and leaves."""
        folder = tempfile.mkdtemp(dir=self.folder)
        stand_in, socket = os.path.join(folder, "gdb-multiarch"), os.path.join(folder, "gdb")
        with open(stand_in, "w", encoding="utf-8") as out:
            out.write('#!/bin/sh\n[ "$2" = -batch ] && exit 0\nprintf "<%s>" "$@"\nexit 7\n')
        os.chmod(stand_in, 0o755)
        done = subprocess.run(
            [sys.executable, DEBUG, "--board", harness.BOARD_FOLDER, "--image", harness.IMAGE,
             "--symbols", ELF, "--listen", f"unix:{socket}", "--console",
             os.path.join(folder, "console")], capture_output=True, encoding="utf-8",
            env={**os.environ, "PATH": folder + os.pathsep + os.environ["PATH"]}, timeout=30,
            check=False)
        self.assertEqual((done.returncode, done.stderr), (7, ""))
        self.assertIn(f"<{ELF}>", done.stdout)
        self.assertIn(f"<target remote {socket}>", done.stdout)


if __name__ == "__main__":
    unittest.main()
