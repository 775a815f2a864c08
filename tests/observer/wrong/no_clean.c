/* SPDX-License-Identifier: Apache-2.0 */
/* A cleared leaf stays in the CPU's cache, where a unit without coherent accesses does not see it. */
#include "tests/observer/wrap.h"
#include "wrong.h"

static enum iommu_result invalidate(struct iommu *iommu, const struct iommu_domain *domain,
                                    uint64_t address, uint64_t size, uint32_t leaves, bool tables,
                                    struct iommu_ticket *ticket, bool last)
{
    wrong.no_clean = false; /* the commands are cleaned as they should be */
    enum iommu_result result = right_driver()->invalidate(iommu, domain, address, size, leaves,
                                                          tables, ticket, last);

    wrong.no_clean = true;
    return result;
}

void wrong_no_clean(void)
{
    wrong_driver()->invalidate = invalidate;
    wrong.no_clean = true;
}
