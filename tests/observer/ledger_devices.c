/* SPDX-License-Identifier: Apache-2.0 */
/* The ledger of devices: who has bound one, which space it is attached to, what its stream reached once. */
#include <stdio.h>

#include "its_bench.h"
#include "ledger.h"

#define LEDGER_DEVICES 64
#define PAST 256

struct ledger_device {
    uint64_t id;
    unsigned int unit;
    uint32_t stream;
    bool bound;
    unsigned int partition;
    const struct space *attached, *attaching; /* both: its ioas is being replaced */
    const struct space *held;                 /* it is reset, and comes back there */
    const struct space
        *pinned;      /* its unit failed while it was parked: memory stays the partition's */
    bool leaving;     /* a call that parks it is under way */
    uint32_t vectors; /* bit n: vector n of it is bound */
    bool binding;     /* a call that binds one is under way */
};

static struct ledger_device device_table[LEDGER_DEVICES];
static unsigned int device_count;

/* Stretches that were mapped for a stream once. */
static struct {
    unsigned int unit;
    uint32_t stream;
    struct piece piece;
    uint64_t until;
} past[PAST];
static unsigned int past_count;

void ledger_devices_reset(void)
{
    device_count = 0;
    past_count = 0;
}

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

/* What a unit that failed may still reach is nobody else's. */
bool ledger_is_pinned(const struct space *space)
{
    for (unsigned int i = 0; i < device_count; i++) {
        if (device_table[i].pinned == space)
            return true;
    }
    return false;
}

void ledger_remember_past(const struct space *space, const struct mapping *mapping)
{
    for (unsigned int i = 0; i < device_count; i++) {
        const struct ledger_device *device = &device_table[i];

        if (device->attached != space)
            continue;
        past[past_count % PAST].unit = device->unit;
        past[past_count % PAST].stream = device->stream;
        past[past_count % PAST].piece = ledger_piece(space, mapping);
        past[past_count % PAST].until = observer.now;
        past_count++;
    }
}

/* ---- Calls begin --------------------------------------------------------------------------------------- */

/* A device that the caller has bound, or NULL. */
static struct ledger_device *own_device(const struct pending_call *call)
{
    struct ledger_device *device = find_device(call->partition, call->x[1]);

    return device != NULL && device->bound && device->partition == call->partition ? device : NULL;
}

/* An attached device of the caller. */
static struct ledger_device *replaced_device(const struct pending_call *call)
{
    struct ledger_device *device = own_device(call);

    return device != NULL && device->attached != NULL ? device : NULL;
}

struct stream *ledger_replacing(const struct pending_call *call)
{
    const struct ledger_device *device = call->number == BH_CALL_REPLACE ? replaced_device(call)
                                                                         : NULL;

    return device != NULL ? reach_stream(device->unit, device->stream) : NULL;
}

void ledger_devices_begin(const struct pending_call *call)
{
    struct ledger_device *device;

    switch (call->number) {
    case BH_CALL_ATTACH:
        device = own_device(call);
        if (device != NULL && device->attached == NULL)
            device->attaching = ledger_find_space(call->partition, call->x[3]);
        break;
    case BH_CALL_REPLACE:
        device = replaced_device(call);
        if (device != NULL)
            device->attaching = ledger_find_space(call->partition, call->x[3]);
        break;
    case BH_CALL_DETACH:
    case BH_CALL_DEVICE_UNBIND:
        device = own_device(call);
        if (device != NULL)
            device->leaving = true;
        break;
    case BH_CALL_DEVICE_RESET:
        device = own_device(call);
        if (device != NULL) {
            device->leaving = true;
            device->attaching = device->held;
        }
        break;
    case BH_CALL_MSI_BIND:
        device = own_device(call);
        if (device != NULL)
            device->binding = call->x[3] != 0;
        break;
    default:
        break;
    }
}

/* ---- Calls end ----------------------------------------------------------------------------------------- */

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
    ledger_check_memory();
}

/* The PCI model's function with that device id; -1: none. */
static int function_of(uint64_t id)
{
    const uint32_t secondary_bus = 0x19;

    for (unsigned int i = 0; (id & DEVICE_ID_PCI) != 0 && i < machine.pci.count; i++) {
        const struct pci_model_function *f = &machine.pci.function[i];
        uint32_t bus = f->parent == PCI_MODEL_ROOT
                           ? (uint32_t)machine.pci.bus_first + f->root
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
        ledger_remember_past(space, &space->mapping[i]);
}

/* A device that is being reset: a replace to where it will be again does nothing. */
static bool comes_back_there(const struct pending_call *call)
{
    const struct ledger_device *device = own_device(call);

    return device != NULL && device->held != NULL &&
           device->held == ledger_find_space(call->partition, call->x[3]);
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
        ledger_remember_past(device->attached, &device->attached->mapping[i]);
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
    if (result == BH_OK || result == BH_EAGAIN || result == BH_ETIMEDOUT)
        device->vectors = 0;
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

/* A message unit that was late has the vector unbound, whatever was asked for. */
static void end_message(const struct pending_call *call, int64_t result)
{
    struct ledger_device *device = own_device(call);

    if (device == NULL)
        return;
    device->binding = false;
    if ((result == BH_OK || result == BH_ETIMEDOUT) && call->x[2] < BH_MESSAGE_VECTORS)
        device->vectors &= ~(uint32_t)BIT(call->x[2]);
    if (result == BH_OK && call->x[3] != 0)
        device->vectors |= (uint32_t)BIT(call->x[2]);
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
    device->vectors = 0;
}

void ledger_devices_end(const struct pending_call *call, int64_t result)
{
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
    case BH_CALL_MSI_BIND:
        end_message(call, result);
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
        device->vectors = 0;
        device->held = NULL;
        device->attaching = NULL;
        device->leaving = false;
    }
}

/* ---- What follows ---------------------------------------------------------------------------------------- */

bool ledger_is_firmware(unsigned int unit, uint32_t stream)
{
    bool found = false;

    for (unsigned int i = 0; i < machine.firmware_count; i++)
        found = found || (machine.firmware[i].unit == unit && machine.firmware[i].stream == stream);
    return found;
}

/* A vector of a device in that space is bound; may: or a call brings or takes the first one. */
static bool has_doorbell(const struct space *space, bool may)
{
    for (unsigned int i = 0; i < device_count; i++) {
        const struct ledger_device *device = &device_table[i];

        if (device->vectors == 0 && !(may && device->binding))
            continue;
        if ((device->attached == space && (may || !device->leaving)) ||
            (may && device->attaching == space))
            return true;
    }
    return false;
}

/* What a device reaches in the space: its mappings, and the page of the doorbell, for writing as far as a unit can say
 * so. Of a unit that failed nobody knows what went when. */
static void add_pieces(const struct space *space, unsigned int unit, bool may, bool failed,
                       struct pieces *pieces)
{
    uint32_t read = may && !machine.parameters[unit].s2p ? BH_MAP_READ : 0;

    ledger_add_space_pieces(space, may, pieces);
    if (its != NULL && (failed || has_doorbell(space, may)))
        pieces_add(pieces, (struct piece){ .iova = BH_DOORBELLS,
                                           .address = ITS_BASE + 0x10000,
                                           .size = PAGE_SIZE,
                                           .access = BH_MAP_WRITE | read,
                                           .pasid = BH_PASID_NONE });
}

void ledger_allowed(unsigned int unit, uint32_t stream, bool may, struct pieces *pieces)
{
    pieces_clear(pieces);
    for (unsigned int i = 0; may && i < machine.firmware_count; i++) {
        const struct machine_firmware *firmware = &machine.firmware[i];

        if (firmware->unit == unit && firmware->stream == stream)
            pieces_add(pieces, (struct piece){ .iova = firmware->base,
                                               .address = firmware->base,
                                               .size = firmware->size,
                                               .access = BH_MAP_READ | BH_MAP_WRITE,
                                               .pasid = BH_PASID_NONE });
    }
    for (unsigned int i = 0; i < device_count; i++) {
        const struct ledger_device *device = &device_table[i];

        if (device->unit != unit || device->stream != stream)
            continue;
        if (device->attached != NULL && (may || (!device->leaving && device->bound)))
            add_pieces(device->attached, unit, may, false, pieces);
        if (may && device->attaching != NULL)
            add_pieces(device->attaching, unit, may, false, pieces);
        if (may && device->pinned != NULL)
            add_pieces(device->pinned, unit, may, true, pieces);
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
        add_pieces(device->attached, unit, false, false, old);
        add_pieces(device->attaching, unit, false, false, new);
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
