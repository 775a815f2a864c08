# SPDX-License-Identifier: Apache-2.0
"""Watches hypercalls of a running image through the debug stub, without a hook in the image.

A breakpoint on the vector that EL2 takes for a lower level sees each call come in, one on the
return address sees it come back, and a watchpoint on CMDQ_PROD stops in between whenever commands
reach the SMMU. At each of these moments the machine stands still, and a visitor may look at its
memory.
"""
import re
import struct

import harness
from harness import HarnessError, Machine
from places import SMMU
from smmu_trace import CMDQ_PROD

ABI_HEADER = f"{harness.ROOT}/include/bulkhead/abi.h"
VECTOR_LOWER_64, VECTOR_LOWER_32 = 0x400, 0x600  # synchronous, from a lower level
EC_HVC_32, EC_HVC_64 = 0x12, 0x16
ADDRESS = ((1 << 48) - 1) & ~0xFFF


def call_names():
    """{function id: name}, from the header that guests use."""
    with open(ABI_HEADER, encoding="utf-8") as text:
        header = text.read()
    base = int(re.search(r"#define BH_FUNCTION_BASE (0x[0-9A-Fa-f]+)", header).group(1), 16)
    calls = re.findall(r"#define BH_CALL_(\w+) (\d+)\b", header)
    return {base + int(number): name.lower() for name, number in calls if name != "LIMIT"}


def find_guest_entry(image, bundle, folder, seconds, board=None):
    """Address of the first instruction below EL2, from a run of its own."""
    log = f"{folder}/entry.log"
    with Machine(image, bundle, ["-d", "int", "-D", log],
                 ways=("qmp",), held=True, board=board) as machine:
        machine.qmp.command("cont")
        return harness.wait_for_guest(machine, log, seconds)


def hypervisor_address(bus, gdb, physical):
    """Where EL2 sees a physical address: by its own stage 1, or the same with the MMU off."""
    if not gdb.system_register("SCTLR_EL2") & 1:
        return physical
    bits = 64 - (gdb.system_register("TCR_EL2") & 0x3F)
    level = 3 - (bits - 13) // 9
    found = search(bus, gdb.system_register("TTBR0_EL2") & ADDRESS, level, 0, physical)
    if found is None:
        raise HarnessError(f"EL2 does not map {physical:#x}")
    return found


def search(bus, table, level, virtual, physical):
    """The virtual address of `physical` below one stage-1 table, or None."""
    size = 1 << 12 + 9 * (3 - level)
    for index, entry in enumerate(struct.unpack("<512Q", bus.read(table, 4096))):
        here = virtual + index * size
        if level < 3 and entry & 3 == 3:
            found = search(bus, entry & ADDRESS, level + 1, here, physical)
            if found is not None:
                return found
        elif entry & 1 and 0 <= physical - (entry & ADDRESS & -size) < size:
            return here + (physical & size - 1)
    return None


class Call:
    """One hypercall on its way through the hypervisor."""

    def __init__(self, name, arguments, thread, back):
        self.name, self.arguments = name, arguments
        self.thread, self.back = thread, back

    def __str__(self):
        return f"{self.name}({', '.join(f'{value:#x}' for value in self.arguments)})"


class CallWatch:
    """Runs a machine to its end and shows a visitor each call that is named in `wanted`.

    The visitor has entered(call), commanded(call or None), returned(call). The machine is still at
    reset when this begins, and is expected to switch itself off.
    """

    def __init__(self, machine, guest_entry, wanted, visitor):
        self.machine, self.gdb, self.visitor = machine, machine.gdb, visitor
        self.names, self.wanted = call_names(), wanted
        self.open_call = None
        self._begin(guest_entry)

    def _begin(self, guest_entry):
        """Run to the first guest instruction: from there on vectors and mappings stand."""
        self.gdb.break_at(guest_entry)
        while True:
            self._select(self._stop())
            if self.gdb.exception_level() < 2:
                break
            self.gdb.step(self.thread)  # the image itself runs at that address
        self.gdb.unbreak(guest_entry)
        vectors = self.gdb.system_register("VBAR_EL2")
        self.vectors = (vectors + VECTOR_LOWER_64, vectors + VECTOR_LOWER_32)
        for address in self.vectors:
            self.gdb.break_at(address)
        self.doorbell = hypervisor_address(self.machine.qtest, self.gdb, SMMU + CMDQ_PROD)
        self.gdb.watch_writes(self.doorbell, 4)

    def _stop(self):
        stop = self.gdb.run_to_stop()
        if not stop.startswith((b"T", b"S")):
            raise HarnessError(f"the machine ended early: {stop!r}")
        return stop

    def _select(self, stop):
        self.thread = self.gdb.stopped_thread(stop)
        self.gdb.select(self.thread)

    def run(self):
        """Until the machine switches itself off."""
        while True:
            stop = self.gdb.run_to_stop()
            if stop.startswith((b"W", b"X")):
                return
            self._select(stop)
            if b"watch:" in stop:
                self._at_doorbell()
            else:
                self._at_breakpoint()

    def _at_doorbell(self):
        """The stub stops in front of a store to a device: let it happen, then look."""
        self.gdb.unwatch_writes(self.doorbell, 4)
        self.gdb.step(self.thread)
        self.gdb.watch_writes(self.doorbell, 4)
        self.visitor.commanded(self.open_call)

    def _at_breakpoint(self):
        pc, below = self.gdb.register(self.gdb.PC), self.gdb.exception_level() < 2
        call = self.open_call
        if call and below and (pc, self.thread) == (call.back, call.thread):
            self.gdb.unbreak(call.back)
            self.open_call = None
            self.visitor.returned(call)
        elif pc in self.vectors and not below and call is None:
            self._at_vector()
        if self.gdb.register(self.gdb.PC) == pc:
            self.gdb.step(self.thread)  # off the breakpoint, or it would hit again

    def _at_vector(self):
        function, *arguments = self.gdb.registers(range(6))
        if self.gdb.system_register("ESR_EL2") >> 26 not in (EC_HVC_32, EC_HVC_64):
            return
        name = self.names.get(function)
        if name not in self.wanted:
            return
        back = self.gdb.system_register("ELR_EL2")
        self.open_call = Call(name, arguments, self.thread, back)
        self.gdb.break_at(back)
        self.visitor.entered(self.open_call)
