/* SPDX-License-Identifier: Apache-2.0 */
/*
 * pagetable_unmap: on any whole tree, with any range, every leaf in the part that is done is gone,
 * everything else is as before, and what must be invalidated and given back is said exactly; a
 * range that cuts a leaf is refused and changes nothing.
 */
#include "tests/proofs/tree.h"

static struct tree_state before;
static uint64_t probe, address, size;
static struct translation probe_before;
static bool unpublished;

/* With EVERY_STORE: at any moment a walker finds at an address what was there, or, in the range,
 * nothing. */
void proof_store(volatile uint64_t *entry, uint64_t value)
{
    *entry = value;
    unpublished = true;
#ifdef EVERY_STORE
    struct translation now = tree_translate(probe);

    HOLDS(translation_equal(now, probe_before) ||
              (now.size == 0 && probe >= address && probe - address < size),
          "every store leaves each address as it was, or takes one of the range out");
#endif
}

void cache_clean(const volatile void *pointer, uint64_t bytes)
{
    (void)pointer;
    (void)bytes;
    HOLDS(!tree.coherent, "only a table that is not coherent is cleaned");
}

void proof_barrier(void)
{
    unpublished = false;
}

/* True if a leaf lies on both sides of an address. */
static bool cuts(uint64_t at)
{
    return at < TREE_LIMIT && (at & (tree_translate(at).size - 1)) != 0 &&
           tree_translate(at).size != 0;
}

/* Bytes mapped in [address, end). */
static uint64_t bytes_mapped(uint64_t end)
{
    uint64_t bytes = 0;

    for (uint64_t at = 0; at < TREE_LIMIT; at += PAGE_SIZE) {
        if (at >= address && at < end && tree_translate(at).size != 0)
            bytes += PAGE_SIZE;
    }
    return bytes;
}

int main(void)
{
    uint32_t bound = 1 + (uint32_t)any_bits(MAP_BOUND_LOG2);
    struct pagetable_progress progress;

    address = tree_any_address();
    size = tree_any_address();
    probe = tree_any_address();
    tree_any();
    GIVEN(address < TREE_LIMIT && size != 0 && size <= TREE_LIMIT - address);
    GIVEN(probe < TREE_LIMIT);
    uint64_t end = address + size;
    bool cut = cuts(address) || cuts(end);
    uint64_t there = bytes_mapped(end);

    GIVEN(tree.mapped >= there);
    probe_before = tree_translate(probe);
    tree_remember(&before);

    enum pagetable_result result = pagetable_unmap(&tree, address, size, bound, &progress);

    struct translation after = tree_translate(probe);
    bool done = result == PAGETABLE_OK || result == PAGETABLE_MORE;
    bool inside = done && probe >= address && probe - address < progress.done;
    bool left = probe >= address && probe < end && !inside && probe_before.size != 0;

    HOLDS(done || result == PAGETABLE_CUT, "an unmap ends with one of its three results");
    HOLDS((result == PAGETABLE_CUT) == cut, "CUT means that an end of the range cuts a leaf");
    HOLDS(IMPLIES(!done, tree_is_as(&before) && progress.done == 0 && progress.leaves == 0 &&
                             progress.freed.count == 0),
          "a refused unmap changes nothing");
    HOLDS(IMPLIES(result == PAGETABLE_OK, progress.done == size && progress.bytes == there),
          "OK means all of it, and counts what was there");
    HOLDS(IMPLIES(result == PAGETABLE_MORE, progress.done < size && progress.done != 0),
          "MORE means that some of it is done");
    HOLDS(IMPLIES(inside, after.size == 0), "nothing is mapped in the part that is done");
    HOLDS(IMPLIES(!inside, translation_equal(after, probe_before)),
          "everything else translates as before");
    HOLDS(IMPLIES(result == PAGETABLE_OK, !left), "OK leaves nothing in the range");
    HOLDS(IMPLIES(inside && probe_before.size != 0,
                  probe >= progress.first && probe < progress.end && progress.leaves != 0),
          "what was removed lies in the range to invalidate");
    HOLDS(IMPLIES(done && progress.end != 0, progress.first >= address && progress.end <= end),
          "no more than the range is invalidated");
    HOLDS(IMPLIES(done, tree.mapped == before.mapped - progress.bytes && progress.bytes <= there),
          "the bytes unmapped are counted");
    HOLDS(progress.tables_freed == (progress.freed.count != 0), "a table that went is told");
    HOLDS(IMPLIES(done, !unpublished), "walkers see the entries when the call returns");
    HOLDS(tree_is_whole(&progress.freed),
          "tree, pool and list are whole: no page leaks, no table is empty");
    return 0;
}
