# SPDX-License-Identifier: Apache-2.0
"""What must be refused at boot: with one line that says what to change, and nothing starts.

A mistake in a set is told as `file:node: property: what to write instead`; a bundle, a device tree
or a machine that cannot be used as `fatal: why`. The machine goes off with the last line
`[bulkhead] off: bulkhead=253`. Beside each refused partition stands one that could start, and must
not.
"""
import os
import re
import struct
import tempfile

import harness
from harness import require
from refusal import BYSTANDER, REFUSAL_LIMIT, RefusalTest
from places import EDU_BAR, IMAGE_BASE, RAM, RAM_END, SERIAL
from scenario import (BASE, EDU, MIB, REFUSED, SIZE, Bundle, Partition, Run, block,
                      cells, make_bundle, pci, probe, source_of)

BRIDGED_EDUS = ("-device", "pcie-root-port,id=port2,chassis=2,addr=02.0", "-device",
                "pcie-pci-bridge,id=bridge,bus=port2", "-device", "edu,bus=bridge,addr=1",
                "-device", "edu,bus=bridge,addr=2")
VGIC = 0x08000000
POOL_LEAST, POOL_MOST = 8, 65536
NAME_MOST = 31


class Memory(RefusalTest):
    """Where a partition's memory must not lie."""

    @staticmethod
    def at(physical, name="probe", memory=(BASE, SIZE)):
        return probe("exit", name, memory=memory, code=0,
                     lines=[f"physical-address = {cells(physical)};"])

    def test_two_partitions_at_overlapping_physical_addresses(self):
        self.assert_mistake("/partitions/second", "physical-address", "move",
                            [self.at(0x50000000), self.at(0x50000000 + SIZE // 2, "second")])

    def test_two_partitions_at_the_same_physical_address(self):
        self.assert_mistake("/partitions/second", "physical-address", "move",
                            [self.at(0x50000000), self.at(0x50000000, "second")])

    def test_memory_outside_of_the_machine_s_ram(self):
        for physical in (RAM_END, RAM_END - SIZE // 2, RAM - SIZE, 0x80_0000_0000):
            with self.subTest(hex(physical)):
                self.assert_mistake("/partitions/probe", "physical-address", "not free memory",
                                    [self.at(physical)])

    def test_memory_over_the_hypervisor_s_image(self):
        self.assert_mistake("/partitions/probe", "physical-address", "not free memory",
                            [self.at(IMAGE_BASE)])

    def test_memory_over_the_bundle(self):
        self.assert_mistake("/partitions/probe", "physical-address", "not free memory",
                            [self.at(0x48000000)])

    def test_memory_over_the_smmu(self):
        self.assert_mistake("/partitions/probe", "physical-address", "not free memory",
                            [self.at(SERIAL, memory=(BASE, 2 * MIB))])

    def test_a_physical_address_that_wraps_around(self):
        self.assert_mistake("/partitions/probe", "physical-address", "wrap",
                            [self.at(0xFFFFFFFF_FF200000)])

    def test_a_physical_address_that_is_not_a_multiple_of_2_mib(self):
        self.assert_mistake("/partitions/probe", "physical-address", "multiple of 2 MiB",
                            [self.at(0x50001000)])

    def test_memory_that_is_not_a_multiple_of_2_mib(self):
        for memory in ((BASE + MIB, SIZE), (BASE, SIZE + MIB), (BASE + 4096, SIZE)):
            with self.subTest(memory):
                self.assert_mistake("/partitions/probe", "memory", "multiples of 2 MiB",
                                    [probe("exit", "probe", memory=memory, code=0)])

    def test_memory_of_no_size(self):
        self.assert_mistake("/partitions/probe", "memory", "not zero",
                            [probe("exit", "probe", memory=(BASE, 0), code=0)])

    def test_no_memory_property(self):
        self.assert_mistake("/partitions/probe", "memory", "write memory = <",
                            [probe("exit", "probe", memory=None, code=0)])

    def test_memory_in_three_cells(self):
        self.assert_mistake("/partitions/probe", "memory", "two cells each",
                            [probe("exit", "probe", memory=None, code=0,
                                   lines=["memory = <0x0 0x40000000 0x1000000>;"])])

    def test_memory_above_guest_physical_space(self):
        self.assert_mistake("/partitions/probe", "memory", "bits of guest-physical",
                            [probe("exit", "probe", memory=((1 << 39) - SIZE // 2, SIZE), code=0)])

    def test_memory_over_the_interrupt_controller(self):
        for base in (VGIC, VGIC - 2 * MIB):
            with self.subTest(hex(base)):
                self.assert_mistake("/partitions/probe", "memory", "choose another base",
                                    [probe("exit", "probe", memory=(base, SIZE), code=0)])

    def test_memory_over_the_registers_of_its_own_device(self):
        self.assert_mistake("/partitions/probe", "memory", f"{EDU_BAR:#x}: choose another base",
                            [probe("exit", "probe", memory=(EDU_BAR - 5 * MIB, SIZE), code=0,
                                   devices=[pci(EDU)])])

    def test_memory_over_the_registers_of_its_own_register_block(self):
        self.assert_mistake("/partitions/probe", "memory", "choose another base",
                            [probe("exit", "probe", memory=(0x09000000, SIZE), code=0,
                                   devices=[block("/pl031@9010000")])])

    def test_more_memory_than_the_machine_has(self):
        self.assert_mistake("/partitions/probe", "memory", "lower it",
                            [probe("exit", "probe", memory=(BASE, 1 << 30), code=0)])

    def test_more_memory_than_the_machine_has_together(self):
        half = [probe("exit", name, memory=(BASE, 600 * MIB), code=0) for name in ("one", "two")]
        self.assert_mistake("/partitions/two", "memory", "lower it", half, "-smp", "3")


class Devices(RefusalTest):
    """Devices that cannot be given."""

    def assert_device(self, text, remedy, wanted=None, extra=()):
        """A set with that one device is refused at its node."""
        wanted = wanted or text.split(" ", 1)[0]
        self.assert_mistake("/partitions/probe/devices/device0", wanted, remedy,
                            [probe("exit", "probe", devices=[text], code=0)], *extra)

    def test_a_pci_device_that_the_machine_does_not_have(self):
        self.assert_device(pci("0000:05:00.0"), "no 0000:05:00.0")

    def test_a_register_block_that_the_machine_does_not_have(self):
        self.assert_device(block("/pl099@9990000"), "no /pl099@9990000")

    def test_a_path_that_is_no_register_block(self):
        for path in ("/cpus", "/", "/pcie@10000000", "/memory@40000000", "/intc@8000000"):
            with self.subTest(path):
                self.assert_device(block(path), re.escape(path))

    def test_an_iommu(self):
        self.assert_device(block("/smmuv3@9050000"), "smmuv3@9050000")

    def test_a_bridge(self):
        self.assert_device(pci("0000:00:01.0"), "0000:00:01.0")

    def test_a_pci_address_in_the_wrong_shape(self):
        for address in ("01:00.0", "0000:01:00.8", "0000:01:0G.0", "0000:01:00.00", ""):
            with self.subTest(address):
                self.assert_device(pci(address), "0000:01:00.0")

    def test_a_device_that_is_neither_pci_nor_path(self):
        self.assert_device("no-dma;", "needs either pci", "pci")

    def test_a_device_that_is_pci_and_path(self):
        self.assert_device(pci(EDU) + ' path = "/pl031@9010000"; no-dma;', "needs either pci")

    def test_a_register_block_without_the_word_that_it_cannot_master(self):
        self.assert_device('path = "/pl031@9010000";', "add no-dma", "no-dma")

    def test_fw_cfg_as_a_register_block(self):
        self.assert_device(block("/fw-cfg@9020000"), "cannot be assigned")

    def test_virtio_mmio_as_a_register_block(self):
        self.assert_device(block("/virtio_mmio@a000000"), "cannot be assigned")

    def test_flash_as_a_register_block(self):
        self.assert_device(block("/flash@0"), "cannot be assigned")

    def test_the_console_s_uart_as_a_register_block(self):
        self.assert_device(block("/pl011@9000000"), "cannot be assigned: .*console")

    def test_the_interrupt_translation_service_as_a_register_block(self):
        self.assert_device(block("/intc@8000000/its@8080000"), "its@8080000")

    def test_a_device_that_is_listed_twice(self):
        for text in (pci(EDU), block("/pl031@9010000")):
            with self.subTest(text):
                self.assert_mistake("/partitions/probe/devices/device1", text.split(" ", 1)[0],
                                    "twice.*remove one",
                                    [probe("exit", "probe", devices=[text, text], code=0)])

    def test_a_group_that_two_partitions_would_split(self):
        one, two = (probe("exit", name, devices=[pci(address)], code=0)
                    for name, address in (("one", "0000:03:01.0"), ("two", "0000:03:02.0")))
        self.assert_mistake("/partitions/one/devices/device0", "pci",
                            "0000:03:01.0 and 0000:03:02.0 are one group.*list both",
                            [one, two], *BRIDGED_EDUS, "-smp", "3")

    def test_half_a_group(self):
        half = probe("exit", "half", devices=[pci("0000:03:02.0")], code=0)
        self.assert_mistake("/partitions/half/devices/device0", "pci",
                            "0000:03:02.0 and 0000:03:01.0 are one group.*list both for half",
                            [half], *BRIDGED_EDUS)

    def test_a_whole_group_under_one_partition_is_no_mistake(self):
        whole = probe("exit", "whole", code=0,
                      devices=[pci("0000:03:01.0"), pci("0000:03:02.0")])
        run = Run(self.boot([whole], *BRIDGED_EDUS))
        self.assertEqual(run.codes, {"whole": 0})

    def test_more_devices_than_a_partition_can_have(self):
        paths = [f"/virtio_mmio@a{number * 0x200:06x}" for number in range(17)]
        self.assert_mistake("/partitions/probe/devices/device16", None, "more than 16 devices",
                            [probe("exit", "probe", devices=map(block, paths), code=0)])


class Shape(RefusalTest):
    """What else a set says of a partition: names, CPUs, the pool."""

    def assert_partition(self, line, wanted, remedy, **options):
        self.assert_mistake("/partitions/probe", wanted, remedy,
                            [probe("exit", "probe", code=0, lines=[line], **options)])

    def test_more_partitions_than_cpus(self):
        self.assert_mistake("/partitions", "cpus", "3 partitions.*has 2: remove",
                            [probe("exit", "one", code=0), probe("exit", "two", code=0)])

    def test_more_partitions_than_the_hypervisor_keeps(self):
        many = [probe("exit", f"p{number}", code=0, memory=(BASE, 4 * MIB)) for number in range(8)]
        self.assert_mistake("/partitions/bystander", None, "more than 8 partitions", many,
                            "-smp", "8")

    def test_a_partition_of_two_cpus(self):
        self.assert_partition("cpus = <2>;", "cpus", "write cpus = <1>")

    def test_a_partition_of_no_cpu(self):
        self.assert_partition("cpus = <0>;", "cpus", "write cpus = <1>")

    def test_cpus_that_are_no_number(self):
        self.assert_partition('cpus = "one";', "cpus", "write cpus = <1>")

    def test_a_pool_that_is_too_small(self):
        self.assert_partition(f"pool-pages = <{POOL_LEAST - 1}>;", "pool-pages", "from 8 to")

    def test_a_pool_that_is_too_large(self):
        self.assert_partition(f"pool-pages = <{POOL_MOST + 1}>;", "pool-pages", "from 8 to")

    def test_a_pool_of_more_than_half_the_memory(self):
        self.assert_partition(f"pool-pages = <{SIZE // 4096 // 2 + 1}>;", "pool-pages", "lower it")

    def test_a_pool_that_is_no_number(self):
        self.assert_partition("pool-pages = <1 2>;", "pool-pages", "from 8 to")

    def test_the_smallest_pool_is_enough_to_run(self):
        run = Run(self.boot([probe("registers", lines=[f"pool-pages = <{POOL_LEAST}>;"])]))
        self.assertEqual(run.codes, {"registers": 0})

    def test_a_console_name_that_is_too_long(self):
        self.assert_partition(f'console = "{"n" * (NAME_MOST + 1)}";', "console", "at most 31")

    def test_the_longest_name_is_no_mistake(self):
        name = "n" * NAME_MOST
        run = Run(self.boot([probe("exit", code=0, lines=[f'console = "{name}";'])]))
        self.assertEqual(run.codes, {name: 0})

    def test_a_node_name_that_is_too_long(self):
        name = "n" * (NAME_MOST + 1)
        self.assert_mistake(f"/partitions/{name}", "console", "31 characters",
                            [probe("exit", name, code=0)])

    def test_a_node_path_that_is_too_long(self):
        lines = self.refused([probe("exit", "n" * 70, code=0), BYSTANDER])
        self.assert_line(lines, r"^set\.dts:/.*: .*shorten")

    def test_the_hypervisor_s_own_name(self):
        self.assert_partition('console = "bulkhead";', "console", "choose another")

    def test_the_hypervisor_s_own_name_by_the_node(self):
        self.assert_mistake("/partitions/bulkhead", "console", "choose another",
                            [probe("exit", "bulkhead", code=0)])

    def test_a_name_that_could_be_taken_for_another_s_prefix(self):
        for name in ("a] [bulkhead", "two words", "a=0", "", "\\n"):
            with self.subTest(name):
                self.assert_partition(f'console = "{name}";', "console",
                                      "a name of at most 31 letters, digits, '-', '_' or '\\.'")

    def test_two_partitions_of_one_name(self):
        self.assert_mistake("/partitions/second", "console", "in use by /partitions/probe",
                            [probe("exit", "probe", code=0),
                             probe("exit", "second", code=0, lines=['console = "probe";'])])

    def test_bootargs_that_are_too_long(self):
        self.assert_mistake("/partitions/probe", "bootargs", "at most 511",
                            [Partition("probe", bootargs="a" * 512)])

    def test_a_set_without_partitions(self):
        lines = self.refused([])
        self.assert_line(lines, r"^set\.dts:/partitions: .*add a node")

    def test_a_set_without_a_partitions_node(self):
        bundle = make_bundle(self.folder, '/dts-v1/; / { compatible = "bulkhead,partition-set"; };')
        self.assert_line(self.refused(bundle), r"^set\.dts:/partitions: is missing: add it")

    def test_a_tree_that_is_no_set(self):
        source = source_of([BYSTANDER]).replace("bulkhead,partition-set", "linux,dummy-virt")
        lines = self.refused(make_bundle(self.folder, source))
        self.assert_line(lines, r"^set\.dts:/: compatible: .*bulkhead,partition-set")


class Payloads(RefusalTest):
    """Files that a partition cannot run."""

    NODE = "/partitions/probe"

    def setUp(self):
        super().setUp()
        with open(os.path.join(require(os.path.join(harness.BUILD, "guests")), "probe.elf"),
                  "rb") as file:
            self.elf = file.read()

    def pack(self, payload, memory=(BASE, SIZE)):
        bad = Partition("probe", "test=exit code=0", "bad.elf", memory)
        return make_bundle(self.folder, source_of([bad, BYSTANDER]), {"bad.elf": payload})

    def patched(self, offset, data):
        return self.elf[:offset] + data + self.elf[offset + len(data):]

    def end_of_segments(self):
        """Behind this the file holds what nobody loads."""
        table, count = struct.unpack_from("<Q", self.elf, 32)[0], struct.unpack_from("<H", self.elf,
                                                                                     56)[0]
        segments = [struct.unpack_from("<8xQ16xQ", self.elf, table + 56 * number)
                    for number in range(count)]
        return max(offset + size for offset, size in segments)

    def assert_payload(self, bundle, remedy):
        self.assert_line(self.refused(bundle), rf"^set\.dts:{self.NODE}: payload: .*({remedy})")

    def test_no_payload_property(self):
        source = source_of([probe("exit", "probe", code=0), BYSTANDER])
        source = source.replace('payload = "probe.elf";', "", 1)
        self.assert_payload(make_bundle(self.folder, source), "write payload = ")

    def test_a_payload_that_is_not_in_the_bundle(self):
        bundle = Bundle(self.pack(self.elf))
        bundle.rename(1, "other.elf")
        self.assert_payload(bundle.save(self.folder), "bad.elf")

    def test_a_payload_that_is_larger_than_the_memory(self):
        self.assert_payload(self.pack(bytes(4 * MIB), memory=(BASE, 4 * MIB)), "bad.elf")

    def test_an_elf_file_that_is_larger_than_the_memory(self):
        self.assert_payload(self.pack(self.elf, memory=(BASE + 64 * MIB, 2 * MIB)), "bad.elf")

    def test_a_payload_of_no_bytes(self):
        self.assert_payload(self.pack(b""), "bad.elf")

    def test_an_elf_file_for_another_architecture(self):
        x86_64 = (62).to_bytes(2, "little")
        self.assert_payload(self.pack(self.patched(18, x86_64)), "bad.elf.*architecture")

    def test_an_elf_file_of_32_bits(self):
        self.assert_payload(self.pack(self.patched(4, b"\1")), "bad.elf.*architecture")

    def test_an_elf_file_whose_program_headers_lie_outside(self):
        for offset, data in ((32, b"\xf0" * 8), (54, b"\1\0"), (56, b"\xff\xff")):
            with self.subTest(offset):
                self.assert_payload(self.pack(self.patched(offset, data)), "bad.elf.*corrupt")

    def test_an_elf_file_whose_segments_lie_outside(self):
        first = int.from_bytes(self.elf[32:40], "little")
        for field, name in ((8, "offset"), (32, "file size")):
            with self.subTest(name):
                bad = self.patched(first + field, b"\xf0" * 7 + b"\x0f")
                self.assert_payload(self.pack(bad), "bad.elf.*corrupt")
        for field, name in ((24, "address"), (40, "memory size")):
            with self.subTest(name):
                bad = self.patched(first + field, b"\xf0" * 7 + b"\x0f")
                self.assert_payload(self.pack(bad), "bad.elf.*outside")

    def test_an_elf_file_that_starts_outside_its_memory(self):
        self.assert_payload(self.pack(self.patched(24, b"\xf0" * 8)), "bad.elf.*outside")

    def test_a_truncated_elf_file(self):
        for length in (4, 20, 64, 100, 4096, self.end_of_segments() - 1):
            with self.subTest(length):
                self.assert_payload(self.pack(self.elf[:length]), "bad.elf.*corrupt")

    def test_a_flipped_bit_in_a_payload(self):
        for position in (0, len(self.elf) // 2, len(self.elf) - 1):
            with self.subTest(position):
                bundle = Bundle(self.pack(self.elf))
                bundle.flip(1, position)
                self.assert_line(self.refused(bundle.save(self.folder)),
                                 rf"^set\.dts:{self.NODE}: payload: bad.elf .*digest.*damaged")


class Bundles(RefusalTest):
    """Bundles that are not whole, or none."""

    def setUp(self):
        super().setUp()
        partitions = [probe("exit", code=0), BYSTANDER]
        self.bundle = Bundle(make_bundle(self.folder, source_of(partitions)))

    def patched(self, offset, data):
        self.bundle.data[offset:offset + len(data)] = data
        return self.bundle.save(self.folder)

    def test_no_bundle_at_all(self):
        self.assert_fatal(self.refused(None), "no bundle as initrd")

    def test_a_truncated_bundle(self):
        whole = len(self.bundle.data)
        for length in (1, 8, 31, 32, 100, 4096, whole // 2, whole - 4096, whole - 1):
            with self.subTest(length):
                lines = self.refused(self.bundle.save(self.folder, length))
                self.assert_fatal(lines, "bundle is truncated|not a Bulkhead bundle")

    def test_a_file_that_is_no_bundle(self):
        path = os.path.join(tempfile.mkdtemp(dir=self.folder), "initrd")
        with open(path, "wb") as out:
            out.write(b"070701" + bytes(100000))
        self.assert_fatal(self.refused(path), "not a Bulkhead bundle")

    def test_a_bundle_of_another_version(self):
        self.assert_fatal(self.refused(self.patched(8, b"\2")), "version")

    def test_a_bundle_of_no_entries_or_too_many(self):
        for count in (0, 33, 0xFFFFFFFF):
            with self.subTest(count):
                lines = self.refused(self.patched(12, count.to_bytes(4, "little")))
                self.assert_fatal(lines, "corrupt")

    def test_a_bundle_whose_header_says_more_than_there_is(self):
        for size in (len(self.bundle.data) + 1, 0xFFFFFFFF_FFFFFFFF):
            with self.subTest(size):
                lines = self.refused(self.patched(16, size.to_bytes(8, "little")))
                self.assert_fatal(lines, "truncated")

    def test_an_entry_that_lies_outside(self):
        whole = len(self.bundle.data)
        for offset, size in ((whole, 1), (0, whole + 1), (2**64 - 4096, 8192), (4096, 2**64 - 1)):
            with self.subTest(f"{offset:#x} {size:#x}"):
                self.bundle.place(1, offset, size)
                self.assert_fatal(self.refused(self.bundle.save(self.folder)), "corrupt")

    def test_a_set_that_is_empty_or_too_large(self):
        for size in (0, 65537):
            with self.subTest(size):
                self.bundle.place(0, 4096, size)
                self.assert_fatal(self.refused(self.bundle.save(self.folder)), "set is empty or")

    def test_a_flipped_bit_in_the_set(self):
        size = len(self.bundle.contents(0))
        for position in (0, 60, size // 2, size - 1):
            with self.subTest(position):
                bundle = Bundle(make_bundle(self.folder, source_of([BYSTANDER])))
                bundle.flip(0, min(position, len(bundle.contents(0)) - 1))
                self.assert_fatal(self.refused(bundle.save(self.folder)), "digest.*damaged")

    def test_a_set_whose_digest_agrees_but_whose_tree_is_corrupt(self):
        good = self.bundle.contents(0)
        for position, value in ((0, 0), (7, 0xFF), (11, 0xFF), (len(good) // 2, 0xFF)):
            with self.subTest(position):
                bad = bytearray(good)
                bad[position:position + 4] = bytes([value] * 4)
                self.bundle.replace(0, bytes(bad))
                run = Run(self.boot(self.bundle.save(self.folder)), REFUSAL_LIMIT)
                self.assertEqual(run.codes, {"bulkhead": REFUSED})
                self.assertTrue(run.hypervisor(r"^set\.dts:/"), run.lines)
