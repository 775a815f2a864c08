/* SPDX-License-Identifier: Apache-2.0 */
/* See book.h. This file: the calls about neither devices nor spaces, and a call as a whole. */
#include "tests/fuzz/book.h"

#include <stdio.h>
#include <string.h>

#include "tests/fuzz/changes.h"

struct book book;

const void *book_memory(unsigned int partition, uint64_t address)
{
    return guest(partition, address);
}

struct book_device *book_device(unsigned int guest, uint64_t id)
{
    const struct book_guest *g = &book.guest[guest];
    bool listed = false;

    for (unsigned int i = 0; i < g->device_count; i++)
        listed = listed || g->device[i] == id;
    for (unsigned int i = 0; listed && i < book.device_count; i++) {
        if (book.device[i].id == id)
            return &book.device[i];
    }
    return NULL;
}

struct book_space *book_space(unsigned int guest, uint64_t id)
{
    for (unsigned int i = 0; i < PARTITION_IOAS; i++) {
        if (book.guest[guest].space[i].live && book.guest[guest].space[i].id == id)
            return &book.guest[guest].space[i];
    }
    return NULL;
}

static unsigned int pages_used(unsigned int guest)
{
    const struct book_guest *g = &book.guest[guest];
    unsigned int pages = leaves_pages(&g->cpu);

    for (unsigned int i = 0; i < PARTITION_IOAS; i++)
        pages += g->space[i].live ? messages_pages_of(&g->space[i]) : 0;
    return pages;
}

unsigned int book_pages_free(unsigned int guest)
{
    return machine.partition[guest].pool_pages - pages_used(guest);
}

bool book_range_is_whole(uint64_t from, uint64_t size)
{
    return size != 0 && ((from | size) & (PAGE_SIZE - 1)) == 0 && from + (size - 1) >= from;
}

bool book_own_memory(unsigned int guest, uint64_t address, uint64_t size)
{
    const struct book_guest *g = &book.guest[guest];

    return size != 0 && address >= g->base && address - g->base < g->visible &&
           size <= g->visible - (address - g->base);
}

/* ---- What may be answered -------------------------------------------------------------------------------- */

uint32_t book_causes_of_structure(unsigned int guest, uint64_t address, uint64_t size,
                                  uint64_t first)
{
    uint64_t room;

    if ((address & 7) != 0 || !book_own_memory(guest, address, sizeof(room)))
        return ALLOWED(BH_EFAULT);
    memcpy(&room, book_memory(guest, address), sizeof(room));
    if (room < first)
        return ALLOWED(BH_EINVAL);
    return book_own_memory(guest, address, room < size ? room : size) ? 0 : ALLOWED(BH_EFAULT);
}

static unsigned int attachments_of(unsigned int guest)
{
    unsigned int attached = 0;

    for (unsigned int i = 0; i < PARTITION_IOAS; i++) {
        if (book.guest[guest].space[i].live)
            attached += book.guest[guest].space[i].attached;
    }
    return attached;
}

static uint32_t causes_of_query(unsigned int guest, const uint64_t *x)
{
    uint64_t size = query_bytes(x[1]);

    if (x[1] == BH_QUERY_WINDOW)
        return ALLOWED(BH_ENOENT); /* the book's guests have no window */
    bool of_partition = x[1] == BH_QUERY_PARTITION ||
                        (x[1] == BH_QUERY_CALLS && x[3] != BH_PARTITION_SELF);

    if (of_partition && guest != BOOK_MANAGER)
        return ALLOWED(BH_EPERM);
    if (of_partition && x[3] >= BOOK_GUESTS)
        return ALLOWED(BH_ENOENT);
    if (size == 0)
        return ALLOWED(BH_EINVAL);
    bool of_device = x[1] == BH_QUERY_STATE || x[1] == BH_QUERY_FAULT;

    if (x[1] == BH_QUERY_ATTACHMENT && x[3] >= attachments_of(guest))
        return ALLOWED(BH_ENOENT);
    return (of_device && book_device(guest, x[3]) == NULL ? ALLOWED(BH_ENOENT) : 0) |
           book_causes_of_structure(guest, x[2], size,
                                    x[1] == BH_QUERY_DIGEST ? BH_QUERY_DIGEST_FIRST_BYTES : size);
}

static uint32_t causes_of_ring(unsigned int guest, uint64_t address)
{
    uint64_t ring = book.guest[guest].ring;
    uint32_t causes = 0;

    if (address == 0)
        return ring == 0 ? ALLOWED(BH_ENOENT) : 0;
    if ((address & (BH_EVENT_RING_BYTES - 1)) != 0 ||
        !book_own_memory(guest, address, BH_EVENT_RING_BYTES))
        causes |= ALLOWED(BH_EFAULT);
    return causes | (ring != 0 ? ALLOWED(BH_EEXIST) : 0);
}

/* The errors that the ABI allows; 0: the call must not be refused. */
static uint32_t causes_of(unsigned int guest, const uint64_t *x)
{
    if (changes_has(x[0]))
        return changes_causes(guest, x);
    if (owners_has(x[0]))
        return owners_causes(guest, x);
    if (spaces_has(x[0]))
        return spaces_causes(guest, x);
    switch (x[0]) {
    case BH_CALL_FEATURES:
        return x[1] < BH_CALL_LIMIT ? 0 : ALLOWED(BH_NOT_SUPPORTED);
    case BH_CALL_PARTITION_INFO:
        return book_causes_of_structure(guest, x[1], sizeof(struct bh_partition_info), 88);
    case BH_CALL_DEVICE_INFO:
        return (x[1] >= book.guest[guest].device_count ? ALLOWED(BH_ENOENT) : 0) |
               book_causes_of_structure(guest, x[2], sizeof(struct bh_device_info), 200);
    case BH_CALL_QUERY:
        return causes_of_query(guest, x);
    case BH_CALL_CONSOLE_WRITE:
    case BH_CALL_CONSOLE_READ:
        if (x[2] == 0 || x[2] > BH_CONSOLE_BYTES_PER_CALL)
            return ALLOWED(BH_EINVAL);
        return book_own_memory(guest, x[1], x[2]) ? 0 : ALLOWED(BH_EFAULT);
    case BH_CALL_EVENT_RING:
        return causes_of_ring(guest, x[1]);
    case BH_CALL_NOTIFY:
        return ALLOWED(BH_ENOENT); /* the book's guests have no window */
    case BH_CALL_POWER:
        return x[1] > BH_POWER_RESET || x[2] > UINT8_MAX ? ALLOWED(BH_EINVAL) : 0;
    default:
        return 0;
    }
}

/* ---- What follows from the answer ------------------------------------------------------------------------ */

static void unexpected(unsigned int guest, const uint64_t *x, int64_t answer, uint32_t causes)
{
    char list[80] = "";

    for (int error = 1; error <= -BH_EFAULT; error++) {
        if ((causes & (UINT32_C(1) << error)) != 0)
            snprintf(list + strlen(list), sizeof(list) - strlen(list), " %d", -error);
    }
    fail_msg("call %llu of partition %u (0x%llx, 0x%llx, 0x%llx, 0x%llx, 0x%llx) answered %lld; "
             "by the ABI:%s",
             (unsigned long long)x[0], guest, (unsigned long long)x[1], (unsigned long long)x[2],
             (unsigned long long)x[3], (unsigned long long)x[4], (unsigned long long)x[5],
             (long long)answer, causes == 0 ? " no error" : list);
}

static void enter(unsigned int guest, const uint64_t *x, int64_t answer)
{
    if (changes_has(x[0]))
        changes_enter(guest, x, answer);
    else if (owners_has(x[0]))
        owners_enter(guest, x, answer);
    else if (spaces_has(x[0]))
        spaces_enter(guest, x, answer);
    else
        EXPECT(answer == (x[0] == BH_CALL_VERSION ? BH_ABI_MAJOR << 16 | BH_ABI_MINOR : BH_OK));
    if (x[0] == BH_CALL_CONSOLE_WRITE)
        EXPECT(machine.x[1] == x[2]);
    else if (x[0] == BH_CALL_CONSOLE_READ)
        EXPECT(machine.x[1] == 0); /* nobody types */
    else if (x[0] == BH_CALL_EVENT_RING)
        book.guest[guest].ring = x[1];
}

/* ---- A call ---------------------------------------------------------------------------------------------- */

/* A refused bind gives up the reset that was under way. */
static bool gives_up(unsigned int guest, const uint64_t *x)
{
    const struct book_device *device = book_device(guest, x[1]);

    return x[0] == BH_CALL_DEVICE_BIND && device != NULL && device->resetting &&
           book.group[device->group].owner == (int)guest;
}

int64_t book_call(unsigned int guest, uint64_t number, const uint64_t a[5], bool thorough)
{
    const uint64_t x[6] = { number, a[0], a[1], a[2], a[3], a[4] };
    uint32_t causes = causes_of(guest, x);
    bool unsure = failures_leave_unsure(guest, x), given_up = gives_up(guest, x);
    uint64_t before = thorough && causes != 0 && !given_up ? machine_state() : 0;
    int64_t answer = call(guest, number, a[0], a[1], a[2], a[3], a[4]);

    if (machine.end != HOST_RETURNED) {
        if (number != BH_CALL_POWER || causes != 0)
            unexpected(guest, x, answer, causes);
        return BH_OK;
    }
    if (answer < BH_EFAULT)
        unexpected(guest, x, answer, causes);
    if (answer == BH_ETIMEDOUT && (book.failed || book.failing) &&
        failures_may_time_out(guest, x, causes)) {
        failures_enter(guest, x);
        return answer;
    }
    if (unsure) {
        /* From here on the book of this guest would guess: it stops. */
        book.guest[guest].off = true;
        book.guest[guest].lost = true;
        return answer;
    }
    if (causes == 0) {
        if (answer < 0 && answer != BH_EAGAIN && number != BH_CALL_DEVICE_BIND)
            unexpected(guest, x, answer, causes);
        enter(guest, x, answer);
        return answer;
    }
    if (answer >= 0 || (causes & ALLOWED(answer)) == 0)
        unexpected(guest, x, answer, causes);
    if (given_up)
        owners_give_up_reset(book_device(guest, x[1]));
    else if (before != 0 && machine_state() != before)
        fail_msg("call %llu was refused with %lld and changed something",
                 (unsigned long long)number, (long long)answer);
    return answer;
}
