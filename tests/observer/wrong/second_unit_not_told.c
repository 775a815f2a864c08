/* SPDX-License-Identifier: Apache-2.0 */
/* The second unit is never told what to forget of a space that it shares with the first. */
#include "kernel/device.h"
#include "wrong.h"

static enum iommu_result invalidate(struct iommu *iommu, const struct iommu_domain *domain,
                                    uint64_t address, uint64_t size, uint32_t leaves, bool tables,
                                    struct iommu_ticket *ticket, bool last)
{
    (void)iommu;
    (void)domain;
    (void)address;
    (void)size;
    (void)leaves;
    (void)tables;
    (void)ticket;
    (void)last;
    return IOMMU_OK;
}

void wrong_second_unit_not_told(void)
{
    wrong_driver()->invalidate = invalidate;
    devices.iommu[1].driver = devices.iommu[0].driver;
    devices.iommu[0].driver = right_driver();
}
