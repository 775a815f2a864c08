/* SPDX-License-Identifier: Apache-2.0 */
/* What the SMMUv3 caches of a domain's tables, and its invalidation (IHI 0070 4.4, 3.17). */
#include "drivers/iommu/smmuv3/unit.h"

/* Above so many commands a whole-tag invalidation costs the unit less. */
#define ADDRESS_COMMANDS_LIMIT (BATCH_LIMIT - 1)

enum iommu_result smmuv3_invalidate(struct iommu *iommu, const struct iommu_domain *domain,
                                    uint64_t address, uint64_t size, uint32_t leaves, bool tables,
                                    struct iommu_ticket *ticket, bool last)
{
    uint64_t pages = size >> PAGE_SHIFT;
    unsigned int stage = iommu->capabilities.stage;
    struct command commands[BATCH_LIMIT];
    uint32_t count = 0;

    if (leaves == 1 && !tables) {
        commands[count++] = command_tlbi_address(stage, domain->tag, address, true);
    } else if (iommu->capabilities.range_invalidation && pages > 1) {
        commands[count++] = command_tlbi_range(stage, domain->tag, address, pages, !tables);
    } else if (pages <= ADDRESS_COMMANDS_LIMIT) {
        while (count < pages) {
            commands[count] = command_tlbi_address(stage, domain->tag, address + count * PAGE_SIZE,
                                                   !tables);
            count++;
        }
    } else {
        commands[count++] = command_tlbi_domain(stage, domain->tag);
    }
    return smmuv3_put(iommu->unit, commands, count, ticket, last);
}

enum iommu_result smmuv3_invalidate_domain(struct iommu *iommu, const struct iommu_domain *domain)
{
    struct command command = command_tlbi_domain(iommu->capabilities.stage, domain->tag);

    return smmuv3_issue(iommu->unit, &command, 1);
}
