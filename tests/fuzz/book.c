/* SPDX-License-Identifier: Apache-2.0 */
/* See book.h. This file: which answers the ABI allows, and what follows from the one that was given. */
#include "tests/fuzz/book.h"

#include <stdio.h>
#include <string.h>

#include "tests/fuzz/changes.h"

#define ALLOWED(error) (UINT32_C(1) << -(error))

struct book book;

static const void *memory_of(unsigned int partition, uint64_t address)
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
        pages += g->space[i].live ? leaves_pages(&g->space[i].leaves) : 0;
    return pages;
}

unsigned int book_pages_free(unsigned int guest)
{
    return machine.partition[guest].pool_pages - pages_used(guest);
}

static unsigned int tags_used(void)
{
    unsigned int tags = 0;

    for (unsigned int guest = 0; guest < BOOK_GUESTS; guest++) {
        for (unsigned int i = 0; i < PARTITION_IOAS; i++)
            tags += book.guest[guest].space[i].live && book.guest[guest].space[i].tagged;
    }
    return tags;
}

/* ---- What may be answered --------------------------------------------------------------------------- */

static bool range_is_whole(uint64_t from, uint64_t size)
{
    return size != 0 && ((from | size) & (PAGE_SIZE - 1)) == 0 && from + (size - 1) >= from;
}

bool book_own_memory(unsigned int guest, uint64_t address, uint64_t size)
{
    const struct book_guest *g = &book.guest[guest];

    return size != 0 && address >= g->base && address - g->base < g->visible &&
           size <= g->visible - (address - g->base);
}

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

static uint32_t causes_of_alloc(unsigned int guest, const uint64_t *x)
{
    const struct book_device *device = book_device(guest, x[1]);
    unsigned int live = 0;
    uint32_t causes = 0;

    if (device == NULL)
        return ALLOWED(BH_ENOENT);
    if (device->bound != (int)guest)
        causes |= ALLOWED(BH_EPERM);
    if (x[2] != BH_IOAS_NONE || !device->dma)
        causes |= ALLOWED(BH_EOPNOTSUPP);
    for (unsigned int i = 0; i < PARTITION_IOAS; i++)
        live += book.guest[guest].space[i].live;
    if (live == PARTITION_IOAS || book_pages_free(guest) == 0)
        causes |= ALLOWED(BH_ENOSPC);
    return causes;
}

static uint32_t causes_of_map(unsigned int guest, const uint64_t *x)
{
    static struct leaves with;
    const struct book_space *space = book_space(guest, x[1]);
    uint32_t causes = 0;

    if (space == NULL)
        return ALLOWED(BH_ENOENT);
    if (!range_is_whole(x[2], x[4]) || !range_is_whole(x[3], x[4]) || x[5] == 0 ||
        x[5] > (BH_MAP_READ | BH_MAP_WRITE))
        causes |= ALLOWED(BH_EINVAL);
    if (x[2] >= book.input_limit || x[4] > book.input_limit - x[2] ||
        closed_meets(space, x[2], x[4]) || !book_own_memory(guest, x[3], x[4]))
        causes |= ALLOWED(BH_ERANGE);
    if (causes != 0)
        return causes;
    uint64_t physical = x[3] - book.guest[guest].base + book.guest[guest].physical;
    uint64_t done = leaves_would_add(&space->leaves, x[2], physical, x[4], BH_MAP_ENTRIES_PER_CALL);

    if (leaves_any(&space->leaves, x[2], done))
        return ALLOWED(BH_EEXIST);
    with = space->leaves;
    leaves_add(&with, x[2], physical, x[4], 0, BH_MAP_ENTRIES_PER_CALL);
    return leaves_pages(&with) - leaves_pages(&space->leaves) > book_pages_free(guest)
               ? ALLOWED(BH_ENOSPC)
               : 0;
}

uint32_t book_causes_of_unmap(unsigned int guest, const uint64_t *x)
{
    const struct book_space *space = book_space(guest, x[1]);
    uint32_t causes = 0;

    if (space == NULL)
        return ALLOWED(BH_ENOENT);
    if (!range_is_whole(x[2], x[3]))
        causes |= ALLOWED(BH_EINVAL);
    if (x[2] >= book.input_limit || x[3] > book.input_limit - x[2])
        causes |= ALLOWED(BH_ERANGE);
    if (causes == 0 &&
        (leaves_cut(&space->leaves, x[2]) || leaves_cut(&space->leaves, x[2] + x[3])))
        causes |= ALLOWED(BH_EINVAL);
    return causes;
}

static bool sibling_elsewhere(const struct book_device *device, const struct book_space *space)
{
    for (unsigned int i = 0; i < book.device_count; i++) {
        const struct book_device *other = &book.device[i];

        if (other != device && other->dma && device->dma && other->stream == device->stream &&
            other->space != NULL && other->space != space)
            return true;
    }
    return false;
}

static uint32_t causes_of_attach(unsigned int guest, const uint64_t *x)
{
    const struct book_device *device = book_device(guest, x[1]);
    const struct book_space *space = book_space(guest, x[3]);
    uint32_t causes = 0;

    if (device == NULL || space == NULL)
        causes |= ALLOWED(BH_ENOENT);
    if (x[2] == 0)
        causes |= ALLOWED(BH_EINVAL);
    if ((x[2] != 0 && x[2] != BH_PASID_NONE) || (device != NULL && !device->dma))
        causes |= ALLOWED(BH_EOPNOTSUPP);
    if (device != NULL && device->bound != (int)guest)
        causes |= ALLOWED(BH_EPERM);
    if (device != NULL &&
        (device->space != NULL || device->again || sibling_elsewhere(device, space)))
        causes |= ALLOWED(BH_EBUSY);
    if (space != NULL && !space->tagged && tags_used() == book.tag_limit)
        causes |= ALLOWED(BH_ENOSPC);
    if (space != NULL && device != NULL && closed_forbids(space, device))
        causes |= ALLOWED(BH_ERANGE);
    if (book.failed)
        causes |= ALLOWED(BH_ETIMEDOUT);
    return causes;
}

static uint32_t causes_of_detach(unsigned int guest, const uint64_t *x)
{
    const struct book_device *device = book_device(guest, x[1]);
    uint32_t causes = 0;

    if (device == NULL || device->space == NULL)
        causes |= ALLOWED(BH_ENOENT);
    if (x[2] == 0)
        causes |= ALLOWED(BH_EINVAL);
    if (x[2] != 0 && x[2] != BH_PASID_NONE)
        causes |= ALLOWED(BH_EOPNOTSUPP);
    if (device != NULL && device->bound != (int)guest)
        causes |= ALLOWED(BH_EPERM);
    return causes;
}

/* A structure of size bytes, `first` of them in its first version, at the address, which holds its own
 * size. */
static uint32_t causes_of_structure(unsigned int guest, uint64_t address, uint64_t size,
                                    uint64_t first)
{
    uint64_t room;

    if ((address & 7) != 0 || !book_own_memory(guest, address, sizeof(room)))
        return ALLOWED(BH_EFAULT);
    memcpy(&room, memory_of(guest, address), sizeof(room));
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

/* Nobody's device raises messages here: tests/unit/test_messages.c has some that do. */
static uint32_t causes_of_message(unsigned int guest, const uint64_t *x)
{
    const struct book_device *device = book_device(guest, x[1]);

    if (device == NULL)
        return ALLOWED(BH_ENOENT);
    return device->bound != (int)guest ? ALLOWED(BH_EPERM) : ALLOWED(BH_EOPNOTSUPP);
}

static uint32_t causes_of_replace(unsigned int guest, const uint64_t *x)
{
    const struct book_device *device = book_device(guest, x[1]);
    const struct book_space *space = book_space(guest, x[3]);
    uint32_t causes = 0;

    if (device == NULL || device->space == NULL || space == NULL)
        causes |= ALLOWED(BH_ENOENT);
    if (x[2] == 0)
        causes |= ALLOWED(BH_EINVAL);
    if (x[2] != 0 && x[2] != BH_PASID_NONE)
        causes |= ALLOWED(BH_EOPNOTSUPP);
    if (device != NULL && device->bound != (int)guest)
        causes |= ALLOWED(BH_EPERM);
    if (device != NULL && space != NULL && device->space != space &&
        (device->again || sibling_elsewhere(device, space)))
        causes |= ALLOWED(BH_EBUSY);
    if (space != NULL && !space->tagged && tags_used() == book.tag_limit)
        causes |= ALLOWED(BH_ENOSPC);
    if (space != NULL && device != NULL && device->space != space && closed_forbids(space, device))
        causes |= ALLOWED(BH_ERANGE);
    return causes;
}

static uint32_t causes_of_query(unsigned int guest, const uint64_t *x)
{
    uint64_t size = query_bytes(x[1]);

    if (x[1] == BH_QUERY_WINDOW)
        return ALLOWED(BH_ENOENT); /* the book's guests have no window */
    if (x[1] == BH_QUERY_PARTITION && guest != BOOK_MANAGER)
        return ALLOWED(BH_EPERM);
    if (x[1] == BH_QUERY_PARTITION && x[3] >= BOOK_GUESTS)
        return ALLOWED(BH_ENOENT);
    if (size == 0)
        return ALLOWED(BH_EINVAL);
    bool of_device = x[1] == BH_QUERY_STATE || x[1] == BH_QUERY_FAULT;

    if (x[1] == BH_QUERY_ATTACHMENT && x[3] >= attachments_of(guest))
        return ALLOWED(BH_ENOENT);
    return (of_device && book_device(guest, x[3]) == NULL ? ALLOWED(BH_ENOENT) : 0) |
           causes_of_structure(guest, x[2], size, size);
}

static uint32_t causes_of_reserve(unsigned int guest, const uint64_t *x)
{
    const struct book_space *space = book_space(guest, x[1]);
    uint32_t causes = 0;

    if (space == NULL)
        return ALLOWED(BH_ENOENT);
    if (x[2] == 0 && x[3] == 0)
        return 0;
    if (!range_is_whole(x[2], x[3]))
        causes |= ALLOWED(BH_EINVAL);
    if (x[2] >= book.input_limit || x[3] > book.input_limit - x[2] ||
        closed_meets(space, x[2], x[3]))
        causes |= ALLOWED(BH_ERANGE);
    return causes | (space->reserved == BH_RESERVATIONS ? ALLOWED(BH_ENOSPC) : 0);
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

/* The errors that the ABI allows; 0: the call must not be refused. */
static uint32_t causes_of(unsigned int guest, uint64_t number, const uint64_t *x)
{
    const struct book_space *space;

    switch (number) {
    case BH_CALL_FEATURES:
        return x[1] < BH_CALL_LIMIT ? 0 : ALLOWED(BH_NOT_SUPPORTED);
    case BH_CALL_PARTITION_INFO:
        return causes_of_structure(guest, x[1], sizeof(struct bh_partition_info), 88);
    case BH_CALL_DEVICE_INFO:
        return (x[1] >= book.guest[guest].device_count ? ALLOWED(BH_ENOENT) : 0) |
               causes_of_structure(guest, x[2], sizeof(struct bh_device_info), 200);
    case BH_CALL_DEVICE_BIND:
        return causes_of_bind(guest, x);
    case BH_CALL_DEVICE_UNBIND:
        return causes_of_unbind(guest, x);
    case BH_CALL_DEVICE_RESET:
        return causes_of_reset(guest, x);
    case BH_CALL_DEVICE_CONFIG_READ:
    case BH_CALL_DEVICE_CONFIG_WRITE:
        return causes_of_config(guest, x);
    case BH_CALL_IOAS_ALLOC_PAGING:
        return causes_of_alloc(guest, x);
    case BH_CALL_IOAS_FREE:
        space = book_space(guest, x[1]);
        if (space == NULL)
            return ALLOWED(BH_ENOENT);
        return space->attached != 0 || space->leaves.count != 0 ? ALLOWED(BH_EBUSY) : 0;
    case BH_CALL_IOAS_MAP:
        return causes_of_map(guest, x);
    case BH_CALL_IOAS_UNMAP:
        return book_causes_of_unmap(guest, x);
    case BH_CALL_ATTACH:
        return causes_of_attach(guest, x);
    case BH_CALL_DETACH:
        return causes_of_detach(guest, x);
    case BH_CALL_REPLACE:
        return causes_of_replace(guest, x);
    case BH_CALL_MSI_BIND:
        return causes_of_message(guest, x);
    case BH_CALL_QUERY:
        return causes_of_query(guest, x);
    case BH_CALL_CONSOLE_WRITE:
    case BH_CALL_CONSOLE_READ:
        if (x[2] == 0 || x[2] > BH_CONSOLE_BYTES_PER_CALL)
            return ALLOWED(BH_EINVAL);
        return book_own_memory(guest, x[1], x[2]) ? 0 : ALLOWED(BH_EFAULT);
    case BH_CALL_EVENT_RING:
        return causes_of_ring(guest, x[1]);
    case BH_CALL_IOAS_RANGES:
        return (book_space(guest, x[1]) == NULL ? ALLOWED(BH_ENOENT) : 0) |
               causes_of_structure(guest, x[2], sizeof(struct bh_ioas_ranges),
                                   sizeof(struct bh_ioas_ranges));
    case BH_CALL_IOAS_RESERVE:
        return causes_of_reserve(guest, x);
    case BH_CALL_NOTIFY:
        return ALLOWED(BH_ENOENT); /* the book's guests have no window */
    case BH_CALL_PARTITION_CONTROL:
        return causes_of_control(guest, x);
    case BH_CALL_POWER:
        return x[1] > BH_POWER_RESET || x[2] > UINT8_MAX ? ALLOWED(BH_EINVAL) : 0;
    default:
        return changes_has(number) ? changes_causes(guest, x) : 0;
    }
}

/* ---- What follows from the answer -------------------------------------------------------------------- */

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

#define EXPECT(condition)                                                                          \
    do {                                                                                           \
        if (!(condition))                                                                          \
            fail_msg("call %llu of partition %u: %s does not hold", (unsigned long long)x[0],      \
                     guest, #condition);                                                           \
    } while (0)

/* The way out of a bind whose reset is under way. */
static void give_up_reset(struct book_device *device)
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
        give_up_reset(device);
        return;
    }
    EXPECT(answer == BH_OK);
    device->resetting = false;
    device->bound = (int)guest;
    device->last_bound = (int)guest;
    device->label = x[2];
    add_registers(&book.guest[guest].cpu, device);
}

static void enter_unbind(unsigned int guest, const uint64_t *x)
{
    struct book_device *device = book_device(guest, x[1]);
    struct book_group *group = &book.group[device->group];

    for (unsigned int i = 0; device->bound == (int)guest && i < BH_BAR_COUNT; i++)
        leaves_remove(&book.guest[guest].cpu, device->bar[i].address,
                      align_up(device->bar[i].bytes, PAGE_SIZE));
    device->bound = NOBODY;
    device->resetting = false;
    device->again = false;
    if (--group->count == 0)
        group->owner = NOBODY;
}

static void enter_alloc(unsigned int guest, const uint64_t *x, int64_t answer)
{
    struct book_space *space = NULL;

    EXPECT(answer > 0 && answer <= INT32_MAX);
    EXPECT(book_space(guest, (uint64_t)answer) == NULL);
    for (unsigned int i = 0; i < PARTITION_IOAS; i++) {
        if (!book.guest[guest].space[i].live)
            space = &book.guest[guest].space[i];
        else
            continue;
        EXPECT(space->id != (uint64_t)answer); /* an old id is no new one */
    }
    space->live = true;
    space->unsure = false;
    space->id = (uint64_t)answer;
    space->attached = 0;
    space->tagged = false;
    space->reserved = 0;
    leaves_start(&space->leaves, book.input_bits);
}

static void enter_map(unsigned int guest, const uint64_t *x, int64_t answer)
{
    struct book_space *space = book_space(guest, x[1]);
    uint64_t physical = x[3] - book.guest[guest].base + book.guest[guest].physical;
    uint64_t done = leaves_add(&space->leaves, x[2], physical, x[4], (uint32_t)x[5],
                               BH_MAP_ENTRIES_PER_CALL);

    EXPECT(machine.x[1] == done);
    EXPECT(answer == (done < x[4] ? BH_EAGAIN : BH_OK));
}

static void enter_unmap(unsigned int guest, const uint64_t *x, int64_t answer)
{
    struct book_space *space = book_space(guest, x[1]);
    uint64_t done = machine.x[1];

    EXPECT(answer == BH_OK || answer == BH_EAGAIN);
    EXPECT(done <= x[3] && (done == x[3]) == (answer == BH_OK));
    /* A step is no less than a page. */
    EXPECT(answer == BH_OK || done >= BH_MAP_ENTRIES_PER_CALL * PAGE_SIZE);
    EXPECT(!leaves_cut(&space->leaves, x[2] + done));
    EXPECT(machine.x[2] == leaves_bytes(&space->leaves, x[2], done));
    leaves_remove(&space->leaves, x[2], done);
}

static void enter_attach(unsigned int guest, const uint64_t *x)
{
    struct book_device *device = book_device(guest, x[1]);

    device->space = book_space(guest, x[3]);
    device->space->attached++;
    device->space->tagged = true;
}

static void enter_detach(unsigned int guest, const uint64_t *x)
{
    struct book_device *device = book_device(guest, x[1]);

    device->space->attached--;
    device->space = NULL;
    device->held = false;
}

static void enter_reset(unsigned int guest, const uint64_t *x, int64_t answer)
{
    struct book_device *device = book_device(guest, x[1]);

    /* The first step is never the last. */
    EXPECT(answer == BH_EAGAIN || (answer == BH_OK && device->again));
    if (answer == BH_EAGAIN)
        EXPECT(machine.x[1] != 0);
    device->again = answer == BH_EAGAIN;
    device->held = answer == BH_EAGAIN && device->space != NULL;
}

static void expect_ranges(unsigned int guest, const uint64_t *x)
{
    struct bh_ioas_ranges ranges;

    memcpy(&ranges, memory_of(guest, x[2]), sizeof(ranges));
    EXPECT(ranges.size == sizeof(ranges) && ranges.reserved == 0);
    EXPECT(closed_ranges_hold(book_space(guest, x[1]), &ranges));
}

static void enter_replace(unsigned int guest, const uint64_t *x)
{
    struct book_device *device = book_device(guest, x[1]);

    EXPECT(machine.x[1] <= 1 && (device->space != book_space(guest, x[3]) || machine.x[1] == 1));
    device->space->attached--;
    enter_attach(guest, (const uint64_t[]){ x[0], x[1], x[2], x[3] });
}

static void enter_reserve(unsigned int guest, const uint64_t *x)
{
    struct book_space *space = book_space(guest, x[1]);

    if (x[3] != 0)
        space->kept[space->reserved] = (struct topology_range){ .base = x[2], .size = x[3] };
    space->reserved = x[3] == 0 ? 0 : space->reserved + 1;
}

static void enter(unsigned int guest, const uint64_t *x, int64_t answer)
{
    if (changes_has(x[0])) {
        changes_enter(guest, x, answer);
        return;
    }
    switch (x[0]) {
    case BH_CALL_DEVICE_BIND:
        enter_bind(guest, x, answer);
        return;
    case BH_CALL_DEVICE_RESET:
        enter_reset(guest, x, answer);
        return;
    case BH_CALL_IOAS_ALLOC_PAGING:
        enter_alloc(guest, x, answer);
        return;
    case BH_CALL_IOAS_MAP:
        enter_map(guest, x, answer);
        return;
    case BH_CALL_IOAS_UNMAP:
        enter_unmap(guest, x, answer);
        return;
    case BH_CALL_VERSION:
        EXPECT(answer == (BH_ABI_MAJOR << 16 | BH_ABI_MINOR));
        return;
    default:
        EXPECT(answer == BH_OK);
        break;
    }
    if (x[0] == BH_CALL_DEVICE_UNBIND)
        enter_unbind(guest, x);
    else if (x[0] == BH_CALL_IOAS_FREE)
        book_space(guest, x[1])->live = false;
    else if (x[0] == BH_CALL_ATTACH)
        enter_attach(guest, x);
    else if (x[0] == BH_CALL_DETACH)
        enter_detach(guest, x);
    else if (x[0] == BH_CALL_CONSOLE_WRITE)
        EXPECT(machine.x[1] == x[2]);
    else if (x[0] == BH_CALL_CONSOLE_READ)
        EXPECT(machine.x[1] == 0); /* nobody types */
    else if (x[0] == BH_CALL_EVENT_RING)
        book.guest[guest].ring = x[1];
    else if (x[0] == BH_CALL_IOAS_RANGES)
        expect_ranges(guest, x);
    else if (x[0] == BH_CALL_IOAS_RESERVE)
        enter_reserve(guest, x);
    else if (x[0] == BH_CALL_REPLACE)
        enter_replace(guest, x);
}

/* The unit failed under the call, or had failed before. */
static void enter_timeout(unsigned int guest, const uint64_t *x)
{
    struct book_device *device = book_device(guest, x[1]);
    struct book_space *space;
    bool failed_before = book.failed;

    book.failed = true;
    switch (x[0]) {
    case BH_CALL_DEVICE_BIND:
        if (device->resetting)
            give_up_reset(device);
        return;
    case BH_CALL_DEVICE_UNBIND:
        enter_unbind(guest, x);
        return;
    case BH_CALL_DEVICE_RESET:
        device->again = device->again && device->held;
        __attribute__((fallthrough));
    case BH_CALL_DETACH:
        book.guest[guest].pinned = true;
        enter_detach(guest, x);
        return;
    case BH_CALL_REPLACE: /* it had the tag, though the unit had failed before */
        book_space(guest, x[3])->tagged = true;
        book.guest[guest].pinned = true;
        enter_detach(guest, x);
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
        return;
    case BH_CALL_IOAS_FREE:
        return;
    default:
        fail_msg("call %llu answered ETIMEDOUT, which it does not have", (unsigned long long)x[0]);
    }
}

/* ---- A call ------------------------------------------------------------------------------------------- */

/* The failure of a unit alone may have it: what it had to do with a unit did not come to pass. */
static bool may_time_out(unsigned int guest, const uint64_t *x, uint32_t causes)
{
    const struct book_device *device = book_device(guest, x[1]);

    switch (x[0]) {
    case BH_CALL_DEVICE_BIND:
    case BH_CALL_ATTACH:
        return (causes & ~ALLOWED(BH_ETIMEDOUT)) == 0;
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

/* What is mapped in the space is not known for sure, nor how many pages are left. */
static bool is_unsure(unsigned int guest, const uint64_t *x)
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
    uint32_t causes = causes_of(guest, number, x);
    bool unsure = is_unsure(guest, x), given_up = gives_up(guest, x);
    uint64_t before = thorough && causes != 0 && !given_up ? machine_state() : 0;
    int64_t answer = call(guest, number, a[0], a[1], a[2], a[3], a[4]);

    if (machine.end != HOST_RETURNED) {
        if (number != BH_CALL_POWER || causes != 0)
            unexpected(guest, x, answer, causes);
        return BH_OK;
    }
    if (answer < BH_EFAULT)
        unexpected(guest, x, answer, causes);
    if (answer == BH_ETIMEDOUT && (book.failed || book.failing) && may_time_out(guest, x, causes)) {
        enter_timeout(guest, x);
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
        give_up_reset(book_device(guest, x[1]));
    else if (before != 0 && machine_state() != before)
        fail_msg("call %llu was refused with %lld and changed something",
                 (unsigned long long)number, (long long)answer);
    return answer;
}
