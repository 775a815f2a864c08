/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Words that every floor uses: fixed-width integers, the size of a page, and small arithmetic.
 * Nothing here has state.
 */
#ifndef LIB_TYPES_H
#define LIB_TYPES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Granule of every table that Bulkhead writes. */
#define PAGE_SHIFT 12
#define PAGE_SIZE ((uint64_t)1 << PAGE_SHIFT)

#define ARRAY_LENGTH(array) (sizeof(array) / sizeof((array)[0]))

/* Bits high..low of a word, as the manuals write a field. */
#define BITS(high, low) ((~UINT64_C(0) >> (63 - (high))) & (~UINT64_C(0) << (low)))
#define BIT(n) (UINT64_C(1) << (n))

/* Read and place a field that is named by its mask. */
#define FIELD_GET(mask, word) (((uint64_t)(word) & (mask)) / ((mask) & (~(mask) + 1)))
#define FIELD_PUT(mask, value) (((uint64_t)(value) * ((mask) & (~(mask) + 1))) & (mask))

static inline bool is_aligned(uint64_t value, uint64_t alignment)
{
    return (value & (alignment - 1)) == 0;
}

/* alignment is a power of two. */
static inline uint64_t align_down(uint64_t value, uint64_t alignment)
{
    return value & ~(alignment - 1);
}

/* alignment is a power of two; value + alignment does not wrap. */
static inline uint64_t align_up(uint64_t value, uint64_t alignment)
{
    return align_down(value + alignment - 1, alignment);
}

/* The number of the lowest bit that is set; one is. */
static inline uint32_t first_bit(uint64_t bits)
{
    return (uint32_t)__builtin_ctzll(bits);
}

static inline uint64_t min_u64(uint64_t a, uint64_t b)
{
    return a < b ? a : b;
}

static inline uint64_t max_u64(uint64_t a, uint64_t b)
{
    return a > b ? a : b;
}

/* True if [base, +size) is not empty and does not wrap. */
static inline bool range_valid(uint64_t base, uint64_t size)
{
    return size != 0 && base + (size - 1) >= base;
}

/* True if [inner, +inner_size) lies inside [outer, +outer_size), which is a valid range. What wraps
 * around does not; what is empty does where its base does. */
static inline bool range_inside(uint64_t inner, uint64_t inner_size, uint64_t outer,
                                uint64_t outer_size)
{
    return inner >= outer && inner - outer < outer_size &&
           inner_size <= outer_size - (inner - outer);
}

/* True if the two valid ranges share a byte. */
static inline bool range_overlaps(uint64_t a, uint64_t a_size, uint64_t b, uint64_t b_size)
{
    return a <= b + (b_size - 1) && b <= a + (a_size - 1);
}

/*
 * An index below limit, or 0, without a branch that a processor could predict around: every index
 * that comes from a guest goes through this after its check (I10).
 */
static inline uint64_t clamp_index(uint64_t index, uint64_t limit)
{
    uint64_t inside = (uint64_t)0 - ((index - limit) >> 63);

    return index & inside;
}

#endif
