/* SPDX-License-Identifier: Apache-2.0 */
/* What a stream's last accesses wait for is asked for while its entry still names the tag, over the empty root. */
#include "wrong.h"

static enum iommu_result stream_set(struct iommu *iommu, uint32_t stream,
                                    enum iommu_stream_state state,
                                    const struct iommu_domain *domain)
{
    struct smmuv3 *unit = iommu->unit;
    volatile uint64_t *entry = wrong_entry(stream);
    struct command forget = command_cfgi_ste(stream, true);

    if (state != STREAM_PARKED_LOGGED)
        return right_driver()->stream_set(iommu, stream, state, domain);
    struct command drain = command_tlbi_domain(2, (uint16_t)FIELD_GET(STE2_VMID, entry[2]));

    entry_write64(&entry[3], unit->parked_table.root);
    barrier_entries();
    smmuv3_issue(unit, &forget, 1);
    smmuv3_issue(unit, &drain, 1);
    entry_write64(&entry[2], (entry[2] & ~STE2_VMID) | FIELD_PUT(STE2_VMID, unit->parked.tag));
    barrier_entries();
    return smmuv3_issue(unit, &forget, 1);
}

void wrong_drain_too_early(void)
{
    wrong_driver()->stream_set = stream_set;
}
