# SPDX-License-Identifier: Apache-2.0
"""What the SMMU was told, what it may still remember, and what its tables say now.

    Trace         the commands that QEMU's SMMU consumed, from its own trace
    Unit          stream table and stage-2 tables as they stand in memory, read and decoded here,
                  independently of the code under test
    WorstCaseTlb  a TLB and configuration cache that keeps all it may and forgets only what a
                  command and a later SYNC make it forget

The oracle is the third: whatever it still holds when a call returns, and the tables no longer say,
is something that a device could still use. Layouts: Arm IHI 0070, chapters 4 to 6; stage-2
descriptors: Arm DDI 0487, D8.
"""
import dataclasses
import re
import struct

from harness import GrowingLog, HarnessError
from places import SMMU

CR0, STRTAB_BASE, STRTAB_BASE_CFG, CMDQ_PROD = 0x20, 0x80, 0x88, 0x98
CR0_SMMUEN = 1
ADDRESS = ((1 << 52) - 1) & ~0xFFF
STRTAB_ADDRESS = ((1 << 52) - 1) & ~0x3F
STE_BYTES, STE_WORDS = 64, 8
STE_ABORT, STE_BYPASS, STE_STAGE2 = range(0, 4), 4, 6
ENTRIES, GRANULE = 512, 12


# ---- Commands -----------------------------------------------------------------------------------


@dataclasses.dataclass(frozen=True)
class Command:
    """One consumed command; the fields that its kind does not have are None."""

    kind: str
    vmid: int = None
    spans: tuple = ()  # (address, size) of a TLBI by address
    leaf_only: bool = False
    streams: range = None

    def covers_leaf(self, vmid, iova, size):
        """Whether it drops a cached translation of that tag and place."""
        if self.kind == "TLBI_NSNH_ALL":
            return True
        if self.vmid != vmid:
            return False
        if self.kind == "TLBI_S12_VMALL":
            return True
        return any(start < iova + size and iova < start + length for start, length in self.spans)

    def covers_table(self, vmid, iova, size):
        """Whether it drops a cached table descriptor that translates that place."""
        return not self.leaf_only and self.covers_leaf(vmid, iova, size)

    def covers_stream(self, stream):
        return self.streams is not None and stream in self.streams


class Trace(GrowingLog):
    """QEMU's trace of consumed SMMU commands, read as it grows."""

    EVENTS = ("smmuv3_cmdq_opcode", "smmuv3_cmdq_cfgi_ste", "smmuv3_cmdq_cfgi_ste_range",
              "smmuv3_cmdq_tlbi_s12_vmid", "smmuv3_range_inval", "smmuv3_cmdq_consume_error")
    OPCODE = re.compile(r"smmuv3_cmdq_opcode <--- SMMU_CMD_(\w+)")
    RANGE = re.compile(r"smmuv3_range_inval vmid=(-?\d+) asid=-?\d+ addr=(0x[0-9a-f]+) tg=(\d+) "
                       r"num_pages=(0x[0-9a-f]+) ttl=\d+ leaf=(\d) stage=(\d)")
    VMID = re.compile(r"smmuv3_cmdq_tlbi_s12_vmid vmid=(\d+)")
    STREAM = re.compile(r"smmuv3_cmdq_cfgi_ste streamid= ?(0x[0-9a-f]+)")
    STREAMS = re.compile(r"smmuv3_cmdq_cfgi_ste_range start=(0x[0-9a-f]+) - end=(0x[0-9a-f]+)")

    def __init__(self, path):
        super().__init__(path)
        self.errors = []

    def options(self):
        return ["-d", ",".join(f"trace:{event}" for event in self.EVENTS), "-D", self.path]

    def fresh(self):
        """The commands consumed since the last call."""
        return self.parse(super().fresh().splitlines())

    def parse(self, lines):
        commands = []
        for line in lines:
            opcode = self.OPCODE.search(line)
            if opcode:
                commands.append(Command(opcode.group(1)))
            elif "smmuv3_cmdq_consume_error" in line:
                self.errors.append(line.strip())
            elif commands:
                commands[-1] = self._refine(commands[-1], line)
        return commands

    def _refine(self, command, line):
        """A command with what a line behind its opcode says about it."""
        match = self.RANGE.search(line)
        if match:  # a range command may come as several lines, one for each aligned piece
            vmid, address, granule, pages, leaf, _ = match.groups()
            shift = int(granule) * 2 + 10 if int(granule) else GRANULE
            span = (int(address, 16), int(pages, 16) << shift)
            return dataclasses.replace(command, vmid=int(vmid), leaf_only=leaf == "1",
                                       spans=(*command.spans, span))
        match = self.VMID.search(line)
        if match:
            return dataclasses.replace(command, vmid=int(match.group(1)))
        match = self.STREAM.search(line)
        if match:
            stream = int(match.group(1), 16)
            return dataclasses.replace(command, streams=range(stream, stream + 1))
        match = self.STREAMS.search(line)
        if match:
            first, last = (int(word, 16) for word in match.groups())
            return dataclasses.replace(command, streams=range(first, last + 1))
        return command


# ---- Tables as they stand -----------------------------------------------------------------------


@dataclasses.dataclass(frozen=True)
class Place:
    """A tag and the input addresses that one descriptor translates."""

    vmid: int
    iova: int
    size: int

    def __str__(self):
        return f"VMID {self.vmid} iova {self.iova:#x}+{self.size:#x}"


@dataclasses.dataclass
class Snapshot:
    """Everything that the unit could fetch at one moment."""

    streams: dict  # stream id -> words of a valid entry
    leaves: dict  # Place -> (output address, permissions)
    tables: dict  # Place -> address of the next table
    roots: dict  # vmid -> set of roots
    bypassing: list  # streams whose entry says bypass


class Unit:
    """Reads one SMMU's live configuration through the physical bus."""

    def __init__(self, bus, base=SMMU):
        self.bus, self.base = bus, base

    def snapshot(self):
        """All valid entries of the stream table and all that their stage 2 reaches."""
        now = Snapshot({}, {}, {}, {}, [])
        if not self.bus.read32(self.base + CR0) & CR0_SMMUEN:
            return now
        walked = set()
        for stream, words in self._entries():
            config = words[0] >> 1 & 7
            now.streams[stream] = words
            if config == STE_BYPASS:
                now.bypassing.append(stream)
            elif config == STE_STAGE2:
                self._add_domain(now, words, walked)
            elif config not in STE_ABORT:
                raise HarnessError(f"stream {stream:#x}: this oracle knows no STE.Config {config}")
        return now

    def _entries(self):
        """(stream id, words) of each valid entry."""
        base = self.bus.read64(self.base + STRTAB_BASE) & STRTAB_ADDRESS
        shape = self.bus.read32(self.base + STRTAB_BASE_CFG)
        log2size, split, two_levels = shape & 0x3F, shape >> 6 & 0x1F, shape >> 16 & 3
        if not two_levels:
            yield from self._table(base, 1 << log2size, 0)
            return
        count = 1 << max(0, log2size - split)
        level1 = struct.unpack(f"<{count}Q", self.bus.read(base, 8 * count))
        for index, descriptor in enumerate(level1):
            span = descriptor & 0x1F
            if span:
                yield from self._table(descriptor & STRTAB_ADDRESS, 1 << span - 1, index << split)

    def _table(self, address, count, first):
        data = self.bus.read(address, STE_BYTES * count)
        for index in range(count):
            words = struct.unpack_from(f"<{STE_WORDS}Q", data, STE_BYTES * index)
            if words[0] & 1:
                yield first + index, words

    def _add_domain(self, now, words, walked):
        vmid, geometry, root = words[2] & 0xFFFF, words[2] >> 32, words[3] & ADDRESS
        now.roots.setdefault(vmid, set()).add(root)
        if (vmid, root) in walked:
            return
        walked.add((vmid, root))
        if geometry >> 14 & 3:
            raise HarnessError("this oracle reads stage-2 tables of 4 KiB granule only")
        bits, level = 64 - (geometry & 0x3F), 2 - (geometry >> 6 & 3)
        shift = GRANULE + 9 * (3 - level)
        self._walk(now, vmid, root, level, 0, 1 << max(0, bits - shift))

    def _walk(self, now, vmid, table, level, iova, entries):
        size = 1 << GRANULE + 9 * (3 - level)
        content = struct.unpack(f"<{entries}Q", self.bus.read(table, 8 * entries))
        for index, entry in enumerate(content):
            if not entry & 1:
                continue
            place = Place(vmid, iova + index * size, size)
            if level < 3 and entry & 2:
                now.tables[place] = entry & ADDRESS
                self._walk(now, vmid, entry & ADDRESS, level + 1, place.iova, ENTRIES)
            else:
                now.leaves[place] = (entry & ADDRESS & -size, entry >> 6 & 3)


# ---- The oracle ---------------------------------------------------------------------------------


class WorstCaseTlb:
    """Keeps all that the unit may have cached; `observe` in the order in which things happened."""

    def __init__(self):
        self.leaves, self.tables, self.streams = {}, {}, {}
        self._pending = []  # (command, what stood in memory when it was issued)
        self.synced = self.invalidations = 0

    def observe(self, commands, now):
        """`commands` were consumed in one go, and `now` is what memory says right after."""
        self._fetch(now)
        for command in commands:
            if command.kind == "SYNC":
                self._complete(now)
            else:
                self._pending.append((command, now))
                self.invalidations += command.kind.startswith(("TLBI", "CFGI"))

    def _fetch(self, now):
        """A unit may cache at any time what it could fetch."""
        for cache, content in self._parts(now):
            for key, value in content.items():
                cache.setdefault(key, set()).add(value)

    def _parts(self, now):
        return (self.leaves, now.leaves), (self.tables, now.tables), (self.streams, now.streams)

    def _complete(self, now):
        """SYNC: earlier commands have taken effect; what stood since may have come back."""
        self.synced += 1
        pending, self._pending = self._pending, []
        for command, _ in pending:
            self._forget(self.leaves, lambda p, c=command: c.covers_leaf(p.vmid, p.iova, p.size))
            self._forget(self.tables, lambda p, c=command: c.covers_table(p.vmid, p.iova, p.size))
            self._forget(self.streams, command.covers_stream)
        for _, then in pending:
            self._fetch(then)
        self._fetch(now)

    @staticmethod
    def _forget(cache, covered):
        for key in [key for key in cache if covered(key)]:
            del cache[key]

    def mistakes(self, now):
        """Sentences on what could still be used, though the tables do not say so any more."""
        found = [f"stream {stream:#x} bypasses translation" for stream in now.bypassing]
        found += [f"VMID {vmid} names {len(roots)} roots at once"
                  for vmid, roots in now.roots.items() if len(roots) > 1]
        for stream, values in self.streams.items():
            if values - {now.streams.get(stream)}:
                found.append(f"stream {stream:#x}: its old entry may still be cached "
                             "(no CFGI and SYNC since it changed)")
        for place, values in self.leaves.items():
            if place.vmid in now.roots and self._stale_leaf(values, now.leaves.get(place)):
                found.append(f"{place}: what was mapped there may still be cached "
                             "(no TLBI of that tag and range and SYNC since it changed)")
        for place, values in self.tables.items():
            if place.vmid in now.roots and values - {now.tables.get(place)}:
                found.append(f"{place}: its old table may still be cached "
                             "(no TLBI that is not leaf-only, and SYNC, since it changed)")
        return found

    @staticmethod
    def _stale_leaf(cached, current):
        """More than the current entry gives: another place, or another permission."""
        if current is None:
            return True
        output, permissions = current
        return any(old != output or rights & ~permissions for old, rights in cached)
