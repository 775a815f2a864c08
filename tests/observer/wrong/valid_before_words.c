/* SPDX-License-Identifier: Apache-2.0 */
/* An entry becomes valid before the words that it needs stand in it. */
#include "wrong.h"

static enum iommu_result stream_set(struct iommu *iommu, uint32_t stream,
                                    enum iommu_stream_state state,
                                    const struct iommu_domain *domain)
{
    volatile uint64_t *entry = wrong_entry(stream);
    struct command forget = command_cfgi_ste(stream, true);
    uint64_t before[ENTRY_WORDS];

    if (state != STREAM_ATTACHED)
        return right_driver()->stream_set(iommu, stream, state, domain);
    for (unsigned int i = 0; i < ENTRY_WORDS; i++)
        before[i] = entry[i];
    /* Through abort, as it should be. */
    right_driver()->stream_set(iommu, stream, STREAM_PARKED_SILENT, NULL);
    entry_write64(&entry[0], before[0]);
    entry_write64(&entry[1], before[1]);
    entry_write64(&entry[2], (before[2] & ~STE2_VMID) | FIELD_PUT(STE2_VMID, domain->tag));
    entry_write64(&entry[3], domain->table->root & STE3_TTB);
    barrier_entries();
    return smmuv3_issue(iommu->unit, &forget, 1);
}

void wrong_valid_before_words(void)
{
    wrong_driver()->stream_set = stream_set;
}
