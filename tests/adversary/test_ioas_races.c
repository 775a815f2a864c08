/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Two CPUs of one partition, each with one call about the same address space or device, at any moments and beside
 * hardware that does what it may when it likes. The pair of answers, and all that is left behind, must be those of
 * the one call before the other: both orders are played first, by the same calls, and kept to compare with.
 */
#include <stdio.h>
#include <string.h>

#include "tests/adversary/campaign.h"
#include "tests/adversary/choices.h"
#include "tests/adversary/hardware.h"
#include "tests/unit/groups.h"

#define BASE UINT64_C(0x40000000) /* of the partition's memory, as it sees it */
#define IOVA UINT64_C(0x200000)
#define FAR UINT64_C(0x40000000) /* an IOVA whose tables no other needs */
#define STRUCTURE (BASE + 0x2F0000)
#define ARRAY (BASE + 0x300000)
#define ARRAY2 (BASE + 0x304000)
#define PAGES 8       /* from IOVA, and as many from FAR, are looked at */
#define LIMIT_WORDS 4 /* of tags */
#define RUNS campaign(300)

struct made {
    uint64_t number;
    uint64_t a, b, c, d, e;
};

/* What can be told of a space afterwards. */
struct space {
    uint64_t id, mapped;
    struct topology_range open;
    uint64_t attached, attached_tree, units, tag, reserved;
    uint64_t leads_to[2 * PAGES];
};

struct outcome {
    uint64_t x[2][4]; /* what each call answers */
    uint64_t pool_free, pool_entries;
    uint64_t tags[LIMIT_WORDS];
    uint64_t owner, bound[2], generation[2], reached[2][2 * PAGES];
    struct space space[3];
    uint64_t structure[8]; /* at STRUCTURE */
};

/* Shared with the runs: what the two orders come to, and how often a run was the one and the other. */
struct expected {
    struct outcome order[2];
    uint32_t seen[2];
};

_Static_assert(sizeof(struct expected) <= sizeof(struct choices), "room for what the runs share");

static const int function[2] = { DEVICE1, DEVICE2 };
static struct expected *expected;
static struct made made[2];
static struct outcome outcome;
static int playing; /* the order that is played; -1: both at once */
static struct hardware hardware;

/* ---- What is left ---------------------------------------------------------------------------------------- */

static uint64_t iova_of(unsigned int page)
{
    return page < PAGES ? IOVA + page * PAGE_SIZE : FAR + (page - PAGES) * PAGE_SIZE;
}

/* Where the space leads that page: physical address and attributes, 0: nowhere. */
static uint64_t leads_to(const struct pagetable *table, uint64_t iova)
{
    uint64_t entry, size;

    return pagetable_lookup(table, iova, &entry, &size) ? entry + (iova & (size - 1)) : 0;
}

static void look_at_space(const struct ioas *ioas, struct space *space)
{
    *space = (struct space){ .id = ioas->id };
    if (ioas->id == 0)
        return;
    space->open = ioas->open;
    space->mapped = ioas->tree[0].table.mapped;
    space->attached = ioas->attached;
    space->attached_tree = ioas->tree[0].attached;
    space->units = ioas->tree[0].units;
    space->tag = ioas->domain[0].tag;
    space->reserved = ioas->reserved_count;
    for (unsigned int page = 0; page < 2 * PAGES; page++)
        space->leads_to[page] = leads_to(&ioas->tree[0].table, iova_of(page));
}

/* By what the unit has in its caches, too: where a page leads plus 1, 0: it is blocked. */
static uint64_t reached(unsigned int device, uint64_t iova)
{
    struct smmuv3_model_access access = { .iova = iova };
    struct smmuv3_model_result result;

    if (!pci_model_requester(&machine.pci, function[device], &access.stream_id))
        return 0;
    result = smmuv3_model_translate(machine.unit[0], &access);
    return result.outcome == SMMUV3_MODEL_OK ? result.address + 1 : 0;
}

static void look(void)
{
    const struct partition *partition = &partitions.partition[0];

    host_stores_release_all();
    smmuv3_model_release(machine.unit[0], SMMUV3_MODEL_LATE_COMMANDS);
    smmuv3_model_release(machine.unit[0], SMMUV3_MODEL_LATE_SYNC);
    outcome.pool_free = partition->pool.free;
    for (uint32_t i = 0; i < partition->pool.count; i++)
        outcome.pool_entries += partition->pool.records[i].entries;
    memcpy(outcome.tags, devices.iommu[0].tags, sizeof(outcome.tags));
    outcome.owner = atomic_load(&device_find(DEVICE1_NAME)->group->owner);
    for (unsigned int i = 0; i < ARRAY_LENGTH(outcome.space); i++)
        look_at_space(&partition->ioas[i], &outcome.space[i]);
    for (unsigned int i = 0; i < 2; i++) {
        const struct device *device = partition->device[i];

        outcome.bound[i] = device->bound == partition;
        outcome.generation[i] = device->generation;
        for (unsigned int page = 0; page < 2 * PAGES; page++)
            outcome.reached[i][page] = reached(i, iova_of(page));
    }
    memcpy(outcome.structure, guest(0, STRUCTURE), sizeof(outcome.structure));
    assert_units_clean();
}

/* ---- Playing it -------------------------------------------------------------------------------------------- */

static void make(unsigned int i)
{
    const struct made *call = &made[i];
    uint64_t x[6];
    int64_t result = guest_call(0, call->number, call->a, call->b, call->c, call->d, call->e, x);

    outcome.x[i][0] = (uint64_t)result;
    if (result == BH_OK || result == BH_EAGAIN)
        memcpy(&outcome.x[i][1], &x[1], 3 * sizeof(x[0]));
    /* Of the arguments that no result replaces, the same is left in any order. */
}

static void make_one(void *which)
{
    make((unsigned int)(uintptr_t)which);
}

static void make_in_turn(void *first)
{
    make((unsigned int)(uintptr_t)first);
    make(1 - (unsigned int)(uintptr_t)first);
}

static void play(void)
{
    hardware_start(&hardware, HARDWARE_ADVERSARIAL);
    for (unsigned int i = 0; i < 2; i++) {
        hardware_prefetch(&hardware, function[i], IOVA);
        hardware_prefetch(&hardware, function[i], FAR);
    }
    hardware_evict(&hardware);
    host_stores_mode(HOST_STORES_SCHEDULED);
    if (playing >= 0) {
        host_cpu_start(0, make_in_turn, (void *)(uintptr_t)playing);
    } else {
        host_cpu_start(0, make_one, (void *)0);
        host_cpu_start(1, make_one, (void *)1);
    }
    hardware_run(&hardware);
    look();
}

static void play_in_order(void)
{
    play();
    expected->order[playing] = outcome;
}

static void tell_difference(unsigned int order)
{
    const uint64_t *want = (const uint64_t *)&expected->order[order];
    const uint64_t *have = (const uint64_t *)&outcome;

    for (size_t i = 0; i < sizeof(outcome) / sizeof(*want); i++) {
        if (want[i] != have[i])
            print_error("call %u first: word %zu of the outcome is 0x%llx, here 0x%llx\n", order, i,
                        (unsigned long long)want[i], (unsigned long long)have[i]);
    }
}

static void play_at_once(void)
{
    bool found = false;

    play();
    for (unsigned int order = 0; order < 2; order++) {
        if (memcmp(&outcome, &expected->order[order], sizeof(outcome)) != 0)
            continue;
        expected->seen[order]++;
        found = true;
    }
    if (found)
        return;
    tell_difference(0);
    tell_difference(1);
    fail_msg("answers %lld and %lld, which no order of the two calls has",
             (long long)outcome.x[0][0], (long long)outcome.x[1][0]);
}

/* The orders answer what the test expects: results of the first call, and of the second, where that one comes
 * first, and where the other does. */
struct answers {
    int64_t first[2], second[2];
};

static void race(const char *name, struct made one, struct made other, struct answers answers)
{
    made[0] = one;
    made[1] = other;
    expected = (void *)choices_create();
    for (playing = 0; playing < 2; playing++) {
        campaign_seeds("one call after the other", play_in_order, 1);
        if ((int64_t)expected->order[playing].x[0][0] != answers.first[playing] ||
            (int64_t)expected->order[playing].x[1][0] != answers.second[playing])
            fail_msg("call %d first: they answer %lld and %lld", playing,
                     (long long)expected->order[playing].x[0][0],
                     (long long)expected->order[playing].x[1][0]);
    }
    playing = -1;
    campaign_seeds(name, play_at_once, RUNS);
    for (unsigned int order = 0; CAMPAIGN_DIVISOR == 1 && order < 2; order++) {
        if (expected->seen[order] == 0)
            fail_msg("in no run call %u came first", order);
    }
}

/* ---- The machine ------------------------------------------------------------------------------------------- */

static uint64_t here, there; /* ioas; the first device is attached to the first one */

static uint64_t another_ioas(void)
{
    int64_t id = call2(0, BH_CALL_IOAS_ALLOC_PAGING, DEVICE1_ID, BH_IOAS_NONE);

    assert_true(id > 0);
    return (uint64_t)id;
}

static void start(void)
{
    machine_plain();
    machine.partition[0].pci[1] = DEVICE2_NAME;
    pci_model_express(&machine.pci, DEVICE2, 0, true);
    machine_boot();
    machine_drain_console();
    here = bind_and_attach(0, DEVICE1_ID, 1);
    there = another_ioas();
    assert_int_equal(bind(0, DEVICE2_ID, 2), BH_OK);
}

static void map_here(uint64_t iova, uint64_t offset, uint64_t pages)
{
    assert_int_equal(map(0, here, iova, BASE + offset, pages * PAGE_SIZE), BH_OK);
}

static struct made map_call(uint64_t ioas, uint64_t iova, uint64_t offset, uint64_t pages)
{
    return (struct made){ BH_CALL_IOAS_MAP,          ioas, iova, BASE + offset, pages * PAGE_SIZE,
                          BH_MAP_READ | BH_MAP_WRITE };
}

static struct made unmap_call(uint64_t ioas, uint64_t iova, uint64_t pages)
{
    return (struct made){ BH_CALL_IOAS_UNMAP, ioas, iova, pages * PAGE_SIZE, 0, 0 };
}

/* An ioas or a device, and nothing else. */
static struct made of_one(uint64_t call, uint64_t object)
{
    return (struct made){ call, object, 0, 0, 0, 0 };
}

static struct made of_device(uint64_t call, uint64_t device, uint64_t ioas)
{
    return (struct made){ call, device, BH_PASID_NONE, ioas, 0, 0 };
}

#define ANSWERS(one_first, one_second, other_first, other_second)                                  \
    ((struct answers){ { one_first, other_first }, { one_second, other_second } })

/* ---- Maps, unmaps ------------------------------------------------------------------------------------------ */

static void row_2_10_of_two_cpus_that_map_at_one_iova_one_wins_and_the_other_changes_nothing(void)
{
    start();
    /* They overlap in one page. */
    race(__func__, map_call(here, IOVA, 0x10000, 4),
         map_call(here, IOVA + 3 * PAGE_SIZE, 0x20000, 4),
         ANSWERS(BH_OK, BH_EEXIST, BH_EEXIST, BH_OK));
}

static void row_2_10_two_maps_of_which_one_needs_the_tables_of_the_other_are_one_after_the_other(
    void)
{
    start();
    race(__func__, map_call(here, FAR, 0x10000, 4), map_call(here, FAR + 4 * PAGE_SIZE, 0x20000, 4),
         ANSWERS(BH_OK, BH_OK, BH_OK, BH_OK));
}

static void row_2_11_an_unmap_beside_a_map_finds_all_of_it_or_nothing(void)
{
    start();
    map_here(IOVA, 0x8000, 1);
    /* The table goes with its last leaf, or stays for the new ones. */
    race(__func__, map_call(here, IOVA + PAGE_SIZE, 0x10000, 3), unmap_call(here, IOVA, PAGES),
         ANSWERS(BH_OK, BH_OK, BH_OK, BH_OK));
}

static void row_2_11_two_unmaps_of_the_same_count_each_byte_once(void)
{
    start();
    map_here(IOVA, 0x8000, PAGES);
    race(__func__, unmap_call(here, IOVA, 6), unmap_call(here, IOVA + 2 * PAGE_SIZE, 6),
         ANSWERS(BH_OK, BH_OK, BH_OK, BH_OK));
}

static void row_2_12_an_unmap_of_everything_beside_a_map_of_a_batch(void)
{
    struct bh_map *batch;

    start();
    map_here(FAR, 0x8000, 2);
    batch = guest(0, ARRAY);
    for (unsigned int i = 0; i < PAGES; i++)
        batch[i] = (struct bh_map){ iova_of(2 * i), BASE + i * UINT64_C(0x10000), PAGE_SIZE,
                                    BH_MAP_READ };
    batch[5].iova = FAR + 4 * PAGE_SIZE;
    batch[6].iova = FAR + 5 * PAGE_SIZE;
    batch[7].iova = FAR + 6 * PAGE_SIZE;
    batch[4].iova = FAR + 3 * PAGE_SIZE;
    race(__func__, (struct made){ BH_CALL_IOAS_MAP_BATCH, here, ARRAY, PAGES, 0, 0 },
         (struct made){ BH_CALL_IOAS_UNMAP_ALL, here, 0, 0, 0, 0 },
         ANSWERS(BH_OK, BH_EAGAIN, BH_OK, BH_EAGAIN));
}

static void row_2_9_row_2_11_a_batch_of_unmaps_beside_a_batch_of_maps(void)
{
    struct bh_map *maps;
    struct bh_unmap *unmaps;

    start();
    map_here(IOVA, 0x8000, 2);
    maps = guest(0, ARRAY);
    unmaps = guest(0, ARRAY2);
    /* The third is in the way where the unmaps have not been made: the batch stops before it. */
    maps[0] = (struct bh_map){ IOVA + 4 * PAGE_SIZE, BASE, PAGE_SIZE, BH_MAP_READ };
    maps[1] = (struct bh_map){ FAR, BASE, PAGE_SIZE, BH_MAP_WRITE };
    maps[2] = (struct bh_map){ IOVA + PAGE_SIZE, BASE, PAGE_SIZE, BH_MAP_READ };
    maps[3] = (struct bh_map){ IOVA + 5 * PAGE_SIZE, BASE, PAGE_SIZE, BH_MAP_READ };
    unmaps[0] = (struct bh_unmap){ IOVA, 2 * PAGE_SIZE };
    unmaps[1] = (struct bh_unmap){ FAR, PAGE_SIZE };
    unmaps[2] = (struct bh_unmap){ IOVA + 4 * PAGE_SIZE, PAGE_SIZE };
    race(__func__, (struct made){ BH_CALL_IOAS_MAP_BATCH, here, ARRAY, 4, 0, 0 },
         (struct made){ BH_CALL_IOAS_UNMAP_BATCH, here, ARRAY2, 3, 0, 0 },
         ANSWERS(BH_EAGAIN, BH_OK, BH_OK, BH_OK));
}

static void row_2_11_a_remap_beside_an_unmap_changes_what_is_there_or_says_that_nothing_is(void)
{
    start();
    map_here(IOVA, 0x8000, 4);
    race(__func__,
         (struct made){ BH_CALL_IOAS_REMAP, here, IOVA, BASE + 0x20000, 4 * PAGE_SIZE,
                        BH_MAP_READ | BH_MAP_WRITE },
         unmap_call(here, IOVA + 2 * PAGE_SIZE, 2), ANSWERS(BH_OK, BH_OK, BH_ENOENT, BH_OK));
}

static void row_2_18_a_copy_beside_an_unmap_of_its_source_has_all_of_it_or_nothing(void)
{
    struct bh_ioas_copy *copy;

    start();
    map_here(IOVA, 0x8000, 4);
    copy = guest(0, ARRAY);
    *copy = (struct bh_ioas_copy){ .size = sizeof(*copy),
                                   .from = (uint32_t)here,
                                   .to = (uint32_t)there,
                                   .from_iova = IOVA,
                                   .to_iova = FAR,
                                   .bytes = 4 * PAGE_SIZE,
                                   .flags = BH_MAP_READ };
    race(__func__, (struct made){ BH_CALL_IOAS_COPY, ARRAY, 0, 0, 0, 0 },
         unmap_call(here, IOVA, PAGES), ANSWERS(BH_OK, BH_OK, BH_ENOENT, BH_OK));
}

/* ---- The end of a space, and attachments -------------------------------------------------------------------- */

static void row_2_7_a_map_beside_the_end_of_its_space_is_refused_or_keeps_the_space(void)
{
    start();
    /* It has a tag that it must give back. */
    assert_int_equal(call3(0, BH_CALL_DETACH, DEVICE1_ID, BH_PASID_NONE, 0), BH_OK);
    race(__func__, map_call(here, IOVA, 0x10000, 2), of_one(BH_CALL_IOAS_FREE, here),
         ANSWERS(BH_OK, BH_EBUSY, BH_ENOENT, BH_OK));
}

static void row_2_7_a_space_that_is_made_beside_the_end_of_another_has_its_slot_or_its_own(void)
{
    start();
    race(__func__, (struct made){ BH_CALL_IOAS_ALLOC_PAGING, DEVICE1_ID, BH_IOAS_NONE, 0, 0, 0 },
         of_one(BH_CALL_IOAS_FREE, there),
         ANSWERS((int64_t)there + 1, BH_OK, (int64_t)(there + FIELD_PUT(IOAS_ID_GENERATION, 1)),
                 BH_OK));
}

static void row_0_16_of_two_cpus_that_end_one_space_one_finds_it(void)
{
    start();
    race(__func__, of_one(BH_CALL_IOAS_FREE, there), of_one(BH_CALL_IOAS_FREE, there),
         ANSWERS(BH_OK, BH_ENOENT, BH_ENOENT, BH_OK));
}

static void row_2_8_an_attach_beside_the_end_of_its_space_is_refused_or_keeps_the_space(void)
{
    start();
    race(__func__, of_device(BH_CALL_ATTACH, DEVICE2_ID, there), of_one(BH_CALL_IOAS_FREE, there),
         ANSWERS(BH_OK, BH_EBUSY, BH_ENOENT, BH_OK));
}

static void row_2_13_a_second_attach_beside_an_unmap_reaches_nothing_of_what_was_taken(void)
{
    start();
    map_here(IOVA, 0x8000, 4);
    race(__func__, of_device(BH_CALL_ATTACH, DEVICE2_ID, here), unmap_call(here, IOVA, PAGES),
         ANSWERS(BH_OK, BH_OK, BH_OK, BH_OK));
}

static void row_0_17_of_two_attaches_of_one_device_one_wins(void)
{
    start();
    race(__func__, of_device(BH_CALL_ATTACH, DEVICE2_ID, here),
         of_device(BH_CALL_ATTACH, DEVICE2_ID, there), ANSWERS(BH_OK, BH_EBUSY, BH_EBUSY, BH_OK));
}

static void row_0_18_of_two_detaches_of_one_device_one_finds_it(void)
{
    start();
    race(__func__, of_device(BH_CALL_DETACH, DEVICE1_ID, 0),
         of_device(BH_CALL_DETACH, DEVICE1_ID, 0), ANSWERS(BH_OK, BH_ENOENT, BH_ENOENT, BH_OK));
}

/* ---- Moves --------------------------------------------------------------------------------------------------- */

static void row_2_16_a_replace_beside_an_unmap_of_the_old_space(void)
{
    start();
    map_here(IOVA, 0x8000, 4);
    assert_int_equal(map(0, there, IOVA, BASE + 0x20000, 2 * PAGE_SIZE), BH_OK);
    race(__func__, of_device(BH_CALL_REPLACE, DEVICE1_ID, there), unmap_call(here, IOVA, PAGES),
         ANSWERS(BH_OK, BH_OK, BH_OK, BH_OK));
}

static void row_2_16_a_replace_beside_an_unmap_of_the_new_space(void)
{
    start();
    map_here(IOVA, 0x8000, 4);
    assert_int_equal(map(0, there, IOVA, BASE + 0x20000, 2 * PAGE_SIZE), BH_OK);
    race(__func__, of_device(BH_CALL_REPLACE, DEVICE1_ID, there), unmap_call(there, IOVA, PAGES),
         ANSWERS(BH_OK, BH_OK, BH_OK, BH_OK));
}

static void row_2_16_a_replace_beside_a_map_of_the_new_space(void)
{
    start();
    map_here(IOVA, 0x8000, 4);
    race(__func__, of_device(BH_CALL_REPLACE, DEVICE1_ID, there), map_call(there, IOVA, 0x20000, 4),
         ANSWERS(BH_OK, BH_OK, BH_OK, BH_OK));
}

static void row_2_16_a_replace_beside_the_end_of_the_new_space(void)
{
    start();
    race(__func__, of_device(BH_CALL_REPLACE, DEVICE1_ID, there), of_one(BH_CALL_IOAS_FREE, there),
         ANSWERS(BH_OK, BH_EBUSY, BH_ENOENT, BH_OK));
}

static void row_2_16_a_replace_beside_the_end_of_the_old_space(void)
{
    start();
    race(__func__, of_device(BH_CALL_REPLACE, DEVICE1_ID, there), of_one(BH_CALL_IOAS_FREE, here),
         ANSWERS(BH_OK, BH_OK, BH_OK, BH_EBUSY));
}

static void row_2_16_a_replace_beside_a_detach(void)
{
    start();
    race(__func__, of_device(BH_CALL_REPLACE, DEVICE1_ID, there),
         of_device(BH_CALL_DETACH, DEVICE1_ID, 0), ANSWERS(BH_OK, BH_OK, BH_ENOENT, BH_OK));
}

/* ---- Ownership ------------------------------------------------------------------------------------------------ */

static void row_2_5_an_attach_beside_the_unbind_of_its_device_is_of_a_bound_one_or_refused(void)
{
    start();
    race(__func__, of_device(BH_CALL_ATTACH, DEVICE2_ID, there),
         of_one(BH_CALL_DEVICE_UNBIND, DEVICE2_ID), ANSWERS(BH_OK, BH_EBUSY, BH_EPERM, BH_OK));
}

static void row_2_5_a_detach_beside_an_unbind(void)
{
    start();
    race(__func__, of_device(BH_CALL_DETACH, DEVICE1_ID, 0),
         of_one(BH_CALL_DEVICE_UNBIND, DEVICE1_ID), ANSWERS(BH_OK, BH_OK, BH_OK, BH_EBUSY));
}

static void row_3_7_of_two_unbinds_of_one_device_one_gives_the_group_back(void)
{
    start();
    race(__func__, of_one(BH_CALL_DEVICE_UNBIND, DEVICE2_ID),
         of_one(BH_CALL_DEVICE_UNBIND, DEVICE2_ID), ANSWERS(BH_OK, BH_EPERM, BH_EPERM, BH_OK));
}

/* ---- Queries --------------------------------------------------------------------------------------------------- */

static void row_3_12_a_query_of_a_device_beside_its_detach_tells_one_moment(void)
{
    struct bh_query_state *state;

    start();
    state = guest(0, STRUCTURE);
    state->size = sizeof(*state);
    race(__func__, of_device(BH_CALL_DETACH, DEVICE1_ID, 0),
         (struct made){ BH_CALL_QUERY, BH_QUERY_STATE, STRUCTURE, DEVICE1_ID, 0, 0 },
         ANSWERS(BH_OK, BH_OK, BH_OK, BH_OK));
}

static void row_3_12_a_query_of_attachments_beside_a_detach_tells_one_moment(void)
{
    struct bh_query_attachment *attachment;

    start();
    attachment = guest(0, STRUCTURE);
    attachment->size = sizeof(*attachment);
    race(__func__, (struct made){ BH_CALL_QUERY, BH_QUERY_ATTACHMENT, STRUCTURE, 0, 0, 0 },
         of_device(BH_CALL_DETACH, DEVICE1_ID, 0), ANSWERS(BH_OK, BH_OK, BH_ENOENT, BH_OK));
}

/* ---- A device that goes to another partition ------------------------------------------------------------------- */

#define OTHERS_LABEL 77

static uint32_t *told; /* by what a query answered; shared with the runs */

static void expect_ok(int64_t result)
{
    if (result != BH_OK)
        fail_msg("a call that nothing stands in the way of answers %lld", (long long)result);
}

static void ask_for_attachments(void)
{
    struct bh_query_attachment *attachment = guest(0, STRUCTURE);

    attachment->size = sizeof(*attachment);
    int64_t result = guest_call(0, BH_CALL_QUERY, BH_QUERY_ATTACHMENT, STRUCTURE, 0, 0, 0, NULL);

    told[result == BH_OK]++;
    if (result != BH_OK && result != BH_ENOENT)
        fail_msg("query answers %lld", (long long)result);
    if (result == BH_OK && attachment->label != 1)
        fail_msg("the former owner is told of the label %llu and the ioas 0x%x of the next",
                 (unsigned long long)attachment->label, attachment->ioas);
}

static void ask_for_state(void)
{
    struct bh_query_state *state = guest(0, STRUCTURE);

    state->size = sizeof(*state);
    expect_ok(guest_call(0, BH_CALL_QUERY, BH_QUERY_STATE, STRUCTURE, DEVICE1_ID, 0, 0, NULL));
    if (state->label > 1 || (state->owner == BH_OWNER_OTHER && state->generation != 0))
        fail_msg("the former owner is told of the label %llu and the generation %llu of the next",
                 (unsigned long long)state->label, (unsigned long long)state->generation);
}

static void ask(void *unused)
{
    (void)unused;
    for (unsigned int i = 0; i < 4; i++) {
        ask_for_attachments();
        ask_for_state();
    }
}

/* The clock moves in the midst of what the other CPU does, so that all of the hand-over may pass at one point of it. */
static int64_t bind_at_once(unsigned int partition, uint64_t device, uint64_t label)
{
    uint64_t x[6] = { 0 };
    int64_t result = BH_EAGAIN;

    while (result == BH_EAGAIN) {
        host_advance(x[1]);
        result = guest_call(partition, BH_CALL_DEVICE_BIND, device, label, 0, 0, 0, x);
    }
    return result;
}

static void give_to_the_other(void *unused)
{
    (void)unused;
    expect_ok(guest_call(0, BH_CALL_DETACH, DEVICE1_ID, BH_PASID_NONE, 0, 0, 0, NULL));
    expect_ok(guest_call(0, BH_CALL_DEVICE_UNBIND, DEVICE1_ID, 0, 0, 0, 0, NULL));
    expect_ok(bind_at_once(1, DEVICE1_ID, OTHERS_LABEL));
    int64_t ioas = guest_call(1, BH_CALL_IOAS_ALLOC_PAGING, DEVICE1_ID, BH_IOAS_NONE, 0, 0, 0,
                              NULL);

    expect_ok(guest_call(1, BH_CALL_ATTACH, DEVICE1_ID, BH_PASID_NONE, (uint64_t)ioas, 0, 0, NULL));
}

static void ask_while_it_goes(void)
{
    hardware_start(&hardware, HARDWARE_PROMPT);
    host_stores_mode(HOST_STORES_SCHEDULED);
    host_cpu_start(0, ask, NULL);
    host_cpu_start(1, give_to_the_other, NULL);
    hardware_run(&hardware);
    assert_units_clean();
}

static void row_3_12_queries_tell_nothing_of_the_next_owner(void)
{
    machine_plain();
    machine_partition("two")->pci[0] = DEVICE1_NAME;
    machine_boot();
    machine_drain_console();
    bind_and_attach(0, DEVICE1_ID, 1);
    told = (void *)choices_create();
    campaign_seeds(__func__, ask_while_it_goes, campaign(1500));
    assert_true(told[0] != 0 && told[1] != 0);
}

int run_ioas_races_tests(void)
{
    const struct CMUnitTest tests[] = {
        TEST(row_2_10_of_two_cpus_that_map_at_one_iova_one_wins_and_the_other_changes_nothing),
        TEST(row_2_10_two_maps_of_which_one_needs_the_tables_of_the_other_are_one_after_the_other),
        TEST(row_2_11_an_unmap_beside_a_map_finds_all_of_it_or_nothing),
        TEST(row_2_11_two_unmaps_of_the_same_count_each_byte_once),
        TEST(row_2_12_an_unmap_of_everything_beside_a_map_of_a_batch),
        TEST(row_2_9_row_2_11_a_batch_of_unmaps_beside_a_batch_of_maps),
        TEST(row_2_11_a_remap_beside_an_unmap_changes_what_is_there_or_says_that_nothing_is),
        TEST(row_2_18_a_copy_beside_an_unmap_of_its_source_has_all_of_it_or_nothing),
        TEST(row_2_7_a_map_beside_the_end_of_its_space_is_refused_or_keeps_the_space),
        TEST(row_2_7_a_space_that_is_made_beside_the_end_of_another_has_its_slot_or_its_own),
        TEST(row_0_16_of_two_cpus_that_end_one_space_one_finds_it),
        TEST(row_2_8_an_attach_beside_the_end_of_its_space_is_refused_or_keeps_the_space),
        TEST(row_2_13_a_second_attach_beside_an_unmap_reaches_nothing_of_what_was_taken),
        TEST(row_0_17_of_two_attaches_of_one_device_one_wins),
        TEST(row_0_18_of_two_detaches_of_one_device_one_finds_it),
        TEST(row_2_16_a_replace_beside_an_unmap_of_the_old_space),
        TEST(row_2_16_a_replace_beside_an_unmap_of_the_new_space),
        TEST(row_2_16_a_replace_beside_a_map_of_the_new_space),
        TEST(row_2_16_a_replace_beside_the_end_of_the_new_space),
        TEST(row_2_16_a_replace_beside_the_end_of_the_old_space),
        TEST(row_2_16_a_replace_beside_a_detach),
        TEST(row_2_5_an_attach_beside_the_unbind_of_its_device_is_of_a_bound_one_or_refused),
        TEST(row_2_5_a_detach_beside_an_unbind),
        TEST(row_3_7_of_two_unbinds_of_one_device_one_gives_the_group_back),
        TEST(row_3_12_a_query_of_a_device_beside_its_detach_tells_one_moment),
        TEST(row_3_12_a_query_of_attachments_beside_a_detach_tells_one_moment),
        TEST(row_3_12_queries_tell_nothing_of_the_next_owner),
    };

    return RUN_GROUP("kernel/ioas, races");
}
