/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The format of a table, for the files that walk one. An architecture all of whose tables have the same one
 * names it, so that what depends on it is constants there; elsewhere it is the table's own.
 */
#ifndef LIB_PAGETABLE_FORMAT_H
#define LIB_PAGETABLE_FORMAT_H

#include "arch/seam.h"
#include "lib/vmsa.h"

static inline const struct pagetable_format *format_of(const struct pagetable *table)
{
#ifdef ARCH_ONE_FORMAT
    static const struct pagetable_format format = ARCH_ONE_FORMAT;

    (void)table;
    return &format;
#else
    return table->format;
#endif
}

/* log2 of the bytes that an entry at that height covers. */
static inline unsigned int span_shift(const struct pagetable_format *format, unsigned int height)
{
    return PAGE_SHIFT + height * format->level_bits;
}

static inline uint64_t span(const struct pagetable_format *format, unsigned int height)
{
    return UINT64_C(1) << span_shift(format, height);
}

#endif
