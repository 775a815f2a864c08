/* SPDX-License-Identifier: Apache-2.0 */
/* How I/O address spaces come and go, and what an attach changes about them. */
#include "bulkhead/abi.h"
#include "kernel/ioas_parts.h"
#include "kernel/partition.h"
#include "kernel/window.h"

/* ---- Classes ------------------------------------------------------------------------------------- */

bool ioas_plan(struct partition *partition, const struct device *device)
{
    const struct iommu *iommu = device->iommu;
    uint32_t c = 0;

    if (iommu == NULL)
        return true;
    const struct iommu_capabilities *capabilities = &iommu->capabilities;

    partition->messages = partition->messages || device->vectors != 0;
    while (c < partition->class_count &&
           (partition->unit_class[c].format != iommu->format ||
            partition->unit_class[c].input_bits != capabilities->input_bits))
        c++;
    if (c == IOAS_TREES)
        return false;
    struct ioas_class *class = &partition->unit_class[c];

    if (c == partition->class_count) {
        *class = (struct ioas_class){ .format = iommu->format,
                                      .input_bits = capabilities->input_bits,
                                      .output_bits = capabilities->output_bits,
                                      .coherent = true };
        partition->class_count++;
    }
    class->output_bits = (unsigned int)min_u64(class->output_bits, capabilities->output_bits);
    class->coherent = class->coherent && capabilities->coherent;
    partition->class_of[iommu->number] = (uint8_t)(c + 1);
    return true;
}

/* ---- Life ----------------------------------------------------------------------------------------- */

/* Ids are positive as 32-bit numbers; a generation that wraps after 2^23 uses of a slot is old
 * news. */
static uint32_t make_id(uint32_t slot, uint32_t generation)
{
    return (uint32_t)(FIELD_PUT(IOAS_ID_GENERATION, generation) | (slot + 1));
}

bool ioas_acquire_pair(struct partition *partition, uint64_t a, uint64_t b, struct ioas *pair[2])
{
    bool turned = (a & IOAS_ID_SLOT) > (b & IOAS_ID_SLOT);

    /* Two ids of one slot: one of them is of an earlier life, and the lock is there once. */
    if (a != b && ((a ^ b) & IOAS_ID_SLOT) == 0)
        return false;
    pair[turned] = ioas_acquire(partition, turned ? b : a);
    if (pair[turned] == NULL)
        return false;
    pair[!turned] = a == b ? pair[turned] : ioas_acquire(partition, turned ? a : b);
    if (pair[!turned] != NULL)
        return true;
    ioas_release(pair[turned]);
    return false;
}

void ioas_release_pair(struct ioas *const pair[2])
{
    if (pair[1] != pair[0])
        ioas_release(pair[1]);
    ioas_release(pair[0]);
}

/* A slot that is free, its lock taken; NULL: there is none. */
static struct ioas *acquire_free(struct partition *partition)
{
    for (uint32_t i = 0; i < PARTITION_IOAS; i++) {
        struct ioas *ioas = &partition->ioas[i];

        if (__atomic_load_n(&ioas->owner, __ATOMIC_RELAXED) != NULL)
            continue;
        lock_acquire(&ioas->lock);
        if (ioas->owner == NULL)
            return ioas;
        lock_release(&ioas->lock);
    }
    return NULL;
}

/* Takes the roots of the first count trees, which are empty and which no unit knows, out of them. */
static void give_roots(struct partition *partition, struct ioas *ioas, uint32_t count)
{
    struct page_list freed = PAGE_LIST_EMPTY;

    for (uint32_t t = 0; t < count; t++)
        pagetable_release(&ioas->tree[t].table, &freed);
    page_pool_give(&partition->pool, &freed);
}

/* An empty tree for each class of the partition, that of index `first` at the front. */
static bool make_trees(struct partition *partition, struct ioas *ioas, uint32_t first)
{
    for (uint32_t t = 0; t < partition->class_count; t++) {
        uint32_t c = t == 0 ? first : t - (t <= first);
        const struct ioas_class *class = &partition->unit_class[c];

        ioas->tree[t] = (struct ioas_tree){ .format = class->format,
                                            .output_limit = BIT(class->output_bits) };
        if (!pagetable_init(&ioas->tree[t].table, class->format->entries, &partition->pool,
                            class->input_bits, class->coherent)) {
            give_roots(partition, ioas, t);
            return false;
        }
        for (uint32_t i = 0; i < TOPOLOGY_IOMMUS; i++) {
            if (partition->class_of[i] == c + 1)
                ioas->domain[i] = (struct iommu_domain){ .table = &ioas->tree[t].table };
        }
    }
    ioas->tree_count = partition->class_count;
    return true;
}

int64_t ioas_alloc_paging(struct partition *partition, struct device *device)
{
    struct ioas *ioas;
    int64_t result = BH_ENOSPC;

    if (device->iommu == NULL)
        return BH_EOPNOTSUPP;
    ioas = acquire_free(partition);
    if (ioas == NULL)
        return BH_ENOSPC;
    if (make_trees(partition, ioas, partition->class_of[device->iommu->number] - 1u)) {
        ioas->attached = 0;
        ioas->reserved_count = 0;
        ioas->closed = 0;
        __atomic_store_n(&ioas->owner, partition, __ATOMIC_RELAXED);
        ioas_keep_to_limits(ioas);
        ioas->generation++;
        ioas->id = make_id((uint32_t)(ioas - partition->ioas), ioas->generation);
        result = ioas->id;
    }
    lock_release(&ioas->lock);
    return result;
}

static inline struct ioas_tree *tree_of(struct ioas *ioas, const struct iommu_domain *domain)
{
    uint32_t t = 0;

    while (domain->table != &ioas->tree[t].table)
        t++;
    return &ioas->tree[t];
}

static void give_tag(struct ioas *ioas, struct ioas_tree *tree, uint32_t unit)
{
    iommu_tag_give(&devices.iommu[unit], ioas->domain[unit].tag);
    ioas->domain[unit].tag = 0;
    tree->units &= ~(uint32_t)BIT(unit);
}

void ioas_drop_domain(struct ioas *ioas, const struct iommu *iommu)
{
    uint32_t unit = iommu->number;

    give_tag(ioas, tree_of(ioas, &ioas->domain[unit]), unit);
}

/* The units give the space's tags back once they cache nothing under them. */
static bool give_tags(struct ioas *ioas)
{
    bool clean = true;

    for (uint32_t t = 0; t < ioas->tree_count; t++) {
        struct ioas_tree *tree = &ioas->tree[t];

        for (uint32_t left = tree->units; left != 0; left &= left - 1) {
            uint32_t unit = first_bit(left);
            struct iommu *iommu = &devices.iommu[unit];

            if (iommu->driver->invalidate_domain(iommu, &ioas->domain[unit]) == IOMMU_OK)
                give_tag(ioas, tree, unit);
            else
                clean = false;
        }
    }
    return clean;
}

static void vacate(struct ioas *ioas)
{
    ioas->id = 0;
    __atomic_store_n(&ioas->owner, NULL, __ATOMIC_RELAXED);
}

int64_t ioas_free(struct partition *partition, uint64_t id)
{
    struct ioas *ioas = ioas_acquire(partition, id);
    int64_t result = BH_OK;

    if (ioas == NULL)
        return BH_ENOENT;
    if (ioas->attached != 0 || ioas->tree[0].table.mapped != 0) {
        result = BH_EBUSY;
    } else if (!give_tags(ioas)) {
        result = BH_ETIMEDOUT; /* tag and roots stay taken: the unit may still know them */
    } else {
        give_roots(partition, ioas, ioas->tree_count);
        vacate(ioas);
    }
    ioas_release(ioas);
    return result;
}

bool ioas_free_all(struct partition *partition)
{
    bool clean = true;

    for (uint32_t i = 0; i < PARTITION_IOAS; i++) {
        struct ioas *ioas = &partition->ioas[i];

        if (ioas->owner == NULL)
            continue;
        lock_acquire(&ioas->lock); /* the end of another may be taking a window out of it */
        /* The pool is made anew before the partition starts again, so only the tags matter here. */
        if (give_tags(ioas)) {
            windows_forget(partition, ioas);
            vacate(ioas);
        } else {
            clean = false;
        }
        lock_release(&ioas->lock);
    }
    return clean;
}

/* ---- Attach ---------------------------------------------------------------------------------------- */

static bool cuts_reservation(const struct ioas *ioas, uint64_t limit)
{
    for (uint32_t i = 0; i < ioas->reserved_count; i++) {
        if (ioas->reserved[i].last >= limit)
            return true;
    }
    return false;
}

/* What the device wants to have in the space, and not, while it is attached there. Refusals change nothing. */
static int64_t furnish(struct ioas *ioas, const struct device *device)
{
    int64_t result = device->closes ? ioas_close(ioas, device) : BH_OK;

    if (result != BH_OK || device->vectors_bound == 0)
        return result;
    result = ioas_open_doorbell(ioas, device);
    if (result != BH_OK && device->closes)
        ioas_reopen(ioas, device);
    return result;
}

static void clear_out(struct ioas *ioas, const struct device *device)
{
    if (device->vectors_bound != 0)
        ioas_close_doorbell(ioas, device);
    if (device->closes)
        ioas_reopen(ioas, device);
}

int64_t ioas_enter(struct ioas *ioas, const struct device *device)
{
    struct iommu_domain *domain = &ioas->domain[device->iommu->number];
    struct ioas_tree *tree = tree_of(ioas, domain);

    if (tree->table.mapped != ioas->tree[0].table.mapped ||
        cuts_reservation(ioas, tree->table.limit))
        return BH_ERANGE;
    int64_t result = furnish(ioas, device);

    if (result != BH_OK)
        return result;
    if (domain->tag == 0) {
        domain->tag = iommu_tag_take(device->iommu);
        if (domain->tag == 0) {
            clear_out(ioas, device);
            return BH_ENOSPC;
        }
        tree->units |= (uint32_t)BIT(device->iommu->number);
    }
    ioas->attached++;
    tree->attached++;
    if (ioas->tree_count > 1)
        ioas_keep_to_limits(ioas);
    return BH_OK;
}

void ioas_leave(struct ioas *ioas, const struct device *device)
{
    ioas->attached--;
    tree_of(ioas, &ioas->domain[device->iommu->number])->attached--;
    clear_out(ioas, device);
    if (ioas->tree_count > 1)
        ioas_keep_to_limits(ioas);
}

/* ---- Ranges ---------------------------------------------------------------------------------------- */

int64_t ioas_ranges(struct partition *partition, uint64_t id, struct bh_range *ranges,
                    uint32_t *count)
{
    struct ioas *ioas = ioas_acquire(partition, id);

    if (ioas == NULL)
        return BH_ENOENT;
    *count = ioas_list_open(ioas, ranges);
    ioas_release(ioas);
    return BH_OK;
}

static int64_t reserve_locked(struct ioas *ioas, uint64_t iova, uint64_t size)
{
    if ((iova | size) == 0) {
        ioas->reserved_count = 0;
        return BH_OK;
    }
    int64_t result = ioas_check_open(ioas, iova, size);

    if (result != BH_OK)
        return result;
    if (ioas->reserved_count == BH_RESERVATIONS)
        return BH_ENOSPC;
    ioas->reserved[ioas->reserved_count++] = (struct bh_range){ .first = iova,
                                                                .last = iova + size - 1 };
    return BH_OK;
}

int64_t ioas_reserve(struct partition *partition, uint64_t id, uint64_t iova, uint64_t size)
{
    struct ioas *ioas = ioas_acquire(partition, id);

    if (ioas == NULL)
        return BH_ENOENT;
    int64_t result = reserve_locked(ioas, iova, size);

    ioas_release(ioas);
    return result;
}
