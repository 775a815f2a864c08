#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Start one image on a QEMU board, stopped before its first instruction, with a debugger on it.

    debug.py --image bulkhead.img --symbols bulkhead.elf --bundle demo.bundle [--payload sensor.elf]

QEMU listens for a debugger where --listen says. The debugger is gdb-multiarch, or a gdb that knows
aarch64; its command line is printed, and where there is neither, or with --print, that is all: QEMU waits
for one that you start, and the console goes to standard output. Else the console goes to --console.

Symbols: the image runs where it is linked when QEMU loads it, the hypervisor's addresses are those of its
file. A payload's addresses are those of its partition: right while the CPU is in that partition, and its
breakpoints are hardware's (hbreak): before it runs its code is not there, and its digest is compared.
"""
import argparse
import os
import shlex
import shutil
import signal
import subprocess
import sys

import run


def find_debugger():
    """gdb-multiarch, or a gdb that knows the CPU; None: neither."""
    for name in ("gdb-multiarch", "gdb"):
        path = shutil.which(name)
        if path and not subprocess.run([path, "-nx", "-batch", "-ex", "set architecture aarch64"],
                                       capture_output=True, check=False).stderr:
            return path
    return None


def debugger_command(path, arguments):
    where = arguments.listen.removeprefix("unix:").removeprefix("tcp:")
    command = [path, "-q", "-ex", "set architecture aarch64", arguments.symbols]
    for payload in arguments.payload:
        command += ["-ex", f"add-symbol-file {payload}"]
    return command + ["-ex", f"target remote {where}"]


def find_payload(name, folders):
    """As the bundle finds it: beside the set, then among those that the tree builds."""
    for folder in folders:
        path = os.path.join(folder, name)
        if os.path.isfile(path):
            return path
    raise run.RunError(f"payload {name}: no such file in {' or '.join(folders)}")


def parse_arguments():
    parser = argparse.ArgumentParser(description="Debug one Bulkhead image on a QEMU board.")
    parser.add_argument("--board", default=os.path.join(run.ROOT, "boards", "qemu-virt"))
    parser.add_argument("--image", required=True, help="the hypervisor's image")
    parser.add_argument("--symbols", required=True, help="its ELF file")
    parser.add_argument("--bundle", help="partition set and payloads")
    parser.add_argument("--scratch", help="as run.py has it")
    parser.add_argument("--payload", action="append", default=[], help="ELF file of a payload")
    parser.add_argument("--payloads", action="append", metavar="FOLDER",
                        help="where payloads lie, the first first; default: here")
    parser.add_argument("--listen", default="tcp:localhost:1234", help="default: %(default)s")
    parser.add_argument("--console", default="debug.console", help="where a debugger runs here")
    parser.add_argument("--print", action="store_true", help="start no debugger")
    return parser.parse_args()


def main():
    arguments = parse_arguments()
    for path in filter(None, (arguments.image, arguments.symbols, arguments.bundle)):
        if not os.path.isfile(path):
            raise run.RunError(f"{path}: no such file: has it been built?")
    arguments.payload = [find_payload(name, arguments.payloads or ["."])
                         for name in arguments.payload]
    command = run.compose(arguments.board, arguments.image, arguments.bundle,
                          ["-S", "-gdb", arguments.listen +
                           (",server=on,wait=off" if arguments.listen.startswith("unix:") else "")],
                          arguments.scratch)
    path = None if arguments.print else find_debugger()
    debugger = debugger_command(path or "gdb-multiarch", arguments)
    print(f"debugger: {shlex.join(debugger)}", flush=True)
    with open(arguments.console, "wb") if path else os.fdopen(os.dup(1), "wb") as console:
        machine = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=console,
                                   start_new_session=True)
    try:
        if not path:
            return machine.wait()
        print(f"console:  {arguments.console}", flush=True)
        signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is the debugger's
        return subprocess.run(debugger, check=False, preexec_fn=lambda: signal.signal(
            signal.SIGINT, signal.SIG_DFL)).returncode
    finally:
        run.kill_group(machine)


if __name__ == "__main__":
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        sys.exit(main())
    except run.RunError as error:
        sys.exit(f"debug.py: {error}")
    except OSError as error:  # the emulator or the file for the console
        sys.exit(f"debug.py: {error.filename}: {error.strerror}")
    except KeyboardInterrupt:
        sys.exit(130)
