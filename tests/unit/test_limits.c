/* SPDX-License-Identifier: Apache-2.0 */
/* Where the SMMUv3 driver runs into an end: of memory, of the queue, of what a unit can do, and of what
 * firmware left behind. */
#include <string.h>

#include "bench.h"
#include "groups.h"
#include "lib/boot_memory.h"

#define STREAM 0x100
#define IOVA UINT64_C(0x10000)
#define CR0 0x20
#define IRQ_CTRL 0x50
#define ATSCHK 0x10
#define SMMUEN 0x01

/* ---- A unit whose registers say something else than its model -------------------------------------------- */

static uint64_t changed_offset, changed_value;

static uint64_t changed_read(void *context, uint64_t offset, unsigned int bytes)
{
    (void)context;
    if (offset == changed_offset)
        return changed_value;
    return bytes == 8 ? smmuv3_model_read64(machine.unit[0], (uint32_t)offset)
                      : smmuv3_model_read32(machine.unit[0], (uint32_t)offset);
}

static void changed_write(void *context, uint64_t offset, uint64_t value, unsigned int bytes)
{
    (void)context;
    if (bytes == 8)
        smmuv3_model_write64(machine.unit[0], (uint32_t)offset, value);
    else
        smmuv3_model_write32(machine.unit[0], (uint32_t)offset, (uint32_t)value);
}

/* A machine with one unit, of which the register at `offset` reads as `value`. */
static void add_changed(const struct smmuv3_model_parameters *parameters, uint64_t offset,
                        uint64_t value)
{
    machine_reset();
    changed_offset = offset;
    changed_value = value;
    host_attach(&(struct host_registers){
        .base = UNIT_BASE, .size = 0x20000, .read = changed_read, .write = changed_write });
    machine_add_unit(parameters);
}

static void expect_preset_refused(unsigned int bit)
{
    const struct smmuv3_model_parameters parameters = smmuv3_model_like_mmu600();

    add_changed(&parameters, SMMU_IDR1, 0);
    changed_value = smmuv3_model_read32(machine.unit[0], SMMU_IDR1) | BIT(bit);
    assert_false(bench_start(&parameters, 0x10000));
    assert_string_equal(bench.reason, "tables or queues at preset addresses are not supported");
}

static void a_unit_with_queues_at_preset_addresses_is_refused(void)
{
    expect_preset_refused(29);
}

static void a_unit_with_tables_at_preset_addresses_is_refused(void)
{
    expect_preset_refused(30);
}

static void i1_a_unit_whose_abort_does_not_stay_set_counts_as_dead(void)
{
    const struct smmuv3_model_parameters parameters = smmuv3_model_like_mmu600();

    add_changed(&parameters, SMMU_GBPA, 0);
    assert_int_equal(smmuv3_close(UNIT_BASE), EARLY_UNRESPONSIVE);
}

static void a_unit_that_is_leaving_translation_counts_as_enabled(void)
{
    const struct smmuv3_model_parameters parameters = smmuv3_model_like_mmu600();

    machine_reset();
    machine_add_unit(&parameters);
    smmuv3_model_write32(machine.unit[0], CR0, SMMUEN);
    /* CR0 says off already, its acknowledge not yet. */
    smmuv3_model_set_late(machine.unit[0], SMMUV3_MODEL_LATE_CR0ACK, 20);
    smmuv3_model_write32(machine.unit[0], CR0, 0);
    assert_int_equal(smmuv3_close(UNIT_BASE), EARLY_WAS_ENABLED);
}

static void a_unit_that_is_entering_translation_counts_as_enabled(void)
{
    const struct smmuv3_model_parameters parameters = smmuv3_model_like_mmu600();

    machine_reset();
    machine_add_unit(&parameters);
    smmuv3_model_set_late(machine.unit[0], SMMUV3_MODEL_LATE_CR0ACK, 20);
    smmuv3_model_write32(machine.unit[0], CR0, SMMUEN);
    assert_int_equal(smmuv3_close(UNIT_BASE), EARLY_WAS_ENABLED);
    assert_int_equal(bench_ask(5, 0x40000000).outcome, SMMUV3_MODEL_ABORT);
}

static unsigned int gbpa_writes;

/* What is written to GBPA while an update is under way may be lost (6.3.14). */
static void gbpa_is_settled(unsigned int unit, uint64_t offset, uint64_t value)
{
    (void)value;
    if (offset != SMMU_GBPA)
        return;
    assert_int_equal(smmuv3_model_read32(machine.unit[unit], SMMU_GBPA) & (uint32_t)GBPA_UPDATE, 0);
    gbpa_writes++;
}

static void i1_an_update_that_firmware_began_is_over_before_abort_is_written(void)
{
    const struct smmuv3_model_parameters parameters = smmuv3_model_like_mmu600();

    machine_reset();
    machine_add_unit(&parameters);
    smmuv3_model_set_late(machine.unit[0], SMMUV3_MODEL_LATE_GBPA, 30);
    smmuv3_model_write32(machine.unit[0], SMMU_GBPA, (uint32_t)GBPA_UPDATE);
    machine.before_register_write = gbpa_is_settled;
    assert_int_equal(smmuv3_close(UNIT_BASE), EARLY_CLOSED);
    assert_int_equal(gbpa_writes, 1);
    assert_int_equal(bench_ask(5, 0x40000000).outcome, SMMUV3_MODEL_ABORT);
}

static void an_update_that_firmware_began_and_that_never_ends_counts_as_dead(void)
{
    const struct smmuv3_model_parameters parameters = smmuv3_model_like_mmu600();

    machine_reset();
    machine_add_unit(&parameters);
    smmuv3_model_set_late(machine.unit[0], SMMUV3_MODEL_LATE_GBPA, SMMUV3_MODEL_NEVER);
    smmuv3_model_write32(machine.unit[0], SMMU_GBPA, (uint32_t)GBPA_UPDATE);
    machine.before_register_write = gbpa_is_settled;
    assert_int_equal(smmuv3_close(UNIT_BASE), EARLY_UNRESPONSIVE);
    assert_int_equal(gbpa_writes, 0);
}

static void a_driver_is_found_by_its_own_name_only(void)
{
    assert_non_null(iommu_find_driver("arm,smmu-v3"));
    assert_null(iommu_find_driver("arm,smmu-v2"));
    assert_null(iommu_find_driver(""));
}

static unsigned int register_reads;

static void count_read(unsigned int unit, uint64_t offset, uint64_t value)
{
    (void)unit;
    (void)offset;
    (void)value;
    register_reads++;
}

static void a_unit_with_half_its_registers_is_refused_without_a_look_at_them(void)
{
    static const struct machine_watch watch = { .register_read = count_read };

    bench_plain();
    bench.topology.registers.size = 0x10000;
    machine.watch = &watch;
    assert_false(bench.iommu.driver->start(&bench.iommu, 0x10000, &bench.reason));
    assert_string_equal(bench.reason, "its register range is too small");
    assert_int_equal(register_reads, 0);
}

static void translated_requests_are_checked_on_a_unit_that_knows_them(void)
{
    struct smmuv3_model_parameters parameters = smmuv3_model_like_mmu600();

    parameters.ats = true;
    assert_true(bench_start(&parameters, 0x10000));
    assert_int_equal(mmio_read32(UNIT_BASE + CR0) & ATSCHK, ATSCHK);
    assert_units_clean();
}

static void interrupts_of_a_former_user_that_never_go_off_end_the_start(void)
{
    const struct smmuv3_model_parameters parameters = smmuv3_model_like_mmu600();

    machine_reset();
    machine_add_unit(&parameters);
    smmuv3_model_write32(machine.unit[0], IRQ_CTRL, 5);
    smmuv3_model_set_late(machine.unit[0], SMMUV3_MODEL_LATE_IRQ_CTRLACK, SMMUV3_MODEL_NEVER);
    assert_false(bench_start(&parameters, 0x10000));
    assert_non_null(strstr(bench.reason, "deadline"));
    assert_int_equal(bench.silenced, 1);
    assert_int_equal(bench_ask(5, 0x40000000).outcome, SMMUV3_MODEL_ABORT);
}

static void a_unit_without_msis_and_el2_comes_up(void)
{
    struct smmuv3_model_parameters parameters = smmuv3_model_like_mmu600();

    parameters.msi = false;
    parameters.hyp = false;
    assert_true(bench_start(&parameters, 0x10000));
    assert_int_equal(smmuv3_model_command_count(machine.unit[0], OPCODE_TLBI_EL2_ALL), 0);
    assert_int_equal(smmuv3_model_command_count(machine.unit[0], OPCODE_TLBI_ALL), 1);
    assert_int_equal(smmuv3_model_command_count(machine.unit[0], OPCODE_CFGI_ALL), 1);
    assert_units_clean();
}

/* ---- Memory that ends ------------------------------------------------------------------------------------ */

/* Starts with ever more memory until it suffices: each time before, the reason is memory and nothing passes. */
static void start_with_ever_more_memory(const struct smmuv3_model_parameters *parameters,
                                        const char *const *reasons, unsigned int reason_count)
{
    bool seen[4] = { false };
    uint64_t size = 0;

    assert_true(reason_count <= ARRAY_LENGTH(seen));
    while (!bench_start_with(parameters, 0x10000, size)) {
        bool known = false;

        for (unsigned int i = 0; i < reason_count; i++) {
            if (strcmp(bench.reason, reasons[i]) == 0) {
                seen[i] = true;
                known = true;
            }
        }
        if (!known)
            fail_msg("with 0x%llx bytes the reason is: %s", (unsigned long long)size, bench.reason);
        assert_int_equal(bench_ask(5, 0x40000000).outcome, SMMUV3_MODEL_ABORT);
        smmuv3_model_destroy(machine.unit[0]);
        machine.unit_count = 0;
        size += PAGE_SIZE;
    }
    for (unsigned int i = 0; i < reason_count; i++)
        assert_true(seen[i]);
    assert_units_clean();
}

static void a_two_level_unit_starts_with_enough_memory_and_not_before(void)
{
    struct smmuv3_model_parameters parameters = smmuv3_model_like_mmu600();
    static const char *const reasons[] = { "no memory for its queues" };

    start_with_ever_more_memory(&parameters, reasons, ARRAY_LENGTH(reasons));
}

static void a_unit_with_a_linear_table_starts_with_enough_memory_and_not_before(void)
{
    struct smmuv3_model_parameters parameters = smmuv3_model_like_mmu600();
    static const char *const reasons[] = { "no memory for a linear stream table" };

    parameters.st_level = false;
    assert_false(bench_start_with(&parameters, 0x10000, 0x3FF000));
    assert_string_equal(bench.reason, reasons[0]);
    assert_int_equal(bench_ask(5, 0x40000000).outcome, SMMUV3_MODEL_ABORT);
}

static void a_stream_without_memory_for_its_table_is_refused_and_aborts(void)
{
    bench_plain();
    assert_true(bench.iommu.driver->stream_prepare(&bench.iommu, STREAM));
    boot_memory_seal();
    assert_false(bench.iommu.driver->stream_prepare(&bench.iommu, STREAM + 0x100));
    assert_true(bench.iommu.driver->stream_prepare(&bench.iommu, STREAM + 1));
    assert_int_equal(bench_ask(STREAM + 0x100, IOVA).outcome, SMMUV3_MODEL_ABORT);
}

/* ---- The command queue --------------------------------------------------------------------------------- */

/* What another CPU has put into the queue and the unit has not consumed: SYNCs to the brim. */
static void fill_queue(void)
{
    struct smmuv3 *unit = bench_unit();
    uint64_t room = BIT(unit->command_log2);

    for (uint64_t i = 0; i < room; i++) {
        volatile uint64_t *entry = unit->commands + (unit->produced & (room - 1)) * COMMAND_WORDS;

        entry[0] = OPCODE_SYNC;
        entry[1] = 0;
        unit->produced++;
    }
    mmio_write32(UNIT_BASE + SMMU_CMDQ_PROD, (uint32_t)(unit->produced & (2 * room - 1)));
}

static void a_batch_waits_for_room_behind_another_cpus_commands(void)
{
    struct iommu_domain domain;

    bench_plain();
    bench_domain(&domain);
    smmuv3_model_set_late(machine.unit[0], SMMUV3_MODEL_LATE_SYNC, 3);
    uint64_t before = smmuv3_model_command_count(machine.unit[0], OPCODE_SYNC);

    fill_queue();
    assert_int_equal(bench.iommu.driver->invalidate_domain(&bench.iommu, &domain), IOMMU_OK);
    /* No command was overwritten, and its own came through. */
    assert_int_equal(smmuv3_model_command_count(machine.unit[0], OPCODE_SYNC) - before,
                     BIT(bench_unit()->command_log2) + 1);
    assert_int_equal(smmuv3_model_command_count(machine.unit[0], OPCODE_TLBI_VMALL), 1);
    assert_int_equal(bench.iommu.counters.illegal_commands, 0);
    assert_units_clean();
}

static void a_queue_that_was_emptied_since_the_last_look_is_not_waited_for(void)
{
    struct iommu_domain domain;

    bench_plain();
    bench_domain(&domain);
    fill_queue();
    uint64_t before = time_now();

    assert_int_equal(bench.iommu.driver->invalidate_domain(&bench.iommu, &domain), IOMMU_OK);
    assert_true(time_now() - before < 10 * host_time_step);
}

static void a_queue_that_stays_full_silences_the_unit_within_the_deadline(void)
{
    struct iommu_domain domain;

    bench_plain();
    bench_domain(&domain);
    smmuv3_model_set_late(machine.unit[0], SMMUV3_MODEL_LATE_SYNC, SMMUV3_MODEL_NEVER);
    fill_queue();
    uint64_t before = time_now();

    assert_int_equal(bench.iommu.driver->invalidate_domain(&bench.iommu, &domain), IOMMU_SILENCED);
    assert_in_range(time_now() - before, IOMMU_DEADLINE_MICROSECONDS * UINT64_C(1000),
                    IOMMU_DEADLINE_MICROSECONDS * UINT64_C(2000));
    assert_int_equal(bench.failure, FAILURE_DEADLINE);
    assert_int_equal(bench_ask(5, 0x40000000).outcome, SMMUV3_MODEL_ABORT);
}

/* ---- Entries ------------------------------------------------------------------------------------------ */

static void an_entry_that_is_not_valid_is_written_as_from_nothing(void)
{
    struct iommu_domain domain;
    struct command forget = command_cfgi_ste(STREAM, true);

    bench_plain();
    assert_true(bench.iommu.driver->stream_prepare(&bench.iommu, STREAM));
    uint64_t table = bench_unit()->level1[STREAM >> STREAM_SPLIT] & L1STD_POINTER;
    uint64_t *entry = (uint64_t *)memory_pointer(table) +
                      (STREAM & (BIT(STREAM_SPLIT) - 1)) * ENTRY_WORDS;

    /* Noise behind V = 0 means nothing to a unit. */
    memset(entry, 0xA4, ENTRY_SIZE);
    entry[0] &= ~UINT64_C(1);
    assert_int_equal(smmuv3_issue(bench_unit(), &forget, 1), IOMMU_OK);
    bench_domain(&domain);
    bench_map(&domain, IOVA, BENCH_PAGE(1), PAGE_SIZE);
    assert_int_equal(bench_set(STREAM, STREAM_ATTACHED, &domain), IOMMU_OK);
    assert_int_equal(bench_dma(STREAM, IOVA, true), SMMUV3_MODEL_OK);
    assert_int_equal(bench_ask(STREAM, IOVA).address, BENCH_PAGE(1));
    assert_int_equal(bench_set(STREAM, STREAM_PARKED_SILENT, NULL), IOMMU_OK);
    for (unsigned int i = 1; i < ENTRY_WORDS; i++)
        assert_int_equal(entry[i], 0);
    assert_units_clean();
}

/* ---- Events --------------------------------------------------------------------------------------------- */

static unsigned int refills;

/* As the queue has been read, the next event stands in it. */
static void refill(unsigned int unit, uint64_t offset, uint64_t value)
{
    (void)unit;
    (void)value;
    if (offset == SMMU_EVENTQ_CONS && refills > 0) {
        refills--;
        bench_dma(STREAM, IOVA + refills * PAGE_SIZE, true);
    }
}

static void i7_a_queue_that_never_runs_dry_is_left_to_the_next_interrupt(void)
{
    bench_plain();
    bench_dma(STREAM, IOVA, true);
    refills = 6;
    machine.after_register_write = refill;
    assert_true(bench.iommu.driver->handle_events(&bench.iommu));
    assert_int_equal(bench.faults, 4);
    assert_false(bench.iommu.driver->handle_events(&bench.iommu));
    assert_int_equal(bench.faults, 7);
    assert_int_equal(bench.lost, 0);
}

static void i7_one_call_reads_a_part_of_a_long_queue_and_says_that_there_is_more(void)
{
    bench_plain();
    assert_true(bench.iommu.driver->stream_prepare(&bench.iommu, STREAM));
    assert_int_equal(bench_set(STREAM, STREAM_PARKED_LOGGED, NULL), IOMMU_OK);
    for (uint64_t i = 0; i < 150; i++)
        bench_dma(STREAM, IOVA + i * PAGE_SIZE, true);
    assert_true(bench.iommu.driver->handle_events(&bench.iommu));
    assert_int_equal(bench.faults, 64);
    assert_true(bench.iommu.driver->handle_events(&bench.iommu));
    assert_int_equal(bench.faults, 128);
    assert_false(bench.iommu.driver->handle_events(&bench.iommu));
    assert_int_equal(bench.faults, 150);
    assert_int_equal(bench.fault[15].iova, IOVA + 149 * PAGE_SIZE);
    assert_int_equal(bench.lost, 0);
}

/* ---- What single lines are for ---------------------------------------------------------------------------- */

static void streams_that_nobody_prepared_abort_in_silence_in_a_linear_table(void)
{
    struct smmuv3_model_parameters parameters = smmuv3_model_like_mmu600();

    parameters.st_level = false;
    assert_true(bench_start(&parameters, 0x10000));
    assert_int_equal(bench_dma(STREAM, IOVA, true), SMMUV3_MODEL_ABORT);
    assert_int_equal(bench_dma(0xFFFF, IOVA, true), SMMUV3_MODEL_ABORT);
    assert_int_equal(smmuv3_model_events_recorded(machine.unit[0]), 0);
}

static void a_linear_table_and_a_new_root_are_cleaned_to_memory_without_coherence(void)
{
    struct smmuv3_model_parameters parameters = smmuv3_model_like_mmu600();
    struct iommu_domain domain;

    parameters.cohacc = false;
    parameters.st_level = false;
    assert_true(bench_start(&parameters, 0x10000));
    uint64_t linear = host_counters.cleans;

    bench_domain(&domain);
    assert_int_equal(host_counters.cleans - linear, 1);
    machine.unit_count = 0;
    parameters.st_level = true;
    assert_true(bench_start(&parameters, 0x10000));
    /* Either table is cleaned as a whole, once. */
    assert_int_equal(host_counters.cleans, linear);
}

static void a_failed_unit_does_not_ask_to_be_read_again(void)
{
    bench_plain();
    assert_true(bench.iommu.driver->stream_prepare(&bench.iommu, STREAM));
    assert_int_equal(bench_set(STREAM, STREAM_PARKED_LOGGED, NULL), IOMMU_OK);
    bench_dma(STREAM, IOVA, true);
    smmuv3_model_abort_next(machine.unit[0], SMMUV3_MODEL_WRITE_EVENT, 1);
    bench_dma(STREAM, IOVA, true);
    assert_false(bench.iommu.driver->handle_events(&bench.iommu));
    assert_int_equal(bench.failure, FAILURE_EVENT_QUEUE);
}

static void a_silenced_unit_is_not_spoken_to_any_more(void)
{
    bench_plain();
    smmuv3_silence(bench_unit(), FAILURE_SERVICE);
    uint64_t unknown = bench.iommu.counters.unknown_errors;

    smmuv3_model_raise_gerror(machine.unit[0], 20);
    uint32_t acknowledged = mmio_read32(UNIT_BASE + SMMU_GERRORN);

    bench.iommu.driver->handle_events(&bench.iommu);
    assert_int_equal(mmio_read32(UNIT_BASE + SMMU_GERRORN), acknowledged);
    assert_int_equal(bench.iommu.counters.unknown_errors, unknown);
}

static void expect_silence(unsigned int unit, uint64_t offset, uint64_t value)
{
    fail_msg("unit %u is told 0x%llx by register 0x%llx", unit, (unsigned long long)value,
             (unsigned long long)offset);
}

static void a_silenced_unit_is_given_no_command_any_more(void)
{
    struct iommu_domain domain;

    bench_plain();
    bench_domain(&domain);
    smmuv3_silence(bench_unit(), FAILURE_SERVICE);
    uint64_t commands = bench.iommu.counters.commands;

    machine.before_register_write = expect_silence;
    assert_int_equal(bench.iommu.driver->invalidate_domain(&bench.iommu, &domain), IOMMU_SILENCED);
    assert_int_equal(bench.iommu.counters.commands, commands);
}

static void a_wait_ends_as_soon_as_the_unit_is_silenced(void)
{
    struct iommu_domain domain;

    bench_plain();
    bench_domain(&domain);
    smmuv3_model_set_late(machine.unit[0], SMMUV3_MODEL_LATE_SYNC, SMMUV3_MODEL_NEVER);
    smmuv3_model_raise_gerror(machine.unit[0], SMMUV3_MODEL_SFM_ERR);
    uint64_t before = time_now();

    assert_int_equal(bench.iommu.driver->invalidate_domain(&bench.iommu, &domain), IOMMU_SILENCED);
    assert_int_equal(bench.failure, FAILURE_SERVICE);
    assert_true(time_now() - before < IOMMU_DEADLINE_MICROSECONDS * UINT64_C(1000) / 10);
}

static uint64_t burst; /* events that come at once, before or after a write to this register */
static uint64_t burst_register = SMMU_EVENTQ_CONS;

static void burst_now(unsigned int unit, uint64_t offset, uint64_t value)
{
    (void)unit;
    (void)value;
    for (; offset == burst_register && burst > 0; burst--)
        bench_dma(STREAM, IOVA, true);
}

static void expect_lost_not_failed(uint64_t first)
{
    for (uint64_t i = 0; i < first; i++)
        bench_dma(STREAM, IOVA, true);
    bench.iommu.driver->handle_events(&bench.iommu);
    assert_int_equal(bench.silenced, 0);
    assert_int_equal(bench.lost, 1);
}

static void start_overflowing_like_qemu(unsigned int event_log2)
{
    struct smmuv3_model_parameters parameters = smmuv3_model_like_mmu600();

    parameters.eventqs = event_log2;
    parameters.overflow = SMMUV3_MODEL_OVERFLOW_EVENTQ_ABT_ERR;
    assert_true(bench_start(&parameters, 0x10000));
    assert_true(bench.iommu.driver->stream_prepare(&bench.iommu, STREAM));
    assert_int_equal(bench_set(STREAM, STREAM_PARKED_LOGGED, NULL), IOMMU_OK);
}

static void a_queue_that_fills_up_while_it_is_read_has_lost_events_and_has_not_failed(void)
{
    start_overflowing_like_qemu(10);
    burst = BIT(bench_unit()->event_log2);
    machine.before_register_write = burst_now;
    expect_lost_not_failed(5);
}

static void a_queue_that_is_full_again_when_it_is_looked_at_has_lost_events_and_has_not_failed(void)
{
    start_overflowing_like_qemu(5); /* so small that one look reads it all */
    burst = BIT(bench_unit()->event_log2);
    burst_register = SMMU_GERRORN; /* until the abort is acknowledged nothing is recorded */
    machine.after_register_write = burst_now;
    expect_lost_not_failed(BIT(bench_unit()->event_log2) + 1);
}

int run_limits_tests(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_unit_with_queues_at_preset_addresses_is_refused),
        TEST(a_unit_with_tables_at_preset_addresses_is_refused),
        TEST(i1_a_unit_whose_abort_does_not_stay_set_counts_as_dead),
        TEST(a_unit_that_is_leaving_translation_counts_as_enabled),
        TEST(a_unit_that_is_entering_translation_counts_as_enabled),
        TEST(i1_an_update_that_firmware_began_is_over_before_abort_is_written),
        TEST(an_update_that_firmware_began_and_that_never_ends_counts_as_dead),
        TEST(a_driver_is_found_by_its_own_name_only),
        TEST(a_unit_with_half_its_registers_is_refused_without_a_look_at_them),
        TEST(translated_requests_are_checked_on_a_unit_that_knows_them),
        TEST(interrupts_of_a_former_user_that_never_go_off_end_the_start),
        TEST(a_unit_without_msis_and_el2_comes_up),
        TEST(a_two_level_unit_starts_with_enough_memory_and_not_before),
        TEST(a_unit_with_a_linear_table_starts_with_enough_memory_and_not_before),
        TEST(a_stream_without_memory_for_its_table_is_refused_and_aborts),
        TEST(a_batch_waits_for_room_behind_another_cpus_commands),
        TEST(a_queue_that_was_emptied_since_the_last_look_is_not_waited_for),
        TEST(a_queue_that_stays_full_silences_the_unit_within_the_deadline),
        TEST(an_entry_that_is_not_valid_is_written_as_from_nothing),
        TEST(i7_a_queue_that_never_runs_dry_is_left_to_the_next_interrupt),
        TEST(i7_one_call_reads_a_part_of_a_long_queue_and_says_that_there_is_more),
        TEST(streams_that_nobody_prepared_abort_in_silence_in_a_linear_table),
        TEST(a_linear_table_and_a_new_root_are_cleaned_to_memory_without_coherence),
        TEST(a_failed_unit_does_not_ask_to_be_read_again),
        TEST(a_silenced_unit_is_not_spoken_to_any_more),
        TEST(a_silenced_unit_is_given_no_command_any_more),
        TEST(a_wait_ends_as_soon_as_the_unit_is_silenced),
        TEST(a_queue_that_fills_up_while_it_is_read_has_lost_events_and_has_not_failed),
        TEST(a_queue_that_is_full_again_when_it_is_looked_at_has_lost_events_and_has_not_failed),
    };

    return RUN_GROUP("smmuv3/limits");
}
