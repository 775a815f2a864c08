/* SPDX-License-Identifier: Apache-2.0 */
/* The early closer (drivers/iommu/smmuv3/early.c): closes whatever it finds without a moment of bypass. */
#include "bench.h"
#include "groups.h"

#define CR0 0x20
#define GBPA 0x44

static bool watched_open; /* what the unit was before: a bypass that existed is no new one */
static unsigned int writes;

static struct smmuv3_model_result ask(uint32_t stream, uint64_t iova)
{
    return bench_ask(stream, iova);
}

/* After each write: an address that no table maps must never come out as itself. */
static void never_bypass(unsigned int unit, uint64_t offset, uint64_t value)
{
    (void)unit;
    (void)value;
    writes++;
    if (watched_open && offset == GBPA)
        watched_open = false;
    if (!watched_open)
        assert_int_not_equal(ask(5, 0x40000000).outcome, SMMUV3_MODEL_OK);
}

static void add_unit(unsigned int gbpa)
{
    struct smmuv3_model_parameters parameters = smmuv3_model_like_mmu600();

    parameters.gbpa_reset = gbpa;
    machine_reset();
    machine_add_unit(&parameters);
}

static void i2_a_unit_that_bypasses_out_of_reset_is_closed_by_its_first_write(void)
{
    add_unit(0x1000);
    assert_int_equal(ask(5, 0x40000000).outcome, SMMUV3_MODEL_OK);
    watched_open = true;
    machine.after_register_write = never_bypass;
    assert_int_equal(smmuv3_close(UNIT_BASE), EARLY_CLOSED);
    assert_false(watched_open);
    assert_int_equal(ask(5, 0x40000000).outcome, SMMUV3_MODEL_ABORT);
    assert_int_equal(ask(0, 0).outcome, SMMUV3_MODEL_ABORT);
    assert_units_clean();
}

static void i2_a_unit_that_aborts_out_of_reset_stays_closed(void)
{
    add_unit(0x101000);
    watched_open = false;
    machine.after_register_write = never_bypass;
    assert_int_equal(smmuv3_close(UNIT_BASE), EARLY_CLOSED);
    assert_true(writes > 0);
    assert_units_clean();
}

/* Brings a unit up with one stream translating, as firmware would leave it: SMMUEN on, GBPA open. */
static void leave_enabled(struct iommu_domain *domain)
{
    bench_plain();
    bench_domain(domain);
    bench_map(domain, 0x10000, BENCH_PAGE(0), PAGE_SIZE);
    assert_true(bench.iommu.driver->stream_prepare(&bench.iommu, 5));
    assert_int_equal(bench_set(5, STREAM_ATTACHED, domain), IOMMU_OK);
    /* Firmware's GBPA lets through what SMMUEN would leave to it. */
    mmio_write32(UNIT_BASE + CR0, 0);
    mmio_write32(UNIT_BASE + GBPA, (uint32_t)GBPA_UPDATE);
    mmio_write32(UNIT_BASE + CR0, 0xD);
    assert_int_equal(ask(5, 0x10000).outcome, SMMUV3_MODEL_OK);
    assert_int_equal(ask(5, 0x10000).address, BENCH_PAGE(0));
}

static void i2_row_1_24_a_unit_left_enabled_and_translating_is_never_in_bypass_while_it_is_closed(
    void)
{
    struct iommu_domain domain;

    leave_enabled(&domain);
    watched_open = false;
    machine.after_register_write = never_bypass;
    assert_int_equal(smmuv3_close(UNIT_BASE), EARLY_WAS_ENABLED);
    assert_int_equal(ask(5, 0x10000).outcome, SMMUV3_MODEL_ABORT);
    assert_int_equal(mmio_read32(UNIT_BASE + SMMU_CR0ACK), 0);
    assert_units_clean();
}

static void i2_the_same_holds_where_every_register_acknowledges_late(void)
{
    struct iommu_domain domain;

    leave_enabled(&domain);
    smmuv3_model_set_late(machine.unit[0], SMMUV3_MODEL_LATE_GBPA, 37);
    smmuv3_model_set_late(machine.unit[0], SMMUV3_MODEL_LATE_CR0ACK, 41);
    watched_open = false;
    machine.after_register_write = never_bypass;
    assert_int_equal(smmuv3_close(UNIT_BASE), EARLY_WAS_ENABLED);
    assert_int_equal(ask(5, 0x10000).outcome, SMMUV3_MODEL_ABORT);
    assert_units_clean();
}

static void a_unit_whose_gbpa_never_updates_is_reported_unresponsive(void)
{
    add_unit(0x1000);
    smmuv3_model_set_late(machine.unit[0], SMMUV3_MODEL_LATE_GBPA, SMMUV3_MODEL_NEVER);
    assert_int_equal(smmuv3_close(UNIT_BASE), EARLY_UNRESPONSIVE);
}

static void a_unit_that_never_leaves_translation_is_reported_unresponsive(void)
{
    struct iommu_domain domain;

    leave_enabled(&domain);
    smmuv3_model_set_late(machine.unit[0], SMMUV3_MODEL_LATE_CR0ACK, SMMUV3_MODEL_NEVER);
    assert_int_equal(smmuv3_close(UNIT_BASE), EARLY_UNRESPONSIVE);
    /* Unresponsive, but not in bypass. */
    assert_int_not_equal(ask(5, 0x40000000).outcome, SMMUV3_MODEL_OK);
}

static void a_register_that_reads_all_ones_is_no_unit(void)
{
    add_unit(0x1000);
    machine.unit_count = 1;
    host_attach(&(struct host_registers){ 0 });
    assert_int_equal(smmuv3_close(ECAM_BASE), EARLY_UNRESPONSIVE);
}

static void each_unit_of_the_table_gets_its_own_state(void)
{
    const uint64_t bases[] = { UNIT_BASE, UNIT_BASE + UNIT_STRIDE };
    const struct smmuv3_model_parameters parameters = smmuv3_model_like_qemu();
    struct early_report report;

    add_unit(0x1000);
    machine_add_unit(&parameters);
    smmuv3_model_set_late(machine.unit[0], SMMUV3_MODEL_LATE_GBPA, SMMUV3_MODEL_NEVER);
    smmuv3_close_early(bases, 2, &report);
    assert_int_equal(report.count, 2);
    assert_int_equal(report.state[0], EARLY_UNRESPONSIVE);
    assert_int_equal(report.state[1], EARLY_CLOSED);
    assert_int_equal(ask(5, 0).outcome, SMMUV3_MODEL_OK);
}

int run_early_tests(void)
{
    const struct CMUnitTest tests[] = {
        TEST(i2_a_unit_that_bypasses_out_of_reset_is_closed_by_its_first_write),
        TEST(i2_a_unit_that_aborts_out_of_reset_stays_closed),
        TEST(i2_row_1_24_a_unit_left_enabled_and_translating_is_never_in_bypass_while_it_is_closed),
        TEST(i2_the_same_holds_where_every_register_acknowledges_late),
        TEST(a_unit_whose_gbpa_never_updates_is_reported_unresponsive),
        TEST(a_unit_that_never_leaves_translation_is_reported_unresponsive),
        TEST(a_register_that_reads_all_ones_is_no_unit),
        TEST(each_unit_of_the_table_gets_its_own_state),
    };

    return RUN_GROUP("smmuv3/early");
}
