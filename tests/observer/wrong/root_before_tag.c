/* SPDX-License-Identifier: Apache-2.0 */
/* On the way from the parked domain the root turns before the tag. */
#include "wrong.h"

static enum iommu_result stream_set(struct iommu *iommu, uint32_t stream,
                                    enum iommu_stream_state state,
                                    const struct iommu_domain *domain)
{
    volatile uint64_t *entry = wrong_entry(stream);
    struct command forget = command_cfgi_ste(stream, true);

    if (state != STREAM_ATTACHED)
        return right_driver()->stream_set(iommu, stream, state, domain);
    entry_write64(&entry[3], domain->table->root & STE3_TTB);
    barrier_entries();
    smmuv3_issue(iommu->unit, &forget, 1);
    entry_write64(&entry[2], (entry[2] & ~STE2_VMID) | FIELD_PUT(STE2_VMID, domain->tag));
    barrier_entries();
    return smmuv3_issue(iommu->unit, &forget, 1);
}

void wrong_root_before_tag(void)
{
    wrong_driver()->stream_set = stream_set;
}
