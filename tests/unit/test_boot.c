/* SPDX-License-Identifier: Apache-2.0 */
/* kernel_main() from the first line to the partitions' first instruction, and what it refuses. */
#include <stdio.h>
#include <string.h>

#include "arch/seam.h"
#include "groups.h"
#include "kernel/bundle.h"
#include "lib/boot_memory.h"
#include "machine.h"
#include "observer.h"

static void a_plain_machine_boots_as_far_as_the_guest(void)
{
    machine_plain();
    observer_start();
    machine_boot();
    const struct vcpu *vcpu = host_guest;

    assert_ptr_equal(vcpu, &partitions.partition[0].vcpu);
    assert_int_equal(vcpu->start.entry, 0x40000000);
    assert_int_equal(vcpu->start.tree, 0x40000000 + partitions.partition[0].visible_size - 0x10000);
    assert_int_equal(*(uint32_t *)guest(0, 0x40000000), 0xD503201F);
    assert_console("[bulkhead] Bulkhead on qemu-virt: 1 IOMMUs closed");
    assert_console("smmuv3@9050000: every stream aborts; 48-bit input, 48-bit output, two-level");
    /* The tree names the port that speaks already: it is not disturbed. */
    assert_int_equal(machine.serial_starts, 1);
    assert_console("one: starts at 0x40000000");
    assert_units_clean();
}

static void eight_partitions_is_the_most_and_each_has_memory_of_its_own(void)
{
    static const char *const names[] = { "a", "b", "c", "d", "e", "f", "g" };

    machine_plain();
    for (unsigned int i = 0; i < ARRAY_LENGTH(names); i++)
        machine_partition(names[i]);
    machine.tree.cpus = 8;
    host_cpus = 8;
    observer_start();
    machine_boot();
    for (unsigned int i = 0; i < 8; i++) {
        const struct partition *a = &partitions.partition[i];

        for (unsigned int j = 0; j < i; j++) {
            const struct partition *b = &partitions.partition[j];

            assert_false(
                range_overlaps(a->physical, a->set->memory_size, b->physical, b->set->memory_size));
            assert_int_not_equal(a->tag, b->tag);
            assert_int_not_equal(a->cpu, b->cpu);
        }
    }
}

static void i13_a_partitions_stage_2_holds_its_visible_memory_and_nothing_else(void)
{
    const struct partition *partition;
    uint64_t entry, size, mapped = 0;

    machine_plain();
    observer_start();
    machine_boot();
    partition = &partitions.partition[0];
    for (uint64_t at = 0; at < BIT(32); at += PAGE_SIZE) {
        if (!pagetable_lookup(&partition->stage2, at, &entry, &size))
            continue;
        assert_true(range_inside(at, PAGE_SIZE, 0x40000000, partition->visible_size));
        assert_int_equal((entry & BITS(47, 12)) + (at & (size - 1)),
                         partition->physical + (at - 0x40000000));
        mapped += PAGE_SIZE;
    }
    assert_int_equal(mapped, partition->visible_size);
    assert_int_equal(partition->stage2.mapped, partition->visible_size);
    /* I14: the pool lies behind what is mapped. */
    assert_true(partition->pool.base >= partition->physical + partition->visible_size);
}

static void i1_every_device_is_parked_logged_after_boot(void)
{
    machine_plain();
    observer_start();
    machine_boot();
    for (uint32_t rid = 0; rid < 0x300; rid++) {
        const struct smmuv3_model_access access = { .stream_id = rid, .iova = 0x40000000 };

        assert_int_equal(smmuv3_model_translate(machine.unit[0], &access).outcome,
                         SMMUV3_MODEL_ABORT);
    }
    pci_model_set16(&machine.pci, DEVICE1, 4, 6);
    assert_int_equal(dma_write(DEVICE1, 0x40000000, 1), DMA_BLOCKED);
    assert_console("fault: device=0000:01:00.0 partition=none cause=translation access=w");
}

static bool seen_open;

static void watch(unsigned int unit, uint64_t offset, uint64_t value)
{
    const struct smmuv3_model_access access = { .stream_id = 0x100, .iova = 0x40000000 };

    (void)unit;
    (void)offset;
    (void)value;
    if (smmuv3_model_translate(machine.unit[0], &access).outcome == SMMUV3_MODEL_OK)
        seen_open = true;
}

static void i2_no_register_write_of_the_whole_boot_opens_the_unit_again(void)
{
    machine_plain();
    machine.after_register_write = watch;
    observer_start();
    machine_boot();
    assert_false(seen_open);
    bind_and_attach(0, DEVICE1_ID, 1);
    call2(0, BH_CALL_DETACH, DEVICE1_ID, BH_PASID_NONE);
    call1(0, BH_CALL_DEVICE_UNBIND, DEVICE1_ID);
    call2(0, BH_CALL_POWER, BH_POWER_OFF, 0);
    assert_int_equal(machine.end, HOST_OFF);
    assert_false(seen_open);
    assert_int_not_equal(dma_write(DEVICE1, 0x40000000, 1), DMA_LANDED);
}

static void i7_row_1_7_row_5_12_after_boot_nothing_is_handed_out_any_more(void)
{
    machine_plain();
    observer_start();
    machine_boot();
    assert_null(boot_memory_take(8, 8));
}

static void expect_refusal(const char *text)
{
    enum host_end end = machine_kernel();

    if (end != HOST_OFF)
        fail_msg("the kernel went on (%d):\n%s", (int)end, machine.console);
    assert_console(text);
    assert_console("[bulkhead] off: bulkhead=253\n");
    /* Nothing started, and nothing is open. */
    for (unsigned int cpu = 0; cpu < 2; cpu++) {
        enum host_end ignored;

        assert_false(host_run_work(cpu, &ignored));
    }
    pci_model_set16(&machine.pci, DEVICE1, 4, 6);
    assert_int_not_equal(dma_write(DEVICE1, 0x40000000, 1), DMA_LANDED);
}

static void without_a_bundle_nothing_starts(void)
{
    machine_plain();
    machine.partition_count = 0;
    expect_refusal("no bundle");
}

static void expect_words(int index, const char *name, uint32_t offset, uint32_t count)
{
    char line[256];
    size_t used = (size_t)snprintf(line, sizeof(line), "[bulkhead] pci: %s %03x:", name, offset);

    assert_int_not_equal(count, 0);
    for (uint32_t i = 0; i < count; i++)
        used += (size_t)snprintf(line + used, sizeof(line) - used, " %08x",
                                 pci_model_get32(&machine.pci, index, offset + 4 * i));
    snprintf(line + used, sizeof(line) - used, "\n");
    assert_console(line);
}

static unsigned int lines_with(const char *text)
{
    unsigned int count = 0;

    for (const char *at = strstr(machine.console, text); at != NULL; at = strstr(at + 1, text))
        count++;
    return count;
}

static void without_a_bundle_each_function_says_what_it_is(void)
{
    const struct pci_model_function *endpoint = &machine.pci.function[DEVICE2];
    char sizes[160];

    machine_plain();
    machine.partition_count = 0;
    pci_model_bar(&machine.pci, DEVICE2, 2, UINT64_C(0x40000), true);
    pci_model_power(&machine.pci, DEVICE2, true);
    pci_model_express(&machine.pci, DEVICE2, 0, false);
    pci_model_acs(&machine.pci, DEVICE2, 0x5F);
    expect_refusal("no bundle");
    expect_words(PORT1, "0000:00:01.0", 0, 16);
    expect_words(DEVICE2, DEVICE2_NAME, 0, 16);
    expect_words(DEVICE2, DEVICE2_NAME, endpoint->cap_power, 4);
    expect_words(DEVICE2, DEVICE2_NAME, endpoint->cap_express, 4);
    expect_words(DEVICE2, DEVICE2_NAME, endpoint->cap_acs, 4);
    snprintf(sizes, sizeof(sizes), "[bulkhead] pci: %s sizes: %llx 0 40000 0 0 0\n", DEVICE2_NAME,
             (unsigned long long)endpoint->bar_size[0]);
    assert_console(sizes);
    /* And nothing of capabilities that it does not have. */
    assert_int_equal(lines_with("pci: " DEVICE2_NAME), 5);
}

static void without_a_bundle_a_physical_function_says_what_its_virtual_ones_have(void)
{
    machine_plain();
    machine.partition_count = 0;
    pci_model_express(&machine.pci, DEVICE2, 0, true);
    pci_model_virtual(&machine.pci, DEVICE2, 2, 8, 1);
    pci_model_virtual_bar(&machine.pci, DEVICE2, 0, UINT64_C(0x4000), true);
    expect_refusal("no bundle");
    expect_words(DEVICE2, DEVICE2_NAME, machine.pci.function[DEVICE2].cap_sriov, 16);
}

static void with_a_bundle_no_function_is_told(void)
{
    machine_plain();
    observer_start();
    machine_boot();
    assert_int_equal(lines_with("sizes:"), 0);
}

static void without_an_smmu_nothing_starts(void)
{
    machine_plain();
    machine.tree.units = 0;
    machine.tree.maps = 0;
    expect_refusal("no SMMUv3");
}

static void without_a_gicv3_nothing_starts(void)
{
    machine_plain();
    machine.tree.gic = false;
    expect_refusal("no GICv3");
}

static void a_unit_beyond_the_boards_table_is_closed_late_and_not_used(void)
{
    const struct smmuv3_model_parameters parameters = smmuv3_model_like_mmu600();
    const struct smmuv3_model_access access = { .stream_id = 5 };

    machine_plain();
    machine_add_unit(&parameters);
    machine.tree.units = 2;
    assert_int_equal(smmuv3_model_translate(machine.unit[1], &access).outcome, SMMUV3_MODEL_OK);
    observer_start();
    machine_boot();
    assert_int_equal(smmuv3_model_translate(machine.unit[1], &access).outcome, SMMUV3_MODEL_ABORT);
    assert_console("closed late");
    assert_false(devices.iommu[1].usable);
}

static void a_disabled_unit_is_closed_all_the_same_and_its_devices_are_refused(void)
{
    machine_plain();
    machine.tree.disabled_unit = true;
    observer_start();
    expect_refusal("cannot be assigned: it stands behind an IOMMU that the device tree disables");
    assert_int_not_equal(dma_write(DEVICE1, 0x40000000, 1), DMA_LANDED);
}

static void i1_a_unit_that_does_not_acknowledge_abort_ends_the_run(void)
{
    machine_plain();
    smmuv3_model_set_late(machine.unit[0], SMMUV3_MODEL_LATE_GBPA, SMMUV3_MODEL_NEVER);
    assert_int_equal(machine_kernel(), HOST_OFF);
    assert_console("did not acknowledge ABORT");
    assert_console("off: bulkhead=253");
}

static void a_unit_that_translates_nothing_is_not_used_and_its_devices_are_refused(void)
{
    struct smmuv3_model_parameters parameters = smmuv3_model_like_mmu600();

    parameters.s1p = false;
    parameters.s2p = false;
    machine_plain_with(&parameters);
    expect_refusal("stays closed: no AArch64 translation");
    assert_console("0000:01:00.0 cannot be assigned: it");
    /* Nobody would know what to do with its interrupts. */
    assert_false(host_interrupt(UNIT_EVENT_INTERRUPT(0)));
    assert_false(host_interrupt(UNIT_ERROR_INTERRUPT(0)));
}

static void a_unit_that_firmware_left_enabled_is_taken_over(void)
{
    machine_plain();
    /* Its tables are garbage, but the unit is on. */
    smmuv3_model_write32(machine.unit[0], 0x20, 1);
    observer_start();
    machine_boot();
    assert_console("firmware had left it enabled");
    uint64_t ioas = bind_and_attach(0, DEVICE1_ID, 1);

    assert_int_equal(map(0, ioas, 0, 0x40000000, PAGE_SIZE), BH_OK);
    assert_int_equal(dma_write(DEVICE1, 0, 1), DMA_LANDED);
}

static void a_set_that_names_a_missing_device_is_refused_by_node_and_property(void)
{
    machine_plain();
    machine.partition[0].pci[0] = "0000:07:00.0";
    expect_refusal(
        "set.dts:/partitions/one/devices/device0: pci: this machine has no 0000:07:00.0");
}

static void a_set_with_more_partitions_than_cpus_is_refused(void)
{
    machine_plain();
    machine_partition("two");
    machine_partition("three");
    expect_refusal("set.dts:/partitions: cpus:");
}

static void a_set_larger_than_the_machine_is_refused(void)
{
    machine_plain();
    machine.partition[0].memory_size = 0x40000000;
    expect_refusal("set.dts:/partitions/one: memory:");
}

static void a_physical_address_that_is_not_free_is_refused(void)
{
    machine_plain();
    machine.partition[0].physical = INITRD_ADDRESS;
    expect_refusal("set.dts:/partitions/one: physical-address:");
}

static void a_physical_address_is_kept(void)
{
    machine_plain();
    machine_partition("two")->physical = 0x42000000;
    observer_start();
    machine_boot();
    assert_int_equal(partitions.partition[1].physical, 0x42000000);
}

static void row_5_5_a_set_that_splits_a_group_is_refused_and_both_devices_are_named(void)
{
    machine_plain();
    pci_model_endpoint(&machine.pci, PORT1, 0, 1);
    pci_model_multifunction(&machine.pci, DEVICE1);
    machine_partition("two")->pci[0] = "0000:01:00.1";
    expect_refusal(
        "0000:01:00.0 and 0000:01:00.1 are one group, which cannot be split: list both for "
        "one, or neither (functions of one device, no ACS between them)");
}

static void memory_over_the_registers_of_a_device_is_refused(void)
{
    machine_plain();
    machine.partition[0].memory_base = 0x10000000;
    expect_refusal("overlaps the registers of 0000:01:00.0");
}

static void an_aarch32_partition_starts_so_beside_a_64_bit_one(void)
{
    machine_plain();
    machine_partition("two")->aarch32 = true;
    observer_start();
    machine_boot();
    assert_false(partitions.partition[0].vcpu.start.aarch32);
    assert_true(partitions.partition[1].vcpu.start.aarch32);
    assert_int_equal(partitions.partition[1].vcpu.start.entry, 0x40000000);
    assert_console("one: starts at 0x40000000 on CPU 0");
    assert_console("two: starts at 0x40000000 in AArch32 on CPU 1");
}

static void an_aarch32_partition_on_a_cpu_without_aarch32_is_refused_and_both_are_named(void)
{
    machine_plain();
    machine_partition("two")->aarch32 = true;
    host_aarch32_cpus = 1;
    expect_refusal(
        "set.dts:/partitions/two: aarch32: two would run on CPU 1, which has no AArch32 at EL1");
}

static void a_64_bit_partition_needs_no_aarch32(void)
{
    machine_plain();
    machine.partition[0].aarch32 = true;
    machine_partition("two");
    host_aarch32_cpus = 1;
    observer_start();
    machine_boot();
    assert_console("one: starts at 0x40000000 in AArch32 on CPU 0");
}

static void expect_block_refused(const char *name)
{
    machine_plain();
    machine.partition[0].block[0] = name;
    expect_refusal("cannot be assigned: it");
}

static void i13_fw_cfg_cannot_be_assigned(void)
{
    expect_block_refused("/fw-cfg@9020000");
}

static void i13_virtio_mmio_cannot_be_assigned(void)
{
    expect_block_refused("/virtio_mmio@a000000");
}

static void i13_the_hypervisors_console_cannot_be_assigned(void)
{
    expect_block_refused("/pl011@9000000");
}

static void a_missing_payload_is_refused_and_nothing_starts(void)
{
    machine_plain();
    machine_partition("two")->payload = "none.bin";
    expect_refusal("set.dts:/partitions/two: payload: none.bin is not in the bundle");
}

static void a_payload_larger_than_its_memory_is_refused_and_nothing_starts(void)
{
    static uint8_t large[0x400000];

    machine_plain();
    machine_partition("two")->payload = "large.bin";
    machine.payload[machine.payload_count++] = (struct payload_file){ .name = "large.bin",
                                                                      .bytes = large,
                                                                      .size = sizeof(large) };
    expect_refusal("payload: large.bin is larger than the partition's memory");
}

static void a_damaged_payload_is_refused_and_nothing_starts(void)
{
    machine_plain();
    machine.tree.initrd_size = machine_bundle();
    const struct bundle_entry *entry = memory_pointer(INITRD_ADDRESS +
                                                      sizeof(struct bundle_header));

    *(uint8_t *)memory_pointer(INITRD_ADDRESS + entry[1].offset) ^= 1;
    expect_refusal("payload: flat.bin does not have the digest");
}

static void the_smallest_pool_suffices_for_a_large_memory(void)
{
    machine_plain();
    machine.partition[0].memory_size = 0x4000000;
    machine.partition[0].pool_pages = 8;
    observer_start();
    machine_boot();
    assert_int_equal(partitions.partition[0].state, PARTITION_RUNNING);
}

static void a_set_that_was_damaged_is_refused(void)
{
    machine_plain();
    machine.tree.initrd_size = machine_bundle();
    *(uint8_t *)memory_pointer(INITRD_ADDRESS + PAGE_SIZE + 0x60) ^= 1;
    expect_refusal("does not have the digest");
}

static void a_plain_machines_functions_all_fit_and_nothing_else_is_said_of_them(void)
{
    machine_plain();
    machine_boot();
    machine_drain_console();
    if (strstr(machine.console, "do not fit") != NULL ||
        strstr(machine.console, "stay off") != NULL)
        fail_msg("something was left out: %s", machine.console);
}

static void the_sets_digest_is_said_as_the_bundle_names_it(void)
{
    char text[2 * SHA256_SIZE + 1];
    struct bundle_entry entry;

    machine_plain();
    machine_boot();
    memcpy(&entry, (const uint8_t *)memory_pointer(INITRD_ADDRESS) + sizeof(struct bundle_header),
           sizeof(entry));
    for (unsigned int i = 0; i < SHA256_SIZE; i++)
        (void)snprintf(text + (size_t)2 * i, 3, "%02x", entry.digest[i]);
    assert_console("SHA-256 ");
    assert_console(text);
}

int run_boot_tests(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_plain_machine_boots_as_far_as_the_guest),
        TEST(eight_partitions_is_the_most_and_each_has_memory_of_its_own),
        TEST(i13_a_partitions_stage_2_holds_its_visible_memory_and_nothing_else),
        TEST(i1_every_device_is_parked_logged_after_boot),
        TEST(i2_no_register_write_of_the_whole_boot_opens_the_unit_again),
        TEST(i7_row_1_7_row_5_12_after_boot_nothing_is_handed_out_any_more),
        TEST(without_a_bundle_nothing_starts),
        TEST(without_a_bundle_each_function_says_what_it_is),
        TEST(without_a_bundle_a_physical_function_says_what_its_virtual_ones_have),
        TEST(with_a_bundle_no_function_is_told),
        TEST(without_an_smmu_nothing_starts),
        TEST(without_a_gicv3_nothing_starts),
        TEST(a_unit_beyond_the_boards_table_is_closed_late_and_not_used),
        TEST(a_disabled_unit_is_closed_all_the_same_and_its_devices_are_refused),
        TEST(i1_a_unit_that_does_not_acknowledge_abort_ends_the_run),
        TEST(a_unit_that_translates_nothing_is_not_used_and_its_devices_are_refused),
        TEST(a_unit_that_firmware_left_enabled_is_taken_over),
        TEST(a_set_that_names_a_missing_device_is_refused_by_node_and_property),
        TEST(a_set_with_more_partitions_than_cpus_is_refused),
        TEST(a_set_larger_than_the_machine_is_refused),
        TEST(a_physical_address_that_is_not_free_is_refused),
        TEST(a_physical_address_is_kept),
        TEST(row_5_5_a_set_that_splits_a_group_is_refused_and_both_devices_are_named),
        TEST(memory_over_the_registers_of_a_device_is_refused),
        TEST(an_aarch32_partition_starts_so_beside_a_64_bit_one),
        TEST(an_aarch32_partition_on_a_cpu_without_aarch32_is_refused_and_both_are_named),
        TEST(a_64_bit_partition_needs_no_aarch32),
        TEST(i13_fw_cfg_cannot_be_assigned),
        TEST(i13_virtio_mmio_cannot_be_assigned),
        TEST(i13_the_hypervisors_console_cannot_be_assigned),
        TEST(a_missing_payload_is_refused_and_nothing_starts),
        TEST(a_payload_larger_than_its_memory_is_refused_and_nothing_starts),
        TEST(a_damaged_payload_is_refused_and_nothing_starts),
        TEST(the_smallest_pool_suffices_for_a_large_memory),
        TEST(a_set_that_was_damaged_is_refused),
        TEST(a_plain_machines_functions_all_fit_and_nothing_else_is_said_of_them),
        TEST(the_sets_digest_is_said_as_the_bundle_names_it),
    };

    return RUN_GROUP("kernel/boot");
}
