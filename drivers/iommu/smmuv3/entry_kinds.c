/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the unit looks at in its two kinds of entries, state by state (IHI 0070 5.2, 5.4). Fields that
 * nobody sets count as looked at: an entry that changes in one of them is never taken for the same.
 */
#include "drivers/iommu/smmuv3/unit.h"

static struct entry stream_used(const struct entry *ste)
{
    uint64_t config = FIELD_GET(STE0_CONFIG, ste->word[0]);

    if ((ste->word[0] & STE0_V) == 0 || (config & STE_CONFIG_PASS) == 0)
        return (struct entry){ { STE0_V | STE0_CONFIG } };
    bool stage1 = (config & STE_CONFIG_STAGE1) != 0, stage2 = (config & STE_CONFIG_STAGE2) != 0;

    return (struct entry){ {
        stage1 ? ~UINT64_C(0) : STE0_V | STE0_CONFIG,
        stage1 ? ~UINT64_C(0) : ~STE1_STAGE1,
        stage2   ? ~UINT64_C(0)
        : stage1 ? STE2_VMID
                 : 0,
        stage2 ? ~UINT64_C(0) : 0,
    } };
}

static struct entry context_used(const struct entry *cd)
{
    struct entry used = { { CD0_V } };

    if ((cd->word[0] & CD0_V) == 0)
        return used;
    for (unsigned int i = 0; i < ENTRY_WORDS; i++)
        used.word[i] = ~UINT64_C(0);
    /* A table that is switched off is nothing but the fault that each access to it meets. */
    if ((cd->word[0] & CD0_EPD0) != 0) {
        used.word[0] &= ~CD0_TABLE0;
        used.word[1] = 0;
    }
    if ((cd->word[0] & CD0_EPD1) != 0) {
        used.word[0] &= ~CD0_TABLE1;
        used.word[2] = 0;
    }
    return used;
}

const struct entry_kind smmuv3_stream_entry = {
    .used = stream_used,
    .blocked = STE0_V | FIELD_PUT(STE0_CONFIG, STE_CONFIG_ABORT),
};

const struct entry_kind smmuv3_context_descriptor = { .used = context_used, .blocked = 0 };
