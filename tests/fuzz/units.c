/* SPDX-License-Identifier: Apache-2.0 */
/* See units.h. */
#include "tests/fuzz/units.h"

#include <string.h>

#include "tests/fuzz/units_state.h"
#include "tests/observer/observer.h"
#include "tests/unit/machine.h"

#define BASE UINT64_C(0x40000000)
#define STRUCTURE (BASE + UINT64_C(0x210000))
#define BLOCK UINT64_C(0x200000)
#define POOL_PAGES 128
#define CHECKED_EVERY 256 /* calls, from one look at the units' lists of errors to the next */
#define PERIOD 100000     /* events, from one full recomputation to the next */

/* A partition's units need two kinds of tables at most: of the last there is one in every other run. */
static const enum smmuv3_model_variant kinds[][UNITS_KINDS] = {
    { SMMUV3_MODEL_PLAIN, SMMUV3_MODEL_SMALL_TAGS, SMMUV3_MODEL_40_BITS },
    { SMMUV3_MODEL_PLAIN, SMMUV3_MODEL_SMALL_TAGS, SMMUV3_MODEL_STAGE_1_ONLY },
};
static uint64_t dice;
static bool with_stage1;

static unsigned int some(unsigned int count)
{
    return (unsigned int)random_below(&dice, count);
}

static void boot(uint64_t seed)
{
    const enum smmuv3_model_variant *variants = kinds[seed % ARRAY_LENGTH(kinds)];

    with_stage1 = variants[UNITS_KINDS - 1] == SMMUV3_MODEL_STAGE_1_ONLY;
    machine_units(variants, UNITS_KINDS);
    machine.partition[0].pool_pages = POOL_PAGES;
    machine_boot();
}

/* ---- Arguments ------------------------------------------------------------------------------------------- */

static uint64_t bent(uint64_t value)
{
    switch (some(64)) {
    case 0:
        return value + 1;
    case 1:
        return value ^ BIT(some(64));
    case 2:
        return UINT64_MAX;
    case 3:
        return 0;
    default:
        return value;
    }
}

static unsigned int some_device(void)
{
    return some(machine.endpoint_count);
}

static uint64_t id_of(unsigned int device)
{
    return bent(MACHINE_DEVICE_ID(device));
}

/* Few places, so that they meet; at the ends of what the units have, too. */
static uint64_t some_iova(void)
{
    static const uint64_t places[] = { 0x10000,
                                       0x11000,
                                       0x12000,
                                       0x200000,
                                       0x1FF000,
                                       0,
                                       UINT64_C(0xFFFFFFF000),
                                       UINT64_C(0x10000000000) };

    return bent(places[some(ARRAY_LENGTH(places))]);
}

static uint64_t some_size(void)
{
    static const uint64_t sizes[] = { 0x1000, 0x1000, 0x2000, 0x3000, 0x8000 };

    return bent(some(256) == 0 ? 0x201000 : sizes[some(ARRAY_LENGTH(sizes))]);
}

static uint64_t some_address(void)
{
    static const uint64_t offsets[] = { 0x1000, 0x2000, 0x5000, 0, 0x1FF000 };

    return bent(BASE + offsets[some(ARRAY_LENGTH(offsets))]);
}

/* Behind a unit of stage 1 alone what can be written can be read, which the observer takes for a broken rule. */
static uint64_t some_flags(void)
{
    uint64_t flags = bent(1 + some(3));

    return flags == BH_MAP_WRITE && with_stage1 ? BH_MAP_READ | BH_MAP_WRITE : flags;
}

/* ---- Calls ----------------------------------------------------------------------------------------------- */

static int64_t make(unsigned int device, unsigned int space, uint64_t number, const uint64_t x[5])
{
    unsigned int before = units_state_of(device, space);
    int64_t result = call(0, number, x[0], x[1], x[2], x[3], x[4]);

    if (machine.end != HOST_RETURNED)
        fail_msg("call %u does not come back", (unsigned int)number);
    units_note(before, (unsigned int)number, result);
    return result;
}

#define MAKE(device, space, number, ...)                                                           \
    make(device, space, number, (const uint64_t[5]){ __VA_ARGS__ })

static void bind_one(unsigned int device)
{
    unsigned int rounds = some(8) == 0 ? some(3) : 8;
    uint64_t label = bent(device);
    int64_t result = BH_EAGAIN;

    for (unsigned int i = 0; i < rounds && result == BH_EAGAIN; i++) {
        result = MAKE(device, NO_SPACE, BH_CALL_DEVICE_BIND, id_of(device), label);
        if (result == BH_EAGAIN)
            host_advance(machine.x[1]);
    }
}

static void reset_one(unsigned int device)
{
    int64_t result = BH_EAGAIN;

    for (unsigned int i = 0; i < 8 && result == BH_EAGAIN; i++) {
        result = MAKE(device, NO_SPACE, BH_CALL_DEVICE_RESET, id_of(device));
        if (result == BH_EAGAIN)
            host_advance(machine.x[1]);
    }
}

static void put(unsigned int word, uint64_t value)
{
    memcpy(guest(0, STRUCTURE + word * sizeof(value)), &value, sizeof(value));
}

/* Structures and arrays are words; what a call's structure lacks is ignored. */
static void structure_call(unsigned int device, unsigned int space)
{
    unsigned int count = 1 + some(4), to = units_some_space(some(64));

    switch (some(6)) {
    case 0:
        put(0, bent(8 + 16 * 16 + 8));
        MAKE(device, space, BH_CALL_IOAS_RANGES, bent(units_id(space)), bent(STRUCTURE));
        break;
    case 1:
        for (unsigned int i = 0; i < count; i++) {
            put(4 * i, some_iova());
            put(4 * i + 1, some_address());
            put(4 * i + 2, some_size());
            put(4 * i + 3, some_flags());
        }
        MAKE(device, space, BH_CALL_IOAS_MAP_BATCH, bent(units_id(space)), bent(STRUCTURE),
             bent(count));
        break;
    case 2:
        for (unsigned int i = 0; i < count; i++) {
            put(2 * i, some_iova());
            put(2 * i + 1, some_size());
        }
        MAKE(device, space, BH_CALL_IOAS_UNMAP_BATCH, bent(units_id(space)), bent(STRUCTURE),
             bent(count));
        break;
    case 3:
        put(0, bent(56));
        put(1, bent(units_id(space)));
        put(2, bent(units_id(to)));
        put(3, some_iova());
        put(4, some_iova());
        put(5, some_size());
        put(6, some_flags());
        MAKE(device, space, BH_CALL_IOAS_COPY, bent(STRUCTURE));
        break;
    default:
        put(0, bent(256));
        MAKE(device, space, BH_CALL_QUERY, bent(some(8)), bent(STRUCTURE), id_of(device));
        break;
    }
    memset(guest(0, STRUCTURE), 0, 512);
}

static void map_or_unmap(unsigned int device, unsigned int space)
{
    uint64_t id = bent(units_id(space));

    switch (some(12)) {
    default:
        MAKE(device, space, BH_CALL_IOAS_MAP, id, some_iova(), some_address(), some_size(),
             some_flags());
        break;
    case 3:
        MAKE(device, space, BH_CALL_IOAS_MAP, id, bent(some(2) * BLOCK), BASE, BLOCK, 3);
        break;
    case 4:
    case 5:
    case 6:
        MAKE(device, space, BH_CALL_IOAS_UNMAP, id, some_iova(), some_size());
        break;
    case 7:
    case 8:
        MAKE(device, space, BH_CALL_IOAS_UNMAP, id, 0, BIT(40));
        break;
    case 9:
        MAKE(device, space, BH_CALL_IOAS_REMAP, id, some_iova(), some_address(), some_size(),
             some_flags());
        break;
    case 10:
        MAKE(device, space, BH_CALL_IOAS_UNMAP_ALL, id, 0);
        break;
    case 11:
        MAKE(device, space, BH_CALL_IOAS_RESERVE, id, some(3) == 0 ? 0 : some_iova(),
             some(3) == 0 ? 0 : some_size());
        break;
    }
}

/* No more spaces than a few, so that devices meet in them. */
static void make_space(unsigned int device)
{
    unsigned int room = units_room();
    int64_t result;

    if (room == NO_SPACE)
        return;
    result = MAKE(device, NO_SPACE, BH_CALL_IOAS_ALLOC_PAGING, id_of(device), bent(BH_IOAS_NONE));
    if (result > 0)
        units_space_made(room, (uint64_t)result);
}

static void free_space(unsigned int device, unsigned int space)
{
    if (MAKE(device, space, BH_CALL_IOAS_FREE, units_id(space)) == BH_OK)
        units_space_gone(space);
}

static void other_call(unsigned int device, unsigned int space)
{
    uint64_t number = some(BH_CALL_LIMIT);

    switch (number) {
    case BH_CALL_POWER: /* ends the run */
    case BH_CALL_IOAS_ALLOC_PAGING:
    case BH_CALL_IOAS_FREE: /* ids are kept where they are made and given back */
    case BH_CALL_CONSOLE_WRITE:
    case BH_CALL_EVENT_RING:
        number = BH_CALL_YIELD;
        break;
    default:
        break;
    }
    MAKE(device, space, number, bent(some(2) == 0 ? MACHINE_DEVICE_ID(device) : units_id(space)),
         some(2) == 0 ? BH_PASID_NONE : some_iova(), bent(units_id(space)), some_size(),
         some_flags());
    memset(guest(0, STRUCTURE), 0, 512);
}

/* Devices access memory, whoever has them. */
static void access_memory(unsigned int device)
{
    uint64_t value = 0, iova = some_iova();

    if (some(2) == 0)
        dma_write(machine.endpoint[device], iova & ~UINT64_C(7), iova);
    else
        dma_read(machine.endpoint[device], iova & ~UINT64_C(7), &value);
}

static void one_call(void)
{
    unsigned int device = some_device(), space = units_some_space(some(64));

    switch (some(20)) {
    case 0:
    case 1:
        bind_one(device);
        break;
    case 2:
        make_space(device);
        break;
    case 3:
    case 4:
    case 5:
        MAKE(device, space, BH_CALL_ATTACH, id_of(device), bent(BH_PASID_NONE), units_id(space));
        break;
    case 6:
    case 7:
        MAKE(device, space, BH_CALL_REPLACE, id_of(device), bent(BH_PASID_NONE), units_id(space));
        break;
    case 8:
        MAKE(device, space, BH_CALL_DETACH, id_of(device), bent(BH_PASID_NONE));
        break;
    case 9:
        if (some(4) == 0)
            MAKE(device, space, BH_CALL_DEVICE_UNBIND, id_of(device));
        else
            reset_one(device);
        break;
    case 10:
        free_space(device, space);
        break;
    case 11:
    case 12:
        structure_call(device, space);
        break;
    case 13:
        other_call(device, space);
        break;
    case 14:
        access_memory(device);
        break;
    default:
        map_or_unmap(device, space);
        break;
    }
}

/* ---- A run ----------------------------------------------------------------------------------------------- */

static void unmap_whole(uint64_t id)
{
    const uint64_t last = BIT(48);
    uint64_t at = 0, limit = last;
    int64_t result;

    for (unsigned int i = 0; i < 4096 && at < limit; i++) {
        result = call(0, BH_CALL_IOAS_UNMAP, id, at, limit - at, 0, 0);
        if (result == BH_ERANGE && limit > BIT(32))
            limit /= 2;
        else if (result == BH_OK || result == BH_EAGAIN)
            at += machine.x[1];
        else
            fail_msg("a space cannot be emptied: %lld", (long long)result);
    }
}

/* Afterwards nothing is missing. */
static void give_back(void)
{
    for (unsigned int i = 0; i < machine.endpoint_count; i++) {
        call2(0, BH_CALL_DETACH, MACHINE_DEVICE_ID(i), BH_PASID_NONE);
        call1(0, BH_CALL_DEVICE_UNBIND, MACHINE_DEVICE_ID(i));
    }
    for (unsigned int space = 0; space < UNITS_SPACES; space++) {
        if (units_id(space) == 0)
            continue;
        unmap_whole(units_id(space));
        assert_int_equal(call1(0, BH_CALL_IOAS_FREE, units_id(space)), BH_OK);
    }
}

void units_run(uint64_t seed, unsigned int calls)
{
    struct units_pools before;

    boot(seed);
    dice = seed;
    observer_start_with(&(struct observer_options){
        .seed = seed | 1, .period = PERIOD, .mode = HOST_STORES_IMMEDIATE });
    units_state_reset();
    before = units_pools();
    while (units_calls() < calls) {
        one_call();
        if (units_calls() % CHECKED_EVERY == 0)
            assert_units_clean();
    }
    give_back();
    assert_units_clean();
    units_pools_compare(&before);
    observer_finish();
}
