/* SPDX-License-Identifier: Apache-2.0 */
/* The ledger of memory: what is a partition's own, and the windows through which it shares some. */
#include <string.h>

#include "kernel/window.h"
#include "ledger.h"

/* Partitions that have their windows, and those that are losing them. Known before anything is watched. */
static bool joined[PARTITION_LIMIT];
static bool leaving[PARTITION_LIMIT];

bool ledger_is_own(unsigned int partition, uint64_t address, uint64_t size)
{
    const struct partition_spec *spec = &machine.partition[partition];
    uint64_t room = spec->memory_size - (uint64_t)spec->pool_pages * PAGE_SIZE;

    return range_valid(address, size) && range_inside(address, size, spec->memory_base, room);
}

/* Deliberate sharing: what the test's set says of windows. Which of them has all of the range for a partition, and
 * on which side; -1: none. */
static int find_window(unsigned int partition, uint64_t address, uint64_t size, unsigned int *side)
{
    for (unsigned int w = 0; range_valid(address, size) && w < machine.window_count; w++) {
        const struct window_spec *spec = &machine.window[w];

        for (*side = 0; *side < 2; (*side)++) {
            if (strcmp(spec->between[*side], machine.partition[partition].name) == 0 &&
                range_inside(address, size, spec->address[*side], spec->size))
                return (int)w;
        }
    }
    return -1;
}

static bool lives(const char *name)
{
    for (unsigned int i = 0; i < machine.partition_count; i++) {
        if (strcmp(machine.partition[i].name, name) == 0)
            return joined[i];
    }
    return false;
}

/* Both sides live, and the set lets devices of this one do so much. */
static bool window_allows(unsigned int window, unsigned int side, uint32_t access)
{
    const struct window_spec *spec = &machine.window[window];
    bool writes = (access & BH_MAP_WRITE) == 0;

    for (unsigned int i = 0; i < 2 && spec->writable_by[i] != NULL; i++)
        writes = writes || strcmp(spec->writable_by[i], spec->between[side]) == 0;
    return spec->dma && writes && lives(spec->between[0]) && lives(spec->between[1]);
}

bool ledger_visible(unsigned int partition, uint64_t address, uint64_t size, uint32_t access)
{
    unsigned int side;
    int window;

    if (ledger_is_own(partition, address, size))
        return true;
    window = find_window(partition, address, size, &side);
    return window >= 0 && window_allows((unsigned int)window, side, access);
}

uint64_t ledger_physical(unsigned int partition, uint64_t address)
{
    unsigned int side;
    int window = find_window(partition, address, 1, &side);

    if (window >= 0)
        return windows.window[window].physical + (address - machine.window[window].address[side]);
    return partitions.partition[partition].physical +
           (address - machine.partition[partition].memory_base);
}

/* The partition at the other side of the window that the mapping is of. */
unsigned int ledger_other_side(const struct space *space, const struct mapping *mapping)
{
    unsigned int side;
    int window = find_window(space->partition, mapping->address, 1, &side);

    for (unsigned int i = 0; window >= 0 && i < machine.partition_count; i++) {
        if (strcmp(machine.window[window].between[1 - side], machine.partition[i].name) == 0)
            return i;
    }
    return NO_PARTITION;
}

bool ledger_is_going(const struct space *space, const struct mapping *mapping)
{
    unsigned int other = ledger_other_side(space, mapping);

    return other != NO_PARTITION && leaving[other];
}

/* Where the kernel says that partitions' memory lies, nothing else does. */
void ledger_check_memory(void)
{
    for (unsigned int i = 0; i < machine.partition_count && i < partitions.count; i++) {
        uint64_t base = partitions.partition[i].physical, size = machine.partition[i].memory_size;

        for (unsigned int unit = 0; unit < machine.unit_count; unit++) {
            if (entries_overlap(unit, base, size))
                report_violation(I14, NULL, NULL, "a stream table of unit %u lies in partition %s",
                                 unit, report_partition(i));
        }
        if (pages_kept(base, size) != NULL)
            report_violation(I14, NULL, NULL, "%s lies in partition %s", pages_kept(base, size),
                             report_partition(i));
        for (unsigned int w = 0; w < machine.window_count && w < windows.count; w++) {
            if (range_overlaps(base, size, windows.window[w].physical, 3 * machine.window[w].size))
                report_violation(I3, NULL, NULL, "window %s lies in partition %s",
                                 machine.window[w].name, report_partition(i));
        }
        for (unsigned int j = 0; j < i; j++) {
            if (range_overlaps(base, size, partitions.partition[j].physical,
                               machine.partition[j].memory_size))
                report_violation(I3, NULL, NULL, "the memory of partitions %s and %s overlaps",
                                 report_partition(j), report_partition(i));
        }
    }
}

void ledger_joined(unsigned int partition)
{
    joined[partition] = true;
}

void ledger_leave_begin(unsigned int partition)
{
    joined[partition] = false;
    leaving[partition] = true;
}

/* What devices of others had of its windows is gone. */
void ledger_leave_end(unsigned int partition)
{
    leaving[partition] = false;
    ledger_spaces_withdrawn(partition);
    ledger_maps_withdrawn(partition);
}

void ledger_each_survivor(unsigned int partition, void (*look)(unsigned int partition))
{
    for (unsigned int w = 0; w < machine.window_count; w++) {
        for (unsigned int side = 0; side < 2; side++) {
            for (unsigned int i = 0; i < machine.partition_count; i++) {
                if (strcmp(machine.window[w].between[side], machine.partition[partition].name) ==
                        0 &&
                    strcmp(machine.window[w].between[1 - side], machine.partition[i].name) == 0)
                    look(i);
            }
        }
    }
}
