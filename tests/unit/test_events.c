/* SPDX-License-Identifier: Apache-2.0 */
/* The event queue (drivers/iommu/smmuv3/events.c): each type of record as the kernel sees it. */
#include <string.h>

#include "bench.h"
#include "groups.h"

#define STREAM 0x100
#define IOVA UINT64_C(0x10000)

static struct iommu_domain domain;

static void start(void)
{
    bench_plain();
    assert_true(bench.iommu.driver->stream_prepare(&bench.iommu, STREAM));
    bench_domain(&domain);
    assert_int_equal(bench_set(STREAM, STREAM_ATTACHED, &domain), IOMMU_OK);
}

static const struct iommu_fault *take(void)
{
    bench.faults = 0;
    bench.iommu.driver->handle_events(&bench.iommu);
    assert_int_equal(bench.faults, 1);
    return &bench.fault[0];
}

static void map_page(uint64_t iova, uint64_t address, uint64_t attributes)
{
    struct pagetable_progress progress;

    assert_int_equal(
        pagetable_map(bench_table(&domain), iova, address, PAGE_SIZE, attributes, 1, &progress),
        PAGETABLE_OK);
}

static void i9_an_unmapped_access_is_a_translation_fault_with_stream_address_and_direction(void)
{
    start();
    bench_dma(STREAM, 0x123456789010, true);
    const struct iommu_fault *fault = take();

    assert_int_equal(fault->stream, STREAM);
    assert_int_equal(fault->iova, 0x123456789010);
    assert_int_equal(fault->cause, BH_CAUSE_TRANSLATION);
    assert_int_equal(fault->access, BH_ACCESS_WRITE);
    assert_int_equal(fault->pasid, BH_PASID_NONE);
    bench_dma(STREAM, 0x4008, false);
    assert_int_equal(take()->access, BH_ACCESS_READ);
}

static void i9_a_read_only_page_gives_a_permission_fault_when_it_is_written(void)
{
    const struct iommu_format *format;

    start();
    format = bench.iommu.format;
    map_page(IOVA, BENCH_PAGE(1), format->common | format->read);
    map_page(IOVA + PAGE_SIZE, BENCH_PAGE(1), format->common | format->write);
    assert_int_equal(bench_dma(STREAM, IOVA, false), SMMUV3_MODEL_OK);
    assert_int_equal(bench_dma(STREAM, IOVA, true), SMMUV3_MODEL_ABORT);
    assert_int_equal(take()->cause, BH_CAUSE_PERMISSION);
    assert_int_equal(bench_dma(STREAM, IOVA + PAGE_SIZE, true), SMMUV3_MODEL_OK);
    assert_int_equal(bench_dma(STREAM, IOVA + PAGE_SIZE, false), SMMUV3_MODEL_ABORT);
    assert_int_equal(take()->cause, BH_CAUSE_PERMISSION);
    assert_int_equal(bench.fault[0].access, BH_ACCESS_READ);
}

static void i9_a_leaf_without_its_access_flag_gives_an_access_flag_fault(void)
{
    start();
    map_page(IOVA, BENCH_PAGE(1), (bench.iommu.format->common & ~ACCESSED) | S2_READ | S2_WRITE);
    assert_int_equal(bench_dma(STREAM, IOVA, false), SMMUV3_MODEL_ABORT);
    assert_int_equal(take()->cause, BH_CAUSE_ACCESS_FLAG);
}

static void i9_a_table_that_cannot_be_read_gives_a_table_fault(void)
{
    start();
    smmuv3_model_abort_next(machine.unit[0], SMMUV3_MODEL_FETCH_TABLE, 1);
    assert_int_equal(bench_dma(STREAM, IOVA, false), SMMUV3_MODEL_ABORT);
    assert_int_equal(take()->cause, BH_CAUSE_TABLE);
}

static void i9_an_entry_that_cannot_be_read_gives_a_table_fault(void)
{
    start();
    assert_true(bench.iommu.driver->stream_prepare(&bench.iommu, STREAM + 1));
    smmuv3_model_abort_next(machine.unit[0], SMMUV3_MODEL_FETCH_STE, 1);
    assert_int_equal(bench_dma(STREAM + 1, IOVA, false), SMMUV3_MODEL_ABORT);
    assert_int_equal(take()->cause, BH_CAUSE_TABLE);
    assert_int_equal(bench.fault[0].stream, STREAM + 1);
}

static void i9_a_leaf_beyond_the_output_size_gives_an_address_size_fault(void)
{
    struct smmuv3_model_parameters parameters = smmuv3_model_like_mmu600();

    parameters.oas = 40;
    assert_true(bench_start(&parameters, 0x10000));
    assert_true(bench.iommu.driver->stream_prepare(&bench.iommu, STREAM));
    bench_domain(&domain);
    map_page(IOVA, BIT(41), bench.iommu.format->common | S2_READ | S2_WRITE);
    assert_int_equal(bench_set(STREAM, STREAM_ATTACHED, &domain), IOMMU_OK);
    assert_int_equal(bench_dma(STREAM, IOVA, false), SMMUV3_MODEL_ABORT);
    assert_int_equal(take()->cause, BH_CAUSE_ADDRESS_SIZE);
}

/* Records of types that this unit never writes, put where it would. */
static void put_record(uint64_t word0, uint64_t word1, uint64_t word2)
{
    volatile uint64_t *record = (volatile uint64_t *)(uintptr_t)bench_unit()->events;

    bench_unit()->event_consumer = 0;
    record[0] = word0;
    record[1] = word1;
    record[2] = word2;
    record[3] = 0;
}

static uint64_t one_event(void *context, uint64_t offset, unsigned int bytes)
{
    (void)context;
    (void)bytes;
    return offset == SMMU_EVENTQ_PROD ? 1 : 0;
}

static void drop(void *context, uint64_t offset, uint64_t value, unsigned int bytes)
{
    (void)context;
    (void)offset;
    (void)value;
    (void)bytes;
}

static void i9_every_type_of_record_has_a_cause(void)
{
    static const uint8_t causes[256] = {
        [0x02] = BH_CAUSE_STREAM,       [0x03] = BH_CAUSE_TABLE,
        [0x04] = BH_CAUSE_STREAM,       [0x08] = BH_CAUSE_STREAM,
        [0x09] = BH_CAUSE_TABLE,        [0x0A] = BH_CAUSE_STREAM,
        [0x0B] = BH_CAUSE_TABLE,        [0x10] = BH_CAUSE_TRANSLATION,
        [0x11] = BH_CAUSE_ADDRESS_SIZE, [0x12] = BH_CAUSE_ACCESS_FLAG,
        [0x13] = BH_CAUSE_PERMISSION,
    };

    start();
    host_attach(&(struct host_registers){
        .base = 0x0F000000, .size = 0x20000, .read = one_event, .write = drop });
    bench_unit()->base = 0x0F000000;
    for (uint64_t type = 0; type < 256; type++) {
        put_record(type | UINT64_C(0x77) << 32, 0, 0xABC000);
        const struct iommu_fault *fault = take();

        assert_int_equal(fault->cause, causes[type] != 0 ? causes[type] : BH_CAUSE_OTHER);
        assert_int_equal(fault->type, type);
        assert_int_equal(fault->stream, 0x77);
        assert_int_equal(fault->iova, 0xABC000);
    }
}

static void i9_a_record_with_a_substream_names_the_pasid(void)
{
    start();
    host_attach(&(struct host_registers){
        .base = 0x0F000000, .size = 0x20000, .read = one_event, .write = drop });
    bench_unit()->base = 0x0F000000;
    put_record(0x10 | BIT(11) | UINT64_C(0xABCDE) << 12 | UINT64_C(0x99) << 32, BIT(35), 0x1000);
    assert_int_equal(take()->pasid, 0xABCDE);
    assert_int_equal(bench.fault[0].access, BH_ACCESS_READ);
}

static void an_interrupt_without_an_event_is_harmless(void)
{
    start();
    for (unsigned int i = 0; i < 10; i++)
        bench.iommu.driver->handle_events(&bench.iommu);
    assert_int_equal(bench.faults, 0);
    assert_int_equal(bench.lost, 0);
    assert_units_clean();
}

/* A record that has arrived, and what a CPU sees of it that read the index and nothing else: nothing. */
static uint64_t *late_record, arrived[EVENT_WORDS];
static bool index_read;

static void note_index(unsigned int unit, uint64_t offset, uint64_t value)
{
    (void)unit;
    (void)value;
    index_read = index_read || offset == SMMU_EVENTQ_PROD;
}

static void ignore(unsigned int unit, uint64_t offset, uint64_t value)
{
    (void)unit;
    (void)offset;
    (void)value;
}

static void show_record(void)
{
    if (index_read)
        memcpy(late_record, arrived, sizeof(arrived));
}

static void a_record_is_read_behind_the_index_and_not_ahead_of_it(void)
{
    static const struct machine_watch watch = { .register_read = note_index,
                                                .register_written = ignore };

    start();
    late_record = (uint64_t *)(uintptr_t)bench_unit()->events;
    bench_dma(STREAM, IOVA, true);
    memcpy(arrived, late_record, sizeof(arrived));
    memset(late_record, 0, sizeof(arrived));
    machine.watch = &watch;
    host_device_visible = show_record;
    const struct iommu_fault *fault = take();

    assert_int_equal(fault->stream, STREAM);
    assert_int_equal(fault->iova, IOVA);
    assert_int_equal(fault->cause, BH_CAUSE_TRANSLATION);
}

static void records_are_invalidated_in_the_caches_before_they_are_read_without_coherence(void)
{
    struct smmuv3_model_parameters parameters = smmuv3_model_like_mmu600();

    parameters.cohacc = false;
    assert_true(bench_start(&parameters, 0x10000));
    bench_dma(STREAM, IOVA, true);
    uint64_t invalidates = host_counters.invalidates;

    take();
    assert_int_equal(host_counters.invalidates - invalidates, 1);
}

static void each_record_of_a_burst_is_read_anew_in_every_round_of_the_queue_without_coherence(void)
{
    static const unsigned int burst = 12; /* of the 16 records that the queue holds */
    struct smmuv3_model_parameters parameters = smmuv3_model_like_mmu600();

    parameters.cohacc = false;
    parameters.eventqs = 4;
    assert_true(bench_start(&parameters, 0x10000));
    assert_true(bench.iommu.driver->stream_prepare(&bench.iommu, STREAM));
    assert_int_equal(bench_set(STREAM, STREAM_PARKED_LOGGED, NULL), IOMMU_OK);
    for (uint64_t round = 0; round < 6; round++) {
        uint64_t first = IOVA + round * 0x100000;

        for (unsigned int i = 0; i < burst; i++)
            bench_dma(STREAM, first + i * PAGE_SIZE, true);
        bench.faults = 0;
        bench.iommu.driver->handle_events(&bench.iommu);
        assert_int_equal(bench.faults, burst);
        for (unsigned int i = 0; i < burst; i++)
            assert_int_equal(bench.fault[i].iova, first + i * PAGE_SIZE);
    }
    assert_int_equal(bench.lost, 0);
}

int run_events_tests(void)
{
    const struct CMUnitTest tests[] = {
        TEST(i9_an_unmapped_access_is_a_translation_fault_with_stream_address_and_direction),
        TEST(i9_a_read_only_page_gives_a_permission_fault_when_it_is_written),
        TEST(i9_a_leaf_without_its_access_flag_gives_an_access_flag_fault),
        TEST(i9_a_table_that_cannot_be_read_gives_a_table_fault),
        TEST(i9_an_entry_that_cannot_be_read_gives_a_table_fault),
        TEST(i9_a_leaf_beyond_the_output_size_gives_an_address_size_fault),
        TEST(i9_every_type_of_record_has_a_cause),
        TEST(i9_a_record_with_a_substream_names_the_pasid),
        TEST(an_interrupt_without_an_event_is_harmless),
        TEST(a_record_is_read_behind_the_index_and_not_ahead_of_it),
        TEST(records_are_invalidated_in_the_caches_before_they_are_read_without_coherence),
        TEST(each_record_of_a_burst_is_read_anew_in_every_round_of_the_queue_without_coherence),
    };

    return RUN_GROUP("smmuv3/events");
}
