/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Units with stage 1 only (drivers/iommu/smmuv3): what a domain is there, how it is forgotten, and what becomes
 * of accesses that it does not allow. How a stream changes between domains is in test_streams.c.
 */
#include "bench.h"
#include "groups.h"
#include "lib/boot_memory.h"

#define STREAM 0x123
#define IOVA UINT64_C(0x40000000)
#define OPCODE_TLBI_ASID 0x11
#define OPCODE_TLBI_VA 0x12

static struct iommu_domain domain;

static struct smmuv3_model_parameters stage1_only(void)
{
    return smmuv3_model_variant(SMMUV3_MODEL_STAGE_1_ONLY);
}

static void start_with(const struct smmuv3_model_parameters *parameters)
{
    machine.unit_count = 0;
    if (!bench_start(parameters, 1u << parameters->sidsize))
        fail_msg("not brought up: %s", bench.reason);
    assert_true(bench.iommu.driver->stream_prepare(&bench.iommu, STREAM));
    bench_domain(&domain);
    assert_int_equal(bench_set(STREAM, STREAM_ATTACHED, &domain), IOMMU_OK);
}

static void start(bool range_invalidation)
{
    struct smmuv3_model_parameters parameters = stage1_only();

    parameters.ril = range_invalidation;
    start_with(&parameters);
}

static void map_as(uint64_t iova, uint64_t address, uint64_t attributes)
{
    struct pagetable_progress progress;

    assert_int_equal(
        pagetable_map(bench_table(&domain), iova, address, PAGE_SIZE, attributes, 1, &progress),
        PAGETABLE_OK);
}

static const struct iommu_fault *take(void)
{
    bench.faults = 0;
    bench.iommu.driver->handle_events(&bench.iommu);
    assert_int_equal(bench.faults, 1);
    return &bench.fault[0];
}

static void a_unit_with_stage_1_only_says_what_it_can(void)
{
    struct smmuv3_model_parameters parameters = stage1_only();

    start_with(&parameters);
    assert_int_equal(bench.iommu.capabilities.stage, 1);
    assert_int_equal(bench.iommu.capabilities.input_bits, 48);
    assert_int_equal(bench.iommu.capabilities.output_bits, 48);
    assert_int_equal(bench.iommu.capabilities.tag_bits, 16);
    assert_false(bench.iommu.capabilities.nesting);
    assert_true(bench.iommu.capabilities.hitless_replace);
    parameters.asid16 = false;
    start_with(&parameters);
    assert_int_equal(bench.iommu.capabilities.tag_bits, 8);
    for (uint16_t tag = iommu_tag_take(&bench.iommu); tag != 0; tag = iommu_tag_take(&bench.iommu))
        domain.tag = tag;
    assert_int_equal(domain.tag, 255);
    bench_map(&domain, IOVA, BENCH_PAGE(1), PAGE_SIZE);
    assert_int_equal(bench_set(STREAM, STREAM_ATTACHED, &domain), IOMMU_OK);
    assert_int_equal(bench_dma(STREAM, IOVA, true), SMMUV3_MODEL_OK);
    assert_units_clean();
}

static void a_unit_with_both_stages_translates_by_stage_2(void)
{
    const struct smmuv3_model_parameters parameters = smmuv3_model_like_qemu();

    assert_true(bench_start(&parameters, 0x10000));
    assert_int_equal(bench.iommu.capabilities.stage, 2);
    assert_true(bench.iommu.capabilities.nesting);
}

static void the_whole_aperture_is_translated_whatever_the_output_size(void)
{
    static const unsigned int sizes[] = { 32, 36, 40, 42, 44, 48 };

    for (unsigned int i = 0; i < ARRAY_LENGTH(sizes); i++) {
        struct smmuv3_model_parameters parameters = stage1_only();
        uint64_t last = BIT(48) - PAGE_SIZE;

        parameters.oas = sizes[i];
        start_with(&parameters);
        assert_int_equal(bench.iommu.capabilities.output_bits, sizes[i]);
        bench_map(&domain, 0, BENCH_PAGE(1), PAGE_SIZE);
        bench_map(&domain, last, BENCH_PAGE(2), PAGE_SIZE);
        assert_int_equal(bench_ask(STREAM, 0).address, BENCH_PAGE(1));
        assert_int_equal(bench_ask(STREAM, last).address, BENCH_PAGE(2));
        assert_int_equal(bench_dma(STREAM, BIT(48), true), SMMUV3_MODEL_ABORT);
        /* The other half of the address space, which the unit has a register of its own for. */
        assert_int_equal(bench_dma(STREAM, ~UINT64_C(0) << 48 | last, true), SMMUV3_MODEL_ABORT);
        /* An address beyond the output size. */
        if (sizes[i] < 48) {
            map_as(IOVA, BIT(sizes[i]), bench.iommu.format->common ^ bench.iommu.format->read);
            bench.iommu.driver->handle_events(&bench.iommu);
            assert_int_equal(bench_dma(STREAM, IOVA, false), SMMUV3_MODEL_ABORT);
            assert_int_equal(take()->cause, BH_CAUSE_ADDRESS_SIZE);
        }
        assert_units_clean();
    }
}

static void what_may_not_be_written_is_not_and_what_may_be_can_be_read(void)
{
    const struct iommu_format *format;

    start(false);
    format = bench.iommu.format;
    map_as(IOVA, BENCH_PAGE(1), format->common ^ format->read);
    map_as(IOVA + PAGE_SIZE, BENCH_PAGE(2), format->common ^ format->write);
    assert_int_equal(bench_dma(STREAM, IOVA, false), SMMUV3_MODEL_OK);
    assert_int_equal(bench_dma(STREAM, IOVA, true), SMMUV3_MODEL_ABORT);
    assert_int_equal(take()->cause, BH_CAUSE_PERMISSION);
    assert_int_equal(bench.fault[0].access, BH_ACCESS_WRITE);
    assert_int_equal(bench.fault[0].iova, IOVA);
    assert_int_equal(bench_dma(STREAM, IOVA + PAGE_SIZE, true), SMMUV3_MODEL_OK);
    assert_int_equal(bench_dma(STREAM, IOVA + PAGE_SIZE, false), SMMUV3_MODEL_OK);
    assert_units_clean();
}

static void privileged_accesses_are_translated_as_others(void)
{
    struct smmuv3_model_access access = { .stream_id = STREAM, .iova = IOVA, .privileged = true };

    start(false);
    bench_map(&domain, IOVA, BENCH_PAGE(1), PAGE_SIZE);
    for (unsigned int write = 0; write < 2; write++) {
        access.write = write == 1;
        struct smmuv3_model_result result = smmuv3_model_translate(machine.unit[0], &access);

        assert_int_equal(result.outcome, SMMUV3_MODEL_OK);
        assert_int_equal(result.address, BENCH_PAGE(1));
    }
}

static void unmap_of_one_leaf_is_one_tlbi_under_the_asid_and_one_sync(void)
{
    static const uint64_t sizes[] = { PAGE_SIZE, PAGE_SIZE << 9, PAGE_SIZE << 18 };

    for (unsigned int ril = 0; ril < 2; ril++) {
        start(ril == 1);
        for (unsigned int i = 0; i < ARRAY_LENGTH(sizes); i++) {
            bench_map(&domain, IOVA, IOVA, sizes[i]);
            bench_map(&domain, IOVA + sizes[i], IOVA + sizes[i], sizes[i]);
            bench_dma(STREAM, IOVA, true);
            bench_dma(STREAM, IOVA + sizes[i], true);
            bench_commands_mark();
            bench_unmap(&domain, IOVA, sizes[i]);
            assert_int_equal(bench_commands(OPCODE_TLBI_VA), 1);
            assert_int_equal(bench_commands(OPCODE_SYNC), 1);
            assert_true(bench_command(0)->leaf);
            assert_int_equal(bench_command(0)->address, IOVA);
            assert_int_equal(bench_command(0)->asid, domain.tag);
            assert_int_equal(bench_command(0)->vmid, 0);
            assert_int_equal(bench_ask(STREAM, IOVA).outcome, SMMUV3_MODEL_ABORT);
            assert_int_equal(bench_ask(STREAM, IOVA + sizes[i]).outcome, SMMUV3_MODEL_OK);
            bench_unmap(&domain, IOVA + sizes[i], sizes[i]);
        }
        assert_units_clean();
    }
}

static void ranges_and_their_tables_are_forgotten_in_every_form(void)
{
    static const uint32_t pages[] = { 1, 2, 31, 32, 33, 100, 512, 513, 1024, 2049 };

    for (unsigned int ril = 0; ril < 2; ril++) {
        start(ril == 1);
        for (unsigned int i = 0; i < ARRAY_LENGTH(pages); i++) {
            uint64_t size = pages[i] * PAGE_SIZE;

            bench_map(&domain, IOVA, BENCH_PAGE(1), size);
            for (uint64_t at = 0; at < size; at += PAGE_SIZE)
                bench_dma(STREAM, IOVA + at, true);
            bench_commands_mark();
            bench_unmap(&domain, IOVA, size);
            assert_int_equal(bench_commands(OPCODE_SYNC), 1);
            assert_int_equal(bench_commands(OPCODE_TLBI_ASID), ril == 0 && pages[i] > 32 ? 1 : 0);
            /* Another tree in the same pages: the old one must not lead into it. */
            bench_map(&domain, IOVA + 0x40000000, BENCH_PAGE(1), size);
            for (uint64_t at = 0; at < size; at += PAGE_SIZE)
                assert_int_equal(bench_ask(STREAM, IOVA + at).outcome, SMMUV3_MODEL_ABORT);
            bench_unmap(&domain, IOVA + 0x40000000, size);
        }
        assert_units_clean();
    }
}

static void invalidation_of_an_asid_leaves_the_others_alone(void)
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
    assert_int_equal(bench_ask(STREAM, IOVA).address, BENCH_PAGE(8));
    assert_int_equal(bench_ask(STREAM + 1, IOVA).address, BENCH_PAGE(9));
    unsigned int leaves = smmuv3_model_cached(machine.unit[0]).leaves;

    bench_commands_mark();
    assert_int_equal(bench.iommu.driver->invalidate_domain(&bench.iommu, &domain), IOMMU_OK);
    assert_int_equal(bench_commands(OPCODE_TLBI_ASID), 1);
    assert_int_equal(smmuv3_model_cached(machine.unit[0]).leaves, leaves - 1);
    assert_units_clean();
}

static void i4_leaving_a_domain_is_followed_by_a_tlbi_of_its_asid_and_a_sync(void)
{
    start(false);
    bench_map(&domain, IOVA, BENCH_PAGE(1), PAGE_SIZE);
    bench_dma(STREAM, IOVA, true);
    bench_commands_mark();
    assert_int_equal(bench_set(STREAM, STREAM_PARKED_LOGGED, NULL), IOMMU_OK);
    assert_int_equal(bench_commands(OPCODE_TLBI_ASID), 1);
    assert_int_equal(smmuv3_model_cached(machine.unit[0]).leaves, 0);
    assert_false(smmuv3_model_invalidation_pending(machine.unit[0]));
    /* There was nothing to leave. */
    bench_commands_mark();
    assert_int_equal(bench_set(STREAM, STREAM_PARKED_SILENT, NULL), IOMMU_OK);
    assert_int_equal(bench_commands(OPCODE_TLBI_ASID), 0);
}

static void an_access_with_a_pasid_is_blocked_and_told_and_one_without_passes(void)
{
    struct smmuv3_model_access access = {
        .stream_id = STREAM, .iova = IOVA, .ssv = true, .substream_id = 5
    };
    uint64_t value = 0;

    start(false);
    bench_map(&domain, IOVA, BENCH_PAGE(1), PAGE_SIZE);
    for (access.substream_id = 0; access.substream_id < 6; access.substream_id += 5) {
        assert_int_equal(
            smmuv3_model_dma_as(machine.unit[0], &access, &value, sizeof(value)).outcome,
            SMMUV3_MODEL_ABORT);
        assert_int_equal(take()->cause, BH_CAUSE_STREAM);
        assert_int_equal(bench.fault[0].pasid, access.substream_id);
    }
    assert_int_equal(bench_dma(STREAM, IOVA, true), SMMUV3_MODEL_OK);
}

static void faults_name_stream_address_access_and_cause(void)
{
    start(false);
    assert_int_equal(bench_dma(STREAM, IOVA + 8, true), SMMUV3_MODEL_ABORT);
    assert_int_equal(take()->cause, BH_CAUSE_TRANSLATION);
    assert_int_equal(bench.fault[0].stream, STREAM);
    assert_int_equal(bench.fault[0].pasid, BH_PASID_NONE);
    assert_int_equal(bench.fault[0].iova, IOVA + 8);
    assert_int_equal(bench.fault[0].access, BH_ACCESS_WRITE);
    map_as(IOVA, BENCH_PAGE(1),
           (bench.iommu.format->common ^ bench.iommu.format->write) & ~ACCESSED);
    assert_int_equal(bench_dma(STREAM, IOVA, false), SMMUV3_MODEL_ABORT);
    assert_int_equal(take()->cause, BH_CAUSE_ACCESS_FLAG);
    assert_int_equal(bench.fault[0].access, BH_ACCESS_READ);
    smmuv3_model_evict(machine.unit[0]);
    smmuv3_model_abort_next(machine.unit[0], SMMUV3_MODEL_FETCH_CD, 1);
    assert_int_equal(bench_dma(STREAM, IOVA, false), SMMUV3_MODEL_ABORT);
    assert_int_equal(take()->cause, BH_CAUSE_TABLE);
    /* What nobody writes: a descriptor that is not valid. */
    smmuv3_model_evict(machine.unit[0]);
    volatile uint64_t *table = memory_pointer(bench_unit()->level1[STREAM >> STREAM_SPLIT] &
                                              L1STD_POINTER);
    volatile uint64_t *context = memory_pointer(table[(size_t)(STREAM & 0xFF) * ENTRY_WORDS] &
                                                STE0_CONTEXTS);

    context[0] &= ~CD0_V;
    assert_int_equal(bench_dma(STREAM, IOVA, false), SMMUV3_MODEL_ABORT);
    assert_int_equal(take()->cause, BH_CAUSE_STREAM);
}

static void each_stream_of_a_table_has_descriptors_of_its_own(void)
{
    static const uint32_t streams[] = { 0x100, 0x101, 0x180, 0x1FE, 0x1FF };
    struct iommu_domain domains[ARRAY_LENGTH(streams)];

    start(false);
    for (unsigned int round = 0; round < 3; round++) {
        for (unsigned int i = 0; i < ARRAY_LENGTH(streams); i++) {
            if (round == 0) {
                bench_domain(&domains[i]);
                bench_map(&domains[i], IOVA, BENCH_PAGE(10 + i), PAGE_SIZE);
            }
            /* Each attach takes the descriptor that is not in use. */
            assert_int_equal(bench_set(streams[i], STREAM_ATTACHED, &domains[i]), IOMMU_OK);
        }
        smmuv3_model_evict(machine.unit[0]);
        for (unsigned int i = 0; i < ARRAY_LENGTH(streams); i++)
            assert_int_equal(bench_ask(streams[i], IOVA).address, BENCH_PAGE(10 + i));
    }
    assert_units_clean();
}

static void i11_a_silenced_unit_is_shown_no_descriptor_that_changes(void)
{
    struct iommu_domain other;

    start(false);
    bench_domain(&other);
    assert_int_equal(bench_set(STREAM, STREAM_ATTACHED, &other), IOMMU_OK);
    smmuv3_silence(bench.iommu.unit, FAILURE_SERVICE);
    uint64_t entries = host_counters.entries;

    assert_int_equal(bench_set(STREAM, STREAM_ATTACHED, &domain), IOMMU_SILENCED);
    assert_int_equal(host_counters.entries - entries, 1); /* word 0 of the stream's entry */
    assert_int_equal(bench_set(STREAM, STREAM_ATTACHED, &domain), IOMMU_SILENCED);
    assert_int_equal(host_counters.entries - entries, 1);
}

static void descriptors_are_cleaned_to_memory_without_coherence(void)
{
    struct smmuv3_model_parameters parameters = stage1_only();

    parameters.cohacc = false;
    start_with(&parameters);
    bench_map(&domain, IOVA, BENCH_PAGE(1), PAGE_SIZE);
    assert_int_equal(bench_dma(STREAM, IOVA, true), SMMUV3_MODEL_OK);
    assert_int_equal(bench_set(STREAM, STREAM_PARKED_LOGGED, NULL), IOMMU_OK);
    assert_int_equal(bench_dma(STREAM, IOVA, true), SMMUV3_MODEL_ABORT);
    assert_int_equal(take()->cause, BH_CAUSE_TRANSLATION);
    assert_units_clean();
}

static void a_unit_without_memory_for_its_descriptors_is_refused(void)
{
    struct smmuv3_model_parameters parameters = stage1_only();
    assert_true(bench_start(&parameters, 0x10000));
    uint64_t used = boot_memory_used();

    /* The parked domain's descriptor is the last that it takes. */
    machine.unit_count = 0;
    assert_false(bench_start_with(&parameters, 0x10000, used - ENTRY_SIZE));
    assert_string_equal(bench.reason, "no memory for its queues");
    assert_int_equal(bench_ask(STREAM, IOVA).outcome, SMMUV3_MODEL_ABORT);
    machine.unit_count = 0;
    assert_true(bench_start_with(&parameters, 0x10000, used));
    /* A second-level table of 256 entries with two descriptors for each. */
    machine.unit_count = 0;
    assert_true(bench_start(&parameters, 0x10000));
    used = boot_memory_used();
    assert_true(bench.iommu.driver->stream_prepare(&bench.iommu, STREAM));
    assert_true(boot_memory_used() - used >= UINT64_C(3) * 256 * ENTRY_SIZE);
}

int run_stage1_tests(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_unit_with_stage_1_only_says_what_it_can),
        TEST(a_unit_with_both_stages_translates_by_stage_2),
        TEST(the_whole_aperture_is_translated_whatever_the_output_size),
        TEST(what_may_not_be_written_is_not_and_what_may_be_can_be_read),
        TEST(privileged_accesses_are_translated_as_others),
        TEST(unmap_of_one_leaf_is_one_tlbi_under_the_asid_and_one_sync),
        TEST(ranges_and_their_tables_are_forgotten_in_every_form),
        TEST(invalidation_of_an_asid_leaves_the_others_alone),
        TEST(i4_leaving_a_domain_is_followed_by_a_tlbi_of_its_asid_and_a_sync),
        TEST(an_access_with_a_pasid_is_blocked_and_told_and_one_without_passes),
        TEST(faults_name_stream_address_access_and_cause),
        TEST(each_stream_of_a_table_has_descriptors_of_its_own),
        TEST(i11_a_silenced_unit_is_shown_no_descriptor_that_changes),
        TEST(descriptors_are_cleaned_to_memory_without_coherence),
        TEST(a_unit_without_memory_for_its_descriptors_is_refused),
    };

    return RUN_GROUP("smmuv3/stage1");
}
