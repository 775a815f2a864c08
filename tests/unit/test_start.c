/* SPDX-License-Identifier: Apache-2.0 */
/* Bringing a unit up (drivers/iommu/smmuv3/unit.c) on units of several capabilities. */
#include <string.h>

#include "bench.h"
#include "drivers/iommu/smmuv3/unit.h"
#include "groups.h"

static struct smmuv3_model_parameters plain(void)
{
    return smmuv3_model_like_mmu600();
}

static void expect_up(const struct smmuv3_model_parameters *parameters)
{
    if (!bench_start(parameters, 0x10000))
        fail_msg("not brought up: %s", bench.reason);
    assert_units_clean();
    assert_int_equal(bench.iommu.counters.illegal_commands, 0);
    /* No stream passes anything, prepared or not, whatever its number. */
    for (uint32_t stream = 0; stream < 0x12000; stream += 0x1FF)
        assert_int_equal(bench_ask(stream, 0x40000000).outcome, SMMUV3_MODEL_ABORT);
    assert_true(bench.iommu.driver->stream_prepare(&bench.iommu, 0x100));
    assert_int_equal(bench_ask(0x100, 0x40000000).outcome, SMMUV3_MODEL_ABORT);
    assert_int_equal(bench_set(0x100, STREAM_PARKED_LOGGED, NULL), IOMMU_OK);
    struct iommu_domain domain;

    bench_domain(&domain);
    bench_map(&domain, 0x10000, BENCH_PAGE(1), PAGE_SIZE);
    assert_int_equal(bench_set(0x100, STREAM_ATTACHED, &domain), IOMMU_OK);
    assert_int_equal(bench_dma(0x100, 0x10000, true), SMMUV3_MODEL_OK);
    assert_int_equal(bench_ask(0x100, 0x10000).address, BENCH_PAGE(1));
    bench_unmap(&domain, 0x10000, PAGE_SIZE);
    assert_int_equal(bench_dma(0x100, 0x10000, true), SMMUV3_MODEL_ABORT);
    assert_units_clean();
    assert_int_equal(bench.iommu.counters.illegal_commands, 0);
    assert_int_equal(bench.silenced, 0);
}

static void expect_refused(const struct smmuv3_model_parameters *parameters, const char *reason)
{
    machine.unit_count = 0;
    assert_false(bench_start(parameters, 0x10000));
    assert_non_null(bench.reason);
    if (strstr(bench.reason, reason) == NULL)
        fail_msg("the reason is \"%s\", not \"%s\"", bench.reason, reason);
    assert_int_equal(bench_ask(5, 0x40000000).outcome, SMMUV3_MODEL_ABORT);
}

static void row_1_13_a_unit_like_an_mmu_600_comes_up_and_every_stream_aborts(void)
{
    struct smmuv3_model_parameters parameters = plain();

    expect_up(&parameters);
    assert_true(bench.iommu.capabilities.two_level);
    assert_false(bench.iommu.capabilities.range_invalidation);
    assert_int_equal(bench.iommu.capabilities.input_bits, 48);
    assert_int_equal(bench.iommu.capabilities.tag_bits, 16);
}

static void a_unit_like_qemus_comes_up_and_every_stream_aborts(void)
{
    struct smmuv3_model_parameters parameters = smmuv3_model_like_qemu();

    expect_up(&parameters);
    assert_true(bench.iommu.capabilities.range_invalidation);
    assert_int_equal(bench.iommu.capabilities.output_bits, 44);
}

static void a_unit_without_two_level_tables_gets_a_linear_one(void)
{
    struct smmuv3_model_parameters parameters = plain();

    parameters.st_level = false;
    parameters.sidsize = 16;
    expect_up(&parameters);
    assert_null(bench_unit()->level1);
}

static void a_small_unit_gets_a_table_of_its_own_size(void)
{
    struct smmuv3_model_parameters parameters = plain();

    parameters.st_level = false;
    parameters.sidsize = 6;
    assert_true(bench_start(&parameters, 64));
    assert_int_equal(bench_unit()->stream_bits, 6);
    assert_true(bench.iommu.driver->stream_prepare(&bench.iommu, 63));
    assert_false(bench.iommu.driver->stream_prepare(&bench.iommu, 64));
    assert_units_clean();
}

static void a_two_level_unit_with_few_stream_bits_comes_up(void)
{
    struct smmuv3_model_parameters parameters = plain();

    parameters.sidsize = 7;
    assert_true(bench_start(&parameters, 128));
    assert_units_clean();
    for (uint32_t stream = 0; stream < 300; stream++)
        assert_int_equal(bench_ask(stream, 0x40000000).outcome, SMMUV3_MODEL_ABORT);
}

static void streams_beyond_what_the_unit_takes_are_refused_with_a_reason(void)
{
    struct smmuv3_model_parameters parameters = plain();

    parameters.sidsize = 8;
    expect_refused(&parameters, "stream ids");
}

static void streams_beyond_2_to_the_16_are_refused_with_a_reason(void)
{
    struct smmuv3_model_parameters parameters = plain();

    parameters.sidsize = 20;
    assert_false(bench_start(&parameters, 0x10001));
    assert_non_null(strstr(bench.reason, "stream ids"));
}

static void row_1_20_row_4_2_a_unit_that_the_hypervisor_cannot_use_is_refused_with_its_reason(void)
{
    struct smmuv3_model_parameters parameters = plain();

    parameters.s1p = false;
    parameters.s2p = false;
    expect_refused(&parameters, "translation");
    parameters = plain();
    parameters.ttf = 1;
    expect_refused(&parameters, "translation");
    parameters = plain();
    parameters.ttendian = 3;
    expect_refused(&parameters, "big-endian");
    parameters = plain();
    parameters.stall_model = 2;
    expect_refused(&parameters, "stalls");
    parameters = plain();
    parameters.gran4k = false;
    expect_refused(&parameters, "granule");
}

static void a_unit_with_8_bit_vmids_hands_out_no_more_tags_than_it_has(void)
{
    struct smmuv3_model_parameters parameters = plain();
    unsigned int tags = 0;

    parameters.vmid16 = false;
    expect_up(&parameters);
    assert_int_equal(bench.iommu.capabilities.tag_bits, 8);
    for (uint16_t tag = iommu_tag_take(&bench.iommu); tag != 0;
         tag = iommu_tag_take(&bench.iommu)) {
        assert_true(tag < 256);
        tags++;
    }
    /* 0 is nobody's; the parked domain and the one of this test have theirs. */
    assert_int_equal(tags, 256 - 3);
}

/* Stage 2 is replaced hitless by way of a third tag; a context descriptor needs none, and stage 2 no descriptor. */
static void a_stage_takes_of_tags_and_memory_what_it_needs(void)
{
    struct smmuv3_model_parameters parameters = smmuv3_model_variant(SMMUV3_MODEL_STAGE_1_ONLY);
    unsigned int tags = 0;

    parameters.asid16 = false;
    if (!bench_start(&parameters, 0x10000))
        fail_msg("not brought up: %s", bench.reason);
    assert_true(bench_unit()->parked_context != 0);
    while (iommu_tag_take(&bench.iommu) != 0)
        tags++;
    assert_int_equal(tags, 256 - 2);
    machine.unit_count = 0;
    parameters = plain();
    parameters.vmid16 = false;
    parameters.bbml = 2;
    if (!bench_start(&parameters, 0x10000))
        fail_msg("not brought up: %s", bench.reason);
    assert_int_equal(bench_unit()->parked_context, 0);
    for (tags = 0; iommu_tag_take(&bench.iommu) != 0;)
        tags++;
    assert_int_equal(tags, 256 - 3);
}

static void row_4_1_each_output_size_gets_an_aperture_and_a_root_that_fit(void)
{
    static const unsigned int sizes[][2] = { { 32, 32 }, { 36, 36 }, { 40, 39 },
                                             { 42, 39 }, { 44, 44 }, { 48, 48 } };

    for (unsigned int i = 0; i < ARRAY_LENGTH(sizes); i++) {
        struct smmuv3_model_parameters parameters = plain();

        machine.unit_count = 0;
        parameters.oas = sizes[i][0];
        expect_up(&parameters);
        assert_int_equal(bench.iommu.capabilities.output_bits, sizes[i][0]);
        assert_int_equal(bench.iommu.capabilities.input_bits, sizes[i][1]);
        struct iommu_domain domain;
        uint64_t last = BIT(sizes[i][1]) - PAGE_SIZE;

        bench_domain(&domain);
        bench_map(&domain, last, BENCH_PAGE(2), PAGE_SIZE);
        assert_int_equal(bench_set(0x100, STREAM_ATTACHED, &domain), IOMMU_OK);
        assert_int_equal(bench_dma(0x100, last, true), SMMUV3_MODEL_OK);
        assert_int_equal(bench_dma(0x100, BIT(sizes[i][1]), true), SMMUV3_MODEL_ABORT);
        assert_units_clean();
    }
}

static void a_unit_is_coherent_if_it_and_the_tree_say_so(void)
{
    for (unsigned int said = 0; said < 4; said++) {
        struct smmuv3_model_parameters parameters = plain();

        parameters.cohacc = (said & 1) != 0;
        bench.tree_denies_coherence = (said & 2) == 0;
        machine.unit_count = 0;
        expect_up(&parameters);
        assert_int_equal(bench.iommu.capabilities.coherent, said == 3);
        assert_units_clean();
    }
}

static void every_store_is_cleaned_to_memory_for_a_unit_that_is_not_coherent(void)
{
    struct smmuv3_model_parameters parameters = plain();
    struct iommu_domain domain;

    parameters.cohacc = false;
    expect_up(&parameters);
    assert_false(bench.iommu.capabilities.coherent);
    bench_domain(&domain);
    uint64_t entries = host_counters.entries, cleans = host_counters.cleans;

    bench_map(&domain, 0, BENCH_PAGE(0), 16 * PAGE_SIZE);
    assert_int_equal(host_counters.entries - entries, 16 + 3);
    /* Each entry, and each new table as a whole before it is linked. */
    assert_int_equal(host_counters.cleans - cleans, 16 + 3 + 3);
    entries = host_counters.entries;
    cleans = host_counters.cleans;
    /* One command and its SYNC: two words each. */
    assert_int_equal(bench.iommu.driver->invalidate_domain(&bench.iommu, &domain), IOMMU_OK);
    assert_int_equal(host_counters.entries - entries, 4);
    assert_int_equal(host_counters.cleans - cleans, 2);
    cleans = host_counters.cleans;
    assert_int_equal(bench_set(0x100, STREAM_ATTACHED, &domain), IOMMU_OK);
    assert_true(host_counters.cleans > cleans);
}

static void broadcast_maintenance_of_the_cpus_is_kept_from_a_unit_that_takes_part_in_it(void)
{
    for (unsigned int btm = 0; btm < 2; btm++) {
        struct smmuv3_model_parameters parameters = plain();

        machine.unit_count = 0;
        parameters.btm = btm == 1;
        expect_up(&parameters);
        assert_int_equal(smmuv3_model_read32(machine.unit[0], SMMU_CR2),
                         CR2_RECINVSID | (btm == 1 ? CR2_PTM : 0));
    }
}

static void an_mmu_700_before_r1p1_gets_a_sync_after_each_command(void)
{
    struct smmuv3_model_parameters parameters = plain();
    struct iommu_domain domain;

    parameters.iidr = 0x4870043B;
    expect_up(&parameters);
    assert_true(bench.iommu.capabilities.sync_each);
    bench_domain(&domain);
    bench_map(&domain, 0, BENCH_PAGE(0), 8 * PAGE_SIZE);
    bench_commands_mark();
    bench_unmap(&domain, 0, 4 * PAGE_SIZE);
    assert_int_equal(bench_commands(OPCODE_TLBI_IPA), 4);
    assert_int_equal(bench_commands(OPCODE_SYNC), 4);
}

static void later_revisions_and_other_implementers_have_no_erratum(void)
{
    static const uint32_t iidr[] = { 0x4871143B, 0x4871243B, 0x48700041, 0 };

    for (unsigned int i = 0; i < ARRAY_LENGTH(iidr); i++) {
        struct smmuv3_model_parameters parameters = plain();

        machine.unit_count = 0;
        parameters.iidr = iidr[i];
        assert_true(bench_start(&parameters, 0x10000));
        assert_false(bench.iommu.capabilities.sync_each);
    }
}

static void a_unit_with_caches_full_of_a_former_user_comes_up_clean(void)
{
    struct smmuv3_model_parameters parameters = plain();
    struct iommu_domain domain;

    assert_true(bench_start(&parameters, 0x10000));
    assert_true(bench.iommu.driver->stream_prepare(&bench.iommu, 0x100));
    bench_domain(&domain);
    bench_map(&domain, 0x10000, BENCH_PAGE(1), PAGE_SIZE);
    assert_int_equal(bench_set(0x100, STREAM_ATTACHED, &domain), IOMMU_OK);
    assert_int_equal(bench_dma(0x100, 0x10000, true), SMMUV3_MODEL_OK);
    /* A second start of the same unit, its caches as they are. */
    smmuv3_model_reset(machine.unit[0]);
    assert_true(smmuv3_model_cached(machine.unit[0]).stes > 0);
    assert_true(bench_start(&parameters, 0x10000));
    assert_int_equal(bench_ask(0x100, 0x10000).outcome, SMMUV3_MODEL_ABORT);
    assert_int_equal(smmuv3_model_cached(machine.unit[0]).leaves, 0);
    assert_units_clean();
}

static void errors_that_a_former_user_left_unanswered_are_not_those_of_the_new_one(void)
{
    const struct smmuv3_model_parameters parameters = plain();

    machine_reset();
    machine_add_unit(&parameters);
    smmuv3_model_raise_gerror(machine.unit[0], SMMUV3_MODEL_MSI_GERROR_ABT_ERR);
    expect_up(&parameters);
    bench.iommu.driver->handle_events(&bench.iommu);
    assert_false(bench.iommu.silenced);
    assert_int_equal(bench.iommu.counters.unknown_errors, 0);
}

static unsigned int translations_begun;

static void expect_events_on(unsigned int unit, uint64_t offset, uint64_t value)
{
    const uint32_t needed = (uint32_t)(CR0_CMDQEN | CR0_EVENTQEN);

    if (offset != SMMU_CR0 || (value & CR0_SMMUEN) == 0)
        return;
    translations_begun++;
    if ((smmuv3_model_read32(machine.unit[unit], SMMU_CR0ACK) & needed) != needed)
        fail_msg("translation begins while a fault would leave no record");
}

static void the_unit_records_faults_before_it_lets_anything_be_translated(void)
{
    const struct smmuv3_model_parameters parameters = plain();

    machine_reset();
    machine_add_unit(&parameters);
    machine.before_register_write = expect_events_on;
    expect_up(&parameters);
    assert_int_equal(translations_begun, 1);
}

static void an_unknown_stream_gives_an_event(void)
{
    bench_plain();
    assert_int_equal(bench_dma(0x20000, 0x1000, true), SMMUV3_MODEL_ABORT);
    assert_int_equal(bench_dma(0x200, 0x1000, false), SMMUV3_MODEL_ABORT);
    bench.iommu.driver->handle_events(&bench.iommu);
    assert_int_equal(bench.faults, 2);
    assert_int_equal(bench.fault[0].stream, 0x20000);
    assert_int_equal(bench.fault[0].cause, BH_CAUSE_STREAM);
    assert_int_equal(bench.fault[1].stream, 0x200);
}

static void start_fails_in_time_where_a_register_is_never_acknowledged(void)
{
    const struct smmuv3_model_parameters parameters = plain();

    machine_reset();
    machine_add_unit(&parameters);
    smmuv3_close(UNIT_BASE);
    smmuv3_model_set_late(machine.unit[0], SMMUV3_MODEL_LATE_IRQ_CTRLACK, SMMUV3_MODEL_NEVER);
    assert_false(bench_start(&parameters, 0x100));
    assert_non_null(strstr(bench.reason, "deadline"));
    assert_int_equal(bench.silenced, 1);
    assert_int_equal(bench_ask(5, 0x40000000).outcome, SMMUV3_MODEL_ABORT);
}

static void late_acknowledgement_of_everything_is_waited_for(void)
{
    const struct smmuv3_model_parameters parameters = plain();

    machine_reset();
    machine_add_unit(&parameters);
    for (unsigned int late = 0; late < SMMUV3_MODEL_LATES; late++)
        smmuv3_model_set_late(machine.unit[0], (enum smmuv3_model_late)late, 50);
    expect_up(&parameters);
}

/* Too little memory for the tables: whatever the unit's queues got is not given to the unit unless both
 * are there. */
static void expect_no_queues(const struct smmuv3_model_parameters *parameters, uint64_t own_size)
{
    machine_reset();
    machine_add_unit(parameters);
    uint64_t commands = mmio_read64(UNIT_BASE + SMMU_CMDQ_BASE);
    uint64_t events = mmio_read64(UNIT_BASE + SMMU_EVENTQ_BASE);

    assert_false(bench_start_with(parameters, 0x10000, own_size));
    assert_int_equal(mmio_read64(UNIT_BASE + SMMU_CMDQ_BASE), commands);
    assert_int_equal(mmio_read64(UNIT_BASE + SMMU_EVENTQ_BASE), events);
}

static void a_unit_that_lacks_a_queue_is_given_none(void)
{
    struct smmuv3_model_parameters parameters = plain();

    parameters.cohacc = false;
    parameters.cmdqs = 9;
    parameters.eventqs = 10;
    expect_no_queues(&parameters, COMMAND_SIZE << 9);
    assert_non_null(bench_unit()->commands);
    assert_null(bench_unit()->events);
    /* What is there is cleaned to memory, after the stream table, which is no part of that memory. */
    assert_int_equal(host_counters.cleans, 2);
    parameters.eventqs = 4;
    expect_no_queues(&parameters, EVENT_SIZE << 4);
    assert_null(bench_unit()->commands);
    assert_non_null(bench_unit()->events);
    /* And what is not there is not. */
    expect_no_queues(&parameters, 0);
    assert_int_equal(host_counters.cleans, 1);
}

int run_start_tests(void)
{
    const struct CMUnitTest tests[] = {
        TEST(row_1_13_a_unit_like_an_mmu_600_comes_up_and_every_stream_aborts),
        TEST(a_unit_like_qemus_comes_up_and_every_stream_aborts),
        TEST(a_unit_without_two_level_tables_gets_a_linear_one),
        TEST(a_small_unit_gets_a_table_of_its_own_size),
        TEST(a_two_level_unit_with_few_stream_bits_comes_up),
        TEST(streams_beyond_what_the_unit_takes_are_refused_with_a_reason),
        TEST(streams_beyond_2_to_the_16_are_refused_with_a_reason),
        TEST(row_1_20_row_4_2_a_unit_that_the_hypervisor_cannot_use_is_refused_with_its_reason),
        TEST(a_unit_with_8_bit_vmids_hands_out_no_more_tags_than_it_has),
        TEST(a_stage_takes_of_tags_and_memory_what_it_needs),
        TEST(row_4_1_each_output_size_gets_an_aperture_and_a_root_that_fit),
        TEST(a_unit_is_coherent_if_it_and_the_tree_say_so),
        TEST(every_store_is_cleaned_to_memory_for_a_unit_that_is_not_coherent),
        TEST(broadcast_maintenance_of_the_cpus_is_kept_from_a_unit_that_takes_part_in_it),
        TEST(an_mmu_700_before_r1p1_gets_a_sync_after_each_command),
        TEST(later_revisions_and_other_implementers_have_no_erratum),
        TEST(a_unit_with_caches_full_of_a_former_user_comes_up_clean),
        TEST(errors_that_a_former_user_left_unanswered_are_not_those_of_the_new_one),
        TEST(the_unit_records_faults_before_it_lets_anything_be_translated),
        TEST(an_unknown_stream_gives_an_event),
        TEST(start_fails_in_time_where_a_register_is_never_acknowledged),
        TEST(late_acknowledgement_of_everything_is_waited_for),
        TEST(a_unit_that_lacks_a_queue_is_given_none),
    };

    return RUN_GROUP("smmuv3/start");
}
