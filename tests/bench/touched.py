# SPDX-License-Identifier: Apache-2.0
"""Which instructions of the image store an entry of a table, and which take a lock.

Both are inlined everywhere, so that no symbol tells. The debug information does: it names, for each
address, the inlined functions that it belongs to. An entry is stored by one instruction of
entry_write64(), a lock taken by one exclusive load of lock_acquire() or lock_try(). What the command
queue holds is stored in the same way and left out: commands are counted by QEMU's trace.
"""
import re
import subprocess

from machine import MeasurementError

ENTRY_BYTES = 8
STORE, EXCLUSIVE = ("str", "stur"), ("ldxr", "ldaxr")
ENTRY_FUNCTIONS, LOCK_FUNCTIONS = ("entry_write64",), ("lock_acquire", "lock_try")
QUEUE_FILE = "drivers/iommu/smmuv3/queue.c"
INSTRUCTION = re.compile(r"^\s*([0-9a-f]+):\s+[0-9a-f]{8}\s+(\S+)")


def mnemonics(elf, prefix):
    """{address: mnemonic} of all code."""
    output = subprocess.run([prefix + "objdump", "-d", elf], capture_output=True, text=True,
                            check=True).stdout
    found = map(INSTRUCTION.match, output.splitlines())
    return {int(match[1], 16): match[2] for match in found if match}


def inlined(elf, prefix, addresses):
    """{address: [(function, file), ...]}, the innermost first."""
    words = "".join(f"{address:#x}\n" for address in addresses)
    output = subprocess.run([prefix + "addr2line", "-a", "-i", "-f", "-e", elf], input=words,
                            capture_output=True, text=True, check=True).stdout
    chains, function = {}, None
    for line in output.splitlines():
        if re.fullmatch(r"0x[0-9a-f]+", line):
            chain, function = chains.setdefault(int(line, 16), []), None
        elif function is None:
            function = line
        else:
            chain.append((function, line.rsplit(":", 1)[0]))
            function = None
    return chains


class Sites:
    """The addresses that count, of those that were executed."""

    def __init__(self, elf, prefix, executed):
        names = mnemonics(elf, prefix)
        candidates = sorted(a for a in executed if names.get(a) in STORE + EXCLUSIVE)
        self.entries, self.locks = set(), set()
        for address, chain in inlined(elf, prefix, candidates).items():
            functions = [function for function, _ in chain]
            if names[address] in STORE and functions[0] in ENTRY_FUNCTIONS:
                if not any(path.endswith(QUEUE_FILE) for _, path in chain):
                    self.entries.add(address)
            elif names[address] in EXCLUSIVE and any(f in LOCK_FUNCTIONS for f in functions):
                self.locks.add(address)

    def count(self, executed):
        """(bytes of entries stored, locks taken) of one call."""
        return (ENTRY_BYTES * sum(address in self.entries for address in executed),
                sum(address in self.locks for address in executed))


def count(elf, prefix, rows):
    """{row: (bytes of entries, locks)} of {row: executed addresses}."""
    sites = Sites(elf, prefix, {address for executed in rows.values() for address in executed})
    if not sites.entries or not sites.locks:
        raise MeasurementError("the debug information tells neither stores of entries nor locks")
    return {name: sites.count(executed) for name, executed in rows.items()}
