/* SPDX-License-Identifier: Apache-2.0 */
/* See book.h. This file: the book is opened, and compared with the kernel and with the unit's model. */
#include <string.h>

#include "tests/fuzz/book_parts.h"
#include "tests/unit/its_bench.h"

#define INTX_DISABLE 0x400 /* in the command register */
#define DECODE 0x2
#define CPU_BITS 39 /* of guest-physical addresses on the host machine */
#define STRUCTURE UINT64_C(0x200000)

static unsigned int tags_in_use(void)
{
    unsigned int tags = 0;

    for (unsigned int i = 0; i < ARRAY_LENGTH(devices.iommu[0].tags); i++)
        tags += (unsigned int)__builtin_popcountll(devices.iommu[0].tags[i]);
    return tags;
}

/* ---- Opening ------------------------------------------------------------------------------------------- */

static void start_memory(unsigned int index)
{
    struct book_guest *g = &book.guest[index];

    for (unsigned int i = 0; i < PARTITION_IOAS; i++) {
        g->space[i].live = false;
        g->space[i].id = 0;
    }
    g->ring = 0;
    leaves_start(&g->cpu, CPU_BITS);
    leaves_add(&g->cpu, g->base, g->physical, g->visible, 0, LEAVES_NO_BOUND);
}

static struct bh_device_info device_info(unsigned int partition, unsigned int index)
{
    uint64_t address = book.guest[partition].base + STRUCTURE;
    struct bh_device_info info = { .size = sizeof(info) };

    memcpy(guest(partition, address), &info, sizeof(info));
    assert_int_equal(call2(partition, BH_CALL_DEVICE_INFO, index, address), BH_OK);
    memcpy(&info, guest(partition, address), sizeof(info));
    memset(guest(partition, address), 0, sizeof(info));
    return info;
}

/* Groups by their smallest member. */
static unsigned int group_of(const struct bh_device_info *infos, unsigned int index)
{
    unsigned int first = 0;

    while (infos[first].group != infos[index].group)
        first++;
    return first;
}

static void open_device(const struct bh_device_info *infos, unsigned int index, int function)
{
    const struct bh_device_info *info = &infos[index];
    struct book_device *device = &book.device[index];
    uint32_t requester = 0;

    *device = (struct book_device){ .id = info->device,
                                    .function = function,
                                    .dma = (info->capabilities & BH_DEVICE_DMA) != 0,
                                    .group = group_of(infos, index),
                                    .vectors = info->messages,
                                    .bound = NOBODY,
                                    .last_bound = NOBODY };
    if (info->doorbell != 0)
        book.doorbell = info->doorbell;
    memcpy(device->bar, info->bar, sizeof(device->bar));
    book.group[index] = (struct book_group){ .owner = NOBODY, .reserved = NOBODY };
    if (function < 0)
        return;
    uint16_t command = pci_model_get16(&machine.pci, function, 4);

    pci_model_set16(&machine.pci, function, 4, command | 4);
    if (!pci_model_requester(&machine.pci, function, &requester))
        fail_msg("device %u has no way to the root", index);
    pci_model_set16(&machine.pci, function, 4, command);
    device->stream = requester;
    device->requester = requester;
}

/* Where a function has MSI-X; 0: nowhere. */
static uint32_t find_msix(int function)
{
    uint32_t at = machine.pci.function[function].config[0x34];

    while (at != 0 && machine.pci.function[function].config[at] != 0x11)
        at = machine.pci.function[function].config[at + 1];
    return at;
}

/* MSI-X has its entries in the registers of the function. */
static void open_tables(void)
{
    for (unsigned int i = 0; i < book.device_count; i++) {
        struct book_device *device = &book.device[i];
        uint32_t at = device->vectors != 0 ? find_msix(device->function) : 0;
        uint32_t place = at != 0 ? pci_model_get32(&machine.pci, device->function, at + 4) : 0;

        device->table = at != 0 ? device->bar[place & 7].address + (place & ~UINT32_C(7)) : 0;
    }
}

void book_open(const int *function, const uint32_t *line, unsigned int count)
{
    static struct bh_device_info infos[BOOK_DEVICES];

    memset(&book, 0, sizeof(book));
    for (unsigned int i = 0; i < BOOK_GUESTS; i++) {
        const struct partition_spec *spec = &machine.partition[i];
        struct book_guest *g = &book.guest[i];

        g->base = spec->memory_base;
        g->visible = spec->memory_size - (uint64_t)spec->pool_pages * PAGE_SIZE;
        g->physical = partitions.partition[i].physical;
        start_memory(i);
    }
    book.device_count = count;
    for (unsigned int i = 0; i < count; i++)
        infos[i] = device_info(0, i);
    for (unsigned int i = 0; i < count; i++)
        open_device(infos, i, function[i]);
    for (unsigned int i = 0; i < count; i++)
        closed_open(&infos[i], &book.device[i]);
    for (unsigned int i = 0; i < count; i++)
        book.device[i].line = line[i];
    open_tables();
    for (unsigned int i = 0; i < BOOK_GUESTS; i++) {
        struct book_guest *g = &book.guest[i];

        for (; g->device_count < partitions.partition[i].device_count; g->device_count++)
            g->device[g->device_count] = device_info(i, g->device_count).device;
    }
    book.input_limit = infos[0].aperture_last + 1;
    while ((UINT64_C(1) << book.input_bits) < book.input_limit)
        book.input_bits++;
    book.own_tags = tags_in_use();
    book.tag_limit = (unsigned int)min_u64(IOMMU_TAGS,
                                           BIT(devices.iommu[0].capabilities.tag_bits)) -
                     1 - book.own_tags;
}

void book_again(void)
{
    for (unsigned int i = 0; i < BOOK_GUESTS; i++) {
        book.guest[i].off = false;
        book.guest[i].pinned = false;
        book.guest[i].lost = false;
        start_memory(i);
    }
    for (unsigned int i = 0; i < book.device_count; i++) {
        struct book_device *device = &book.device[i];

        messages_forget(device);
        device->bound = NOBODY;
        device->last_bound = NOBODY;
        device->resetting = false;
        device->again = false;
        device->held = false;
        device->space = NULL;
        book.group[i] = (struct book_group){ .owner = NOBODY, .reserved = NOBODY };
    }
    book.failing = false;
    book.failed = false;
}

void book_end(unsigned int index, bool again)
{
    struct book_guest *g = &book.guest[index];

    for (unsigned int i = 0; i < book.device_count; i++) {
        struct book_device *device = &book.device[i];
        struct book_group *group = &book.group[device->group];

        if (group->owner != (int)index || (device->bound != (int)index && !device->resetting))
            continue;
        messages_forget(device);
        device->space = NULL;
        device->held = false;
        device->again = false;
        device->bound = NOBODY;
        device->resetting = false;
        if (--group->count == 0)
            group->owner = NOBODY;
    }
    /* What the manager was about to give is nobody's, and still reserved. */
    for (unsigned int i = 0; index == BOOK_MANAGER && i < book.device_count; i++) {
        if (book.group[i].owner == HYPERVISOR)
            book.group[i].owner = NOBODY;
    }
    g->off = !again;
    start_memory(index);
}

/* ---- Comparing ------------------------------------------------------------------------------------------ */

/* What the stream of a device may reach: nothing, or what is mapped in the one space on that stream. */
static const struct book_space *space_of_stream(uint32_t stream)
{
    for (unsigned int i = 0; !book.failed && i < book.device_count; i++) {
        const struct book_device *device = &book.device[i];

        if (device->dma && device->stream == stream && device->space != NULL && !device->held)
            return device->space;
    }
    return NULL;
}

/* The page of the doorbell, for writing, where the space has it. */
static bool is_doorbell(const struct book_space *space, const struct smmuv3_model_reach *piece)
{
    return space != NULL && messages_in(space) && piece->writable && !piece->readable &&
           piece->iova == align_down(book.doorbell, PAGE_SIZE) && piece->size == PAGE_SIZE &&
           piece->address == ITS_BASE + 0x10000;
}

static void look(void *context, const struct smmuv3_model_reach *piece)
{
    uint64_t *bytes = context;
    const struct book_space *space = space_of_stream(piece->stream_id);
    const struct leaves *leaves = space != NULL ? &space->leaves : NULL;
    uint32_t access = (piece->readable ? BH_MAP_READ : 0) | (piece->writable ? BH_MAP_WRITE : 0);

    if (access == 0)
        return;
    if (is_doorbell(space, piece)) {
        *bytes += piece->source == SMMUV3_MODEL_REACH_MEMORY ? PAGE_SIZE : 0;
        return;
    }
    for (uint64_t at = 0; at < piece->size;) {
        const struct stretch *stretch = leaves == NULL ? NULL
                                                       : leaves_find(leaves, piece->iova + at);

        if (stretch == NULL ||
            piece->address + at != stretch->address + (piece->iova + at - stretch->from) ||
            access != stretch->access) {
            fail_msg(
                "stream 0x%x reaches 0x%llx at 0x%llx with access %u%s: by the calls it should "
                "not",
                piece->stream_id, (unsigned long long)(piece->address + at),
                (unsigned long long)(piece->iova + at), access,
                piece->source == SMMUV3_MODEL_REACH_CACHE ? ", by what is cached" : "");
            return;
        }
        at = stretch_end(stretch) - piece->iova;
    }
    if (piece->source == SMMUV3_MODEL_REACH_MEMORY)
        *bytes += piece->size;
}

static void compare_reach(const struct book_device *device)
{
    const struct book_space *space = space_of_stream(device->stream);
    uint64_t reached = 0, wanted = 0;

    if (space != NULL)
        wanted = leaves_bytes(&space->leaves, 0, book.input_limit) +
                 (messages_in(space) ? PAGE_SIZE : 0);

    if (device->space != NULL && device->space->unsure)
        return;
    if (!smmuv3_model_reach(machine.unit[0], device->stream, look, &reached))
        fail_msg("the model cannot say what stream 0x%x reaches", device->stream);
    if (reached != wanted)
        fail_msg("stream 0x%x reaches 0x%llx bytes, by the calls 0x%llx", device->stream,
                 (unsigned long long)reached, (unsigned long long)wanted);
}

static void compare_guest(unsigned int index, unsigned int *tags)
{
    const struct book_guest *g = &book.guest[index];
    const struct partition *partition = &partitions.partition[index];
    unsigned int pages = leaves_pages(&g->cpu);

    for (unsigned int i = 0; i < PARTITION_IOAS; i++) {
        pages += g->space[i].live ? messages_pages_of(&g->space[i]) : 0;
        *tags += g->space[i].live && g->space[i].tagged;
    }
    if (!g->off && !g->pinned && partition->pool.count - partition->pool.free != pages)
        fail_msg("partition %u uses %u table pages, by its calls %u", index,
                 partition->pool.count - partition->pool.free, pages);
}

/* What the kernel goes by; what stands in the page is the guest's to spoil. */
static void compare_ring(unsigned int index)
{
    const struct event_ring *ring = &partitions.partition[index].events;
    uint64_t address = book.guest[index].ring;
    const void *wanted = address != 0 ? guest(index, address) : NULL;

    if ((const void *)(uintptr_t)ring->page != wanted)
        fail_msg("partition %u has its ring at %p, by its calls at %p", index,
                 (const void *)(uintptr_t)ring->page, wanted);
    if (wanted != NULL && (ring->producer >= BH_EVENT_RECORDS || ring->lost > ring->sequence ||
                           (ring->sequence - ring->lost) % BH_EVENT_RECORDS != ring->producer))
        fail_msg("partition %u: %llu events, %llu lost, and the next record goes to slot %llu",
                 index, (unsigned long long)ring->sequence, (unsigned long long)ring->lost,
                 (unsigned long long)ring->producer);
}

static void compare_groups(void)
{
    for (unsigned int i = 0; i < book.device_count; i++) {
        const struct device *device = partition_device(&partitions.partition[0], book.device[i].id);
        struct owner owner = owner_decode(atomic_load(&device->group->owner));
        const struct book_group *group = &book.group[book.device[i].group];
        bool same = group->owner == NOBODY ? owner.state == OWNER_NONE
                    : group->owner == HYPERVISOR
                        ? owner.state == OWNER_HYPERVISOR
                        : owner.state == OWNER_PARTITION && (int)owner.index == group->owner &&
                              owner.count == group->count;

        if (owner.state == OWNER_PARTITION && book.guest[owner.index].lost)
            continue;
        if (!same)
            fail_msg("device 0x%llx: its group has owner %d with count %u, by the calls %d with "
                     "%u",
                     (unsigned long long)book.device[i].id,
                     owner.state == OWNER_PARTITION ? (int)owner.index : NOBODY, owner.count,
                     group->owner, group->count);
    }
}

/* A device raises its line while it is bound, and the line leads to whoever has bound it (I12). A reset clears
 * the command register, and one that was given up leaves it so: without decode nobody makes the function
 * raise anything. */
static void compare_line(const struct book_device *device)
{
    bool raises = device->function >= 0 && (pci_model_get16(&machine.pci, device->function, 4) &
                                            (INTX_DISABLE | DECODE)) == DECODE;
    int owner = NOBODY;
    uint32_t interrupt;

    if (raises != (device->bound != NOBODY && device->line != 0 && !device->again))
        fail_msg("device 0x%llx, bound by %d, can%s raise its line", (unsigned long long)device->id,
                 device->bound, raises ? "" : "not");
    if (device->line == 0)
        return;
    for (unsigned int i = 0; i < book.device_count; i++) {
        if (book.device[i].line == device->line && book.device[i].bound != NOBODY)
            owner = book.device[i].bound;
    }
    if (host_route(device->line, &interrupt) !=
        (owner == NOBODY ? NULL : &partitions.partition[owner].vcpu))
        fail_msg("line %u leads elsewhere than to %d", device->line, owner);
}

void book_compare(void)
{
    unsigned int tags = book.own_tags, taken = tags_in_use();

    for (unsigned int i = 0; i < BOOK_GUESTS; i++) {
        compare_guest(i, &tags);
        if (!book.guest[i].off)
            compare_ring(i);
    }
    if (!book.failed && tags != taken)
        fail_msg("the unit has %u tags in use, by the calls %u", taken, tags);
    compare_groups();
    messages_compare();
    for (unsigned int i = 0; i < book.device_count; i++) {
        compare_line(&book.device[i]);
        if (book.device[i].dma)
            compare_reach(&book.device[i]);
    }
    assert_units_clean();
}
