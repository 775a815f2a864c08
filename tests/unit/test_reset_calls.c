/* SPDX-License-Identifier: Apache-2.0 */
/* device_reset (kernel/assign.c): what the device reaches before, meanwhile and afterwards, what other calls may do
 * in between, and every refusal. And how a bind goes on whose reset was given up before. */
#include <string.h>

#include "groups.h"
#include "machine.h"
#include "observer.h"

#define BASE UINT64_C(0x40000000)
#define IOVA UINT64_C(0x10000)
#define MASTER_DECODE_INTX 0x407 /* bits of the command register */

static uint64_t ioas;

/* Both devices are the partition's; the first has FLR, the second not. */
static void start(void)
{
    machine_plain();
    machine.partition[0].pci[1] = DEVICE2_NAME;
    observer_start();
    machine_boot();
}

static void attach(void)
{
    start();
    ioas = bind_and_attach(0, DEVICE1_ID, 1);
    assert_int_equal(map(0, ioas, IOVA, BASE, PAGE_SIZE), BH_OK);
    assert_int_equal(dma_write(DEVICE1, IOVA, 1), DMA_LANDED);
}

static int64_t reset(uint64_t device)
{
    return call1(0, BH_CALL_DEVICE_RESET, device);
}

/* To the end, as a guest does it. */
static int64_t reset_all(uint64_t device)
{
    int64_t result = reset(device);

    for (unsigned int tries = 0; result == BH_EAGAIN && tries < 2000; tries++) {
        assert_true(machine.x[1] != 0);
        host_advance(machine.x[1]);
        result = reset(device);
    }
    return result;
}

static void expect_refusal(int64_t code, uint64_t number, uint64_t a, uint64_t b, uint64_t c)
{
    uint64_t before = machine_state();

    assert_int_equal(call3(0, number, a, b, c), code);
    assert_int_equal(machine_state(), before);
}

static uint16_t command(int function)
{
    return pci_model_get16(&machine.pci, function, 4);
}

/* The device behaves badly: it turns its bus mastering on by itself. */
static enum dma write_all_the_same(int function)
{
    pci_model_set16(&machine.pci, function, 4, command(function) | 4);
    return dma_write(function, IOVA, 2);
}

static void
row_1_23_an_attached_device_reaches_nothing_in_its_reset_and_what_it_did_before_after_it(void)
{
    attach();
    uint32_t resets = machine.pci.function[DEVICE1].function_resets;

    assert_int_equal(reset(DEVICE1_ID), BH_EAGAIN);
    assert_in_range(machine.x[1], 90000000, 100000000);
    assert_int_equal(machine.pci.function[DEVICE1].function_resets, resets + 1);
    assert_int_equal(machine.pci.function[DEVICE1].mastering_at_reset, 0);
    assert_int_equal(write_all_the_same(DEVICE1), DMA_BLOCKED);
    assert_int_equal(query_state(0, DEVICE1_ID).ioas, ioas);
    assert_int_equal(query_state(0, DEVICE1_ID).bound, 1);
    assert_int_equal(reset_all(DEVICE1_ID), BH_OK);
    assert_int_equal(machine.pci.function[DEVICE1].function_resets, resets + 1);
    assert_int_equal(command(DEVICE1) & MASTER_DECODE_INTX, 0x406);
    assert_int_equal(dma_write(DEVICE1, IOVA, 3), DMA_LANDED);
    assert_int_equal(query_state(0, DEVICE1_ID).ioas, ioas);
    assert_int_equal(call2(0, BH_CALL_DETACH, DEVICE1_ID, BH_PASID_NONE), BH_OK);
    assert_int_equal(call1(0, BH_CALL_DEVICE_UNBIND, DEVICE1_ID), BH_OK);
    assert_int_equal(query_state(0, DEVICE1_ID).owner, BH_OWNER_NONE);
}

static void row_1_23_a_device_that_is_not_attached_stays_parked_by_its_reset(void)
{
    start();
    assert_int_equal(bind(0, DEVICE1_ID, 1), BH_OK);
    assert_int_equal(reset_all(DEVICE1_ID), BH_OK);
    assert_int_equal(command(DEVICE1) & MASTER_DECODE_INTX, 0x402);
    assert_int_equal(machine.pci.function[DEVICE1].function_resets, 2);
    assert_int_equal(write_all_the_same(DEVICE1), DMA_BLOCKED);
}

static void row_1_23_other_calls_meet_a_reset_that_is_under_way_as_documented(void)
{
    attach();
    assert_int_equal(reset(DEVICE1_ID), BH_EAGAIN);
    expect_refusal(BH_EBUSY, BH_CALL_ATTACH, DEVICE1_ID, BH_PASID_NONE, ioas);
    expect_refusal(BH_EBUSY, BH_CALL_DEVICE_UNBIND, DEVICE1_ID, 0, 0);
    expect_refusal(BH_EBUSY, BH_CALL_DEVICE_BIND, DEVICE1_ID, 1, 0);
    expect_refusal(BH_EBUSY, BH_CALL_IOAS_FREE, ioas, 0, 0);
    /* Detached in between: it comes back parked. */
    assert_int_equal(call2(0, BH_CALL_DETACH, DEVICE1_ID, BH_PASID_NONE), BH_OK);
    expect_refusal(BH_EBUSY, BH_CALL_ATTACH, DEVICE1_ID, BH_PASID_NONE, ioas);
    assert_int_equal(reset_all(DEVICE1_ID), BH_OK);
    assert_int_equal(write_all_the_same(DEVICE1), DMA_BLOCKED);
    assert_int_equal(call3(0, BH_CALL_ATTACH, DEVICE1_ID, BH_PASID_NONE, ioas), BH_OK);
    assert_int_equal(dma_write(DEVICE1, IOVA, 4), DMA_LANDED);
}

static void i6_an_unbind_gives_the_reset_up_and_the_next_bind_begins_anew(void)
{
    start();
    assert_int_equal(bind(0, DEVICE1_ID, 1), BH_OK);
    assert_int_equal(reset(DEVICE1_ID), BH_EAGAIN);
    assert_int_equal(call1(0, BH_CALL_DEVICE_UNBIND, DEVICE1_ID), BH_OK);
    assert_int_equal(query_state(0, DEVICE1_ID).owner, BH_OWNER_NONE);
    uint32_t resets = machine.pci.function[DEVICE1].function_resets;

    assert_int_equal(bind(0, DEVICE1_ID, 1), BH_OK);
    assert_int_equal(machine.pci.function[DEVICE1].function_resets, resets + 1);
}

static void i6_a_partition_that_ends_in_the_midst_of_a_reset_leaves_the_device_parked(void)
{
    attach();
    assert_int_equal(reset(DEVICE1_ID), BH_EAGAIN);
    call2(0, BH_CALL_POWER, BH_POWER_OFF, 0);
    assert_int_equal(owner_decode(atomic_load(&device_find(DEVICE1_NAME)->group->owner)).state,
                     OWNER_NONE);
    assert_int_equal(device_find(DEVICE1_NAME)->reset.step, 0);
    assert_int_equal(write_all_the_same(DEVICE1), DMA_BLOCKED);
}

static void a_device_that_does_not_come_back_from_its_reset_is_detached_and_still_bound(void)
{
    attach();
    machine.pci.reset_reads = PCI_MODEL_NEVER;
    assert_int_equal(reset_all(DEVICE1_ID), BH_ETIMEDOUT);
    assert_int_equal(query_state(0, DEVICE1_ID).bound, 1);
    assert_int_equal(query_state(0, DEVICE1_ID).ioas, 0);
    machine.pci.reset_reads = 0;
    machine.pci.function[DEVICE1].silent_reads = 0;
    assert_int_equal(write_all_the_same(DEVICE1), DMA_BLOCKED);
    assert_int_equal(reset_all(DEVICE1_ID), BH_OK);
    assert_int_equal(call3(0, BH_CALL_ATTACH, DEVICE1_ID, BH_PASID_NONE, ioas), BH_OK);
    assert_int_equal(dma_write(DEVICE1, IOVA, 3), DMA_LANDED);
}

static void a_unit_that_fails_before_or_in_a_reset_leaves_the_device_detached(void)
{
    attach();
    assert_int_equal(reset(DEVICE1_ID), BH_EAGAIN);
    smmuv3_model_raise_gerror(machine.unit[0], SMMUV3_MODEL_SFM_ERR);
    machine_interrupts();
    assert_int_equal(reset_all(DEVICE1_ID), BH_ETIMEDOUT);
    assert_int_equal(query_state(0, DEVICE1_ID).ioas, 0);
    assert_int_equal(command(DEVICE1) & 4, 0);
    assert_true(partitions.partition[0].pinned);
    /* It is attached nowhere now: the reset has no need of the unit. */
    assert_int_equal(reset_all(DEVICE1_ID), BH_OK);
}

static void a_unit_that_fails_when_the_device_is_parked_for_its_reset_is_told(void)
{
    attach();
    uint32_t resets = machine.pci.function[DEVICE1].function_resets;

    smmuv3_model_raise_gerror(machine.unit[0], SMMUV3_MODEL_SFM_ERR);
    machine_interrupts();
    assert_int_equal(reset(DEVICE1_ID), BH_ETIMEDOUT);
    assert_int_equal(query_state(0, DEVICE1_ID).ioas, 0);
    assert_int_equal(machine.pci.function[DEVICE1].function_resets, resets);
    assert_true(partitions.partition[0].pinned);
}

static void reset_refusals_are_as_documented_and_change_nothing(void)
{
    uint64_t clock = 0;

    machine_plain();
    machine.partition[0].block[0] = CLOCK_NAME;
    machine_partition("two")->pci[0] = DEVICE2_NAME;
    observer_start();
    machine_boot();
    for (uint32_t i = 0; i < devices.count; i++) {
        if (strcmp(devices.device[i].name, CLOCK_NAME) == 0)
            clock = devices.device[i].id;
    }
    expect_refusal(BH_EPERM, BH_CALL_DEVICE_RESET, DEVICE1_ID, 0, 0);
    expect_refusal(BH_ENOENT, BH_CALL_DEVICE_RESET, DEVICE2_ID, 0, 0);
    expect_refusal(BH_ENOENT, BH_CALL_DEVICE_RESET, UINT64_MAX, 0, 0);
    /* A bind under way is no bind. */
    assert_int_equal(call2(0, BH_CALL_DEVICE_BIND, DEVICE1_ID, 1), BH_EAGAIN);
    expect_refusal(BH_EPERM, BH_CALL_DEVICE_RESET, DEVICE1_ID, 0, 0);
    assert_int_equal(call2(0, BH_CALL_DEVICE_BIND, clock, 2), BH_OK);
    expect_refusal(BH_EOPNOTSUPP, BH_CALL_DEVICE_RESET, clock, 0, 0);
}

/* ---- A stream that two devices share ------------------------------------------------------------------- */

#define SIBLING_A (DEVICE_ID_PCI | 0x400)
#define SIBLING_B (DEVICE_ID_PCI | 0x408)

static int sibling[2];

/* Two functions behind a bridge to PCI below a third root port, both bound. */
static void start_siblings(void)
{
    machine_plain();
    struct pci_model *pci = &machine.pci;
    int port = pci_model_bridge(pci, PCI_MODEL_ROOT, 3, 0, 4);
    int bridge = pci_model_bridge(pci, port, 0, 0, 7);

    for (unsigned int i = 0; i < 2; i++) {
        sibling[i] = pci_model_endpoint(pci, bridge, (uint8_t)i, 0);
        pci_model_power(pci, sibling[i], true);
        pci_model_bar(pci, sibling[i], 0, 0x1000, false);
    }
    machine.partition[0].pci[0] = "0000:04:00.0";
    machine.partition[0].pci[1] = "0000:04:01.0";
    observer_start();
    machine_boot();
    ioas = bind_and_attach(0, SIBLING_A, 1);
    assert_int_equal(map(0, ioas, IOVA, BASE, PAGE_SIZE), BH_OK);
    assert_int_equal(bind(0, SIBLING_B, 2), BH_OK);
}

static void row_1_23_a_sibling_on_the_stream_stays_attached_in_a_reset(void)
{
    start_siblings();
    assert_int_equal(call3(0, BH_CALL_ATTACH, SIBLING_B, BH_PASID_NONE, ioas), BH_OK);
    assert_int_equal(reset(SIBLING_A), BH_EAGAIN);
    assert_int_equal(dma_write(sibling[0], IOVA, 1), DMA_NOT_MASTERING);
    assert_int_equal(dma_write(sibling[1], IOVA, 2), DMA_LANDED);
    /* With the last one that translates, the stream is parked; the held one does not keep it. */
    assert_int_equal(call2(0, BH_CALL_DETACH, SIBLING_B, BH_PASID_NONE), BH_OK);
    assert_int_equal(write_all_the_same(sibling[1]), DMA_BLOCKED);
    assert_int_equal(reset_all(SIBLING_A), BH_OK);
    assert_int_equal(dma_write(sibling[0], IOVA, 3), DMA_LANDED);
}

static void row_1_23_a_sibling_of_a_held_device_goes_to_its_ioas_only_and_then_gets_there(void)
{
    start_siblings();
    int64_t other = call2(0, BH_CALL_IOAS_ALLOC_PAGING, SIBLING_B, BH_IOAS_NONE);

    assert_true(other > 0);
    assert_int_equal(reset(SIBLING_A), BH_EAGAIN);
    expect_refusal(BH_EBUSY, BH_CALL_ATTACH, SIBLING_B, BH_PASID_NONE, (uint64_t)other);
    assert_int_equal(call3(0, BH_CALL_ATTACH, SIBLING_B, BH_PASID_NONE, ioas), BH_OK);
    assert_int_equal(dma_write(sibling[1], IOVA, 2), DMA_LANDED);
    assert_int_equal(reset_all(SIBLING_A), BH_OK);
    assert_int_equal(dma_write(sibling[0], IOVA, 3), DMA_LANDED);
}

static void a_held_device_that_storms_is_silenced_where_it_is_parked(void)
{
    attach();
    assert_int_equal(reset(DEVICE1_ID), BH_EAGAIN);
    assert_int_equal(device_silence(device_find(DEVICE1_NAME)), IOMMU_OK);
    assert_int_equal(write_all_the_same(DEVICE1), DMA_BLOCKED);
    assert_int_equal(reset_all(DEVICE1_ID), BH_OK);
    assert_int_equal(query_state(0, DEVICE1_ID).stream_silent, 0);
    assert_int_equal(dma_write(DEVICE1, IOVA, 3), DMA_LANDED);
}

/* ---- A reset that was given up --------------------------------------------------------------------------- */

/* Its function is not ready yet when the next bind comes: that one has begun all the same. */
static void i6_a_bind_soon_after_one_that_was_given_up_counts_once(void)
{
    start();
    assert_int_equal(call2(0, BH_CALL_DEVICE_BIND, DEVICE2_ID, 1), BH_EAGAIN);
    assert_int_equal(call1(0, BH_CALL_DEVICE_UNBIND, DEVICE2_ID), BH_OK);
    assert_int_equal(call2(0, BH_CALL_DEVICE_BIND, DEVICE2_ID, 1), BH_EAGAIN);
    assert_int_equal(call1(0, BH_CALL_DEVICE_UNBIND, DEVICE2_ID), BH_OK);
    assert_int_equal(query_state(0, DEVICE2_ID).owner, BH_OWNER_NONE);
    assert_int_equal(call2(0, BH_CALL_DEVICE_BIND, DEVICE2_ID, 1), BH_EAGAIN);
    assert_int_equal(bind(0, DEVICE2_ID, 1), BH_OK);
    assert_int_equal(call1(0, BH_CALL_DEVICE_UNBIND, DEVICE2_ID), BH_OK);
    assert_int_equal(query_state(0, DEVICE2_ID).owner, BH_OWNER_NONE);
}

int run_reset_calls_tests(void)
{
    const struct CMUnitTest tests[] = {
        TEST(
            row_1_23_an_attached_device_reaches_nothing_in_its_reset_and_what_it_did_before_after_it),
        TEST(row_1_23_a_device_that_is_not_attached_stays_parked_by_its_reset),
        TEST(row_1_23_other_calls_meet_a_reset_that_is_under_way_as_documented),
        TEST(i6_an_unbind_gives_the_reset_up_and_the_next_bind_begins_anew),
        TEST(i6_a_partition_that_ends_in_the_midst_of_a_reset_leaves_the_device_parked),
        TEST(a_device_that_does_not_come_back_from_its_reset_is_detached_and_still_bound),
        TEST(a_unit_that_fails_before_or_in_a_reset_leaves_the_device_detached),
        TEST(a_unit_that_fails_when_the_device_is_parked_for_its_reset_is_told),
        TEST(reset_refusals_are_as_documented_and_change_nothing),
        TEST(row_1_23_a_sibling_on_the_stream_stays_attached_in_a_reset),
        TEST(row_1_23_a_sibling_of_a_held_device_goes_to_its_ioas_only_and_then_gets_there),
        TEST(a_held_device_that_storms_is_silenced_where_it_is_parked),
        TEST(i6_a_bind_soon_after_one_that_was_given_up_counts_once),
    };

    return RUN_GROUP("kernel/reset");
}
