/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The hypercalls' checks of their arguments: any call with any registers, from a partition with two
 * devices and its I/O address spaces in any state. The code of kernel/hypercall.c,
 * kernel/partition.c, kernel/ioas*.c and kernel/events.c runs as it is. What lies below is replaced
 * by its contract: it may return what it is documented to return, and what it is given is checked
 * against what it asks for.
 */
#include "bulkhead/abi.h"
#include "kernel/assign.h"
#include "kernel/hypercall.h"
#include "kernel/keyboard.h"
#include "kernel/lifecycle.h"
#include "kernel/partition.h"
#include "kernel/window.h"
#include "lib/format.h"
#include "lib/log.h"
#include "lib/string.h"
#include "tests/proofs/proof.h"

#define VISIBLE (PROOF_PAGES * PAGE_SIZE)
#define CODE(error) (1u << -(error))

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
static struct partition the_caller, another;
static struct partition *const caller = &the_caller;
static struct device first_device, second_device;
static struct pci_function function;
static struct group group;
static unsigned int effects;   /* callees that change something */
static int64_t inner = 1;      /* what such a callee answered */
static uint64_t given[6];      /* the registers */
static bool window_met = true; /* nobody has asked, or a window's memory is mapped there */
static bool unawaited;         /* commands that nobody has waited for */

/* What other CPUs look at: of these calls the header of an event ring alone. */
void proof_store(volatile uint64_t *entry, uint64_t value)
{
    HOLDS(CALL == BH_CALL_EVENT_RING && __CPROVER_same_object((const void *)entry, proof_memory) &&
              __CPROVER_w_ok(entry, sizeof(*entry)),
          "a ring is stored to, and nothing else");
    (void)value; /* no call reads it back: its memory holds anything before and behind */
    effects++;
}

void proof_barrier(void)
{
}

/* ---- What lies below ------------------------------------------------------------------------ */

/* Guest memory is written whole structures at a time, to memory that is the caller's. */
void *memcpy(void *restrict to, const void *restrict from, size_t length)
{
    HOLDS(__CPROVER_w_ok(to, length) && __CPROVER_r_ok(from, length), "a copy stays inside");
    if (__CPROVER_same_object(to, proof_memory))
        effects++;
    return to;
}

size_t format(char *buffer, size_t size, const char *text, ...)
{
    (void)text;
    HOLDS(__CPROVER_w_ok(buffer, size), "a name stays inside its field");
    return 0;
}

static int64_t any_of(unsigned int codes)
{
    uint8_t code = nondet_u8();

    GIVEN(code < 16 && (codes >> code & 1) != 0);
    effects++;
    inner = -(int64_t)code;
    return inner;
}

static bool is_listed(const struct device *device)
{
    return device == caller->device[0] || device == caller->device[1];
}

bool assign_hold(const struct partition *partition, struct device *device)
{
    HOLDS(partition == caller && is_listed(device), "only a listed device is held");
    return device->bound == caller;
}

void assign_let_go(struct device *device)
{
    HOLDS(is_listed(device) && device->bound == caller, "what is let go was held");
}

int64_t assign_bind(struct partition *partition, struct device *device, uint64_t label,
                    uint64_t *wait)
{
    (void)label;
    HOLDS(partition == caller && is_listed(device), "only a listed device is bound");
    *wait = nondet_u64();
    return any_of(1 | CODE(BH_EAGAIN) | CODE(BH_EPERM) | CODE(BH_EBUSY) | CODE(BH_EEXIST) |
                  CODE(BH_EOPNOTSUPP) | CODE(BH_ENOSPC) | CODE(BH_ETIMEDOUT));
}

int64_t assign_unbind(struct partition *partition, struct device *device)
{
    HOLDS(partition == caller && is_listed(device), "only a listed device is unbound");
    return any_of(1 | CODE(BH_EPERM) | CODE(BH_EBUSY) | CODE(BH_ETIMEDOUT));
}

int64_t assign_replace(struct partition *partition, struct device *device, uint64_t id,
                       bool *hitless)
{
    (void)id;
    HOLDS(partition == caller && is_listed(device) && device->bound == caller,
          "only a device that the caller has bound is moved");
    *hitless = nondet_bool();
    return any_of(1 | CODE(BH_EAGAIN) | CODE(BH_EPERM) | CODE(BH_EBUSY) | CODE(BH_ENOENT) |
                  CODE(BH_ERANGE) | CODE(BH_ENOSPC) | CODE(BH_ETIMEDOUT));
}

int64_t assign_reset(struct partition *partition, struct device *device, uint64_t *wait)
{
    HOLDS(partition == caller && is_listed(device), "only a listed device is reset");
    *wait = nondet_u64();
    return any_of(1 | CODE(BH_EAGAIN) | CODE(BH_EPERM) | CODE(BH_EOPNOTSUPP) | CODE(BH_ETIMEDOUT));
}

int64_t assign_attach(struct partition *partition, struct device *device, uint64_t id)
{
    (void)id;
    HOLDS(partition == caller && is_listed(device) && device->bound == caller,
          "only a device that the caller has bound is attached");
    return any_of(1 | CODE(BH_EPERM) | CODE(BH_EBUSY) | CODE(BH_EOPNOTSUPP) | CODE(BH_ENOENT) |
                  CODE(BH_ERANGE) | CODE(BH_ENOSPC) | CODE(BH_ETIMEDOUT));
}

int64_t assign_detach(struct partition *partition, struct device *device)
{
    HOLDS(partition == caller && is_listed(device), "only a listed device is detached");
    return any_of(1 | CODE(BH_EPERM) | CODE(BH_ENOENT) | CODE(BH_ETIMEDOUT));
}

void console_write(struct console *console, unsigned int source, const char *name,
                   const char *bytes, size_t length)
{
    (void)source;
    (void)name;
    HOLDS(console == &caller->console && length > 0 && length <= BH_CONSOLE_BYTES_PER_CALL &&
              __CPROVER_r_ok(bytes, length),
          "the console gets its bytes");
    effects++;
}

size_t console_read(struct console *console, char *bytes, size_t length)
{
    size_t count = nondet_u64();

    HOLDS(console == &caller->console && length > 0 && length <= BH_CONSOLE_BYTES_PER_CALL &&
              __CPROVER_w_ok(bytes, length),
          "input goes to memory of the caller");
    GIVEN(count <= length);
    effects++;
    return count;
}

bool keyboard_works(void)
{
    return nondet_bool();
}

uint64_t log_dropped(unsigned int source)
{
    HOLDS(source == LOG_HYPERVISOR + 1 + caller->index, "the caller's own lines");
    return nondet_u64();
}

bool arch_vcpu_interrupt(struct vcpu *vcpu, uint32_t interrupt)
{
    (void)vcpu;
    (void)interrupt;
    HOLDS(false, "no event is told here");
}

/* Windows refuse here what they may refuse; what they map stands with them. */
int64_t window_map_begin(const struct partition *partition, struct ioas *ioas, uint64_t iova,
                         uint64_t address, uint64_t size, uint64_t flags, uint64_t *physical,
                         struct window_map **map)
{
    (void)ioas;
    (void)iova;
    (void)address;
    (void)flags;
    HOLDS(partition == caller && size != 0 && __CPROVER_w_ok(physical, sizeof(*physical)) &&
              __CPROVER_w_ok(map, sizeof(*map)),
          "a window is asked for the caller's own");
    return nondet_bool() ? BH_ERANGE : nondet_bool() ? BH_EPERM : BH_ENOSPC;
}

void window_map_end(struct window_map *map, uint64_t done, bool clean)
{
    (void)map;
    (void)done;
    (void)clean;
    HOLDS(false, "no map of a window was begun");
}

bool windows_may_unmap(const struct partition *partition, const struct ioas *ioas, uint64_t iova,
                       uint64_t size)
{
    (void)ioas;
    (void)iova;
    (void)size;
    HOLDS(partition == caller, "the caller's own windows");
    return nondet_bool();
}

void windows_unmapped(const struct partition *partition, const struct ioas *ioas, uint64_t iova,
                      uint64_t size, bool clean)
{
    (void)ioas;
    (void)iova;
    (void)clean;
    HOLDS(partition == caller && size != 0, "what was taken out of the caller's own");
}

void windows_forget(const struct partition *partition, const struct ioas *ioas)
{
    (void)partition;
    (void)ioas;
    HOLDS(false, "no call ends the caller here");
}

bool windows_meet(const struct partition *partition, const struct ioas *ioas, uint64_t iova,
                  uint64_t size)
{
    (void)ioas;
    (void)iova;
    HOLDS(partition == caller && size != 0, "the caller's own windows");
    window_met = nondet_bool();
    return window_met;
}

int64_t window_notify(const struct partition *partition, uint64_t index)
{
    HOLDS(partition == caller && index == given[1], "the caller's window of that index");
    return any_of(1 | CODE(BH_ENOENT) | CODE(BH_EAGAIN));
}

int64_t window_query(const struct partition *partition, uint64_t index,
                     struct bh_query_window *answer)
{
    (void)index;
    HOLDS(partition == caller && __CPROVER_w_ok(answer, sizeof(*answer)),
          "the caller's own windows");
    return nondet_bool() ? BH_OK : BH_ENOENT;
}

_Noreturn void lifecycle_end(struct partition *partition, uint32_t exit_code, bool again)
{
    (void)again;
    HOLDS(partition == caller && exit_code <= UINT8_MAX, "the caller ends with a code of one byte");
    GIVEN(false);
    for (;;)
        ;
}

const uint8_t *lifecycle_set_digest(void)
{
    static const uint8_t digest[32];

    return digest;
}

struct partition *arch_vcpu_partition(const struct vcpu *vcpu)
{
    (void)vcpu;
    return caller;
}

struct topology_range device_registers(const struct device *device, unsigned int index)
{
    HOLDS(is_listed(device) && index < BH_BAR_COUNT, "the registers of a listed device");
    return (struct topology_range){ .base = nondet_u64(), .size = nondet_u64() };
}

enum pci_reset_method pci_reset_method(const struct pci *pci, const struct pci_function *of)
{
    (void)pci;
    (void)of;
    return nondet_bool() ? PCI_RESET_NONE : PCI_RESET_FUNCTION_LEVEL;
}

struct owner owner_decode(uint64_t word)
{
    struct owner owner = { .state = (enum owner_state)(word & 3), .index = nondet_u32() };

    GIVEN(owner.state <= OWNER_PARTITION);
    return owner;
}

uint16_t iommu_tag_take(struct iommu *iommu)
{
    uint16_t tag = nondet_u16();

    HOLDS(iommu == &devices.iommu[0], "a tag of the device's own unit");
    return tag;
}

void iommu_tag_give(struct iommu *iommu, uint16_t tag)
{
    HOLDS(iommu == &devices.iommu[0] && tag != 0, "a tag goes back to its unit");
}

bool pagetable_init(struct pagetable *table, const struct pagetable_format *format_of,
                    struct page_pool *pool, unsigned int input_bits, bool coherent)
{
    (void)table;
    (void)format_of;
    (void)coherent;
    HOLDS(pool == &caller->pool && input_bits == devices.iommu[0].capabilities.input_bits,
          "tables come from the caller's pool, with the unit's geometry");
    if (nondet_bool())
        return false;
    effects++;
    return true;
}

void pagetable_release(struct pagetable *table, struct page_list *freed)
{
    (void)freed;
    HOLDS(table->mapped == 0, "only an empty tree is released");
    effects++;
}

void page_pool_give(struct page_pool *pool, struct page_list *list)
{
    (void)list;
    HOLDS(pool == &caller->pool, "pages go back to the caller's pool");
}

static void check_range(const struct pagetable *table, uint64_t address, uint64_t size)
{
    HOLDS(size != 0 && is_aligned(address | size, PAGE_SIZE) && address < table->limit &&
              size <= table->limit - address,
          "the walker gets a range that it can walk");
}

static void check_output(uint64_t output, uint64_t size)
{
    HOLDS(is_aligned(output, PAGE_SIZE) && output >= caller->physical &&
              size <= caller->visible_size &&
              output - caller->physical <= caller->visible_size - size &&
              output + size <= BIT(devices.iommu[0].capabilities.output_bits),
          "a device is led to frames of the caller alone, that its unit can name");
}

static void check_attributes(uint64_t attributes)
{
    HOLDS((attributes & ~UINT64_C(0xC0)) == 0x400 && attributes != 0x400,
          "with the access that was asked for, and no other bits");
}

/* How far a walk of size bytes came that had so many changes to make at most. */
static void any_progress(enum pagetable_result result, uint64_t size, uint32_t bound,
                         struct pagetable_progress *progress)
{
    *progress = (struct pagetable_progress){ .freed = PAGE_LIST_EMPTY };
    if (result != PAGETABLE_OK && result != PAGETABLE_MORE)
        return;
    progress->done = result == PAGETABLE_OK ? size : nondet_u64() & ~(PAGE_SIZE - 1);
    GIVEN(progress->done != 0 && (result == PAGETABLE_OK || progress->done < size));
    progress->steps = nondet_u32();
    GIVEN(progress->steps != 0 && progress->steps <= bound);
    progress->leaves = progress->steps;
}

enum pagetable_result pagetable_map(struct pagetable *table, uint64_t address, uint64_t output,
                                    uint64_t size, uint64_t attributes, uint32_t bound,
                                    struct pagetable_progress *progress)
{
    enum pagetable_result result = (enum pagetable_result)nondet_u8();

    check_range(table, address, size);
    check_output(output, size);
    check_attributes(attributes);
    HOLDS(bound == BH_MAP_ENTRIES_PER_CALL, "the call has its bound");
    GIVEN(result <= PAGETABLE_FULL);
    any_progress(result, size, bound, progress);
    effects++;
    inner = 0;
    return result;
}

enum pagetable_result pagetable_unmap(struct pagetable *table, uint64_t address, uint64_t size,
                                      uint32_t bound, struct pagetable_progress *progress)
{
    enum pagetable_result result = (enum pagetable_result)nondet_u8();

    check_range(table, address, size);
    HOLDS(bound == BH_MAP_ENTRIES_PER_CALL, "the call has its bound");
    GIVEN(result == PAGETABLE_OK || result == PAGETABLE_MORE || result == PAGETABLE_CUT);
    any_progress(result, size, bound, progress);
    progress->first = address;
    progress->end = address + size;
    if (result != PAGETABLE_CUT) {
        progress->leaves = nondet_u32();
        progress->bytes = nondet_u64();
        GIVEN(progress->leaves <= progress->steps && progress->bytes <= progress->done);
        progress->tables_freed = progress->leaves != 0 && nondet_bool();
    }
    effects++;
    inner = 0;
    return result;
}

static uint64_t checked_address, checked_output, checked_size;

enum pagetable_result pagetable_remap_check(const struct pagetable *table, uint64_t address,
                                            uint64_t output, uint64_t size, uint32_t bound,
                                            struct pagetable_progress *progress)
{
    enum pagetable_result result = (enum pagetable_result)nondet_u8();

    check_range(table, address, size);
    check_output(output, size);
    HOLDS(bound == BH_MAP_ENTRIES_PER_CALL, "the call has its bound");
    HOLDS(!window_met, "no window's memory is led elsewhere");
    GIVEN(result == PAGETABLE_OK || result == PAGETABLE_MORE || result == PAGETABLE_CUT ||
          result == PAGETABLE_ABSENT);
    any_progress(result, size, bound, progress);
    progress->first = address;
    progress->end = address + progress->done;
    progress->same_output = nondet_bool();
    checked_address = address;
    checked_output = output;
    checked_size = progress->done;
    return result;
}

void pagetable_remap_break(struct pagetable *table, uint64_t address, uint64_t size)
{
    HOLDS(table == &caller->ioas[proof_slot].tree[0].table && size != 0 &&
              address == checked_address && size == checked_size,
          "what is taken out has been checked");
    effects++;
    inner = 0;
}

void pagetable_remap_make(struct pagetable *table, uint64_t address, uint64_t output, uint64_t size,
                          uint64_t attributes)
{
    HOLDS(table == &caller->ioas[proof_slot].tree[0].table && size != 0 &&
              address == checked_address && size == checked_size && output == checked_output,
          "what is put in has been checked");
    HOLDS(!unawaited, "no unit knows the old leaves any more");
    check_attributes(attributes);
    effects++;
    inner = 0;
}

static enum iommu_result invalidate(struct iommu *iommu, const struct iommu_domain *domain,
                                    uint64_t address, uint64_t size, uint32_t leaves, bool tables,
                                    struct iommu_ticket *ticket, bool last)
{
    (void)domain;
    (void)address;
    (void)size;
    HOLDS(iommu == &devices.iommu[0] && (leaves != 0 || tables), "there is something to forget");
    HOLDS(ticket->position == 0 && last, "a batch of one call");
    if (nondet_bool())
        return IOMMU_SILENCED;
    ticket->position = 1;
    unawaited = true;
    return IOMMU_OK;
}

static enum iommu_result wait(struct iommu *iommu, const struct iommu_ticket *ticket)
{
    HOLDS(iommu == &devices.iommu[0] && ticket->position != 0, "there is something to wait for");
    unawaited = false;
    if (nondet_bool())
        return IOMMU_SILENCED;
    return IOMMU_OK;
}

static enum iommu_result invalidate_domain(struct iommu *iommu, const struct iommu_domain *domain)
{
    (void)domain;
    HOLDS(iommu == &devices.iommu[0], "the unit of the address space");
    effects++;
    return nondet_bool() ? IOMMU_OK : IOMMU_SILENCED;
}

static const struct iommu_driver driver = {
    .invalidate = invalidate,
    .wait = wait,
    .invalidate_domain = invalidate_domain,
};

static const struct iommu_format stage2_format = { .read = 0x40, .write = 0x80, .common = 0x400 };

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
    ioas->reserved_count = nondet_u8() % (BH_RESERVATIONS + 1);
    ioas->tree_count = 1;
    ioas->tree[0].format = &stage2_format;
    ioas->tree[0].units = 1;
    ioas->tree[0].table.limit = BIT(devices.iommu[0].capabilities.input_bits);
    ioas->tree[0].table.mapped = used ? nondet_u64() : 0;
    ioas->domain[0] = (struct iommu_domain){ &ioas->tree[0].table, 1 + nondet_u8() };
    ioas->limit = ioas->tree[0].table.limit;
    ioas->output_limit = BIT(devices.iommu[0].capabilities.output_bits);
}

static void any_memory(void)
{
    __CPROVER_havoc_object(proof_memory);
    set.memory_base = nondet_u64() & ~(PAGE_SIZE - 1);
    caller->set = &set;
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
    devices.iommu[0].driver = &driver;
    devices.iommu[0].format = &stage2_format;
    capabilities->input_bits = nondet_bool() ? 39 : 48;
    capabilities->output_bits = nondet_bool() ? 40 : 48;
    caller->class_count = 1;
    caller->class_of[0] = 1;
    caller->unit_class[0] = (struct ioas_class){ .format = &stage2_format,
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
    [BH_CALL_QUERY] = CODE(BH_EINVAL) | CODE(BH_ENOENT) | CODE(BH_EFAULT),
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
    [BH_CALL_NOTIFY] = CODE(BH_ENOENT) | CODE(BH_EAGAIN),
};

/* The call, where the slot that it looks at is this one, or where it looks at none. */
static void call_with_slot(uint64_t slot)
{
    struct vcpu vcpu;
    uint64_t x[6], x1, x4, x5;
    bool as_before, ioas_as_before;

    proof_slot = slot;
    any_partition();
    for (unsigned int i = 0; i < 6; i++)
        given[i] = x[i] = nondet_u64();
    x1 = x[1];
    x4 = x[4];
    x5 = x[5];
    remember();

    hypercall(&vcpu, CALL, x);

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
    HOLDS(!unawaited, "the units have done what they were told");
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
