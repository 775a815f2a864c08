/* SPDX-License-Identifier: Apache-2.0 */
/*
 * pagetable_map: on any whole tree, with any request that its contract allows, what is mapped
 * translates to exactly that and nothing else changes; a refusal changes nothing at all.
 */
#include "tests/proofs/tree.h"

static struct tree_state before;
static uint64_t probe;
static struct translation probe_before, probe_target;
static bool probe_inside;
static bool unpublished;

/* With EVERY_STORE: at any moment a walker finds at an address what was there, or what this call
 * puts there. */
void proof_store(volatile uint64_t *entry, uint64_t value)
{
    *entry = value;
    unpublished = true;
#ifdef EVERY_STORE
    struct translation now = tree_translate(probe);

    HOLDS(translation_equal(now, probe_before) ||
              (probe_inside && now.output == probe_target.output &&
               now.attributes == probe_target.attributes && now.size != 0),
          "every store leaves each address as it was or as it shall be");
#endif
}

void cache_clean(const volatile void *pointer, uint64_t size)
{
    (void)pointer;
    (void)size;
    HOLDS(!tree.coherent, "only a table that is not coherent is cleaned");
}

void proof_barrier(void)
{
    unpublished = false;
}

/* Any leaf in the way of the request, up to `end`? */
static bool occupied(uint64_t address, uint64_t end)
{
    bool found = false;

    for (uint64_t at = 0; at < TREE_LIMIT; at += PAGE_SIZE)
        found = found || (at >= address && at < end && tree_translate(at).size != 0);
    return found;
}

int main(void)
{
    uint64_t address = tree_any_address(), size = tree_any_address();
    uint64_t output = tree_any_output(), attributes = tree_any_attributes();
    uint32_t bound = 1 + (uint32_t)any_bits(MAP_BOUND_LOG2);
    struct pagetable_progress progress;

    tree_any();
    GIVEN(address < TREE_LIMIT && size != 0 && size <= TREE_LIMIT - address);
    GIVEN(output + size <= BIT(48));
    probe = tree_any_address();
    GIVEN(probe < TREE_LIMIT);
    probe_before = tree_translate(probe);
    probe_inside = probe >= address && probe - address < size;
    probe_target = (struct translation){ .output = output + (probe - address),
                                         .attributes = attributes };
    tree_remember(&before);
    bool free_all = !occupied(address, address + size);

    enum pagetable_result result = pagetable_map(&tree, address, output, size, attributes, bound,
                                                 &progress);

    struct translation after = tree_translate(probe);
    bool done = result == PAGETABLE_OK || result == PAGETABLE_MORE;

    HOLDS(done || result == PAGETABLE_EXISTS || result == PAGETABLE_FULL,
          "a map ends with one of its four results");
    HOLDS(IMPLIES(!done, tree_is_as(&before) && progress.done == 0),
          "a refused map changes nothing");
    HOLDS(IMPLIES(result == PAGETABLE_EXISTS, !free_all), "EXISTS means that something is there");
    HOLDS(IMPLIES(result == PAGETABLE_OK, free_all && progress.done == size),
          "OK means all of it, where nothing was");
    HOLDS(IMPLIES(result == PAGETABLE_MORE, progress.done < size && progress.leaves == bound),
          "MORE means that the bound was reached");
    HOLDS(IMPLIES(done, progress.done != 0 && progress.leaves <= bound), "the bound is kept");
    HOLDS(IMPLIES(done && probe >= address && probe - address < progress.done,
                  after.size != 0 && after.output == probe_target.output &&
                      after.attributes == attributes && probe_before.size == 0),
          "what was mapped translates to exactly that");
    HOLDS(IMPLIES(!done || probe < address || probe - address >= progress.done,
                  translation_equal(after, probe_before)),
          "everything else translates as before");
    HOLDS(IMPLIES(done, tree.mapped == before.mapped + progress.done),
          "the bytes mapped are counted");
    HOLDS(!unpublished, "walkers see the entries when the call returns");
    HOLDS(tree_is_whole(NULL), "tree and pool are whole: no page leaks, no table is empty");
    uint64_t entry, leaf_size;
    bool found = pagetable_lookup(&tree, probe, &entry, &leaf_size);

    HOLDS(
        found == (after.size != 0) &&
            IMPLIES(found, leaf_size == after.size &&
                               (entry & BITS(47, 12)) + (probe & (leaf_size - 1)) == after.output),
        "a look-up answers what a walk finds");
    return 0;
}
