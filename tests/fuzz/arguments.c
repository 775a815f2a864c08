/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/fuzz/arguments.h"

#include "tests/adversary/hardware.h"
#include "tests/fuzz/fuzz.h"

static uint64_t salt;

unsigned int vary(unsigned int count)
{
    uint64_t base = random_next(&salt) % count;

    return (unsigned int)((base + guest_choice(count)) % count);
}

void choose_salt(void)
{
    unsigned int asked = fuzz_more == NULL ? 24 : 2;

    salt = 0;
    for (unsigned int i = 0; i < asked; i++)
        salt = salt * 259 + guest_choice(256);
}

uint64_t pick(const uint64_t *values, unsigned int count)
{
    return values[vary(count)];
}

uint64_t bend(uint64_t value)
{
    static const uint64_t other[] = { 0, 1, 7, 0xFFFFFFFF, UINT64_MAX, UINT64_C(1) << 63 };

    switch (guest_choice(128)) {
    default:
        return value;
    case 121:
        return value + 1;
    case 122:
        return value | UINT64_C(1) << 32;
    case 123:
        return UINT64_C(0) - value;
    case 124:
        return value ^ UINT64_C(1) << (guest_choice(64));
    case 125:
        return value + PICK(8, 0x800, 0x1000, 0x1FF000, UINT64_C(1) << 39, UINT64_C(1) << 48);
    case 126:
    case 127:
        return pick(other, ARRAY_LENGTH(other));
    }
}

uint64_t device_of(unsigned int partition, bool bound)
{
    unsigned int first = vary(BOOK_DEVICES);

    for (unsigned int i = 0; i < BOOK_DEVICES && vary(8) != 7; i++) {
        const struct book_device *device = &book.device[(first + i) % BOOK_DEVICES];
        int owner = book.group[device->group].owner;
        bool fits = bound ? device->bound == (int)partition
                          : device->bound == NOBODY && (owner == NOBODY || owner == (int)partition);

        if (fits)
            return bend(device->id);
    }
    return bend(book.device[first].id);
}

uint64_t some_device(void)
{
    return bend(book.device[vary(BOOK_DEVICES)].id);
}

struct book_space *space_of(unsigned int partition)
{
    unsigned int first = vary(4);

    for (unsigned int i = 0; i < PARTITION_IOAS && vary(16) != 15; i++) {
        struct book_space *space =
            &book.guest[partition].space[(first + PARTITION_IOAS - i) % PARTITION_IOAS];

        if (space->live)
            return space;
    }
    return &book.guest[partition].space[PARTITION_IOAS - 1 - first];
}

uint64_t some_space(unsigned int partition)
{
    return bend(space_of(partition)->id);
}

uint64_t some_iova(void)
{
    return PICK(0x10000, 0x11000, 0x200000, 0x1FF000, 0, 0x400000, 0x40000000, BH_DOORBELLS,
                BH_DOORBELLS - 0x1000, UINT64_C(0x7FC0000000), book.input_limit - 0x1000,
                book.input_limit - 0x200000);
}

uint64_t some_size(void)
{
    if (vary(8) == 7)
        return PICK(0x3A0000, 0x40000000, UINT64_C(0x8000000000), 0x203000);
    return PICK(0x1000, 0x3000, 0x2000, 0x200000, 0x201000, 0x100000);
}

uint64_t some_address(void)
{
    return BASE + PICK(0x1000, 0, 0x5000, 0x200000, 0x1FF000, 0x100000, 0x300000);
}
