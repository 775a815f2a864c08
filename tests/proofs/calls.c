/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The hypercalls' checks of their arguments: any call with any registers, from a partition with two
 * devices and its I/O address spaces in any state. The code of kernel/hypercall.c, kernel/query.c,
 * kernel/partition.c, kernel/ioas*.c and kernel/events.c runs as it is. What lies below is replaced
 * by its contract (tests/proofs/calls.h).
 */
#include "tests/proofs/calls.h"
#include "kernel/hypercall.h"

#define VISIBLE (PROOF_PAGES * PAGE_SIZE)

uint64_t proof_memory[PROOF_PAGES * PROOF_ENTRIES];
struct devices devices;

_Static_assert(PARTITION_IOAS == PROOF_SLOTS && PARTITION_DEVICES == PROOF_SLOTS, "one size");

/* An alloc takes the first free slot: the cases are which one that is, and that there is none. */
#define CASES (PROOF_SLOTS + (CALL == BH_CALL_IOAS_ALLOC_PAGING))
#define ALL_TAKEN (proof_slot == PROOF_SLOTS)

uint64_t proof_slot;

/* One value or another, without a branch: the checker is faster so. */
#define EITHER(a, b) (any_bits(1) != 0 ? (a) : (b))

/* Objects of their own: the checker then knows where a pointer leads. */
static struct set_partition set;
struct partition the_caller;
static struct partition another;
static struct device first_device, second_device;
static struct pci_function function;
static struct group group;
unsigned int effects;
int64_t inner = 1;
uint64_t given[6];

int64_t any_of(unsigned int codes)
{
    uint8_t code = nondet_u8();

    GIVEN(code < 16 && (codes >> code & 1) != 0);
    effects++;
    inner = -(int64_t)code;
    return inner;
}

/* ---- Any state ------------------------------------------------------------------------------ */

static void any_device(struct device *device)
{
    device->id = nondet_u32();
    device->group = &group;
    device->iommu = EITHER(&devices.iommu[0], NULL);
    device->function = EITHER(&function, NULL);
    device->bound = EITHER(caller, EITHER(&another, NULL));
    device->last_bound = EITHER(caller, NULL);
    /* What is attached has a unit. */
    device->ioas = device->iommu != NULL ? EITHER(&caller->ioas[ALL_TAKEN ? 0 : proof_slot], NULL)
                                         : NULL;
    device->label = nondet_u64();
    device->generation = nondet_u64();
    device->silent = nondet_bool();
}

static void any_ioas(struct ioas *ioas, uint32_t slot)
{
    bool used = nondet_bool();

    if (CALL == BH_CALL_IOAS_ALLOC_PAGING && slot <= proof_slot)
        used = slot < proof_slot;
    ioas->generation = nondet_u32() & 0x7FFFFF;
    ioas->id = used ? ioas->generation << 8 | (slot + 1) : 0;
    ioas->owner = used ? caller : NULL;
    ioas->attached = nondet_u32();
    ioas->window_maps = nondet_u32();
    ioas->reserved_count = nondet_u8() % (BH_RESERVATIONS + 1);
    ioas->tree_count = 1;
    ioas->tree[0].format = &proof_format;
    ioas->tree[0].units = 1;
    ioas->tree[0].table.limit = BIT(devices.iommu[0].capabilities.input_bits);
    ioas->tree[0].table.mapped = used ? nondet_u64() : 0;
    ioas->domain[0] = (struct iommu_domain){ &ioas->tree[0].table, 1 + nondet_u8() };
    ioas->open = (struct topology_range){ .size = ioas->tree[0].table.limit };
    ioas->output_limit = BIT(devices.iommu[0].capabilities.output_bits);
}

static void any_memory(void)
{
    __CPROVER_havoc_object(proof_memory);
    set.memory_base = nondet_u64() & ~(PAGE_SIZE - 1);
    set.manager = nondet_bool();
    caller->set = &set;
    if (CALL == BH_CALL_PARTITION_CONTROL || CALL == BH_CALL_DEVICE_GIVE)
        partitions.count = nondet_u8() % (PARTITION_LIMIT + 1);
    caller->physical = PROOF_PHYSICAL;
    caller->visible_size = VISIBLE;
    if (CALL == BH_CALL_IOAS_MAP) {
        caller->physical = nondet_u64() & ~(PAGE_SIZE - 1);
        caller->visible_size = nondet_u64() & ~(PAGE_SIZE - 1);
    }
    GIVEN(range_valid(set.memory_base, caller->visible_size));
    GIVEN(range_valid(caller->physical, caller->visible_size));
}

static void any_partition(void)
{
    struct iommu_capabilities *capabilities = &devices.iommu[0].capabilities;

    devices.iommu_count = 1;
    devices.iommu[0].driver = &proof_driver;
    devices.iommu[0].format = &proof_format;
    capabilities->input_bits = nondet_bool() ? 39 : 48;
    capabilities->output_bits = nondet_bool() ? 40 : 48;
    caller->class_count = 1;
    caller->class_of[0] = 1;
    caller->unit_class[0] = (struct ioas_class){ .format = &proof_format,
                                                 .input_bits = capabilities->input_bits,
                                                 .output_bits = capabilities->output_bits };
    group.owner = nondet_u64();
    any_memory();
    caller->name = "p";
    caller->pinned = nondet_bool();
    caller->pool.free = nondet_u32();
    caller->pool.count = nondet_u32();
    caller->events.page = EITHER(proof_memory, NULL);
    caller->events.lock.serving = caller->events.lock.next = nondet_u32();
    caller->device_count = 2;
    caller->device[0] = &first_device;
    caller->device[1] = &second_device;
    any_device(&first_device);
    any_device(&second_device);
    for (uint32_t i = 0; i < PARTITION_IOAS; i++)
        any_ioas(&caller->ioas[i], i);
}

/* ---- What a refused call leaves as it was --------------------------------------------------- */

static struct state {
    struct {
        uint64_t mapped;
        uint32_t id, attached, generation, reserved;
        uint16_t tag;
        struct partition *owner;
    } ioas[PARTITION_IOAS];
    struct {
        struct partition *bound, *last_bound;
        struct ioas *ioas;
        uint64_t label, generation;
        bool silent;
    } device[2];
    uint64_t group_owner;
    uint32_t pool_free, pool_count;
    bool pinned;
    const volatile uint64_t *ring;
} before;

static void remember(void)
{
    for (unsigned int i = 0; i < PARTITION_IOAS; i++) {
        const struct ioas *ioas = &caller->ioas[i];

        before.ioas[i].mapped = ioas->tree[0].table.mapped;
        before.ioas[i].id = ioas->id;
        before.ioas[i].attached = ioas->attached;
        before.ioas[i].generation = ioas->generation;
        before.ioas[i].reserved = ioas->reserved_count;
        before.ioas[i].tag = ioas->domain[0].tag;
        before.ioas[i].owner = ioas->owner;
    }
    for (unsigned int i = 0; i < 2; i++) {
        const struct device *device = caller->device[i];

        before.device[i].bound = device->bound;
        before.device[i].last_bound = device->last_bound;
        before.device[i].ioas = device->ioas;
        before.device[i].label = device->label;
        before.device[i].generation = device->generation;
        before.device[i].silent = device->silent;
    }
    before.group_owner = group.owner;
    before.pool_free = caller->pool.free;
    before.pool_count = caller->pool.count;
    before.pinned = caller->pinned;
    before.ring = caller->events.page;
}

static bool ioas_taken_as_before(void)
{
    bool same = true;

    for (unsigned int i = 0; i < PARTITION_IOAS; i++) {
        const struct ioas *ioas = &caller->ioas[i];

        same &= before.ioas[i].id == ioas->id;
        same &= before.ioas[i].generation == ioas->generation;
        same &= before.ioas[i].tag == ioas->domain[0].tag;
        same &= before.ioas[i].owner == ioas->owner;
    }
    return same;
}

static bool is_as_before(void)
{
    bool same = ioas_taken_as_before();

    same &= before.group_owner == group.owner;
    same &= before.pool_free == caller->pool.free;
    same &= before.pool_count == caller->pool.count;
    same &= before.pinned == caller->pinned;
    same &= before.ring == caller->events.page;
    for (unsigned int i = 0; i < PARTITION_IOAS; i++) {
        same &= before.ioas[i].mapped == caller->ioas[i].tree[0].table.mapped;
        same &= before.ioas[i].reserved == caller->ioas[i].reserved_count;
        same &= before.ioas[i].attached == caller->ioas[i].attached;
    }
    for (unsigned int i = 0; i < 2; i++) {
        const struct device *device = caller->device[i];

        same &= before.device[i].bound == device->bound;
        same &= before.device[i].last_bound == device->last_bound;
        same &= before.device[i].ioas == device->ioas;
        same &= before.device[i].label == device->label;
        same &= before.device[i].generation == device->generation;
        same &= before.device[i].silent == device->silent;
    }
    return same;
}

static bool no_lock_is_held(void)
{
    bool free = true;

    for (unsigned int i = 0; i < PARTITION_IOAS; i++)
        free &= caller->ioas[i].lock.next == caller->ioas[i].lock.serving;
    free &= devices.iommu[0].event_lock.next == devices.iommu[0].event_lock.serving;
    return free && caller->events.lock.next == caller->events.lock.serving;
}

/* The errors that include/bulkhead/abi.h documents for each call. */
static const unsigned int documented[BH_CALL_LIMIT] = {
    [BH_CALL_FEATURES] = CODE(BH_NOT_SUPPORTED),
    [BH_CALL_PARTITION_INFO] = CODE(BH_EFAULT) | CODE(BH_EINVAL),
    [BH_CALL_DEVICE_INFO] = CODE(BH_ENOENT) | CODE(BH_EFAULT) | CODE(BH_EINVAL),
    [BH_CALL_DEVICE_BIND] = CODE(BH_EAGAIN) | CODE(BH_ENOENT) | CODE(BH_EPERM) | CODE(BH_EBUSY) |
                            CODE(BH_EEXIST) | CODE(BH_EOPNOTSUPP) | CODE(BH_ENOSPC) |
                            CODE(BH_ETIMEDOUT),
    [BH_CALL_DEVICE_UNBIND] = CODE(BH_EPERM) | CODE(BH_EBUSY) | CODE(BH_ENOENT) |
                              CODE(BH_ETIMEDOUT),
    [BH_CALL_IOAS_ALLOC_PAGING] = CODE(BH_ENOENT) | CODE(BH_EPERM) | CODE(BH_EOPNOTSUPP) |
                                  CODE(BH_ENOSPC),
    [BH_CALL_IOAS_FREE] = CODE(BH_ENOENT) | CODE(BH_EBUSY) | CODE(BH_ETIMEDOUT),
    [BH_CALL_IOAS_MAP] = CODE(BH_EAGAIN) | CODE(BH_EEXIST) | CODE(BH_ERANGE) | CODE(BH_EINVAL) |
                         CODE(BH_ENOSPC) | CODE(BH_ENOENT) | CODE(BH_EPERM) | CODE(BH_ETIMEDOUT),
    [BH_CALL_IOAS_UNMAP] = CODE(BH_EAGAIN) | CODE(BH_EINVAL) | CODE(BH_ERANGE) | CODE(BH_ENOENT) |
                           CODE(BH_ETIMEDOUT),
    [BH_CALL_ATTACH] = CODE(BH_EOPNOTSUPP) | CODE(BH_EINVAL) | CODE(BH_EBUSY) | CODE(BH_EPERM) |
                       CODE(BH_ENOENT) | CODE(BH_ERANGE) | CODE(BH_ENOSPC) | CODE(BH_ETIMEDOUT),
    [BH_CALL_DETACH] = CODE(BH_EOPNOTSUPP) | CODE(BH_EINVAL) | CODE(BH_EPERM) | CODE(BH_ENOENT) |
                       CODE(BH_ETIMEDOUT),
    [BH_CALL_QUERY] = CODE(BH_EINVAL) | CODE(BH_ENOENT) | CODE(BH_EFAULT) | CODE(BH_EPERM),
    [BH_CALL_CONSOLE_WRITE] = CODE(BH_EFAULT) | CODE(BH_EINVAL),
    [BH_CALL_CONSOLE_READ] = CODE(BH_EFAULT) | CODE(BH_EINVAL),
    [BH_CALL_POWER] = CODE(BH_EINVAL),
    [BH_CALL_EVENT_RING] = CODE(BH_EFAULT) | CODE(BH_EEXIST) | CODE(BH_ENOENT),
    [BH_CALL_IOAS_RANGES] = CODE(BH_ENOENT) | CODE(BH_EFAULT) | CODE(BH_EINVAL),
    [BH_CALL_IOAS_RESERVE] = CODE(BH_ENOENT) | CODE(BH_EINVAL) | CODE(BH_ERANGE) | CODE(BH_ENOSPC),
    [BH_CALL_IOAS_REMAP] = CODE(BH_EAGAIN) | CODE(BH_ENOENT) | CODE(BH_EINVAL) | CODE(BH_ERANGE) |
                           CODE(BH_ETIMEDOUT),
    [BH_CALL_IOAS_UNMAP_ALL] = CODE(BH_EAGAIN) | CODE(BH_EINVAL) | CODE(BH_ERANGE) |
                               CODE(BH_ENOENT) | CODE(BH_ETIMEDOUT),
    [BH_CALL_REPLACE] = CODE(BH_EAGAIN) | CODE(BH_EOPNOTSUPP) | CODE(BH_EINVAL) | CODE(BH_EBUSY) |
                        CODE(BH_EPERM) | CODE(BH_ENOENT) | CODE(BH_ERANGE) | CODE(BH_ENOSPC) |
                        CODE(BH_ETIMEDOUT),
    [BH_CALL_DEVICE_RESET] = CODE(BH_EAGAIN) | CODE(BH_ENOENT) | CODE(BH_EPERM) |
                             CODE(BH_EOPNOTSUPP) | CODE(BH_ETIMEDOUT),
    [BH_CALL_DEVICE_CONFIG_READ] = CODE(BH_EINVAL) | CODE(BH_ENOENT) | CODE(BH_EPERM) |
                                   CODE(BH_EOPNOTSUPP) | CODE(BH_EBUSY),
    [BH_CALL_DEVICE_CONFIG_WRITE] = CODE(BH_EINVAL) | CODE(BH_ENOENT) | CODE(BH_EPERM) |
                                    CODE(BH_EOPNOTSUPP) | CODE(BH_EBUSY),
    [BH_CALL_MSI_BIND] = CODE(BH_ENOENT) | CODE(BH_EPERM) | CODE(BH_EOPNOTSUPP) | CODE(BH_ERANGE) |
                         CODE(BH_EINVAL) | CODE(BH_EBUSY) | CODE(BH_ENOSPC) | CODE(BH_ETIMEDOUT),
    [BH_CALL_NOTIFY] = CODE(BH_ENOENT) | CODE(BH_EAGAIN),
    [BH_CALL_PARTITION_CONTROL] = CODE(BH_EPERM) | CODE(BH_ENOENT) | CODE(BH_EINVAL) |
                                  CODE(BH_EBUSY) | CODE(BH_EEXIST) | CODE(BH_EOPNOTSUPP),
    [BH_CALL_DEVICE_GIVE] = CODE(BH_EPERM) | CODE(BH_ENOENT) | CODE(BH_EAGAIN) |
                            CODE(BH_EOPNOTSUPP) | CODE(BH_ETIMEDOUT),
};

/* The call, where the slot that it looks at is this one, or where it looks at none. */
static void call_with_slot(uint64_t slot)
{
    struct vcpu vcpu;
    uint64_t x[6], x1, x4, x5;
    bool as_before, ioas_as_before;

    proof_slot = slot;
    any_partition();
    vcpu.partition = caller;
    any_watch();
    for (unsigned int i = 0; i < 6; i++)
        given[i] = x[i] = nondet_u64();
    x1 = x[1];
    x4 = x[4];
    x5 = x[5];
    remember();

    hypercall(&vcpu, x, CALL);

    int64_t result = (int64_t)x[0];
    bool error = result < 0;

    as_before = is_as_before();
    ioas_as_before = ioas_taken_as_before();
    HOLDS(IMPLIES(error, result >= BH_EFAULT && (documented[CALL] >> -result & 1) != 0),
          "an error is one that the call documents");
    HOLDS(IMPLIES(!error && CALL != BH_CALL_VERSION && CALL != BH_CALL_IOAS_ALLOC_PAGING,
                  result == BH_OK),
          "success is OK, unless the call returns a value");
    HOLDS(IMPLIES(CALL == BH_CALL_VERSION, result == (BH_ABI_MAJOR << 16 | BH_ABI_MINOR)),
          "the version is the header's");
    HOLDS(IMPLIES(CALL == BH_CALL_FEATURES, error == (x1 >= BH_CALL_LIMIT)),
          "a feature is a call that exists");
    HOLDS(IMPLIES(CALL == BH_CALL_IOAS_ALLOC_PAGING && !error,
                  result > 0 && result <= INT32_MAX && (result & 0xFF) == (int64_t)slot + 1 &&
                      caller->ioas[slot].id == result && caller->ioas[slot].owner == caller),
          "a new id is positive, and its slot is taken");
    HOLDS(IMPLIES(error && result != BH_ETIMEDOUT && inner == 1, effects == 0 && as_before),
          "a call that its checks refuse changes nothing");
    HOLDS(IMPLIES(error, ioas_as_before), "after an error an address space stays taken");
    HOLDS(x[4] == x4 && x[5] == x5, "the registers without results are as they were");
    HOLDS(no_lock_is_held(), "no lock is held");
    HOLDS(nothing_is_unawaited(), "the units have done what they were told");
    HOLDS(IMPLIES(result != BH_ETIMEDOUT, nothing_is_stale()), "no unit knows what was taken out");
    HOLDS(IMPLIES(error && result != BH_EAGAIN && result != BH_ETIMEDOUT, !something_was_mapped()),
          "after another error nothing was mapped");
}

int main(void)
{
    uint8_t slot = nondet_u8();

    for (unsigned int i = 0; i < CASES; i++) {
        if (slot == i) {
            call_with_slot(i);
            break;
        }
    }
    return 0;
}
