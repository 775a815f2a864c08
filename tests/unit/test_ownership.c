/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Who has a group of two functions, as its owner, another partition that lists them, their manager and the
 * hypervisor itself find it (kernel/assign.c, give.c, owner.c): it is fit when it is taken, nothing makes it unfit
 * while it is had, and what is given back is what was taken.
 */
#include <stdio.h>
#include <string.h>

#include "groups.h"
#include "lib/boot_memory.h"
#include "machine.h"
#include "observer.h"

#define BASE UINT64_C(0x40000000)
#define STRUCTURE (BASE + 0x100000)
#define IOVA UINT64_C(0x50000000)
#define MEMORY (BASE + 0x3000)
#define FIRST (DEVICE_ID_PCI | 0x300) /* 0000:03:00.0 */
#define SECOND (DEVICE_ID_PCI | 0x301)
#define PATTERN UINT64_C(0x1111)

enum { OWNER, OTHER, MANAGER };

static const uint64_t id[2] = { FIRST, SECOND };
static int function[2]; /* in the model */
static struct device *device[2];

/* Two functions of one device below a third port. The first two partitions list both, the third is their manager. */
static void prepare(void)
{
    machine_plain();
    host_cpus = 3;
    int port = pci_model_bridge(&machine.pci, PCI_MODEL_ROOT, 3, 0, 4);

    for (uint8_t i = 0; i < 2; i++) {
        function[i] = pci_model_endpoint(&machine.pci, port, 0, i);
        pci_model_express(&machine.pci, function[i], 0, true);
        pci_model_bar(&machine.pci, function[i], 0, 0x1000, false);
    }
    pci_model_multifunction(&machine.pci, function[0]);
    machine_partition("two");
    machine_partition("three")->manager = true;
    for (unsigned int i = 0; i < 2; i++) {
        machine.partition[i].pci[0] = "0000:03:00.0";
        machine.partition[i].pci[1] = "0000:03:00.1";
    }
}

static void boot(void)
{
    machine_boot();
    device[0] = device_find("0000:03:00.0");
    device[1] = device_find("0000:03:00.1");
    assert_ptr_equal(device[0]->group, device[1]->group);
}

static void start(void)
{
    prepare();
    observer_start();
    boot();
}

/* The owner has the first function bound and attached, and one page of its memory mapped. */
static uint64_t start_owned(void)
{
    uint64_t ioas;

    start();
    ioas = bind_and_attach(OWNER, FIRST, 0xAB);
    assert_int_equal(map(OWNER, ioas, IOVA, MEMORY, PAGE_SIZE), BH_OK);
    return ioas;
}

static struct owner owner(void)
{
    return owner_decode(atomic_load(&device[0]->group->owner));
}

static void expect_owner(enum owner_state state, uint32_t count)
{
    if (owner().state != state || owner().count != count)
        fail_msg("the owner word says state %d, count %u, and not %d, %u", (int)owner().state,
                 owner().count, (int)state, count);
}

/* The device fires whatever its command register says. */
static enum dma fire(unsigned int which, uint64_t iova, uint64_t value)
{
    pci_model_set16(&machine.pci, function[which], 4,
                    (uint16_t)(pci_model_get16(&machine.pci, function[which], 4) | 4));
    return dma_write(function[which], iova, value);
}

static void expect_parked(unsigned int which)
{
    assert_int_equal(fire(which, IOVA, 0xBAD), DMA_BLOCKED);
    assert_int_equal(fire(which, MEMORY, 0xBAD), DMA_BLOCKED);
    assert_int_equal(fire(which, partitions.partition[OWNER].physical + 0x3000, 0xBAD),
                     DMA_BLOCKED);
}

static void expect_serves_its_owner(void)
{
    uint64_t *word = guest(OWNER, MEMORY);

    *word = 0;
    assert_int_equal(fire(0, IOVA, PATTERN), DMA_LANDED);
    assert_int_equal(*word, PATTERN);
}

static void unbind(unsigned int partition, uint64_t which)
{
    assert_int_equal(call1(partition, BH_CALL_DEVICE_UNBIND, which), BH_OK);
}

static void detach(unsigned int partition, uint64_t which)
{
    assert_int_equal(call2(partition, BH_CALL_DETACH, which, BH_PASID_NONE), BH_OK);
}

static void expect_refused(unsigned int partition, int64_t code, uint64_t number, uint64_t a,
                           uint64_t b, uint64_t c)
{
    uint64_t before = machine_state();
    int64_t result = call3(partition, number, a, b, c);

    if (result != code)
        fail_msg("call %u of partition %u answers %d and not %d", (unsigned int)number, partition,
                 (int)result, (int)code);
    if (machine_state() != before)
        fail_msg("call %u of partition %u was refused and changed something", (unsigned int)number,
                 partition);
}

/* ---- What is taken is fit, and stays so ------------------------------------------------------------- */

static void row_3_2_row_3_13_nobody_binds_a_member_while_the_hypervisor_uses_one(void)
{
    start();
    assert_true(owner_claim_hypervisor(&device[0]->group->owner));
    for (unsigned int i = 0; i < 4; i++)
        expect_refused(i / 2, BH_EPERM, BH_CALL_DEVICE_BIND, id[i % 2], 1, 0);
    assert_int_equal(query_state(OWNER, SECOND).owner, BH_OWNER_HYPERVISOR);
    expect_owner(OWNER_HYPERVISOR, 0);
    assert_true(owner_release_hypervisor(&device[0]->group->owner));
    assert_int_equal(bind(OWNER, SECOND, 1), BH_OK);
}

static void row_3_2_a_member_is_bound_beside_those_of_its_owner_and_beside_nobodys(void)
{
    start();
    assert_int_equal(bind(OTHER, SECOND, 1), BH_OK); /* the first is nobody's */
    assert_int_equal(bind(OTHER, FIRST, 2), BH_OK);  /* the second is its own */
    expect_refused(OWNER, BH_EPERM, BH_CALL_DEVICE_BIND, FIRST, 1, 0);
}

/* Each step that another could take at an owned group. */
static void row_3_4_row_5_5_no_call_of_others_makes_an_owned_group_unfit(void)
{
    start_owned();
    for (unsigned int i = 0; i < 2; i++) {
        expect_refused(OTHER, BH_EPERM, BH_CALL_DEVICE_BIND, id[i], 1, 0);
        expect_refused(MANAGER, BH_ENOENT, BH_CALL_DEVICE_BIND, id[i], 1, 0);
        expect_refused(MANAGER, BH_ENOENT, BH_CALL_DEVICE_GIVE, id[i], MANAGER, 0);
        assert_false(owner_claim(&device[i]->group->owner, OTHER));
        assert_false(owner_release(&device[i]->group->owner, OTHER));
        assert_false(owner_claim_hypervisor(&device[i]->group->owner));
        assert_false(owner_release_hypervisor(&device[i]->group->owner));
    }
    expect_owner(OWNER_PARTITION, 1);
    assert_int_equal(owner().index, OWNER);
    expect_serves_its_owner();
    expect_parked(1);
}

/* The one path by which it takes groups: an order to hand one over. */
static void row_3_5_the_hypervisor_waits_until_an_owner_has_left_and_takes_no_member_before(void)
{
    start_owned();
    for (unsigned int tries = 0; tries < 10; tries++) {
        assert_int_equal(call2(MANAGER, BH_CALL_DEVICE_GIVE, SECOND, OTHER), BH_EAGAIN);
        expect_owner(OWNER_PARTITION, 1);
        assert_false(device[1]->handed);
        assert_int_equal(device[1]->reset.step, 0);
        expect_serves_its_owner();
    }
    assert_true(machine_recall(OWNER));
    expect_owner(OWNER_NONE, 0);
    expect_parked(0);
    assert_int_equal(call2(MANAGER, BH_CALL_DEVICE_GIVE, SECOND, OTHER), BH_EAGAIN);
    expect_owner(OWNER_HYPERVISOR, 0);
    for (unsigned int i = 0; i < 4; i++)
        expect_refused(i / 2, BH_EPERM, BH_CALL_DEVICE_BIND, id[i % 2], 1, 0);
}

static void row_3_14_whether_a_device_may_be_assigned_is_said_by_its_record_and_nothing_else(void)
{
    start();
    for (unsigned int i = 0; i < 2; i++) {
        device[i]->refusal = "is not for anybody";
        expect_refused(OWNER, BH_EOPNOTSUPP, BH_CALL_DEVICE_BIND, id[i], 1, 0);
        expect_refused(MANAGER, BH_EOPNOTSUPP, BH_CALL_DEVICE_GIVE, id[i], OTHER, 0);
        expect_owner(OWNER_NONE, 0);
        device[i]->refusal = NULL;
        assert_int_equal(bind(OWNER, id[i], 1), BH_OK);
        unbind(OWNER, id[i]);
    }
}

/* ---- One word, asked by every call ------------------------------------------------------------------- */

/* The calls that name a device; FIRST and SECOND stand for each other. */
static void expect_eperm_of_all(unsigned int partition, uint64_t which, uint64_t ioas)
{
    expect_refused(partition, BH_EPERM, BH_CALL_DEVICE_UNBIND, which, 0, 0);
    expect_refused(partition, BH_EPERM, BH_CALL_DEVICE_RESET, which, 0, 0);
    expect_refused(partition, BH_EPERM, BH_CALL_IOAS_ALLOC_PAGING, which, BH_IOAS_NONE, 0);
    expect_refused(partition, BH_EPERM, BH_CALL_ATTACH, which, BH_PASID_NONE, ioas);
    expect_refused(partition, BH_EPERM, BH_CALL_REPLACE, which, BH_PASID_NONE, ioas);
    expect_refused(partition, BH_EPERM, BH_CALL_DETACH, which, BH_PASID_NONE, 0);
    expect_refused(partition, BH_EPERM, BH_CALL_MSI_BIND, which, 0, BH_MESSAGE_FIRST);
    expect_refused(partition, BH_EPERM, BH_CALL_DEVICE_CONFIG_READ, which, 0, 4);
    expect_refused(partition, BH_EPERM, BH_CALL_DEVICE_CONFIG_WRITE, which, 4, 2);
}

static void row_3_10_row_0_13_every_call_asks_who_has_the_group(void)
{
    uint64_t ioas = start_owned();

    for (unsigned int i = 0; i < 2; i++) {
        expect_refused(OTHER, BH_EPERM, BH_CALL_DEVICE_BIND, id[i], 1, 0);
        expect_eperm_of_all(OTHER, id[i], ioas);
        assert_int_equal(query_state(OTHER, id[i]).owner, BH_OWNER_OTHER);
        assert_int_equal(query_state(OTHER, id[i]).ioas, 0);
        assert_int_equal(query_state(OTHER, id[i]).label, 0);
    }
    expect_eperm_of_all(OWNER, SECOND, ioas); /* its group, but it has not bound that */
    expect_serves_its_owner();
    expect_parked(1);
}

static void row_3_11_no_call_but_bind_takes_a_group(void)
{
    start();
    for (unsigned int i = 0; i < 4; i++)
        expect_eperm_of_all(i / 2, id[i % 2], 1);
    expect_owner(OWNER_NONE, 0);
    assert_int_equal(call2(OWNER, BH_CALL_DEVICE_BIND, FIRST, 1), BH_EAGAIN);
    expect_owner(OWNER_PARTITION, 1);
}

static void row_3_7_row_3_18_each_member_counts_and_the_last_unbind_gives_the_group_back(void)
{
    start();
    assert_int_equal(bind(OWNER, FIRST, 1), BH_OK);
    expect_owner(OWNER_PARTITION, 1);
    assert_int_equal(bind(OWNER, SECOND, 2), BH_OK);
    expect_owner(OWNER_PARTITION, 2);
    unbind(OWNER, FIRST);
    expect_owner(OWNER_PARTITION, 1);
    for (unsigned int i = 0; i < 2; i++)
        expect_refused(OTHER, BH_EPERM, BH_CALL_DEVICE_BIND, id[i], 1, 0);
    unbind(OWNER, SECOND);
    expect_owner(OWNER_NONE, 0);
    for (unsigned int i = 0; i < 2; i++)
        assert_int_equal(bind(OTHER, id[i], i), BH_OK);
}

/* ---- What a member reaches ---------------------------------------------------------------------------- */

static unsigned int pieces;

static void expect_the_mapped_page(void *context, const struct smmuv3_model_reach *piece)
{
    (void)context;
    pieces++;
    if (piece->iova != IOVA || piece->size != PAGE_SIZE ||
        piece->address != partitions.partition[OWNER].physical + 0x3000)
        fail_msg("stream 0x%x reaches 0x%llx, 0x%llx bytes, at 0x%llx", piece->stream_id,
                 (unsigned long long)piece->address, (unsigned long long)piece->size,
                 (unsigned long long)piece->iova);
}

static void row_3_3_a_member_reaches_its_owners_mapped_memory_and_nothing_else(void)
{
    uint64_t ioas = start_owned();
    uint64_t *word = guest(OTHER, BASE + 0x3000);
    const struct partition *other = &partitions.partition[OTHER];

    *word = PATTERN;
    /* Another's memory cannot even be named: the same address is the caller's own. */
    assert_int_equal(map(OWNER, ioas, IOVA + PAGE_SIZE, other->physical, PAGE_SIZE), BH_ERANGE);
    for (uint64_t at = other->physical; at < other->physical + other->set->memory_size;
         at += 16 * PAGE_SIZE)
        assert_int_equal(fire(0, at + 0x3000, 0xBAD), DMA_BLOCKED);
    for (unsigned int i = 0; i < 2; i++)
        assert_int_equal(fire(i, device_registers(device[1 - i], 0).base, 0xBAD), DMA_BLOCKED);
    for (unsigned int i = 0; i < 2; i++)
        assert_true(
            smmuv3_model_reach(machine.unit[0], device[i]->stream, expect_the_mapped_page, NULL));
    assert_int_equal(pieces, 1); /* of the first; the second is parked */
    assert_int_equal(*word, PATTERN);
    expect_serves_its_owner();
}

static unsigned int moments;
static uint64_t other_page;

static void expect_old_new_or_nothing(void *context, const struct smmuv3_model_reach *piece)
{
    uint64_t old = partitions.partition[OWNER].physical + 0x3000;

    (void)context;
    if (piece->iova != IOVA || piece->size != PAGE_SIZE ||
        (piece->address != old && piece->address != other_page))
        fail_msg("on its way the device reaches 0x%llx at 0x%llx",
                 (unsigned long long)piece->address, (unsigned long long)piece->iova);
}

static void look(const struct host_store *store)
{
    (void)store;
    moments++;
    assert_true(
        smmuv3_model_reach(machine.unit[0], device[0]->stream, expect_old_new_or_nothing, NULL));
    assert_true(
        smmuv3_model_reach(machine.unit[0], device[1]->stream, expect_old_new_or_nothing, NULL));
}

/* By replace, and by detach and attach; both ways, in every order of the stores that a seed picks. */
static void row_3_9_a_move_between_spaces_shows_the_old_the_new_or_nothing(void)
{
    uint64_t space[2];

    prepare();
    boot();
    space[0] = bind_and_attach(OWNER, FIRST, 1);
    space[1] = (uint64_t)call2(OWNER, BH_CALL_IOAS_ALLOC_PAGING, FIRST, BH_IOAS_NONE);
    other_page = partitions.partition[OWNER].physical + 0x8000;
    assert_int_equal(map(OWNER, space[0], IOVA, MEMORY, PAGE_SIZE), BH_OK);
    assert_int_equal(map(OWNER, space[1], IOVA, BASE + 0x8000, PAGE_SIZE), BH_OK);
    host_visible = look;
    for (unsigned int round = 1; round <= 20; round++) {
        assert_int_equal(call3(OWNER, BH_CALL_REPLACE, FIRST, BH_PASID_NONE, space[round % 2]),
                         BH_OK);
        assert_int_equal(query_state(OWNER, FIRST).ioas, space[round % 2]);
    }
    for (unsigned int round = 1; round <= 20; round++) {
        detach(OWNER, FIRST);
        expect_parked(0);
        assert_int_equal(call3(OWNER, BH_CALL_ATTACH, FIRST, BH_PASID_NONE, space[round % 2]),
                         BH_OK);
    }
    assert_true(moments > 100);
    assert_units_clean();
}

/* ---- What is given back is what was taken -------------------------------------------------------------- */

#define ROUNDS 100000

/* The stream's entry as the unit finds it: where, and what. */
struct stream_entry {
    uint64_t address;
    uint64_t word[8];
};

static void note_entry(void *context, const struct smmuv3_model_structure *structure)
{
    struct stream_entry *entry = context;

    if (structure->kind != SMMUV3_MODEL_STRUCTURE_STE)
        return;
    entry->address = structure->address;
    host_hardware_read(entry->address, entry->word, sizeof(entry->word));
}

static struct stream_entry entry_of(unsigned int which)
{
    struct stream_entry entry = { 0 };

    assert_true(
        smmuv3_model_structures(machine.unit[0], device[which]->stream, note_entry, &entry));
    assert_int_not_equal(entry.address, 0);
    return entry;
}

static void row_1_1_row_1_2_after_any_number_of_binds_and_unbinds_all_is_as_at_the_start(void)
{
    struct stream_entry before[2], after;
    struct bh_query_pool pool;

    prepare();
    boot();
    pool = query_pool(OWNER);
    for (unsigned int i = 0; i < 2; i++)
        before[i] = entry_of(i);
    assert_int_not_equal(before[0].address, before[1].address);
    for (unsigned int round = 0; round < campaign(ROUNDS); round++) {
        for (unsigned int i = 0; i < 2; i++)
            assert_int_equal(bind(OWNER, id[(round + i) % 2], i), BH_OK);
        expect_owner(OWNER_PARTITION, 2);
        for (unsigned int i = 0; i < 2; i++)
            unbind(OWNER, id[(round / 2 + i) % 2]);
    }
    expect_owner(OWNER_NONE, 0);
    assert_int_equal(query_pool(OWNER).pages_free, pool.pages_free);
    assert_int_equal(query_pool(OWNER).ioas_used, 0);
    for (unsigned int i = 0; i < 2; i++) {
        after = entry_of(i);
        assert_memory_equal(&after, &before[i], sizeof(after));
        assert_int_equal(query_state(OWNER, id[i]).owner, BH_OWNER_NONE);
        expect_parked(i);
    }
    assert_units_clean();
}

static struct bh_device_info info_of(unsigned int which)
{
    struct bh_device_info *info = guest(OWNER, STRUCTURE);

    *info = (struct bh_device_info){ .size = sizeof(*info) };
    assert_int_equal(call2(OWNER, BH_CALL_DEVICE_INFO, which, STRUCTURE), BH_OK);
    return *info;
}

static void row_1_3_group_stream_and_label_outlive_an_unbind(void)
{
    struct bh_device_info info, after;
    uint32_t stream;

    start();
    info = info_of(0);
    stream = device[0]->stream;
    bind_and_attach(OWNER, FIRST, 0x1ABE1);
    assert_int_equal(fire(0, IOVA, 1), DMA_BLOCKED);
    detach(OWNER, FIRST);
    unbind(OWNER, FIRST);
    after = info_of(0);
    assert_memory_equal(&after, &info, sizeof(info));
    assert_int_equal(device[0]->stream, stream);
    assert_int_equal(query_fault(OWNER, FIRST).label, 0x1ABE1);
    assert_int_equal(query_fault(OWNER, FIRST).iova, IOVA);
    expect_parked(0);
    assert_ptr_equal(device_by_stream(device[0]->iommu, stream), device[0]);
}

/* What a stream needs was set aside at boot; an unbind takes nothing and frees nothing of it. */
static void row_1_5_pools_stand_after_an_unbind_where_they_stood_before_the_bind(void)
{
    uint64_t boot_memory;
    struct bh_query_pool pool;

    start();
    pool = query_pool(OWNER);
    boot_memory = boot_memory_used();
    for (unsigned int i = 0; i < 2; i++) {
        assert_int_equal(bind(OWNER, id[i], i), BH_OK);
        assert_true(query_pool(OWNER).pages_free <= pool.pages_free);
    }
    for (unsigned int i = 0; i < 2; i++)
        unbind(OWNER, id[i]);
    assert_int_equal(query_pool(OWNER).pages_free, pool.pages_free);
    assert_int_equal(query_pool(OWNER).pages_total, pool.pages_total);
    assert_int_equal(query_pool(OWNER).ioas_used, pool.ioas_used);
    assert_int_equal(boot_memory_used(), boot_memory);
}

static void row_1_21_a_function_is_called_by_segment_bus_device_and_function(void)
{
    start();
    for (unsigned int i = 0; i < 2; i++) {
        const struct pci_function *found = device[i]->function;

        assert_int_equal(info_of(i).device, DEVICE_ID_PCI | found->requester);
        assert_int_equal(found->requester, 3 << 8 | i);
        assert_string_equal(info_of(i).name, i == 0 ? "0000:03:00.0" : "0000:03:00.1");
    }
}

int run_ownership_tests(void)
{
    const struct CMUnitTest tests[] = {
        TEST(row_3_2_row_3_13_nobody_binds_a_member_while_the_hypervisor_uses_one),
        TEST(row_3_2_a_member_is_bound_beside_those_of_its_owner_and_beside_nobodys),
        TEST(row_3_4_row_5_5_no_call_of_others_makes_an_owned_group_unfit),
        TEST(row_3_5_the_hypervisor_waits_until_an_owner_has_left_and_takes_no_member_before),
        TEST(row_3_14_whether_a_device_may_be_assigned_is_said_by_its_record_and_nothing_else),
        TEST(row_3_10_row_0_13_every_call_asks_who_has_the_group),
        TEST(row_3_11_no_call_but_bind_takes_a_group),
        TEST(row_3_7_row_3_18_each_member_counts_and_the_last_unbind_gives_the_group_back),
        TEST(row_3_3_a_member_reaches_its_owners_mapped_memory_and_nothing_else),
        TEST(row_3_9_a_move_between_spaces_shows_the_old_the_new_or_nothing),
        TEST(row_1_1_row_1_2_after_any_number_of_binds_and_unbinds_all_is_as_at_the_start),
        TEST(row_1_3_group_stream_and_label_outlive_an_unbind),
        TEST(row_1_5_pools_stand_after_an_unbind_where_they_stood_before_the_bind),
        TEST(row_1_21_a_function_is_called_by_segment_bus_device_and_function),
    };

    return RUN_GROUP("kernel/ownership");
}
