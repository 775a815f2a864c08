/* SPDX-License-Identifier: Apache-2.0 */
/* See book_parts.h. This file: a unit that failed, or may. */
#include "tests/fuzz/changes.h"

void failures_enter(unsigned int guest, const uint64_t *x)
{
    struct book_device *device = book_device(guest, x[1]);
    struct book_space *space;
    bool failed_before = book.failed;

    book.failed = true;
    switch (x[0]) {
    case BH_CALL_DEVICE_BIND:
        if (device->resetting)
            owners_give_up_reset(device);
        return;
    case BH_CALL_DEVICE_UNBIND:
        owners_unbound(device);
        return;
    case BH_CALL_DEVICE_RESET:
        /* It was not begun, or is over: the unit is asked at both ends alone. */
        device->again = false;
        __attribute__((fallthrough));
    case BH_CALL_DETACH:
        book.guest[guest].pinned = true;
        spaces_detached(device);
        return;
    case BH_CALL_REPLACE: /* it had the tag, though the unit had failed before */
        book_space(guest, x[3])->tagged = true;
        book.guest[guest].pinned = true;
        spaces_detached(device);
        return;
    case BH_CALL_IOAS_UNMAP:
    case BH_CALL_IOAS_REMAP:
    case BH_CALL_IOAS_UNMAP_ALL:
    case BH_CALL_IOAS_UNMAP_BATCH:
        book.guest[guest].pinned = true;
        space = book_space(guest, x[1]);
        space->unsure = true;
        return;
    case BH_CALL_ATTACH: /* it had the tag by then */
        space = book_space(guest, x[3]);
        space->tagged = space->tagged || !failed_before;
        book.guest[guest].pinned = book.guest[guest].pinned || messages_bound(device);
        return;
    case BH_CALL_IOAS_FREE:
        return;
    case BH_CALL_DEVICE_GIVE:
        owners_withhold((unsigned int)x[2], book_device((unsigned int)x[2], x[1]));
        return;
    default:
        fail_msg("call %llu answered ETIMEDOUT, which it does not have", (unsigned long long)x[0]);
    }
}

bool failures_may_time_out(unsigned int guest, const uint64_t *x, uint32_t causes)
{
    const struct book_device *device = book_device(guest, x[1]);

    switch (x[0]) {
    case BH_CALL_DEVICE_BIND:
    case BH_CALL_ATTACH:
        return (causes & ~ALLOWED(BH_ETIMEDOUT)) == 0;
    case BH_CALL_DEVICE_GIVE:
        return (causes & ~(ALLOWED(BH_ETIMEDOUT) | ALLOWED(BH_EAGAIN))) == 0;
    case BH_CALL_DEVICE_UNBIND:
        return causes == 0 && device->dma;
    case BH_CALL_DEVICE_RESET:
        return causes == 0 && device->space != NULL;
    case BH_CALL_DETACH:
    case BH_CALL_REPLACE:
    case BH_CALL_IOAS_FREE:
    case BH_CALL_IOAS_UNMAP:
    case BH_CALL_IOAS_REMAP:
    case BH_CALL_IOAS_UNMAP_ALL:
    case BH_CALL_IOAS_UNMAP_BATCH:
        return causes == 0;
    default:
        return false;
    }
}

bool failures_leave_unsure(unsigned int guest, const uint64_t *x)
{
    const struct book_space *space = book_space(guest, x[1]);

    if (x[0] == BH_CALL_IOAS_COPY)
        return book.guest[guest].pinned;
    if (changes_has(x[0]) || x[0] == BH_CALL_IOAS_MAP || x[0] == BH_CALL_IOAS_UNMAP ||
        x[0] == BH_CALL_IOAS_FREE)
        return book.guest[guest].pinned || (space != NULL && space->unsure);
    return book.guest[guest].pinned &&
           (x[0] == BH_CALL_IOAS_ALLOC_PAGING || x[0] == BH_CALL_DEVICE_BIND);
}
