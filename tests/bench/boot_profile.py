# SPDX-License-Identifier: Apache-2.0
"""Where the instructions between reset and the first guest instruction go.

QEMU executes one instruction per block and logs each (`-d exec,nochain`), except those of the loops
that clear and clean memory: there are hundreds of millions, and their number is what is left when
the logged ones are taken from the total. The log goes through a pipe; nothing is stored.
"""
import bisect
import os

import image
import machine
from machine import MeasurementError

UNLOGGED = ("memset", "cache_clean", "cache_clean_invalidate", "cache_synchronise_code")
LIBFDT, DIGESTS, LOG, STRINGS, OWN = "libfdt", "digests", "log", "strings", "own"
FILES = {"lib/sha256.o": DIGESTS, "lib/log.o": LOG, "lib/format.o": LOG, "lib/string.o": STRINGS}


def ranges_but(symbols, names, end):
    """QEMU's -dfilter for the whole image without some functions."""
    at, pieces = symbols.value("image_start"), []
    for first, behind in sorted(symbols.extent(name) for name in names if name in symbols.names):
        if first > at:
            pieces.append(f"{at:#x}+{first - at:#x}")
        at = behind
    if end > at:
        pieces.append(f"{at:#x}+{end - at:#x}")
    return ",".join(pieces)


class Classes:
    """What a piece of code counts as."""

    def __init__(self, map_file):
        self.pieces = image.origin_of_text(map_file)
        self.addresses = [address for address, _ in self.pieces]

    def of(self, address):
        index = bisect.bisect_right(self.addresses, address) - 1
        path = self.pieces[index][1] if index >= 0 else ""
        if "libfdt" in path:
            return LIBFDT
        if "/drivers/serial/" in path:
            return LOG
        return next((kind for file, kind in FILES.items() if path.endswith(file)), OWN)


class Profile:
    """Counts by class and by function."""

    def __init__(self):
        self.classes = dict.fromkeys((LIBFDT, DIGESTS, LOG, OWN), 0)
        self.functions = {}
        self.window = None  # instructions until the early closer was left

    @property
    def logged(self):
        return sum(self.classes.values())


def read(pipe, symbols, classes):
    """Consume the log up to the first guest. A string function counts as what called it."""
    profile, known, counts = Profile(), {}, {}
    caller, total, closer_end, started = OWN, 0, None, False
    for line in pipe:
        if started or not line.startswith(b"Trace"):
            continue
        word = line.split(b"/", 2)[1]
        entry = known.get(word)
        if entry is None:
            address = int(word, 16)
            entry = known[word] = (symbols.name(address), classes.of(address))
            if entry[0] == "arch_boot" and profile.window is None:
                profile.window = closer_end
            started = entry[0] == "guest_enter"
        total += 1
        if profile.window is None and entry[0].startswith("smmuv3_close"):
            closer_end = total
        kind = entry[1]
        if kind == STRINGS:
            kind = caller
        else:
            caller = kind
        key = (entry[0], kind)
        counts[key] = counts.get(key, 0) + 1
    for (name, kind), count in counts.items():
        profile.classes[kind] += count
        profile.functions[name] = profile.functions.get(name, 0) + count
    return profile


def measure(setup, cpu, bundle, elf, map_file, prefix):
    symbols, classes = image.Symbols(elf, prefix), Classes(map_file)
    reader, writer = os.pipe()
    process = setup.start(cpu, bundle, [
        "-accel", "tcg,one-insn-per-tb=on", "-d", "exec,nochain", "-D", f"/dev/fd/{writer}",
        "-dfilter", ranges_but(symbols, UNLOGGED, symbols.value("text_end"))], pass_fds=(writer,))
    os.close(writer)
    with machine.limited(process), os.fdopen(reader, "rb", buffering=1 << 20) as pipe:
        profile = read(pipe, symbols, classes)
        lines = [machine.runner.decode(raw) for raw in process.stdout]
    machine.check_end(lines, f"the log of {bundle}")
    if profile.logged == 0 or profile.window is None:
        raise MeasurementError("the log of the boot does not show the image's start")
    return profile
