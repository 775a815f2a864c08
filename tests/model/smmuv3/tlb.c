/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The TLB and the walk cache (3.17, 4.4): what they match on lookup, and to the letter what each
 * invalidation removes. Translations are tagged by regime and VMID, whichever stream caused them;
 * nothing leaves but by command or by eviction.
 */
#include <string.h>

#include "internal.h"

static bool entry_covers(const struct tlb_entry *entry, uint64_t input)
{
    return align_down(input, entry->log2_size) == entry->input;
}

/* ------------------------------------------------------------------ lookup */

static uint64_t hash_of(enum tlb_regime regime, bool table, uint16_t vmid, unsigned log2_size,
                        uint64_t input)
{
    return model_hash(align_down(input, log2_size) + log2_size,
                      (uint64_t)regime + table * power_of_2(8) + vmid * power_of_2(16));
}

static uint64_t hash_of_entry(const struct tlb_entry *entry)
{
    return hash_of(entry->regime, entry->table, entry->vmid, entry->log2_size, entry->input);
}

/*
 * Whether an entry answers a lookup. Global entries answer any ASID of their set (3.17.1). STEs of
 * one VMID, and CDs of one ASID, are interchangeable (5.2.1, 5.4.1): their granule and table take
 * no part in it.
 */
bool model_tlb_matches(const struct smmuv3_model *model, const struct tlb_key *key,
                       const struct tlb_entry *entry)
{
    bool tagged = entry->regime == REGIME_NS_EL1_VA || entry->regime == REGIME_NS_EL2_E2H;

    (void)model;
    if (entry->regime != key->regime || entry->vmid != key->vmid) {
        return false;
    }
    return !tagged || (entry->global ? entry->aset == key->aset : entry->asid == key->asid);
}

/* Leaves that translate this address, and the oldest of them. */
unsigned model_tlb_leaves(const struct smmuv3_model *model, const struct tlb_key *key,
                          const struct tlb_entry **found)
{
    const struct model_caches *caches = &model->caches;
    unsigned count = 0;

    for (unsigned log2 = 0; log2 < TLB_SIZES; log2++) {
        uint64_t hash = 0;
        unsigned i = 0;

        if (!caches->tlb_sizes[log2]) {
            continue;
        }
        hash = hash_of(key->regime, false, key->vmid, log2, key->input);
        for (bool more = model_index_first(&caches->tlb_index, hash, &i); more;
             more = model_index_next(&caches->tlb_index, &i)) {
            const struct tlb_entry *entry = &caches->tlb[i];

            if (!entry->table && entry->log2_size == log2 && entry_covers(entry, key->input) &&
                model_tlb_matches(model, key, entry)) {
                *found = count++ && (*found)->order < entry->order ? *found : entry;
            }
        }
    }
    return count;
}

/* The oldest leaf that answers and is younger than `than`; there is one. */
static const struct tlb_entry *next_leaf(const struct smmuv3_model *model,
                                         const struct tlb_key *key, const struct tlb_entry *than)
{
    const struct tlb_entry *next = NULL;

    for (unsigned i = 0; i < model->caches.tlb_count; i++) {
        const struct tlb_entry *entry = &model->caches.tlb[i];

        if (!entry->table && entry->order > than->order && entry_covers(entry, key->input) &&
            model_tlb_matches(model, key, entry) && (!next || entry->order < next->order)) {
            next = entry;
        }
    }
    return next;
}

/* The leaf that answers, the oldest unless a chooser wants another; null, and how many there are. */
const struct tlb_entry *model_tlb_hit(struct smmuv3_model *model, const struct tlb_key *key,
                                      unsigned *hits)
{
    const struct tlb_entry *hit = NULL;
    unsigned other = 0;

    *hits = model_tlb_leaves(model, key, &hit);
    other = model_choose(model, SMMUV3_MODEL_CHOOSE_HIT, *hits);
    while (other--) {
        hit = next_leaf(model, key, hit);
    }
    return hit;
}

/* The oldest cached table descriptor of this level on the way; null if there is none. */
const struct tlb_entry *model_tlb_table(const struct smmuv3_model *model, const struct tlb_key *key,
                                        unsigned granule, unsigned level)
{
    const struct model_caches *caches = &model->caches;
    const struct tlb_entry *found = NULL;

    for (unsigned log2 = 0; log2 < TLB_SIZES; log2++) {
        uint64_t hash = 0;
        unsigned i = 0;

        if (!caches->tlb_sizes[log2]) {
            continue;
        }
        hash = hash_of(key->regime, true, key->vmid, log2, key->input);
        for (bool more = model_index_first(&caches->tlb_index, hash, &i); more;
             more = model_index_next(&caches->tlb_index, &i)) {
            const struct tlb_entry *entry = &caches->tlb[i];

            if (entry->table && entry->granule == granule && entry->level == level &&
                entry->log2_size == log2 && entry_covers(entry, key->input) &&
                model_tlb_matches(model, key, entry) && (!found || entry->order < found->order)) {
                found = entry;
            }
        }
    }
    return found;
}

/* ------------------------------------------------------------------ contents */

static void count_and_index(struct model_caches *caches, unsigned i)
{
    caches->tlb_sizes[caches->tlb[i].log2_size]++;
    model_index_add(&caches->tlb_index, hash_of_entry(&caches->tlb[i]), i);
}

/* Index all entries anew, with room for what the array has room for. */
static void rebuild(struct model_caches *caches)
{
    memset(caches->tlb_sizes, 0, sizeof(caches->tlb_sizes));
    model_index_resize(&caches->tlb_index, caches->tlb_room);
    for (unsigned i = 0; i < caches->tlb_count; i++) {
        count_and_index(caches, i);
    }
}

void model_tlb_insert(struct smmuv3_model *model, const struct tlb_entry *entry)
{
    struct model_caches *caches = &model->caches;

    if (model_choose(model, SMMUV3_MODEL_CHOOSE_FILL, 2)) {
        return;
    }
    if (caches->tlb_count == caches->tlb_room) {
        caches->tlb = model_grow(caches->tlb, &caches->tlb_room, sizeof(*caches->tlb));
        rebuild(caches);
    }
    caches->tlb[caches->tlb_count] = *entry;
    caches->tlb[caches->tlb_count].order = caches->tlb_order++;
    count_and_index(caches, caches->tlb_count++);
}

/* Take an entry out; the last one takes its place. */
static void take_out(struct model_caches *caches, unsigned at)
{
    unsigned last = --caches->tlb_count;

    caches->dropped++;
    caches->tlb_sizes[caches->tlb[at].log2_size]--;
    model_index_remove(&caches->tlb_index, hash_of_entry(&caches->tlb[at]), at);
    if (at != last) {
        uint64_t hash = hash_of_entry(&caches->tlb[last]);

        model_index_remove(&caches->tlb_index, hash, last);
        caches->tlb[at] = caches->tlb[last];
        model_index_add(&caches->tlb_index, hash, at);
    }
}

/* Evict one entry, given as the TLB holds it. */
void model_tlb_forget(struct smmuv3_model *model, const struct tlb_entry *entry)
{
    take_out(&model->caches, (unsigned)(entry - model->caches.tlb));
}

void model_tlb_evict(struct smmuv3_model *model)
{
    model->caches.tlb_count = 0;
    memset(model->caches.tlb_sizes, 0, sizeof(model->caches.tlb_sizes));
    model_index_clear(&model->caches.tlb_index);
}

/* ------------------------------------------------------------------ invalidation */

/*
 * Whether an address or range meets an entry; the address need not be the entry's first. What one
 * descriptor gave goes as a whole, into however many entries it was splintered (DDI 0487 D8.17).
 */
static bool address_meets(const struct smmuv3_model_command *command, const struct tlb_entry *entry)
{
    unsigned log2 = entry->span > entry->log2_size ? entry->span : entry->log2_size;
    uint64_t first = align_down(entry->input, log2);
    uint64_t last = command->address + command->size - 1;

    if (!command->size) {
        return align_down(command->address, log2) == first;
    }
    if (last < command->address) {
        last = ~UINT64_C(0); /* a range does not wrap (4.4.1.1) */
    }
    return command->address <= first + low_bits(log2) && first <= last;
}

/* By address: granule and level must fit where they are given, tables go with Leaf == 0 only. */
static bool by_address(const struct smmuv3_model_command *command, const struct tlb_entry *entry)
{
    if (command->granule && command->granule != entry->granule) {
        return false;
    }
    if (entry->table) {
        if (command->leaf || (command->ttl && entry->level >= command->ttl)) {
            return false;
        }
    } else if (command->ttl && entry->level != command->ttl) {
        return false;
    }
    return address_meets(command, entry);
}

/* A VMID counts where there is a stage 2. With 8-bit VMIDs no entry has a larger one. */
static bool by_vmid(const struct smmuv3_model *model, const struct smmuv3_model_command *command,
                    const struct tlb_entry *entry)
{
    if (!model->p.s2p) {
        return !command->vmid;
    }
    return command->vmid == entry->vmid;
}

static bool by_asid(const struct smmuv3_model_command *command, const struct tlb_entry *entry)
{
    return entry->global || entry->asid == command->asid;
}

/* Stage-1 entries of the guests: NH_* never touch what stage 2 alone translated. */
static bool nh_removes(const struct smmuv3_model *model, const struct smmuv3_model_command *command,
                       const struct tlb_entry *entry)
{
    if (entry->regime != REGIME_NS_EL1_VA || !by_vmid(model, command, entry)) {
        return false;
    }
    switch (command->opcode) {
    case CMD_TLBI_NH_ALL:
        return true;
    case CMD_TLBI_NH_ASID:
        return !entry->global && by_asid(command, entry);
    case CMD_TLBI_NH_VA:
        return by_asid(command, entry) && by_address(command, entry);
    case CMD_TLBI_NH_VAA:
        return by_address(command, entry);
    default:
        return false;
    }
}

/* EL2 entries: with CR2.E2H the ones with ASIDs, without it the ones without (4.4.2.8). */
static bool el2_removes(const struct pending_invalidation *invalidation,
                        const struct tlb_entry *entry)
{
    const struct smmuv3_model_command *command = &invalidation->command;
    enum tlb_regime regime = invalidation->e2h ? REGIME_NS_EL2_E2H : REGIME_NS_EL2;

    switch (command->opcode) {
    case CMD_TLBI_EL2_ALL:
        return entry->regime == REGIME_NS_EL2 || entry->regime == REGIME_NS_EL2_E2H;
    case CMD_TLBI_EL2_ASID:
        return entry->regime == REGIME_NS_EL2_E2H && !entry->global && by_asid(command, entry);
    case CMD_TLBI_EL2_VA:
        return entry->regime == regime && (!invalidation->e2h || by_asid(command, entry)) &&
               by_address(command, entry);
    case CMD_TLBI_EL2_VAA:
        return entry->regime == regime && by_address(command, entry);
    default:
        return false;
    }
}

/*
 * Whether the command came after what it is to remove. One for leaves only goes by the leaf
 * itself; one for stage 1 goes by what stage 1 contributed: an entry that stage 1 made after the
 * command, over a stale stage-2 entry, is not in its scope (hence the CMD_SYNC between the two).
 */
static bool came_after(const struct pending_invalidation *invalidation,
                       const struct tlb_entry *entry)
{
    const struct smmuv3_model_command *command = &invalidation->command;
    bool both = command->opcode == CMD_TLBI_NSNH_ALL || command->opcode == CMD_TLBI_S12_VMALL;

    if (command->leaf) {
        return entry->fetched <= invalidation->stamp;
    }
    return entry->stamp <= invalidation->stamp || (both && entry->s2_stamp <= invalidation->stamp);
}

static bool removes(const struct smmuv3_model *model,
                    const struct pending_invalidation *invalidation, const struct tlb_entry *entry)
{
    const struct smmuv3_model_command *command = &invalidation->command;
    bool el1 = entry->regime == REGIME_NS_EL1_IPA || entry->regime == REGIME_NS_EL1_VA;

    if (!came_after(invalidation, entry)) {
        return false;
    }
    switch (command->opcode) {
    case CMD_TLBI_NSNH_ALL:
        return el1;
    case CMD_TLBI_S12_VMALL:
        return el1 && by_vmid(model, command, entry);
    case CMD_TLBI_S2_IPA:
        return entry->regime == REGIME_NS_EL1_IPA && by_vmid(model, command, entry) &&
               by_address(command, entry);
    default:
        return nh_removes(model, command, entry) || el2_removes(invalidation, entry);
    }
}

void model_invalidate_tlb(struct smmuv3_model *model,
                          const struct pending_invalidation *invalidation)
{
    struct model_caches *caches = &model->caches;
    unsigned i = 0;

    while (i < caches->tlb_count) {
        if (removes(model, invalidation, &caches->tlb[i])) {
            take_out(caches, i);
        } else {
            i++;
        }
    }
}

uint64_t smmuv3_model_dropped(const struct smmuv3_model *model)
{
    return model->caches.dropped;
}

struct smmuv3_model_cached smmuv3_model_cached(const struct smmuv3_model *model)
{
    struct smmuv3_model_cached cached = {
        .l1stds = model->caches.l1std_count,
        .stes = model->caches.ste_count,
        .l1cds = model->caches.l1cd_count,
        .cds = model->caches.cd_count,
    };

    for (unsigned i = 0; i < model->caches.tlb_count; i++) {
        cached.tables += model->caches.tlb[i].table;
        cached.leaves += !model->caches.tlb[i].table;
    }
    return cached;
}
