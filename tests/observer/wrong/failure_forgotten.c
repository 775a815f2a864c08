/* SPDX-License-Identifier: Apache-2.0 */
/* Takes a unit that is off for one that has forgotten everything. */
#include "wrong.h"

static enum iommu_result invalidate(struct iommu *iommu, const struct iommu_domain *domain,
                                    uint64_t address, uint64_t size, uint32_t leaves, bool tables,
                                    struct iommu_ticket *ticket, bool last)
{
    return iommu->silenced ? IOMMU_OK
                           : right_driver()->invalidate(iommu, domain, address, size, leaves,
                                                        tables, ticket, last);
}

static enum iommu_result invalidate_domain(struct iommu *iommu, const struct iommu_domain *domain)
{
    return iommu->silenced ? IOMMU_OK : right_driver()->invalidate_domain(iommu, domain);
}

void wrong_failure_forgotten(void)
{
    struct iommu_driver *driver = wrong_driver();

    driver->invalidate = invalidate;
    driver->invalidate_domain = invalidate_domain;
}
