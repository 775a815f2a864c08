/* SPDX-License-Identifier: Apache-2.0 */
#include "lib/vmsa.h"

#define DESCRIPTOR_VALID BIT(0)
#define DESCRIPTOR_TABLE BIT(1) /* above the pages: a table; among them: set in every page */

const struct pagetable_format vmsa_4k = {
    .present_mask = DESCRIPTOR_VALID,
    .address_mask = BITS(47, 12),
    .table_bits = DESCRIPTOR_VALID | DESCRIPTOR_TABLE,
    .leaf_mask = DESCRIPTOR_TABLE,
    .leaf_value = 0,
    .page_bits = DESCRIPTOR_VALID | DESCRIPTOR_TABLE,
    .block_bits = DESCRIPTOR_VALID,
    .page_shift = PAGE_SHIFT,
    .level_bits = 9,
    .block_heights = BIT(0) | BIT(1) | BIT(2),
};
