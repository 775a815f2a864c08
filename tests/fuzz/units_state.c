/* SPDX-License-Identifier: Apache-2.0 */
/* See units_state.h. */
#include "tests/fuzz/units_state.h"

#include "kernel/partition.h"

static struct units_tally own;
struct units_tally *units_tally = &own;

static uint64_t spaces[UNITS_SPACES];
static unsigned int calls;

void units_state_reset(void)
{
    calls = 0;
    for (unsigned int i = 0; i < UNITS_SPACES; i++)
        spaces[i] = 0;
}

unsigned int units_calls(void)
{
    return calls;
}

uint64_t units_id(unsigned int space)
{
    return space < UNITS_SPACES ? spaces[space] : 0;
}

unsigned int units_some_space(unsigned int draw)
{
    return draw % UNITS_SPACES;
}

unsigned int units_room(void)
{
    unsigned int space = 0;

    while (space < UNITS_SPACES && spaces[space] != 0)
        space++;
    return space;
}

void units_space_made(unsigned int space, uint64_t id)
{
    spaces[space] = id;
}

void units_space_gone(unsigned int space)
{
    spaces[space] = 0;
}

/* ---- States ---------------------------------------------------------------------------------------------- */

static const struct device *kernel_device(unsigned int device)
{
    return partition_device(&partitions.partition[0], MACHINE_DEVICE_ID(device));
}

static const struct ioas *kernel_space(uint64_t id)
{
    const struct partition *partition = &partitions.partition[0];

    for (unsigned int i = 0; id != 0 && i < PARTITION_IOAS; i++) {
        if (partition->ioas[i].id == id)
            return &partition->ioas[i];
    }
    return NULL;
}

/* 0: no such space, or one without devices; else of how many units there are some, and one more. */
static unsigned int units_of(const struct ioas *ioas)
{
    uint32_t units = 0;

    for (unsigned int i = 0; i < machine.endpoint_count; i++) {
        if (ioas != NULL && kernel_device(i)->ioas == ioas)
            units |= 1u << i / ENDPOINTS_A_UNIT;
    }
    return 1 + (unsigned int)__builtin_popcount(units);
}

unsigned int units_state_of(unsigned int device, unsigned int space)
{
    const struct device *d = kernel_device(device);
    const struct ioas *ioas = kernel_space(units_id(space));
    unsigned int held = d->bound == NULL ? 0 : d->ioas == NULL ? 1 : 2;
    unsigned int there = ioas == NULL ? 0 : units_of(ioas);
    unsigned int here = ioas != NULL && d->ioas == ioas ? 1 : held == 2 ? 2 : 0;

    return ((device / ENDPOINTS_A_UNIT * 3 + held) * 5 + there) * 3 + here;
}

void units_note(unsigned int state, unsigned int number, int64_t result)
{
    unsigned int slot = result >= 0 ? 0 : (unsigned int)-result;

    if (slot >= UNITS_RESULTS)
        fail_msg("call %u answers %lld, which is no error of the ABI", number, (long long)result);
    if (result == BH_ETIMEDOUT)
        fail_msg("call %u says that a unit failed", number);
    calls++;
    __atomic_fetch_add(&units_tally->calls, 1, __ATOMIC_RELAXED);
    units_tally->seen[(state * BH_CALL_LIMIT + number) * UNITS_RESULTS + slot] = 1;
}

/* ---- Pools ----------------------------------------------------------------------------------------------- */

struct units_pools units_pools(void)
{
    struct units_pools pools = { .pages = partitions.partition[0].pool.free };

    for (unsigned int unit = 0; unit < UNITS_KINDS; unit++) {
        for (unsigned int i = 0; i < ARRAY_LENGTH(devices.iommu[unit].tags); i++)
            pools.tags[unit] += (unsigned int)__builtin_popcountll(devices.iommu[unit].tags[i]);
    }
    return pools;
}

void units_pools_compare(const struct units_pools *before)
{
    struct units_pools now = units_pools();

    if (now.pages != before->pages)
        fail_msg("%u table pages are free, and %u were before", now.pages, before->pages);
    for (unsigned int unit = 0; unit < UNITS_KINDS; unit++) {
        if (now.tags[unit] != before->tags[unit])
            fail_msg("unit %u has %u tags in use, and had %u before", unit, now.tags[unit],
                     before->tags[unit]);
    }
}
