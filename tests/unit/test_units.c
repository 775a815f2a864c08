/* SPDX-License-Identifier: Apache-2.0 */
/* Units of unequal kinds under one kernel; two devices behind each, with the same stream ids everywhere. */
#include "groups.h"
#include "kernel/partition.h"
#include "machine.h"
#include "observer.h"

#define BASE UINT64_C(0x40000000)
#define IOVA UINT64_C(0x10000)

/* An access to a page; the pages behind each other's addresses are told apart by their number. */
static enum smmuv3_model_outcome reach(unsigned int endpoint, uint64_t iova, uint64_t *address)
{
    const struct smmuv3_model_access access = { .stream_id = MACHINE_STREAM(endpoint),
                                                .iova = iova,
                                                .write = true };
    struct smmuv3_model_result result = smmuv3_model_transact(
        machine.unit[endpoint / ENDPOINTS_A_UNIT], &access);

    *address = result.address;
    return result.outcome;
}

static void expect_reach(unsigned int endpoint, uint64_t iova, uint64_t guest_address)
{
    uint64_t address = 0;
    enum smmuv3_model_outcome outcome = reach(endpoint, iova, &address);

    if (outcome != SMMUV3_MODEL_OK ||
        address != partitions.partition[0].physical + (guest_address - BASE))
        fail_msg("device %u reaches 0x%llx by 0x%llx, outcome %d", endpoint,
                 (unsigned long long)address, (unsigned long long)iova, (int)outcome);
}

static void expect_blocked(unsigned int endpoint, uint64_t iova)
{
    uint64_t address = 0;

    if (reach(endpoint, iova, &address) == SMMUV3_MODEL_OK)
        fail_msg("device %u reaches 0x%llx by 0x%llx", endpoint, (unsigned long long)address,
                 (unsigned long long)iova);
}

/* The page at which a device is to arrive. */
static uint64_t page_of(unsigned int endpoint)
{
    return BASE + 0x3000 + endpoint * PAGE_SIZE;
}

/* Each device gets a page of its own at one address, and reaches it and no other. */
static void expect_each_device_alone(void)
{
    uint64_t ioas[MACHINE_ENDPOINTS];

    for (unsigned int i = 0; i < machine.endpoint_count; i++) {
        expect_blocked(i, IOVA);
        ioas[i] = bind_and_attach(0, MACHINE_DEVICE_ID(i), i);
        assert_int_equal(map(0, ioas[i], IOVA, page_of(i), PAGE_SIZE), BH_OK);
    }
    for (unsigned int i = 0; i < machine.endpoint_count; i++)
        expect_reach(i, IOVA, page_of(i));
    for (unsigned int i = 0; i < machine.endpoint_count; i++) {
        assert_int_equal(unmap(0, ioas[i], IOVA, PAGE_SIZE), BH_OK);
        for (unsigned int j = 0; j < machine.endpoint_count; j++) {
            if (j <= i)
                expect_blocked(j, IOVA);
            else
                expect_reach(j, IOVA, page_of(j));
        }
    }
    assert_units_clean();
}

/* One boot a process, so one test for each machine. */
static void devices_alone(enum smmuv3_model_variant first, enum smmuv3_model_variant second,
                          enum smmuv3_model_variant third)
{
    const enum smmuv3_model_variant kinds[] = { first, second, third };

    machine_units(kinds, ARRAY_LENGTH(kinds));
    observer_start();
    machine_boot();
    for (unsigned int unit = 0; unit < ARRAY_LENGTH(kinds); unit++) {
        if (!devices.iommu[unit].usable)
            fail_msg("a unit that is %s is not used:\n%s", smmuv3_model_variant_name(kinds[unit]),
                     machine.console);
    }
    expect_each_device_alone();
}

static void each_device_is_alone_behind_units_of_48_and_32_bits_and_8_bit_tags(void)
{
    devices_alone(SMMUV3_MODEL_PLAIN, SMMUV3_MODEL_32_BITS, SMMUV3_MODEL_SMALL_TAGS);
}

static void each_device_is_alone_behind_units_with_ranges_one_level_and_no_coherence(void)
{
    devices_alone(SMMUV3_MODEL_RANGES, SMMUV3_MODEL_ONE_LEVEL, SMMUV3_MODEL_NOT_COHERENT);
}

static void each_device_is_alone_behind_a_first_unit_of_one_level(void)
{
    devices_alone(SMMUV3_MODEL_ONE_LEVEL, SMMUV3_MODEL_NOT_COHERENT, SMMUV3_MODEL_PLAIN);
}

static void each_device_is_alone_behind_units_of_36_bits_stage_2_and_4_kib_only(void)
{
    devices_alone(SMMUV3_MODEL_36_BITS, SMMUV3_MODEL_STAGE_2_ONLY, SMMUV3_MODEL_4K_ONLY);
}

static void each_device_is_alone_behind_units_of_40_42_and_44_bits(void)
{
    devices_alone(SMMUV3_MODEL_40_BITS, SMMUV3_MODEL_42_BITS, SMMUV3_MODEL_44_BITS);
}

static void seven_units_work_side_by_side(void)
{
    static const enum smmuv3_model_variant seven[] = {
        SMMUV3_MODEL_PLAIN,    SMMUV3_MODEL_32_BITS,      SMMUV3_MODEL_SMALL_TAGS,
        SMMUV3_MODEL_RANGES,   SMMUV3_MODEL_NOT_COHERENT, SMMUV3_MODEL_STAGE_2_ONLY,
        SMMUV3_MODEL_ONE_LEVEL
    };

    machine_units(seven, ARRAY_LENGTH(seven));
    machine.partition[0].pool_pages = 128;
    observer_start();
    machine_boot();
    expect_each_device_alone();
}

static void dma_arrives_at_the_unit_that_its_device_stands_behind(void)
{
    static const enum smmuv3_model_variant kinds[] = { SMMUV3_MODEL_PLAIN, SMMUV3_MODEL_PLAIN };
    uint64_t ioas;

    machine_units(kinds, ARRAY_LENGTH(kinds));
    machine_boot();
    ioas = bind_and_attach(0, MACHINE_DEVICE_ID(2), 1);
    assert_int_equal(map(0, ioas, IOVA, page_of(2), PAGE_SIZE), BH_OK);
    assert_int_equal(dma_write(machine.endpoint[2], IOVA, 0x1234), DMA_LANDED);
    assert_int_equal(*(uint64_t *)guest(0, page_of(2)), 0x1234);
    assert_int_equal(bind_and_attach(0, MACHINE_DEVICE_ID(0), 2) > 0, true);
    assert_int_equal(dma_write(machine.endpoint[0], IOVA, 0x5678), DMA_BLOCKED);
    assert_int_equal(query_fault(0, MACHINE_DEVICE_ID(0)).count, 1);
    assert_int_equal(query_fault(0, MACHINE_DEVICE_ID(2)).count, 0);
    assert_int_equal(*(uint64_t *)guest(0, page_of(2)), 0x1234);
}

/* The second of two units is one that the kernel cannot use. */
static void expect_refused(enum smmuv3_model_variant kind)
{
    const enum smmuv3_model_variant kinds[] = { SMMUV3_MODEL_PLAIN, kind };

    machine_units(kinds, ARRAY_LENGTH(kinds));
    observer_start();
    machine.partition[0].pci[2] = NULL;
    machine_boot();
    assert_true(devices.iommu[0].usable);
    assert_false(devices.iommu[1].usable);
    assert_non_null(device_find("0000:03:00.0")->refusal);
    assert_null(device_find("0000:01:00.0")->refusal);
    expect_blocked(2, IOVA);
    expect_blocked(3, IOVA);
    bind_and_attach(0, MACHINE_DEVICE_ID(0), 1);
}

/* Pages of 4 KiB are what the ABI maps. */
static void row_4_9_a_unit_without_the_4_kib_granule_is_closed_and_its_devices_are_refused(void)
{
    expect_refused(SMMUV3_MODEL_NO_4K);
    assert_console("no 4 KiB granule");
}

static void row_4_9_a_set_that_lists_a_device_behind_such_a_unit_is_refused_with_the_reason(void)
{
    static const enum smmuv3_model_variant kinds[] = { SMMUV3_MODEL_PLAIN, SMMUV3_MODEL_NO_4K };

    machine_units(kinds, ARRAY_LENGTH(kinds));
    assert_int_equal(machine_kernel(), HOST_OFF);
    assert_console("no 4 KiB granule");
    assert_console("cannot be assigned: it stands behind an IOMMU that is not usable");
}

static struct bh_device_info info_of(unsigned int endpoint)
{
    struct bh_device_info *info = guest(0, BASE);

    *info = (struct bh_device_info){ .size = sizeof(*info) };
    assert_int_equal(call2(0, BH_CALL_DEVICE_INFO, endpoint, BASE), BH_OK);
    assert_int_equal(info->device, MACHINE_DEVICE_ID(endpoint));
    return *info;
}

/* What else a unit could walk makes no difference: the devices of both share one space, and one tree of it. */
static void row_4_9_units_with_more_granules_and_fewer_have_the_same_page_sizes(void)
{
    static const enum smmuv3_model_variant kinds[] = { SMMUV3_MODEL_PLAIN, SMMUV3_MODEL_4K_ONLY };
    uint64_t ioas;

    assert_true(smmuv3_model_variant(kinds[0]).gran64k && !smmuv3_model_variant(kinds[1]).gran64k);
    machine_units(kinds, ARRAY_LENGTH(kinds));
    machine_boot();
    assert_int_equal(info_of(0).page_sizes, BIT(12) | BIT(21) | BIT(30));
    assert_int_equal(info_of(2).page_sizes, info_of(0).page_sizes);
    assert_int_equal(partitions.partition[0].class_count, 1);
    ioas = bind_and_attach(0, MACHINE_DEVICE_ID(0), 1);
    assert_int_equal(bind(0, MACHINE_DEVICE_ID(2), 2), BH_OK);
    assert_int_equal(call3(0, BH_CALL_ATTACH, MACHINE_DEVICE_ID(2), BH_PASID_NONE, ioas), BH_OK);
    assert_int_equal(map(0, ioas, IOVA, page_of(0), PAGE_SIZE), BH_OK);
    expect_reach(0, IOVA, page_of(0));
    expect_reach(2, IOVA, page_of(0));
}

static void row_2_14_nothing_is_nested_behind_a_unit_of_stage_1_only_and_device_info_says_so(void)
{
    static const enum smmuv3_model_variant kinds[] = { SMMUV3_MODEL_PLAIN,
                                                       SMMUV3_MODEL_STAGE_1_ONLY };
    struct bh_device_info info;

    machine_units(kinds, ARRAY_LENGTH(kinds));
    machine_boot();
    info = info_of(2);
    assert_int_equal(info.capabilities & (BH_DEVICE_DMA | BH_DEVICE_NESTING), BH_DEVICE_DMA);
    assert_false(devices.iommu[info.iommu].capabilities.nesting);
    uint64_t ioas = bind_and_attach(0, MACHINE_DEVICE_ID(2), 1);
    uint64_t before = machine_state();

    assert_int_equal(call2(0, BH_CALL_IOAS_ALLOC_PAGING, MACHINE_DEVICE_ID(2), ioas),
                     BH_EOPNOTSUPP);
    assert_int_equal(machine_state(), before);
}

static void a_unit_with_a_queue_of_two_commands_is_closed_and_its_devices_are_refused(void)
{
    expect_refused(SMMUV3_MODEL_SMALL_QUEUES);
}

int run_units_tests(void)
{
    const struct CMUnitTest tests[] = {
        TEST(each_device_is_alone_behind_units_of_48_and_32_bits_and_8_bit_tags),
        TEST(each_device_is_alone_behind_units_with_ranges_one_level_and_no_coherence),
        TEST(each_device_is_alone_behind_a_first_unit_of_one_level),
        TEST(each_device_is_alone_behind_units_of_36_bits_stage_2_and_4_kib_only),
        TEST(each_device_is_alone_behind_units_of_40_42_and_44_bits),
        TEST(seven_units_work_side_by_side),
        TEST(dma_arrives_at_the_unit_that_its_device_stands_behind),
        TEST(row_4_9_a_unit_without_the_4_kib_granule_is_closed_and_its_devices_are_refused),
        TEST(row_4_9_a_set_that_lists_a_device_behind_such_a_unit_is_refused_with_the_reason),
        TEST(row_4_9_units_with_more_granules_and_fewer_have_the_same_page_sizes),
        TEST(row_2_14_nothing_is_nested_behind_a_unit_of_stage_1_only_and_device_info_says_so),
        TEST(a_unit_with_a_queue_of_two_commands_is_closed_and_its_devices_are_refused),
    };

    return RUN_GROUP("kernel/kinds of units");
}
