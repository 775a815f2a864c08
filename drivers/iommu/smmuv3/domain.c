/* SPDX-License-Identifier: Apache-2.0 */
/* What the SMMUv3 caches of a domain's tables, and its invalidation (IHI 0070 4.4, 3.17). */
#include "drivers/iommu/smmuv3/unit.h"

/* Above so many commands a whole-tag invalidation costs the unit less. */
#define ADDRESS_COMMANDS_LIMIT (BATCH_LIMIT - 1)

static __attribute__((noinline, cold)) enum iommu_result invalidate_pages(
    struct iommu *iommu, const struct iommu_domain *domain, uint64_t address, uint32_t pages,
    bool leaf, struct iommu_ticket *ticket, bool last)
{
    struct command commands[ADDRESS_COMMANDS_LIMIT];

    for (uint32_t i = 0; i < pages; i++)
        commands[i] = command_tlbi_address(iommu->capabilities.stage, domain->tag,
                                           address + i * PAGE_SIZE, leaf);
    return smmuv3_put(iommu->unit, commands, pages, ticket, last);
}

enum iommu_result smmuv3_invalidate(struct iommu *iommu, const struct iommu_domain *domain,
                                    uint64_t address, uint64_t size, uint32_t leaves, bool tables,
                                    struct iommu_ticket *ticket, bool last)
{
    uint64_t pages = size >> PAGE_SHIFT;
    unsigned int stage = iommu->capabilities.stage;
    struct command command;

    if (leaves == 1 && !tables)
        command = command_tlbi_address(stage, domain->tag, address, true);
    else if (iommu->capabilities.range_invalidation && pages > 1)
        command = command_tlbi_range(stage, domain->tag, address, pages, !tables);
    else if (pages <= ADDRESS_COMMANDS_LIMIT)
        return invalidate_pages(iommu, domain, address, (uint32_t)pages, !tables, ticket, last);
    else
        command = command_tlbi_domain(stage, domain->tag);
    return smmuv3_put(iommu->unit, &command, 1, ticket, last);
}

enum iommu_result smmuv3_invalidate_domain(struct iommu *iommu, const struct iommu_domain *domain)
{
    struct command command = command_tlbi_domain(iommu->capabilities.stage, domain->tag);

    return smmuv3_issue(iommu->unit, &command, 1);
}
