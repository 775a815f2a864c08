/* SPDX-License-Identifier: Apache-2.0 */
/* A live entry is rewritten word by word while it is valid, and invalidated afterwards. */
#include "wrong.h"

static enum iommu_result stream_set(struct iommu *iommu, uint32_t stream,
                                    enum iommu_stream_state state,
                                    const struct iommu_domain *domain)
{
    volatile uint64_t *entry = wrong_entry(stream);
    struct command forget = command_cfgi_ste(stream, true);

    if (state != STREAM_ATTACHED)
        return right_driver()->stream_set(iommu, stream, state, domain);
    /* It was parked logged: a translation, too. Tag and root are what differs. */
    entry_write64(&entry[2], (entry[2] & ~STE2_VMID) | FIELD_PUT(STE2_VMID, domain->tag));
    entry_write64(&entry[3], domain->table->root & STE3_TTB);
    barrier_entries();
    return smmuv3_issue(iommu->unit, &forget, 1);
}

void wrong_entry_in_place(void)
{
    wrong_driver()->stream_set = stream_set;
}
