/* SPDX-License-Identifier: Apache-2.0 */
#include "lib/vmsa.h"

const struct pagetable_format vmsa_4k = VMSA_4K;
