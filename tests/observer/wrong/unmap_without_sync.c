/* SPDX-License-Identifier: Apache-2.0 */
/* The TLBI of an unmap is put into the queue, and nobody waits for it. */
#include "wrong.h"

static enum iommu_result invalidate(struct iommu *iommu, const struct iommu_domain *domain,
                                    uint64_t address, uint64_t size, uint32_t leaves, bool tables,
                                    struct iommu_ticket *ticket, bool last)
{
    struct smmuv3 *unit = iommu->unit;
    struct command command = command_tlbi_address(2, domain->tag, address, !tables);
    uint64_t slot = unit->produced++ & (BIT(unit->command_log2) - 1);

    (void)size;
    (void)leaves;
    (void)ticket;
    (void)last;
    entry_write64(&unit->commands[slot * COMMAND_WORDS], command.word[0]);
    entry_write64(&unit->commands[slot * COMMAND_WORDS + 1], command.word[1]);
    barrier_entries();
    mmio_write32(unit->base + SMMU_CMDQ_PROD,
                 (uint32_t)(unit->produced & (BIT(unit->command_log2 + 1) - 1)));
    return IOMMU_OK;
}

void wrong_unmap_without_sync(void)
{
    wrong_driver()->invalidate = invalidate;
}
