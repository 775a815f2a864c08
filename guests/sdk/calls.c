/* SPDX-License-Identifier: Apache-2.0 */
/* The conveniences of bulkhead.h: calls repeated until they are done, and names. */
#include "bulkhead.h"

#include "timer.h"

#define BIND_LIMIT_NS (10 * NS_PER_SECOND) /* a PCI function has 1 s after a reset, and a bridge */
#define BIND_WAIT_MIN_NS (10 * NS_PER_US)  /* where the hint is small or missing */
#define BIND_WAIT_MAX_NS NS_PER_SECOND

/* Between two steps of a reset. */
static void wait_for_step(uint64_t wait_ns)
{
    if (wait_ns < BIND_WAIT_MIN_NS)
        wait_ns = BIND_WAIT_MIN_NS;
    if (wait_ns > BIND_WAIT_MAX_NS)
        wait_ns = BIND_WAIT_MAX_NS;
    timer_sleep_ns(wait_ns);
}

int64_t bh_bind(uint32_t device, uint64_t label)
{
    uint64_t deadline = timer_now() + timer_ticks(BIND_LIMIT_NS);
    uint64_t wait_ns;
    int64_t status;

    while ((status = bh_device_bind(device, label, &wait_ns)) == BH_EAGAIN &&
           timer_now() < deadline)
        wait_for_step(wait_ns);
    return status;
}

int64_t bh_reset(uint32_t device)
{
    uint64_t deadline = timer_now() + timer_ticks(BIND_LIMIT_NS);
    uint64_t wait_ns;
    int64_t status;

    while ((status = bh_device_reset(device, &wait_ns)) == BH_EAGAIN && timer_now() < deadline)
        wait_for_step(wait_ns);
    return status;
}

int64_t bh_map(uint32_t ioas, uint64_t iova, uint64_t address, uint64_t size, uint64_t flags,
               uint64_t *done)
{
    uint64_t total = 0, step;
    int64_t status;

    do {
        status = bh_ioas_map(ioas, iova + total, address + total, size - total, flags, &step);
        if (status == BH_OK || status == BH_EAGAIN)
            total += step;
    } while (status == BH_EAGAIN && step != 0);
    if (done)
        *done = total;
    return status;
}

int64_t bh_unmap(uint32_t ioas, uint64_t iova, uint64_t size, uint64_t *unmapped)
{
    uint64_t total = 0, removed = 0, step, part;
    int64_t status;

    do {
        status = bh_ioas_unmap(ioas, iova + total, size - total, &step, &part);
        if (status == BH_OK || status == BH_EAGAIN) {
            total += step;
            removed += part;
        }
    } while (status == BH_EAGAIN && step != 0);
    if (unmapped)
        *unmapped = removed;
    return status;
}

int64_t bh_print(const void *bytes, size_t length)
{
    const unsigned char *next = bytes;

    while (length > 0) {
        size_t chunk = length < BH_CONSOLE_BYTES_PER_CALL ? length : BH_CONSOLE_BYTES_PER_CALL;
        uint64_t taken;
        int64_t status = bh_console_write(next, chunk, &taken);

        if (status != BH_OK)
            return status;
        if (taken == 0 || taken > chunk)
            return BH_EINVAL;
        next += taken;
        length -= (size_t)taken;
    }
    return BH_OK;
}

const char *bh_error_name(int64_t status)
{
    static const char *const names[] = {
        [-BH_OK] = "BH_OK",         [-BH_NOT_SUPPORTED] = "BH_NOT_SUPPORTED",
        [-BH_ENOENT] = "BH_ENOENT", [-BH_EPERM] = "BH_EPERM",
        [-BH_EBUSY] = "BH_EBUSY",   [-BH_EINVAL] = "BH_EINVAL",
        [-BH_EEXIST] = "BH_EEXIST", [-BH_ERANGE] = "BH_ERANGE",
        [-BH_ENOSPC] = "BH_ENOSPC", [-BH_EOPNOTSUPP] = "BH_EOPNOTSUPP",
        [-BH_EAGAIN] = "BH_EAGAIN", [-BH_ETIMEDOUT] = "BH_ETIMEDOUT",
        [-BH_EFAULT] = "BH_EFAULT",
    };

    if (status >= 0)
        return names[-BH_OK];
    if (status <= -(int64_t)(sizeof(names) / sizeof(names[0])))
        return "an unknown error";
    return names[-status];
}

const char *bh_cause_name(uint32_t cause)
{
    static const char *const names[] = {
        [BH_CAUSE_NONE] = "none",
        [BH_CAUSE_TRANSLATION] = "translation",
        [BH_CAUSE_PERMISSION] = "permission",
        [BH_CAUSE_ADDRESS_SIZE] = "address-size",
        [BH_CAUSE_ACCESS_FLAG] = "access-flag",
        [BH_CAUSE_STREAM] = "stream",
        [BH_CAUSE_TABLE] = "table",
        [BH_CAUSE_OTHER] = "other",
    };

    return cause < sizeof(names) / sizeof(names[0]) ? names[cause] : "an unknown cause";
}
