/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The TLB and the walk cache (3.17, 4.4): what they match on lookup, and to the letter what each
 * invalidation removes. Translations are tagged by regime and VMID, whichever stream caused them;
 * nothing leaves but by command or by eviction.
 */
#include "internal.h"

static bool entry_covers(const struct tlb_entry *entry, uint64_t input)
{
    return align_down(input, entry->log2_size) == entry->input;
}

/*
 * Leaves that translate this IPA, and the oldest of them. STEs of one VMID are interchangeable
 * (5.2.1), so the present STE's granule and table do not take part in the match.
 */
unsigned model_tlb_leaves(const struct smmuv3_model *model, uint16_t vmid, uint64_t ipa,
                          const struct tlb_entry **found)
{
    unsigned count = 0;

    for (unsigned i = 0; i < model->caches.tlb_count; i++) {
        const struct tlb_entry *entry = &model->caches.tlb[i];

        if (!entry->table && entry->regime == REGIME_NS_EL1_IPA && entry->vmid == vmid &&
            entry_covers(entry, ipa) && count++ == 0) {
            *found = entry;
        }
    }
    return count;
}

/* The cached table descriptor of this level on the way to this IPA; null if there is none. */
const struct tlb_entry *model_tlb_table(const struct smmuv3_model *model, const struct stage2 *s2,
                                        unsigned level, uint64_t ipa)
{
    for (unsigned i = 0; i < model->caches.tlb_count; i++) {
        const struct tlb_entry *entry = &model->caches.tlb[i];

        if (entry->table && entry->regime == REGIME_NS_EL1_IPA && entry->vmid == s2->vmid &&
            entry->granule == s2->granule && entry->level == level && entry_covers(entry, ipa)) {
            return entry;
        }
    }
    return NULL;
}

void model_tlb_insert(struct smmuv3_model *model, const struct tlb_entry *entry)
{
    struct model_caches *caches = &model->caches;

    if (caches->tlb_count == caches->tlb_room) {
        caches->tlb = model_grow(caches->tlb, &caches->tlb_room, sizeof(*caches->tlb));
    }
    caches->tlb[caches->tlb_count++] = *entry;
}

/* ------------------------------------------------------------------ invalidation */

/* Whether an address or range meets an entry; the address need not be the entry's first. */
static bool address_meets(const struct smmuv3_model_command *command, const struct tlb_entry *entry)
{
    uint64_t last = command->address + command->size - 1;

    if (!command->size) {
        return entry_covers(entry, command->address);
    }
    if (last < command->address) {
        last = ~UINT64_C(0); /* a range does not wrap (4.4.1.1) */
    }
    return command->address <= entry->input + low_bits(entry->log2_size) && entry->input <= last;
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

static bool removes(const struct smmuv3_model *model,
                    const struct pending_invalidation *invalidation, const struct tlb_entry *entry)
{
    const struct smmuv3_model_command *command = &invalidation->command;
    bool el1 = entry->regime == REGIME_NS_EL1_IPA || entry->regime == REGIME_NS_EL1_VA;

    if (entry->stamp > invalidation->stamp) {
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
    unsigned kept = 0;

    for (unsigned i = 0; i < caches->tlb_count; i++) {
        if (!removes(model, invalidation, &caches->tlb[i])) {
            caches->tlb[kept++] = caches->tlb[i];
        }
    }
    caches->tlb_count = kept;
}

struct smmuv3_model_cached smmuv3_model_cached(const struct smmuv3_model *model)
{
    struct smmuv3_model_cached cached = {
        .l1stds = model->caches.l1std_count,
        .stes = model->caches.ste_count,
    };

    for (unsigned i = 0; i < model->caches.tlb_count; i++) {
        cached.tables += model->caches.tlb[i].table;
        cached.leaves += !model->caches.tlb[i].table;
    }
    return cached;
}
