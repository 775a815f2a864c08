# SPDX-License-Identifier: Apache-2.0
"""A fault of the hypervisor itself says where it was, and stops the machine.

No input leads there, so the debug stub makes one: it stops the image at a hypercall, at EL2, and
spoils a register.
"""
import harness
from built import addresses
from harness import Gdb, Machine, SystemTest

LIMIT = 60
X1 = 1  # hypercall() has the place of arguments and results there


class OwnFaults(SystemTest):
    """Each test spoils one register while the boot CPU serves a hypercall."""

    def run_with(self, number, value):
        """The console of a run whose register is set to value at the first hypercall."""
        table = addresses()
        where = value(table) if callable(value) else value
        with Machine(bundle=harness.BUNDLE, ways=("gdb",), held=True) as machine:
            self.watch(machine)
            machine.gdb.break_at(table["hypercall"])
            machine.gdb.run_to_stop(LIMIT)
            machine.gdb.unbreak(table["hypercall"])
            machine.gdb.transact(f"P{number:x}={where.to_bytes(8, 'little').hex()}")
            machine.gdb.resume()
            machine.wait_end(LIMIT)
            return machine.console.text()

    def assert_fault_told(self, console, syndrome_class):
        self.assertRegex(console, r"\[bulkhead\] fatal: exception in the hypervisor on CPU 0: ESR "
                         rf"0x[0-9a-f]+ \(class 0x{syndrome_class:x}\) FAR 0x")
        self.assertRegex(console, r"\[bulkhead\]   x0  [0-9a-f]{16}  x1  [0-9a-f]{16}")
        self.assertTrue(console.rstrip().endswith("[bulkhead] off: hypervisor=1"))

    def test_a_jump_to_nowhere_prints_registers_and_a_backtrace(self):
        console = self.run_with(Gdb.PC, 0x1000)
        self.assert_fault_told(console, 0x21)
        self.assertRegex(console, r"called from 0x[0-9a-f]+")

    def test_a_stack_overflow_hits_the_guard_page_and_is_told(self):
        """The lowest bytes of the stack: the next frame lands in the page that is not there."""
        console = self.run_with(Gdb.SP, lambda table: table["stacks_start"] + 0x1000)
        self.assert_fault_told(console, 0x25)

    def test_a_write_to_the_code_is_not_possible(self):
        """The place of the results is made to point into the code."""
        console = self.run_with(X1, lambda table: table["hypercall"])
        self.assert_fault_told(console, 0x25)
