/* SPDX-License-Identifier: Apache-2.0 */
/* See wrap.h. __wrap_x stands in for x, __real_x is x (the linker's --wrap). */
#include "wrap.h"

#include "arch/host/store_buffer.h"
#include "drivers/iommu/smmuv3/unit.h"
#include "kernel/partition.h"
#include "tests/contract/contract.h"

struct wrong wrong;
void (*wrap_before_pages_given)(const struct page_pool *pool);

/* The names are the linker's. */
void __real_hypercall(struct vcpu *vcpu, uint64_t *x, uint64_t number);
void __wrap_hypercall(struct vcpu *vcpu, uint64_t *x, uint64_t number);
bool __real_assign_release_all(struct partition *partition);
bool __wrap_assign_release_all(struct partition *partition);
bool __real_assign_release(struct partition *partition, struct device *device);
bool __wrap_assign_release(struct partition *partition, struct device *device);
bool __real_ioas_free_all(struct partition *partition);
/* What the manager takes away is as if its owner had detached and unbound it. */
bool __wrap_assign_release(struct partition *partition, struct device *device)
{
    const struct {
        uint64_t number;
        bool made;
    } calls[] = { { BH_CALL_DETACH, device->ioas != NULL },
                  { BH_CALL_DEVICE_UNBIND, device->bound == partition } };
    uint64_t x[6] = { 0, device->id, BH_PASID_NONE };
    bool clean = true;

    for (unsigned int i = 0; i < ARRAY_LENGTH(calls); i++) {
        if (calls[i].made)
            observer_call_begins(partition->index, calls[i].number, x);
        if (i == 0)
            clean = __real_assign_release(partition, device);
        x[0] = (uint64_t)(clean ? BH_OK : BH_ETIMEDOUT);
        if (calls[i].made)
            observer_call_returned(partition->index, x);
    }
    return clean;
}

bool __wrap_ioas_free_all(struct partition *partition);
void __real_page_pool_init(struct page_pool *pool, uint64_t base, uint32_t count,
                           struct page_record *records);
bool __real_windows_join(struct partition *partition);
bool __wrap_windows_join(struct partition *partition);
void __real_windows_leave(struct partition *partition);
void __wrap_windows_leave(struct partition *partition);
void __wrap_page_pool_init(struct page_pool *pool, uint64_t base, uint32_t count,
                           struct page_record *records);
uint64_t __real_page_pool_take(struct page_pool *pool);
uint64_t __wrap_page_pool_take(struct page_pool *pool);
void __real_page_pool_give(struct page_pool *pool, struct page_list *list);
void __wrap_page_pool_give(struct page_pool *pool, struct page_list *list);
uint16_t __real_iommu_tag_take(struct iommu *iommu);
uint16_t __wrap_iommu_tag_take(struct iommu *iommu);
void __real_iommu_tag_give(struct iommu *iommu, uint16_t tag);
void __wrap_iommu_tag_give(struct iommu *iommu, uint16_t tag);
enum iommu_result __real_smmuv3_issue(struct smmuv3 *unit, const struct command *commands,
                                      uint32_t count);
enum iommu_result __wrap_smmuv3_issue(struct smmuv3 *unit, const struct command *commands,
                                      uint32_t count);
enum iommu_result __real_smmuv3_put(struct smmuv3 *unit, const struct command *commands,
                                    uint32_t count, struct iommu_ticket *ticket, bool last);
enum iommu_result __wrap_smmuv3_put(struct smmuv3 *unit, const struct command *commands,
                                    uint32_t count, struct iommu_ticket *ticket, bool last);
void __real_host_barrier(void);
void __wrap_host_barrier(void);
void __real_cache_clean(const volatile void *pointer, uint64_t size);
void __wrap_cache_clean(const volatile void *pointer, uint64_t size);

void __wrap_hypercall(struct vcpu *vcpu, uint64_t *x, uint64_t number)
{
    unsigned int partition = vcpu->partition->index;

    observer_call_begins(partition, number, x);
    contract_begins();
    __real_hypercall(vcpu, x, number);
    contract_ends(number, (int64_t)x[0]);
    observer_call_returned(partition, x);
}

bool __wrap_assign_release_all(struct partition *partition)
{
    observer_release_begins(partition->index);
    bool clean = __real_assign_release_all(partition);

    observer_released(partition->index, clean);
    return clean;
}

bool __wrap_ioas_free_all(struct partition *partition)
{
    bool clean = __real_ioas_free_all(partition);

    observer_spaces_freed(partition->index);
    return clean;
}

bool __wrap_windows_join(struct partition *partition)
{
    bool result = __real_windows_join(partition);

    if (result)
        observer_joined(partition->index);
    return result;
}

void __wrap_windows_leave(struct partition *partition)
{
    observer_leave_begins(partition->index);
    __real_windows_leave(partition);
    observer_left(partition->index);
}

void __wrap_page_pool_init(struct page_pool *pool, uint64_t base, uint32_t count,
                           struct page_record *records)
{
    __real_page_pool_init(pool, base, count, records);
    observer_pages(base, count, true);
}

uint64_t __wrap_page_pool_take(struct page_pool *pool)
{
    uint64_t page = __real_page_pool_take(pool);

    if (page != 0)
        observer_pages(page, 1, false);
    return page;
}

void __wrap_page_pool_give(struct page_pool *pool, struct page_list *list)
{
    if (wrap_before_pages_given != NULL && list->first != PAGE_NONE)
        wrap_before_pages_given(pool);
    for (uint32_t i = list->first; i != PAGE_NONE; i = pool->records[i].next)
        observer_pages(pool->base + ((uint64_t)i << PAGE_SHIFT), 1, true);
    __real_page_pool_give(pool, list);
}

uint16_t __wrap_iommu_tag_take(struct iommu *iommu)
{
    uint16_t tag = wrong.tag != NULL ? wrong.tag() : 0;

    if (tag == 0)
        tag = __real_iommu_tag_take(iommu);
    observer_tag(iommu, tag, true);
    return tag;
}

void __wrap_iommu_tag_give(struct iommu *iommu, uint16_t tag)
{
    observer_tag(iommu, tag, false);
    __real_iommu_tag_give(iommu, tag);
}

/* The commands of a batch as the wrong driver has them, in changed[BATCH_LIMIT]. */
static const struct command *change(const struct command *commands, uint32_t *count,
                                    struct command *changed)
{
    if (wrong.commands == NULL)
        return commands;
    for (uint32_t i = 0; i < *count; i++)
        changed[i] = commands[i];
    *count = wrong.commands(changed, *count);
    return changed;
}

enum iommu_result __wrap_smmuv3_issue(struct smmuv3 *unit, const struct command *commands,
                                      uint32_t count)
{
    struct command changed[BATCH_LIMIT];

    commands = change(commands, &count, changed);
    return __real_smmuv3_issue(unit, commands, count);
}

enum iommu_result __wrap_smmuv3_put(struct smmuv3 *unit, const struct command *commands,
                                    uint32_t count, struct iommu_ticket *ticket, bool last)
{
    struct command changed[BATCH_LIMIT];

    commands = change(commands, &count, changed);
    return __real_smmuv3_put(unit, commands, count, ticket, last);
}

/* In HOST_STORES_HELD. */
static void release_what_is_waited_for(void)
{
    unsigned int n = 0;

    while (n < host_stores_legal()) {
        if (wrong.not_waited_for(host_stores_at(n).address))
            n++;
        else
            host_stores_release(n);
    }
}

void __wrap_host_barrier(void)
{
    if (wrong.barriers_skipped != 0) {
        wrong.barriers_skipped--;
        return;
    }
    observer_barrier();
    if (wrong.not_waited_for != NULL)
        release_what_is_waited_for();
    else
        __real_host_barrier();
}

void __wrap_cache_clean(const volatile void *pointer, uint64_t size)
{
    if (!wrong.no_clean)
        __real_cache_clean(pointer, size);
}
