/* SPDX-License-Identifier: Apache-2.0 */
/* Messages of assigned devices (I12), on a machine with an ITS: what msi_bind answers, to whom a message comes, and that
 * none of a former owner's does. */
#include <string.h>

#include "edit.h"
#include "fdt_bench.h"
#include "groups.h"
#include "its_bench.h"
#include "kernel/message.h"
#include "observer.h"
#include "unequal_bench.h"

#define PCI_NODE "/pcie@3f000000"
#define ITS_HANDLE 0x8200
#define DOORBELL (BH_DOORBELLS + UINT64_C(0x40))
#define FIRST BH_MESSAGE_FIRST
#define VECTORS 4
#define CAP_MSIX 0x11
#define CAP_MSI 0x05
#define CONTROL 2
#define TABLE 4

static uint32_t msix, msi;
static uint64_t ioas;

static void edit(void *tree)
{
    edit_its(tree, ITS_BASE, ITS_HANDLE);
    EDIT_CELLS(tree, PCI_NODE, "msi-map", 0, ITS_HANDLE, 0, 0x10000);
}

/* Device 1 has MSI-X of four vectors, its table in the second page of its second BAR; device 2 has MSI of two. */
static void plain(void)
{
    const struct its_model_parameters parameters = its_kind(false);

    machine_plain();
    its_attach(&parameters);
    for (unsigned int i = 0; i < host_cpus; i++)
        host_message_targets[i] = ITS_REDISTRIBUTOR(i);
    machine.tree.edit = edit;
    msix = pci_model_capability(&machine.pci, DEVICE1, CAP_MSIX, 12);
    pci_model_set16(&machine.pci, DEVICE1, msix + CONTROL, VECTORS - 1);
    memset(&machine.pci.function[DEVICE1].writable[msix + CONTROL + 1], 0xC0, 1);
    pci_model_set32(&machine.pci, DEVICE1, msix + TABLE, 0x1000 | 2);
    msi = pci_model_capability(&machine.pci, DEVICE2, CAP_MSI, 16);
    pci_model_set16(&machine.pci, DEVICE2, msi + CONTROL, 0x80 | 1 << 1);
    memset(&machine.pci.function[DEVICE2].writable[msi + CONTROL], 0x71, 1);
    memset(&machine.pci.function[DEVICE2].writable[msi + 4], 0xFF, 10);
    pci_model_bar(&machine.pci, DEVICE2, 2, PAGE_SIZE, false);
    machine.partition[0].pci[1] = DEVICE2_NAME;
    machine_partition("two")->pci[0] = DEVICE1_NAME;
}

static void start(void)
{
    plain();
    observer_start();
    machine_boot();
    ioas = bind_and_attach(0, DEVICE1_ID, 1);
}

static int64_t msi_bind(unsigned int partition, uint64_t device, uint64_t vector,
                        uint64_t interrupt)
{
    return call(partition, BH_CALL_MSI_BIND, device, vector, interrupt, 0, 0);
}

static const struct bh_device_info *info_of(unsigned int partition, uint64_t index)
{
    struct bh_device_info *info = guest(partition, STRUCTURE);

    info->size = sizeof(*info);
    assert_int_equal(call2(partition, BH_CALL_DEVICE_INFO, index, STRUCTURE), BH_OK);
    return info;
}

/* What becomes of a write by a function: the page of the doorbell, or nothing. */
static bool reaches_doorbell(uint32_t requester, bool write)
{
    const struct smmuv3_model_access access = { .stream_id = requester,
                                                .iova = DOORBELL,
                                                .write = write };
    struct smmuv3_model_result result = smmuv3_model_translate(machine.unit[0], &access);

    return result.outcome == SMMUV3_MODEL_OK && result.address == ITS_BASE + 0x10040;
}

/* The function writes that to the doorbell. */
static void raise(uint32_t requester, uint32_t event)
{
    if (reaches_doorbell(requester, true))
        its_model_message(its, requester, event);
    for (unsigned int cpu = 0; cpu < host_cpus; cpu++) {
        uint32_t message;

        while ((message = its_take(cpu)) != ITS_NO_MESSAGE)
            host_message(message);
    }
}

/* The interrupts that came to the partition since the last look; bit n: INTID 64 + n. */
static uint32_t came(unsigned int partition)
{
    struct vcpu *vcpu = &partitions.partition[partition].vcpu;

    return (uint32_t)(atomic_exchange(&vcpu->interrupts, 0) >> 32);
}

static void i12_row_3_22_a_message_comes_to_the_owner_as_the_interrupt_that_it_asked_for(void)
{
    start();
    assert_int_equal(info_of(0, 0)->messages, VECTORS);
    assert_int_equal(info_of(0, 0)->doorbell, DOORBELL);
    assert_int_equal(info_of(0, 0)->interrupts, BH_INTERRUPTS_MESSAGES);
    assert_int_equal(msi_bind(0, DEVICE1_ID, 1, FIRST + 3), BH_OK);
    assert_int_equal(machine.x[1], DOORBELL);
    assert_int_equal(machine.x[2], 1);
    uint64_t entry = machine.x[3];

    assert_int_equal(entry, info_of(0, 0)->bar[2].address + 0x1000 + 16);
    raise(0x100, 1);
    assert_int_equal(came(0), BIT(3));
    assert_int_equal(came(1), 0);
    assert_int_equal(msi_bind(0, DEVICE1_ID, 1, FIRST + 31), BH_OK);
    raise(0x100, 1);
    assert_int_equal(came(0), BIT(31));
    assert_its_clean();
}

static void i12_what_a_device_writes_there_by_itself_raises_its_own_bound_vectors_alone(void)
{
    start();
    assert_int_equal(bind(0, DEVICE2_ID, 2), BH_OK);
    assert_int_equal(call3(0, BH_CALL_ATTACH, DEVICE2_ID, BH_PASID_NONE, ioas), BH_OK);
    assert_int_equal(msi_bind(0, DEVICE1_ID, 0, FIRST), BH_OK);
    assert_int_equal(msi_bind(0, DEVICE2_ID, 1, FIRST + 1), BH_OK);
    for (uint32_t event = 1; event < 100; event++) {
        raise(0x100, event);
        assert_int_equal(came(0) | came(1), 0);
    }
    raise(0x200, 0);
    assert_int_equal(came(0), 0);
    raise(0x200, 1);
    assert_int_equal(came(0), BIT(1));
    assert_false(reaches_doorbell(0x100, false));
}

static void i12_after_unbind_nothing_comes_and_the_doorbell_is_gone(void)
{
    start();
    assert_false(reaches_doorbell(0x100, true));
    assert_int_equal(msi_bind(0, DEVICE1_ID, 0, FIRST), BH_OK);
    assert_int_equal(msi_bind(0, DEVICE1_ID, 2, FIRST), BH_OK);
    assert_true((pci_model_get16(&machine.pci, DEVICE1, msix + CONTROL) & 0xC000) == 0x8000);
    /* Raised, and not taken. */
    assert_int_equal(its_model_message(its, 0x100, 2), ITS_MODEL_TRANSLATED);
    assert_int_equal(msi_bind(0, DEVICE1_ID, 2, 0), BH_OK);
    raise(0x100, 2);
    assert_int_equal(came(0), 0);
    assert_true(reaches_doorbell(0x100, true));
    assert_int_equal(msi_bind(0, DEVICE1_ID, 0, 0), BH_OK);
    assert_false(reaches_doorbell(0x100, true));
    assert_true((pci_model_get16(&machine.pci, DEVICE1, msix + CONTROL) & 0x8000) == 0);
    assert_int_equal(msi_bind(0, DEVICE1_ID, 0, 0), BH_ENOENT);
    assert_units_clean();
    assert_its_clean();
}

static void i12_of_a_former_owner_nothing_reaches_the_next(void)
{
    start();
    assert_int_equal(msi_bind(0, DEVICE1_ID, 0, FIRST), BH_OK);
    assert_int_equal(its_model_message(its, 0x100, 0), ITS_MODEL_TRANSLATED);
    assert_int_equal(call2(0, BH_CALL_DETACH, DEVICE1_ID, BH_PASID_NONE), BH_OK);
    assert_false(reaches_doorbell(0x100, true));
    assert_int_equal(call1(0, BH_CALL_DEVICE_UNBIND, DEVICE1_ID), BH_OK);
    assert_int_equal(its_model_message(its, 0x100, 0), ITS_MODEL_NO_EVENT);
    ioas = bind_and_attach(1, DEVICE1_ID, 1);
    raise(0x100, 0);
    assert_int_equal(came(0) | came(1), 0);
    assert_int_equal(msi_bind(0, DEVICE1_ID, 0, FIRST), BH_EPERM);
    assert_int_equal(msi_bind(1, DEVICE1_ID, 0, FIRST + 7), BH_OK);
    raise(0x100, 0);
    assert_int_equal(came(0), 0);
    assert_int_equal(came(1), BIT(7));
    assert_its_clean();
}

static void i12_a_reset_unbinds_all_messages(void)
{
    start();
    assert_int_equal(msi_bind(0, DEVICE1_ID, 0, FIRST), BH_OK);
    assert_int_equal(call1(0, BH_CALL_DEVICE_RESET, DEVICE1_ID), BH_EAGAIN);
    assert_int_equal(msi_bind(0, DEVICE1_ID, 0, FIRST), BH_EBUSY);
    do
        host_advance(machine.x[1]);
    while (call1(0, BH_CALL_DEVICE_RESET, DEVICE1_ID) == BH_EAGAIN);
    assert_false(reaches_doorbell(0x100, true));
    assert_int_equal(its_model_message(its, 0x100, 0), ITS_MODEL_NO_EVENT);
    assert_int_equal(msi_bind(0, DEVICE1_ID, 0, FIRST), BH_OK);
    raise(0x100, 0);
    assert_int_equal(came(0), BIT(0));
}

static void i12_the_doorbell_follows_the_device_from_space_to_space(void)
{
    start();
    uint64_t other = (uint64_t)call2(0, BH_CALL_IOAS_ALLOC_PAGING, DEVICE1_ID, BH_IOAS_NONE);
    uint64_t free = query_pool(0).pages_free;

    assert_int_equal(msi_bind(0, DEVICE1_ID, 0, FIRST), BH_OK);
    for (unsigned int i = 0; i < 4; i++) {
        assert_int_equal(call3(0, BH_CALL_REPLACE, DEVICE1_ID, BH_PASID_NONE, i % 2 ? ioas : other),
                         BH_OK);
        raise(0x100, 0);
        assert_int_equal(came(0), BIT(0));
    }
    assert_int_equal(call2(0, BH_CALL_DETACH, DEVICE1_ID, BH_PASID_NONE), BH_OK);
    assert_int_equal(query_pool(0).pages_free, free);
    assert_int_equal(call1(0, BH_CALL_IOAS_FREE, other), BH_OK);
    assert_int_equal(call3(0, BH_CALL_ATTACH, DEVICE1_ID, BH_PASID_NONE, ioas), BH_OK);
    raise(0x100, 0);
    assert_int_equal(came(0), BIT(0));
    assert_units_clean();
}

static void row_4_13_nothing_is_mapped_over_doorbells_and_no_unmap_takes_them(void)
{
    const uint64_t places[] = { 0x08102000, 0x08101000, 0x080FF000 };
    struct bh_ioas_ranges *ranges;
    struct bh_map *element;

    start();
    element = guest(0, STRUCTURE);
    ranges = guest(0, STRUCTURE);
    ranges->size = sizeof(*ranges);
    /* Of a space that nothing was ever attached to, too. */
    int64_t fresh = call2(0, BH_CALL_IOAS_ALLOC_PAGING, DEVICE1_ID, 0);

    assert_int_equal(call2(0, BH_CALL_IOAS_RANGES, (uint64_t)fresh, STRUCTURE), BH_OK);
    assert_int_equal(ranges->count, 2);
    assert_int_equal(call2(0, BH_CALL_IOAS_RANGES, ioas, STRUCTURE), BH_OK);
    assert_int_equal(ranges->count, 2);
    assert_int_equal(ranges->range[0].last, 0x07FFFFFF);
    assert_int_equal(ranges->range[1].first, 0x08100000);
    assert_int_equal(map(0, ioas, 0x08000000, BASE, PAGE_SIZE), BH_ERANGE);
    assert_int_equal(map(0, ioas, 0x080FF000, BASE, 2 * PAGE_SIZE), BH_ERANGE);
    assert_int_equal(map(0, ioas, 0x07FFF000, BASE, 2 * PAGE_SIZE), BH_ERANGE);
    assert_int_equal(call3(0, BH_CALL_IOAS_RESERVE, ioas, 0x07FFF000, 2 * PAGE_SIZE), BH_ERANGE);
    assert_int_equal(map(0, ioas, 0x07FFF000, BASE, PAGE_SIZE), BH_OK);
    assert_int_equal(map(0, ioas, 0x08100000, BASE, PAGE_SIZE), BH_OK);
    for (unsigned int i = 0; i < 3; i++)
        element[i] = (struct bh_map){ places[i], BASE, PAGE_SIZE, 3 };
    assert_int_equal(call3(0, BH_CALL_IOAS_MAP_BATCH, ioas, (uint64_t)STRUCTURE, 3), BH_EAGAIN);
    assert_int_equal(machine.x[1], 2);
    assert_int_equal(unmap(0, ioas, 0x08101000, 2 * PAGE_SIZE), BH_OK);
    assert_int_equal(msi_bind(0, DEVICE1_ID, 0, FIRST), BH_OK);
    /* Up to the doorbells, and from behind them on. */
    assert_int_equal(unmap(0, ioas, 0x07FFF000, 0x200000), BH_EAGAIN);
    assert_int_equal(machine.x[1], PAGE_SIZE);
    assert_int_equal(machine.x[2], PAGE_SIZE);
    assert_int_equal(unmap(0, ioas, 0x08000000, 0x200000), BH_OK);
    assert_int_equal(machine.x[1], 0x200000);
    assert_int_equal(machine.x[2], PAGE_SIZE);
    assert_int_equal(unmap(0, ioas, 0x08000000, PAGE_SIZE), BH_OK);
    assert_int_equal(machine.x[2], 0);
    assert_true(reaches_doorbell(0x100, true));
    raise(0x100, 0);
    assert_int_equal(came(0), BIT(0));
}

static void msi_is_set_up_by_the_call(void)
{
    start();
    assert_int_equal(bind(0, DEVICE2_ID, 2), BH_OK);
    pci_model_set32(&machine.pci, DEVICE2, msi + 8, UINT32_MAX); /* where firmware had one */
    assert_int_equal(msi_bind(0, DEVICE2_ID, 1, FIRST), BH_OK);
    assert_int_equal(machine.x[3], 0);
    assert_int_equal(pci_model_get32(&machine.pci, DEVICE2, msi + 4), DOORBELL);
    assert_int_equal(pci_model_get32(&machine.pci, DEVICE2, msi + 8), 0);
    assert_int_equal(pci_model_get16(&machine.pci, DEVICE2, msi + 12), 0);
    assert_int_equal(pci_model_get16(&machine.pci, DEVICE2, msi + CONTROL), 0x80 | 2 | 1 | 1 << 4);
    assert_int_equal(msi_bind(0, DEVICE2_ID, 1, 0), BH_OK);
    assert_int_equal(pci_model_get16(&machine.pci, DEVICE2, msi + CONTROL), 0x80 | 2);
}

static void each_refusal_has_its_code(void)
{
    plain();
    machine_boot();
    assert_int_equal(msi_bind(0, DEVICE1_ID, 0, FIRST), BH_EPERM);
    ioas = bind_and_attach(0, DEVICE1_ID, 1);
    assert_int_equal(msi_bind(0, 5, 0, FIRST), BH_ENOENT);
    assert_int_equal(msi_bind(1, DEVICE1_ID, 0, FIRST), BH_EPERM);
    assert_int_equal(msi_bind(0, DEVICE1_ID, VECTORS, FIRST), BH_ERANGE);
    assert_int_equal(msi_bind(0, DEVICE1_ID, BIT(32), FIRST), BH_ERANGE);
    assert_int_equal(msi_bind(0, DEVICE1_ID, 0, FIRST - 1), BH_EINVAL);
    assert_int_equal(msi_bind(0, DEVICE1_ID, 0, BH_MESSAGE_LAST + 1), BH_EINVAL);
    assert_int_equal(msi_bind(0, DEVICE1_ID, 0, BIT(32) | FIRST), BH_EINVAL);
    assert_int_equal(call(0, BH_CALL_MSI_BIND, DEVICE1_ID, 0, FIRST, DOORBELL + 4, 0), BH_EINVAL);
    assert_int_equal(call(0, BH_CALL_MSI_BIND, DEVICE1_ID, 0, FIRST, DOORBELL, 0), BH_OK);
}

static void without_an_its_there_are_no_messages(void)
{
    plain();
    machine.tree.edit = NULL;
    machine_boot();
    ioas = bind_and_attach(0, DEVICE1_ID, 1);
    assert_int_equal(msi_bind(0, DEVICE1_ID, 0, FIRST), BH_EOPNOTSUPP);
    assert_int_equal(info_of(0, 0)->messages, 0);
    assert_int_equal(info_of(0, 0)->doorbell, 0);
    assert_int_equal(info_of(0, 0)->interrupts, BH_INTERRUPTS_NONE);
    assert_int_equal(map(0, ioas, 0x08000000, BASE, PAGE_SIZE), BH_OK);
    assert_int_equal(unmap(0, ioas, 0x08000000, PAGE_SIZE), BH_OK);
    assert_int_equal(machine.x[2], PAGE_SIZE);
}

static void an_its_that_is_late_costs_its_messages_and_nothing_else(void)
{
    start();
    assert_int_equal(msi_bind(0, DEVICE1_ID, 0, FIRST), BH_OK);
    its_model_set_late(its, ITS_MODEL_LATE_COMMANDS, ITS_MODEL_NEVER);
    assert_int_equal(msi_bind(0, DEVICE1_ID, 1, FIRST), BH_ETIMEDOUT);
    assert_int_equal(msi_bind(0, DEVICE1_ID, 1, FIRST), BH_EOPNOTSUPP);
    assert_int_equal(info_of(0, 0)->messages, 0);
    assert_int_equal(call2(0, BH_CALL_DETACH, DEVICE1_ID, BH_PASID_NONE), BH_OK);
    assert_int_equal(call1(0, BH_CALL_DEVICE_UNBIND, DEVICE1_ID), BH_OK);
    ioas = bind_and_attach(1, DEVICE1_ID, 1);
    assert_false(reaches_doorbell(0x100, true));
    assert_int_equal(msi_bind(1, DEVICE1_ID, 0, FIRST), BH_EOPNOTSUPP);
    assert_console("missed a deadline: no device behind it raises messages any more");
}

static void an_its_that_is_late_at_boot_is_not_used_and_the_machine_starts(void)
{
    plain();
    its_model_set_late(its, ITS_MODEL_LATE_COMMANDS, ITS_MODEL_NEVER);
    machine_boot();
    assert_int_equal(info_of(0, 0)->messages, 0);
    assert_console("is not used: a CPU takes no messages");
}

static void where_a_cpu_takes_no_messages_nobody_gets_any(void)
{
    plain();
    host_message_targets[1] = 0;
    machine_boot();
    assert_int_equal(info_of(0, 0)->messages, 0);
}

static void a_space_without_room_for_the_doorbell_refuses_the_message(void)
{
    plain();
    machine.partition[0].pool_pages = 12;
    machine_boot();
    ioas = bind_and_attach(0, DEVICE1_ID, 1);
    uint64_t iova = BIT(40);

    while (map(0, ioas, iova, BASE, PAGE_SIZE) == BH_OK)
        iova += BIT(39);
    uint64_t before = query_pool(0).pages_free;

    assert_true(before < 3);
    assert_int_equal(msi_bind(0, DEVICE1_ID, 0, FIRST), BH_ENOSPC);
    assert_int_equal(query_pool(0).pages_free, before);
    assert_int_equal(its_model_message(its, 0x100, 0), ITS_MODEL_NO_EVENT);
}

static void frame(void *tree)
{
    edit_add(tree, "/", "v2m@8020000");
    edit_text(tree, "/v2m@8020000", "compatible", "arm,gic-v2m-frame");
    EDIT_CELLS(tree, "/v2m@8020000", "reg", 0, 0x08020000, 0, 0x1000);
}

static void i12_a_gicv2m_frame_is_refused_by_name(void)
{
    plain();
    machine.tree.edit = frame;
    machine_boot();
    assert_console("/v2m@8020000: a GICv2m frame does not tell devices apart");
    assert_int_equal(info_of(0, 0)->messages, 0);
}

static void without_an_address_of_its_bar_the_table_is_nowhere(void)
{
    plain();
    pci_model_set32(&machine.pci, DEVICE1, msix + TABLE, 0x1000 | 5);
    machine_boot();
    ioas = bind_and_attach(0, DEVICE1_ID, 1);
    assert_int_equal(msi_bind(0, DEVICE1_ID, 1, FIRST), BH_OK);
    assert_int_equal(machine.x[3], 0);
}

static void a_function_that_does_not_answer_is_not_written_to(void)
{
    start();
    uint16_t control = pci_model_get16(&machine.pci, DEVICE1, msix + CONTROL);

    machine.pci.function[DEVICE1].silent_reads = 1;
    assert_int_equal(msi_bind(0, DEVICE1_ID, 0, FIRST), BH_OK);
    assert_int_equal(pci_model_get16(&machine.pci, DEVICE1, msix + CONTROL), control);
}

static void the_doorbell_stays_until_the_last_device_of_the_space_leaves_it(void)
{
    start();
    assert_int_equal(bind(0, DEVICE2_ID, 2), BH_OK);
    assert_int_equal(call3(0, BH_CALL_ATTACH, DEVICE2_ID, BH_PASID_NONE, ioas), BH_OK);
    assert_int_equal(msi_bind(0, DEVICE1_ID, 0, FIRST), BH_OK);
    assert_int_equal(msi_bind(0, DEVICE2_ID, 0, FIRST + 1), BH_OK);
    assert_int_equal(msi_bind(0, DEVICE1_ID, 0, 0), BH_OK);
    raise(0x200, 0);
    assert_int_equal(came(0), BIT(1));
    assert_int_equal(msi_bind(0, DEVICE2_ID, 0, 0), BH_OK);
    assert_false(reaches_doorbell(0x200, true));
}

/* Both trees take their pages from one pool: the first one is through, and has what it took to give back. */
static void a_doorbell_that_one_of_two_trees_has_no_page_for_is_in_neither(void)
{
    const struct smmuv3_model_parameters narrow = unequal_unit(32);
    struct page_list taken;

    plain();
    machine_unit_for_bus(&narrow, 2);
    machine_boot();
    ioas = bind_and_attach(0, DEVICE1_ID, 1);
    assert_int_equal(bind(0, DEVICE2_ID, 2), BH_OK);
    assert_int_equal(call3(0, BH_CALL_ATTACH, DEVICE2_ID, BH_PASID_NONE, ioas), BH_OK);
    unequal_leave_pages(&taken, 3);
    assert_int_equal(msi_bind(0, DEVICE1_ID, 0, FIRST), BH_ENOSPC);
    assert_int_equal(partitions.partition[0].pool.free, 3);
    assert_false(reaches_doorbell(0x100, true));
    page_pool_give(&partitions.partition[0].pool, &taken);
    assert_int_equal(msi_bind(0, DEVICE1_ID, 0, FIRST), BH_OK);
    raise(0x100, 0);
    assert_int_equal(came(0), BIT(0));
}

/* Two functions of one device: registers of the one are closed in a space that the other enters. */
static void an_attach_without_room_for_the_doorbell_closes_nothing(void)
{
    const uint64_t first = DEVICE_ID_PCI | 3 << 8;
    struct bh_ioas_ranges *ranges;
    struct page_list taken;
    int port, function[2];

    plain();
    port = pci_model_bridge(&machine.pci, PCI_MODEL_ROOT, 3, 0, 4);
    for (uint8_t i = 0; i < 2; i++) {
        function[i] = pci_model_endpoint(&machine.pci, port, 0, i);
        pci_model_express(&machine.pci, function[i], 0, true);
        pci_model_bar(&machine.pci, function[i], 0, 0x1000, false);
    }
    pci_model_multifunction(&machine.pci, function[0]);
    uint32_t offset = pci_model_capability(&machine.pci, function[0], CAP_MSI, 16);

    pci_model_set16(&machine.pci, function[0], offset + CONTROL, 0x80);
    machine.partition[0].pci[2] = "0000:03:00.0";
    machine.partition[0].pci[3] = "0000:03:00.1";
    machine_boot();
    assert_int_equal(bind(0, first, 1), BH_OK);
    assert_int_equal(msi_bind(0, first, 0, FIRST), BH_OK);
    ioas = (uint64_t)call2(0, BH_CALL_IOAS_ALLOC_PAGING, first, BH_IOAS_NONE);
    unequal_leave_pages(&taken, 0);
    assert_int_equal(call3(0, BH_CALL_ATTACH, first, BH_PASID_NONE, ioas), BH_ENOSPC);
    ranges = guest(0, STRUCTURE);
    ranges->size = sizeof(*ranges);
    assert_int_equal(call2(0, BH_CALL_IOAS_RANGES, ioas, STRUCTURE), BH_OK);
    assert_int_equal(ranges->count, 2); /* before and behind the doorbells */
    page_pool_give(&partitions.partition[0].pool, &taken);
    assert_int_equal(call3(0, BH_CALL_ATTACH, first, BH_PASID_NONE, ioas), BH_OK);
    assert_int_equal(call2(0, BH_CALL_IOAS_RANGES, ioas, STRUCTURE), BH_OK);
    assert_int_equal(ranges->count, 3);
}

static void edit_one_id(void *tree)
{
    edit(tree);
    EDIT_CELLS(tree, PCI_NODE, "msi-map", 0x100, ITS_HANDLE, 7, 1, 0x200, ITS_HANDLE, 7, 1);
}

static void i12_of_two_devices_of_two_groups_with_one_id_neither_raises_messages(void)
{
    plain();
    machine.tree.edit = edit_one_id;
    machine_boot();
    ioas = bind_and_attach(0, DEVICE1_ID, 1);
    assert_int_equal(bind(0, DEVICE2_ID, 2), BH_OK);
    assert_int_equal(msi_bind(0, DEVICE1_ID, 0, FIRST), BH_EOPNOTSUPP);
    assert_int_equal(msi_bind(0, DEVICE2_ID, 0, FIRST), BH_EOPNOTSUPP);
    assert_console("0000:01:00.0 raises no messages: a device of another group has its id");
    assert_console("0000:02:00.0 raises no messages: a device of another group has its id");
}

/* It has no vectors of its own, but what it writes to a doorbell in its space would be the other's. */
static void i12_an_id_that_a_device_without_messages_has_too_raises_none(void)
{
    plain();
    pci_model_set16(&machine.pci, DEVICE1, 0x34, 0);
    machine.tree.edit = edit_one_id;
    machine_boot();
    assert_int_equal(bind(0, DEVICE2_ID, 2), BH_OK);
    assert_int_equal(msi_bind(0, DEVICE2_ID, 0, FIRST), BH_EOPNOTSUPP);
    assert_console("0000:02:00.0 raises no messages: a device of another group has its id");
}

/* Two functions of one device, without ACS between them. */
static void a_second_function(uint32_t vectors)
{
    int second = pci_model_endpoint(&machine.pci, PORT1, 0, 1);

    pci_model_express(&machine.pci, second, 0, true);
    pci_model_express(&machine.pci, DEVICE1, 0, true);
    pci_model_bar(&machine.pci, second, 0, 0x1000, false);
    pci_model_multifunction(&machine.pci, DEVICE1);
    uint32_t offset = pci_model_capability(&machine.pci, second, CAP_MSIX, 12);

    pci_model_set16(&machine.pci, second, offset + CONTROL, (uint16_t)(vectors - 1));
    machine.partition[0].pci[2] = "0000:01:00.1";
    machine.partition[1].pci[1] = "0000:01:00.1";
}

static void edit_one_id_of_a_group(void *tree)
{
    edit(tree);
    EDIT_CELLS(tree, PCI_NODE, "msi-map", 0x100, ITS_HANDLE, 7, 1, 0x101, ITS_HANDLE, 7, 1);
}

static void i12_of_two_devices_of_one_group_with_one_id_the_second_raises_no_messages(void)
{
    plain();
    a_second_function(2);
    machine.tree.edit = edit_one_id_of_a_group;
    machine_boot();
    assert_int_equal(bind(0, DEVICE1_ID, 1), BH_OK);
    assert_int_equal(bind(0, DEVICE1_ID + 1, 2), BH_OK);
    assert_int_equal(msi_bind(0, DEVICE1_ID, 0, FIRST), BH_OK);
    assert_int_equal(msi_bind(0, DEVICE1_ID + 1, 0, FIRST), BH_EOPNOTSUPP);
    assert_console("0000:01:00.1 raises no messages: another of its group has its id");
}

/* The first BARs of the machine have bus addresses where doorbells are IOVAs. */
static void edit_window(void *tree)
{
    edit(tree);
    EDIT_CELLS(tree, PCI_NODE, "ranges", 0x02000000, 0, BH_DOORBELLS, 0, (uint32_t)WINDOW_BASE, 0,
               0x1000000);
}

static void i12_a_device_whose_peers_answer_where_doorbells_are_raises_no_messages(void)
{
    plain();
    a_second_function(2);
    machine.tree.edit = edit_window;
    machine_boot();
    assert_int_equal(bind(0, DEVICE1_ID, 1), BH_OK);
    assert_int_equal(msi_bind(0, DEVICE1_ID, 0, FIRST), BH_EOPNOTSUPP);
    assert_console(
        "0000:01:00.0 raises no messages: registers of its group answer where doorbells are");
    assert_int_equal(bind(0, DEVICE2_ID, 2), BH_OK);
    assert_int_equal(msi_bind(0, DEVICE2_ID, 0, FIRST), BH_OK);
}

static void an_its_that_cannot_be_mapped_is_not_used(void)
{
    plain();
    host_refuse_maps(ITS_BASE, ITS_MODEL_FRAMES);
    machine_boot();
    assert_int_equal(info_of(0, 0)->messages, 0);
    assert_console("is not used: no table pages for its registers");
}

int run_messages_tests(void)
{
    const struct CMUnitTest tests[] = {
        TEST(i12_row_3_22_a_message_comes_to_the_owner_as_the_interrupt_that_it_asked_for),
        TEST(i12_what_a_device_writes_there_by_itself_raises_its_own_bound_vectors_alone),
        TEST(i12_after_unbind_nothing_comes_and_the_doorbell_is_gone),
        TEST(i12_of_a_former_owner_nothing_reaches_the_next),
        TEST(i12_a_reset_unbinds_all_messages),
        TEST(i12_the_doorbell_follows_the_device_from_space_to_space),
        TEST(row_4_13_nothing_is_mapped_over_doorbells_and_no_unmap_takes_them),
        TEST(msi_is_set_up_by_the_call),
        TEST(each_refusal_has_its_code),
        TEST(without_an_its_there_are_no_messages),
        TEST(an_its_that_is_late_costs_its_messages_and_nothing_else),
        TEST(an_its_that_is_late_at_boot_is_not_used_and_the_machine_starts),
        TEST(where_a_cpu_takes_no_messages_nobody_gets_any),
        TEST(a_space_without_room_for_the_doorbell_refuses_the_message),
        TEST(i12_a_gicv2m_frame_is_refused_by_name),
        TEST(without_an_address_of_its_bar_the_table_is_nowhere),
        TEST(a_function_that_does_not_answer_is_not_written_to),
        TEST(the_doorbell_stays_until_the_last_device_of_the_space_leaves_it),
        TEST(a_doorbell_that_one_of_two_trees_has_no_page_for_is_in_neither),
        TEST(an_attach_without_room_for_the_doorbell_closes_nothing),
        TEST(i12_of_two_devices_of_two_groups_with_one_id_neither_raises_messages),
        TEST(i12_an_id_that_a_device_without_messages_has_too_raises_none),
        TEST(i12_of_two_devices_of_one_group_with_one_id_the_second_raises_no_messages),
        TEST(i12_a_device_whose_peers_answer_where_doorbells_are_raises_no_messages),
        TEST(an_its_that_cannot_be_mapped_is_not_used),
    };

    return RUN_GROUP("messages");
}
