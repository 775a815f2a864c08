# SPDX-License-Identifier: Apache-2.0
"""Partitions in AArch32: each behaviour of guests/probe32, its own set."""
import unittest

from refusal import RefusalTest
from scenario import (BASE, CRASH, EDU, SIZE, Partition, ScenarioTest, assemble, pci,
                      probe)

CPUS = ("max", "cortex-a53")


def probe32(test, name=None, payload="probe32.elf", memory=(BASE, SIZE), devices=(), **words):
    """A partition that runs that behaviour; `words` are what it reads from bootargs."""
    spelled = [f"{key.replace('_', '-')}={value}" for key, value in words.items()]
    return Partition(name or test, " ".join([f"test={test}", *spelled]), payload, memory=memory,
                     devices=tuple(devices), lines=("aarch32;",))


class Behaviour(ScenarioTest):
    """One behaviour, one set, one run on each CPU that has AArch32 at EL1."""

    def on_each_cpu(self, partitions, verify, **options):
        for cpu in CPUS:
            with self.subTest(cpu=cpu):
                verify(self.run_set(partitions, "-cpu", cpu, **options))

    def run_checks(self, test, **options):
        def verify(run):
            self.assert_checks_hold(run, test)
            self.assert_codes(run, **{test: 0})

        self.on_each_cpu([probe32(test, **options)], verify)

    def test_every_register_at_the_first_instruction_is_defined(self):
        self.run_checks("start")

    def test_traps_are_answered_or_undefined_as_the_cpu_itself_would(self):
        self.run_checks("traps")

    def test_identification_registers_agree_with_what_traps(self):
        self.run_checks("identification")

    def test_any_register_and_any_call_is_answered_and_ends_nothing(self):
        self.run_checks("wild", devices=[pci(EDU)])

    def test_interrupts_come_by_system_registers_and_by_loads_and_stores(self):
        self.run_checks("interrupts")

    def test_every_call_has_its_32_bit_form_and_no_other(self):
        self.run_checks("calls")

    def test_a_device_copies_what_its_partition_mapped_for_it(self):
        self.run_checks("device", devices=[pci(EDU)])

    def test_a_flat_binary_starts_as_an_elf_file_does(self):
        self.run_checks("start", payload="probe32.bin")

    def test_psci_system_off_ends_with_code_0(self):
        def verify(run):
            self.assertEqual(run.said("psci"), ["test=psci"])
            self.assert_codes(run, psci=0)

        self.on_each_cpu([probe32("psci")], verify)

    def test_an_exit_code_goes_into_the_closing_line(self):
        self.on_each_cpu([probe32("exit", code=77)], lambda run: self.assert_codes(run, exit=77))

    def test_a_reset_leaves_nothing_of_the_former_life_in_any_register(self):
        def verify(run):
            starts = run.said("reset").count("started")
            self.assertGreaterEqual(starts, 2, "it never came back")
            self.assertEqual(len(run.hypervisor("reset: resets$")), starts - 1)
            self.assert_checks_hold(run, "reset")
            self.assert_codes(run, reset=0)

        self.on_each_cpu([probe32("reset", until_ms=1200)], verify)

    def test_a_cortex_a55_has_it_too(self):
        run = self.run_set([probe32("start", "legacy")], "-cpu", "cortex-a55")
        self.assert_checks_hold(run, "legacy")
        self.assert_codes(run, legacy=0)

    def test_row_5_11_both_widths_run_side_by_side(self):
        for pair in ([probe32("traps"), probe("registers")], [probe("registers"), probe32("calls")]):
            def verify(run, pair=pair):
                for partition in pair:
                    self.assert_checks_hold(run, partition.name)
                    self.assertEqual(run.codes[partition.name], 0)

            self.on_each_cpu(pair, verify)

    def test_el0_of_a_64_bit_partition_may_be_aarch32(self):
        narrow = assemble(self.folder, "narrow")
        self.on_each_cpu([Partition("narrow", payload="narrow.bin")],
                         lambda run: self.assert_codes(run, narrow=0),
                         payloads={"narrow.bin": narrow})


class Ends(ScenarioTest):
    """What ends a partition of 32-bit code, and it alone."""

    def assert_ended(self, partition, text):
        for cpu in CPUS:
            with self.subTest(cpu=cpu):
                run = self.run_set([partition, probe("registers")], "-cpu", cpu)
                self.assertIn(f"{partition.name}: ended: it {text}", run.said("bulkhead"))
                self.assert_codes(run, **{partition.name: CRASH, "registers": 0})
                self.assert_checks_hold(run, "registers")

    def test_a_read_of_an_address_that_it_does_not_have(self):
        self.assert_ended(probe32("touch", access="r", address="0x9050000"),
                          "read an address that it does not have: 0x9050000")

    def test_a_write_to_an_address_that_it_does_not_have(self):
        self.assert_ended(probe32("touch", access="w", address="0xfffffffc"),
                          "wrote to an address that it does not have: 0xfffffffc")

    def test_a_jump_to_an_address_that_it_does_not_have(self):
        self.assert_ended(probe32("touch", access="x", address="0x9050000"),
                          "executed from an address that it does not have: 0x9050000")

    def test_an_access_to_the_interrupt_controller_that_no_syndrome_describes(self):
        self.assert_ended(probe32("touch", access="m", address="0x8000000"),
                          "read an address that it does not have: 0x8000000")

    def test_high_vectors_without_memory_there(self):
        self.assert_ended(probe32("high-vectors", "high"),
                          "executed from an address that it does not have: 0xffff0004")


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
