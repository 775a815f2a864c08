/* SPDX-License-Identifier: Apache-2.0 */
/* bind, unbind, attach and detach (kernel/assign.c): who owns, what the CPU and the device reach, and
 * every refusal. */
#include <string.h>

#include "groups.h"
#include "machine.h"
#include "observer.h"

#define BASE UINT64_C(0x40000000)
#define STRUCTURE (BASE + 0x100000)

static void start(void)
{
    machine_plain();
    observer_start();
    machine_boot();
}

/* Two partitions that both may bind the first device. */
static void start_two(void)
{
    machine_plain();
    machine_partition("two")->pci[0] = DEVICE1_NAME;
    observer_start();
    machine_boot();
}

static void expect_refusal(unsigned int partition, int64_t code, uint64_t number, uint64_t a,
                           uint64_t b, uint64_t c)
{
    uint64_t before = machine_state();

    assert_int_equal(call3(partition, number, a, b, c), code);
    assert_int_equal(machine_state(), before);
}

/* What the partition's CPU sees at a guest-physical address: 0 if nothing. */
static uint64_t cpu_sees(unsigned int partition, uint64_t address)
{
    uint64_t entry, size;

    if (!pagetable_lookup(&partitions.partition[partition].stage2, address, &entry, &size))
        return 0;
    return (entry & BITS(47, 12)) + (address & (size - 1));
}

static uint64_t bar0(int function)
{
    return pci_model_get32(&machine.pci, function, 0x10) & ~UINT64_C(0xF);
}

static uint16_t command(int function)
{
    return pci_model_get16(&machine.pci, function, 4);
}

static void row_3_1_bind_resets_the_device_then_maps_its_registers(void)
{
    uint64_t registers;

    start();
    registers = bar0(DEVICE1);
    assert_int_not_equal(registers, 0);
    assert_int_equal(cpu_sees(0, registers), 0);
    /* The first call begins the reset and says when to come back; nothing is mapped until it is over. */
    assert_int_equal(call2(0, BH_CALL_DEVICE_BIND, DEVICE1_ID, 3), BH_EAGAIN);
    assert_in_range(machine.x[1], 90000000, 100000000);
    assert_int_equal(machine.pci.function[DEVICE1].function_resets, 1);
    assert_int_equal(cpu_sees(0, registers), 0);
    assert_int_equal(query_state(0, DEVICE1_ID).bound, 0);
    assert_int_equal(call2(0, BH_CALL_DEVICE_BIND, DEVICE1_ID, 3), BH_EAGAIN);
    assert_int_equal(bind(0, DEVICE1_ID, 3), BH_OK);
    assert_int_equal(bar0(DEVICE1), registers);
    assert_int_equal(cpu_sees(0, registers), registers);
    assert_int_equal(command(DEVICE1) & 7, 2);
    assert_int_equal(machine.pci.function[DEVICE1].function_resets, 1);
    assert_int_equal(machine.pci.function[DEVICE1].mastering_at_reset, 0);
}

static void i13_registers_end_where_the_device_ends(void)
{
    uint64_t wide;

    start();
    wide = pci_model_get32(&machine.pci, DEVICE1, 0x18) & ~UINT64_C(0xF);
    assert_int_equal(bind(0, DEVICE1_ID, 3), BH_OK);
    for (uint64_t at = wide - 0x4000; at < wide + 0x8000; at += PAGE_SIZE) {
        bool own = (at >= wide && at < wide + 0x4000) || at == bar0(DEVICE1);

        assert_int_equal(cpu_sees(0, at), own ? at : 0);
    }
    assert_int_equal(cpu_sees(0, UNIT_BASE), 0);
    assert_int_equal(cpu_sees(0, ECAM_BASE), 0);
    assert_int_equal(cpu_sees(0, SERIAL_BASE), 0);
}

static void bind_refusals_are_as_documented_and_change_nothing(void)
{
    start_two();
    expect_refusal(0, BH_ENOENT, BH_CALL_DEVICE_BIND, DEVICE2_ID, 1, 0);
    expect_refusal(0, BH_ENOENT, BH_CALL_DEVICE_BIND, 0, 1, 0);
    expect_refusal(0, BH_ENOENT, BH_CALL_DEVICE_BIND, UINT64_MAX, 1, 0);
    expect_refusal(0, BH_ENOENT, BH_CALL_DEVICE_BIND, UINT64_C(1) << 32 | DEVICE1_ID, 1, 0);
    assert_int_equal(bind(0, DEVICE1_ID, 1), BH_OK);
    expect_refusal(0, BH_EBUSY, BH_CALL_DEVICE_BIND, DEVICE1_ID, 2, 0);
    expect_refusal(1, BH_EPERM, BH_CALL_DEVICE_BIND, DEVICE1_ID, 2, 0);
    expect_refusal(1, BH_EPERM, BH_CALL_DEVICE_UNBIND, DEVICE1_ID, 0, 0);
    expect_refusal(1, BH_EPERM, BH_CALL_IOAS_ALLOC_PAGING, DEVICE1_ID, BH_IOAS_NONE, 0);
    expect_refusal(1, BH_EPERM, BH_CALL_DETACH, DEVICE1_ID, BH_PASID_NONE, 0);
    expect_refusal(1, BH_EPERM, BH_CALL_ATTACH, DEVICE1_ID, BH_PASID_NONE, 0x101);
    assert_int_equal(query_state(1, DEVICE1_ID).owner, BH_OWNER_OTHER);
    assert_int_equal(query_state(1, DEVICE1_ID).label, 0);
}

static void a_bind_under_way_keeps_the_other_partition_out(void)
{
    start_two();
    assert_int_equal(call2(0, BH_CALL_DEVICE_BIND, DEVICE1_ID, 1), BH_EAGAIN);
    expect_refusal(1, BH_EPERM, BH_CALL_DEVICE_BIND, DEVICE1_ID, 1, 0);
    expect_refusal(1, BH_EPERM, BH_CALL_DEVICE_UNBIND, DEVICE1_ID, 0, 0);
    assert_int_equal(bind(0, DEVICE1_ID, 1), BH_OK);
    assert_int_equal(machine.pci.function[DEVICE1].function_resets, 1);
    assert_int_equal(call1(0, BH_CALL_DEVICE_UNBIND, DEVICE1_ID), BH_OK);
    assert_int_equal(bind(1, DEVICE1_ID, 1), BH_OK);
    assert_int_equal(machine.pci.function[DEVICE1].function_resets, 2);
}

static void i6_a_bind_given_up_in_a_bus_reset_leaves_the_device_to_others(void)
{
    machine_plain();
    /* No reset of its own: only by the port above. */
    pci_model_set32(&machine.pci, DEVICE1, machine.pci.function[DEVICE1].cap_express + 4, 0);
    machine_partition("two")->pci[0] = DEVICE1_NAME;
    host_cpus = 2;
    machine.tree.cpus = 2;
    observer_start();
    machine_boot();
    assert_int_equal(call2(0, BH_CALL_DEVICE_BIND, DEVICE1_ID, 1), BH_EAGAIN);
    assert_int_equal(pci_model_get16(&machine.pci, PORT1, 0x3E) & 0x40, 0x40);
    assert_int_equal(call1(0, BH_CALL_DEVICE_UNBIND, DEVICE1_ID), BH_OK);
    assert_int_equal(pci_model_get16(&machine.pci, PORT1, 0x3E) & 0x40, 0);
    assert_int_equal(query_state(0, DEVICE1_ID).owner, BH_OWNER_NONE);
    assert_int_equal(bind(1, DEVICE1_ID, 1), BH_OK);
    assert_int_equal(machine.pci.function[DEVICE1].bus_resets, 2);
}

static void row_2_6_a_label_in_use_is_eexist(void)
{
    machine_plain();
    machine.partition[0].pci[1] = DEVICE2_NAME;
    observer_start();
    machine_boot();
    assert_int_equal(bind(0, DEVICE1_ID, 5), BH_OK);
    expect_refusal(0, BH_EEXIST, BH_CALL_DEVICE_BIND, DEVICE2_ID, 5, 0);
    assert_int_equal(bind(0, DEVICE2_ID, 6), BH_OK);
    assert_int_equal(call1(0, BH_CALL_DEVICE_UNBIND, DEVICE1_ID), BH_OK);
    assert_int_equal(bind(0, DEVICE1_ID, 5), BH_OK);
}

static void a_device_without_any_reset_cannot_be_bound(void)
{
    machine_plain();
    /* An integrated endpoint without FLR or power management. */
    int integrated = pci_model_endpoint(&machine.pci, PCI_MODEL_ROOT, 5, 0);

    pci_model_bar(&machine.pci, integrated, 0, 0x1000, false);
    machine.partition[0].pci[1] = "0000:00:05.0";
    observer_start();
    machine_boot();
    expect_refusal(0, BH_EOPNOTSUPP, BH_CALL_DEVICE_BIND, DEVICE_ID_PCI | 5 << 3, 5, 0);
}

static void a_device_that_does_not_come_back_from_its_reset_is_etimedout_and_nobodys(void)
{
    start();
    machine.pci.reset_reads = PCI_MODEL_NEVER;
    assert_int_equal(bind(0, DEVICE1_ID, 5), BH_ETIMEDOUT);
    assert_int_equal(query_state(0, DEVICE1_ID).owner, BH_OWNER_NONE);
    assert_int_equal(query_state(0, DEVICE1_ID).bound, 0);
    machine.pci.reset_reads = 0;
    machine.pci.function[DEVICE1].silent_reads = 0;
    assert_int_equal(bind(0, DEVICE1_ID, 5), BH_OK);
}

static void registers_without_table_pages_are_enospc_and_the_device_is_nobodys(void)
{
    struct partition *partition;
    struct page_list taken = PAGE_LIST_EMPTY;

    start();
    partition = &partitions.partition[0];
    while (partition->pool.free > 0)
        page_list_add(&partition->pool, &taken, page_pool_take(&partition->pool));
    assert_int_equal(bind(0, DEVICE1_ID, 5), BH_ENOSPC);
    page_pool_give(&partition->pool, &taken);
    assert_int_equal(query_state(0, DEVICE1_ID).owner, BH_OWNER_NONE);
    assert_int_equal(cpu_sees(0, bar0(DEVICE1)), 0);
    uint32_t free = partition->pool.free;

    assert_int_equal(bind(0, DEVICE1_ID, 5), BH_OK);
    assert_int_equal(call1(0, BH_CALL_DEVICE_UNBIND, DEVICE1_ID), BH_OK);
    assert_int_equal(partition->pool.free, free);
}

static void row_3_6_row_3_7_unbind_takes_the_registers_away_and_gives_the_group_back(void)
{
    start_two();
    uint64_t free = query_pool(0).pages_free;

    assert_int_equal(bind(0, DEVICE1_ID, 5), BH_OK);
    uint64_t invalidates = host_counters.stage2_invalidates;

    assert_int_equal(call1(0, BH_CALL_DEVICE_UNBIND, DEVICE1_ID), BH_OK);
    assert_int_equal(host_counters.stage2_invalidates, invalidates + 1);
    assert_int_equal(cpu_sees(0, bar0(DEVICE1)), 0);
    assert_int_equal(query_pool(0).pages_free, free);
    assert_int_equal(query_state(0, DEVICE1_ID).owner, BH_OWNER_NONE);
    assert_int_equal(command(DEVICE1) & 7, 0);
    expect_refusal(0, BH_EPERM, BH_CALL_DEVICE_UNBIND, DEVICE1_ID, 0, 0);
    expect_refusal(0, BH_ENOENT, BH_CALL_DEVICE_UNBIND, DEVICE2_ID, 0, 0);
}

static void
row_0_17_row_0_18_row_2_5_attach_and_detach_refusals_are_as_documented_and_change_nothing(void)
{
    uint64_t ioas;

    start();
    expect_refusal(0, BH_EPERM, BH_CALL_ATTACH, DEVICE1_ID, BH_PASID_NONE, 0x101);
    expect_refusal(0, BH_EPERM, BH_CALL_IOAS_ALLOC_PAGING, DEVICE1_ID, BH_IOAS_NONE, 0);
    expect_refusal(0, BH_ENOENT, BH_CALL_IOAS_ALLOC_PAGING, DEVICE2_ID, BH_IOAS_NONE, 0);
    assert_int_equal(bind(0, DEVICE1_ID, 5), BH_OK);
    expect_refusal(0, BH_EOPNOTSUPP, BH_CALL_IOAS_ALLOC_PAGING, DEVICE1_ID, 1, 0);
    expect_refusal(0, BH_ENOENT, BH_CALL_DETACH, DEVICE1_ID, BH_PASID_NONE, 0);
    ioas = (uint64_t)call2(0, BH_CALL_IOAS_ALLOC_PAGING, DEVICE1_ID, BH_IOAS_NONE);
    expect_refusal(0, BH_ENOENT, BH_CALL_ATTACH, DEVICE2_ID, BH_PASID_NONE, ioas);
    expect_refusal(0, BH_ENOENT, BH_CALL_ATTACH, DEVICE1_ID, BH_PASID_NONE, ioas + 1);
    expect_refusal(0, BH_EINVAL, BH_CALL_ATTACH, DEVICE1_ID, 0, ioas);
    expect_refusal(0, BH_EOPNOTSUPP, BH_CALL_ATTACH, DEVICE1_ID, 1, ioas);
    expect_refusal(0, BH_EOPNOTSUPP, BH_CALL_ATTACH, DEVICE1_ID, UINT64_MAX, ioas);
    expect_refusal(0, BH_EOPNOTSUPP, BH_CALL_DETACH, DEVICE1_ID, 1, 0);
    expect_refusal(0, BH_EINVAL, BH_CALL_DETACH, DEVICE1_ID, 0, 0);
    assert_int_equal(call3(0, BH_CALL_ATTACH, DEVICE1_ID, BH_PASID_NONE, ioas), BH_OK);
    expect_refusal(0, BH_EBUSY, BH_CALL_ATTACH, DEVICE1_ID, BH_PASID_NONE, ioas);
    expect_refusal(0, BH_EBUSY, BH_CALL_DEVICE_UNBIND, DEVICE1_ID, 0, 0);
    expect_refusal(0, BH_ENOENT, BH_CALL_DETACH, DEVICE2_ID, BH_PASID_NONE, 0);
}

static void a_register_block_can_be_bound_and_has_no_dma(void)
{
    uint64_t id = 0;

    machine_plain();
    machine.partition[0].block[0] = CLOCK_NAME;
    observer_start();
    machine_boot();
    for (uint32_t i = 0; i < devices.count; i++) {
        if (strcmp(devices.device[i].name, CLOCK_NAME) == 0)
            id = devices.device[i].id;
    }
    assert_int_not_equal(id, 0);
    struct bh_device_info *info = guest(0, STRUCTURE);

    info->size = sizeof(*info);
    assert_int_equal(call2(0, BH_CALL_DEVICE_INFO, 1, STRUCTURE), BH_OK);
    assert_int_equal(info->iommu, UINT32_MAX);
    assert_int_equal(info->capabilities & BH_DEVICE_DMA, 0);
    assert_int_equal(call2(0, BH_CALL_DEVICE_BIND, id, 9), BH_OK);
    assert_int_equal(cpu_sees(0, CLOCK_BASE), CLOCK_BASE);
    assert_int_equal(cpu_sees(0, SERIAL_BASE), 0);
    expect_refusal(0, BH_EOPNOTSUPP, BH_CALL_IOAS_ALLOC_PAGING, id, BH_IOAS_NONE, 0);
    assert_int_equal(bind(0, DEVICE1_ID, 5), BH_OK);
    uint64_t ioas = (uint64_t)call2(0, BH_CALL_IOAS_ALLOC_PAGING, DEVICE1_ID, BH_IOAS_NONE);

    expect_refusal(0, BH_EOPNOTSUPP, BH_CALL_ATTACH, id, BH_PASID_NONE, ioas);
    assert_int_equal(call1(0, BH_CALL_DEVICE_UNBIND, id), BH_OK);
    assert_int_equal(cpu_sees(0, CLOCK_BASE), 0);
}

static void attach_sets_bus_mastering_and_detach_clears_it(void)
{
    start();
    assert_int_equal(bind(0, DEVICE1_ID, 5), BH_OK);
    assert_int_equal(dma_write(DEVICE1, 0, 1), DMA_NOT_MASTERING);
    uint64_t ioas = (uint64_t)call2(0, BH_CALL_IOAS_ALLOC_PAGING, DEVICE1_ID, BH_IOAS_NONE);

    assert_int_equal(call3(0, BH_CALL_ATTACH, DEVICE1_ID, BH_PASID_NONE, ioas), BH_OK);
    assert_int_equal(command(DEVICE1) & 0x407, 0x406);
    assert_int_equal(call2(0, BH_CALL_DETACH, DEVICE1_ID, BH_PASID_NONE), BH_OK);
    assert_int_equal(command(DEVICE1) & 0x407, 0x402);
}

/* ---- Devices that share a stream ------------------------------------------------------------------- */

#define SIBLING_A (DEVICE_ID_PCI | 0x400)
#define SIBLING_B (DEVICE_ID_PCI | 0x408)

static int sibling_a, sibling_b;

/* Two conventional functions behind a bridge to PCI below a third root port. */
static void start_siblings(void)
{
    machine_plain();
    struct pci_model *pci = &machine.pci;
    int port = pci_model_bridge(pci, PCI_MODEL_ROOT, 3, 0, 4);
    int bridge = pci_model_bridge(pci, port, 0, 0, 7);

    sibling_a = pci_model_endpoint(pci, bridge, 0, 0);
    sibling_b = pci_model_endpoint(pci, bridge, 1, 0);
    pci_model_power(pci, sibling_a, true);
    pci_model_power(pci, sibling_b, true);
    pci_model_bar(pci, sibling_a, 0, 0x1000, false);
    pci_model_bar(pci, sibling_b, 0, 0x1000, false);
    machine.partition[0].pci[0] = "0000:04:00.0";
    machine.partition[0].pci[1] = "0000:04:01.0";
    struct partition_spec *two = machine_partition("two");

    two->pci[0] = "0000:04:00.0";
    two->pci[1] = "0000:04:01.0";
    two->pci[2] = DEVICE1_NAME;
    observer_start();
    machine_boot();
}

static void what_a_former_owner_did_silences_no_device_on_the_same_stream(void)
{
    uint64_t value = 0;

    start_siblings();
    assert_int_equal(bind(0, SIBLING_A, 1), BH_OK);
    assert_int_equal(bind(0, SIBLING_B, 2), BH_OK);
    machine.masked = true;
    for (unsigned int i = 0; i < 3000; i++)
        smmuv3_model_dma(machine.unit[0], device_find("0000:04:00.0")->stream, 0x1000, &value,
                         sizeof(value), true);
    assert_int_equal(call1(0, BH_CALL_DEVICE_UNBIND, SIBLING_A), BH_OK);
    assert_int_equal(call1(0, BH_CALL_DEVICE_UNBIND, SIBLING_B), BH_OK);
    /* Of a stream that nobody is attached by, the first of its devices stands for all. */
    assert_int_equal(bind(1, SIBLING_B, 3), BH_OK);
    machine.masked = false;
    machine_interrupts();
    assert_false(device_find("0000:04:00.0")->silent);
    assert_false(device_find("0000:04:01.0")->silent);
    assert_int_equal(query_fault(1, SIBLING_B).count, 0);
}

static void a_bind_leaves_the_records_of_other_groups_alone(void)
{
    uint64_t value = 0;

    machine_plain();
    machine_partition("two")->pci[0] = DEVICE2_NAME;
    observer_start();
    machine_boot();
    bind_and_attach(0, DEVICE1_ID, 1);
    smmuv3_model_dma(machine.unit[0], 0x100, 0x200000, &value, sizeof(value), true);
    machine_interrupts();
    assert_int_equal(bind(1, DEVICE2_ID, 1), BH_OK);
    assert_int_equal(query_fault(0, DEVICE1_ID).count, 1);
}

static void devices_on_one_stream_share_its_attachment(void)
{
    uint64_t a, b;

    start_siblings();
    a = bind_and_attach(0, SIBLING_A, 1);
    assert_int_equal(map(0, a, 0x1000, BASE, PAGE_SIZE), BH_OK);
    assert_int_equal(bind(0, SIBLING_B, 2), BH_OK);
    b = (uint64_t)call2(0, BH_CALL_IOAS_ALLOC_PAGING, SIBLING_B, BH_IOAS_NONE);
    expect_refusal(0, BH_EBUSY, BH_CALL_ATTACH, SIBLING_B, BH_PASID_NONE, b);
    uint64_t commands = smmuv3_model_command_total(machine.unit[0]);

    assert_int_equal(call3(0, BH_CALL_ATTACH, SIBLING_B, BH_PASID_NONE, a), BH_OK);
    /* The unit has nothing to learn from it. */
    assert_int_equal(smmuv3_model_command_total(machine.unit[0]), commands);
    assert_int_equal(dma_write(sibling_a, 0x1000, 1), DMA_LANDED);
    assert_int_equal(dma_write(sibling_b, 0x1000, 2), DMA_LANDED);
    /* The stream stays attached until the last of them leaves. */
    assert_int_equal(call2(0, BH_CALL_DETACH, SIBLING_A, BH_PASID_NONE), BH_OK);
    assert_int_equal(dma_write(sibling_a, 0x1000, 1), DMA_NOT_MASTERING);
    assert_int_equal(dma_write(sibling_b, 0x1000, 2), DMA_LANDED);
    assert_int_equal(call2(0, BH_CALL_DETACH, SIBLING_B, BH_PASID_NONE), BH_OK);
    assert_int_equal(unmap(0, a, 0x1000, PAGE_SIZE), BH_OK);
    assert_int_equal(call1(0, BH_CALL_IOAS_FREE, a), BH_OK);
}

static void a_fault_on_a_shared_stream_is_told_of_the_device_that_is_attached(void)
{
    uint64_t ioas;

    start_siblings();
    assert_int_equal(bind(0, SIBLING_A, 1), BH_OK);
    ioas = bind_and_attach(0, SIBLING_B, 2);
    assert_int_equal(dma_write(sibling_b, 0x5000, 1), DMA_BLOCKED);
    assert_int_equal(query_fault(0, SIBLING_B).count, 1);
    assert_int_equal(query_fault(0, SIBLING_A).count, 0);
    /* Whichever of the two it is. */
    assert_int_equal(call2(0, BH_CALL_DETACH, SIBLING_B, BH_PASID_NONE), BH_OK);
    assert_int_equal(call3(0, BH_CALL_ATTACH, SIBLING_A, BH_PASID_NONE, ioas), BH_OK);
    assert_int_equal(dma_write(sibling_a, 0x5000, 1), DMA_BLOCKED);
    assert_int_equal(query_fault(0, SIBLING_B).count, 1);
    assert_int_equal(query_fault(0, SIBLING_A).count, 1);
}

static void expect_counts(uint64_t a, uint64_t b)
{
    assert_int_equal(query_fault(0, SIBLING_A).count, a);
    assert_int_equal(query_fault(0, SIBLING_B).count, b);
}

static void of_several_that_are_attached_to_a_stream_the_first_is_told_of_its_faults(void)
{
    uint64_t ioas;

    start_siblings();
    ioas = bind_and_attach(0, SIBLING_A, 1);
    assert_int_equal(bind(0, SIBLING_B, 2), BH_OK);
    assert_int_equal(call3(0, BH_CALL_ATTACH, SIBLING_B, BH_PASID_NONE, ioas), BH_OK);
    assert_int_equal(dma_write(sibling_b, 0x5000, 1), DMA_BLOCKED);
    expect_counts(1, 0);
    /* While it is reset it reaches nothing: it was the other one. */
    assert_int_equal(call1(0, BH_CALL_DEVICE_RESET, SIBLING_A), BH_EAGAIN);
    assert_int_equal(dma_write(sibling_b, 0x5000, 1), DMA_BLOCKED);
    expect_counts(1, 1);
    while (call1(0, BH_CALL_DEVICE_RESET, SIBLING_A) == BH_EAGAIN)
        host_advance(1000000);
    assert_int_equal(call1(0, BH_CALL_DEVICE_RESET, SIBLING_B), BH_EAGAIN);
    assert_int_equal(dma_write(sibling_a, 0x5000, 1), DMA_BLOCKED);
    expect_counts(2, 1);
}

static void a_record_outlives_the_unbind_until_the_group_has_another_owner(void)
{
    start_siblings();
    assert_int_equal(bind(0, SIBLING_A, 1), BH_OK);
    pci_model_set16(&machine.pci, sibling_a, 4, 6);
    assert_int_equal(dma_write(sibling_a, 0x5000, 1), DMA_BLOCKED);
    assert_int_equal(call1(0, BH_CALL_DEVICE_UNBIND, SIBLING_A), BH_OK);
    /* That another group has one is nothing to it. */
    assert_int_equal(bind(1, DEVICE1_ID, 3), BH_OK);
    assert_int_equal(query_fault(0, SIBLING_A).count, 1);
    assert_int_equal(bind(1, SIBLING_B, 2), BH_OK);
    assert_int_equal(query_fault(0, SIBLING_A).count, 0);
}

/* Nothing tells apart which of them it was: it is recorded at the first. */
static void i9_a_fault_on_a_shared_stream_is_not_told_to_whoever_had_the_first_device_before(void)
{
    uint64_t value = 0;

    start_siblings();
    assert_int_equal(bind(0, SIBLING_A, 1), BH_OK);
    assert_int_equal(call1(0, BH_CALL_DEVICE_UNBIND, SIBLING_A), BH_OK);
    assert_int_equal(bind(1, SIBLING_B, 2), BH_OK);
    smmuv3_model_dma(machine.unit[0], device_find("0000:04:00.0")->stream, 0x5000, &value,
                     sizeof(value), true);
    machine_interrupts();
    assert_int_equal(query_fault(0, SIBLING_A).count, 0);
    assert_int_equal(query_fault(0, SIBLING_A).iova, 0);
    /* It is the same partition's still if that has had both. */
    assert_int_equal(bind(1, SIBLING_A, 3), BH_OK);
    assert_int_equal(call1(1, BH_CALL_DEVICE_UNBIND, SIBLING_A), BH_OK);
    assert_int_equal(call1(1, BH_CALL_DEVICE_UNBIND, SIBLING_B), BH_OK);
    assert_int_equal(bind(1, SIBLING_B, 2), BH_OK);
    smmuv3_model_dma(machine.unit[0], device_find("0000:04:00.0")->stream, 0x5000, &value,
                     sizeof(value), true);
    machine_interrupts();
    assert_int_equal(query_fault(1, SIBLING_A).count, 1);
}

static void an_overflow_leaves_a_stream_that_a_sibling_uses_as_it_is(void)
{
    uint64_t value = 0, ioas;

    start_siblings();
    /* Most of the faults of this moment are those of a device that is parked by now, ... */
    bind_and_attach(0, SIBLING_A, 1);
    for (unsigned int i = 0; i < 3500; i++)
        assert_int_equal(dma_write(sibling_a, 0x5000, 1), DMA_BLOCKED);
    assert_int_equal(call2(0, BH_CALL_DETACH, SIBLING_A, BH_PASID_NONE), BH_OK);
    /* ... whose stream another uses. */
    ioas = bind_and_attach(0, SIBLING_B, 2);
    assert_int_equal(map(0, ioas, 0x1000, BASE, PAGE_SIZE), BH_OK);
    assert_int_equal(dma_write(sibling_b, 0x1000, 1), DMA_LANDED);
    for (unsigned int i = 0; i < 3000; i++)
        smmuv3_model_dma(machine.unit[0], DEVICE2_ID & 0xFFFF, 0x100000, &value, sizeof(value),
                         true);
    assert_true(smmuv3_model_events_lost(machine.unit[0]) > 0);
    machine_interrupts();
    assert_int_equal(dma_write(sibling_b, 0x1000, 2), DMA_LANDED);
}

static void a_device_on_another_stream_or_unit_is_no_sibling(void)
{
    uint64_t a, b;

    start_siblings();
    a = bind_and_attach(0, SIBLING_A, 1);
    assert_int_equal(bind(0, SIBLING_B, 2), BH_OK);
    b = (uint64_t)call2(0, BH_CALL_IOAS_ALLOC_PAGING, SIBLING_B, BH_IOAS_NONE);
    struct device *other = device_find("0000:04:00.0");
    uint32_t stream = other->stream;

    /* As if it had a stream of its own that it shares with a third. What an attach costs is said of a parked
     * stream, which this one is not, in truth. */
    assert_int_equal(device_park(other, false), IOMMU_OK);
    other->stream = DEVICE1_ID & 0xFFFF;
    assert_int_equal(call3(0, BH_CALL_ATTACH, SIBLING_B, BH_PASID_NONE, b), BH_OK);
    assert_int_equal(call2(0, BH_CALL_DETACH, SIBLING_B, BH_PASID_NONE), BH_OK);
    other->stream = stream;
    assert_int_equal(call3(0, BH_CALL_ATTACH, SIBLING_B, BH_PASID_NONE, b), BH_EBUSY);
    assert_int_equal(device_park(other, false), IOMMU_OK);
    other->iommu = &devices.iommu[1];
    assert_int_equal(call3(0, BH_CALL_ATTACH, SIBLING_B, BH_PASID_NONE, b), BH_OK);
    other->iommu = &devices.iommu[0];
    assert_int_not_equal(a, b);
}

static void a_device_is_not_attached_beside_its_sibling_on_a_unit_that_failed(void)
{
    uint64_t ioas;

    start_siblings();
    ioas = bind_and_attach(0, SIBLING_A, 1);
    assert_int_equal(bind(0, SIBLING_B, 2), BH_OK);
    smmuv3_model_raise_gerror(machine.unit[0], SMMUV3_MODEL_SFM_ERR);
    machine_interrupts();
    expect_refusal(0, BH_ETIMEDOUT, BH_CALL_ATTACH, SIBLING_B, BH_PASID_NONE, ioas);
}

static void row_0_9_a_group_has_one_owner(void)
{
    start_siblings();
    assert_int_equal(bind(0, SIBLING_A, 1), BH_OK);
    expect_refusal(1, BH_EPERM, BH_CALL_DEVICE_BIND, SIBLING_B, 1, 0);
    assert_int_equal(query_state(1, SIBLING_B).owner, BH_OWNER_OTHER);
    assert_int_equal(bind(0, SIBLING_B, 2), BH_OK);
    assert_int_equal(call1(0, BH_CALL_DEVICE_UNBIND, SIBLING_A), BH_OK);
    expect_refusal(1, BH_EPERM, BH_CALL_DEVICE_BIND, SIBLING_A, 1, 0);
    assert_int_equal(call1(0, BH_CALL_DEVICE_UNBIND, SIBLING_B), BH_OK);
    assert_int_equal(bind(1, SIBLING_A, 1), BH_OK);
}

int run_bind_calls_tests(void)
{
    const struct CMUnitTest tests[] = {
        TEST(row_3_1_bind_resets_the_device_then_maps_its_registers),
        TEST(i13_registers_end_where_the_device_ends),
        TEST(bind_refusals_are_as_documented_and_change_nothing),
        TEST(a_bind_under_way_keeps_the_other_partition_out),
        TEST(i6_a_bind_given_up_in_a_bus_reset_leaves_the_device_to_others),
        TEST(row_2_6_a_label_in_use_is_eexist),
        TEST(a_device_without_any_reset_cannot_be_bound),
        TEST(a_device_that_does_not_come_back_from_its_reset_is_etimedout_and_nobodys),
        TEST(registers_without_table_pages_are_enospc_and_the_device_is_nobodys),
        TEST(row_3_6_row_3_7_unbind_takes_the_registers_away_and_gives_the_group_back),
        TEST(
            row_0_17_row_0_18_row_2_5_attach_and_detach_refusals_are_as_documented_and_change_nothing),
        TEST(a_register_block_can_be_bound_and_has_no_dma),
        TEST(attach_sets_bus_mastering_and_detach_clears_it),
        TEST(what_a_former_owner_did_silences_no_device_on_the_same_stream),
        TEST(a_bind_leaves_the_records_of_other_groups_alone),
        TEST(devices_on_one_stream_share_its_attachment),
        TEST(a_fault_on_a_shared_stream_is_told_of_the_device_that_is_attached),
        TEST(of_several_that_are_attached_to_a_stream_the_first_is_told_of_its_faults),
        TEST(a_record_outlives_the_unbind_until_the_group_has_another_owner),
        TEST(i9_a_fault_on_a_shared_stream_is_not_told_to_whoever_had_the_first_device_before),
        TEST(an_overflow_leaves_a_stream_that_a_sibling_uses_as_it_is),
        TEST(a_device_on_another_stream_or_unit_is_no_sibling),
        TEST(a_device_is_not_attached_beside_its_sibling_on_a_unit_that_failed),
        TEST(row_0_9_a_group_has_one_owner),
    };

    return RUN_GROUP("kernel/assign");
}
