/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Commands, built by name (IHI 0070 4.3, 4.4, 4.7). stream: one that has an entry. stage, tag: a domain's.
 * address: of the domain's input space; what lies below its page is left out. leaf: entries of the last
 * level only, not of tables.
 */
#ifndef DRIVERS_IOMMU_SMMUV3_COMMANDS_H
#define DRIVERS_IOMMU_SMMUV3_COMMANDS_H

#include "drivers/iommu/smmuv3/registers.h"

struct command {
    uint64_t word[COMMAND_WORDS];
};

static inline struct command command_cfgi_ste(uint32_t stream, bool leaf)
{
    return (struct command){ { CMD_CFGI_STE | FIELD_PUT(CFGI0_STREAM, stream),
                               leaf ? CFGI1_LEAF : 0 } };
}

static inline struct command command_cfgi_cd(uint32_t stream, uint32_t pasid)
{
    return (struct command){ { CMD_CFGI_CD | FIELD_PUT(CFGI0_SUBSTREAM, pasid) |
                                   FIELD_PUT(CFGI0_STREAM, stream),
                               CFGI1_LEAF } };
}

static inline struct command command_cfgi_all(void)
{
    return (struct command){ { CMD_CFGI_STE_RANGE, FIELD_PUT(CFGI1_RANGE, CFGI_RANGE_ALL) } };
}

static inline struct command command_tlbi_all(void)
{
    return (struct command){ { CMD_TLBI_NSNH_ALL, 0 } };
}

static inline struct command command_tlbi_el2_all(void)
{
    return (struct command){ { CMD_TLBI_EL2_ALL, 0 } };
}

/* A unit without stage 2 has ASIDs for tags, and all of them under VMID 0 (4.4.2). */
static inline struct command command_tlbi_domain(unsigned int stage, uint16_t tag)
{
    return (struct command){ { stage == 1 ? CMD_TLBI_NH_ASID | FIELD_PUT(TLBI0_ASID, tag)
                                          : CMD_TLBI_S12_VMALL | FIELD_PUT(TLBI0_VMID, tag),
                               0 } };
}

static inline uint64_t command_by_address(unsigned int stage, uint16_t tag)
{
    return stage == 1 ? CMD_TLBI_NH_VA | FIELD_PUT(TLBI0_ASID, tag)
                      : CMD_TLBI_S2_IPA | FIELD_PUT(TLBI0_VMID, tag);
}

static inline struct command command_tlbi_address(unsigned int stage, uint16_t tag,
                                                  uint64_t address, bool leaf)
{
    return (struct command){ { command_by_address(stage, tag),
                               (address & TLBI1_ADDRESS) | (leaf ? TLBI1_LEAF : 0) } };
}

/* Covers at least pages 4 KiB pages from address on; pages >= 2. */
struct command command_tlbi_range(unsigned int stage, uint16_t tag, uint64_t address,
                                  uint64_t pages, bool leaf);

static inline struct command command_sync(void)
{
    return (struct command){ { CMD_SYNC | FIELD_PUT(SYNC0_CS, SYNC_CS_NONE), 0 } };
}

#endif
