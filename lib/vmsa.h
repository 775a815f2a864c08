/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The descriptors of VMSAv8-64 with the 4 KiB granule (Arm ARM D8.3), as data for lib/pagetable.h:
 * the same for the CPU's stage 1 and stage 2 and for the SMMUv3. Attributes are the caller's.
 */
#ifndef LIB_VMSA_H
#define LIB_VMSA_H

#include "lib/pagetable.h"

extern const struct pagetable_format vmsa_4k;

#endif
