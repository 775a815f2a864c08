/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Groups that share a path short of the IOMMU, as their owner sees them: one number, one owner, and addresses of
 * each other's registers that no space of theirs has (kernel/group.c, kernel/ioas_closed.c).
 */
#include <stdio.h>
#include <string.h>

#include "groups.h"
#include "machine.h"
#include "observer.h"

#define BASE UINT64_C(0x40000000)
#define STRUCTURE (BASE + 0x100000)
#define IOVA UINT64_C(0x50000000)
#define MIB UINT64_C(0x100000)
#define ROOT PCI_MODEL_ROOT
#define MEMORY BASE, PAGE_SIZE
#define ID(bus, device, function)                                                                  \
    (DEVICE_ID_PCI | (uint64_t)(bus) << 8 | (device) << 3 | (unsigned int)(function))

/* A switch below a third port: buses 4 for its ports, 5 and 6 for what is below them. */
#define SWITCH_A ID(5, 0, 0)
#define SWITCH_B ID(6, 0, 0)
static int switch_a, switch_b;               /* in the model */
#define SWITCH_FIRST (WINDOW_BASE + 2 * MIB) /* behind the windows of the two ports */
#define SWITCH_END (WINDOW_BASE + 4 * MIB)

static int make_endpoint(int parent, uint8_t function, uint64_t size)
{
    int index = pci_model_endpoint(&machine.pci, parent, 0, function);

    pci_model_express(&machine.pci, index, 0, true);
    pci_model_bar(&machine.pci, index, 0, size, false);
    return index;
}

/* The plain machine with the switch; its ports have these services. "two" may bind what "one" may. */
static void build_switch(uint16_t acs)
{
    machine_plain();
    struct pci_model *pci = &machine.pci;
    int up = pci_model_bridge(pci, pci_model_bridge(pci, ROOT, 3, 0, 4), 0, 0, 5);
    int down[2];

    for (uint8_t device = 0; device < 2; device++) {
        down[device] = pci_model_bridge(pci, up, device, 0, 6);
        if (acs != 0)
            pci_model_acs(pci, down[device], acs);
    }
    switch_a = make_endpoint(down[0], 0, 0x4000);
    switch_b = make_endpoint(down[1], 0, 0x1000);
    machine_partition("two");
    for (unsigned int i = 0; i < 2; i++) {
        machine.partition[i].pci[0] = DEVICE1_NAME;
        machine.partition[i].pci[1] = "0000:05:00.0";
        machine.partition[i].pci[2] = "0000:06:00.0";
    }
}

static void start(void)
{
    observer_start();
    machine_boot();
}

static void start_switch(void)
{
    build_switch(0);
    start();
}

/* Two functions of one device below the third port: 03:00.0 and 03:00.1. */
#define PAIR_A ID(3, 0, 0)
#define PAIR_B ID(3, 0, 1)
#define PAIR_FIRST (WINDOW_BASE + 2 * MIB)
#define PAIR_END (PAIR_FIRST + 0x5000)

static void start_pair(void)
{
    machine_plain();
    int port = pci_model_bridge(&machine.pci, ROOT, 3, 0, 4);

    switch_a = make_endpoint(port, 0, 0x4000);
    switch_b = make_endpoint(port, 1, 0x100);
    pci_model_multifunction(&machine.pci, switch_a);
    machine.partition[0].pci[1] = "0000:03:00.0";
    machine.partition[0].pci[2] = "0000:03:00.1";
    start();
}

static void expect_refusal(unsigned int partition, int64_t code, uint64_t number, uint64_t a,
                           uint64_t b, uint64_t c)
{
    uint64_t before = machine_state();

    assert_int_equal(call3(partition, number, a, b, c), code);
    assert_int_equal(machine_state(), before);
}

static void expect_unmappable(uint64_t ioas, uint64_t iova, uint64_t size)
{
    uint64_t before = machine_state();

    assert_int_equal(map(0, ioas, iova, BASE, size), BH_ERANGE);
    assert_int_equal(machine_state(), before);
}

static void expect_mappable(uint64_t ioas, uint64_t iova, uint64_t size)
{
    assert_int_equal(map(0, ioas, iova, BASE, size), BH_OK);
    assert_int_equal(unmap(0, ioas, iova, size), BH_OK);
}

static uint64_t new_space(uint64_t device)
{
    int64_t ioas = call2(0, BH_CALL_IOAS_ALLOC_PAGING, device, BH_IOAS_NONE);

    assert_true(ioas > 0);
    return (uint64_t)ioas;
}

static int64_t attach(uint64_t device, uint64_t ioas)
{
    return call3(0, BH_CALL_ATTACH, device, BH_PASID_NONE, ioas);
}

static void detach(uint64_t device)
{
    assert_int_equal(call2(0, BH_CALL_DETACH, device, BH_PASID_NONE), BH_OK);
}

/* The ranges of the space are those between the bounds, which are: first of one, end of it, first of the next ... */
static void expect_ranges(uint64_t ioas, unsigned int count, const uint64_t *bounds)
{
    struct bh_ioas_ranges *ranges = guest(0, STRUCTURE);

    memset(ranges, 0, sizeof(*ranges));
    ranges->size = sizeof(*ranges);
    assert_int_equal(call2(0, BH_CALL_IOAS_RANGES, ioas, STRUCTURE), BH_OK);
    assert_int_equal(ranges->count, count);
    for (unsigned int i = 0; i < count; i++) {
        assert_int_equal(ranges->range[i].first, bounds[(size_t)2 * i]);
        assert_int_equal(ranges->range[i].last, bounds[(size_t)2 * i + 1] - 1);
    }
}

static uint64_t limit_of(uint64_t ioas)
{
    return partitions.partition[0].ioas[(ioas & IOAS_ID_SLOT) - 1].tree[0].table.limit;
}

static void expect_whole(uint64_t ioas)
{
    expect_ranges(ioas, 1, (const uint64_t[]){ 0, limit_of(ioas) });
}

static void expect_without(uint64_t ioas, uint64_t first, uint64_t end)
{
    expect_ranges(ioas, 2, (const uint64_t[]){ 0, first, end, limit_of(ioas) });
}

/* ---- Groups -------------------------------------------------------------------------------------- */

static struct bh_device_info info_of(uint64_t device)
{
    struct bh_device_info *info = guest(0, STRUCTURE);

    for (uint64_t index = 0;; index++) {
        memset(info, 0, sizeof(*info));
        info->size = sizeof(*info);
        assert_int_equal(call2(0, BH_CALL_DEVICE_INFO, index, STRUCTURE), BH_OK);
        if (info->device == device)
            return *info;
    }
}

static void expect_one_group(uint64_t a, uint64_t b, uint32_t reasons)
{
    assert_int_equal(info_of(a).group, info_of(b).group);
    assert_int_equal(info_of(a).group_reasons, reasons);
    assert_int_equal(info_of(b).group_reasons, reasons);
    assert_int_equal(info_of(a).group_members, 2);
}

static void row_0_8_functions_below_a_switch_without_acs_are_one_group_from_the_start(void)
{
    start_switch();
    expect_one_group(SWITCH_A, SWITCH_B, BH_GROUP_NO_ACS);
    assert_int_not_equal(info_of(DEVICE1_ID).group, info_of(SWITCH_A).group);
    assert_console("0000:05:00.0 and 1 more are one group: a switch port without ACS above them");
    assert_null(strstr(host_console(), "0000:06:00.0 and 1 more"));
}

static void row_0_8_functions_below_a_switch_with_acs_are_not(void)
{
    build_switch(0x1F);
    start();
    assert_int_not_equal(info_of(SWITCH_A).group, info_of(SWITCH_B).group);
    assert_int_equal(info_of(SWITCH_A).group_reasons, 0);
}

static void row_0_8_functions_of_one_device_are_one_group_from_the_start(void)
{
    start_pair();
    expect_one_group(PAIR_A, PAIR_B, BH_GROUP_MULTIFUNCTION);
}

static void row_0_9_a_member_below_the_same_switch_is_its_owners_alone(void)
{
    start_switch();
    assert_int_equal(bind(0, SWITCH_A, 1), BH_OK);
    expect_refusal(1, BH_EPERM, BH_CALL_DEVICE_BIND, SWITCH_B, 1, 0);
    assert_int_equal(bind(0, SWITCH_B, 2), BH_OK);
    assert_int_equal(bind(1, DEVICE1_ID, 1), BH_OK);
}

static void row_0_13_no_call_gets_at_a_member_of_anothers_group(void)
{
    start_switch();
    assert_int_equal(bind(0, SWITCH_A, 1), BH_OK);
    uint64_t other = bind_and_attach(1, DEVICE1_ID, 1);

    assert_int_equal(map(1, other, IOVA, BASE, PAGE_SIZE), BH_OK);
    expect_refusal(1, BH_EPERM, BH_CALL_DEVICE_BIND, SWITCH_B, 2, 0);
    expect_refusal(1, BH_EPERM, BH_CALL_IOAS_ALLOC_PAGING, SWITCH_B, BH_IOAS_NONE, 0);
    expect_refusal(1, BH_EPERM, BH_CALL_ATTACH, SWITCH_B, BH_PASID_NONE, other);
    expect_refusal(1, BH_EPERM, BH_CALL_REPLACE, SWITCH_B, BH_PASID_NONE, other);
    expect_refusal(1, BH_EPERM, BH_CALL_DETACH, SWITCH_B, BH_PASID_NONE, 0);
    expect_refusal(1, BH_EPERM, BH_CALL_DEVICE_RESET, SWITCH_B, 0, 0);
    pci_model_set16(&machine.pci, switch_b, 4, 4);
    assert_int_equal(dma_write(switch_b, IOVA, 1), DMA_BLOCKED);
}

static void row_5_5_a_set_that_splits_a_switch_is_refused_and_says_why(void)
{
    build_switch(0);
    machine.partition[1].pci[2] = NULL;
    assert_int_equal(machine_kernel(), HOST_OFF);
    machine_drain_console();
    assert_console(
        "set.dts:/partitions/one/devices/device1: pci: 0000:05:00.0 and 0000:06:00.0 are "
        "one group, which cannot be split: list both for two, or neither (a switch port "
        "without ACS above them)");
}

/* ---- Registers of peers -------------------------------------------------------------------------- */

static void row_0_11_row_4_13_ranges_leave_out_what_the_groups_bridges_lead_to(void)
{
    start_switch();
    assert_int_equal(bind(0, SWITCH_A, 1), BH_OK);
    uint64_t ioas = new_space(SWITCH_A);

    expect_whole(ioas);
    assert_int_equal(attach(SWITCH_A, ioas), BH_OK);
    expect_without(ioas, SWITCH_FIRST, SWITCH_END);
    /* A second member closes nothing more, and it stays closed until the last one is gone. */
    assert_int_equal(bind(0, SWITCH_B, 2), BH_OK);
    assert_int_equal(attach(SWITCH_B, ioas), BH_OK);
    expect_without(ioas, SWITCH_FIRST, SWITCH_END);
    detach(SWITCH_A);
    expect_without(ioas, SWITCH_FIRST, SWITCH_END);
    detach(SWITCH_B);
    expect_whole(ioas);
}

static void a_device_that_is_alone_closes_nothing(void)
{
    build_switch(0x1F);
    start();
    uint64_t ioas = bind_and_attach(0, SWITCH_A, 1);

    expect_whole(ioas);
    expect_mappable(ioas, SWITCH_FIRST, PAGE_SIZE);
}

static void row_0_10_registers_of_members_cannot_be_mapped(void)
{
    start_switch();
    uint64_t ioas = bind_and_attach(0, SWITCH_A, 1);

    assert_in_range(info_of(SWITCH_B).bar[0].address, SWITCH_FIRST, SWITCH_END - PAGE_SIZE);
    expect_unmappable(ioas, info_of(SWITCH_A).bar[0].address, PAGE_SIZE);
    expect_unmappable(ioas, info_of(SWITCH_B).bar[0].address, PAGE_SIZE);
    expect_unmappable(ioas, SWITCH_FIRST, PAGE_SIZE);
    expect_unmappable(ioas, SWITCH_END - PAGE_SIZE, PAGE_SIZE);
    expect_unmappable(ioas, SWITCH_FIRST - PAGE_SIZE, 2 * PAGE_SIZE);
    expect_unmappable(ioas, SWITCH_END - PAGE_SIZE, 2 * PAGE_SIZE);
    expect_unmappable(ioas, SWITCH_FIRST, SWITCH_END - SWITCH_FIRST);
    expect_unmappable(ioas, limit_of(ioas), PAGE_SIZE);
    expect_unmappable(ioas, limit_of(ioas) - PAGE_SIZE, 2 * PAGE_SIZE);
    expect_mappable(ioas, 0, PAGE_SIZE);
    expect_mappable(ioas, SWITCH_FIRST - PAGE_SIZE, PAGE_SIZE);
    expect_mappable(ioas, SWITCH_END, PAGE_SIZE);
    expect_mappable(ioas, limit_of(ioas) - PAGE_SIZE, PAGE_SIZE);
    assert_int_equal(map(0, ioas, SWITCH_FIRST + 1, BASE, PAGE_SIZE), BH_EINVAL);
    detach(SWITCH_A);
    expect_mappable(ioas, SWITCH_FIRST, PAGE_SIZE);
}

static void row_0_10_no_other_way_to_map_gets_there(void)
{
    struct bh_ioas_copy copy = { .size = sizeof(copy),
                                 .from_iova = IOVA,
                                 .to_iova = SWITCH_FIRST,
                                 .bytes = PAGE_SIZE,
                                 .flags = BH_MAP_READ };
    struct bh_map *element;

    start_switch();
    uint64_t ioas = bind_and_attach(0, SWITCH_A, 1);

    copy.from = copy.to = (uint32_t)ioas;
    element = guest(0, STRUCTURE);
    assert_int_equal(map(0, ioas, IOVA, MEMORY), BH_OK);
    memcpy(guest(0, STRUCTURE), &copy, sizeof(copy));
    expect_refusal(0, BH_ERANGE, BH_CALL_IOAS_COPY, STRUCTURE, 0, 0);
    *element = (struct bh_map){ SWITCH_FIRST, BASE, PAGE_SIZE, BH_MAP_READ };
    expect_refusal(0, BH_ERANGE, BH_CALL_IOAS_MAP_BATCH, ioas, STRUCTURE, 1);
    expect_refusal(0, BH_ERANGE, BH_CALL_IOAS_RESERVE, ioas, SWITCH_FIRST, PAGE_SIZE);
    assert_int_equal(call(0, BH_CALL_IOAS_REMAP, ioas, SWITCH_FIRST, BASE, PAGE_SIZE, 1),
                     BH_ERANGE);
}

/* The pages of one table need no look at the limits each, unless something is closed among them. */
static void row_0_10_a_batch_that_goes_on_into_closed_pages_of_the_same_table_ends_there(void)
{
    struct bh_map *element;

    start_pair();
    uint64_t ioas = bind_and_attach(0, PAIR_A, 1);

    expect_without(ioas, PAIR_FIRST, PAIR_END);
    element = guest(0, STRUCTURE);
    for (unsigned int i = 0; i < 3; i++)
        element[i] = (struct bh_map){ PAIR_END + PAGE_SIZE - i * PAGE_SIZE, BASE, PAGE_SIZE, 3 };
    assert_int_equal(call3(0, BH_CALL_IOAS_MAP_BATCH, ioas, STRUCTURE, 3), BH_EAGAIN);
    assert_int_equal(machine.x[1], 2);
    assert_int_equal(call3(0, BH_CALL_IOAS_MAP_BATCH, ioas, STRUCTURE + 2 * sizeof(*element), 1),
                     BH_ERANGE);
}

static void row_0_10_an_attach_where_something_is_mapped_is_erange(void)
{
    const uint64_t places[] = { SWITCH_FIRST, SWITCH_END - PAGE_SIZE, SWITCH_FIRST + MIB };

    start_switch();
    assert_int_equal(bind(0, SWITCH_A, 1), BH_OK);
    assert_int_equal(bind(0, DEVICE1_ID, 2), BH_OK);
    uint64_t ioas = new_space(SWITCH_A), other = new_space(SWITCH_A);

    /* So that the tables around the range are there. */
    assert_int_equal(map(0, ioas, SWITCH_FIRST - PAGE_SIZE, MEMORY), BH_OK);
    assert_int_equal(map(0, ioas, SWITCH_END, MEMORY), BH_OK);
    for (unsigned int i = 0; i < ARRAY_LENGTH(places); i++) {
        assert_int_equal(map(0, ioas, places[i], MEMORY), BH_OK);
        expect_refusal(0, BH_ERANGE, BH_CALL_ATTACH, SWITCH_A, BH_PASID_NONE, ioas);
        assert_int_equal(attach(SWITCH_A, other), BH_OK);
        expect_refusal(0, BH_ERANGE, BH_CALL_REPLACE, SWITCH_A, BH_PASID_NONE, ioas);
        detach(SWITCH_A);
        /* Nobody else minds. */
        assert_int_equal(attach(DEVICE1_ID, ioas), BH_OK);
        detach(DEVICE1_ID);
        assert_int_equal(unmap(0, ioas, places[i], PAGE_SIZE), BH_OK);
    }
    assert_int_equal(attach(SWITCH_A, ioas), BH_OK);
}

static void row_0_10_an_attach_where_something_is_reserved_is_erange(void)
{
    const uint64_t places[] = { SWITCH_FIRST, SWITCH_END - PAGE_SIZE };

    start_switch();
    assert_int_equal(bind(0, SWITCH_A, 1), BH_OK);
    uint64_t ioas = new_space(SWITCH_A);

    for (unsigned int i = 0; i < ARRAY_LENGTH(places); i++) {
        assert_int_equal(call3(0, BH_CALL_IOAS_RESERVE, ioas, places[i], PAGE_SIZE), BH_OK);
        expect_refusal(0, BH_ERANGE, BH_CALL_ATTACH, SWITCH_A, BH_PASID_NONE, ioas);
        assert_int_equal(call3(0, BH_CALL_IOAS_RESERVE, ioas, 0, 0), BH_OK);
    }
    assert_int_equal(call3(0, BH_CALL_IOAS_RESERVE, ioas, SWITCH_FIRST - PAGE_SIZE, PAGE_SIZE),
                     BH_OK);
    assert_int_equal(call3(0, BH_CALL_IOAS_RESERVE, ioas, SWITCH_END, PAGE_SIZE), BH_OK);
    assert_int_equal(attach(SWITCH_A, ioas), BH_OK);
}

static void what_one_device_closes_is_closed_for_all_of_the_space_and_moves_with_it(void)
{
    start_switch();
    uint64_t ioas = bind_and_attach(0, DEVICE1_ID, 1), other = new_space(DEVICE1_ID);

    assert_int_equal(bind(0, SWITCH_A, 2), BH_OK);
    assert_int_equal(attach(SWITCH_A, ioas), BH_OK);
    expect_unmappable(ioas, SWITCH_FIRST, PAGE_SIZE);
    assert_int_equal(call3(0, BH_CALL_REPLACE, SWITCH_A, BH_PASID_NONE, other), BH_OK);
    expect_whole(ioas);
    expect_mappable(ioas, SWITCH_FIRST, PAGE_SIZE);
    expect_without(other, SWITCH_FIRST, SWITCH_END);
    expect_unmappable(other, SWITCH_FIRST, PAGE_SIZE);
}

static void an_attach_that_finds_no_tag_closes_nothing(void)
{
    start_switch();
    assert_int_equal(bind(0, SWITCH_A, 1), BH_OK);
    uint64_t ioas = new_space(SWITCH_A), tags[ARRAY_LENGTH(devices.iommu[0].tags)];

    memcpy(tags, devices.iommu[0].tags, sizeof(tags));
    memset(devices.iommu[0].tags, 0xFF, sizeof(tags));
    expect_refusal(0, BH_ENOSPC, BH_CALL_ATTACH, SWITCH_A, BH_PASID_NONE, ioas);
    memcpy(devices.iommu[0].tags, tags, sizeof(tags));
    expect_whole(ioas);
}

static void row_0_22_an_access_to_a_members_register_is_blocked(void)
{
    start_switch();
    uint64_t ioas = bind_and_attach(0, SWITCH_A, 1);

    assert_int_equal(bind(0, SWITCH_B, 2), BH_OK);
    assert_int_equal(map(0, ioas, IOVA, MEMORY), BH_OK);
    assert_int_equal(dma_write(switch_a, IOVA, 1), DMA_LANDED);
    assert_int_equal(dma_write(switch_a, info_of(SWITCH_B).bar[0].address, 1), DMA_BLOCKED);
    assert_int_equal(query_fault(0, SWITCH_A).iova, info_of(SWITCH_B).bar[0].address);
}

/* ---- As many ranges as there can be ---------------------------------------------------------------- */

#define BRIDGES 15

/* Conventional bridges on the root bus with a function each behind them, and between them functions that are
 * alone: what the bridges lead to are ranges of their own. One more shares its slot with a bridge. */
static void start_many(void)
{
    static char names[PARTITION_DEVICES][PCI_NAME];
    struct pci_model *pci;

    machine_plain();
    pci = &machine.pci;
    pci->count = 0;
    for (uint8_t i = 0; i < BRIDGES; i++) {
        int bridge = pci_model_bridge(pci, ROOT, (uint8_t)(2 * i + 1), 0, -1);
        int between = pci_model_endpoint(pci, ROOT, (uint8_t)(2 * i + 2), 0);

        pci_model_bar(pci, between, 0, MIB, false);
        make_endpoint(bridge, 0, 0x1000);
        snprintf(names[i], PCI_NAME, "0000:%02x:00.0", i + 1);
        machine.partition[0].pci[i] = names[i];
    }
    pci_model_multifunction(pci, pci_model_bridge(pci, ROOT, 31, 0, -1));
    make_endpoint(ROOT, 1, 0x1000);
    pci->function[pci->count - 1].device = 31;
    machine.partition[0].pci[BRIDGES] = "0000:00:1f.1";
    start();
}

static void an_attach_that_would_leave_more_ranges_than_can_be_told_is_enospc(void)
{
    start_many();
    uint64_t last = ID(0, 31, 1), ioas = 0;

    for (unsigned int i = 0; i < BRIDGES; i++) {
        assert_int_equal(bind(0, ID(i + 1, 0, 0), i), BH_OK);
        if (i == 0)
            ioas = new_space(ID(1, 0, 0));
        assert_int_equal(attach(ID(i + 1, 0, 0), ioas), BH_OK);
    }
    assert_int_equal(bind(0, last, BRIDGES), BH_OK);
    expect_refusal(0, BH_ENOSPC, BH_CALL_ATTACH, last, BH_PASID_NONE, ioas);
    detach(ID(7, 0, 0));
    assert_int_equal(attach(last, ioas), BH_OK);
    struct bh_ioas_ranges *ranges = guest(0, STRUCTURE);

    ranges->size = sizeof(*ranges);
    assert_int_equal(call2(0, BH_CALL_IOAS_RANGES, ioas, STRUCTURE), BH_OK);
    assert_int_equal(ranges->count, BH_RANGES);
    for (unsigned int i = 0; i < BH_RANGES; i++)
        expect_mappable(ioas, ranges->range[i].first, PAGE_SIZE);
    for (unsigned int i = 1; i < BH_RANGES; i++) {
        expect_unmappable(ioas, ranges->range[i].first - PAGE_SIZE, PAGE_SIZE);
        expect_unmappable(ioas, ranges->range[i - 1].last + 1, PAGE_SIZE);
    }
}

int run_peers_tests(void)
{
    const struct CMUnitTest tests[] = {
        TEST(row_0_8_functions_below_a_switch_without_acs_are_one_group_from_the_start),
        TEST(row_0_8_functions_below_a_switch_with_acs_are_not),
        TEST(row_0_8_functions_of_one_device_are_one_group_from_the_start),
        TEST(row_0_9_a_member_below_the_same_switch_is_its_owners_alone),
        TEST(row_0_13_no_call_gets_at_a_member_of_anothers_group),
        TEST(row_5_5_a_set_that_splits_a_switch_is_refused_and_says_why),
        TEST(row_0_11_row_4_13_ranges_leave_out_what_the_groups_bridges_lead_to),
        TEST(a_device_that_is_alone_closes_nothing),
        TEST(row_0_10_registers_of_members_cannot_be_mapped),
        TEST(row_0_10_no_other_way_to_map_gets_there),
        TEST(row_0_10_a_batch_that_goes_on_into_closed_pages_of_the_same_table_ends_there),
        TEST(row_0_10_an_attach_where_something_is_mapped_is_erange),
        TEST(row_0_10_an_attach_where_something_is_reserved_is_erange),
        TEST(what_one_device_closes_is_closed_for_all_of_the_space_and_moves_with_it),
        TEST(an_attach_that_finds_no_tag_closes_nothing),
        TEST(row_0_22_an_access_to_a_members_register_is_blocked),
        TEST(an_attach_that_would_leave_more_ranges_than_can_be_told_is_enospc),
    };

    return RUN_GROUP("kernel/group");
}
