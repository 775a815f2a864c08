# SPDX-License-Identifier: Apache-2.0
"""Partitions in AArch32: each behaviour of guests/probe32, its own set."""
import unittest

from refusal import RefusalTest
from scenario import BASE, SIZE, Partition, ScenarioTest


def probe32(test, name=None, payload="probe32.elf", memory=(BASE, SIZE), devices=(), **words):
    """A partition that runs that behaviour; `words` are what it reads from bootargs."""
    spelled = [f"{key.replace('_', '-')}={value}" for key, value in words.items()]
    return Partition(name or test, " ".join([f"test={test}", *spelled]), payload, memory=memory,
                     devices=tuple(devices), lines=("aarch32;",))


class Behaviour(ScenarioTest):
    """One behaviour, one set, one run on each CPU that has AArch32 at EL1."""

    def run_checks(self, test, *partitions, **options):
        for cpu in ("max", "cortex-a53"):
            with self.subTest(cpu=cpu):
                run = self.run_set([probe32(test, **options), *partitions], "-cpu", cpu)
                self.assert_checks_hold(run, test)
                self.assertEqual(run.codes[test], 0)

    def test_every_register_at_the_first_instruction_is_defined(self):
        self.run_checks("start")


class Refusals(RefusalTest):
    """A set is refused as a whole where a CPU, a payload or an address does not fit the width."""

    def test_cpus_without_aarch32_at_el1(self):
        for cpu in ("neoverse-n1", "cortex-a76"):
            with self.subTest(cpu=cpu):
                self.assert_mistake("/partitions/legacy", "aarch32",
                                    "legacy would run on CPU 0, which has no AArch32 at EL1",
                                    [probe32("start", "legacy")], "-cpu", cpu)

    def test_a_64_bit_payload_in_a_32_bit_partition(self):
        self.assert_mistake("/partitions/legacy", "payload", "is an ELF file for AArch64",
                            [probe32("exit", "legacy", payload="probe.elf")])

    def test_a_32_bit_payload_in_a_64_bit_partition(self):
        self.assert_mistake("/partitions/modern", "payload", "is an ELF file for AArch32",
                            [Partition("modern", payload="probe32.elf")])

    def test_memory_that_32_bits_do_not_reach(self):
        self.assert_mistake("/partitions/legacy", "memory", "above the 32 bits",
                            [probe32("start", "legacy", memory=(0x1_0000_0000, SIZE))])

    def test_a_value_of_the_flag(self):
        self.assert_mistake("/partitions/legacy", "aarch32", "takes no value",
                            [Partition("legacy", payload="probe32.elf", lines=("aarch32 = <1>;",))])


if __name__ == "__main__":
    unittest.main()
