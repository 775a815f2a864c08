# SPDX-License-Identifier: Apache-2.0
"""What the system tests share: a QEMU machine with limits, its console, and three ways in.

The image under test has no hook for any of this. What drives it stands outside:

    Machine   starts QEMU from the board's data file in a process group of its own and ends it again
    Console   collects what the serial port prints; waits for a line
    Qmp       QEMU's control protocol: stop, continue, replay to an instruction, memory to a file
    Qtest     loads and stores on the physical bus while the vCPU is stopped or running
    Gdb       the debug stub: step, registers, breakpoints, and memory by physical address

All sockets lie in a temporary folder. When a test fails, its message ends with the command line and
the whole console.
"""
import atexit
import base64
import contextlib
import json
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
import unittest
import xml.etree.ElementTree

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
sys.path.insert(0, os.path.join(ROOT, "tools", "run"))
import run as runner  # noqa: E402  (the tool lies beside the tests, not in a package)

os.environ.pop("QEMU_FLAGS", None)  # what runs is for the test to decide
BUILD = os.path.abspath(os.environ.get("BUILD") or os.path.join(ROOT, "build"))
os.environ["PATH"] = os.path.join(BUILD, "tools", "bin") + os.pathsep + os.environ["PATH"]
BOARD = os.environ.get("BOARD") or "qemu-virt"
BOARD_FOLDER = os.path.join(ROOT, "boards", BOARD)
OUTPUT = os.path.join(BUILD, BOARD)
IMAGE = os.environ.get("BULKHEAD_IMAGE") or os.path.join(OUTPUT, "bulkhead.img")
RESULTS = os.path.join(BUILD, "tests")
DEMO = os.path.join(OUTPUT, "demo.bundle")  # for the board's own machine
MACHINE_FOLDER = os.path.join(ROOT, "tests", "system", "machine")  # what all others run on
BUNDLE = os.environ.get("BULKHEAD_BUNDLE") or os.path.join(RESULTS, "sensor.bundle")

START_LIMIT = 20.0  # seconds until QEMU must have opened its sockets
ANSWER_LIMIT = 60.0  # seconds for one answer on a socket


class HarnessError(AssertionError):
    """The machine or one of its sockets did not do what a test asked of it."""


class Console:
    """The lines that a stream has printed so far, collected by a thread."""

    def __init__(self, stream):
        self._lines, self._closed = [], False
        self._changed = threading.Condition()
        self._thread = threading.Thread(target=self._collect, args=(stream,), daemon=True)
        self._thread.start()

    def _collect(self, stream):
        for raw in stream:
            with self._changed:
                self._lines.append(runner.decode(raw))
                self._changed.notify_all()
        with self._changed:
            self._closed = True
            self._changed.notify_all()

    def lines(self):
        with self._changed:
            return list(self._lines)

    def text(self):
        return "\n".join(self.lines())

    def wait_for(self, pattern, timeout, start=0):
        """(line number, match) of the first line from `start` on that `pattern` finds."""
        wanted, deadline = re.compile(pattern), time.monotonic() + timeout
        with self._changed:
            while True:
                for number in range(start, len(self._lines)):
                    match = wanted.search(self._lines[number])
                    if match:
                        return number, match
                start = len(self._lines)
                left = deadline - time.monotonic()
                if self._closed or left <= 0:
                    reason = "before the console closed" if self._closed else f"in {timeout:g} s"
                    raise HarnessError(f"no line matched {pattern!r} {reason}")
                self._changed.wait(left)

    def wait_closed(self, timeout):
        self._thread.join(timeout)
        if self._thread.is_alive():
            raise HarnessError(f"the console was still open after {timeout:g} s")


def connect(path, process, limit=START_LIMIT):
    """A stream socket to QEMU; waits until QEMU listens, gives up when it ends."""
    deadline = time.monotonic() + limit
    while True:
        link = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        try:
            link.connect(path)
            link.settimeout(ANSWER_LIMIT)
            return link
        except (FileNotFoundError, ConnectionRefusedError):
            link.close()
            if process.poll() is not None:
                status = process.returncode
                raise HarnessError(f"QEMU ended with status {status} at start") from None
            if time.monotonic() > deadline:
                raise HarnessError(f"QEMU did not open {os.path.basename(path)}") from None
            time.sleep(0.005)


class LineLink:
    """A socket that speaks in lines."""

    def __init__(self, link):
        self._link, self._rest = link, b""

    def send(self, data):
        self._link.sendall(data)

    def line(self):
        while b"\n" not in self._rest:
            data = self._link.recv(65536)
            if not data:
                raise HarnessError("QEMU closed a control socket")
            self._rest += data
        line, self._rest = self._rest.split(b"\n", 1)
        return line

    def close(self):
        self._link.close()


class Qmp:
    """QEMU's control protocol. Events that arrive between answers are kept in order."""

    def __init__(self, link):
        self._link, self.events = LineLink(link), []
        json.loads(self._link.line())  # the greeting
        self.command("qmp_capabilities")

    def command(self, name, **arguments):
        message = {"execute": name}
        if arguments:
            message["arguments"] = arguments
        self._link.send(json.dumps(message).encode() + b"\n")
        while True:
            answer = json.loads(self._link.line())
            if "event" in answer:
                self.events.append(answer)
            elif "error" in answer:
                raise HarnessError(f"QMP {name}: {answer['error']['desc']}")
            else:
                return answer["return"]

    def wait_event(self, name):
        """The next event of that name; earlier ones of other names are dropped."""
        while True:
            while self.events:
                event = self.events.pop(0)
                if event["event"] == name:
                    return event
            answer = json.loads(self._link.line())
            if "event" in answer:
                self.events.append(answer)

    def monitor(self, line):
        """A command of the human monitor, for what QMP does not offer."""
        return self.command("human-monitor-command", **{"command-line": line})

    def close(self):
        self._link.close()


class Qtest:
    """Loads and stores on the physical bus. A batch costs one round trip."""

    def __init__(self, link):
        self._link = LineLink(link)

    def batch(self, commands):
        """Send lines such as `readl 0x9050000`; returns the value of each answer, or None."""
        self._link.send("".join(command + "\n" for command in commands).encode())
        return [self._answer(command) for command in commands]

    def _words(self, command):
        words = self._link.line().decode().split()
        if not words or words[0] != "OK":
            raise HarnessError(f"qtest {command!r}: {' '.join(words)}")
        return words

    def _answer(self, command):
        words = self._words(command)
        return int(words[1], 16) if len(words) > 1 else None

    def read(self, address, size):
        """A piece of memory, in one round trip."""
        self._link.send(f"b64read {address:#x} {size:#x}\n".encode())
        return base64.b64decode(self._words(f"b64read {address:#x}")[1])

    def read64(self, address):
        return self.batch([f"readq {address:#x}"])[0]

    def read32(self, address):
        return self.batch([f"readl {address:#x}"])[0]

    def write32(self, address, value):
        self.batch([f"writel {address:#x} {value:#x}"])

    def close(self):
        self._link.close()


class Gdb:
    """The debug stub of QEMU, spoken directly: no debugger is needed.

    Acknowledgements are not sent: QEMU takes the start of the next packet for one, so that several
    packets may travel together.
    """

    PC, CPSR, SP = 32, 33, 31

    def __init__(self, link):
        self._link, self._rest, self._numbers = link, b"", None
        self.transact("qSupported:multiprocess+;swbreak+;hwbreak+;vContSupported+")
        self.transact("?")
        self.transact("Hg0")

    @staticmethod
    def _frame(body):
        data = body.encode("latin-1") if isinstance(body, str) else body
        return b"$" + data + b"#%02x" % (sum(data) & 0xFF)

    def _reply(self):
        while True:
            start = self._rest.find(b"$")
            end = self._rest.find(b"#", start) if start >= 0 else -1
            if end >= 0 and len(self._rest) >= end + 3:
                body, self._rest = self._rest[start + 1:end], self._rest[end + 3:]
                return body
            data = self._link.recv(65536)
            if not data:
                raise HarnessError("QEMU closed the debug socket")
            self._rest += data

    def transact(self, body):
        self._link.sendall(self._frame(body))
        return self._reply()

    def batch(self, bodies):
        """Several packets in one go, at most a few kilobytes; returns their replies in order."""
        self._link.sendall(b"".join(self._frame(body) for body in bodies))
        return [self._reply() for _ in bodies]

    def _expect_ok(self, body):
        reply = self.transact(body)
        if reply != b"OK":
            raise HarnessError(f"debug stub: {body!r} answered {reply!r}")

    # -- running ------------------------------------------------------------------------------

    def allow_timers_while_stepping(self):
        """By default QEMU holds interrupts and timers back from a step; a real CPU does not."""
        self._expect_ok("Qqemu.sstep=1")

    def step(self, thread=1, others=False):
        """One instruction of one vCPU; `others`: the other vCPUs run meanwhile."""
        return self.transact(f"vCont;s:{thread:x}" + (";c" if others else ""))

    def resume(self):
        """Let all vCPUs run; pair with wait_stop."""
        self._link.sendall(self._frame("vCont;c"))

    def wait_stop(self, timeout=ANSWER_LIMIT):
        self._link.settimeout(timeout)
        try:
            return self._reply()
        except TimeoutError as error:
            raise HarnessError(f"the machine did not stop in {timeout:g} s") from error
        finally:
            self._link.settimeout(ANSWER_LIMIT)

    def interrupt(self):
        self._link.sendall(b"\x03")

    def run_to_stop(self, timeout=ANSWER_LIMIT):
        self.resume()
        return self.wait_stop(timeout)

    @staticmethod
    def stopped_thread(stop):
        """Number of the vCPU (from 1) that a stop reply names."""
        match = re.search(rb"thread:(?:p[0-9a-f]+\.)?([0-9a-f]+);", stop)
        return int(match.group(1), 16) if match else 1

    # -- breakpoints --------------------------------------------------------------------------

    def break_at(self, address):
        """A hardware breakpoint: nothing is written into the image."""
        self._expect_ok(f"Z1,{address:x},4")

    def unbreak(self, address):
        self._expect_ok(f"z1,{address:x},4")

    def watch_writes(self, address, size):
        self._expect_ok(f"Z2,{address:x},{size:x}")

    def unwatch_writes(self, address, size):
        self._expect_ok(f"z2,{address:x},{size:x}")

    # -- registers ----------------------------------------------------------------------------

    def select(self, thread):
        self._expect_ok(f"Hg{thread:x}")

    def register(self, number):
        return int.from_bytes(bytes.fromhex(self.transact(f"p{number:x}").decode()), "little")

    def registers(self, numbers):
        replies = self.batch([f"p{number:x}" for number in numbers])
        return [int.from_bytes(bytes.fromhex(reply.decode()), "little") for reply in replies]

    def exception_level(self):
        """0 to 3. In AArch32 state the mode bits give it, as far as a hypervisor cares."""
        mode = self.register(self.CPSR)
        if mode & 0x10:
            return {0x10: 0, 0x1A: 2, 0x16: 3}.get(mode & 0x1F, 1)
        return mode >> 2 & 3

    def system_register(self, name):
        if self._numbers is None:
            self._numbers = self._read_register_numbers()
        return self.register(self._numbers[name])

    def _read_register_numbers(self):
        """Name -> number of every register that the stub describes."""
        numbers, following = {}, 0
        top = self._feature("target.xml")  # not well-formed: it does not declare its prefix xi
        for include in re.findall(r'<xi:include href="([^"]+)"', top):
            text = self._feature(include)
            for register in xml.etree.ElementTree.fromstring(text).iter("reg"):
                following = int(register.get("regnum", following))
                numbers[register.get("name")] = following
                following += 1
        return numbers

    def _feature(self, name):
        data = b""
        while True:
            reply = self.transact(f"qXfer:features:read:{name}:{len(data):x},7f0")
            data += reply[1:]
            if reply[:1] == b"l":
                return data.decode()
            if reply[:1] != b"m":
                raise HarnessError(f"debug stub: no description {name}: {reply!r}")

    # -- memory -------------------------------------------------------------------------------

    def use_physical_memory(self):
        """From here on memory is read and written by physical address, past MMU and stage 2."""
        self._expect_ok("Qqemu.PhyMemMode:1")

    def read(self, address, size):
        data = b""
        while len(data) < size:
            count = min(size - len(data), 1024)
            data += bytes.fromhex(self.transact(f"m{address + len(data):x},{count:x}").decode())
        return data

    def read64(self, address):
        return int.from_bytes(self.read(address, 8), "little")

    def read32(self, address):
        return int.from_bytes(self.read(address, 4), "little")

    def write(self, address, data):
        self._expect_ok(f"M{address:x},{len(data):x}:{data.hex()}")

    def close(self):
        self._link.close()


class Machine:
    """One run of QEMU: starts, is driven, ends with the `with` block whatever happens.

    `ways` names the sockets wanted: any of qmp, qtest, gdb. `held` keeps the vCPUs at reset.
    """

    def __init__(self, image=IMAGE, bundle=None, extra=(), ways=("qmp",), held=False, board=None):
        self.folder = tempfile.mkdtemp(prefix="bulkhead-test-")
        self._stack = contextlib.ExitStack()
        self._stack.callback(shutil.rmtree, self.folder, ignore_errors=True)
        try:
            options = ["-S"] if held else []
            for way in ways:
                options += self._options_of(way)
            self.command = runner.compose(board or MACHINE_FOLDER, image, bundle,
                                          [*options, *extra], self.path("scratch.disk"))
            self._start(ways)
        except BaseException:
            self._stack.close()
            raise

    def _socket(self, way):
        return os.path.join(self.folder, way)

    def _options_of(self, way):
        where = f"{self._socket(way)},server=on,wait=off"
        if way == "qtest":  # as an object: the option -qtest gets no input while QEMU replays
            return ["-chardev", f"socket,id=qtest-link,path={where}",
                    "-object", "qtest,id=qtest-server,chardev=qtest-link,log=none"]
        return [f"-{way}", f"unix:{where}"]

    def _start(self, ways):
        self.process = subprocess.Popen(self.command, stdin=subprocess.PIPE,
                                        stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                                        start_new_session=True)
        self._stack.callback(self.process.stdout.close)
        self._stack.callback(self.process.stdin.close)
        self._stack.callback(self._end)
        atexit.register(self._end)  # whoever ends the tests ends their machines
        self.console = Console(self.process.stdout)
        self.qmp = self.qtest = self.gdb = None
        for way, kind in (("qmp", Qmp), ("qtest", Qtest), ("gdb", Gdb)):
            if way in ways:
                client = self._connect(way, kind)
                self._stack.callback(client.close)
                setattr(self, way, client)

    def _connect(self, way, kind):
        try:
            return kind(connect(self._socket(way), self.process))
        except (HarnessError, OSError) as error:
            self._end()  # what it printed tells why
            raise HarnessError(f"no {way} connection: {error}\n{self.report()}") from error

    def _end(self):
        if self.process.poll() is None:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait()
        atexit.unregister(self._end)
        with contextlib.suppress(HarnessError):
            self.console.wait_closed(5)

    def type(self, keys):
        """What a person types at the console."""
        self.process.stdin.write(keys)
        self.process.stdin.flush()

    def path(self, name):
        """A file of this run; it goes with the machine."""
        return os.path.join(self.folder, name)

    def wait_end(self, timeout):
        """QEMU's exit status once it has ended by itself."""
        try:
            status = self.process.wait(timeout)
        except subprocess.TimeoutExpired as error:
            raise HarnessError(f"the machine was still on after {timeout:g} s") from error
        self.console.wait_closed(5)
        return status

    def report(self):
        """What a person needs to find out why a test failed."""
        return (f"--- command line ---\n{' '.join(self.command)}\n"
                f"--- console ---\n{self.console.text()}\n--- end ---")

    def close(self):
        self._stack.close()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()


class SystemTest(unittest.TestCase):
    """A test whose failure shows the machines that it watched.

    Machines kept with `watch` are shown by every test of the class, those of setUpClass included.
    """

    machines = ()

    def setUp(self):
        self.notes = []  # what the runner prints below the line of the test

    @classmethod
    def watch(cls, machine):
        cls.machines = (*cls.machines, machine)
        return machine

    def note(self, text):
        self.notes.append(text)

    def _callTestMethod(self, method):  # noqa: N802 (a name of unittest)
        try:
            super()._callTestMethod(method)
        except Exception as error:
            for machine in self.machines:
                error.add_note(machine.report())
            raise


GUEST_ENTRY = re.compile(r"Exception return from AArch64 EL2 to AArch\d+ EL1 PC (0x[0-9a-f]+)")


class GrowingLog:
    """A log that QEMU writes: `fresh` is what has come since the last call, in whole lines."""

    def __init__(self, path):
        self.path, self._offset = path, 0

    def fresh(self):
        try:
            if os.stat(self.path).st_size == self._offset:
                return ""
        except FileNotFoundError:
            return ""
        with open(self.path, "rb") as log:
            log.seek(self._offset)
            text = log.read()
        text = text[:text.rfind(b"\n") + 1]
        self._offset += len(text)
        return text.decode("utf-8", "replace")


def wait_for_guest(machine, path, seconds):
    """The address of the first instruction below EL2, from QEMU's log of `-d int`."""
    log, deadline = GrowingLog(path), time.monotonic() + seconds
    while True:
        ended = machine.process.poll() is not None
        match = GUEST_ENTRY.search(log.fresh())
        if match:
            return int(match.group(1), 16)
        if ended or time.monotonic() > deadline:
            raise HarnessError(f"no guest instruction ran\n{machine.report()}")
        time.sleep(0.01)


def save_result(name, data):
    """Keep measured data for tables: build/tests/<name>.json."""
    os.makedirs(RESULTS, exist_ok=True)
    with open(os.path.join(RESULTS, f"{name}.json"), "w", encoding="utf-8") as out:
        json.dump(data, out, indent=1)
        out.write("\n")


def require(path, remedy="make"):
    """Fails, in words, where something that a test needs has not been built."""
    if not os.path.exists(path):
        raise HarnessError(f"{os.path.relpath(path, ROOT)} is missing: `{remedy}` builds it")
    return path
