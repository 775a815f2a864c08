/* SPDX-License-Identifier: Apache-2.0 */
/* A tag goes back to those that can be handed out before the stream's entry has left it. */
#include "wrong.h"

static enum iommu_result stream_set(struct iommu *iommu, uint32_t stream,
                                    enum iommu_stream_state state,
                                    const struct iommu_domain *domain)
{
    static uint16_t tag;

    if (state != STREAM_ATTACHED && tag != 0)
        iommu_tag_give(iommu, tag);
    tag = state == STREAM_ATTACHED ? domain->tag : 0;
    return right_driver()->stream_set(iommu, stream, state, domain);
}

void wrong_tag_given_early(void)
{
    wrong_driver()->stream_set = stream_set;
}
