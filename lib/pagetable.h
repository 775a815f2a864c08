/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One mechanism for every table that translates an address: the hypervisor's own stage 1, a
 * partition's stage 2, and an IOMMU's tables. What differs between them is data (struct
 * pagetable_format); the walk is the same.
 *
 * Positions are counted in heights: height 0 is the table whose entries are pages, height 1 the
 * one above it, so a format's level n of a manual is height (top - n).
 *
 * Nothing is split silently, nothing is replaced silently, and after a refusal the tables and the
 * pool are as they were. A table without entries is taken out at once; the caller gives the page
 * back after it has invalidated.
 *
 * No locks here: the caller holds the lock of the address space.
 */
#ifndef LIB_PAGETABLE_H
#define LIB_PAGETABLE_H

#include "lib/page_pool.h"
#include "lib/types.h"

#define PAGETABLE_HEIGHTS 6

struct pagetable_format {
    uint64_t present_mask; /* an entry is valid if it has any of these bits */
    uint64_t address_mask; /* where an entry holds an address */
    uint64_t table_bits;   /* set in an entry that points to a table */
    uint64_t leaf_mask;    /* an entry at height > 0 is a leaf if, of these bits, ... */
    uint64_t leaf_value;   /* ... it has exactly these */
    uint64_t page_bits;    /* set in a leaf at height 0 */
    uint64_t block_bits;   /* set in a leaf above */
    uint8_t level_bits;    /* log2 of entries per table; 9 for 4 KiB, fewer in proofs */
    uint8_t block_heights; /* bit n: a leaf may stand at height n */
};

struct pagetable {
    const struct pagetable_format *format;
    struct page_pool *pool;
    uint64_t root;   /* physical */
    uint64_t limit;  /* addresses below this can be mapped */
    uint64_t mapped; /* bytes mapped now */
    uint8_t height;  /* of the root */
    bool coherent;   /* walkers see the caches; otherwise each store is cleaned to memory */
};

/* What one map or unmap did. A map that did its part may leave all but the first three alone. */
struct pagetable_progress {
    uint64_t done;   /* bytes of the request dealt with */
    uint64_t bytes;  /* bytes that were in fact mapped there (unmap) */
    uint32_t leaves; /* entries written or cleared */
    uint32_t steps;  /* unmap: what was done of its bound */
    uint64_t first;  /* unmap: what was removed lies in [first, end) */
    uint64_t end;
    bool tables_freed; /* a table went: intermediate entries must be invalidated too */
    bool same_output; /* remap: it leaves every address where it leads to, only attributes differ */
    struct page_list freed;
};

enum pagetable_result {
    PAGETABLE_OK,
    PAGETABLE_MORE,   /* the bound was reached: call again behind done */
    PAGETABLE_EXISTS, /* something is mapped there; nothing changed */
    PAGETABLE_FULL,   /* the pool has too few pages; nothing changed */
    PAGETABLE_CUT,    /* the range cuts a leaf; nothing changed */
    PAGETABLE_ABSENT, /* a part of the range is not mapped; nothing changed */
};

/*
 * An empty tree for addresses of input_bits bits. Takes one page for its root, which must have room
 * for the top entries (input_bits <= page_shift + heights * level_bits). False: the pool is
 * empty. Constant work.
 */
bool pagetable_init(struct pagetable *table, const struct pagetable_format *format,
                    struct page_pool *pool, unsigned int input_bits, bool coherent);

/*
 * Maps [address, +size) to [output, +size) with attributes (format bits outside address_mask), with
 * the largest leaves that alignment allows, changing at most `bound` entries. All page-aligned,
 * size not zero, the range below limit. Entries are visible to walkers when it returns. Nothing
 * needs to be invalidated: only absent entries become present. Work: bound entries, each checked
 * once and written once, and at most one new table per height and table boundary crossed.
 */
enum pagetable_result pagetable_map(struct pagetable *table, uint64_t address, uint64_t output,
                                    uint64_t size, uint64_t attributes, uint32_t bound,
                                    struct pagetable_progress *progress);

/*
 * Removes every leaf inside [address, +size), changing at most `bound` entries or tables; holes
 * cost one entry read per absent table or entry and count as a change each, so the work is bound by
 * `bound` too. Walkers see what it stored when it returns. The caller then invalidates [first, end)
 * and gives progress->freed back to the pool.
 */
enum pagetable_result pagetable_unmap(struct pagetable *table, uint64_t address, uint64_t size,
                                      uint32_t bound, struct pagetable_progress *progress);

/*
 * To remap is to have leaves lead elsewhere, or with other attributes, in three steps. Leaves keep their
 * sizes; tables, the pool and the bytes that are mapped stay as they are.
 *
 * check: whether [address, +size) is leaves and nothing else, each of them whole and as aligned in the new
 * output; looks at `bound` leaves at most, and says in progress->done how far the other steps may go. CUT: a
 * leaf is cut by the range, or larger than the new output's alignment. Stores nothing.
 *
 * Where same_output is false, walkers may not find another output for an address that they have cached:
 * break takes the leaves out, the caller invalidates [first, end) and waits, then make puts the new ones in.
 * Where it is true, make alone stores new attributes over the old ones, and the caller invalidates after it.
 * Walkers see what break and make stored when they return.
 */
enum pagetable_result pagetable_remap_check(const struct pagetable *table, uint64_t address,
                                            uint64_t output, uint64_t size, uint32_t bound,
                                            struct pagetable_progress *progress);
void pagetable_remap_break(struct pagetable *table, uint64_t address, uint64_t size);
void pagetable_remap_make(struct pagetable *table, uint64_t address, uint64_t output, uint64_t size,
                          uint64_t attributes);

/* Where a walk to an address below the limit ends: at a leaf, or at an entry that is absent. */
struct pagetable_place {
    volatile uint64_t *entry;
    unsigned int height;
};

struct pagetable_place pagetable_walk(const struct pagetable *table, uint64_t address);

/* The leaf that translates address: its entry and its size in bytes, or false. Work: one entry a
 * height. */
bool pagetable_lookup(const struct pagetable *table, uint64_t address, uint64_t *entry,
                      uint64_t *leaf_size);

/* Takes the root of an empty tree (mapped == 0) out, for the caller to give back after
 * invalidation. */
void pagetable_release(struct pagetable *table, struct page_list *freed);

#endif
