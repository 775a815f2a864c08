/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/fuzz/scene.h"

#include <string.h>

#include "tests/fuzz/fuzz.h"

struct scene_ids id;

int64_t make(unsigned int partition, uint64_t number, uint64_t a, uint64_t b, uint64_t c,
             uint64_t d, uint64_t e)
{
    return book_call(partition, number, (const uint64_t[]){ a, b, c, d, e }, false);
}

static void take(unsigned int partition, uint64_t device, uint64_t label)
{
    int64_t answer;

    while ((answer = make(partition, BH_CALL_DEVICE_BIND, device, label, 0, 0, 0)) == BH_EAGAIN)
        host_advance(machine.x[1]);
    assert_int_equal(answer, BH_OK);
}

static uint64_t space(unsigned int partition, uint64_t device)
{
    int64_t answer = make(partition, BH_CALL_IOAS_ALLOC_PAGING, device, BH_IOAS_NONE, 0, 0, 0);

    assert_true(answer > 0);
    return (uint64_t)answer;
}

/* A copy, two maps and two unmaps, each as it should be. */
static void write_structures(void)
{
    const struct bh_ioas_copy copy = { .size = sizeof(copy),
                                       .from = (uint32_t)id.full,
                                       .to = (uint32_t)id.full,
                                       .from_iova = IOVA,
                                       .to_iova = 0x100000,
                                       .bytes = 0x3000,
                                       .flags = 1 };
    const struct bh_map maps[] = { { 0x20000, SPARE, 0x1000, 3 },
                                   { 0x30000, SPARE + 0x2000, 0x2000, 1 } };
    const struct bh_unmap unmaps[] = { { IOVA, 0x1000 }, { IOVA + 0x2000, 0x1000 } };

    memcpy(guest(CALLER, COPY), &copy, sizeof(copy));
    memcpy(guest(CALLER, MAPS), maps, sizeof(maps));
    memcpy(guest(CALLER, UNMAPS), unmaps, sizeof(unmaps));
}

void scene_begin(void)
{
    fuzz_calls_boot_without_messages();
    book_again();
    id.foreign = book.device[0].id;
    id.attached = book.device[2].id;
    id.bound = book.device[3].id;
    id.free = book.device[1].id;
    id.unlisted = book.device[4].id;
    id.clock = book.device[5].id;
    id.full = 1;
    id.empty = 2;
    write_structures();
}

void scene_own_things(void)
{
    take(OTHER, id.foreign, 1);
    id.strange = space(OTHER, id.foreign);
    take(CALLER, id.attached, 1);
    take(CALLER, id.bound, 2);
    id.gone = space(CALLER, id.attached);
    assert_int_equal(make(CALLER, BH_CALL_IOAS_FREE, id.gone, 0, 0, 0, 0), BH_OK);
    id.full = space(CALLER, id.attached);
    id.empty = space(CALLER, id.attached);
    assert_int_equal(make(CALLER, BH_CALL_IOAS_MAP, id.full, IOVA, BASE + 0x1000, 0x3000, 3),
                     BH_OK);
    assert_int_equal(make(CALLER, BH_CALL_IOAS_MAP, id.full, 0x400000, BASE, 0x200000, 1), BH_OK);
    assert_int_equal(make(CALLER, BH_CALL_ATTACH, id.attached, BH_PASID_NONE, id.full, 0, 0),
                     BH_OK);
    assert_int_equal(make(CALLER, BH_CALL_EVENT_RING, RING, 0, 0, 0, 0), BH_OK);
    write_structures();
}
