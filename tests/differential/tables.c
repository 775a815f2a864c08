/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Tables as the architecture has them (DDI 0487, VMSAv8-64), and walks for reports.
 */
#include "tables.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#define ADDRESS_MASK UINT64_C(0x0000fffffffff000)

uint64_t take_tables(struct pair *pair, uint64_t bytes, uint64_t alignment)
{
    uint64_t at = (pair->tables_end + alignment - 1) & ~(alignment - 1);

    if (at + bytes > AT_TABLES + TABLES_BYTES) {
        fprintf(stderr, "differential: no memory left for tables\n");
        exit(2);
    }
    pair->tables_end = at + bytes;
    return at;
}

void drop_tables(struct pair *pair)
{
    clear_memory(pair, AT_TABLES, pair->tables_end - AT_TABLES);
    pair->tables_end = AT_TABLES;
}

unsigned level_shift(const struct space *space, unsigned level)
{
    return space->granule + (space->granule - 3) * (LEVEL_LAST - level);
}

bool block_level(const struct space *space, unsigned level)
{
    return level == 2 || (level == 1 && space->granule == 12);
}

/* Entries of a table; more than usual at the first level where tables are concatenated. */
static uint64_t entries(const struct space *space, unsigned level)
{
    if (level == space->level) {
        return UINT64_C(1) << (space->input_bits - level_shift(space, level));
    }
    return UINT64_C(1) << (space->granule - 3);
}

void make_root(struct pair *pair, struct space *space)
{
    uint64_t bytes = entries(space, space->level) * 8;
    uint64_t alignment = bytes < 64 ? 64 : bytes;

    /* Full pages: what lies behind stage 2 is mapped by the page. */
    space->root = take_tables(pair, bytes < 65536 ? 65536 : bytes,
                              alignment < 65536 ? 65536 : alignment);
}

void note_concatenation(struct pair *pair, const struct space *space)
{
    uint64_t table = UINT64_C(1) << space->granule;
    uint64_t bytes = entries(space, space->level) * 8;

    if (bytes > table) {
        pair->concatenated[pair->concatenated_count++] = (struct concatenated){
            .root = space->root,
            .table_bytes = table,
            .bytes = bytes,
        };
    }
}

struct walked walk_to(const struct pair *pair, const struct space *space, uint64_t input)
{
    struct walked walked = { .level = space->level };
    uint64_t table = space->root;

    for (;; walked.level++) {
        uint64_t index = ((input - space->base) >> level_shift(space, walked.level)) &
                         (entries(space, walked.level) - 1);

        walked.slot = table + index * 8;
        walked.descriptor = peek64(pair, walked.slot);
        if (walked.level == LEVEL_LAST || (walked.descriptor & 3) != DESCRIPTOR_TABLE ||
            !in_ram(walked.slot, 8)) {
            return walked;
        }
        table = (walked.descriptor & ADDRESS_MASK) - space->beyond;
    }
}

uint64_t descriptor_slot(struct pair *pair, struct space *space, uint64_t input, unsigned level,
                         bool make)
{
    uint64_t table = space->root;
    uint64_t offset = input - space->base;

    for (unsigned at = space->level;; at++) {
        uint64_t index = (offset >> level_shift(space, at)) & (entries(space, at) - 1);
        uint64_t slot = table + index * 8;
        uint64_t descriptor = peek64(pair, slot);

        if (at == level) {
            return slot;
        }
        if (!(descriptor & 1)) {
            if (!make) {
                return 0;
            }
            table = take_tables(pair, UINT64_C(1) << space->granule, 65536);
            descriptor = (table + space->beyond) | DESCRIPTOR_TABLE;
            poke64(pair, slot, descriptor);
        }
        if ((descriptor & 3) != DESCRIPTOR_TABLE) {
            return 0;
        }
        table = (descriptor & ADDRESS_MASK) - space->beyond;
        if (!in_ram(table, UINT64_C(1) << space->granule)) {
            return 0;
        }
    }
}

bool map_leaf(struct pair *pair, struct space *space, uint64_t input, unsigned level,
              uint64_t descriptor, uint64_t inside)
{
    uint64_t slot = 0;

    if (space->count == LEAVES_MAX) {
        return false;
    }
    slot = descriptor_slot(pair, space, input, level, true);
    if (!slot || peek64(pair, slot)) {
        return false;
    }
    poke64(pair, slot, descriptor);
    space->leaves[space->count++] = (struct leaf){
        .input = input & ~((UINT64_C(1) << level_shift(space, level)) - 1),
        .inside = inside,
        .slot = slot,
        .level = level,
    };
    return true;
}

void print_walk(const struct pair *pair, const struct space *space, uint64_t input)
{
    uint64_t table = space->root;
    uint64_t offset = input - space->base;

    printf("      granule %u, %u bits from level %u, root 0x%" PRIx64 ", input 0x%" PRIx64 "\n",
           1u << space->granule, space->input_bits, space->level, space->root, input);
    for (unsigned at = space->level; at <= LEVEL_LAST; at++) {
        uint64_t index = (offset >> level_shift(space, at)) & (entries(space, at) - 1);
        uint64_t descriptor = peek64(pair, table + index * 8);

        printf("      level %u, entry %" PRIu64 " at 0x%" PRIx64 ": 0x%016" PRIx64 "\n", at, index,
               table + index * 8, descriptor);
        if ((descriptor & 3) != DESCRIPTOR_TABLE) {
            return;
        }
        table = (descriptor & ADDRESS_MASK) - space->beyond;
    }
}
