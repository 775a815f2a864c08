/* SPDX-License-Identifier: Apache-2.0 */
/* Invalidation (drivers/iommu/smmuv3/domain.c, queue.c): the forms, and that each is enough for a
 * unit that keeps whatever it may. */
#include "bench.h"
#include "groups.h"

#define STREAM 0x100
#define IOVA UINT64_C(0x40000000)

static struct iommu_domain domain;

static void start(bool range_invalidation)
{
    struct smmuv3_model_parameters parameters = smmuv3_model_like_mmu600();

    parameters.ril = range_invalidation;
    machine.unit_count = 0;
    assert_true(bench_start(&parameters, 0x10000));
    assert_true(bench.iommu.driver->stream_prepare(&bench.iommu, STREAM));
    bench_domain(&domain);
    assert_int_equal(bench_set(STREAM, STREAM_ATTACHED, &domain), IOMMU_OK);
}

static void touch(uint64_t iova, uint64_t size, uint64_t step)
{
    for (uint64_t at = iova; at < iova + size; at += step)
        bench_dma(STREAM, at, true);
}

static void expect_blocked(uint64_t iova, uint64_t size, uint64_t step)
{
    for (uint64_t at = iova; at < iova + size; at += step)
        assert_int_equal(bench_ask(STREAM, at).outcome, SMMUV3_MODEL_ABORT);
}

static void the_model_keeps_a_translation_that_nobody_invalidated(void)
{
    struct pagetable_progress progress;

    start(false);
    bench_map(&domain, IOVA, BENCH_PAGE(0), PAGE_SIZE);
    assert_int_equal(bench_dma(STREAM, IOVA, true), SMMUV3_MODEL_OK);
    assert_int_equal(pagetable_unmap(bench_table(&domain), IOVA, PAGE_SIZE, 1, &progress),
                     PAGETABLE_OK);
    assert_int_equal(bench_dma(STREAM, IOVA, true), SMMUV3_MODEL_OK);
}

static void unmap_of_one_leaf_is_one_tlbi_and_one_sync(void)
{
    static const uint64_t sizes[] = { PAGE_SIZE, PAGE_SIZE << 9, PAGE_SIZE << 18 };

    for (unsigned int ril = 0; ril < 2; ril++) {
        start(ril == 1);
        for (unsigned int i = 0; i < ARRAY_LENGTH(sizes); i++) {
            /* A neighbour keeps the table, so that the leaf alone goes. */
            bench_map(&domain, IOVA, IOVA, sizes[i]);
            bench_map(&domain, IOVA + sizes[i], IOVA + sizes[i], sizes[i]);
            touch(IOVA, 2 * sizes[i], sizes[i]);
            bench_commands_mark();
            bench_unmap(&domain, IOVA, sizes[i]);
            assert_int_equal(bench_commands(OPCODE_TLBI_IPA), 1);
            assert_int_equal(bench_commands(OPCODE_SYNC), 1);
            assert_true(bench_command(0)->leaf);
            assert_int_equal(bench_command(0)->address, IOVA);
            assert_int_equal(bench_command(0)->vmid, domain.tag);
            assert_int_equal(bench_ask(STREAM, IOVA).outcome, SMMUV3_MODEL_ABORT);
            assert_int_equal(bench_ask(STREAM, IOVA + sizes[i]).outcome, SMMUV3_MODEL_OK);
            bench_unmap(&domain, IOVA + sizes[i], sizes[i]);
        }
        assert_units_clean();
    }
}

static void a_range_is_one_command_where_the_unit_has_range_invalidation(void)
{
    static const uint32_t pages[] = { 2, 3, 31, 32, 33, 64, 65, 100, 511, 512, 513, 1000, 4097 };

    start(true);
    for (unsigned int i = 0; i < ARRAY_LENGTH(pages); i++) {
        uint64_t size = pages[i] * PAGE_SIZE;

        bench_map(&domain, IOVA + PAGE_SIZE, BENCH_PAGE(0), size);
        touch(IOVA + PAGE_SIZE, size, PAGE_SIZE);
        bench_commands_mark();
        bench_unmap(&domain, IOVA + PAGE_SIZE, size);
        assert_int_equal(bench_commands(OPCODE_TLBI_IPA), 1);
        assert_int_equal(bench_commands(OPCODE_SYNC), 1);
        assert_true(bench_command(0)->size >= size);
        expect_blocked(IOVA + PAGE_SIZE, size, PAGE_SIZE);
    }
    assert_units_clean();
}

static void a_range_is_a_command_a_page_where_it_has_none(void)
{
    start(false);
    bench_map(&domain, IOVA, BENCH_PAGE(0), 32 * PAGE_SIZE);
    bench_map(&domain, IOVA + 0x100000, BENCH_PAGE(0), PAGE_SIZE);
    touch(IOVA, 32 * PAGE_SIZE, PAGE_SIZE);
    bench_commands_mark();
    bench_unmap(&domain, IOVA, 32 * PAGE_SIZE);
    assert_int_equal(bench_commands(OPCODE_TLBI_IPA), 32);
    assert_int_equal(bench_commands(OPCODE_SYNC), 1);
    expect_blocked(IOVA, 32 * PAGE_SIZE, PAGE_SIZE);
    assert_units_clean();
}

static void addresses_at_the_top_of_the_aperture_are_forgotten_in_every_form(void)
{
    static const uint32_t pages[] = { 1, 2, 31, 512, 513, 1025, 4097 };

    for (unsigned int ril = 0; ril < 2; ril++) {
        start(ril == 1);
        assert_int_equal(bench.iommu.capabilities.input_bits, 48);
        for (unsigned int i = 0; i < ARRAY_LENGTH(pages); i++) {
            uint64_t size = pages[i] * PAGE_SIZE, iova = BIT(48) - size;

            /* A neighbour keeps the table, so that one page is one leaf and nothing else. */
            bench_map(&domain, iova - PAGE_SIZE, BENCH_PAGE(5000), PAGE_SIZE);
            bench_map(&domain, iova, BENCH_PAGE(0), size);
            touch(iova - PAGE_SIZE, size + PAGE_SIZE, PAGE_SIZE);
            bench_unmap(&domain, iova, size);
            expect_blocked(iova, size, PAGE_SIZE);
            assert_int_equal(bench_ask(STREAM, iova - PAGE_SIZE).outcome, SMMUV3_MODEL_OK);
            bench_unmap(&domain, iova - PAGE_SIZE, PAGE_SIZE);
        }
        assert_units_clean();
    }
}

static void a_large_range_is_a_command_for_the_whole_tag(void)
{
    start(false);
    bench_map(&domain, IOVA, BENCH_PAGE(1), 100 * PAGE_SIZE);
    touch(IOVA, 100 * PAGE_SIZE, PAGE_SIZE);
    bench_commands_mark();
    bench_unmap(&domain, IOVA, 100 * PAGE_SIZE);
    assert_int_equal(bench_commands(OPCODE_TLBI_VMALL), 1);
    assert_int_equal(bench_commands(OPCODE_TLBI_IPA), 0);
    assert_int_equal(bench_commands(OPCODE_SYNC), 1);
    expect_blocked(IOVA, 100 * PAGE_SIZE, PAGE_SIZE);
}

static void i4_a_table_that_went_is_forgotten_with_its_leaf(void)
{
    for (unsigned int ril = 0; ril < 2; ril++) {
        start(ril == 1);
        bench_map(&domain, IOVA, BENCH_PAGE(0), PAGE_SIZE);
        touch(IOVA, PAGE_SIZE, PAGE_SIZE);
        assert_true(smmuv3_model_cached(machine.unit[0]).tables > 0);
        uint32_t free = bench.pool.free;

        bench_commands_mark();
        bench_unmap(&domain, IOVA, PAGE_SIZE);
        assert_false(bench_command(0)->leaf);
        assert_true(bench.pool.free > free);
        /* Another tree in the same pages: the old one must not lead into it. */
        bench_map(&domain, IOVA + 0x40000000, BENCH_PAGE(3), 8 * PAGE_SIZE);
        expect_blocked(IOVA, 512 * PAGE_SIZE, PAGE_SIZE);
    }
}

static void tables_of_a_whole_range_are_forgotten_in_every_form(void)
{
    static const uint32_t pages[] = { 512, 700, 1024, 2048 };

    for (unsigned int ril = 0; ril < 2; ril++) {
        start(ril == 1);
        for (unsigned int i = 0; i < ARRAY_LENGTH(pages); i++) {
            uint64_t size = pages[i] * PAGE_SIZE;

            bench_map(&domain, IOVA, BENCH_PAGE(1), size);
            touch(IOVA, size, PAGE_SIZE);
            bench_unmap(&domain, IOVA, size);
            bench_map(&domain, IOVA + 0x40000000, BENCH_PAGE(1), size);
            expect_blocked(IOVA, size, PAGE_SIZE);
            bench_unmap(&domain, IOVA + 0x40000000, size);
        }
        assert_units_clean();
    }
}

static void invalidation_of_a_domain_leaves_the_other_domains_alone(void)
{
    struct iommu_domain other;

    start(false);
    assert_true(bench.iommu.driver->stream_prepare(&bench.iommu, STREAM + 1));
    bench_domain(&other);
    bench_map(&other, IOVA, BENCH_PAGE(9), PAGE_SIZE);
    bench_map(&domain, IOVA, BENCH_PAGE(8), PAGE_SIZE);
    assert_int_equal(bench_set(STREAM + 1, STREAM_ATTACHED, &other), IOMMU_OK);
    bench_dma(STREAM, IOVA, true);
    bench_dma(STREAM + 1, IOVA, true);
    unsigned int leaves = smmuv3_model_cached(machine.unit[0]).leaves;

    assert_int_equal(bench.iommu.driver->invalidate_domain(&bench.iommu, &domain), IOMMU_OK);
    assert_int_equal(smmuv3_model_cached(machine.unit[0]).leaves, leaves - 1);
}

static void calls_with_one_ticket_are_one_batch_with_one_sync(void)
{
    struct iommu_ticket ticket = IOMMU_TICKET_EMPTY;
    struct pagetable_progress progress;

    for (unsigned int ril = 0; ril < 2; ril++) {
        start(ril == 1);
        bench_map(&domain, IOVA, BENCH_PAGE(0), 3 * PAGE_SIZE);
        touch(IOVA, 3 * PAGE_SIZE, PAGE_SIZE);
        assert_int_equal(
            pagetable_unmap(bench_table(&domain), IOVA, 3 * PAGE_SIZE, UINT32_MAX, &progress),
            PAGETABLE_OK);
        bench_commands_mark();
        for (unsigned int i = 0; i < 3; i++) {
            assert_int_equal(bench_commands(OPCODE_SYNC), 0);
            assert_int_equal(bench.iommu.driver->invalidate(&bench.iommu, &domain,
                                                            IOVA + i * PAGE_SIZE, PAGE_SIZE, 1,
                                                            true, &ticket, i == 2),
                             IOMMU_OK);
            assert_int_equal(bench_commands(OPCODE_TLBI_IPA), i + 1);
        }
        assert_int_equal(iommu_wait(&bench.iommu, &ticket), IOMMU_OK);
        assert_int_equal(bench_commands(OPCODE_SYNC), 1);
        expect_blocked(IOVA, 3 * PAGE_SIZE, PAGE_SIZE);
    }
}

static void the_last_call_of_a_batch_may_have_nothing_to_add_but_the_sync(void)
{
    struct iommu_ticket ticket = IOMMU_TICKET_EMPTY;
    const struct iommu_driver *driver;

    start(true);
    driver = bench.iommu.driver;
    bench_commands_mark();
    assert_int_equal(
        driver->invalidate(&bench.iommu, &domain, IOVA, PAGE_SIZE, 1, false, &ticket, false),
        IOMMU_OK);
    assert_int_equal(driver->invalidate(&bench.iommu, &domain, 0, 0, 0, false, &ticket, true),
                     IOMMU_OK);
    assert_int_equal(iommu_wait(&bench.iommu, &ticket), IOMMU_OK);
    assert_int_equal(bench_commands(OPCODE_TLBI_IPA), 1);
    assert_int_equal(bench_commands(OPCODE_SYNC), 1);
}

static void a_batch_is_through_only_when_a_late_unit_says_so(void)
{
    struct iommu_ticket ticket = IOMMU_TICKET_EMPTY;

    start(false);
    bench_map(&domain, IOVA, BENCH_PAGE(0), PAGE_SIZE);
    smmuv3_model_set_late(machine.unit[0], SMMUV3_MODEL_LATE_COMMANDS, 7);
    smmuv3_model_set_late(machine.unit[0], SMMUV3_MODEL_LATE_SYNC, 23);
    bench_commands_mark();
    assert_int_equal(bench.iommu.driver->invalidate(&bench.iommu, &domain, IOVA, PAGE_SIZE, 1, true,
                                                    &ticket, true),
                     IOMMU_OK);
    assert_int_not_equal(ticket.position, 0);
    assert_int_equal(bench_commands(OPCODE_SYNC), 0);
    assert_int_equal(iommu_wait(&bench.iommu, &ticket), IOMMU_OK);
    assert_int_equal(bench_commands(OPCODE_SYNC), 1);
    assert_false(smmuv3_model_invalidation_pending(machine.unit[0]));
}

static void nothing_is_pending_when_an_invalidation_returns_however_late_the_unit_is(void)
{
    start(false);
    smmuv3_model_set_late(machine.unit[0], SMMUV3_MODEL_LATE_COMMANDS, 7);
    smmuv3_model_set_late(machine.unit[0], SMMUV3_MODEL_LATE_SYNC, 23);
    for (unsigned int i = 0; i < 50; i++) {
        bench_map(&domain, IOVA, BENCH_PAGE(i), 2 * PAGE_SIZE);
        touch(IOVA, 2 * PAGE_SIZE, PAGE_SIZE);
        bench_unmap(&domain, IOVA, 2 * PAGE_SIZE);
        assert_false(smmuv3_model_invalidation_pending(machine.unit[0]));
        expect_blocked(IOVA, 2 * PAGE_SIZE, PAGE_SIZE);
    }
    assert_int_equal(bench.silenced, 0);
}

int run_invalidate_tests(void)
{
    const struct CMUnitTest tests[] = {
        TEST(the_model_keeps_a_translation_that_nobody_invalidated),
        TEST(unmap_of_one_leaf_is_one_tlbi_and_one_sync),
        TEST(a_range_is_one_command_where_the_unit_has_range_invalidation),
        TEST(a_range_is_a_command_a_page_where_it_has_none),
        TEST(addresses_at_the_top_of_the_aperture_are_forgotten_in_every_form),
        TEST(a_large_range_is_a_command_for_the_whole_tag),
        TEST(i4_a_table_that_went_is_forgotten_with_its_leaf),
        TEST(tables_of_a_whole_range_are_forgotten_in_every_form),
        TEST(invalidation_of_a_domain_leaves_the_other_domains_alone),
        TEST(calls_with_one_ticket_are_one_batch_with_one_sync),
        TEST(the_last_call_of_a_batch_may_have_nothing_to_add_but_the_sync),
        TEST(a_batch_is_through_only_when_a_late_unit_says_so),
        TEST(nothing_is_pending_when_an_invalidation_returns_however_late_the_unit_is),
    };

    return RUN_GROUP("smmuv3/invalidate");
}
