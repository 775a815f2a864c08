/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Was the observer told? Each of its ears is held against what the other side counts for itself: stores,
 * register accesses and transfers against the machine, wrapped calls against what the kernel has by them.
 * A hook that is not connected would let every test pass.
 */
#include "internal.h"

#define CR0_OFFSET 0x20
#define STRTAB_BASE_OFFSET 0x80
#define STRTAB_BASE_CFG_OFFSET 0x88
#define CMDQ_PROD_OFFSET 0x98

static uint64_t stores_before, transfers_before;

void heard_reset(void)
{
    stores_before = host_counters.entries;
    transfers_before = machine.transfers;
}

static void expect(const char *what, uint64_t heard, uint64_t happened)
{
    if (heard != happened)
        report_violation(DEAF, NULL, NULL, "of %s it was told 0x%llx, and it is 0x%llx", what,
                         (unsigned long long)heard, (unsigned long long)happened);
}

/* ---- The machine ------------------------------------------------------------------------------------------- */

static void check_machine(void)
{
    host_stores_release_all();
    expect("the number of stores", observer.counts.stores_seen,
           host_counters.entries - stores_before);
    expect("the number of transfers", observer.counts.transfers,
           machine.transfers - transfers_before);
}

/* What was read for a stream's reach was told, too, or no store to a table would be looked at. */
static void check_reads(void)
{
    for (unsigned int i = 0; i < observer.watched_count; i++) {
        const struct stream *stream = observer.watched[i];

        if (observer.unit[stream->unit].enabled && stream->memory.count != 0)
            expect("a walk, whether it reads tables", stream->page_count != 0, true);
    }
}

static void check_registers(unsigned int unit)
{
    const struct unit *u = &observer.unit[unit];
    struct smmuv3_model *model = machine.unit[unit];

    expect("CMDQ_PROD", u->heard.producer, smmuv3_model_read32(model, CMDQ_PROD_OFFSET));
    if (!u->enabled)
        return;
    expect("CR0", u->cr0, smmuv3_model_read32(model, CR0_OFFSET));
    expect("STRTAB_BASE", u->strtab_base, smmuv3_model_read64(model, STRTAB_BASE_OFFSET));
    expect("STRTAB_BASE_CFG", u->strtab_base_cfg,
           smmuv3_model_read32(model, STRTAB_BASE_CFG_OFFSET));
    expect("the number of commands", u->commands, smmuv3_model_command_total(model));
}

/* ---- The kernel's calls --------------------------------------------------------------------------------- */

static void check_pool(const struct page_pool *pool)
{
    uint32_t free = 0;

    if (pool->records == NULL)
        return;
    for (uint32_t i = 0; i < pool->count; i++)
        free += pages_free(pool->base + ((uint64_t)i << PAGE_SHIFT));
    expect("the free pages of a pool", free, pool->free);
}

static void check_tags(const struct iommu *iommu)
{
    unsigned int unit;

    if (!observer_unit_of(iommu, &unit))
        return;
    for (unsigned int tag = 1; tag < IOMMU_TAGS; tag++) {
        if (observer.unit[unit].tag[tag].taken != ((iommu->tags[tag / 64] >> tag % 64 & 1) != 0))
            report_violation(DEAF, NULL, NULL, "tag %u of unit %u is %s, as it was told", tag, unit,
                             observer.unit[unit].tag[tag].taken ? "handed out" : "free");
    }
}

/* Hypercalls, and the ends of partitions: who has which device. */
static void check_devices(const struct partition *partition)
{
    for (uint32_t i = 0; i < partition->device_count; i++) {
        const struct device *device = partition->device[i];

        if (device->iommu != NULL)
            expect("a device, whether its partition has bound it",
                   ledger_bound(partition->index, device->id), device->bound == partition);
    }
}

void heard_check(void)
{
    check_machine();
    check_reads();
    for (unsigned int unit = 0; unit < machine.unit_count; unit++)
        check_registers(unit);
    for (uint32_t i = 0; i < partitions.count; i++) {
        check_pool(&partitions.partition[i].pool);
        check_devices(&partitions.partition[i]);
    }
    for (uint32_t i = 0; i < devices.iommu_count; i++)
        check_tags(&devices.iommu[i]);
}
