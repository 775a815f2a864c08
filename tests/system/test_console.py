# SPDX-License-Identifier: Apache-2.0
"""What a person types at the serial port: the partition that has the keyboard reads it, no other."""
import unittest

from scenario import LIMIT, Partition, Run, ScenarioTest

FIRST = Partition("first", "test=listen", "selfcheck.elf")
SECOND = Partition("second", "test=listen", "selfcheck32.elf", lines=("aarch32;",))
ESCAPE = b"\x1d"


class Keyboard(ScenarioTest):
    """Two programs that repeat each line that they read, in 64-bit and in 32-bit code."""

    def listen(self):
        machine = self.boot([FIRST, SECOND])
        for name in ("first", "second"):
            machine.console.wait_for(rf"^\[{name}\] listens$", LIMIT)
        return machine

    def give(self, machine, digit, name):
        place = len(machine.console.lines())
        machine.type(ESCAPE + digit)
        machine.console.wait_for(rf"^\[bulkhead\] keyboard: {name} has it;", LIMIT, place)

    def finish(self, machine):
        self.give(machine, b"1", "first")
        machine.type(b"end\n")
        self.give(machine, b"2", "second")
        machine.type(b"end\n")
        run = Run(machine)
        self.assertEqual(run.codes, {"first": 0, "second": 0})
        return [[line for line in run.said(name) if line.startswith("heard")]
                for name in ("first", "second")]

    def test_each_partition_reads_what_was_typed_to_it_and_nothing_else(self):
        machine = self.listen()
        machine.type(b"alpha\r")  # as a terminal ends a line
        machine.console.wait_for("heard: alpha", LIMIT)
        self.give(machine, b"2", "second")
        machine.type(b"beta\nga")
        machine.console.wait_for("heard: beta", LIMIT)
        self.give(machine, b"1", "first")
        machine.type(b"delta\n")
        machine.console.wait_for("heard: delta", LIMIT)
        self.give(machine, b"2", "second")
        machine.type(b"mma\n")
        machine.console.wait_for("heard: gamma", LIMIT)
        self.assertEqual(self.finish(machine), [["heard: alpha", "heard: delta"],
                                                ["heard: beta", "heard: gamma"]])

    def test_a_long_text_arrives_whole_line_by_line(self):
        machine = self.listen()
        lines = [f"{number} " + "x" * (number % 60) for number in range(40)]
        for line in lines:
            machine.type(line.encode() + b"\n")
            machine.console.wait_for(f"heard: {line}$", LIMIT)
        self.assertEqual(self.finish(machine), [[f"heard: {line}" for line in lines], []])

    def test_after_a_flood_that_is_taken_in_portions_what_is_typed_arrives(self):
        machine = self.listen()
        machine.type(b"flood\n" * 500)  # more than twenty periods' share; some of it finds no room
        self.give(machine, b"2", "second")
        machine.type(b"beta\n")
        machine.console.wait_for("heard: beta", LIMIT)
        self.give(machine, b"1", "first")
        machine.type(b"\n")  # ends what the flood left of a line
        first, second = self.finish(machine)
        self.assertIn("heard: flood", first)
        self.assertEqual(second, ["heard: beta"])

    def test_a_key_that_chooses_nobody_tells_who_has_the_keyboard(self):
        machine = self.listen()
        for key in (b"h", b"3", b"0"):
            self.give(machine, key, "first")
        self.assertEqual(self.finish(machine), [[], []])


if __name__ == "__main__":
    unittest.main()
