/* SPDX-License-Identifier: Apache-2.0 */
/* Functions that are pulled out in whatever state they are (kernel/presence.c), what their owner sees of it, and how much is
 * done at a time. */
#include "groups.h"
#include "presence_bench.h"

#define LOOKS 8 /* of one turn, as documented */

/* ---- In whatever state ---------------------------------------------------------------------------------- */

static void a_device_that_nobody_has_is_told_to_all_that_list_it(void)
{
    start_free();
    pull(DEVICE1);
    turn();
    expect_nobodys();
    assert_int_equal(told(OWNER, BH_EVENT_DEVICE_REMOVED), 1);
    assert_int_equal(told(BESIDE, BH_EVENT_DEVICE_REMOVED), 1);
}

static void a_device_that_is_bound_and_not_attached_is_taken(void)
{
    start_free();
    assert_int_equal(bind(OWNER, DEVICE1_ID, LABEL), BH_OK);
    pull(DEVICE1);
    turn();
    expect_nobodys();
    assert_int_equal(told(OWNER, BH_EVENT_DEVICE_REMOVED), 1);
    assert_int_equal(told(BESIDE, BH_EVENT_DEVICE_REMOVED), 0);
}

static void i6_a_device_that_is_pulled_out_in_the_reset_of_its_bind_is_parked(void)
{
    start_free();
    assert_int_equal(call2(OWNER, BH_CALL_DEVICE_BIND, DEVICE1_ID, 1), BH_EAGAIN);
    pull(DEVICE1);
    turn(); /* a function that is being reset is silent, too */
    assert_int_equal(device()->presence, PCI_PRESENT);
    assert_int_equal(bind(OWNER, DEVICE1_ID, 1), BH_ETIMEDOUT);
    turn();
    expect_nobodys();
    assert_int_equal(told(OWNER, BH_EVENT_DEVICE_REMOVED), 1);
}

static void i6_a_device_that_is_pulled_out_in_its_reset_is_detached_and_then_taken(void)
{
    start_attached();
    assert_int_equal(call1(OWNER, BH_CALL_DEVICE_RESET, DEVICE1_ID), BH_EAGAIN);
    pull(DEVICE1);
    assert_int_equal(reset_all(OWNER), BH_ETIMEDOUT);
    expect_parked(DEVICE1);
    turn();
    expect_nobodys();
    assert_int_equal(told(OWNER, BH_EVENT_DEVICE_REMOVED), 1);
    insert(DEVICE1);
    turn();
    expect_parked(DEVICE1);
    assert_int_equal(bind(OWNER, DEVICE1_ID, 1), BH_OK);
}

/* Its settle time is not over although nobody waits for it any more. */
static void a_device_whose_reset_was_given_up_is_given_its_time(void)
{
    start_free();
    assert_int_equal(call2(OWNER, BH_CALL_DEVICE_BIND, DEVICE1_ID, 1), BH_EAGAIN);
    machine.pci.function[DEVICE1].silent_reads = PCI_MODEL_NEVER;
    assert_int_equal(call1(OWNER, BH_CALL_DEVICE_UNBIND, DEVICE1_ID), BH_OK);
    turn();
    assert_int_equal(device()->presence, PCI_PRESENT);
    host_advance(1000000000);
    turn();
    assert_int_equal(device()->presence, PCI_ABSENT);
}

static void a_device_whose_group_is_in_use_at_this_moment_is_looked_at_later(void)
{
    start_free();
    pull(DEVICE1);
    lock_acquire(&device()->group->lock);
    turn();
    assert_int_equal(device()->presence, PCI_PRESENT);
    lock_release(&device()->group->lock);
    turn();
    assert_int_equal(device()->presence, PCI_ABSENT);
}

static void a_device_that_is_gone_is_given_to_nobody(void)
{
    start_attached();
    pull(DEVICE1);
    turn();
    assert_int_equal(call2(MANAGER, BH_CALL_DEVICE_GIVE, DEVICE1_ID, BESIDE), BH_ENOENT);
    assert_int_equal(device()->group->reserved, GROUP_FREE);
    insert(DEVICE1);
    turn();
    assert_int_equal(call2(MANAGER, BH_CALL_DEVICE_GIVE, DEVICE1_ID, BESIDE), BH_EAGAIN);
}

static void i6_a_device_that_is_found_gone_on_the_way_to_another_is_withheld(void)
{
    int64_t result;

    start_free();
    assert_int_equal(call2(MANAGER, BH_CALL_DEVICE_GIVE, DEVICE1_ID, BESIDE), BH_EAGAIN);
    call2(MANAGER, BH_CALL_POWER, BH_POWER_RESET,
          0); /* the reset is given up, the reservation stays */
    assert_int_equal(machine_run_cpu(partitions.partition[MANAGER].cpu), HOST_GUEST);
    host_advance(1000000000);
    pull(DEVICE1);
    turn();
    while ((result = call2(MANAGER, BH_CALL_DEVICE_GIVE, DEVICE1_ID, BESIDE)) == BH_EAGAIN)
        host_advance(machine.x[1]);
    assert_int_equal(result, BH_ENOENT);
    assert_console("0000:01:00.0: not given to two: it is gone");
    insert(DEVICE1);
    turn();
    assert_int_equal(told(BESIDE, BH_EVENT_DEVICE_ADDED), 0);
    assert_int_equal(bind(BESIDE, DEVICE1_ID, 1), BH_EPERM);
}

static void a_member_that_is_gone_does_not_keep_its_group_from_being_given(void)
{
    int64_t result;

    start_group();
    pull(DEVICE1);
    turn();
    while ((result = call2(MANAGER, BH_CALL_DEVICE_GIVE, SIBLING_ID, BESIDE)) == BH_EAGAIN) {
        host_advance(machine.x[1]);
        machine_recall(OWNER);
    }
    assert_int_equal(result, BH_OK);
    assert_int_equal(bind(BESIDE, SIBLING_ID, 1), BH_OK);
}

static void i12_the_interrupt_line_of_a_device_that_is_gone_leads_nowhere(void)
{
    uint32_t interrupt;

    prepare();
    machine.pci.function[DEVICE1].config[0x3D] = 1;
    boot();
    attach();
    assert_non_null(host_route(MACHINE_LINE(1, 1), &interrupt));
    pull(DEVICE1);
    turn();
    assert_null(host_route(MACHINE_LINE(1, 1), &interrupt));
}

static void i6_a_unit_that_does_not_park_what_is_gone_costs_its_owner_the_memory(void)
{
    start_attached();
    pull(DEVICE1);
    smmuv3_model_set_late(machine.unit[0], SMMUV3_MODEL_LATE_SYNC, SMMUV3_MODEL_NEVER);
    turn();
    assert_true(partitions.partition[OWNER].pinned);
    assert_null(device()->bound);
}

/* ---- What the guest does that had it -------------------------------------------------------------------- */

static bool access_registers(unsigned int partition, uint64_t address, bool write, uint64_t *value)
{
    return host_guest_ops->access(&partitions.partition[partition].vcpu, address, 4, write, value);
}

static void registers_of_what_was_pulled_out_read_as_all_ones_and_end_nobody(void)
{
    struct topology_range last;
    uint64_t value = 0x5A;

    start_attached();
    last = device_registers(device(), 2);
    assert_false(access_registers(OWNER, last.base, false, &value));
    pull(DEVICE1);
    turn();
    assert_true(access_registers(OWNER, last.base + last.size - 4, false, &value));
    assert_int_equal(value, UINT64_MAX);
    value = 0x5A;
    assert_true(access_registers(OWNER, last.base, true, &value));
    assert_int_equal(value, 0x5A);
    assert_false(access_registers(OWNER, last.base + last.size, false, &value));
    assert_false(access_registers(BESIDE, last.base, false, &value)); /* it never had it */
}

static void its_configuration_space_reads_as_all_ones_until_it_is_taken(void)
{
    start_attached();
    pull(DEVICE1);
    assert_int_equal(call3(OWNER, BH_CALL_DEVICE_CONFIG_READ, DEVICE1_ID, 0, 4), BH_OK);
    assert_int_equal(machine.x[1], UINT32_MAX);
    turn();
    assert_int_equal(call3(OWNER, BH_CALL_DEVICE_CONFIG_READ, DEVICE1_ID, 0, 4), BH_EPERM);
}

/* ---- How much at a time --------------------------------------------------------------------------------- */

static void i7_one_turn_looks_at_eight_functions_whatever_there_is(void)
{
    const enum smmuv3_model_variant variants[5] = { SMMUV3_MODEL_PLAIN };
    const unsigned int all = ARRAY_LENGTH(variants) * ENDPOINTS_A_UNIT;

    machine_units(variants, ARRAY_LENGTH(variants));
    machine_boot();
    for (unsigned int i = 0; i < all; i++)
        pull(machine.endpoint[i]);
    for (unsigned int turns = 1; turns <= 2; turns++) {
        unsigned int gone = 0;

        assert_int_equal(host_every(), 1);
        for (uint32_t i = 0; i < devices.count; i++)
            gone += devices.device[i].presence == PCI_ABSENT;
        assert_int_equal(gone, turns == 1 ? LOOKS : all);
    }
}

static void a_machine_whose_partitions_have_no_functions_has_no_turns(void)
{
    machine_plain();
    machine.partition[0].pci[0] = NULL;
    machine.partition[0].block[0] = CLOCK_NAME;
    machine_boot();
    assert_int_equal(host_every(), 0);
}

static void functions_that_nobody_lists_are_not_looked_at(void)
{
    start_free();
    pull(DEVICE2);
    turn();
    assert_int_equal(device_find(DEVICE2_NAME)->presence, PCI_PRESENT);
}

/* ---- All of it, in any order ---------------------------------------------------------------------------- */

static uint32_t draw(uint64_t *seed, uint32_t count)
{
    *seed = *seed * UINT64_C(6364136223846793005) + 1442695040888963407;
    return (uint32_t)(*seed >> 33) % count;
}

static unsigned int binds;

/* One thing happens to one of the two functions; whatever it answers, the observer looks on. */
static void step(uint64_t *seed)
{
    const int functions[] = { DEVICE1, sibling };
    const uint64_t ids[] = { DEVICE1_ID, SIBLING_ID };
    unsigned int which = draw(seed, 2), p = draw(seed, 4) == 0 ? BESIDE : OWNER;
    uint64_t id = ids[which];

    switch (draw(seed, 12)) {
    case 0:
        pull(functions[which]);
        break;
    case 1:
    case 2:
    case 10:
        if (machine.pci.function[functions[which]].gone)
            insert(functions[which]);
        break;
    case 3:
    case 4:
        turn();
        break;
    case 5:
    case 11:
        binds += bind(p, id, which + 1) == BH_OK;
        break;
    case 6:
        call3(p, BH_CALL_ATTACH, id, BH_PASID_NONE, ioas);
        break;
    case 7:
        call2(p, BH_CALL_DETACH, id, BH_PASID_NONE);
        break;
    case 8:
        call1(p, draw(seed, 2) == 0 ? BH_CALL_DEVICE_UNBIND : BH_CALL_DEVICE_RESET, id);
        host_advance(draw(seed, 2) * UINT64_C(200000000));
        break;
    default:
        fire(functions[which]);
        break;
    }
}

static void row_0_15_what_comes_and_goes_beside_attach_and_detach_is_parked_or_its_owners(void)
{
    unsigned int landed = 0;
    uint64_t seed = 1;

    binds = 0;
    start_group();
    for (uint64_t round = 0; round < 3000; round++) {
        step(&seed);
        bool lands = dma_write(DEVICE1, IOVA, 0x11) == DMA_LANDED;

        if (lands || device()->bound != NULL)
            assert_int_equal(device()->presence, PCI_PRESENT);
        if (lands)
            assert_ptr_equal(device()->bound, &partitions.partition[OWNER]);
        landed += lands;
    }
    assert_true(landed > 50);
    assert_true(binds > 5);
    assert_true(told(OWNER, BH_EVENT_DEVICE_ADDED) > 5);
    assert_units_clean();
}

int run_presence_states_tests(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_device_that_nobody_has_is_told_to_all_that_list_it),
        TEST(a_device_that_is_bound_and_not_attached_is_taken),
        TEST(i6_a_device_that_is_pulled_out_in_the_reset_of_its_bind_is_parked),
        TEST(i6_a_device_that_is_pulled_out_in_its_reset_is_detached_and_then_taken),
        TEST(a_device_whose_reset_was_given_up_is_given_its_time),
        TEST(a_device_whose_group_is_in_use_at_this_moment_is_looked_at_later),
        TEST(a_device_that_is_gone_is_given_to_nobody),
        TEST(i6_a_device_that_is_found_gone_on_the_way_to_another_is_withheld),
        TEST(a_member_that_is_gone_does_not_keep_its_group_from_being_given),
        TEST(i12_the_interrupt_line_of_a_device_that_is_gone_leads_nowhere),
        TEST(i6_a_unit_that_does_not_park_what_is_gone_costs_its_owner_the_memory),
        TEST(registers_of_what_was_pulled_out_read_as_all_ones_and_end_nobody),
        TEST(its_configuration_space_reads_as_all_ones_until_it_is_taken),
        TEST(i7_one_turn_looks_at_eight_functions_whatever_there_is),
        TEST(a_machine_whose_partitions_have_no_functions_has_no_turns),
        TEST(functions_that_nobody_lists_are_not_looked_at),
        TEST(row_0_15_what_comes_and_goes_beside_attach_and_detach_is_parked_or_its_owners),
    };

    return RUN_GROUP("devices that are pulled out in any state");
}
