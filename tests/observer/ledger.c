/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The ledger: which calls the partitions made and what they were answered, as the ABI defines it. From it
 * follows what each stream may reach; the kernel's own structures are not asked. While a call is under way
 * both what was and what is to be are allowed; once it has returned only the one that it answered.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "internal.h"
#include "kernel/window.h"

#define LEDGER_DEVICES 64
#define LEDGER_SPACES 256
#define PAST 256
#define NO_PARTITION UINT32_MAX

struct mapping {
    uint64_t iova, address, size;
    uint32_t access;
    bool may_only; /* an unmap of it failed: it may be there or not */
};

struct space {
    bool live;
    unsigned int partition;
    uint64_t id;
    unsigned int count, room;
    struct mapping *mapping;
};

struct ledger_device {
    uint64_t id;
    unsigned int unit;
    uint32_t stream;
    bool bound;
    unsigned int partition;
    const struct space *attached, *attaching; /* both: its ioas is being replaced */
    const struct space *held;                 /* it is reset, and comes back there */
    const struct space
        *pinned;  /* its unit failed while it was parked: memory stays the partition's */
    bool leaving; /* a call that parks it is under way */
};

static struct ledger_device device_table[LEDGER_DEVICES];
static unsigned int device_count;
static struct space spaces[LEDGER_SPACES];
static unsigned int space_count;

/* Stretches that were mapped for a stream once. */
static struct {
    unsigned int unit;
    uint32_t stream;
    struct piece piece;
    uint64_t until;
} past[PAST];
static unsigned int past_count;

/* Per CPU, maps or unmaps under way: allowed, not promised. */
static struct {
    const struct space *space;
    unsigned int count;
    struct mapping mapping[BH_BATCH];
} mapping_now[HOST_CPUS], unmapping_now[HOST_CPUS];

/* Partitions that have their windows, and those that are losing them. Known before anything is watched. */
static bool joined[PARTITION_LIMIT];
static bool leaving[PARTITION_LIMIT];

void ledger_reset(void)
{
    device_count = 0;
    for (unsigned int i = 0; i < space_count; i++)
        free(spaces[i].mapping);
    for (unsigned int i = 0; i < LEDGER_SPACES; i++)
        spaces[i] = (struct space){ 0 };
    space_count = 0;
    past_count = 0;
    for (unsigned int i = 0; i < HOST_CPUS; i++) {
        mapping_now[i].space = NULL;
        unmapping_now[i].space = NULL;
    }
}

/* ---- Devices and spaces ------------------------------------------------------------------------------- */

/* The kernel says which stream a device emits; check_requester() compares. */
static struct ledger_device *add_device(unsigned int partition, uint64_t id)
{
    const struct device *device = partition_device(&partitions.partition[partition], id);

    if (device == NULL || device->iommu == NULL)
        return NULL;
    assert_true(device_count < LEDGER_DEVICES);
    device_table[device_count] = (struct ledger_device){
        .id = id,
        .unit = (unsigned int)((device->iommu->topology->registers.base - UNIT_BASE) / UNIT_STRIDE),
        .stream = device->stream,
    };
    return &device_table[device_count++];
}

static struct ledger_device *find_device(unsigned int partition, uint64_t id)
{
    for (unsigned int i = 0; i < device_count; i++) {
        if (device_table[i].id == id)
            return &device_table[i];
    }
    return add_device(partition, id);
}

static struct space *find_space(unsigned int partition, uint64_t id)
{
    for (unsigned int i = 0; i < space_count; i++) {
        if (spaces[i].live && spaces[i].partition == partition && spaces[i].id == id)
            return &spaces[i];
    }
    return NULL;
}

/* What a unit that failed may still reach is nobody else's. */
static bool is_pinned(const struct space *space)
{
    for (unsigned int i = 0; i < device_count; i++) {
        if (device_table[i].pinned == space)
            return true;
    }
    return false;
}

static void add_space(unsigned int partition, uint64_t id)
{
    unsigned int slot = 0;

    if (find_space(partition, id) != NULL)
        report_violation(I5, NULL, NULL, "two I/O address spaces of one partition have one id");
    while (slot < space_count && (spaces[slot].live || is_pinned(&spaces[slot])))
        slot++;
    assert_true(slot < LEDGER_SPACES);
    if (slot == space_count)
        space_count++;
    struct space *space = &spaces[slot];

    space->live = true;
    space->partition = partition;
    space->id = id;
    space->count = 0;
}

/* ---- Mappings ----------------------------------------------------------------------------------------- */

static bool is_own(unsigned int partition, uint64_t address, uint64_t size)
{
    const struct partition_spec *spec = &machine.partition[partition];
    uint64_t room = spec->memory_size - (uint64_t)spec->pool_pages * PAGE_SIZE;

    return range_valid(address, size) && range_inside(address, size, spec->memory_base, room);
}

/* Deliberate sharing: what the test's set says of windows. Which of them has all of the range for a partition, and
 * on which side; -1: none. */
static int find_window(unsigned int partition, uint64_t address, uint64_t size, unsigned int *side)
{
    for (unsigned int w = 0; range_valid(address, size) && w < machine.window_count; w++) {
        const struct window_spec *spec = &machine.window[w];

        for (*side = 0; *side < 2; (*side)++) {
            if (strcmp(spec->between[*side], machine.partition[partition].name) == 0 &&
                range_inside(address, size, spec->address[*side], spec->size))
                return (int)w;
        }
    }
    return -1;
}

static bool lives(const char *name)
{
    for (unsigned int i = 0; i < machine.partition_count; i++) {
        if (strcmp(machine.partition[i].name, name) == 0)
            return joined[i];
    }
    return false;
}

/* Both sides live, and the set lets devices of this one do so much. */
static bool window_allows(unsigned int window, unsigned int side, uint32_t access)
{
    const struct window_spec *spec = &machine.window[window];
    bool writes = (access & BH_MAP_WRITE) == 0;

    for (unsigned int i = 0; i < 2 && spec->writable_by[i] != NULL; i++)
        writes = writes || strcmp(spec->writable_by[i], spec->between[side]) == 0;
    return spec->dma && writes && lives(spec->between[0]) && lives(spec->between[1]);
}

static bool visible(unsigned int partition, uint64_t address, uint64_t size, uint32_t access)
{
    unsigned int side;
    int window;

    if (is_own(partition, address, size))
        return true;
    window = find_window(partition, address, size, &side);
    return window >= 0 && window_allows((unsigned int)window, side, access);
}

static uint64_t physical(unsigned int partition, uint64_t address)
{
    unsigned int side;
    int window = find_window(partition, address, 1, &side);

    if (window >= 0)
        return windows.window[window].physical + (address - machine.window[window].address[side]);
    return partitions.partition[partition].physical +
           (address - machine.partition[partition].memory_base);
}

static void add_mapping(struct space *space, struct mapping mapping)
{
    if (space->count == space->room) {
        space->room = space->room != 0 ? 2 * space->room : 8;
        space->mapping = realloc(space->mapping, space->room * sizeof(*space->mapping));
        assert_non_null(space->mapping);
    }
    space->mapping[space->count++] = mapping;
}

static struct piece piece_of(const struct space *space, const struct mapping *mapping)
{
    return (struct piece){ .iova = mapping->iova,
                           .address = physical(space->partition, mapping->address),
                           .size = mapping->size,
                           .access = mapping->access,
                           .pasid = BH_PASID_NONE };
}

static void remember_past(const struct space *space, const struct mapping *mapping)
{
    for (unsigned int i = 0; i < device_count; i++) {
        const struct ledger_device *device = &device_table[i];

        if (device->attached != space)
            continue;
        past[past_count % PAST].unit = device->unit;
        past[past_count % PAST].stream = device->stream;
        past[past_count % PAST].piece = piece_of(space, mapping);
        past[past_count % PAST].until = observer.now;
        past_count++;
    }
}

/* What of a mapping lies in [from, end): taken out; or, if unsure, left as what may be there. */
static void cut(struct space *space, uint64_t from, uint64_t end, bool unsure)
{
    for (unsigned int i = 0; i < space->count; i++) {
        struct mapping whole = space->mapping[i], part = whole;
        uint64_t first = max_u64(from, whole.iova), last = min_u64(end, whole.iova + whole.size);

        if (first >= last || (unsure && whole.may_only))
            continue;
        part.iova = first;
        part.address += first - whole.iova;
        part.size = last - first;
        part.may_only = true;
        space->mapping[i] = space->mapping[--space->count];
        if (whole.iova < first) {
            struct mapping front = whole;

            front.size = first - whole.iova;
            add_mapping(space, front);
        }
        if (last < whole.iova + whole.size) {
            struct mapping back = whole;

            back.iova = last;
            back.address += last - whole.iova;
            back.size = whole.iova + whole.size - last;
            add_mapping(space, back);
        }
        if (unsure)
            add_mapping(space, part);
        else
            remember_past(space, &part);
        i = UINT32_MAX; /* from the first one again */
    }
}

/* ---- Calls --------------------------------------------------------------------------------------------- */

static void begin_map(const struct pending_call *call)
{
    const struct space *space = find_space(call->partition, call->x[1]);

    if (space == NULL || !visible(call->partition, call->x[3], call->x[4], (uint32_t)call->x[5]) ||
        !range_valid(call->x[2], call->x[4]))
        return;
    mapping_now[call->cpu].space = space;
    mapping_now[call->cpu].count = 1;
    mapping_now[call->cpu].mapping[0] = (struct mapping){ .iova = call->x[2],
                                                          .address = call->x[3],
                                                          .size = call->x[4],
                                                          .access = (uint32_t)call->x[5] };
}

static void begin_unmap(const struct pending_call *call)
{
    if (!range_valid(call->x[2], call->x[3]))
        return;
    unmapping_now[call->cpu].space = find_space(call->partition, call->x[1]);
    unmapping_now[call->cpu].count = 1;
    unmapping_now[call->cpu].mapping[0] = (struct mapping){ .iova = call->x[2],
                                                            .size = call->x[3] };
}

/* ---- Calls of more than one mapping: what stands in the caller's memory when they begin -------------------- */

/* count elements of that many bytes, or NULL: not all the caller's. */
static const void *elements(const struct pending_call *call, uint64_t address, uint64_t count,
                            uint64_t bytes)
{
    if (count == 0 || count > BH_BATCH || (address & 7) != 0 ||
        !is_own(call->partition, address, count * bytes))
        return NULL;
    return guest(call->partition, address);
}

static void begin_map_batch(const struct pending_call *call)
{
    const struct bh_map *from = elements(call, call->x[2], call->x[3], sizeof(*from));

    if (from == NULL)
        return;
    mapping_now[call->cpu].space = find_space(call->partition, call->x[1]);
    mapping_now[call->cpu].count = 0;
    for (unsigned int i = 0; i < call->x[3]; i++) {
        if (!is_own(call->partition, from[i].address, from[i].size) ||
            !range_valid(from[i].iova, from[i].size))
            break; /* no further does the batch come */
        mapping_now[call->cpu].mapping[mapping_now[call->cpu].count++] = (struct mapping){
            .iova = from[i].iova,
            .address = from[i].address,
            .size = from[i].size,
            .access = (uint32_t)from[i].flags
        };
    }
}

static void begin_unmap_batch(const struct pending_call *call)
{
    const struct bh_unmap *from = elements(call, call->x[2], call->x[3], sizeof(*from));

    if (from == NULL)
        return;
    unmapping_now[call->cpu].space = find_space(call->partition, call->x[1]);
    unmapping_now[call->cpu].count = 0;
    for (unsigned int i = 0; i < call->x[3] && range_valid(from[i].iova, from[i].size); i++)
        unmapping_now[call->cpu].mapping[unmapping_now[call->cpu].count++] = (struct mapping){
            .iova = from[i].iova, .size = from[i].size
        };
}

/* What the source maps, piece by piece, at the place where it goes. */
static void begin_copy(const struct pending_call *call)
{
    const struct bh_ioas_copy *copy = elements(call, call->x[1], 1, sizeof(*copy));
    const struct space *from = copy != NULL ? find_space(call->partition, copy->from) : NULL;

    if (from == NULL || !range_valid(copy->from_iova, copy->bytes))
        return;
    mapping_now[call->cpu].space = find_space(call->partition, copy->to);
    mapping_now[call->cpu].count = 0;
    for (unsigned int i = 0; i < from->count && mapping_now[call->cpu].count < BH_BATCH; i++) {
        const struct mapping *whole = &from->mapping[i];
        uint64_t first = max_u64(copy->from_iova, whole->iova);
        uint64_t last = min_u64(copy->from_iova + copy->bytes, whole->iova + whole->size);

        if (first < last)
            mapping_now[call->cpu].mapping[mapping_now[call->cpu].count++] = (struct mapping){
                .iova = copy->to_iova + (first - copy->from_iova),
                .address = whole->address + (first - whole->iova),
                .size = last - first,
                .access = (uint32_t)copy->flags
            };
    }
}

static void begin_unmap_all(const struct pending_call *call)
{
    unmapping_now[call->cpu].space = find_space(call->partition, call->x[1]);
    unmapping_now[call->cpu].count = 1;
    unmapping_now[call->cpu].mapping[0] = (struct mapping){ .iova = call->x[2],
                                                            .size = UINT64_MAX - call->x[2] };
}

/* An attached device of the caller. */
static struct ledger_device *replaced_device(const struct pending_call *call)
{
    struct ledger_device *device = find_device(call->partition, call->x[1]);

    return device != NULL && device->bound && device->partition == call->partition &&
                   device->attached != NULL
               ? device
               : NULL;
}

struct stream *ledger_replacing(const struct pending_call *call)
{
    const struct ledger_device *device = call->number == BH_CALL_REPLACE ? replaced_device(call)
                                                                         : NULL;

    return device != NULL ? reach_stream(device->unit, device->stream) : NULL;
}

void ledger_begin(const struct pending_call *call)
{
    struct ledger_device *device;

    switch (call->number) {
    case BH_CALL_IOAS_MAP:
        begin_map(call);
        break;
    case BH_CALL_IOAS_UNMAP:
        begin_unmap(call);
        break;
    case BH_CALL_IOAS_REMAP:
        begin_map(call);
        unmapping_now[call->cpu] = mapping_now[call->cpu];
        break;
    case BH_CALL_IOAS_UNMAP_ALL:
        begin_unmap_all(call);
        break;
    case BH_CALL_IOAS_COPY:
        begin_copy(call);
        break;
    case BH_CALL_IOAS_MAP_BATCH:
        begin_map_batch(call);
        break;
    case BH_CALL_IOAS_UNMAP_BATCH:
        begin_unmap_batch(call);
        break;
    case BH_CALL_ATTACH:
        device = find_device(call->partition, call->x[1]);
        if (device != NULL && device->bound && device->partition == call->partition &&
            device->attached == NULL)
            device->attaching = find_space(call->partition, call->x[3]);
        break;
    case BH_CALL_REPLACE:
        device = replaced_device(call);
        if (device != NULL)
            device->attaching = find_space(call->partition, call->x[3]);
        break;
    case BH_CALL_DETACH:
    case BH_CALL_DEVICE_UNBIND:
        device = find_device(call->partition, call->x[1]);
        if (device != NULL && device->bound && device->partition == call->partition)
            device->leaving = true;
        break;
    case BH_CALL_DEVICE_RESET:
        device = find_device(call->partition, call->x[1]);
        if (device != NULL && device->bound && device->partition == call->partition) {
            device->leaving = true;
            device->attaching = device->held;
        }
        break;
    default:
        break;
    }
}

/* Where the kernel says that partitions' memory lies, nothing else does. */
static void check_memory(void)
{
    for (unsigned int i = 0; i < machine.partition_count && i < partitions.count; i++) {
        uint64_t base = partitions.partition[i].physical, size = machine.partition[i].memory_size;

        for (unsigned int unit = 0; unit < machine.unit_count; unit++) {
            if (entries_overlap(unit, base, size))
                report_violation(I14, NULL, NULL, "a stream table of unit %u lies in partition %s",
                                 unit, report_partition(i));
        }
        if (pages_kept(base, size) != NULL)
            report_violation(I14, NULL, NULL, "%s lies in partition %s", pages_kept(base, size),
                             report_partition(i));
        for (unsigned int w = 0; w < machine.window_count && w < windows.count; w++) {
            if (range_overlaps(base, size, windows.window[w].physical, 3 * machine.window[w].size))
                report_violation(I3, NULL, NULL, "window %s lies in partition %s",
                                 machine.window[w].name, report_partition(i));
        }
        for (unsigned int j = 0; j < i; j++) {
            if (range_overlaps(base, size, partitions.partition[j].physical,
                               machine.partition[j].memory_size))
                report_violation(I3, NULL, NULL, "the memory of partitions %s and %s overlaps",
                                 report_partition(j), report_partition(i));
        }
    }
}

static void end_bind(const struct pending_call *call, int64_t result)
{
    struct ledger_device *device = find_device(call->partition, call->x[1]);

    if (device == NULL || result != BH_OK)
        return;
    if (device->bound && device->partition != call->partition)
        report_violation(I3, observer.unit[device->unit].stream[device->stream], NULL,
                         "its device is bound to partition %s and was given to partition %s, too",
                         report_partition(device->partition), report_partition(call->partition));
    device->bound = true;
    device->partition = call->partition;
    check_memory();
}

/* The PCI model's function with that device id; -1: none. */
static int function_of(uint64_t id)
{
    const uint32_t secondary_bus = 0x19;

    for (unsigned int i = 0; (id & DEVICE_ID_PCI) != 0 && i < machine.pci.count; i++) {
        const struct pci_model_function *f = &machine.pci.function[i];
        uint32_t bus = f->parent == PCI_MODEL_ROOT
                           ? machine.pci.bus_first
                           : machine.pci.function[f->parent].config[secondary_bus];

        if (!f->bridge && (bus << 8 | (uint32_t)f->device << 3 | f->function) == (id & 0xFFFF))
            return (int)i;
    }
    return -1;
}

/* Its requests carry the id of the stream that was attached, and of no other. */
static void check_requester(const struct ledger_device *device)
{
    int function = function_of(device->id);
    uint32_t requester, stream;
    unsigned int unit;

    if (function >= 0 && pci_model_requester(&machine.pci, function, &requester) &&
        (!machine_stream(requester, &unit, &stream) || unit != device->unit ||
         stream != device->stream))
        report_violation(I3, observer.unit[device->unit].stream[device->stream], NULL,
                         "this stream was attached, and the device's requests are of id 0x%x",
                         requester);
}

static void end_attach(const struct pending_call *call, int64_t result)
{
    struct ledger_device *device = find_device(call->partition, call->x[1]);

    if (device == NULL)
        return;
    if (result == BH_OK && device->attaching == NULL)
        report_violation(
            I3, NULL, NULL,
            "attach answered OK for a device that the caller has not bound, or an ioas "
            "that it does not have");
    if (result == BH_OK) {
        device->attached = device->attaching;
        check_requester(device);
    }
    device->attaching = NULL;
}

static void leave_space(const struct space *space)
{
    for (unsigned int i = 0; i < space->count; i++)
        remember_past(space, &space->mapping[i]);
}

/* A device that is being reset: a replace to where it will be again does nothing. */
static bool comes_back_there(const struct pending_call *call)
{
    const struct ledger_device *device = find_device(call->partition, call->x[1]);

    return device != NULL && device->bound && device->partition == call->partition &&
           device->held != NULL && device->held == find_space(call->partition, call->x[3]);
}

static void end_replace(const struct pending_call *call, int64_t result)
{
    struct ledger_device *device = replaced_device(call);

    if (result == BH_OK && device == NULL && comes_back_there(call))
        return;
    if (result == BH_OK && (device == NULL || device->attaching == NULL)) {
        report_violation(I3, NULL, NULL,
                         "replace answered OK for a device that is not attached, or an ioas that "
                         "the caller does not have");
    }
    if (device == NULL)
        return;
    if (result == BH_OK) {
        leave_space(device->attached);
        device->attached = device->attaching;
    }
    device->attaching = NULL;
}

/* The kernel has told it to let nothing through. A unit that does not acknowledge even that is left on, since
 * off it might pass everything; then the ports above its devices are what is closed. One that works is no
 * excuse. */
static bool unit_is_given_up(const struct ledger_device *device)
{
    const struct unit *unit = &observer.unit[device->unit];

    return unit->told_to_abort || (unit->cr0 & DECODED_CR0_SMMUEN) == 0;
}

/* It is parked; clean: its unit did not fail. */
static void park(struct ledger_device *device, bool clean)
{
    for (unsigned int i = 0; device->attached != NULL && i < device->attached->count; i++)
        remember_past(device->attached, &device->attached->mapping[i]);
    if (!clean && unit_is_given_up(device))
        device->pinned = device->attached;
    device->attached = NULL;
}

static void end_detach(const struct pending_call *call, int64_t result)
{
    struct ledger_device *device = find_device(call->partition, call->x[1]);

    if (device == NULL)
        return;
    device->leaving = false;
    if (result == BH_OK || result == BH_ETIMEDOUT) {
        park(device, result == BH_OK);
        device->held = NULL;
    }
}

static void end_reset(const struct pending_call *call, int64_t result)
{
    struct ledger_device *device = find_device(call->partition, call->x[1]);

    if (device == NULL)
        return;
    device->leaving = false;
    device->attaching = NULL;
    if (result == BH_EAGAIN && device->attached != NULL) {
        device->held = device->attached;
        park(device, true);
    } else if (result == BH_ETIMEDOUT) {
        park(device, false);
        device->held = NULL;
    } else if (result == BH_OK && device->held != NULL) {
        device->attached = device->held;
        device->held = NULL;
        check_requester(device);
    }
}

static void end_unbind(const struct pending_call *call, int64_t result)
{
    struct ledger_device *device = find_device(call->partition, call->x[1]);

    if (device == NULL)
        return;
    device->leaving = false;
    if (result != BH_OK && result != BH_ETIMEDOUT)
        return;
    if (device->attached != NULL)
        report_violation(I6, observer.unit[device->unit].stream[device->stream], NULL,
                         "its device was given back while it was attached");
    device->bound = false;
}

static void end_map(const struct pending_call *call, const uint64_t *x)
{
    struct space *space = find_space(call->partition, call->x[1]);
    bool done = (int64_t)x[0] == BH_OK || (int64_t)x[0] == BH_EAGAIN;

    if (done && x[1] != 0 && mapping_now[call->cpu].space == NULL)
        report_violation(I3, NULL, NULL,
                         "map answered OK for memory that is not all the caller's, or an ioas that "
                         "it does not have");
    if (done && x[1] > call->x[4])
        report_violation(I3, NULL, NULL, "map says that it did more than it was asked to");
    if (done && x[1] != 0) {
        mapping_now[call->cpu].mapping[0].size = x[1];
        add_mapping(space, mapping_now[call->cpu].mapping[0]);
    }
    mapping_now[call->cpu].space = NULL;
}

static void end_unmap(const struct pending_call *call, const uint64_t *x)
{
    struct space *space = find_space(call->partition, call->x[1]);
    int64_t result = (int64_t)x[0];

    unmapping_now[call->cpu].space = NULL;
    if (space == NULL)
        return;
    if (result == BH_ETIMEDOUT)
        cut(space, call->x[2], call->x[2] + call->x[3], true);
    else if ((result == BH_OK || result == BH_EAGAIN) && x[1] != 0)
        cut(space, call->x[2], call->x[2] + x[1], false);
}

/* Of the mappings under way, those that begin before `end` are there, up to it. */
static void end_maps(const struct pending_call *call, struct space *space, uint64_t end)
{
    for (unsigned int i = 0; space != NULL && i < mapping_now[call->cpu].count; i++) {
        struct mapping mapping = mapping_now[call->cpu].mapping[i];

        if (mapping.iova >= end)
            continue;
        mapping.size = min_u64(mapping.size, end - mapping.iova);
        add_mapping(space, mapping);
    }
    mapping_now[call->cpu].count = 0;
    mapping_now[call->cpu].space = NULL;
}

static void end_remap(const struct pending_call *call, const uint64_t *x)
{
    struct space *space = find_space(call->partition, call->x[1]);
    int64_t result = (int64_t)x[0];

    unmapping_now[call->cpu].space = NULL;
    if (space != NULL && result == BH_ETIMEDOUT) {
        cut(space, call->x[2], call->x[2] + call->x[4], true);
        mapping_now[call->cpu].mapping[0].may_only = true;
        end_maps(call, space, UINT64_MAX);
    } else if (space != NULL && (result == BH_OK || result == BH_EAGAIN)) {
        cut(space, call->x[2], call->x[2] + x[1], false);
        end_maps(call, space, call->x[2] + x[1]);
    }
    mapping_now[call->cpu].space = NULL;
}

static void end_copy(const struct pending_call *call, const uint64_t *x)
{
    bool done = (int64_t)x[0] == BH_OK || (int64_t)x[0] == BH_EAGAIN;
    const struct bh_ioas_copy *copy = elements(call, call->x[1], 1, sizeof(*copy));

    if (done && x[1] != 0)
        end_maps(call, find_space(call->partition, copy->to), copy->to_iova + x[1]);
    mapping_now[call->cpu].space = NULL;
}

/* elements: done whole; part: bytes of the next. */
static void end_map_batch(const struct pending_call *call, const uint64_t *x)
{
    struct space *space = find_space(call->partition, call->x[1]);
    bool done = (int64_t)x[0] == BH_OK || (int64_t)x[0] == BH_EAGAIN;

    for (unsigned int i = 0; done && i < mapping_now[call->cpu].count && i <= x[1]; i++) {
        struct mapping mapping = mapping_now[call->cpu].mapping[i];

        mapping.size = i < x[1] ? mapping.size : x[2];
        if (mapping.size != 0)
            add_mapping(space, mapping);
    }
    mapping_now[call->cpu].space = NULL;
}

static void end_unmap_batch(const struct pending_call *call, const uint64_t *x)
{
    struct space *space = find_space(call->partition, call->x[1]);
    int64_t result = (int64_t)x[0];
    bool done = result == BH_OK || result == BH_EAGAIN, failed = result == BH_ETIMEDOUT;

    unmapping_now[call->cpu].space = NULL;
    for (unsigned int i = 0; space != NULL && i < unmapping_now[call->cpu].count; i++) {
        const struct mapping *range = &unmapping_now[call->cpu].mapping[i];

        if (failed || (done && i <= x[1]))
            cut(space, range->iova, range->iova + (failed || i < x[1] ? range->size : x[2]),
                failed);
    }
}

static void end_unmap_all(const struct pending_call *call, const uint64_t *x)
{
    struct space *space = find_space(call->partition, call->x[1]);
    int64_t result = (int64_t)x[0];

    unmapping_now[call->cpu].space = NULL;
    if (space != NULL && (result == BH_OK || result == BH_EAGAIN || result == BH_ETIMEDOUT))
        cut(space, call->x[2], result == BH_EAGAIN ? x[1] : UINT64_MAX, result == BH_ETIMEDOUT);
}

void ledger_end(const struct pending_call *call, const uint64_t *x)
{
    int64_t result = (int64_t)x[0];
    struct space *space;

    switch (call->number) {
    case BH_CALL_DEVICE_BIND:
        end_bind(call, result);
        break;
    case BH_CALL_DEVICE_UNBIND:
        end_unbind(call, result);
        break;
    case BH_CALL_ATTACH:
        end_attach(call, result);
        break;
    case BH_CALL_REPLACE:
        end_replace(call, result);
        break;
    case BH_CALL_DETACH:
        end_detach(call, result);
        break;
    case BH_CALL_DEVICE_RESET:
        end_reset(call, result);
        break;
    case BH_CALL_IOAS_ALLOC_PAGING:
        if (result > 0)
            add_space(call->partition, (uint64_t)result);
        break;
    case BH_CALL_IOAS_FREE:
        space = find_space(call->partition, call->x[1]);
        if (space != NULL && result == BH_OK)
            space->live = false;
        break;
    case BH_CALL_IOAS_MAP:
        end_map(call, x);
        break;
    case BH_CALL_IOAS_UNMAP:
        end_unmap(call, x);
        break;
    case BH_CALL_IOAS_REMAP:
        end_remap(call, x);
        break;
    case BH_CALL_IOAS_UNMAP_ALL:
        end_unmap_all(call, x);
        break;
    case BH_CALL_IOAS_COPY:
        end_copy(call, x);
        break;
    case BH_CALL_IOAS_MAP_BATCH:
        end_map_batch(call, x);
        break;
    case BH_CALL_IOAS_UNMAP_BATCH:
        end_unmap_batch(call, x);
        break;
    default:
        break;
    }
}

/* The partition is dying: what was promised to it is over, what it was allowed is so until the end. */
void ledger_release_begin(unsigned int partition)
{
    for (unsigned int i = 0; i < device_count; i++) {
        if (device_table[i].bound && device_table[i].partition == partition)
            device_table[i].leaving = true;
    }
}

/* The partition is dying, and all its devices have been parked and given back; clean: no unit failed
 * meanwhile. */
void ledger_release_end(unsigned int partition, bool clean)
{
    for (unsigned int i = 0; i < device_count; i++) {
        struct ledger_device *device = &device_table[i];

        if (!device->bound || device->partition != partition)
            continue;
        park(device, clean);
        device->bound = false;
        device->held = NULL;
        device->attaching = NULL;
        device->leaving = false;
    }
}

void ledger_spaces_gone(unsigned int partition)
{
    for (unsigned int i = 0; i < space_count; i++) {
        if (spaces[i].partition == partition)
            spaces[i].live = false;
    }
}

/* ---- Windows --------------------------------------------------------------------------------------------- */

/* The partition at the other side of the window that the mapping is of. */
static unsigned int other_side(const struct space *space, const struct mapping *mapping)
{
    unsigned int side;
    int window = find_window(space->partition, mapping->address, 1, &side);

    for (unsigned int i = 0; window >= 0 && i < machine.partition_count; i++) {
        if (strcmp(machine.window[window].between[1 - side], machine.partition[i].name) == 0)
            return i;
    }
    return NO_PARTITION;
}

static bool is_going(const struct space *space, const struct mapping *mapping)
{
    unsigned int other = other_side(space, mapping);

    return other != NO_PARTITION && leaving[other];
}

void ledger_joined(unsigned int partition)
{
    joined[partition] = true;
}

void ledger_leave_begin(unsigned int partition)
{
    joined[partition] = false;
    leaving[partition] = true;
}

/* What devices of others had of its windows is gone; what a call on another CPU is mapping may be, or not. */
void ledger_leave_end(unsigned int partition)
{
    leaving[partition] = false;
    for (unsigned int s = 0; s < space_count; s++) {
        struct space *space = &spaces[s];

        for (unsigned int i = 0; i < space->count;) {
            struct mapping mapping = space->mapping[i];

            if (other_side(space, &mapping) == partition) {
                cut(space, mapping.iova, mapping.iova + mapping.size, false);
                i = 0;
            } else {
                i++;
            }
        }
    }
    for (unsigned int cpu = 0; cpu < HOST_CPUS; cpu++) {
        if (mapping_now[cpu].space != NULL && mapping_now[cpu].count == 1 &&
            other_side(mapping_now[cpu].space, &mapping_now[cpu].mapping[0]) == partition)
            mapping_now[cpu].mapping[0].may_only = true;
    }
}

void ledger_each_survivor(unsigned int partition, void (*look)(unsigned int partition))
{
    for (unsigned int w = 0; w < machine.window_count; w++) {
        for (unsigned int side = 0; side < 2; side++) {
            for (unsigned int i = 0; i < machine.partition_count; i++) {
                if (strcmp(machine.window[w].between[side], machine.partition[partition].name) ==
                        0 &&
                    strcmp(machine.window[w].between[1 - side], machine.partition[i].name) == 0)
                    look(i);
            }
        }
    }
}

/* ---- What follows ---------------------------------------------------------------------------------------- */

static bool being_unmapped(const struct space *space, const struct mapping *mapping)
{
    for (unsigned int cpu = 0; cpu < HOST_CPUS; cpu++) {
        for (unsigned int i = 0; unmapping_now[cpu].space == space && i < unmapping_now[cpu].count;
             i++) {
            const struct mapping *going = &unmapping_now[cpu].mapping[i];

            if (range_overlaps(mapping->iova, mapping->size, going->iova, going->size))
                return true;
        }
    }
    return false;
}

static void add_space_pieces(const struct space *space, bool may, struct pieces *pieces)
{
    for (unsigned int i = 0; i < space->count; i++) {
        const struct mapping *mapping = &space->mapping[i];

        if (may ||
            (!mapping->may_only && !being_unmapped(space, mapping) && !is_going(space, mapping)))
            pieces_add(pieces, piece_of(space, mapping));
    }
    for (unsigned int cpu = 0; may && cpu < HOST_CPUS; cpu++) {
        for (unsigned int i = 0; mapping_now[cpu].space == space && i < mapping_now[cpu].count; i++)
            pieces_add(pieces, piece_of(space, &mapping_now[cpu].mapping[i]));
    }
}

void ledger_allowed(unsigned int unit, uint32_t stream, bool may, struct pieces *pieces)
{
    pieces_clear(pieces);
    for (unsigned int i = 0; i < device_count; i++) {
        const struct ledger_device *device = &device_table[i];

        if (device->unit != unit || device->stream != stream)
            continue;
        if (device->attached != NULL && (may || (!device->leaving && device->bound)))
            add_space_pieces(device->attached, may, pieces);
        if (may && device->attaching != NULL)
            add_space_pieces(device->attaching, may, pieces);
        if (may && device->pinned != NULL)
            add_space_pieces(device->pinned, may, pieces);
    }
    pieces_canonical(pieces);
}

bool ledger_both(unsigned int unit, uint32_t stream, struct pieces *old, struct pieces *new)
{
    bool both = false;

    pieces_clear(old);
    pieces_clear(new);
    for (unsigned int i = 0; i < device_count; i++) {
        const struct ledger_device *device = &device_table[i];

        if (device->unit != unit || device->stream != stream || device->attached == NULL ||
            device->attaching == NULL)
            continue;
        both = true;
        add_space_pieces(device->attached, false, old);
        add_space_pieces(device->attaching, false, new);
    }
    pieces_canonical(old);
    pieces_canonical(new);
    return both;
}

bool ledger_bound(unsigned int partition, uint64_t id)
{
    for (unsigned int i = 0; i < device_count; i++) {
        if (device_table[i].id == id && device_table[i].bound)
            return device_table[i].partition == partition;
    }
    return false;
}

/* No device on the stream is attached, nor was when its unit failed. */
bool ledger_parked(unsigned int unit, uint32_t stream)
{
    for (unsigned int i = 0; i < device_count; i++) {
        const struct ledger_device *device = &device_table[i];

        if (device->unit == unit && device->stream == stream &&
            (device->attached != NULL || device->attaching != NULL || device->pinned != NULL))
            return false;
    }
    return true;
}

bool ledger_owner(unsigned int unit, uint32_t stream, unsigned int *partition)
{
    for (unsigned int i = 0; i < device_count; i++) {
        const struct ledger_device *device = &device_table[i];

        if (device->unit == unit && device->stream == stream && device->bound) {
            *partition = device->partition;
            return true;
        }
    }
    return false;
}

void ledger_each_stream(unsigned int partition, void (*look)(unsigned int unit, uint32_t stream))
{
    for (unsigned int i = 0; i < device_count; i++) {
        if (device_table[i].bound && device_table[i].partition == partition)
            look(device_table[i].unit, device_table[i].stream);
    }
}

uint64_t ledger_past(unsigned int unit, uint32_t stream, struct piece piece)
{
    for (unsigned int i = past_count; i-- > 0 && past_count - i <= PAST;) {
        const struct piece *was = &past[i % PAST].piece;

        if (past[i % PAST].unit == unit && past[i % PAST].stream == stream &&
            was->pasid == piece.pasid && was->address - was->iova == piece.address - piece.iova &&
            piece.iova - was->iova < was->size)
            return past[i % PAST].until;
    }
    return 0;
}

const char *ledger_text(unsigned int unit, uint32_t stream, char *text, size_t size)
{
    const struct ledger_device *device = NULL;
    char attached[64] = "parked";

    for (unsigned int i = 0; i < device_count; i++) {
        if (device_table[i].unit == unit && device_table[i].stream == stream &&
            (device == NULL || device_table[i].bound))
            device = &device_table[i];
    }
    if (device == NULL) {
        snprintf(text, size, "bound to nobody so far, parked");
        return text;
    }
    if (device->attached != NULL)
        snprintf(attached, sizeof(attached), "attached to ioas 0x%llx",
                 (unsigned long long)device->attached->id);
    else if (device->attaching != NULL)
        snprintf(attached, sizeof(attached), "about to be attached to ioas 0x%llx",
                 (unsigned long long)device->attaching->id);
    snprintf(text, size, "device 0x%llx, bound to %s, %s%s", (unsigned long long)device->id,
             device->bound ? report_partition(device->partition) : "nobody", attached,
             device->leaving ? " (a call that parks it is under way)" : "");
    return text;
}
