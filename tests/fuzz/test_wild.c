/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Wild guests, exhaustively: every call, each argument in turn and each two of them, set to everything that
 * a guest could put there, by callers of both widths. The book (book.h) says what the ABI allows; a call that
 * is refused changes nothing, a call that is not writes what its text says and no byte beside it.
 */
#include <string.h>

#include "arch/arm64/call.h"
#include "tests/adversary/hardware.h"
#include "tests/fuzz/book.h"
#include "tests/fuzz/fuzz.h"
#include "tests/fuzz/scene.h"
#include "tests/unit/groups.h"

#define ROOM 256 /* that the caller says its structure has */
#define VALUES 192
#define FEW 24
#define PATTERN 0xA5

#define SEEN(status) (UINT32_C(1) << -(status))

/* ---- What is put into an argument -------------------------------------------------------------------------- */

struct values {
    unsigned int count;
    uint64_t value[VALUES];
};

static void add(struct values *values, uint64_t value)
{
    assert_true(values->count < VALUES);
    values->value[values->count++] = value;
}

#define ADD(values, ...)                                                                           \
    for (unsigned int n_ = 0; n_ < ARRAY_LENGTH(((const uint64_t[]){ __VA_ARGS__ })); n_++)        \
    add(values, (const uint64_t[]){ __VA_ARGS__ }[n_])

/* Names of things: of every kind in the place of every other, of others, of nobody, and too long. */
static void add_ids(struct values *values)
{
    for (unsigned int i = 0; i < book.device_count; i++)
        add(values, book.device[i].id);
    ADD(values, id.full, id.empty, id.gone, id.strange, id.full | BIT(32), id.attached | BIT(32),
        id.attached | BIT(63), id.attached + 1, DEVICE_ID_PCI, DEVICE_ID_PCI | 0x8, 0xFFFFFFFE,
        0xFFFFFFFF, UINT64_C(0x1FFFFFFFF), UINT64_MAX);
}

/* Pointers: to memory of nobody and of others, registers, the program itself; askew, across an end, around. */
static void add_addresses(struct values *values)
{
    const struct book_guest *own = &book.guest[CALLER], *other = &book.guest[OTHER];
    uint64_t image = (uint64_t)(uintptr_t)&partitions, bar = book.device[2].bar[0].address;

    ADD(values, 0, 8, 0x1000, BASE - PAGE_SIZE, BASE - 8, BASE - 1, BASE, RING, SPARE, STRUCTURE);
    for (uint64_t askew = 1; askew < 8; askew++)
        add(values, STRUCTURE + askew);
    ADD(values, BASE + VISIBLE - PAGE_SIZE, BASE + VISIBLE - ROOM, BASE + VISIBLE - 16,
        BASE + VISIBLE - 8, BASE + VISIBLE - 4, BASE + VISIBLE - 1, BASE + VISIBLE,
        BASE + 0x400000 - 8, BASE + 0x400000, own->physical, own->physical + VISIBLE,
        other->physical, other->physical + VISIBLE, image, align_down(image, PAGE_SIZE),
        HOST_MEMORY_BASE + HOST_MEMORY_SIZE, bar, UNIT_BASE, SERIAL_BASE, ECAM_BASE,
        STRUCTURE | BIT(39), STRUCTURE | BIT(48), STRUCTURE | BIT(52), STRUCTURE | BIT(63),
        UINT64_MAX - 7, UINT64_MAX - ROOM + 1, UINT64_MAX - PAGE_SIZE + 1);
}

static void add_sizes(struct values *values)
{
    ADD(values, 1, 2, 3, 4, 5, 7, 255, 256, 257, 4095, 4097, 0x2000, 0x3000, 0x4000, 0x200000,
        0x201000, VISIBLE, VISIBLE + PAGE_SIZE, 0x400000, book.input_limit - PAGE_SIZE,
        book.input_limit, book.input_limit + PAGE_SIZE, UINT64_C(0) - BASE, UINT64_C(0) - IOVA,
        BIT(31), BIT(32), BIT(63), UINT64_MAX - 0xFFF, UINT64_MAX - 0x1FFF, IOVA, IOVA + 0x1000,
        IOVA + 0x2FFF, 0x400000 + PAGE_SIZE, BH_CALL_LIMIT - 1, BH_CALL_LIMIT);
}

/* What it should be with each bit turned over, one more and one less; and everything above. */
static void values_beside(struct values *values, uint64_t right)
{
    values->count = 0;
    for (unsigned int bit = 0; bit < 64; bit++)
        add(values, right ^ BIT(bit));
    ADD(values, right, right + 1, right - 1, right + 8, right + PAGE_SIZE, UINT64_C(0) - right,
        ~right);
    add_ids(values);
    add_addresses(values);
    add_sizes(values);
}

/* For two arguments at once. */
static void few_values(struct values *values, uint64_t right)
{
    values->count = 0;
    ADD(values, right, right + 1, right ^ BIT(32), right + PAGE_SIZE, 0, 1, 3, 7, PAGE_SIZE,
        0x200000, BASE, STRUCTURE, BASE + VISIBLE - 8, BASE + VISIBLE, id.attached, id.full,
        id.strange, IOVA, book.input_limit - PAGE_SIZE, BIT(63), UINT64_MAX, UINT64_MAX - 0xFFF,
        UINT64_MAX - 7, 0xFFFFFFFF);
    assert_int_equal(values->count, FEW);
}

/* ---- A call ------------------------------------------------------------------------------------------------- */

#define WATCHED 7
static const uint64_t watched[WATCHED] = { 0,        0x1000,      0x20F000,           0x210000,
                                           0x211000, RING - BASE, VISIBLE - PAGE_SIZE };
static uint8_t kept_page[BOOK_GUESTS][WATCHED][PAGE_SIZE];
static struct book kept_book;
static uint64_t kept_state;
static uint32_t seen[BH_CALL_LIMIT];
static unsigned int calls_made;

/* Everything as it is now, and a structure of that size at the address: each call starts from here. */
static void keep(uint64_t structure, uint64_t size)
{
    for (unsigned int partition = 0; partition < BOOK_GUESTS; partition++) {
        memset(guest(partition, BASE + 0x20F000), PATTERN, 3 * PAGE_SIZE);
        memset(guest(partition, BASE + VISIBLE - PAGE_SIZE), PATTERN, PAGE_SIZE);
    }
    memcpy(guest(CALLER, structure), &size, sizeof(size));
    for (unsigned int partition = 0; partition < BOOK_GUESTS; partition++) {
        for (unsigned int i = 0; i < WATCHED; i++)
            memcpy(kept_page[partition][i], guest(partition, BASE + watched[i]), PAGE_SIZE);
    }
    kept_book = book;
    machine_snapshot_take();
    kept_state = machine_state();
}

/* The bytes that the call may have written. */
static uint64_t may_write(uint64_t number, const uint64_t *x, uint64_t *bytes)
{
    switch (number) {
    case BH_CALL_PARTITION_INFO:
        *bytes = sizeof(struct bh_partition_info);
        return x[0];
    case BH_CALL_DEVICE_INFO:
        *bytes = sizeof(struct bh_device_info);
        return x[1];
    case BH_CALL_QUERY:
        *bytes = query_bytes(x[0]);
        return x[1];
    case BH_CALL_IOAS_RANGES:
        *bytes = sizeof(struct bh_ioas_ranges);
        return x[1];
    case BH_CALL_EVENT_RING:
        *bytes = offsetof(struct bh_event_ring, record);
        return x[0];
    case BH_CALL_DEVICE_GIVE: /* the event */
        *bytes = BH_EVENT_RING_BYTES;
        return RING;
    default:
        *bytes = 0;
        return 0;
    }
}

static void compare_memory(uint64_t number, const uint64_t *x, bool refused)
{
    uint64_t bytes = 0, from = refused ? 0 : may_write(number, x, &bytes);

    for (unsigned int partition = 0; partition < BOOK_GUESTS; partition++) {
        for (unsigned int i = 0; i < WATCHED; i++) {
            const uint8_t *now = guest(partition, BASE + watched[i]);

            if (memcmp(now, kept_page[partition][i], PAGE_SIZE) == 0)
                continue;
            for (uint64_t at = 0; at < PAGE_SIZE; at++) {
                uint64_t address = BASE + watched[i] + at;

                if (now[at] != kept_page[partition][i][at] &&
                    (partition != CALLER || address - from >= bytes))
                    fail_msg("call %llu (0x%llx, 0x%llx, 0x%llx) changed the byte at 0x%llx of "
                             "partition %u",
                             (unsigned long long)number, (unsigned long long)x[0],
                             (unsigned long long)x[1], (unsigned long long)x[2],
                             (unsigned long long)address, partition);
            }
        }
    }
}

/* The call from where everything was kept; whatever comes of it is put back. In slower builds one of a few. */
static void try(uint64_t number, const uint64_t *arguments)
{
    static unsigned int turn;
    uint64_t x[ARGUMENTS];

    if (turn++ % CAMPAIGN_DIVISOR != 0)
        return;
    for (unsigned int i = 0; i < ARGUMENTS; i++)
        x[i] = guest_width == GUEST_AARCH32 ? (uint32_t)arguments[i] : arguments[i];
    int64_t answer = book_call(CALLER, number, x, false);
    bool returned = machine.end == HOST_RETURNED;
    bool refused = returned && answer < 0 && answer != BH_EAGAIN;

    calls_made++;
    if (returned && answer < 0)
        seen[number] |= SEEN(answer);
    /* A partition that ends or starts afresh keeps nothing. */
    if (returned)
        compare_memory(number, x, refused);
    if (refused && machine_state() == kept_state)
        return;
    if (refused)
        fail_msg("call %llu (0x%llx, 0x%llx, 0x%llx, 0x%llx, 0x%llx) was refused with %lld and "
                 "changed something",
                 (unsigned long long)number, (unsigned long long)x[0], (unsigned long long)x[1],
                 (unsigned long long)x[2], (unsigned long long)x[3], (unsigned long long)x[4],
                 (long long)answer);
    machine_snapshot_restore();
    book = kept_book;
}

/* ---- All of them --------------------------------------------------------------------------------------------- */

struct right {
    uint64_t number, x[ARGUMENTS];
    unsigned int arguments;
    /* Every error but those of shortage and of dead hardware (test_shortage.c, test_refusals.c). */
    uint32_t documented;
};

static unsigned int right_calls(struct right *right)
{
    const uint32_t none = SEEN(BH_ENOENT), bad = SEEN(BH_EINVAL), fault = SEEN(BH_EFAULT);
    /* No 32-bit range ends beyond the aperture of this unit. */
    const uint32_t beyond = guest_width == GUEST_AARCH32 ? 0 : SEEN(BH_ERANGE);
    const uint32_t owner = SEEN(BH_EPERM), busy = SEEN(BH_EBUSY), unable = SEEN(BH_EOPNOTSUPP);
    const struct right all[] = {
        { BH_CALL_VERSION, { 0 }, 0, 0 },
        { BH_CALL_FEATURES, { 3 }, 1, SEEN(BH_NOT_SUPPORTED) },
        { BH_CALL_PARTITION_INFO, { STRUCTURE }, 1, fault | bad },
        { BH_CALL_DEVICE_INFO, { 0, STRUCTURE }, 2, none | fault | bad },
        { BH_CALL_DEVICE_BIND,
          { id.clock, 77 },
          2,
          none | owner | busy | SEEN(BH_EEXIST) | SEEN(BH_EAGAIN) },
        { BH_CALL_DEVICE_UNBIND, { id.bound }, 1, none | owner | busy },
        { BH_CALL_DEVICE_RESET, { id.attached }, 1, none | owner | unable | SEEN(BH_EAGAIN) },
        { BH_CALL_DEVICE_CONFIG_READ, { id.bound, 16, 4 }, 3, none | owner | bad | unable },
        { BH_CALL_DEVICE_CONFIG_WRITE, { id.bound, 4, 2, 6 }, 4, none | owner | bad | unable },
        { BH_CALL_MSI_BIND, { id.attached, 0, BH_MESSAGE_FIRST, 0 }, 4, none | owner | unable },
        { BH_CALL_YIELD, { 0 }, 0, 0 },
        { BH_CALL_IOAS_ALLOC_PAGING, { id.attached, 0 }, 2, none | owner | unable },
        { BH_CALL_IOAS_FREE, { id.empty }, 1, none | busy },
        { BH_CALL_IOAS_MAP,
          { id.full, 0x20000, SPARE, 0x3000, 3 },
          5,
          none | bad | SEEN(BH_ERANGE) | SEEN(BH_EEXIST) | SEEN(BH_EAGAIN) },
        { BH_CALL_IOAS_UNMAP, { id.full, IOVA, 0x3000 }, 3, none | bad | beyond | SEEN(BH_EAGAIN) },
        { BH_CALL_IOAS_REMAP,
          { id.full, IOVA, SPARE, 0x3000, 3 },
          5,
          none | bad | SEEN(BH_ERANGE) },
        { BH_CALL_IOAS_UNMAP_ALL,
          { id.full, 0, 0 },
          3,
          none | bad | SEEN(BH_ERANGE) | SEEN(BH_EAGAIN) },
        { BH_CALL_IOAS_COPY, { COPY }, 1, none | bad | fault },
        { BH_CALL_IOAS_MAP_BATCH, { id.full, MAPS, 2 }, 3, none | bad | fault | SEEN(BH_EAGAIN) },
        { BH_CALL_IOAS_UNMAP_BATCH,
          { id.full, UNMAPS, 2 },
          3,
          none | bad | fault | SEEN(BH_EAGAIN) },
        { BH_CALL_ATTACH,
          { id.bound, BH_PASID_NONE, id.full },
          3,
          none | owner | bad | unable | busy },
        { BH_CALL_DETACH, { id.attached, BH_PASID_NONE }, 2, none | owner | bad | unable },
        { BH_CALL_QUERY, { BH_QUERY_STATE, STRUCTURE, id.attached }, 3, bad | none | fault },
        { BH_CALL_QUERY, { BH_QUERY_FAULT, STRUCTURE, id.attached }, 3, bad | none | fault },
        { BH_CALL_QUERY, { BH_QUERY_POOL, STRUCTURE }, 3, bad | none | fault },
        { BH_CALL_QUERY, { BH_QUERY_HEALTH, STRUCTURE }, 3, bad | none | fault },
        { BH_CALL_QUERY, { BH_QUERY_COUNTERS, STRUCTURE }, 3, bad | none | fault },
        { BH_CALL_QUERY, { BH_QUERY_DIGEST, STRUCTURE }, 3, bad | none | fault },
        { BH_CALL_QUERY, { BH_QUERY_ATTACHMENT, STRUCTURE, 0 }, 3, bad | none | fault },
        { BH_CALL_QUERY, { BH_QUERY_PARTITION, STRUCTURE, OTHER }, 3, bad | none | fault },
        { BH_CALL_QUERY, { BH_QUERY_CALLS, STRUCTURE, OTHER }, 3, bad | none | fault },
        { BH_CALL_PARTITION_CONTROL,
          { OTHER, BH_PARTITION_STOP },
          2,
          none | bad | SEEN(BH_EEXIST) },
        { BH_CALL_DEVICE_GIVE, { id.free, CALLER }, 2, none | SEEN(BH_EAGAIN) },
        { BH_CALL_IOAS_RANGES, { id.full, STRUCTURE }, 2, bad | none | fault },
        /* Registers that the attached devices reach past their unit lie below 4 GiB. */
        { BH_CALL_IOAS_RESERVE, { id.full, IOVA, 0x3000 }, 3, none | bad | SEEN(BH_ERANGE) },
        { BH_CALL_REPLACE,
          { id.attached, BH_PASID_NONE, id.empty },
          3,
          none | owner | bad | unable },
        { BH_CALL_CONSOLE_WRITE, { STRUCTURE, 16 }, 2, bad | fault },
        { BH_CALL_POWER, { BH_POWER_OFF, 7 }, 2, bad },
        { BH_CALL_POWER, { BH_POWER_RESET, 0 }, 2, bad },
        { BH_CALL_EVENT_RING, { RING }, 1, fault | SEEN(BH_EEXIST) | none },
        { BH_CALL_EVENT_RING, { 0 }, 1, fault | SEEN(BH_EEXIST) | none },
        { BH_CALL_CONSOLE_READ, { STRUCTURE, 16 }, 2, bad | fault },
    };

    memcpy(right, all, sizeof(all));
    return ARRAY_LENGTH(all);
}

#define RIGHT_LIMIT 48
static struct right right[RIGHT_LIMIT];

/* Each argument in turn, those too that the call does not have. */
static void one_wrong(const struct right *call)
{
    static struct values values;

    for (unsigned int i = 0; i < ARGUMENTS; i++) {
        values_beside(&values, call->x[i]);
        for (unsigned int n = 0; n < values.count; n++) {
            uint64_t x[ARGUMENTS];

            memcpy(x, call->x, sizeof(x));
            x[i] = values.value[n];
            try(call->number, x);
        }
    }
}

static void two_wrong(const struct right *call)
{
    static struct values first, second;

    for (unsigned int i = 0; i < call->arguments; i++) {
        for (unsigned int k = i + 1; k < call->arguments; k++) {
            few_values(&first, call->x[i]);
            few_values(&second, call->x[k]);
            for (unsigned int n = 0; n < FEW * FEW; n++) {
                uint64_t x[ARGUMENTS];

                memcpy(x, call->x, sizeof(x));
                x[i] = first.value[n / FEW];
                x[k] = second.value[n % FEW];
                try(call->number, x);
            }
        }
    }
}

static void every_call_with(void (*wrong)(const struct right *call))
{
    unsigned int count = right_calls(right);

    keep(STRUCTURE, ROOM);
    for (unsigned int i = 0; i < count; i++)
        wrong(&right[i]);
}

/* That the errors of docs/abi.md were met, and no other; of a part of the calls, that no other was. */
static void expect_documented_errors(void)
{
    unsigned int count = right_calls(right);

    for (unsigned int i = 0; i < count; i++) {
        uint32_t met = seen[right[i].number];

        if ((met & ~right[i].documented) != 0 ||
            (CAMPAIGN_DIVISOR == 1 && met != right[i].documented))
            fail_msg("call %llu: errors met 0x%x, documented 0x%x (bit n: -n)",
                     (unsigned long long)right[i].number, met, right[i].documented);
    }
}

static void every_wrong_argument(enum guest_width width)
{
    scene_begin();
    guest_width = width;
    every_call_with(one_wrong);
    scene_own_things();
    every_call_with(one_wrong);
    expect_documented_errors();
    assert_true(calls_made > campaign(30000));
}

static void i10_every_wrong_argument_of_every_call_has_its_documented_answer(void)
{
    every_wrong_argument(GUEST_AARCH64);
}

static void i10_every_wrong_argument_of_a_32_bit_caller_has_its_documented_answer(void)
{
    every_wrong_argument(GUEST_AARCH32);
}

static void i10_every_two_wrong_arguments_have_one_of_their_documented_answers(void)
{
    scene_begin();
    scene_own_things();
    every_call_with(two_wrong);
    guest_width = GUEST_AARCH32;
    every_call_with(two_wrong);
    assert_true(calls_made > campaign(20000));
}

/* ---- Structures ---------------------------------------------------------------------------------------------- */

/* The structure says that size, and has room for it or has not; all its other bytes are ones and twos. */
static void structure_of(const struct right *call, unsigned int position, uint64_t address,
                         uint64_t size)
{
    uint64_t x[ARGUMENTS];

    memcpy(x, call->x, sizeof(x));
    x[position] = address;
    keep(address, size);
    try(call->number, x);
}

static void every_size_of(const struct right *call, unsigned int position)
{
    uint64_t need = 0;
    const uint64_t end = BASE + VISIBLE;

    may_write(call->number, call->x, &need);
    const uint64_t sizes[] = { 0,
                               1,
                               7,
                               8,
                               9,
                               need - 8,
                               need - 1,
                               need,
                               need + 1,
                               need + 8,
                               PAGE_SIZE,
                               VISIBLE,
                               BIT(31),
                               BIT(32),
                               BIT(32) | need,
                               BIT(63),
                               UINT64_MAX,
                               need << 32,
                               BIT(63) | need };
    const uint64_t addresses[] = { STRUCTURE, STRUCTURE + 0x1000 - 8, BASE,      end - 8,
                                   end - 16,  end - need + 8,         end - need };

    for (unsigned int i = 0; i < ARRAY_LENGTH(addresses); i++) {
        for (unsigned int n = 0; n < ARRAY_LENGTH(sizes); n++)
            structure_of(call, position, addresses[i], sizes[n]);
    }
}

static void i10_every_size_of_a_structure_wherever_it_lies_has_its_documented_answer(void)
{
    scene_begin();
    scene_own_things();
    unsigned int count = right_calls(right);

    for (unsigned int i = 0; i < 2 * count; i++) {
        const struct right *call = &right[i / 2];

        guest_width = i % 2 == 0 ? GUEST_AARCH64 : GUEST_AARCH32;
        if (call->number == BH_CALL_PARTITION_INFO)
            every_size_of(call, 0);
        else if (call->number == BH_CALL_DEVICE_INFO || call->number == BH_CALL_QUERY)
            every_size_of(call, 1);
    }
    assert_true(calls_made > campaign(1500));
    assert_int_equal(seen[BH_CALL_PARTITION_INFO], SEEN(BH_EFAULT) | SEEN(BH_EINVAL));
}

int run_wild_tests(void)
{
    const struct CMUnitTest tests[] = {
        TEST(i10_every_wrong_argument_of_every_call_has_its_documented_answer),
        TEST(i10_every_wrong_argument_of_a_32_bit_caller_has_its_documented_answer),
        TEST(i10_every_two_wrong_arguments_have_one_of_their_documented_answers),
        TEST(i10_every_size_of_a_structure_wherever_it_lies_has_its_documented_answer),
    };

    return RUN_GROUP("wild guests");
}
