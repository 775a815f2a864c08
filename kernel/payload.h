/* SPDX-License-Identifier: Apache-2.0 */
/* Loading a payload: an ELF file (64-bit, little-endian, AArch64, static) or else a flat binary. */
#ifndef KERNEL_PAYLOAD_H
#define KERNEL_PAYLOAD_H

#include "lib/types.h"

/*
 * Places the payload that stands at file[0..size) into memory[0..memory_size), which represents
 * guest-physical [base, +memory_size) and is zero apart from the file itself. *entry is where it
 * starts. NULL, or why not. Work: size, and the program headers.
 */
const char *payload_place(const uint8_t *file, uint64_t size, uint8_t *memory, uint64_t memory_size,
                          uint64_t base, uint64_t *entry);

#endif
