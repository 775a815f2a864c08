/* SPDX-License-Identifier: Apache-2.0 */
/* The one call upwards at start: an architecture's first C code hands the machine over to
 * kernel/. */
#ifndef ARCH_BOOT_H
#define ARCH_BOOT_H

#include "drivers/iommu/early.h"
#include "lib/sha256.h"
#include "lib/types.h"

struct boot_information {
    uint64_t device_tree; /* physical, as the boot loader gave it; not trusted */
    struct early_report early;
};

/* kernel/main.c. Boot CPU, MMU on, only the image mapped. */
_Noreturn void kernel_main(const struct boot_information *boot);

/* What the board's description put into the image (tools/board_table.sh and the tree itself). */
extern const uint64_t board_smmuv3_bases[];
extern const uint64_t board_smmuv3_count;
extern const uint64_t board_serial;
extern const uint64_t board_device_tree;
extern const char board_tree_start[], board_tree_end[];

/* The image in memory, so that nobody else is given that. */
void arch_image_range(uint64_t *base, uint64_t *size);

/* The SHA-256 of the image's text and constants as they are in memory; pointers among them as they were linked, wherever
 * it was loaded. Of the image's file these are the first bytes (tools/image_digest.py). */
void arch_image_digest(uint8_t digest[SHA256_SIZE]);

#endif
