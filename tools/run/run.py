#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Run one image on a QEMU board and take the exit status from what the image says.

    run.py --board boards/qemu-virt --image bulkhead.img --bundle demo.bundle [-- QEMU options]
    run.py --board boards/qemu-virt --firmware u-boot.bin --disk demo.disk [-- QEMU options]

The board's data file `qemu.args` holds the machine, one option a line; ${scratch} in it is a disk
that is made, empty, where there is none. Where the board has an `overlay.dts`, the device tree that
QEMU would pass is passed with that applied. After it come the image, the bundle, or what `u-boot.args`
says of firmware and disk; the options behind `--`; and last the words of $QEMU_FLAGS. $QEMU names
the emulator.

The console goes to standard output line by line. A partition may print any byte: what is not UTF-8
and what would steer a terminal is replaced. The exit status comes from the line that closes a run,

    [bulkhead] off: name=code name2=code ...

0 if every code is 0, else the first that is not, clipped to 125; 1 with one line of explanation if
the line is missing or time runs out.

Where standard input and output are terminals, somebody sits there: each key goes to the machine's serial
port at once and without an echo, but for Ctrl-C, which ends the run; time does not run out unless
--timeout says so; and the names in front of lines are coloured unless $NO_COLOR is set.
"""
import argparse
import os
import re
import shlex
import shutil
import signal
import subprocess
import sys
import termios
import threading
import zlib

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
DEFAULT_QEMU = os.path.join(ROOT, "build", "tools", "bin", "qemu-system-aarch64")
DEFAULT_TIMEOUT = 120.0
SCRATCH_BYTES = 16 << 20  # of a disk that was not there
LARGEST_STATUS = 125  # what lies above means something else to a shell
GRACE = 10.0  # seconds that the machine may take to go off after it said so

OFF_LINE = re.compile(r"\[bulkhead\] off:((?: [^\s=]+=-?\d+)+) *")
PREFIX = re.compile(r"\[([^\]\s]+)\] ")
UNPRINTABLE = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f]")
BOLD = 1
SCRATCH = "${scratch}"
SHAPE = ("-M", "-cpu", "-smp", "-m")
SHAPING_DEVICES = ("arm-smmuv3,", "pxb-pcie,")
PALETTE = (32, 33, 34, 35, 36, 92, 93, 94, 95, 96)


class RunError(Exception):
    """What the user must be told in one line."""


def board_arguments(board, name="qemu.args"):
    """The QEMU options of a board: one option a line, '#' starts a comment."""
    path = os.path.join(board, name)
    try:
        with open(path, encoding="utf-8") as data:
            lines = data.readlines()
    except OSError as error:
        raise RunError(f"{path}: {error.strerror}: is {board} a QEMU board?") from error
    words = []
    for number, line in enumerate(lines, 1):
        try:
            words += shlex.split(line, comments=True)
        except ValueError as error:
            raise RunError(f"{path}:{number}: {error}") from error
    return words


def fill_in(words, files):
    """The words with files in place of their names; QEMU reads a comma in a name if there are two."""
    for name, path in files.items():
        words = [word.replace(name, path if word == name else path.replace(",", ",,"))
                 for word in words]
    return words


def make_scratch(path):
    """An empty disk, unless there is one: what was written to it is still there in the next run."""
    try:
        os.makedirs(os.path.dirname(os.path.abspath(path)), exist_ok=True)
        if not os.path.exists(path):
            with open(path, "wb") as disk:
                disk.truncate(SCRATCH_BYTES)
    except OSError as error:
        raise RunError(f"{path}: {error.strerror}: no place for a scratch disk") from error
    return path


def firmware_arguments(board, firmware, disk):
    """The options that start a boot loader in place of the image, with the two files in them."""
    return fill_in(board_arguments(board, "u-boot.args"), {"${firmware}": firmware, "${disk}": disk})


def default_scratch(board):
    return os.path.join(ROOT, "build", os.path.basename(os.path.abspath(board)), "scratch.disk")


def dump_arguments(words):
    """Of QEMU's options those that its device tree tells of."""
    pairs = zip(words, words[1:])
    return [word for name, value in pairs for word in (name, value)
            if name in SHAPE or name == "-device" and value.startswith(SHAPING_DEVICES)]


def tool(*command):
    """A program of the host that says something only if it fails."""
    try:
        done = subprocess.run(command, capture_output=True, encoding="utf-8", errors="replace",
                              stdin=subprocess.DEVNULL, check=False)
    except OSError as error:
        raise RunError(f"{command[0]}: {error.strerror}: `make setup` fetches what is missing") from error
    if done.returncode != 0:
        said = " ".join((done.stderr or done.stdout).split())
        raise RunError(f"{' '.join(command)}: status {done.returncode}: {said}")


def corrected_tree(board, qemu, words, folder):
    """The options that pass the board's own tree in place of QEMU's; none without an overlay.dts."""
    overlay = os.path.join(board, "overlay.dts")
    if not os.path.exists(overlay):
        return []
    try:
        os.makedirs(folder, exist_ok=True)
    except OSError as error:
        raise RunError(f"{folder}: {error.strerror}: no place for a device tree") from error
    own, change, whole = (os.path.join(folder, name)
                          for name in ("qemu.dtb", "overlay.dtbo", "passed.dtb"))
    tool(qemu, *dump_arguments(words), "-M", "dumpdtb=" + own.replace(",", ",,"),
         "-nodefaults", "-display", "none")
    tool("dtc", "-q", "-I", "dts", "-O", "dtb", "-o", change, overlay)
    tool("fdtoverlay", "-i", own, "-o", whole, change)
    return ["-dtb", whole]


def find_qemu():
    """$QEMU, else the emulator that the build unpacked, else the one on the path."""
    named = os.environ.get("QEMU")
    if named:
        found = shutil.which(named)
        if not found:
            raise RunError(f"QEMU={named}: no such program")
        return found
    found = shutil.which(DEFAULT_QEMU) or shutil.which("qemu-system-aarch64")
    if not found:
        raise RunError("no qemu-system-aarch64: `make setup` fetches it, QEMU=path names another")
    return found


def compose(board, image, bundle=None, extra=(), scratch=None):
    """The whole command line; $QEMU_FLAGS comes last so that it has the last word."""
    words = board_arguments(board)
    if any(SCRATCH in word for word in words):
        words = fill_in(words, {SCRATCH: make_scratch(scratch or default_scratch(board))})
    try:
        extra = [*extra, *shlex.split(os.environ.get("QEMU_FLAGS", ""))]
    except ValueError as error:
        raise RunError(f"QEMU_FLAGS: {error}") from error
    qemu, folder = find_qemu(), os.path.dirname(os.path.abspath(scratch or default_scratch(board)))
    command = [qemu, *words, *corrected_tree(board, qemu, [*words, *extra], folder)]
    if image:
        command += ["-kernel", image]
    if bundle:
        command += ["-initrd", bundle]
    return command + extra


def decode(raw):
    """One console line as text that is safe to print: no broken UTF-8, no control characters."""
    text = raw.rstrip(b"\r\n").decode("utf-8", "replace")
    return UNPRINTABLE.sub("\N{REPLACEMENT CHARACTER}", text)


def parse_off(line):
    """[(name, code), ...] if this is the line that closes a run, else None."""
    match = OFF_LINE.fullmatch(line)
    if not match:
        return None
    pairs = (word.rsplit("=", 1) for word in match.group(1).split())
    return [(name, int(code)) for name, code in pairs]


def exit_status(codes):
    """0 if all codes are 0, else the first other one as a shell can carry it."""
    for _, code in codes:
        if code:
            return min(max(code, 1), LARGEST_STATUS)
    return 0


class Painter:
    """Colours the `[name] ` in front of a line, each name always alike."""

    def __init__(self, stream):
        self.on = stream.isatty() and not os.environ.get("NO_COLOR")

    def paint(self, line):
        match = PREFIX.match(line) if self.on else None
        if not match:
            return line
        name = match.group(1)
        style = PALETTE[zlib.crc32(name.encode()) % len(PALETTE)]
        if name == "bulkhead":
            style = BOLD
        return f"\x1b[{style}m[{name}]\x1b[0m {line[match.end():]}"


class Keyboard:
    """Keys of a terminal, passed on one by one while this is entered; the terminal is as before then."""

    HINT = "run.py: Ctrl-C ends the run; Ctrl-] h tells which partition has the keyboard"

    def __init__(self, stream, out):
        self.on = bool(stream) and stream.isatty() and out.isatty()
        self.terminal = stream.fileno() if self.on else None
        if self.on:
            try:  # a run in the background leaves the terminal alone
                self.on = os.tcgetpgrp(self.terminal) == os.getpgrp()
            except OSError:  # nobody's terminal: there is no background
                pass

    def __enter__(self):
        if self.on:
            self.before = termios.tcgetattr(self.terminal)
            mode = termios.tcgetattr(self.terminal)
            mode[0] &= ~(termios.ICRNL | termios.INLCR | termios.IGNCR | termios.IXON)
            mode[3] &= ~(termios.ICANON | termios.ECHO | termios.IEXTEN)
            mode[6][termios.VMIN], mode[6][termios.VTIME] = 1, 0
            mode[6][termios.VQUIT] = mode[6][termios.VSUSP] = b"\0"  # keys as any other
            termios.tcsetattr(self.terminal, termios.TCSADRAIN, mode)
        return self

    def __exit__(self, *_):
        if self.on:
            termios.tcsetattr(self.terminal, termios.TCSADRAIN, self.before)

    def pass_on(self, process):
        """From now on keys go to the process."""
        threading.Thread(target=self._copy, args=(process.stdin,), daemon=True).start()

    def _copy(self, sink):
        try:
            while keys := os.read(self.terminal, 256):
                sink.write(keys)
                sink.flush()
        except (OSError, ValueError):
            pass  # the emulator or the terminal has gone


def kill_group(process):
    """End the process that we started and what it started, nothing else."""
    if process.poll() is None:
        try:
            os.killpg(process.pid, signal.SIGKILL)
        except ProcessLookupError:
            pass
    process.wait()


def stream_console(process, out):
    """Copy the console to `out`; returns the codes of the closing line, None without one.

    Only the last line counts: a closing line that anything follows was not one.
    """
    painter, codes = Painter(out), None
    for raw in process.stdout:
        line = decode(raw)
        codes = parse_off(line)
        print(painter.paint(line), file=out, flush=True)
    return codes


def run(command, timeout=None, out=sys.stdout):
    """Run to the end; returns the exit status. Raises RunError where there is none to report."""
    with Keyboard(sys.stdin, out) as keyboard:
        return run_with(keyboard, command, timeout, out)


def run_with(keyboard, command, timeout, out):
    try:
        process = subprocess.Popen(command, stdout=subprocess.PIPE, start_new_session=True,
                                   stdin=subprocess.PIPE if keyboard.on else subprocess.DEVNULL)
    except OSError as error:
        raise RunError(f"{command[0]}: {error.strerror}") from error
    if keyboard.on:
        print(keyboard.HINT, file=out, flush=True)
        keyboard.pass_on(process)
    if timeout is None:
        timeout = threading.TIMEOUT_MAX if keyboard.on else DEFAULT_TIMEOUT
    expired = threading.Event()

    def expire():
        expired.set()
        kill_group(process)

    watchdog = threading.Timer(timeout, expire)
    watchdog.daemon = True
    watchdog.start()
    try:
        codes = stream_console(process, out)
        status = process.wait(GRACE)
    except subprocess.TimeoutExpired as error:
        raise RunError(f"the emulator closed its console but did not end in {GRACE:g} s") from error
    finally:
        watchdog.cancel()
        kill_group(process)
    if expired.is_set():
        raise RunError(f"stopped: the run took longer than {timeout:g} s (--timeout)")
    if codes is None:
        raise RunError("the run did not end with `[bulkhead] off: name=code ...` "
                       f"(the emulator ended with status {status})")
    return exit_status(codes)


def parse_arguments(argv):
    parser = argparse.ArgumentParser(description="Run one Bulkhead image on a QEMU board.",
                                     epilog="Environment: QEMU, QEMU_FLAGS, NO_COLOR.")
    parser.add_argument("--board", default=os.path.join(ROOT, "boards", "qemu-virt"),
                        help="folder with qemu.args (default: %(default)s)")
    start = parser.add_mutually_exclusive_group(required=True)
    start.add_argument("--image", help="the hypervisor's image")
    start.add_argument("--firmware", help="a boot loader, which finds the image on --disk")
    parser.add_argument("--bundle", help="partition set and payloads, with --image")
    parser.add_argument("--disk", help="what the boot loader starts from, with --firmware")
    parser.add_argument("--scratch", help="the disk that the board's ${scratch} names, made if it is "
                                          "not there (default: build/<board>/scratch.disk)")
    parser.add_argument("--timeout", type=float, metavar="S",
                        help=f"seconds of real time (default: {DEFAULT_TIMEOUT:g}; at a terminal none)")
    parser.add_argument("extra", nargs="*", metavar="-- QEMU options",
                        help="options that follow the board's")
    arguments = parser.parse_args(argv)
    if bool(arguments.firmware) != bool(arguments.disk) or (arguments.firmware and arguments.bundle):
        parser.error("--firmware needs --disk, and a bundle stands on the disk")
    return arguments


def main(argv=None):
    arguments = parse_arguments(argv)
    try:
        for path in filter(None, (arguments.image, arguments.bundle, arguments.firmware,
                                  arguments.disk)):
            if not os.path.isfile(path):
                raise RunError(f"{path}: no such file: has it been built?")
        extra = arguments.extra
        if arguments.firmware:
            extra = firmware_arguments(arguments.board, arguments.firmware, arguments.disk) + extra
        command = compose(arguments.board, arguments.image, arguments.bundle, extra,
                          arguments.scratch)
        return run(command, arguments.timeout)
    except RunError as error:
        print(f"run.py: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        return 130
    except BrokenPipeError:
        sys.stdout = None  # the reader has gone; nothing is left to flush to
        return 1


if __name__ == "__main__":
    # A plain kill must end the emulator too, so it takes the way that Ctrl-C takes.
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    sys.exit(main())
