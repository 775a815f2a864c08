/* SPDX-License-Identifier: Apache-2.0 */
/* See book_parts.h. This file: who has a device. */
#include "tests/fuzz/book_parts.h"

/* ---- What may be answered -------------------------------------------------------------------------------- */

static void add_registers(struct leaves *leaves, const struct book_device *device)
{
    for (unsigned int i = 0; i < BH_BAR_COUNT; i++) {
        if (device->bar[i].bytes != 0)
            leaves_add(leaves, device->bar[i].address, device->bar[i].address,
                       align_up(device->bar[i].bytes, PAGE_SIZE), 0, LEAVES_NO_BOUND);
    }
}

static bool registers_fit(unsigned int guest, const struct book_device *device)
{
    static struct leaves with;

    with = book.guest[guest].cpu;
    add_registers(&with, device);
    return leaves_pages(&with) - leaves_pages(&book.guest[guest].cpu) <= book_pages_free(guest);
}

static uint32_t causes_of_bind(unsigned int guest, const uint64_t *x)
{
    const struct book_device *device = book_device(guest, x[1]);
    uint32_t causes = 0;

    if (device == NULL)
        return ALLOWED(BH_ENOENT);
    if (book.group[device->group].owner != NOBODY && book.group[device->group].owner != (int)guest)
        causes |= ALLOWED(BH_EPERM);
    int reserved = book.group[device->group].reserved;

    if (reserved != NOBODY && reserved != (int)guest)
        causes |= ALLOWED(BH_EPERM);
    if (device->bound == (int)guest)
        causes |= ALLOWED(BH_EBUSY);
    for (unsigned int i = 0; i < book.device_count; i++) {
        if (book.device[i].bound == (int)guest && book.device[i].label == x[2])
            causes |= ALLOWED(BH_EEXIST);
    }
    if (book.failed && device->dma)
        causes |= ALLOWED(BH_ETIMEDOUT);
    return causes;
}

static uint32_t causes_of_unbind(unsigned int guest, const uint64_t *x)
{
    const struct book_device *device = book_device(guest, x[1]);

    if (device == NULL)
        return ALLOWED(BH_ENOENT);
    if (device->bound != (int)guest &&
        !(device->resetting && book.group[device->group].owner == (int)guest))
        return ALLOWED(BH_EPERM);
    return device->space != NULL ? ALLOWED(BH_EBUSY) : 0;
}

static uint32_t causes_of_reset(unsigned int guest, const uint64_t *x)
{
    const struct book_device *device = book_device(guest, x[1]);

    if (device == NULL)
        return ALLOWED(BH_ENOENT);
    return (device->bound != (int)guest ? ALLOWED(BH_EPERM) : 0) |
           (device->function < 0 ? ALLOWED(BH_EOPNOTSUPP) : 0);
}

static uint32_t causes_of_config(unsigned int guest, const uint64_t *x)
{
    const struct book_device *device = book_device(guest, x[1]);
    uint64_t offset = x[2], width = x[3], value = x[0] == BH_CALL_DEVICE_CONFIG_WRITE ? x[4] : 0;
    bool fits = (width == 1 || width == 2 || width == 4) && offset < 0x1000 &&
                offset % width == 0 && value >> width * 8 == 0;

    if (device == NULL)
        return ALLOWED(BH_ENOENT);
    return (device->bound != (int)guest ? ALLOWED(BH_EPERM) : 0) |
           (device->function < 0 ? ALLOWED(BH_EOPNOTSUPP) : 0) | (fits ? 0 : ALLOWED(BH_EINVAL)) |
           (device->again ? ALLOWED(BH_EBUSY) : 0);
}

static uint32_t causes_of_control(unsigned int guest, const uint64_t *x)
{
    uint32_t causes = 0;
    bool off;

    if (guest != BOOK_MANAGER)
        return ALLOWED(BH_EPERM);
    if (x[1] >= BOOK_GUESTS)
        causes |= ALLOWED(BH_ENOENT);
    if (x[1] == guest || x[2] > BH_PARTITION_RESTART)
        causes |= ALLOWED(BH_EINVAL);
    if (causes != 0)
        return causes;
    off = book.guest[x[1]].off;
    return x[2] == (off ? BH_PARTITION_STOP : BH_PARTITION_START) ? ALLOWED(BH_EEXIST) : 0;
}

static uint32_t causes_of_give(unsigned int guest, const uint64_t *x)
{
    if (guest != BOOK_MANAGER)
        return ALLOWED(BH_EPERM);
    const struct book_device *device = x[2] < BOOK_GUESTS ? book_device((unsigned int)x[2], x[1])
                                                          : NULL;

    if (device == NULL)
        return ALLOWED(BH_ENOENT);
    const struct book_group *group = &book.group[device->group];

    if (!book.failed || !device->dma || group->owner == (int)x[2])
        return 0;
    /* A later step of an order waits for the owner all the same. */
    return ALLOWED(BH_ETIMEDOUT) | (group->leaving && group->owner >= 0 ? ALLOWED(BH_EAGAIN) : 0);
}

bool owners_has(uint64_t number)
{
    switch (number) {
    case BH_CALL_DEVICE_BIND:
    case BH_CALL_DEVICE_UNBIND:
    case BH_CALL_DEVICE_RESET:
    case BH_CALL_DEVICE_CONFIG_READ:
    case BH_CALL_DEVICE_CONFIG_WRITE:
    case BH_CALL_MSI_BIND:
    case BH_CALL_PARTITION_CONTROL:
    case BH_CALL_DEVICE_GIVE:
        return true;
    default:
        return false;
    }
}

uint32_t owners_causes(unsigned int guest, const uint64_t *x)
{
    switch (x[0]) {
    case BH_CALL_DEVICE_BIND:
        return causes_of_bind(guest, x);
    case BH_CALL_DEVICE_UNBIND:
        return causes_of_unbind(guest, x);
    case BH_CALL_DEVICE_RESET:
        return causes_of_reset(guest, x);
    case BH_CALL_MSI_BIND:
        return messages_causes(guest, x);
    case BH_CALL_PARTITION_CONTROL:
        return causes_of_control(guest, x);
    case BH_CALL_DEVICE_GIVE:
        return causes_of_give(guest, x);
    default:
        return causes_of_config(guest, x);
    }
}

/* ---- What follows from the answer ------------------------------------------------------------------------ */

void owners_give_up_reset(struct book_device *device)
{
    struct book_group *group = &book.group[device->group];

    device->resetting = false;
    if (--group->count == 0)
        group->owner = NOBODY;
}

static void enter_bind(unsigned int guest, const uint64_t *x, int64_t answer)
{
    struct book_device *device = book_device(guest, x[1]);
    struct book_group *group = &book.group[device->group];
    bool pci = device->function >= 0;

    if (!device->resetting) {
        group->owner = (int)guest;
        group->count++;
    }
    if (pci && !device->resetting)
        EXPECT(answer == BH_EAGAIN);
    device->resetting = true;
    if (answer == BH_EAGAIN) {
        EXPECT(pci && machine.x[1] != 0);
        return;
    }
    if (!registers_fit(guest, device)) {
        EXPECT(answer == BH_ENOSPC);
        owners_give_up_reset(device);
        return;
    }
    EXPECT(answer == BH_OK);
    device->resetting = false;
    device->bound = (int)guest;
    device->last_bound = (int)guest;
    device->label = x[2];
    add_registers(&book.guest[guest].cpu, device);
}

void owners_unbound(struct book_device *device)
{
    struct book_group *group = &book.group[device->group];

    for (unsigned int i = 0; device->bound != NOBODY && i < BH_BAR_COUNT; i++)
        leaves_remove(&book.guest[device->bound].cpu, device->bar[i].address,
                      align_up(device->bar[i].bytes, PAGE_SIZE));
    messages_forget(device);
    device->bound = NOBODY;
    device->resetting = false;
    device->again = false;
    if (--group->count == 0)
        group->owner = NOBODY;
}

static void enter_reset(unsigned int guest, const uint64_t *x, int64_t answer)
{
    struct book_device *device = book_device(guest, x[1]);

    /* The first step is never the last. */
    EXPECT(answer == BH_EAGAIN || (answer == BH_OK && device->again));
    if (answer == BH_EAGAIN)
        EXPECT(machine.x[1] != 0);
    device->again = answer == BH_EAGAIN;
    messages_forget(device);
    device->held = answer == BH_EAGAIN && device->space != NULL;
}

static void enter_give(unsigned int guest, const uint64_t *x, int64_t answer)
{
    const struct book_device *device = book_device((unsigned int)x[2], x[1]);
    struct book_group *group = &book.group[device->group];
    bool pci = device->function >= 0;

    group->reserved = (int)x[2];
    if (group->owner == (int)x[2]) {
        EXPECT(answer == BH_OK);
        return;
    }
    EXPECT(answer == BH_OK || (answer == BH_EAGAIN && machine.x[1] != 0));
    if (group->owner >= 0) {
        EXPECT(answer == BH_EAGAIN);
        group->leaving = true;
        return;
    }
    /* The first step of a reset is never the last. */
    EXPECT(answer == (pci ? BH_EAGAIN : BH_OK) || group->owner == HYPERVISOR);
    group->leaving = false;
    group->owner = answer == BH_OK ? NOBODY : HYPERVISOR;
}

void owners_withhold(unsigned int to, const struct book_device *device)
{
    struct book_group *group = &book.group[device->group];

    /* An order that was not under way is refused, and another one stays as it is. */
    if (group->reserved != (int)to)
        return;
    if (group->owner == HYPERVISOR)
        group->owner = NOBODY;
    group->reserved = WITHHELD;
}

static void leave(struct book_device *device, unsigned int index)
{
    if (device->bound != (int)index && !device->resetting)
        return;
    if (device->space != NULL) {
        book.guest[index].pinned = book.guest[index].pinned || book.failing || book.failed;
        book.failed = book.failed || book.failing;
        spaces_detached(device);
    }
    owners_unbound(device);
}

void book_leave(unsigned int index)
{
    for (unsigned int i = 0; i < book.device_count; i++) {
        const struct book_group *group = &book.group[book.device[i].group];

        if (group->owner == (int)index && group->leaving && group->reserved != (int)index)
            leave(&book.device[i], index);
    }
}

void owners_enter(unsigned int guest, const uint64_t *x, int64_t answer)
{
    if (x[0] == BH_CALL_DEVICE_BIND) {
        enter_bind(guest, x, answer);
    } else if (x[0] == BH_CALL_DEVICE_RESET) {
        enter_reset(guest, x, answer);
    } else if (x[0] == BH_CALL_DEVICE_GIVE) {
        enter_give(guest, x, answer);
    } else {
        EXPECT(answer == BH_OK);
        if (x[0] == BH_CALL_DEVICE_UNBIND)
            owners_unbound(book_device(guest, x[1]));
        else if (x[0] == BH_CALL_MSI_BIND)
            messages_enter(guest, x);
    }
}
