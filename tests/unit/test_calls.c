/* SPDX-License-Identifier: Apache-2.0 */
/* Discovery, information, query and console calls, and the errors that abi.h documents for each. */
#include <stdio.h>
#include <string.h>

#include "groups.h"
#include "machine.h"
#include "observer.h"

#define BASE UINT64_C(0x40000000)
#define VISIBLE (UINT64_C(0x400000) - 64 * PAGE_SIZE)
#define PAGE_AT (BASE + 0x100000)
#define FOREIGN_ID (DEVICE_ID_PCI | 0x200)

static void start(void)
{
    machine_plain();
    observer_start();
    machine_boot();
}

/* The call is refused with this code and nothing at all has changed. */
static void expect_refusal(int64_t code, uint64_t number, uint64_t a, uint64_t b, uint64_t c)
{
    uint64_t before = machine_state();
    int64_t result = call3(0, number, a, b, c);

    if (result != code)
        fail_msg("call %llu (0x%llx, 0x%llx, 0x%llx) answers %lld, not %lld",
                 (unsigned long long)number, (unsigned long long)a, (unsigned long long)b,
                 (unsigned long long)c, (long long)result, (long long)code);
    assert_int_equal(machine_state(), before);
}

static void version_and_features_answer(void)
{
    start();
    assert_int_equal(call0(0, BH_CALL_VERSION), BH_ABI_MAJOR << 16 | BH_ABI_MINOR);
    for (uint64_t number = 0; number < BH_CALL_LIMIT; number++)
        assert_int_equal(call1(0, BH_CALL_FEATURES, number), BH_OK);
    expect_refusal(BH_NOT_SUPPORTED, BH_CALL_FEATURES, BH_CALL_LIMIT, 0, 0);
    expect_refusal(BH_NOT_SUPPORTED, BH_CALL_FEATURES, UINT64_MAX, 0, 0);
}

static void partition_info_tells_who_the_caller_is(void)
{
    struct bh_partition_info *info;

    start();
    info = guest(0, PAGE_AT);
    info->size = sizeof(*info);
    assert_int_equal(call1(0, BH_CALL_PARTITION_INFO, PAGE_AT), BH_OK);
    assert_int_equal(info->size, sizeof(*info));
    assert_int_equal(info->device_count, 1);
    assert_int_equal(info->processor_count, 1);
    assert_int_equal(info->memory_base, BASE);
    assert_int_equal(info->memory_size, VISIBLE);
    assert_int_equal(info->pool_pages_total, 64);
    assert_true(info->pool_pages_free < 64);
    assert_int_equal(info->ioas_limit, PARTITION_IOAS);
    assert_string_equal(info->name, "one");
    assert_int_equal(info->event_interrupt, 32);
    assert_int_equal(info->console_interrupt, 33);
}

static void row_2_4_device_info_tells_what_the_device_is_and_can(void)
{
    struct bh_device_info *info;

    start();
    info = guest(0, PAGE_AT);
    info->size = sizeof(*info);
    assert_int_equal(call2(0, BH_CALL_DEVICE_INFO, 0, PAGE_AT), BH_OK);
    assert_int_equal(info->device, DEVICE1_ID);
    assert_int_equal(info->group_reasons, 0);
    assert_int_equal(info->group_members, 1);
    assert_int_equal(info->iommu, 0);
    assert_int_equal(info->capabilities, BH_DEVICE_DMA | BH_DEVICE_FLR);
    assert_int_equal(info->interrupts, BH_INTERRUPTS_NONE);
    assert_int_equal(info->pasid_bits, 0);
    assert_int_equal(info->vendor_device, 0x10021234);
    assert_int_equal(info->aperture_first, 0);
    assert_int_equal(info->aperture_last, BIT(48) - 1);
    assert_int_equal(info->page_sizes, BIT(12) | BIT(21) | BIT(30));
    assert_int_equal(info->bar[0].bytes, 0x1000);
    assert_int_equal(info->bar[2].bytes, 0x4000);
    assert_true(is_aligned(info->bar[2].address, 0x4000) && info->bar[2].address != 0);
    assert_int_equal(info->bar[1].bytes, 0);
    assert_string_equal(info->name, DEVICE1_NAME);
    expect_refusal(BH_ENOENT, BH_CALL_DEVICE_INFO, 1, PAGE_AT, 0);
    expect_refusal(BH_ENOENT, BH_CALL_DEVICE_INFO, UINT64_MAX, PAGE_AT, 0);
}

/* A structure of that call at address, as big as `size` says; a = first argument of the call. */
static void pass(uint64_t number, bool second, uint64_t first, uint64_t address, int64_t code)
{
    uint64_t subject = first == BH_QUERY_CALLS ? BH_PARTITION_SELF : DEVICE1_ID;

    expect_refusal(code, number, second ? first : address, second ? address : 0,
                   number == BH_CALL_QUERY ? subject : 0);
}

static void i10_a_wild_structure_pointer_is_efault_in_every_call_that_takes_one(void)
{
    static const struct {
        uint64_t number, first, size; /* of the first version */
        bool second;
    } calls[] = {
        { BH_CALL_PARTITION_INFO, 0, 88, false },
        { BH_CALL_DEVICE_INFO, 0, 200, true },
        { BH_CALL_QUERY, BH_QUERY_STATE, 40, true },
        { BH_CALL_QUERY, BH_QUERY_FAULT, 56, true },
        { BH_CALL_QUERY, BH_QUERY_POOL, 40, true },
        { BH_CALL_QUERY, BH_QUERY_HEALTH, 64, true },
        { BH_CALL_QUERY, BH_QUERY_DIGEST, 40, true },
        { BH_CALL_QUERY, BH_QUERY_COUNTERS, 40, true },
        { BH_CALL_QUERY, BH_QUERY_CALLS, 1040, true },
    };
    static const uint64_t wild[] = { 0,
                                     8,
                                     BASE - 8,
                                     BASE + VISIBLE,
                                     BASE + VISIBLE - 4,
                                     BASE + 0x3FFFF8,
                                     PAGE_AT + 4,
                                     PAGE_AT + 1,
                                     UINT64_MAX,
                                     UINT64_MAX - 7,
                                     UINT64_C(0x8000000040000000) };

    start();
    for (unsigned int i = 0; i < ARRAY_LENGTH(calls); i++) {
        for (unsigned int w = 0; w < ARRAY_LENGTH(wild); w++)
            pass(calls[i].number, calls[i].second, calls[i].first, wild[w], BH_EFAULT);
        /* The size lies inside, the rest does not. */
        uint64_t last = BASE + VISIBLE - 8;

        *(uint64_t *)guest(0, last) = calls[i].size;
        pass(calls[i].number, calls[i].second, calls[i].first, last, BH_EFAULT);
        /* A size smaller than the first version. */
        *(uint64_t *)guest(0, PAGE_AT) = calls[i].size - 1;
        pass(calls[i].number, calls[i].second, calls[i].first, PAGE_AT, BH_EINVAL);
        *(uint64_t *)guest(0, PAGE_AT) = 0;
        pass(calls[i].number, calls[i].second, calls[i].first, PAGE_AT, BH_EINVAL);
    }
}

static void a_larger_structure_is_filled_as_far_as_the_hypervisor_knows_it(void)
{
    struct bh_query_pool *pool;

    start();
    pool = guest(0, PAGE_AT);
    memset(pool, 0x5A, 256);
    pool->size = 256;
    assert_int_equal(call2(0, BH_CALL_QUERY, BH_QUERY_POOL, PAGE_AT), BH_OK);
    assert_int_equal(pool->size, sizeof(*pool));
    assert_int_equal(pool->ioas_total, PARTITION_IOAS);
    assert_int_equal(((uint8_t *)pool)[sizeof(*pool)], 0x5A);
}

static void a_structure_of_the_first_version_is_filled_as_far_as_it_goes(void)
{
    struct bh_partition_info *self;
    struct bh_device_info *device;

    start();
    self = guest(0, PAGE_AT);
    memset(self, 0x5A, 256);
    self->size = 88;
    assert_int_equal(call2(0, BH_CALL_PARTITION_INFO, PAGE_AT, 0), BH_OK);
    assert_int_equal(self->size, 88);
    assert_string_equal(self->name, "one");
    assert_int_equal(self->event_interrupt, 0x5A5A5A5A);

    /* The rest of a later version may lie outside. */
    device = guest(0, BASE + VISIBLE - 200);
    device->size = 200;
    assert_int_equal(call2(0, BH_CALL_DEVICE_INFO, 0, BASE + VISIBLE - 200), BH_OK);
    assert_int_equal(device->size, 200);
    assert_int_equal(device->device, DEVICE1_ID);
}

static void query_tells_the_digests_of_set_and_image_as_the_log_has_them(void)
{
    struct bh_query_digest *digest;
    char line[96] = "SHA-256 ";

    start();
    digest = guest(0, PAGE_AT);
    *digest = (struct bh_query_digest){ .size = sizeof(*digest) };
    assert_int_equal(call2(0, BH_CALL_QUERY, BH_QUERY_DIGEST, PAGE_AT), BH_OK);
    for (unsigned int i = 0; i < sizeof(digest->set); i++)
        snprintf(line + strlen(line), 3, "%02x", digest->set[i]);
    assert_console(line);
    assert_int_equal(digest->size, sizeof(*digest));
    for (unsigned int i = 0; i < sizeof(digest->image); i++)
        assert_int_equal(digest->image[i], HOST_IMAGE_DIGEST);
    assert_console("image, SHA-256 d5d5d5d5");
    /* What was asked for before there was the image's. */
    memset(digest, 0, sizeof(*digest));
    digest->size = BH_QUERY_DIGEST_FIRST_BYTES;
    assert_int_equal(call2(0, BH_CALL_QUERY, BH_QUERY_DIGEST, PAGE_AT), BH_OK);
    assert_int_equal(digest->size, BH_QUERY_DIGEST_FIRST_BYTES);
    assert_int_equal(digest->image[0], 0);
}

static struct bh_query_counters counters_of(unsigned int partition)
{
    struct bh_query_counters *counters = guest(partition, PAGE_AT);

    *counters = (struct bh_query_counters){ .size = sizeof(*counters) };
    assert_int_equal(call2(partition, BH_CALL_QUERY, BH_QUERY_COUNTERS, PAGE_AT), BH_OK);
    assert_int_equal(counters->size, sizeof(*counters));
    return *counters;
}

static void expect_cost(unsigned int partition, const struct bh_query_counters *before,
                        uint64_t calls, uint64_t commands, uint64_t syncs, uint32_t locks)
{
    struct bh_query_counters now = counters_of(partition);

    /* The second query is one of the calls. */
    assert_int_equal(now.calls - before->calls, calls + 1);
    assert_int_equal(now.commands - before->commands, commands);
    assert_int_equal(now.syncs - before->syncs, syncs);
    assert_int_equal(now.locks - before->locks, locks);
}

static void query_tells_what_the_callers_calls_cost(void)
{
    struct bh_query_counters before;
    uint64_t ioas;

    start();
    before = counters_of(0);
    assert_true(before.calls == 1 && before.units == 1);
    assert_int_equal(call1(0, BH_CALL_FEATURES, BH_CALL_LIMIT), BH_NOT_SUPPORTED);
    expect_cost(0, &before, 1, 0, 0, 0);
    ioas = bind_and_attach(0, DEVICE1_ID, 1);
    before = counters_of(0);
    /* The ioas, and three tables of the pool. */
    assert_int_equal(map(0, ioas, 0x10000, BASE, PAGE_SIZE), BH_OK);
    expect_cost(0, &before, 1, 0, 0, 4);
    before = counters_of(0);
    assert_int_equal(map(0, ioas, 0x11000, BASE, PAGE_SIZE), BH_OK);
    assert_int_equal(map(0, ioas, 0x11000, BASE, PAGE_SIZE), BH_EEXIST);
    expect_cost(0, &before, 2, 0, 0, 2);
    before = counters_of(0);
    assert_int_equal(unmap(0, ioas, 0x10000, PAGE_SIZE), BH_OK);
    expect_cost(0, &before, 1, 1, 1, 1);
}

static void counters_tell_of_units_that_the_caller_has_alone(void)
{
    struct bh_query_counters before, other;
    uint64_t ioas;

    machine_plain();
    pci_model_express(&machine.pci, DEVICE2, 0, true);
    machine_partition("two")->pci[0] = DEVICE2_NAME;
    machine_boot();
    before = counters_of(0);
    assert_true(before.units == 0 && before.commands == 0 && before.syncs == 0);
    other = counters_of(1);
    ioas = bind_and_attach(1, DEVICE2_ID, 1);
    assert_int_equal(map(1, ioas, 0x10000, BASE, PAGE_SIZE), BH_OK);
    assert_int_equal(unmap(1, ioas, 0x10000, PAGE_SIZE), BH_OK);
    expect_cost(0, &before, 0, 0, 0, 0);
    assert_true(counters_of(1).calls > other.calls);
    assert_true(counters_of(1).locks != other.locks && counters_of(1).commands == 0);
}

static void counters_leave_out_the_unit_that_another_uses_too(void)
{
    const struct smmuv3_model_parameters parameters = smmuv3_model_like_mmu600();
    struct bh_query_counters before;

    machine_plain();
    machine_unit_for_bus(&parameters, 2);
    pci_model_express(&machine.pci, DEVICE2, 0, true);
    machine.partition[0].pci[1] = DEVICE2_NAME;
    machine_partition("two")->pci[0] = DEVICE1_NAME;
    machine_boot();
    assert_int_equal(counters_of(1).units, 0);
    before = counters_of(0);
    assert_int_equal(before.units, 1);
    bind_and_attach(0, DEVICE1_ID, 1);
    assert_int_equal(counters_of(0).commands, before.commands);
    bind_and_attach(0, DEVICE2_ID, 2);
    assert_true(counters_of(0).commands > before.commands);
}

static void query_refuses_what_it_does_not_know(void)
{
    start();
    *(uint64_t *)guest(0, PAGE_AT) = 256;
    for (uint64_t what = 0; what < 16; what++) {
        if (query_bytes(what) == 0)
            expect_refusal(BH_EINVAL, BH_CALL_QUERY, what, PAGE_AT, DEVICE1_ID);
    }
    expect_refusal(BH_EINVAL, BH_CALL_QUERY, UINT64_MAX, PAGE_AT, DEVICE1_ID);
    expect_refusal(BH_ENOENT, BH_CALL_QUERY, BH_QUERY_STATE, PAGE_AT, FOREIGN_ID);
    expect_refusal(BH_ENOENT, BH_CALL_QUERY, BH_QUERY_FAULT, PAGE_AT, 0);
}

static void query_follows_the_life_of_a_device(void)
{
    struct bh_query_state state;
    uint64_t generation;

    start();
    state = query_state(0, DEVICE1_ID);
    assert_int_equal(state.owner, BH_OWNER_NONE);
    assert_int_equal(state.bound, 0);
    assert_int_equal(state.label, 0);
    generation = state.generation;
    assert_int_equal(bind(0, DEVICE1_ID, 0xFEED), BH_OK);
    state = query_state(0, DEVICE1_ID);
    assert_int_equal(state.owner, BH_OWNER_SELF);
    assert_int_equal(state.bound, 1);
    assert_int_equal(state.label, 0xFEED);
    assert_int_equal(state.ioas, 0);
    int64_t ioas = call2(0, BH_CALL_IOAS_ALLOC_PAGING, DEVICE1_ID, BH_IOAS_NONE);

    assert_int_equal(query_pool(0).ioas_used, 1);
    assert_int_equal(call3(0, BH_CALL_ATTACH, DEVICE1_ID, BH_PASID_NONE, (uint64_t)ioas), BH_OK);
    state = query_state(0, DEVICE1_ID);
    assert_int_equal(state.ioas, ioas);
    assert_int_equal(state.generation, generation + 1);
    assert_int_equal(call2(0, BH_CALL_DETACH, DEVICE1_ID, BH_PASID_NONE), BH_OK);
    assert_int_equal(query_state(0, DEVICE1_ID).generation, generation + 2);
}

/* ---- Console ------------------------------------------------------------------------------------- */

static int64_t say(uint64_t address, const char *text)
{
    memcpy(guest(0, address), text, strlen(text));
    return call2(0, BH_CALL_CONSOLE_WRITE, address, strlen(text));
}

static void console_lines_come_out_whole_with_the_partitions_name(void)
{
    start();
    assert_int_equal(say(PAGE_AT, "hello\nwor"), BH_OK);
    assert_int_equal(machine.x[1], 9);
    assert_int_equal(say(PAGE_AT + 1, "ld\r\n"), BH_OK);
    assert_int_equal(say(PAGE_AT, "\x1b[31mred\x07\n"), BH_OK);
    assert_console("\n[one] hello\n");
    assert_console("\n[one] world\n");
    assert_console("\n[one] .[31mred.\n");
}

static void a_line_that_was_not_ended_comes_out_at_the_end(void)
{
    start();
    assert_int_equal(say(PAGE_AT, "last words"), BH_OK);
    call2(0, BH_CALL_POWER, BH_POWER_OFF, 0);
    assert_int_equal(machine.end, HOST_OFF);
    assert_console("\n[one] last words\n");
}

static void console_write_refuses_bad_ranges(void)
{
    static char text[BH_CONSOLE_BYTES_PER_CALL + 1];

    start();
    memset(text, 'x', BH_CONSOLE_BYTES_PER_CALL);
    expect_refusal(BH_EINVAL, BH_CALL_CONSOLE_WRITE, PAGE_AT, 0, 0);
    expect_refusal(BH_EINVAL, BH_CALL_CONSOLE_WRITE, PAGE_AT, BH_CONSOLE_BYTES_PER_CALL + 1, 0);
    expect_refusal(BH_EINVAL, BH_CALL_CONSOLE_WRITE, PAGE_AT, UINT64_MAX, 0);
    expect_refusal(BH_EFAULT, BH_CALL_CONSOLE_WRITE, BASE - 1, 2, 0);
    expect_refusal(BH_EFAULT, BH_CALL_CONSOLE_WRITE, BASE + VISIBLE - 1, 2, 0);
    expect_refusal(BH_EFAULT, BH_CALL_CONSOLE_WRITE, UINT64_MAX, 2, 0);
    assert_int_equal(call2(0, BH_CALL_CONSOLE_WRITE, BASE + VISIBLE - 1, 1), BH_OK);
    assert_int_equal(say(PAGE_AT, text), BH_OK);
}

static void i7_a_guest_that_writes_more_than_the_port_takes_loses_its_own_lines_only(void)
{
    start();
    machine_drain_console();
    machine.serial_stuck = true;
    for (unsigned int i = 0; i < 400; i++)
        assert_int_equal(say(PAGE_AT, "the quick brown fox jumps over the lazy dog\n"), BH_OK);
    assert_true(log_dropped(1) > 0);
    assert_int_equal(log_dropped(0), 0);
    machine.serial_stuck = false;
    machine_drain_console();
    assert_int_equal(say(PAGE_AT, "afterwards\n"), BH_OK);
    assert_console("lines lost here\n");
    assert_console("\n[one] afterwards\n");
}

/* ---- Power --------------------------------------------------------------------------------------- */

static void power_refuses_unknown_actions_and_codes(void)
{
    start();
    expect_refusal(BH_EINVAL, BH_CALL_POWER, 2, 0, 0);
    expect_refusal(BH_EINVAL, BH_CALL_POWER, UINT64_MAX, 0, 0);
    expect_refusal(BH_EINVAL, BH_CALL_POWER, BH_POWER_OFF, 256, 0);
}

int run_calls_tests(void)
{
    const struct CMUnitTest tests[] = {
        TEST(version_and_features_answer),
        TEST(partition_info_tells_who_the_caller_is),
        TEST(row_2_4_device_info_tells_what_the_device_is_and_can),
        TEST(i10_a_wild_structure_pointer_is_efault_in_every_call_that_takes_one),
        TEST(a_larger_structure_is_filled_as_far_as_the_hypervisor_knows_it),
        TEST(a_structure_of_the_first_version_is_filled_as_far_as_it_goes),
        TEST(query_tells_the_digests_of_set_and_image_as_the_log_has_them),
        TEST(query_tells_what_the_callers_calls_cost),
        TEST(counters_tell_of_units_that_the_caller_has_alone),
        TEST(counters_leave_out_the_unit_that_another_uses_too),
        TEST(query_refuses_what_it_does_not_know),
        TEST(query_follows_the_life_of_a_device),
        TEST(console_lines_come_out_whole_with_the_partitions_name),
        TEST(a_line_that_was_not_ended_comes_out_at_the_end),
        TEST(console_write_refuses_bad_ranges),
        TEST(i7_a_guest_that_writes_more_than_the_port_takes_loses_its_own_lines_only),
        TEST(power_refuses_unknown_actions_and_codes),
    };

    return RUN_GROUP("kernel/calls");
}
