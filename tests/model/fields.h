/* SPDX-License-Identifier: Apache-2.0 */
/* Fields of structures as the manuals write them: how the models' tables of layouts name bits. */
#ifndef TESTS_MODEL_FIELDS_H
#define TESTS_MODEL_FIELDS_H

#include <stdint.h>

/* A field: its highest and its lowest bit, as the manual writes them. */
#define FIELD(high, low) (((high) << 16) | (low))

static inline unsigned field_low(unsigned field)
{
    return field & 0xffffu;
}

static inline unsigned field_width(unsigned field)
{
    return (field >> 16) - field_low(field) + 1;
}

/* All ones in the lowest `width` bits, 0 to 64. */
static inline uint64_t low_bits(unsigned width)
{
    return width >= 64 ? ~UINT64_C(0) : (UINT64_C(1) << width) - 1;
}

/* 2 to the power of n, n below 64. */
static inline uint64_t power_of_2(unsigned n)
{
    return UINT64_C(1) << n;
}

/* The mask of a field within its 64-bit word. */
static inline uint64_t field_mask(unsigned field)
{
    return low_bits(field_width(field)) << (field_low(field) % 64);
}

/* The value of a field of a structure of 64-bit words. */
static inline uint64_t field_of(const uint64_t *words, unsigned field)
{
    return (words[field_low(field) / 64] & field_mask(field)) >> (field_low(field) % 64);
}

/* The value of a field of a register or a one-word structure. */
static inline uint64_t field_in(uint64_t word, unsigned field)
{
    return (word & field_mask(field)) >> (field_low(field) % 64);
}

/* Set a field of a structure; what does not fit is dropped. */
static inline void field_put(uint64_t *words, unsigned field, uint64_t value)
{
    uint64_t *word = &words[field_low(field) / 64];

    *word = (*word & ~field_mask(field)) | ((value << (field_low(field) % 64)) & field_mask(field));
}

/* An address field holds the address itself, its low bits left out. */
static inline uint64_t field_address(const uint64_t *words, unsigned field)
{
    return words[field_low(field) / 64] & field_mask(field);
}

/* Bits of an address below a power of two, and the rest of it. */
static inline uint64_t align_down(uint64_t address, unsigned log2)
{
    return address & ~low_bits(log2);
}

static inline uint64_t offset_within(uint64_t address, unsigned log2)
{
    return address & low_bits(log2);
}

#endif
