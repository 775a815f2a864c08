/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The n-th of everything that can run short, for every n: the calls and the boot say so as documented,
 * nothing is lost, and the same goes through once there is enough.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tests/fuzz/shortage.h"
#include "tests/unit/groups.h"
#include "tests/unit/machine.h"

#define BASE UINT64_C(0x40000000)
#define TAGS_TAKEN IOMMU_TAGS

/* ---- Table pages -------------------------------------------------------------------------------------------- */

static struct page_pool *pool(void)
{
    return &partitions.partition[0].pool;
}

/* Takes pages away until n are left, and gives them back. */
static struct page_list held;

static void leave_pages(uint32_t n)
{
    held = PAGE_LIST_EMPTY;
    while (pool()->free > n)
        page_list_add(pool(), &held, page_pool_take(pool()));
}

static void pages_back(void)
{
    page_pool_give(pool(), &held);
}

static uint64_t ioas;

/* How many pages it takes is what it takes when there are enough. */
static uint32_t pages_of(int64_t (*attempt)(void), void (*undo)(void))
{
    uint32_t before = pool()->free;

    assert_true(attempt() >= 0);
    uint32_t pages = before - pool()->free;

    undo();
    assert_int_equal(pool()->free, before);
    return pages;
}

/* With each number of pages short of that: ENOSPC and no change; with that number: it goes through. */
static void run_short(const char *what, int64_t (*attempt)(void), void (*undo)(void),
                      uint32_t at_least)
{
    uint32_t pages = pages_of(attempt, undo), all = pool()->free;

    if (pages < at_least)
        fail_msg("%s takes %u pages: too few for this test", what, pages);
    for (uint32_t n = 0; n <= pages; n++) {
        leave_pages(n);
        uint64_t before = machine_state();
        int64_t answer = attempt();

        if (n < pages && answer != BH_ENOSPC)
            fail_msg("%s with %u of %u pages: %lld", what, n, pages, (long long)answer);
        if (n == pages && (answer < 0 || pool()->free != 0))
            fail_msg("%s with exactly its %u pages: %lld", what, pages, (long long)answer);
        if (n == pages)
            undo();
        else if (machine_state() != before)
            fail_msg("%s was refused with %u of %u pages and changed something", what, n, pages);
        pages_back();
        assert_int_equal(pool()->free, all);
    }
    assert_true(attempt() >= 0);
    undo();
    assert_int_equal(pool()->free, all);
}

static uint64_t iova, address, size;

static int64_t map_it(void)
{
    return map(0, ioas, iova, address, size);
}

static void unmap_it(void)
{
    assert_int_equal(unmap(0, ioas, iova, size), BH_OK);
}

static void run_map_short(uint64_t at, uint64_t from, uint64_t bytes, uint32_t at_least)
{
    char what[64];

    iova = at;
    address = from;
    size = bytes;
    snprintf(what, sizeof(what), "a map of 0x%llx at 0x%llx", (unsigned long long)bytes,
             (unsigned long long)at);
    run_short(what, map_it, unmap_it, at_least);
}

static void a_map_without_its_nth_table_page_changes_nothing(void)
{
    machine_plain();
    machine.partition[0].memory_size = 0x800000;
    machine_boot();
    ioas = bind_and_attach(0, DEVICE1_ID, 1);
    run_map_short(0x10000, BASE + 0x1000, PAGE_SIZE, 3);
    run_map_short(0x200000, BASE + 0x200000 - 0x200000, 0x200000, 2);
    run_map_short(0x1FF000, BASE + 0x1000, 2 * PAGE_SIZE, 4);     /* two tables of pages */
    run_map_short(0x3FFFF000, BASE + 0x1000, 2 * PAGE_SIZE, 5);   /* two below each other */
    run_map_short(0x7FFFFFF000, BASE + 0x1000, 2 * PAGE_SIZE, 6); /* two of each level */
    run_map_short(0x1FF000, BASE + 0x1FF000, 0x202000, 4);        /* a page, a block, a page */
    run_map_short(0x0, BASE + 0x1000, 0x200000 - 0x1000, 3);      /* a whole table */
}

static int64_t allocate(void)
{
    int64_t id = call2(0, BH_CALL_IOAS_ALLOC_PAGING, DEVICE1_ID, BH_IOAS_NONE);

    ioas = id > 0 ? (uint64_t)id : 0;
    return id;
}

static void free_it(void)
{
    assert_int_equal(call1(0, BH_CALL_IOAS_FREE, ioas), BH_OK);
}

static void a_space_without_a_root_is_refused_and_keeps_no_tag(void)
{
    machine_plain();
    machine_boot();
    assert_int_equal(bind(0, DEVICE1_ID, 1), BH_OK);
    run_short("an ioas", allocate, free_it, 1);
}

/* Registers in three stretches, which need tables of their own. */
static void a_bind_without_its_nth_table_page_gives_the_group_back(void)
{
    machine_plain();
    pci_model_bar(&machine.pci, DEVICE1, 4, 0x400000, true);
    pci_model_bar(&machine.pci, DEVICE1, 1, 0x1000, false);
    machine_boot();
    uint32_t all = pool()->free;

    assert_int_equal(bind(0, DEVICE1_ID, 1), BH_OK);
    uint32_t pages = all - pool()->free;

    assert_int_equal(call1(0, BH_CALL_DEVICE_UNBIND, DEVICE1_ID), BH_OK);
    assert_true(pages >= 2);
    for (uint32_t n = 0; n < pages; n++) {
        leave_pages(n);
        assert_int_equal(bind(0, DEVICE1_ID, 1), BH_ENOSPC);
        assert_int_equal(pool()->free, n);
        pages_back();
        assert_int_equal(pool()->free, all);
        struct bh_query_state state = query_state(0, DEVICE1_ID);

        assert_int_equal(state.owner, BH_OWNER_NONE);
        assert_int_equal(state.bound, 0);
        /* Decode stays off: nothing of it can be reached. */
        assert_int_equal(pci_model_get16(&machine.pci, DEVICE1, 4) & 2, 0);
    }
    leave_pages(pages);
    assert_int_equal(bind(0, DEVICE1_ID, 1), BH_OK);
    assert_int_equal(pool()->free, 0);
}

/* ---- Tags --------------------------------------------------------------------------------------------------- */

static int64_t attach_it(uint64_t space)
{
    return call3(0, BH_CALL_ATTACH, DEVICE1_ID, BH_PASID_NONE, space);
}

static void an_attach_without_a_tag_is_refused_and_changes_nothing(void)
{
    uint16_t tag[TAGS_TAKEN] = { 0 };
    unsigned int count = 0;
    uint32_t all;

    machine_plain();
    machine_boot();
    assert_int_equal(bind(0, DEVICE1_ID, 1), BH_OK);
    all = pool()->free;
    while (count < TAGS_TAKEN && (tag[count] = iommu_tag_take(&devices.iommu[0])) != 0)
        count++;
    assert_true(count > 200 && count < TAGS_TAKEN);
    for (unsigned int left = 0; left <= 3; left++) {
        uint64_t space[4];

        for (unsigned int i = 0; i < left; i++) {
            assert_true(allocate() > 0);
            space[i] = ioas;
            assert_int_equal(attach_it(space[i]), BH_OK);
            assert_int_equal(call2(0, BH_CALL_DETACH, DEVICE1_ID, BH_PASID_NONE), BH_OK);
        }
        assert_true(allocate() > 0);
        uint64_t before = machine_state();

        assert_int_equal(attach_it(ioas), BH_ENOSPC);
        assert_int_equal(machine_state(), before);
        free_it();
        for (unsigned int i = 0; i < left; i++)
            assert_int_equal(call1(0, BH_CALL_IOAS_FREE, space[i]), BH_OK);
        assert_int_equal(pool()->free, all);
        iommu_tag_give(&devices.iommu[0], tag[--count]);
    }
    assert_true(allocate() > 0);
    assert_int_equal(attach_it(ioas), BH_OK);
}

/* ---- Boot --------------------------------------------------------------------------------------------------- */

static void build_two(void)
{
    machine_plain();
    machine.partition[0].pci[1] = DEVICE2_NAME;
    machine_partition("two")->pci[0] = DEVICE1_NAME;
    machine.partition[1].pci[1] = DEVICE2_NAME;
}

/* No stream of the two devices reaches anything, whatever became of the boot. */
static void expect_closed(void)
{
    for (uint32_t stream = 0x100; stream <= 0x200; stream += 0x100) {
        const struct smmuv3_model_access access = { .stream_id = stream, .iova = 0x10000 };

        assert_int_not_equal(smmuv3_model_translate(machine.unit[0], &access).outcome,
                             SMMUV3_MODEL_OK);
    }
    assert_units_clean();
}

/* The end of what came out: the whole is more than a failure shows. */
static const char *console_tail(void)
{
    machine_drain_console();
    return machine.console_used > 500 ? &machine.console[machine.console_used - 500]
                                      : machine.console;
}

#define NOT_SO_MANY 77 /* exit status: there is no nth */

/* Runs look(n) in a process of its own, since it boots. False: there is no nth. */
static bool alone(void (*look)(unsigned int n), unsigned int n)
{
    int status = 0;
    pid_t process = fork();

    if (process == 0) {
        setenv("CMOCKA_TEST_ABORT", "1", 1);
        look(n);
        (void)fflush(NULL);
        _exit(0);
    }
    assert_int_equal(waitpid(process, &status, 0), process);
    if (WIFEXITED(status) && WEXITSTATUS(status) == NOT_SO_MANY)
        return false;
    if (status != 0)
        fail_msg("with %u: status 0x%x", n, (unsigned int)status);
    return true;
}

/* The machine goes on only if the piece was a unit's: then that stays closed, and no device behind it is
 * given to anybody. */
static void boot_without(unsigned int n)
{
    int64_t one, other;

    build_two();
    shortage.takes = 0;
    shortage.failing_take = n;
    enum host_end end = machine_kernel();

    if (shortage.takes < n)
        _exit(NOT_SO_MANY);
    expect_closed();
    if (end == HOST_OFF) {
        if (strstr(console_tail(), "off: bulkhead=253") == NULL)
            fail_msg("off without a word:\n%s", console_tail());
        return;
    }
    assert_int_equal(end, HOST_IDLE);
    assert_int_equal(machine_run_cpu(0), HOST_GUEST);
    one = bind(0, DEVICE1_ID, 1);
    other = bind(0, DEVICE2_ID, 2);
    if (one != BH_EOPNOTSUPP && other != BH_EOPNOTSUPP)
        fail_msg("both devices can be bound (%lld, %lld):\n%s", (long long)one, (long long)other,
                 console_tail());
    expect_closed();
}

static void a_boot_without_its_nth_piece_of_memory_gives_no_device_away(void)
{
    unsigned int n = 1;

    while (alone(boot_without, n))
        n++;
    assert_true(n > 6);
}

/* The fewest that a set may name (docs/configuration.md); more than the memory of a partition takes. */
#define PAGES_FEWEST 8

static void boot_with_pages(unsigned int n)
{
    build_two();
    machine.partition[0].pool_pages = n;
    enum host_end end = machine_kernel();

    expect_closed();
    if (end != (n < PAGES_FEWEST ? HOST_OFF : HOST_IDLE))
        fail_msg("with %u table pages:\n%s", n, console_tail());
    if (n < PAGES_FEWEST && strstr(console_tail(), "/partitions/one: pool-pages: ") == NULL)
        fail_msg("with %u table pages no word of them:\n%s", n, console_tail());
}

static void a_boot_with_too_few_table_pages_names_the_property(void)
{
    for (uint32_t n = 1; n <= PAGES_FEWEST; n++)
        alone(boot_with_pages, n);
}

int run_shortage_tests(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_map_without_its_nth_table_page_changes_nothing),
        TEST(a_space_without_a_root_is_refused_and_keeps_no_tag),
        TEST(a_bind_without_its_nth_table_page_gives_the_group_back),
        TEST(an_attach_without_a_tag_is_refused_and_changes_nothing),
        TEST(a_boot_without_its_nth_piece_of_memory_gives_no_device_away),
        TEST(a_boot_with_too_few_table_pages_names_the_property),
    };

    return RUN_GROUP("shortage");
}
