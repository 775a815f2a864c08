/* SPDX-License-Identifier: Apache-2.0 */
/* Loading a payload: a static, little-endian ELF file for AArch64 or AArch32, or else a flat
 * binary. */
#ifndef KERNEL_PAYLOAD_H
#define KERNEL_PAYLOAD_H

#include "lib/types.h"

/*
 * Places the payload that stands at file[0..size) into memory[0..memory_size), which represents
 * guest-physical [base, +memory_size) and is zero apart from the file itself. aarch32: which of the
 * two the partition runs. *entry is where it starts; bit 0, in AArch32: with T32 code. NULL, or why
 * not. Work: size, and the program headers.
 */
const char *payload_place(const uint8_t *file, uint64_t size, uint8_t *memory, uint64_t memory_size,
                          uint64_t base, bool aarch32, uint64_t *entry);

#endif
