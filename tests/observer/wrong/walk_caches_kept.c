/* SPDX-License-Identifier: Apache-2.0 */
/* Table pages go back to their pool after an invalidation that leaves the walk caches alone. */
#include "wrong.h"

static enum iommu_result invalidate(struct iommu *iommu, const struct iommu_domain *domain,
                                    uint64_t address, uint64_t size, uint32_t leaves, bool tables,
                                    struct iommu_ticket *ticket, bool last)
{
    (void)tables;
    return right_driver()->invalidate(iommu, domain, address, size, leaves, false, ticket, last);
}

void wrong_walk_caches_kept(void)
{
    wrong_driver()->invalidate = invalidate;
}
