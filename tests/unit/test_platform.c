/* SPDX-License-Identifier: Apache-2.0 */
/* Platform masters: a node with registers and several stream ids behind one unit, assigned as one device. */
#include <string.h>

#include "drivers/iommu/smmuv3/unit.h"
#include "edit.h"
#include "groups.h"
#include "kernel/partition.h"
#include "machine.h"

#define BASE UINT64_C(0x40000000)
#define IOVA UINT64_C(0x10000)
#define OLD UINT64_C(0x3000) /* offsets of what two ioas lead IOVA to */
#define NEW UINT64_C(0x5000)
#define STRUCTURE (BASE + 0x100000)
#define MASTER CLOCK_NAME
#define STREAMS 3
#define UNIT_PHANDLE 0x8000u

/* Above what any function of the machine has as its requester id. */
static const uint32_t streams[STREAMS] = { 0xF003, 0xF001, 0xF0F0 };

static void master(void *tree)
{
    EDIT_CELLS(tree, MASTER, "iommus", UNIT_PHANDLE, streams[0], UNIT_PHANDLE, streams[1],
               UNIT_PHANDLE, streams[2]);
}

static void describe(void)
{
    machine_plain();
    machine.tree.edit = master;
    machine.partition[0].block[0] = MASTER;
    machine.partition[0].masters = true;
}

static uint64_t boot(void)
{
    describe();
    machine_boot();
    return device_find(MASTER)->id;
}

static bool lands(uint32_t stream, uint64_t iova)
{
    uint64_t value = 0;
    struct smmuv3_model_result result = smmuv3_model_dma(machine.unit[0], stream, iova, &value,
                                                         sizeof(value), true);

    machine_interrupts();
    return result.outcome == SMMUV3_MODEL_OK;
}

static void expect_all(bool reached, const char *when)
{
    for (unsigned int i = 0; i < STREAMS; i++) {
        if (lands(streams[i], IOVA) != reached)
            fail_msg("%s: stream 0x%x %s", when, streams[i],
                     reached ? "is blocked" : "reaches memory");
    }
}

static void all_streams_of_a_master_are_parked_attached_and_parked_again_as_one(void)
{
    uint64_t id = boot();

    expect_all(false, "after boot");
    assert_int_equal(bind(0, id, 7), BH_OK);
    expect_all(false, "bound");
    uint64_t ioas = (uint64_t)call2(0, BH_CALL_IOAS_ALLOC_PAGING, id, BH_IOAS_NONE);

    assert_int_equal(map(0, ioas, IOVA, BASE + 0x3000, PAGE_SIZE), BH_OK);
    assert_int_equal(call3(0, BH_CALL_ATTACH, id, BH_PASID_NONE, ioas), BH_OK);
    expect_all(true, "attached");
    assert_int_equal(unmap(0, ioas, IOVA, PAGE_SIZE), BH_OK);
    expect_all(false, "unmapped");
    assert_int_equal(map(0, ioas, IOVA, BASE + 0x3000, PAGE_SIZE), BH_OK);
    expect_all(true, "mapped again");
    assert_int_equal(call2(0, BH_CALL_DETACH, id, BH_PASID_NONE), BH_OK);
    expect_all(false, "detached");
    assert_int_equal(call3(0, BH_CALL_ATTACH, id, BH_PASID_NONE, ioas), BH_OK);
    expect_all(true, "attached again");
    assert_units_clean();
}

static void a_master_tells_that_it_has_dma_and_a_group_of_its_own(void)
{
    uint64_t id = boot();
    struct bh_device_info *info = guest(0, STRUCTURE);

    info->size = sizeof(*info);
    assert_int_equal(call2(0, BH_CALL_DEVICE_INFO, 1, STRUCTURE), BH_OK);
    assert_int_equal(info->device, id);
    assert_string_equal(info->name, MASTER);
    assert_int_equal(info->iommu, 0);
    assert_true((info->capabilities & BH_DEVICE_DMA) != 0);
    assert_int_equal(info->group_members, 1);
    assert_true(info->aperture_last > info->aperture_first);
    assert_int_equal(info->bar[0].address, CLOCK_BASE);
    assert_int_equal(info->interrupts, BH_INTERRUPTS_NONE);
}

static void i9_a_fault_of_any_stream_is_the_master_s(void)
{
    uint64_t id = boot();

    bind_and_attach(0, id, 7);
    for (unsigned int i = 0; i < STREAMS; i++) {
        assert_false(lands(streams[i], IOVA + i * PAGE_SIZE));
        struct bh_query_fault fault = query_fault(0, id);

        assert_int_equal(fault.count, i + 1);
        assert_int_equal(fault.iova, IOVA + i * PAGE_SIZE);
        assert_int_equal(fault.label, 7);
    }
}

static void after_a_storm_no_stream_of_a_master_is_reported(void)
{
    uint64_t id = boot();

    bind_and_attach(0, id, 7);
    for (unsigned int i = 0; i < 5000; i++)
        lands(streams[i % STREAMS], IOVA);
    assert_int_equal(query_state(0, id).stream_silent, 1);
    uint64_t count = query_fault(0, id).count;

    expect_all(false, "silent");
    assert_int_equal(query_fault(0, id).count, count);
}

static void i6_a_master_of_an_owner_that_dies_is_parked_with_all_its_streams(void)
{
    uint64_t id = boot(), ioas = bind_and_attach(0, id, 7);

    assert_int_equal(map(0, ioas, IOVA, BASE + 0x3000, PAGE_SIZE), BH_OK);
    expect_all(true, "attached");
    call2(0, BH_CALL_POWER, BH_POWER_OFF, 0);
    expect_all(false, "its owner is off");
    assert_null(device_find(MASTER)->ioas);
    assert_null(device_find(MASTER)->bound);
}

/* ---- Moved ------------------------------------------------------------------------------------------- */

static uint64_t start_of_move(uint64_t *old)
{
    struct smmuv3_model_parameters parameters = smmuv3_model_like_mmu600();

    parameters.bbml = 2;
    machine_plain_with(&parameters);
    machine.tree.edit = master;
    machine.partition[0].block[0] = MASTER;
    machine.partition[0].masters = true;
    machine_boot();
    uint64_t id = device_find(MASTER)->id;

    *old = bind_and_attach(0, id, 7);
    assert_int_equal(map(0, *old, IOVA, BASE + OLD, PAGE_SIZE), BH_OK);
    expect_all(true, "attached");
    return id;
}

static uint64_t beside(uint64_t id)
{
    uint64_t ioas = (uint64_t)call2(0, BH_CALL_IOAS_ALLOC_PAGING, id, BH_IOAS_NONE);

    assert_int_equal(map(0, ioas, IOVA, BASE + NEW, PAGE_SIZE), BH_OK);
    return ioas;
}

static void expect_all_at_new(void)
{
    for (unsigned int i = 0; i < STREAMS; i++) {
        uint64_t *there = guest(0, BASE + NEW);

        *there = 1;
        assert_true(lands(streams[i], IOVA));
        assert_int_equal(*there, 0);
    }
}

static void a_master_is_moved_with_all_its_streams(void)
{
    uint64_t old, id = start_of_move(&old), new = beside(id);

    assert_int_equal(call3(0, BH_CALL_REPLACE, id, BH_PASID_NONE, new), BH_OK);
    assert_int_equal(machine.x[1], 1);
    expect_all_at_new();
    assert_int_equal(unmap(0, old, IOVA, PAGE_SIZE), BH_OK);
    assert_int_equal(call1(0, BH_CALL_IOAS_FREE, old), BH_OK);
    assert_units_clean();
}

/* Another CPU's replace on the unit: it has it as soon as the one under way gives it back. */
static void another_is_next(unsigned int index, uint64_t offset, uint64_t value)
{
    struct smmuv3 *unit = devices.iommu[index].unit;

    (void)value;
    if (offset != SMMU_CMDQ_PROD)
        return;
    machine.after_register_write = NULL;
    assert_false(lock_try(&unit->reserved_lock)); /* the first stream's is under way */
    unit->reserved_lock.next++;
}

static void a_master_whose_second_stream_finds_the_unit_taken_is_moved_though_not_hitless(void)
{
    uint64_t old, id = start_of_move(&old), new = beside(id);
    struct smmuv3 *unit = devices.iommu[0].unit;

    machine.after_register_write = another_is_next;
    assert_int_equal(call3(0, BH_CALL_REPLACE, id, BH_PASID_NONE, new), BH_OK);
    assert_null(machine.after_register_write);
    assert_int_equal(machine.x[1], 0);
    assert_false(lock_try(&unit->reserved_lock)); /* the other's still */
    lock_release(&unit->reserved_lock);
    assert_int_equal(query_state(0, id).ioas, new);
    expect_all_at_new();
    assert_int_equal(unmap(0, old, IOVA, PAGE_SIZE), BH_OK);
    assert_int_equal(call1(0, BH_CALL_IOAS_FREE, old), BH_OK);
    assert_units_clean();
}

/* ---- Sets and trees ---------------------------------------------------------------------------------- */

static void expect_refused(const char *text)
{
    enum host_end end = machine_kernel();

    if (end != HOST_OFF)
        fail_msg("the kernel went on (%d), expected: %s\n%s", (int)end, text, machine.console);
    assert_console(text);
}

static void a_master_that_a_set_calls_harmless_is_refused(void)
{
    describe();
    machine.partition[0].masters = false;
    expect_refused("no-dma: " MASTER " masters behind an IOMMU: leave no-dma out");
}

static void a_block_that_masters_nothing_needs_the_set_s_word(void)
{
    describe();
    machine.tree.edit = NULL;
    expect_refused("no-dma: a register block is given without DMA: add no-dma;");
}

static void a_master_of_two_partitions_is_refused_since_nothing_resets_it_in_between(void)
{
    describe();
    struct partition_spec *second = machine_partition("two");

    second->block[0] = MASTER;
    second->masters = true;
    expect_refused("path: " MASTER " cannot be reset between owners: list it for one partition");
}

static void a_block_that_masters_nothing_may_be_listed_for_two_partitions(void)
{
    describe();
    machine.tree.edit = NULL;
    machine.partition[0].masters = false;
    machine_partition("two")->block[0] = MASTER;
    machine_boot();
    assert_null(device_find(MASTER)->iommu);
}

static void behind_two_units(void *tree)
{
    EDIT_CELLS(tree, MASTER, "iommus", UNIT_PHANDLE, streams[0], UNIT_PHANDLE + 1, streams[1]);
}

static void a_master_behind_several_units_is_refused_by_name(void)
{
    const struct smmuv3_model_parameters parameters = smmuv3_model_like_mmu600();

    describe();
    machine_add_unit(&parameters);
    machine_board_unit();
    machine.tree.units = 2;
    machine.tree.edit = behind_two_units;
    expect_refused("path: " MASTER " cannot be assigned: it masters behind several IOMMUs");
}

static void as_a_function(void *tree)
{
    EDIT_CELLS(tree, MASTER, "iommus", UNIT_PHANDLE, streams[0], UNIT_PHANDLE, 0x100);
}

static void i3_a_master_with_the_stream_of_a_function_is_refused(void)
{
    describe();
    machine.partition[0].pci[0] = NULL;
    machine.tree.edit = as_a_function;
    expect_refused("path: " MASTER " cannot be assigned: it shares its stream id with a device of "
                   "another group");
}

static void beyond_the_unit(void *tree)
{
    EDIT_CELLS(tree, MASTER, "iommus", UNIT_PHANDLE, streams[0], UNIT_PHANDLE, 0xFFFFFFFF);
}

static void a_master_whose_ids_the_unit_does_not_take_is_refused(void)
{
    describe();
    machine.partition[0].pci[0] = NULL;
    machine.tree.edit = beyond_the_unit;
    expect_refused("path: " MASTER
                   " cannot be assigned: it stands behind an IOMMU that is not usable");
}

static void serving_interrupts(void *tree)
{
    master(tree);
    edit_flag(tree, MASTER, "msi-controller");
}

static void a_master_that_is_refused_anyhow_takes_no_stream_of_its_unit(void)
{
    const struct device *device;

    machine_plain();
    machine.tree.edit = serving_interrupts;
    machine_boot();
    device = device_find(MASTER);
    assert_non_null(device->refusal);
    assert_null(device->iommu);
    assert_int_equal(device->stream_count, 0);
    for (unsigned int i = 0; i < STREAMS; i++)
        assert_false(lands(streams[i], IOVA));
}

int run_platform_tests(void)
{
    const struct CMUnitTest tests[] = {
        TEST(all_streams_of_a_master_are_parked_attached_and_parked_again_as_one),
        TEST(a_master_tells_that_it_has_dma_and_a_group_of_its_own),
        TEST(i9_a_fault_of_any_stream_is_the_master_s),
        TEST(after_a_storm_no_stream_of_a_master_is_reported),
        TEST(i6_a_master_of_an_owner_that_dies_is_parked_with_all_its_streams),
        TEST(a_master_is_moved_with_all_its_streams),
        TEST(a_master_whose_second_stream_finds_the_unit_taken_is_moved_though_not_hitless),
        TEST(a_master_that_a_set_calls_harmless_is_refused),
        TEST(a_block_that_masters_nothing_needs_the_set_s_word),
        TEST(a_master_of_two_partitions_is_refused_since_nothing_resets_it_in_between),
        TEST(a_block_that_masters_nothing_may_be_listed_for_two_partitions),
        TEST(a_master_behind_several_units_is_refused_by_name),
        TEST(i3_a_master_with_the_stream_of_a_function_is_refused),
        TEST(a_master_whose_ids_the_unit_does_not_take_is_refused),
        TEST(a_master_that_is_refused_anyhow_takes_no_stream_of_its_unit),
    };

    return RUN_GROUP("kernel/platform masters");
}
