/* SPDX-License-Identifier: Apache-2.0 */
#include "bench.h"

#include <string.h>

#include "lib/boot_memory.h"

struct bench bench;

static uint64_t mark_total;
static uint64_t mark_count[256];

static void on_fault(struct iommu *iommu, const struct iommu_fault *fault)
{
    (void)iommu;
    bench.fault[bench.faults < 15 ? bench.faults : 15] = *fault;
    bench.faults++;
}

static void on_lost(struct iommu *iommu, uint64_t end)
{
    (void)iommu;
    (void)end;
    bench.lost++;
}

static void on_failed(struct iommu *iommu)
{
    (void)iommu;
    bench.failed++;
}

static void on_silenced(struct iommu *iommu, enum iommu_failure reason)
{
    (void)iommu;
    bench.silenced++;
    bench.failure = reason;
}

static const struct iommu_events events = {
    .fault = on_fault,
    .lost = on_lost,
    .failed = on_failed,
    .silenced = on_silenced,
};

bool bench_start(const struct smmuv3_model_parameters *parameters, uint32_t stream_count)
{
    return bench_start_with(parameters, stream_count, BENCH_OWN_SIZE);
}

bool bench_start_with(const struct smmuv3_model_parameters *parameters, uint32_t stream_count,
                      uint64_t own_size)
{
    if (machine.unit_count == 0) {
        machine_reset();
        machine_add_unit(parameters);
    }
    bool coherent = !bench.tree_denies_coherence;

    memset(&bench, 0, sizeof(bench));
    boot_memory_start(BENCH_OWN, own_size);
    page_pool_init(&bench.pool, BENCH_POOL, BENCH_POOL_PAGES, bench.records);
    bench.topology.registers = (struct topology_range){ .base = UNIT_BASE, .size = 0x20000 };
    strcpy(bench.topology.name, "/smmuv3");
    bench.topology.coherent = coherent;
    bench.iommu.topology = &bench.topology;
    bench.iommu.driver = iommu_find_driver("arm,smmu-v3");
    assert_non_null(bench.iommu.driver);
    iommu_register_events(&events);
    assert_int_not_equal(smmuv3_close(UNIT_BASE), EARLY_UNRESPONSIVE);
    return bench.iommu.driver->start(&bench.iommu, stream_count, &bench.reason);
}

void bench_plain(void)
{
    const struct smmuv3_model_parameters parameters = smmuv3_model_like_mmu600();

    assert_true(bench_start(&parameters, 0x10000));
}

struct smmuv3 *bench_unit(void)
{
    return bench.iommu.unit;
}

void bench_domain(struct iommu_domain *domain)
{
    const struct iommu_capabilities *capabilities = &bench.iommu.capabilities;

    struct pagetable *table = &bench.table[bench.tables];

    assert_true(bench.tables++ < BENCH_DOMAINS);
    *domain = (struct iommu_domain){ table, iommu_tag_take(&bench.iommu) };
    assert_int_not_equal(domain->tag, 0);
    assert_true(pagetable_init(table, bench.iommu.format->entries, &bench.pool,
                               capabilities->input_bits, capabilities->coherent));
}

struct pagetable *bench_table(const struct iommu_domain *domain)
{
    return &bench.table[domain->table - bench.table];
}

void bench_map(struct iommu_domain *domain, uint64_t iova, uint64_t address, uint64_t size)
{
    const struct iommu_format *format = bench.iommu.format;
    struct pagetable_progress progress;

    assert_int_equal(pagetable_map(bench_table(domain), iova, address, size,
                                   format->common ^ format->read ^ format->write, UINT32_MAX,
                                   &progress),
                     PAGETABLE_OK);
}

enum iommu_result bench_forget(const struct iommu_domain *domain, uint64_t iova, uint64_t size,
                               uint32_t leaves, bool tables)
{
    struct iommu_ticket ticket = IOMMU_TICKET_EMPTY;
    enum iommu_result result = bench.iommu.driver->invalidate(&bench.iommu, domain, iova, size,
                                                              leaves, tables, &ticket, true);

    return result == IOMMU_OK ? iommu_wait(&bench.iommu, &ticket) : result;
}

void bench_unmap(struct iommu_domain *domain, uint64_t iova, uint64_t size)
{
    struct pagetable_progress progress;

    assert_int_equal(pagetable_unmap(bench_table(domain), iova, size, UINT32_MAX, &progress),
                     PAGETABLE_OK);
    assert_int_equal(bench_forget(domain, progress.first, progress.end - progress.first,
                                  progress.leaves, progress.tables_freed),
                     IOMMU_OK);
    page_pool_give(&bench.pool, &progress.freed);
}

enum iommu_result bench_set(uint32_t stream, enum iommu_stream_state state,
                            const struct iommu_domain *domain)
{
    return bench.iommu.driver->stream_set(&bench.iommu, stream, state, domain);
}

enum smmuv3_model_outcome bench_dma(uint32_t stream, uint64_t iova, bool is_write)
{
    uint64_t value = 0xD3A;

    return smmuv3_model_dma(machine.unit[0], stream, iova, &value, sizeof(value), is_write).outcome;
}

struct smmuv3_model_result bench_ask(uint32_t stream, uint64_t iova)
{
    const struct smmuv3_model_access access = { .stream_id = stream, .iova = iova };

    return smmuv3_model_translate(machine.unit[0], &access);
}

void bench_commands_mark(void)
{
    mark_total = smmuv3_model_command_total(machine.unit[0]);
    for (unsigned int opcode = 0; opcode < ARRAY_LENGTH(mark_count); opcode++)
        mark_count[opcode] = smmuv3_model_command_count(machine.unit[0], (uint8_t)opcode);
}

uint64_t bench_commands(uint8_t opcode)
{
    return smmuv3_model_command_count(machine.unit[0], opcode) - mark_count[opcode];
}

const struct smmuv3_model_command *bench_command(unsigned int index)
{
    return smmuv3_model_command_at(machine.unit[0], mark_total + index);
}

uint64_t bench_entry_config(uint32_t stream)
{
    const struct smmuv3 *unit = bench_unit();
    const uint64_t *entries = memory_pointer(unit->level1[stream >> STREAM_SPLIT] & L1STD_POINTER);

    return FIELD_GET(STE0_CONFIG, entries[(stream & (BIT(STREAM_SPLIT) - 1)) * ENTRY_WORDS]);
}
