/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The contracts of page tables, of their pool, and of the unit. What is taken out of a table is followed until the
 * unit has forgotten it: at one address, which may be any.
 */
#include "tests/proofs/calls.h"

static bool unawaited;   /* commands that nobody has waited for */
static bool failed;      /* a unit has not done what it was told */
static bool stale;       /* what was taken out at the watched address is not forgotten yet */
static bool broken;      /* leaves are taken out, and others are to come in */
static bool mapped;      /* something is mapped that was not */
static uint64_t watched; /* an I/O virtual address */

const struct iommu_format proof_format = { .read = 0x40, .write = 0x80, .common = 0x400 };

void any_watch(void)
{
    watched = nondet_u64();
}

bool nothing_is_unawaited(void)
{
    return !unawaited;
}

bool nothing_is_stale(void)
{
    return !stale;
}

bool something_was_mapped(void)
{
    return mapped;
}

static bool is_watched(uint64_t first, uint64_t size)
{
    return watched >= first && watched - first < size;
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
    HOLDS(!unawaited && !stale && !failed, "a page comes back when no unit knows it");
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
    mapped = mapped || progress->done != 0;
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
        stale = stale || (progress->leaves != 0 && is_watched(address, size));
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
    HOLDS(windows_were_asked(address, size), "no window's memory is led elsewhere");
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
    stale = is_watched(address, size);
    broken = true;
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
    stale = stale || (!broken && is_watched(address, size));
    check_attributes(attributes);
    effects++;
    inner = 0;
}

static enum iommu_result invalidate(struct iommu *iommu, const struct iommu_domain *domain,
                                    uint64_t address, uint64_t size, uint32_t leaves, bool tables,
                                    struct iommu_ticket *ticket, bool last)
{
    (void)domain;
    HOLDS(iommu == &devices.iommu[0] && (leaves != 0 || tables), "there is something to forget");
    HOLDS(ticket->position == 0 && last, "a batch of one call");
    failed = failed || nondet_bool();
    if (failed)
        return IOMMU_SILENCED;
    ticket->position = 1;
    unawaited = true;
    stale = stale && !is_watched(address, size);
    return IOMMU_OK;
}

static enum iommu_result wait(struct iommu *iommu, const struct iommu_ticket *ticket)
{
    HOLDS(iommu == &devices.iommu[0] && ticket->position != 0, "there is something to wait for");
    unawaited = false;
    failed = failed || nondet_bool();
    return failed ? IOMMU_SILENCED : IOMMU_OK;
}

static enum iommu_result invalidate_domain(struct iommu *iommu, const struct iommu_domain *domain)
{
    (void)domain;
    HOLDS(iommu == &devices.iommu[0], "the unit of the address space");
    effects++;
    failed = nondet_bool();
    return failed ? IOMMU_SILENCED : IOMMU_OK;
}

const struct iommu_driver proof_driver = {
    .invalidate = invalidate,
    .wait = wait,
    .invalidate_domain = invalidate_domain,
};
