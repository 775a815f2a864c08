# SPDX-License-Identifier: Apache-2.0
"""`make run` and others script against tools/run/run.py: what it prints and how it ends.

A shell script stands in for the emulator, so that each ending can be had at will.
"""
import fcntl
import os
import pty
import signal
import subprocess
import sys
import tempfile
import termios
import time
import unittest

import harness
import processes
from built import call

END = b"<the test has seen the run end>"
RUN = os.path.join(harness.ROOT, "tools", "run", "run.py")
BOARD_ARGUMENTS = """# a board
-M virt   # with a comment behind
-name "two words"
"""


def take_terminal(terminal):
    """In the child: the terminal is the one that its Ctrl-C comes from."""
    os.setsid()
    fcntl.ioctl(terminal, termios.TIOCSCTTY, 0)


class Run(unittest.TestCase):
    """Each test writes the script that run.py takes for QEMU."""

    def setUp(self):
        self.folder = tempfile.TemporaryDirectory()
        self.addCleanup(self.folder.cleanup)
        self.write("qemu.args", BOARD_ARGUMENTS)
        self.image = self.write("image", "")

    def write(self, name, text):
        path = os.path.join(self.folder.name, name)
        with open(path, "w", encoding="utf-8") as out:
            out.write(text)
        return path

    def prepare(self, script, extra=(), **environment):
        """(command, environment) of a run whose emulator is this shell script."""
        emulator = self.write("emulator", f"#!/bin/sh\n{script}\n")
        os.chmod(emulator, 0o755)
        start = () if "--firmware" in extra else ("--image", self.image)
        command = [sys.executable, RUN, "--board", self.folder.name, *start, *extra]
        clean = {name: value for name, value in os.environ.items()
                 if name not in ("QEMU_FLAGS", "NO_COLOR")}
        return command, {**clean, "QEMU": emulator, **environment}

    def run_it(self, script, extra=(), **environment):
        command, variables = self.prepare(script, extra, **environment)
        return subprocess.run(command, env=variables, stdin=subprocess.DEVNULL,
                              capture_output=True, timeout=30, check=False)

    def assert_status(self, script, status):
        done = self.run_it(script)
        self.assertEqual(done.returncode, status, done)

    def wait_for_process(self, number, alive):
        deadline = time.monotonic() + 10
        while os.path.exists(f"/proc/{number}") != alive:
            self.assertLess(time.monotonic(), deadline, f"process {number}, alive: {not alive}")
            time.sleep(0.01)

    def test_status_is_0_when_all_codes_are(self):
        self.assert_status("echo '[bulkhead] off: a=0 b=0'", 0)

    def test_status_is_the_first_code_that_is_not_0(self):
        self.assert_status("echo '[bulkhead] off: a=0 b=7 c=3'", 7)

    def test_status_is_clipped_to_125(self):
        self.assert_status("echo '[bulkhead] off: a=200'", 125)

    def test_status_is_1_without_the_closing_line(self):
        done = self.run_it("echo '[bulkhead] hello'; exit 0")
        self.assertEqual(done.returncode, 1)
        self.assertIn(b"did not end with", done.stderr)

    def test_a_closing_line_that_is_not_the_last_does_not_count(self):
        self.assert_status("echo '[bulkhead] off: a=0'; echo '[a] still here'", 1)

    def test_a_partition_cannot_forge_the_closing_line(self):
        self.assert_status(r"printf '[a] x\r[bulkhead] off: a=0\n'", 1)

    def test_the_time_limit_ends_the_run_and_the_emulator_with_its_children(self):
        done = self.run_it("sleep 60 & echo $!; wait", ["--timeout", "0.5"])
        self.assertEqual(done.returncode, 1)
        self.assertIn(b"took longer than 0.5 s", done.stderr)
        self.wait_for_process(int(done.stdout), alive=False)

    def interrupt(self, number):
        command, variables = self.prepare("echo $$; exec sleep 60")
        process = processes.start(self, command, env=variables, stdout=subprocess.PIPE,
                                  stderr=subprocess.PIPE)
        emulator = int(processes.read_until(process.stdout.fileno(), b"\n"))
        process.send_signal(number)
        _, errors = process.communicate(timeout=processes.LIMIT)
        self.wait_for_process(emulator, alive=False)
        self.assertEqual(errors, b"")
        return process.returncode

    def test_an_interrupt_ends_it_cleanly(self):
        self.assertEqual(self.interrupt(signal.SIGINT), 130)

    def test_a_plain_kill_ends_the_emulator_too(self):
        self.assertEqual(self.interrupt(signal.SIGTERM), 130)

    def test_the_command_line_is_the_board_then_what_the_caller_adds_then_qemu_flags(self):
        script = """for word in "$@"; do echo "<$word>"; done; echo '[bulkhead] off: a=0'"""
        done = self.run_it(script, ["--", "-icount", "shift=0"], QEMU_FLAGS="-d 'a b'")
        words = ["-M", "virt", "-name", "two words", "-kernel", self.image,
                 "-icount", "shift=0", "-d", "a b"]
        self.assertEqual(done.stdout.decode().splitlines()[:-1], [f"<{word}>" for word in words])

    def test_a_boot_loader_and_its_disk_stand_where_the_board_says(self):
        self.write("u-boot.args", "-bios ${firmware}  # flash\n-drive if=none,file=${disk}\n")
        disk = self.write("a,b.disk", "")
        script = """for word in "$@"; do echo "<$word>"; done; echo '[bulkhead] off: a=0'"""
        done = self.run_it(script, ["--firmware", self.image, "--disk", disk, "--", "-icount", "1"])
        words = ["-M", "virt", "-name", "two words", "-bios", self.image, "-drive",
                 f"if=none,file={disk.replace(',', ',,')}", "-icount", "1"]
        self.assertEqual(done.stdout.decode().splitlines()[:-1], [f"<{word}>" for word in words])

    def test_a_scratch_disk_is_made_and_what_stands_on_it_is_kept(self):
        self.write("qemu.args", "-drive if=none,file=${scratch}\n")
        disk = os.path.join(self.folder.name, "new", "a,b.disk")
        script = """for word in "$@"; do echo "<$word>"; done; echo '[bulkhead] off: a=0'"""
        done = self.run_it(script, ["--scratch", disk])
        self.assertIn(f"<if=none,file={disk.replace(',', ',,')}>", done.stdout.decode())
        self.assertEqual(os.path.getsize(disk), 16 << 20)
        with open(disk, "r+b") as file:
            file.write(b"kept")
        self.assertEqual(self.run_it(script, ["--scratch", disk]).returncode, 0)
        with open(disk, "rb") as file:
            self.assertEqual(file.read(4), b"kept")

    OVERLAY = """/dts-v1/;
/plugin/;
/ { fragment { target-path = "/"; __overlay__ { model = "ours"; }; }; };
"""
    DUMP_OR_RUN = r"""
case "$*" in
*dumpdtb=*) rest="${*#*dumpdtb=}"
    printf '/dts-v1/; / { model = "qemu"; words = "%s"; };' "$*" | dtc -q -o "${rest%% *}";;
*) echo "$*"; echo '[bulkhead] off: a=0';;
esac"""

    def test_a_board_with_an_overlay_passes_the_tree_of_the_command_line_with_that_applied(self):
        self.write("qemu.args", "-M virt\n-device pxb-pcie,id=a\n-device edu,bus=a\n")
        self.write("overlay.dts", self.OVERLAY)
        scratch = os.path.join(self.folder.name, "out", "disk")
        done = self.run_it(self.DUMP_OR_RUN, ["--scratch", scratch, "--", "-smp", "3", "-S"])
        tree = os.path.join(self.folder.name, "out", "passed.dtb")
        self.assertIn(f"-device edu,bus=a -dtb {tree} -kernel", done.stdout.decode(), done)
        self.assertEqual(call("fdtget", tree, "/", "model").strip(), "ours")
        words = call("fdtget", tree, "/", "words")
        self.assertRegex(words, "^-M virt -device pxb-pcie,id=a -smp 3 -M dumpdtb=")

    def test_an_overlay_that_does_not_fit_is_told(self):
        self.write("overlay.dts", self.OVERLAY.replace('"/"', '"/none/such"'))
        extra = ["--scratch", os.path.join(self.folder.name, "disk")]
        self.assert_told(r"^run\.py: fdtoverlay .*: status \d+: ", self.DUMP_OR_RUN, extra)

    def test_a_scratch_disk_that_cannot_be_made_is_told(self):
        self.write("qemu.args", "-drive if=none,file=${scratch}\n")
        blocked = os.path.join(self.write("file", ""), "disk")
        done = self.run_it("true", ["--scratch", blocked])
        self.assertEqual(done.returncode, 1)
        self.assertIn(b"no place for a scratch disk", done.stderr)

    def test_a_boot_loader_without_a_disk_is_refused(self):
        done = self.run_it("true", ["--firmware", self.image])
        self.assertEqual(done.returncode, 2)
        self.assertIn(b"--firmware needs --disk", done.stderr)

    def test_lines_arrive_as_they_come(self):
        command, variables = self.prepare("echo '[a] first'; read never; sleep 60")
        process = processes.start(self, command, env=variables, stdout=subprocess.PIPE)
        self.assertEqual(processes.read_until(process.stdout.fileno(), b"\n"), b"[a] first\n")
        self.assertIsNone(process.poll(), "the line came when the run had ended")

    def test_bytes_that_are_no_text_and_control_characters_are_replaced(self):
        done = self.run_it(r"printf '[a] \377 \033[2J \000 ok\n[bulkhead] off: a=0\n'")
        self.assertEqual(done.returncode, 0)
        self.assertEqual(done.stdout.decode().splitlines()[0],
                         "[a] \ufffd \ufffd[2J \ufffd ok")

    def on_terminal(self, **environment):
        """What run.py writes when standard output is a terminal."""
        script = "echo '[a] hi'; echo '[bulkhead] off: a=0'"
        command, variables = self.prepare(script, **environment)
        ours, its = pty.openpty()
        self.addCleanup(os.close, ours)
        self.addCleanup(os.close, its)
        subprocess.run(command, env=variables, stdin=subprocess.DEVNULL, stdout=its, timeout=30,
                       check=True)
        return processes.read_until(ours, b"off: a=0")

    def test_names_are_coloured_on_a_terminal_only(self):
        self.assertIn(b"\x1b[", self.on_terminal())
        self.assertNotIn(b"\x1b[", self.on_terminal(NO_COLOR="1"))
        self.assertNotIn(b"\x1b[", self.run_it("echo '[bulkhead] off: a=0'").stdout)

    def at_terminal(self, script, keys, status):
        """A person types once the script is ready; what he sees. The terminal is as before then."""
        command, variables = self.prepare(script)
        ours, its = pty.openpty()
        self.addCleanup(os.close, ours)
        self.addCleanup(os.close, its)
        before = termios.tcgetattr(its)
        process = processes.start(self, command, env=variables, stdin=its, stdout=its, stderr=its,
                                  preexec_fn=lambda: take_terminal(its))
        seen = processes.read_until(ours, b"ready")
        self.assertFalse(termios.tcgetattr(its)[3] & termios.ECHO, "keys are echoed")
        os.write(ours, keys)
        self.assertEqual(process.wait(processes.LIMIT), status, seen)
        self.assertEqual(termios.tcgetattr(its), before, "the terminal is not as it was")
        os.write(its, END)  # behind all that the run wrote
        return seen + processes.read_until(ours, END)

    def test_keys_go_to_the_machine_one_by_one_as_they_are(self):
        keys = b"a\r\x1d2\x04\x1a\x1c\x11z"
        script = (f"echo '[a] ready'; dd bs=1 count={len(keys)} status=none | od -An -tx1 -w64; "
                  "echo '[bulkhead] off: a=0'")
        self.assertIn(keys.hex(" ").encode(), self.at_terminal(script, keys, 0))

    def test_ctrl_c_ends_the_run_and_puts_the_terminal_back(self):
        self.assertIn(b"Ctrl-C ends the run", self.at_terminal("echo '[a] ready'; sleep 60",
                                                               b"x\x03", 130))

    def test_what_is_missing_is_named(self):
        os.remove(self.image)
        done = self.run_it("true")
        self.assertEqual((done.returncode, done.stdout), (1, b""))
        self.assertIn(self.image.encode(), done.stderr)
        self.assertEqual(len(done.stderr.splitlines()), 1)

    def assert_told(self, pattern, script="true", extra=(), **environment):
        """Nothing runs, and one line says why."""
        done = self.run_it(script, extra, **environment)
        self.assertEqual((done.returncode, done.stdout), (1, b""), done.stderr)
        self.assertEqual(len(done.stderr.splitlines()), 1, done.stderr)
        self.assertRegex(done.stderr.decode(), pattern)

    def test_an_emulator_that_is_not_there(self):
        self.assert_told("^run.py: QEMU=none/such: no such program$", QEMU="none/such")

    def test_an_emulator_that_cannot_be_started(self):
        broken = self.write("broken", "#!/none/such\n")
        os.chmod(broken, 0o755)
        self.assert_told("^run.py: .*/broken: No such file or directory$", QEMU=broken)

    def test_data_of_a_board_that_cannot_be_read(self):
        self.write("qemu.args", "-M virt\n-name 'two\n")
        self.assert_told(r"^run.py: .*/qemu\.args:2: No closing quotation$")
        os.remove(os.path.join(self.folder.name, "qemu.args"))
        self.assert_told(r"^run.py: .*/qemu\.args: No such file or directory: is .* a QEMU board\?$")

    def test_further_options_that_cannot_be_read(self):
        self.assert_told("^run.py: QEMU_FLAGS: No closing quotation$", QEMU_FLAGS="-name 'two")

    def test_an_emulator_that_closes_its_console_and_does_not_end(self):
        """The same program with less patience."""
        command, variables = self.prepare("exec >&- 2>&-; exec sleep 60")
        hasty = "import sys; import run; run.GRACE = 0.5; sys.exit(run.main())"
        done = subprocess.run([sys.executable, "-c", hasty, *command[2:]], capture_output=True,
                              env={**variables, "PYTHONPATH": os.path.dirname(RUN)}, timeout=30,
                              stdin=subprocess.DEVNULL, check=False)
        self.assertEqual((done.returncode, done.stderr.decode()), (
            1, "run.py: the emulator closed its console but did not end in 0.5 s\n"))


if __name__ == "__main__":
    unittest.main()
