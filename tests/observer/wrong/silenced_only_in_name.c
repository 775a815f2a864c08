/* SPDX-License-Identifier: Apache-2.0 */
/* Says that the unit has been silenced, and leaves it and the stream as they are. */
#include "wrong.h"

static enum iommu_result stream_set(struct iommu *iommu, uint32_t stream,
                                    enum iommu_stream_state state,
                                    const struct iommu_domain *domain)
{
    (void)iommu;
    (void)stream;
    (void)state;
    (void)domain;
    return IOMMU_SILENCED;
}

void wrong_silenced_only_in_name(void)
{
    wrong_driver()->stream_set = stream_set;
}
