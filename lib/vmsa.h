/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The descriptors of VMSAv8-64 with the 4 KiB granule (Arm ARM D8.3), as data for lib/pagetable.h:
 * the same for the CPU's stage 1 and stage 2 and for the SMMUv3. Attributes are the caller's.
 */
#ifndef LIB_VMSA_H
#define LIB_VMSA_H

#include "lib/pagetable.h"

#define VMSA_VALID BIT(0)
#define VMSA_TABLE BIT(1) /* above the pages: a table; among them: set in every page */

#define VMSA_4K                                                                                    \
    {                                                                                              \
        .present_mask = VMSA_VALID, .address_mask = BITS(47, 12),                                  \
        .table_bits = VMSA_VALID | VMSA_TABLE, .leaf_mask = VMSA_TABLE, .leaf_value = 0,           \
        .page_bits = VMSA_VALID | VMSA_TABLE, .block_bits = VMSA_VALID, .level_bits = 9,           \
        .block_heights = BIT(0) | BIT(1) | BIT(2),                                                 \
    }

extern const struct pagetable_format vmsa_4k;

#endif
