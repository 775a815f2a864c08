# SPDX-License-Identifier: Apache-2.0
"""What partitions do, and what becomes of it: each behaviour of guests/probe, its own set.

A partition is ended, never the machine: where one does what it must not, the hypervisor says which
partition and which address, gives it exit code 254, and whoever runs beside it ends as if alone.
"""
import os
import re
import subprocess
import sys
import time
import unittest

import harness
from harness import Machine
from places import (ECAM, GITS_TRANSLATER, IMAGE_BASE, ITS, PCI_WINDOW, RAM, REDISTRIBUTORS, SERIAL,
                    SMMU)
from scenario import (BASE, CRASH, EDU, LIMIT, MIB, PAGE, POOL_PAGES, SIZE, SETS, Partition, Run,
                      ScenarioTest, assemble, block, cells, make_bundle, pack_file, pci, probe,
                      source_of)

RUN = [sys.executable, f"{harness.ROOT}/tools/run/run.py", "--board", harness.MACHINE_FOLDER]
SECOND_EDU = ("-device", "pcie-root-port,id=port2,chassis=2,addr=02.0", "-device",
              "edu,bus=port2,dma_mask=0xffffffffffffffff")
UNDEFINED = 121  # exit code of the SDK for an undefined instruction
LOADED = 0x44000000  # where a boot loader finds the image
OWN_MEMORY = RAM  # the hypervisor's: the lowest of the machine
PLACED = 0x60000000  # for a partition's memory
BAR0 = 0x10  # in configuration space
VISIBLE_END = BASE + SIZE - POOL_PAGES * PAGE

# name of the partition -> (address, access); what a vCPU must never reach (I13, I14)
OUT_OF_REACH = {
    "flash": (0x0, "r"),
    "flash-command": (0x0, "w"),
    "second-flash": (0x04000000, "r"),
    "gicv2-frame": (0x08010000, "r"),
    "its": (ITS, "r"),
    "its-doorbell": (GITS_TRANSLATER, "w"),
    "redistributor": (REDISTRIBUTORS + 0x20000, "r"),
    "redistributor-write": (REDISTRIBUTORS + 0x30100, "w"),
    "console-uart": (SERIAL, "w"),
    "rtc": (0x09010000, "r"),
    "fw-cfg": (0x09020000, "r"),
    "fw-cfg-dma": (0x09020010, "w"),
    "gpio": (0x09030000, "w"),
    "smmu": (SMMU, "r"),
    "smmu-enable": (SMMU + 0x20, "w"),
    "smmu-events": (SMMU + 0x100A8, "r"),
    "virtio-mmio": (0x0A000000, "r"),
    "virtio-mmio-last": (0x0A003E00, "w"),
    "platform-bus": (0x0C000000, "r"),
    "pci-window": (PCI_WINDOW, "r"),
    "pci-ports": (0x3EFF0000, "r"),
    "below-memory": (BASE - 4, "r"),
    "below-memory-write": (BASE - 4, "w"),
    "above-memory": (BASE + SIZE, "r"),
    "above-memory-write": (BASE + SIZE, "w"),
    "own-table-pool": (VISIBLE_END, "r"),
    "own-table-pool-write": (VISIBLE_END, "w"),
    "own-table-pool-end": (BASE + SIZE - 4, "r"),
    "second-gigabyte": (0x80000000, "r"),
    "ecam": (ECAM, "r"),
    "ecam-write": (ECAM + 0x100000 + BAR0, "w"),
    "wide-pci-window": (0x8000000000, "r"),
}
AT_ONCE = 7  # of them in one machine, beside one that must not notice


def touch(name):
    address, access = OUT_OF_REACH[name]
    return probe("touch", name, address=hex(address), access=access)


def verdict(name, address, how="read"):
    return f"{name}: ended: it {how} an address that it does not have: {address:#x}"


class OutOfReach(ScenarioTest):
    """All addresses are touched in setUpClass, several partitions to a machine; the tests read."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.runs = {}
        names = list(OUT_OF_REACH)
        for first in range(0, len(names), AT_ONCE):
            batch = names[first:first + AT_ONCE]
            machine = cls.launch([*map(touch, batch), probe("registers", "bystander")],
                                 "-smp", str(len(batch) + 1))
            cls.runs.update(dict.fromkeys(batch, (machine, None)))
            run = Run(machine)
            cls.runs.update(dict.fromkeys(batch, (machine, run)))

    def assert_ended(self, *names):
        """Each was ended with a line that names it and the address, and nobody else noticed."""
        for name in names:
            machine, run = self.runs[name]
            self.machines = (machine,)
            address, access = OUT_OF_REACH[name]
            with self.subTest(name):
                line = verdict(name, address, "wrote to" if access == "w" else "read")
                self.assertIn(line, run.said("bulkhead"))
                self.assertEqual(run.codes.get(name), CRASH)
                self.assertEqual(len(run.said(name)), 2, "it went on after the access")
                self.assertEqual(run.codes.get("bystander"), 0)
                self.assert_checks_hold(run, "bystander")
                self.assert_named(run, run.codes)

    def test_a_touch_of_the_smmu_s_registers_ends_the_partition(self):
        self.assert_ended("smmu", "smmu-enable", "smmu-events")

    def test_a_touch_of_the_its_or_its_doorbell_ends_the_partition(self):
        self.assert_ended("its", "its-doorbell")

    def test_a_touch_of_another_cpu_s_redistributor_ends_the_partition(self):
        self.assert_ended("redistributor", "redistributor-write")

    def test_a_touch_of_the_interrupt_controller_s_other_frame_ends_the_partition(self):
        self.assert_ended("gicv2-frame")

    def test_a_touch_of_pci_configuration_space_ends_the_partition(self):
        self.assert_ended("ecam", "ecam-write")

    def test_a_touch_of_the_pci_windows_ends_the_partition(self):
        self.assert_ended("pci-window", "pci-ports", "wide-pci-window")

    def test_a_touch_of_flash_ends_the_partition(self):
        self.assert_ended("flash", "flash-command", "second-flash")

    def test_a_touch_of_the_console_s_uart_ends_the_partition(self):
        self.assert_ended("console-uart")

    def test_a_touch_of_the_rtc_or_gpio_ends_the_partition(self):
        self.assert_ended("rtc", "gpio")

    def test_a_touch_of_fw_cfg_ends_the_partition(self):
        self.assert_ended("fw-cfg", "fw-cfg-dma")

    def test_a_touch_of_virtio_mmio_or_the_platform_bus_ends_the_partition(self):
        self.assert_ended("virtio-mmio", "virtio-mmio-last", "platform-bus")

    def test_a_touch_just_below_its_memory_ends_the_partition(self):
        self.assert_ended("below-memory", "below-memory-write")

    def test_a_touch_just_above_its_memory_ends_the_partition(self):
        self.assert_ended("above-memory", "above-memory-write", "second-gigabyte")

    def test_a_touch_of_its_own_table_pool_ends_the_partition(self):
        self.assert_ended("own-table-pool", "own-table-pool-write", "own-table-pool-end")


class Elsewhere(ScenarioTest):
    """A few instructions in memory that does not cover the machine's own addresses."""

    def run_touch(self, name, address, how, memory=(0x80000000, SIZE), placed=()):
        """placed: the line of the set that says where the bystander's memory is put."""
        program = assemble(self.folder, "touch", ADDRESS=hex(address), HOW=how)
        partition = Partition(name, payload="touch.bin", memory=memory)
        bystander = probe("registers", "bystander", lines=placed)
        run = self.run_set([partition, bystander], payloads={"touch.bin": program})
        self.assertEqual(run.codes, {name: CRASH, "bystander": 0})
        return run

    def test_a_read_of_the_hypervisor_s_image_ends_the_partition(self):
        run = self.run_touch("reader", IMAGE_BASE, 0)
        self.assertIn(verdict("reader", IMAGE_BASE), run.said("bulkhead"))

    def test_a_write_to_the_hypervisor_s_image_ends_the_partition(self):
        run = self.run_touch("writer", IMAGE_BASE, 1)
        self.assertIn(verdict("writer", IMAGE_BASE, "wrote to"), run.said("bulkhead"))

    def test_a_jump_into_the_hypervisor_s_image_ends_the_partition(self):
        run = self.run_touch("jumper", IMAGE_BASE, 2)
        self.assertIn(verdict("jumper", IMAGE_BASE, "executed from"), run.said("bulkhead"))

    def test_a_read_of_the_hypervisor_s_tables_and_queues_ends_the_partition(self):
        run = self.run_touch("reader", OWN_MEMORY, 0)
        self.assertIn(verdict("reader", OWN_MEMORY), run.said("bulkhead"))

    def test_a_write_to_the_hypervisor_s_tables_and_queues_ends_the_partition(self):
        run = self.run_touch("writer", OWN_MEMORY + 0x1000, 1)
        self.assertIn(verdict("writer", OWN_MEMORY + 0x1000, "wrote to"), run.said("bulkhead"))

    def test_a_touch_of_where_another_partition_s_memory_really_is_ends_the_partition(self):
        for how, word in ((0, "read"), (1, "wrote to")):
            with self.subTest(word):
                run = self.run_touch("neighbour", PLACED, how,
                                     placed=(f"physical-address = {cells(PLACED)};",))
                self.assertIn(verdict("neighbour", PLACED, word), run.said("bulkhead"))

    def test_a_read_of_the_device_tree_of_the_machine_ends_the_partition(self):
        run = self.run_touch("reader", 0x48000000, 0)
        self.assertIn(verdict("reader", 0x48000000), run.said("bulkhead"))

    def test_an_address_beyond_guest_physical_space_ends_the_partition(self):
        run = self.run_touch("reader", 0xFF_FFFF_F000, 0)
        self.assertTrue(run.hypervisor(r"reader: ended: .*0x"), run.lines)


class Registers(ScenarioTest):
    """The registers of a device are there while it is bound, and only then."""

    def bar_of_the_edu(self):
        machine = self.boot([probe("hang", devices=[pci(EDU)])], ways=("qmp", "qtest"))
        machine.console.wait_for(r"\[hang\] spinning", LIMIT)
        return machine.qtest.read32(ECAM + (1 << 20) + BAR0) & ~0xF

    def test_row_2_53_a_device_s_registers_are_out_of_reach_before_bind(self):
        address = self.bar_of_the_edu()
        self.assertNotEqual(address, 0, "the edu has no address: nothing to touch")
        run = self.run_set([probe("touch", devices=[pci(EDU)], address=hex(address))])
        self.assertIn(verdict("touch", address), run.said("bulkhead"))
        self.assert_codes(run, touch=CRASH)

    def test_a_register_block_without_dma_is_bound_read_and_given_back(self):
        run = self.run_set([probe("rtc", devices=[block("/pl031@9010000")],
                                  device_name="/pl031@9010000")])
        self.assert_checks_hold(run, "rtc")
        self.assert_codes(run, rtc=0)
        value = re.search(r"first register 0x([0-9a-f]+)", "\n".join(run.said("rtc")))
        self.assertAlmostEqual(int(value[1], 16), time.time(), delta=LIMIT, msg="no clock's time")


class Behaviour(ScenarioTest):
    """One behaviour, one set, one run."""

    def run_probe(self, test, **options):
        return self.run_set([probe(test, **options)])

    def test_row_2_10_row_2_11_row_2_22_row_4_14_every_call_and_every_error_is_as_the_abi_says(self):
        run = self.run_probe("abi", devices=[pci(EDU)])
        self.assert_checks_hold(run, "abi")
        self.assert_codes(run, abi=0)

    def test_a_partition_that_may_bind_nothing_needs_no_devices_node(self):
        source = source_of([probe("exit", code=0)])
        bare = source.replace("    devices {  };\n", "")
        self.assertNotIn("devices", bare)
        run = Run(self.boot(make_bundle(self.folder, bare)))
        self.assert_codes(run, exit=0)

    def test_an_undefined_instruction_is_the_guest_s_own_affair(self):
        run = self.run_probe("crash")
        self.assert_codes(run, crash=UNDEFINED)
        self.assertEqual(run.hypervisor("ended"), [])

    def test_an_smc_is_answered_with_not_supported(self):
        run = self.run_probe("smc")
        self.assert_checks_hold(run, "smc")
        self.assert_codes(run, smc=0)

    def test_psci_answers_and_system_off_ends_with_code_0(self):
        run = self.run_probe("psci")
        self.assertEqual(run.said("psci"), ["test psci"])
        self.assert_codes(run, psci=0)

    def test_a_reset_partition_starts_again_with_scrubbed_memory(self):
        run = self.run_probe("reset", until_ms=1200)
        starts = [line for line in run.said("reset") if line.startswith("started,")]
        self.assertGreaterEqual(len(starts), 2, "it never came back")
        self.assertEqual(len(run.hypervisor("reset: resets$")), len(starts) - 1)
        self.assert_checks_hold(run, "reset")
        self.assert_codes(run, reset=0)

    def test_full_list_registers_do_not_keep_the_cpu(self):
        run = self.run_probe("interrupts")
        self.assert_checks_hold(run, "interrupts")
        self.assert_codes(run, interrupts=0)

    def test_a_waiting_timer_interrupt_does_not_spoil_the_next_life(self):
        run = self.run_probe("timer-left")
        self.assert_checks_hold(run, "timer-left")
        self.assert_codes(run, **{"timer-left": 0})

    def test_sleeps_and_timer_interrupts_come_on_time(self):
        run = self.run_probe("timer")
        self.assert_checks_hold(run, "timer")
        self.assert_codes(run, timer=0)

    def test_a_hypercall_preserves_all_registers_but_its_results(self):
        run = self.run_probe("registers")
        self.assert_checks_hold(run, "registers")
        self.assert_codes(run, registers=0)

    def test_an_exit_code_goes_into_the_closing_line(self):
        self.assert_codes(self.run_probe("exit", code=42), exit=42)

    def assert_nothing_is_left(self, cpu, *extra, full=False, **options):
        """Each life of sets/left.S finds the registers as the one before, which spoiled them all."""
        program = assemble(self.folder, "left", **({"FULL": 1} if full else {}))
        run = self.run_set([Partition("left", payload="left.bin")], "-cpu", cpu, *extra,
                           payloads={"left.bin": program}, **options)
        self.assertGreaterEqual(len(run.hypervisor("left: resets$")), 1, "it never came back")
        self.assert_codes(run, left=0)

    def test_a_reset_leaves_nothing_in_any_register_that_el1_can_write(self):
        for cpu in ("max", "neoverse-n1", "cortex-a53"):
            with self.subTest(cpu=cpu):
                self.assert_nothing_is_left(cpu, full=cpu != "cortex-a53")

    def test_what_a_loader_left_in_the_traps_of_el2_is_no_partition_s_affair(self):
        loader = os.path.join(self.folder, "rubbish.bin")
        with open(loader, "wb") as file:
            file.write(assemble(self.folder, "rubbish", NEXT=LOADED))
        self.assert_nothing_is_left("max", "-device", f"loader,file={harness.IMAGE},addr={LOADED},"
                                    "force-raw=on", full=True, image=loader)

    def test_a_function_id_counts_in_its_lower_half_only(self):
        program = assemble(self.folder, "garbage")
        run = self.run_set([Partition("garbage", payload="garbage.bin")],
                           payloads={"garbage.bin": program})
        self.assert_codes(run, garbage=0)


class ExitStatus(ScenarioTest):
    """What a shell sees of `make run`."""

    def status_of(self, *partitions):
        bundle = make_bundle(self.folder, source_of(partitions))
        done = subprocess.run([*RUN, "--image", harness.IMAGE, "--bundle", bundle, "--timeout",
                               str(LIMIT)], capture_output=True, timeout=LIMIT + 20, check=False,
                              encoding="utf-8", errors="replace")
        return done.returncode, done.stdout

    def test_the_first_code_that_is_not_0_is_the_status(self):
        status, output = self.status_of(probe("exit", "calm", code=0), probe("exit", code=17))
        self.assertEqual(status, 17, output)

    def test_the_closing_line_has_room_for_all_partitions_and_the_longest_names(self):
        names = [f"{number}-" + "n" * 29 for number in range(8)]
        run = self.run_set([probe("exit", name, memory=(BASE, 4 * MIB), code=100 + number)
                            for number, name in enumerate(names)], "-smp", "8")
        self.assertEqual(run.codes, {name: 100 + number for number, name in enumerate(names)})

    def test_a_partition_that_was_ended_makes_the_status_a_failure(self):
        status, output = self.status_of(probe("touch", address=hex(SMMU)))
        self.assertEqual(status, 125, output)


class ConsoleText(ScenarioTest):
    """What a partition prints is its own, whatever the bytes; read as raw as it comes."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        partitions = [probe("console"), probe("console", "other")]
        bundle = make_bundle(cls.folder, source_of(partitions))
        with Machine(bundle=bundle, ways=()) as machine:
            cls.run_of_two = Run(machine)
        cls.watch(machine)

    def setUp(self):
        super().setUp()
        self.said = self.run_of_two.said("console")

    def test_every_line_has_the_name_of_its_partition_in_front(self):
        self.assert_named(self.run_of_two, ["console", "other"])

    def test_nothing_that_steers_a_terminal_comes_out(self):
        text = "\n".join(self.run_of_two.lines)
        self.assertNotIn("\N{REPLACEMENT CHARACTER}", text)
        self.assertEqual(re.findall(r"[^ -~\n]", text), [])

    def test_a_long_line_is_broken_and_nothing_of_it_is_lost(self):
        pieces = [line for line in self.said if line and not line.strip("x")]
        self.assertEqual(sum(map(len, pieces)), 600)

    def test_an_empty_line_is_a_line(self):
        place = self.said.index("two")
        self.assertEqual(self.said[place:place + 4], ["two", "", "", "empty lines"])

    def test_a_partition_cannot_speak_as_the_hypervisor(self):
        lie = "[bulkhead] off: probe=0"
        self.assertEqual(self.said.count(lie), 2)
        self.assertNotIn(lie, self.run_of_two.lines)

    def test_what_has_no_newline_comes_out_at_the_end(self):
        self.assertEqual(self.said[-1], "the end, without a newline")

    def test_two_that_print_at_once_each_print_what_one_would(self):
        self.assertEqual(self.said, self.run_of_two.said("other"))
        self.assertEqual(self.run_of_two.codes, {"console": 0, "other": 0})


class SideBySide(ScenarioTest):
    """Partitions on two CPUs."""

    def assert_unharmed(self, machine, name, code):
        """It went off with its code while another still holds the machine on."""
        machine.console.wait_for(rf"^\[bulkhead\] {name}: off, code {code}$", LIMIT)
        self.assertIsNone(machine.process.poll(), "the machine went off with a partition running")
        self.assertEqual([line for line in machine.console.lines() if " off: " in line], [])

    def test_one_that_hangs_on_the_boot_cpu_does_not_hold_up_another(self):
        machine = self.boot([probe("hang"), probe("registers")])
        self.assert_unharmed(machine, "registers", 0)
        machine.console.wait_for(r"^\[registers\] \d+ checks, 0 failed$", LIMIT)

    def test_one_that_hangs_on_the_second_cpu_does_not_hold_up_another(self):
        machine = self.boot([probe("exit", code=5), probe("hang")])
        self.assert_unharmed(machine, "exit", 5)

    def test_faults_are_told_while_the_boot_cpu_runs_one_that_hangs(self):
        sensor = Partition("sensor", "image=${image_start} stream-table=${smmuv3_stream_tables}",
                           "sensor.elf", devices=(pci(EDU),))
        machine = self.boot([probe("hang"), sensor])
        self.assert_unharmed(machine, "sensor", 0)
        machine.console.wait_for(r"^\[sensor\] result: 10 attempts, 0 surprises$", LIMIT)

    def test_one_that_resets_for_ever_does_not_hold_up_another(self):
        machine = self.boot([probe("reset"), probe("registers")])
        self.assert_unharmed(machine, "registers", 0)
        machine.console.wait_for(r"\[bulkhead\] reset: resets", LIMIT)

    def test_two_with_a_device_each_are_both_right(self):
        machine = self.boot(pack_file(self.folder, f"{SETS}/pair.dts"), *SECOND_EDU)
        run = Run(machine)
        self.assert_named(run, ["sensor", "probe"])
        self.assertEqual(run.said("sensor")[-1], "result: 10 attempts, 0 surprises")
        self.assert_checks_hold(run, "probe")
        self.assert_codes(run, sensor=0, probe=0)


class Death(ScenarioTest):
    """A partition dies while a write of its device is in flight; memory is read from outside."""

    PHYSICAL, TRANSFER = 0x60000000, 0.1  # where its memory lies; seconds that an edu takes
    PATTERN = (0x44494544).to_bytes(4, "little") * 16

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        dying = probe("die-dma", devices=[pci(EDU)],
                      lines=[f"physical-address = {cells(cls.PHYSICAL)};"])
        cls.machine = cls.launch([dying, probe("hang")])
        cls.watch(cls.machine)
        console = cls.machine.console
        _, told = console.wait_for(r"my 0x([0-9a-f]+), is in flight", LIMIT)
        console.wait_for(r"^\[bulkhead\] die-dma: off", LIMIT)
        cls.target = cls.PHYSICAL + int(told[1], 16) - BASE
        time.sleep(10 * cls.TRANSFER)
        cls.source_bytes = cls.physical(cls.target - PAGE // 2)
        cls.target_bytes = cls.physical(cls.target)

    @classmethod
    def physical(cls, address):
        path = cls.machine.path("memory")
        cls.machine.qmp.command("pmemsave", val=address, size=len(cls.PATTERN), filename=path)
        with open(path, "rb") as file:
            return file.read()

    def test_the_device_had_taken_the_pattern_from_the_partition_s_memory(self):
        self.assertEqual(self.source_bytes, self.PATTERN)

    def test_the_write_in_flight_never_lands(self):
        self.assertEqual(self.target_bytes, bytes(len(self.PATTERN)))

    def test_the_death_names_partition_and_address(self):
        self.assertIn("[bulkhead] " + verdict("die-dma", 0), self.machine.console.lines())
        self.assertIn(f"[bulkhead] die-dma: off, code {CRASH}", self.machine.console.lines())


if __name__ == "__main__":
    unittest.main()
