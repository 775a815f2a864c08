/* SPDX-License-Identifier: Apache-2.0 */
/* Windows between partitions (kernel/window.c): what each side's CPU has of one while both live and when one of them
 * does not, and what a partition is told. */
#include <libfdt.h>
#include <string.h>

#include "edit.h"
#include "groups.h"
#include "kernel/guest_tree.h"
#include "kernel/window.h"
#include "machine.h"
#include "observer.h"

#define BASE UINT64_C(0x40000000)
#define AT UINT64_C(0x80000000)
#define SIZE UINT64_C(0x4000)

/* What a CPU's stage 2 says of an access (Arm ARM D8.3: S2AP, XN). */
#define MAY_READ BIT(6)
#define MAY_WRITE BIT(7)
#define NEVER_EXECUTE BIT(54)

static struct window_spec *spec;

/* The entry that the CPU of a partition has for the address; fails the test where it has none. */
static uint64_t entry_at(unsigned int partition, uint64_t address)
{
    uint64_t entry, size;

    if (!pagetable_lookup(&partitions.partition[partition].stage2, address, &entry, &size))
        fail_msg("partition %u has nothing at 0x%llx", partition, (unsigned long long)address);
    return entry;
}

static uint64_t frame_at(unsigned int partition, uint64_t address)
{
    uint64_t entry, size;

    entry = entry_at(partition, address);
    (void)pagetable_lookup(&partitions.partition[partition].stage2, address, &entry, &size);
    return (entry & BITS(47, 12)) + align_down(address & (size - 1), PAGE_SIZE);
}

static volatile uint64_t *word(unsigned int partition, uint64_t address)
{
    return (uint64_t *)memory_pointer(frame_at(partition, align_down(address, PAGE_SIZE)) +
                                      address % PAGE_SIZE);
}

static void end(unsigned int partition, uint64_t action)
{
    call2(partition, BH_CALL_POWER, action, 0);
    assert_int_equal(machine.end, HOST_IDLE);
}

static void start_again(unsigned int partition)
{
    assert_int_equal(machine_run_cpu(partition), HOST_GUEST);
}

/* Every page of it is the same memory for both, and nothing but that. */
static void expect_connected(void)
{
    for (uint64_t at = 0; at < spec->size; at += PAGE_SIZE) {
        assert_int_equal(frame_at(0, spec->address[0] + at), frame_at(1, spec->address[1] + at));
        assert_int_equal(frame_at(0, spec->address[0] + at), windows.window[0].physical + at);
    }
    assert_true(windows.window[0].connected);
}

/* The side has memory that nobody else has, all zero. */
static void expect_alone(unsigned int partition)
{
    uint64_t base = frame_at(partition, spec->address[partition]);

    assert_false(windows.window[0].connected);
    assert_int_equal(base, windows.window[0].side[partition].alone);
    for (uint64_t at = 0; at < spec->size; at += sizeof(uint64_t))
        assert_int_equal(*word(partition, spec->address[partition] + at), 0);
}

/* What was taken has been given back. */
static void expect_unlocked(void)
{
    assert_true(lock_try(&windows.window[0].lock));
    lock_release(&windows.window[0].lock);
}

/* ---- Two lives -------------------------------------------------------------------------------------- */

static void both_sides_see_what_the_other_wrote_and_a_first_life_finds_zeros(void)
{
    spec = machine_shared();
    spec->address[1] = 0x90000000;
    machine_boot();
    expect_connected();
    for (uint64_t at = 0; at < SIZE; at += sizeof(uint64_t))
        assert_int_equal(*word(0, AT + at), 0);
    *word(0, AT + 0x3008) = 0x1234;
    assert_int_equal(*word(1, 0x90003008), 0x1234);
    *word(1, 0x90000000) = 0x5678;
    assert_int_equal(*word(0, AT), 0x5678);
}

static void a_first_life_finds_zeros_whatever_the_memory_held(void)
{
    spec = machine_shared();
    memset(memory_pointer(HOST_MEMORY_BASE + 0x200000), 0xA5, 0x1000000);
    machine_boot();
    for (uint64_t at = 0; at < SIZE; at += sizeof(uint64_t))
        assert_int_equal(*word(0, AT + at), 0);
}

static void a_window_of_blocks_is_one_of_blocks_for_both(void)
{
    uint64_t entry, size;

    spec = machine_shared();
    machine_window("small", "one", "two")->size = 0x3000;
    spec->size = 0x600000;
    machine.window[1].address[0] = machine.window[1].address[1] = 0xA0000000;
    machine_boot();
    expect_connected();
    for (unsigned int partition = 0; partition < 2; partition++) {
        assert_true(pagetable_lookup(&partitions.partition[partition].stage2, AT, &entry, &size));
        assert_int_equal(size, 0x200000);
    }
    /* All that windows have is apart. */
    const struct window *big = &windows.window[0], *small = &windows.window[1];

    assert_int_equal(big->side[0].alone, big->physical + 0x600000);
    assert_int_equal(big->side[1].alone, big->physical + 0xC00000);
    assert_int_equal(small->physical, big->physical + 0x1200000);
    end(1, BH_POWER_OFF);
    expect_alone(0);
    assert_true(pagetable_lookup(&partitions.partition[0].stage2, AT + 0x400000, &entry, &size));
    assert_int_equal(size, 0x200000);
}

static void i13_who_may_not_write_may_only_read_and_nobody_may_execute(void)
{
    spec = machine_shared();
    spec->writable_by[1] = NULL;
    machine_boot();
    for (uint64_t at = AT; at < AT + SIZE; at += PAGE_SIZE) {
        assert_int_equal(entry_at(0, at) & (MAY_READ | MAY_WRITE), MAY_READ | MAY_WRITE);
        assert_int_equal(entry_at(1, at) & (MAY_READ | MAY_WRITE), MAY_READ);
        assert_true((entry_at(0, at) & entry_at(1, at) & NEVER_EXECUTE) != 0);
    }
    /* Alone as well, and together again. */
    end(0, BH_POWER_RESET);
    assert_int_equal(entry_at(1, AT) & (MAY_READ | MAY_WRITE | NEVER_EXECUTE),
                     MAY_READ | NEVER_EXECUTE);
    start_again(0);
    expect_connected();
    assert_int_equal(entry_at(1, AT) & (MAY_READ | MAY_WRITE | NEVER_EXECUTE),
                     MAY_READ | NEVER_EXECUTE);
    assert_int_equal(entry_at(0, AT) & MAY_WRITE, MAY_WRITE);
}

static void i13_a_partition_that_is_no_side_has_nothing_there(void)
{
    uint64_t entry, size;

    spec = machine_shared();
    machine.tree.cpus = host_cpus = 3;
    machine_partition("three");
    machine_boot();
    assert_false(pagetable_lookup(&partitions.partition[2].stage2, AT, &entry, &size));
    assert_int_equal(partitions.partition[2].window_count, 0);
    /* Nor is it own memory for anything that a call names. */
    assert_int_equal(call2(0, BH_CALL_CONSOLE_WRITE, AT, 1), BH_EFAULT);
    assert_int_equal(call1(0, BH_CALL_EVENT_RING, AT), BH_EFAULT);
}

static void when_a_side_ends_the_survivor_has_memory_of_its_own_there_all_zero(void)
{
    uint64_t invalidates;

    spec = machine_shared();
    machine_boot();
    *word(0, AT) = 0x1234;
    *word(1, AT + 0x2000) = 0x5678;
    memset(memory_pointer(windows.window[0].side[0].alone), 0xEE, SIZE);
    invalidates = host_counters.stage2_invalidates;
    end(1, BH_POWER_OFF);
    /* One for the registers of a device, were there any; the other for the window. */
    assert_true(host_counters.stage2_invalidates > invalidates);
    expect_alone(0);
    *word(0, AT) = 0x9ABC; /* its own */
    assert_int_equal(*(uint64_t *)memory_pointer(windows.window[0].physical), 0x1234);
}

static void i4_a_new_life_finds_zeros_and_the_survivor_with_it(void)
{
    spec = machine_shared();
    machine_boot();
    for (unsigned int dying = 0; dying < 2; dying++) {
        unsigned int survivor = 1 - dying;

        *word(dying, AT) = 0x1234;
        *word(survivor, AT + 0x2000) = 0x5678;
        end(dying, BH_POWER_RESET);
        expect_alone(survivor);
        *word(survivor, AT + 0x1000) = 0x9ABC; /* said to nobody */
        uint64_t invalidates = host_counters.stage2_invalidates;

        start_again(dying);
        assert_int_equal(host_counters.stage2_invalidates, invalidates + 1);
        expect_connected();
        for (uint64_t at = 0; at < SIZE; at += sizeof(uint64_t))
            assert_int_equal(*word(survivor, AT + at), 0);
    }
}

/* A life begins with its CPU's caches off: what it reads is memory. */
static void i4_a_new_life_finds_zeros_behind_the_caches_as_well(void)
{
    uint64_t value = 0, frame;

    spec = machine_shared();
    machine_boot();
    host_noncoherent_start();
    frame = frame_at(1, AT + 0x1000);
    *word(1, AT + 0x1000) = 0x1234;
    cache_clean(memory_pointer(frame), sizeof(uint64_t));
    barrier_entries();
    host_view_read(HOST_VIEW_MEMORY, frame, &value, sizeof(value));
    assert_int_equal(value, 0x1234);
    end(1, BH_POWER_RESET);
    start_again(1);
    expect_connected();
    assert_int_equal(frame_at(1, AT + 0x1000), frame);
    host_view_read(HOST_VIEW_MEMORY, frame, &value, sizeof(value));
    assert_int_equal(value, 0);
}

static unsigned int broken, made; /* leaves of the window of the partition that lives on */

static void expect_break_before_make(const struct host_store *store)
{
    const struct pagetable *table = &partitions.partition[0].stage2;
    uint64_t first = memory_physical(pagetable_walk(table, AT).entry);

    if (store->address - first >= SIZE / PAGE_SIZE * sizeof(uint64_t))
        return;
    if (store->before != 0 && store->after != 0)
        fail_msg("a leaf was 0x%llx and is 0x%llx", (unsigned long long)store->before,
                 (unsigned long long)store->after);
    broken += store->after == 0;
    made += store->after != 0;
}

/* Its CPU may run meanwhile, and may have the old leaf. */
static void a_live_sides_leaves_are_broken_before_they_lead_elsewhere(void)
{
    spec = machine_shared();
    machine_boot();
    host_visible = expect_break_before_make;
    end(1, BH_POWER_RESET);
    start_again(1);
    host_visible = NULL;
    expect_connected();
    assert_int_equal(broken, 2 * SIZE / PAGE_SIZE);
    assert_int_equal(made, 2 * SIZE / PAGE_SIZE);
}

static void i4_what_a_life_wrote_alone_no_later_one_finds(void)
{
    spec = machine_shared();
    machine_boot();
    end(1, BH_POWER_OFF);
    memset(memory_pointer(frame_at(0, AT)), 0xEE, SIZE);
    end(0, BH_POWER_RESET);
    start_again(0);
    expect_alone(0);
}

static void a_side_that_ends_alone_changes_nothing_for_the_one_that_is_gone(void)
{
    uint64_t changes;

    spec = machine_shared();
    machine_boot();
    changes = windows.window[0].changes;
    end(1, BH_POWER_RESET);
    assert_int_equal(windows.window[0].changes, changes + 1);
    end(0, BH_POWER_RESET);
    assert_int_equal(windows.window[0].changes, changes + 1);
    start_again(1);
    expect_alone(1);
    start_again(0);
    expect_connected();
    assert_int_equal(windows.window[0].changes, changes + 2);
}

static void a_pool_too_small_for_its_windows_is_refused_by_name(void)
{
    spec = machine_shared();
    machine.partition[1].pool_pages = 8;
    machine.window_count = 0;
    for (unsigned int i = 0; i < 7; i++) {
        static const char *const names[] = { "w0", "w1", "w2", "w3", "w4", "w5", "w6" };

        spec = machine_window(names[i], "one", "two");
        spec->address[1] = (uint64_t)(i + 2) << 30;
    }
    assert_int_equal(machine_kernel(), HOST_OFF);
    assert_console("/partitions/two: pool-pages: too few to map its windows");
}

/* ---- What a CPU meets in between ------------------------------------------------------------------- */

static void crash(void *unused)
{
    (void)unused;
    host_guest_ops->crash(&partitions.partition[1].vcpu, "read what is not its own", 0x666);
}

static void a_partition_that_was_ended_is_withdrawn_like_one_that_ended(void)
{
    spec = machine_shared();
    machine_boot();
    assert_int_equal(host_run(crash, NULL), HOST_IDLE);
    expect_alone(0);
}

static void an_address_without_translation_is_tried_again_where_a_window_lies_only(void)
{
    struct vcpu *vcpu;

    spec = machine_shared();
    machine_boot();
    vcpu = &partitions.partition[0].vcpu;
    assert_true(host_guest_ops->settle(vcpu, AT));
    assert_true(host_guest_ops->settle(vcpu, AT + SIZE - 1));
    assert_false(host_guest_ops->settle(vcpu, AT - 1));
    assert_false(host_guest_ops->settle(vcpu, AT + SIZE));
    assert_false(host_guest_ops->settle(vcpu, 0));
    expect_unlocked();
}

/* ---- What a partition is told ----------------------------------------------------------------------- */

static const void *guest_tree(unsigned int partition)
{
    return guest(partition, partitions.partition[partition].vcpu.start.tree);
}

static uint32_t cell(const void *tree, int node, const char *name, unsigned int index)
{
    int length = 0;
    const fdt32_t *cells = fdt_getprop(tree, node, name, &length);

    if (cells == NULL || (unsigned int)length <= index * sizeof(*cells))
        fail_msg("%s has no cell %u", name, index);
    return fdt32_ld(cells + index);
}

static void the_guests_tree_describes_each_window_and_its_rights(void)
{
    spec = machine_shared();
    spec->writable_by[0] = "two";
    spec->writable_by[1] = NULL;
    spec->address[1] = 0x190000000;
    spec->dma = true;
    machine_window("second", "two", "one")->address[0] = 0x1A0000000;
    machine_boot();
    const void *tree = guest_tree(0);
    int node = fdt_path_offset(tree, "/bulkhead/window@80000000");

    assert_true(node >= 0);
    assert_int_equal(fdt_node_check_compatible(tree, node, "bulkhead,window"), 0);
    assert_int_equal(cell(tree, node, "bulkhead,window", 0), 0);
    assert_string_equal(fdt_getprop(tree, node, "bulkhead,name", NULL), "samples");
    assert_string_equal(fdt_getprop(tree, node, "bulkhead,other", NULL), "two");
    assert_int_equal(cell(tree, node, "reg", 1), AT);
    assert_int_equal(cell(tree, node, "reg", 3), SIZE);
    /* A shared interrupt, by its rising edge. */
    assert_int_equal(cell(tree, node, "interrupts", 0), 0);
    assert_int_equal(cell(tree, node, "interrupts", 1), INTERRUPT_WINDOW(0) - 32);
    assert_int_equal(cell(tree, node, "interrupts", 2), 1);
    assert_non_null(fdt_getprop(tree, node, "read-only", NULL));
    assert_non_null(fdt_getprop(tree, node, "bulkhead,dma", NULL));
    tree = guest_tree(1);
    node = fdt_path_offset(tree, "/bulkhead/window@190000000");
    assert_true(node >= 0);
    assert_int_equal(cell(tree, node, "reg", 0), 1);
    assert_int_equal(cell(tree, node, "reg", 1), 0x90000000);
    assert_null(fdt_getprop(tree, node, "read-only", NULL));
    assert_string_equal(fdt_getprop(tree, node, "bulkhead,other", NULL), "one");
    node = fdt_path_offset(tree, "/bulkhead/window@1a0000000");
    assert_true(node >= 0);
    assert_int_equal(cell(tree, node, "bulkhead,window", 0), 1);
    assert_int_equal(cell(tree, node, "interrupts", 1), INTERRUPT_WINDOW(1) - 32);
    assert_null(fdt_getprop(tree, node, "bulkhead,dma", NULL));
}

/* ---- Doorbell and query ------------------------------------------------------------------------------ */

#define STRUCTURE (BASE + 0x100000)
#define RING (BASE + 0x101000)

static struct bh_query_window query(unsigned int partition, uint64_t index)
{
    struct bh_query_window *window = guest(partition, STRUCTURE);

    memset(window, 0, sizeof(*window));
    window->size = sizeof(*window);
    assert_int_equal(call3(partition, BH_CALL_QUERY, BH_QUERY_WINDOW, STRUCTURE, index), BH_OK);
    assert_int_equal(window->size, sizeof(*window));
    return *window;
}

/* The window's interrupt came since the last look. */
static bool rang(unsigned int partition, uint32_t interrupt)
{
    struct vcpu *vcpu = &partitions.partition[partition].vcpu;

    return (atomic_fetch_and(&vcpu->interrupts, ~BIT(interrupt - 32)) & BIT(interrupt - 32)) != 0;
}

static void notify_raises_the_interrupt_of_the_other_side_alone(void)
{
    spec = machine_shared();
    machine_window("second", "two", "one");
    machine_boot();
    for (unsigned int caller = 0; caller < 2; caller++) {
        for (unsigned int index = 0; index < 2; index++) {
            assert_int_equal(call1(caller, BH_CALL_NOTIFY, index), BH_OK);
            assert_int_equal(call1(caller, BH_CALL_NOTIFY, index), BH_OK); /* the same ring */
            assert_false(rang(caller, INTERRUPT_WINDOW(0)));
            assert_false(rang(caller, INTERRUPT_WINDOW(1)));
            assert_true(rang(1 - caller, INTERRUPT_WINDOW(index)));
            assert_int_equal(atomic_load(&partitions.partition[1 - caller].vcpu.interrupts), 0);
        }
    }
    expect_unlocked();
}

static void notify_and_query_of_what_is_no_window_are_enoent(void)
{
    static const uint64_t beyond[] = { 1, PARTITION_WINDOWS, BIT(32), UINT64_MAX };

    spec = machine_shared();
    machine.tree.cpus = host_cpus = 3;
    machine_partition("three");
    machine_boot();
    for (unsigned int i = 0; i < ARRAY_LENGTH(beyond); i++) {
        assert_int_equal(call1(0, BH_CALL_NOTIFY, beyond[i]), BH_ENOENT);
        assert_int_equal(call3(0, BH_CALL_QUERY, BH_QUERY_WINDOW, STRUCTURE, beyond[i]), BH_ENOENT);
    }
    assert_int_equal(call1(2, BH_CALL_NOTIFY, 0), BH_ENOENT);
    assert_int_equal(call3(2, BH_CALL_QUERY, BH_QUERY_WINDOW, STRUCTURE, 0), BH_ENOENT);
}

static void query_tells_each_side_its_own_place_and_rights(void)
{
    spec = machine_shared();
    spec->writable_by[1] = NULL;
    spec->address[1] = 0x90000000;
    spec->dma = true;
    spec->maps = 3;
    machine_boot();
    struct bh_query_window first = query(0, 0), second = query(1, 0);

    assert_int_equal(first.address, AT);
    assert_int_equal(second.address, 0x90000000);
    assert_int_equal(first.bytes, SIZE);
    assert_int_equal(second.bytes, SIZE);
    assert_int_equal(first.rights, BH_WINDOW_WRITE | BH_WINDOW_DMA);
    assert_int_equal(second.rights, BH_WINDOW_OTHER_WRITES | BH_WINDOW_DMA);
    assert_int_equal(first.state, BH_WINDOW_CONNECTED);
    assert_int_equal(first.interrupt, INTERRUPT_WINDOW(0));
    assert_int_equal(first.maps_used, 0);
    assert_int_equal(first.maps_total, 3);
    assert_string_equal(first.name, "samples");
    assert_string_equal(first.other, "two");
    assert_string_equal(second.other, "one");
    assert_int_equal(first.changes, second.changes);
    expect_unlocked();
    /* The structure's rules are those of all. */
    ((struct bh_query_window *)guest(0, STRUCTURE))->size = sizeof(first) - 1;
    assert_int_equal(call3(0, BH_CALL_QUERY, BH_QUERY_WINDOW, STRUCTURE, 0), BH_EINVAL);
    assert_int_equal(call3(0, BH_CALL_QUERY, BH_QUERY_WINDOW, AT, 0), BH_EFAULT);
}

static void a_window_without_dma_has_no_maps(void)
{
    spec = machine_shared();
    machine_boot();
    assert_int_equal(query(0, 0).rights, BH_WINDOW_WRITE | BH_WINDOW_OTHER_WRITES);
    assert_int_equal(query(0, 0).maps_total, 0);
}

static void the_survivor_learns_of_the_end_and_of_the_new_life_by_query_ring_and_interrupt(void)
{
    const struct bh_event_ring *ring;
    uint64_t changes;

    spec = machine_shared();
    machine_window("second", "two", "one");
    machine_boot();
    changes = query(0, 1).changes;
    assert_int_equal(call1(0, BH_CALL_EVENT_RING, RING), BH_OK);
    ring = guest(0, RING);
    assert_false(rang(0, INTERRUPT_WINDOW(1)));
    end(1, BH_POWER_RESET);
    assert_int_equal(query(0, 1).state, BH_WINDOW_WITHDRAWN);
    assert_int_equal(query(0, 1).changes, changes + 1);
    assert_true(rang(0, INTERRUPT_WINDOW(1)));
    assert_true(rang(0, INTERRUPT_EVENT_RING));
    assert_int_equal(ring->producer, 2);
    assert_int_equal(ring->record[1].type, BH_EVENT_WINDOW);
    assert_int_equal(ring->record[1].label, 1);
    assert_int_equal(ring->record[1].cause, BH_WINDOW_WITHDRAWN);
    assert_int_equal(ring->record[1].iova, spec->address[0] + 0x100000);
    assert_int_equal(ring->record[1].device, 0);
    assert_int_equal(ring->record[1].pasid, BH_PASID_NONE);
    assert_int_equal(ring->record[1].iommu, IOMMU_NONE);
    start_again(1);
    assert_int_equal(query(0, 1).state, BH_WINDOW_CONNECTED);
    assert_int_equal(query(0, 1).changes, changes + 2);
    assert_true(rang(0, INTERRUPT_WINDOW(1)));
    assert_int_equal(ring->record[3].cause, BH_WINDOW_CONNECTED);
    assert_int_equal(query(1, 0).state, BH_WINDOW_CONNECTED);
}

static void notify_to_a_side_that_does_not_run_is_eagain_and_no_life_finds_it(void)
{
    spec = machine_shared();
    machine_boot();
    end(1, BH_POWER_RESET);
    assert_int_equal(call1(0, BH_CALL_NOTIFY, 0), BH_EAGAIN);
    start_again(1);
    assert_false(rang(1, INTERRUPT_WINDOW(0)));
    assert_int_equal(call1(0, BH_CALL_NOTIFY, 0), BH_OK);
    assert_true(rang(1, INTERRUPT_WINDOW(0)));
    end(1, BH_POWER_OFF);
    assert_int_equal(call1(0, BH_CALL_NOTIFY, 0), BH_EAGAIN);
    expect_unlocked();
}

int run_windows_tests(void)
{
    const struct CMUnitTest tests[] = {
        TEST(both_sides_see_what_the_other_wrote_and_a_first_life_finds_zeros),
        TEST(a_first_life_finds_zeros_whatever_the_memory_held),
        TEST(a_window_of_blocks_is_one_of_blocks_for_both),
        TEST(i13_who_may_not_write_may_only_read_and_nobody_may_execute),
        TEST(i13_a_partition_that_is_no_side_has_nothing_there),
        TEST(when_a_side_ends_the_survivor_has_memory_of_its_own_there_all_zero),
        TEST(i4_a_new_life_finds_zeros_and_the_survivor_with_it),
        TEST(i4_a_new_life_finds_zeros_behind_the_caches_as_well),
        TEST(a_live_sides_leaves_are_broken_before_they_lead_elsewhere),
        TEST(i4_what_a_life_wrote_alone_no_later_one_finds),
        TEST(a_side_that_ends_alone_changes_nothing_for_the_one_that_is_gone),
        TEST(a_pool_too_small_for_its_windows_is_refused_by_name),
        TEST(a_partition_that_was_ended_is_withdrawn_like_one_that_ended),
        TEST(an_address_without_translation_is_tried_again_where_a_window_lies_only),
        TEST(the_guests_tree_describes_each_window_and_its_rights),
        TEST(notify_raises_the_interrupt_of_the_other_side_alone),
        TEST(notify_and_query_of_what_is_no_window_are_enoent),
        TEST(query_tells_each_side_its_own_place_and_rights),
        TEST(a_window_without_dma_has_no_maps),
        TEST(the_survivor_learns_of_the_end_and_of_the_new_life_by_query_ring_and_interrupt),
        TEST(notify_to_a_side_that_does_not_run_is_eagain_and_no_life_finds_it),
    };

    return RUN_GROUP("kernel/window");
}
