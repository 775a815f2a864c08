/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Stage-1 translation over VMSAv8-64 tables (3.4, 3.13, 3.17, 13.4, DDI 0487 D8): choice of half,
 * TLB, and the walk whose every fetch goes through stage 2 where there is one. A leaf of a nested
 * walk is cached as one entry of both stages; so is each table on the way.
 */
#include "internal.h"

/* What a table descriptor takes from everything below it (DDI 0487 D8.4.3). */
enum hierarchical {
    NO_USER = 1,
    READ_ONLY = 2,
    PRIVILEGED_NEVER = 4,
    USER_NEVER = 8,
};

unsigned model_inherited(const struct half *half, uint64_t descriptor)
{
    if (half->flat) {
        return 0;
    }
    return (field_in(descriptor, DESC_AP_TABLE_NO_USER) ? NO_USER : 0u) |
           (field_in(descriptor, DESC_AP_TABLE_READ_ONLY) ? READ_ONLY : 0u) |
           (field_in(descriptor, DESC_PXN_TABLE) ? PRIVILEGED_NEVER : 0u) |
           (field_in(descriptor, DESC_UXN_TABLE) ? USER_NEVER : 0u);
}

/* EL2 and EL3 know one privilege: AP[1] is taken as 1, bit 54 is XN, PAN has no effect (13.4.1). */
static struct rights single_privilege(const struct stage1 *s1, uint64_t descriptor,
                                      unsigned inherit, bool writable)
{
    bool never = field_in(descriptor, DESC_UXN) || (inherit & USER_NEVER) || (s1->wxn && writable);
    unsigned held = RIGHT_READ | (writable ? RIGHT_WRITE : 0u) | (never ? 0u : RIGHT_EXECUTE);

    return (struct rights){ .user = (uint8_t)held, .privileged = (uint8_t)held };
}

static struct rights two_privileges(const struct stage1 *s1, uint64_t descriptor, unsigned inherit,
                                    bool writable)
{
    bool user_access = field_in(descriptor, DESC_AP_USER) && !(inherit & NO_USER);
    bool user_writes = user_access && writable;
    bool user_executes = !field_in(descriptor, DESC_UXN) && !(inherit & USER_NEVER) &&
                         !(s1->wxn && user_writes);
    bool privileged_executes = !field_in(descriptor, DESC_PXN) && !(inherit & PRIVILEGED_NEVER) &&
                               !user_writes && !(s1->wxn && writable);
    bool privileged_access = !(s1->pan && user_access);

    return (struct rights){
        .user = (uint8_t)((user_access ? RIGHT_READ : 0u) | (user_writes ? RIGHT_WRITE : 0u) |
                          (user_executes ? RIGHT_EXECUTE : 0u)),
        .privileged = (uint8_t)((privileged_access ? RIGHT_READ : 0u) |
                                (privileged_access && writable ? RIGHT_WRITE : 0u) |
                                (privileged_executes ? RIGHT_EXECUTE : 0u)),
    };
}

/*
 * What a leaf allows. A writable-clean one counts as writable, for execution too (3.13.8); what
 * the tables above take away, no update gives back (3.13.3).
 */
struct rights model_stage1_rights(const struct stage1 *s1, uint64_t descriptor, unsigned inherit)
{
    bool read_only = field_in(descriptor, DESC_AP_READ_ONLY);
    bool clean = read_only && s1->hd && field_in(descriptor, DESC_DBM) && !(inherit & READ_ONLY);
    bool writable = (!read_only || clean) && !(inherit & READ_ONLY);
    struct rights rights = s1->regime == REGIME_NS_EL2
                               ? single_privilege(s1, descriptor, inherit, writable)
                               : two_privileges(s1, descriptor, inherit, writable);

    rights.clean = clean;
    return rights;
}

/* ------------------------------------------------------------------ the walk */

struct walk {
    struct smmuv3_model *model;
    const struct lookup *lookup;
    const struct stage1 *s1;
    const struct stage2 *s2; /* null: stage 1 only */
    const struct half *half;
    struct fault *fault;
    uint64_t va; /* sign-extended where the top byte is ignored */
    unsigned level;
    uint64_t table;    /* the next table, in the space that stage 1 outputs to */
    bool located;      /* a cached table entry leads to the descriptor, stage 2 included: */
    uint64_t ipa;      /* where it is in that space, */
    uint64_t physical; /* and in memory */
    unsigned inherit;
    uint64_t fetched;
    uint64_t stamp;
    uint64_t s2_stamp;
};

static bool fails(const struct walk *walk, uint8_t event)
{
    *walk->fault = (struct fault){
        .event = event,
        .translation_related = event != F_TLB_CONFLICT,
        .stall = walk->s1->stall,
        .record = walk->s1->record,
        .raz_wi = !walk->s1->abort,
        .class_ = CLASS_IN,
    };
    return false;
}

static bool walk_aborts(const struct walk *walk, uint64_t address)
{
    *walk->fault = (struct fault){
        .event = F_WALK_EABT,
        .class_ = CLASS_TTD,
        .fetch_address = address,
    };
    return false;
}

static uint64_t older(uint64_t a, uint64_t b)
{
    return a < b ? a : b;
}

static struct tlb_key key_of(const struct walk *walk)
{
    return (struct tlb_key){
        .regime = walk->s1->regime,
        .vmid = walk->s1->vmid,
        .asid = walk->s1->asid,
        .aset = walk->s1->aset,
        .input = walk->va,
    };
}

/* What all entries of this walk have in common. */
static struct tlb_entry entry_of(const struct walk *walk)
{
    return (struct tlb_entry){
        .regime = walk->s1->regime,
        .nested = walk->s2,
        .vmid = walk->s1->vmid,
        .asid = walk->s1->asid,
        .aset = walk->s1->aset,
        .granule = walk->half->t.granule,
        .root = walk->half->t.ttb,
        .s2_root = walk->s2 ? walk->s2->t.ttb : 0,
        .fetched = walk->fetched,
        .stamp = walk->stamp,
        .s2_stamp = walk->s2_stamp,
    };
}

/* Continue from a cached table: it knows where the descriptor is, without asking stage 2. */
static void resume_from(struct walk *walk, const struct tlb_entry *entry)
{
    unsigned log2 = model_level_shift(&walk->half->t, entry->level + 1);
    uint64_t offset = offset_within(walk->va, entry->log2_size) / power_of_2(log2) *
                      power_of_2(DESC_LOG2_BYTES);

    walk->level = entry->level + 1;
    walk->located = true;
    walk->ipa = entry->ipa + offset;
    walk->physical = entry->output + offset;
    walk->inherit = entry->inherit;
    walk->stamp = entry->stamp;
    walk->s2_stamp = entry->s2_stamp;
}

static void begin_walk(struct walk *walk)
{
    const struct tables *t = &walk->half->t;
    const struct tlb_key key = key_of(walk);

    walk->level = t->start_level;
    walk->table = t->ttb;
    walk->located = false;
    walk->inherit = 0;
    walk->fetched = walk->model->caches.now;
    walk->stamp = walk->fetched;
    walk->s2_stamp = walk->fetched;
    walk->model->caches.now += !walk->lookup->pure;
    for (unsigned level = LAST_LEVEL; level-- > t->start_level;) {
        const struct tlb_entry *entry = model_tlb_table(walk->model, &key, t->granule, level);

        if (entry) {
            resume_from(walk, entry);
            return;
        }
    }
}

/* Stage 2 for an access of the walk itself. */
static bool through_stage2(struct walk *walk, uint64_t ipa, bool write, struct tlb_entry *leaf)
{
    const struct stage2_request request = {
        .ipa = ipa,
        .class_ = CLASS_TTD,
        .write = write,
        .privileged = true,
    };

    if (!model_walk_stage2(walk->model, walk->lookup, walk->s2, &request, leaf, walk->fault)) {
        return false;
    }
    walk->s2_stamp = older(walk->s2_stamp, leaf->stamp);
    return true;
}

/*
 * Remember the table that the descriptor above gave: the part of it that one stage-2 leaf maps,
 * with the range of input addresses that this part translates.
 */
static void cache_table(struct walk *walk, unsigned s2_log2)
{
    const struct tables *t = &walk->half->t;
    struct tlb_entry entry = entry_of(walk);
    unsigned whole = model_level_shift(t, walk->level - 1);
    unsigned part = model_level_shift(t, walk->level) + s2_log2 - DESC_LOG2_BYTES;
    uint64_t offset = 0;

    entry.table = true;
    entry.level = walk->level - 1;
    entry.log2_size = part < whole ? part : whole;
    entry.span = whole;
    entry.input = align_down(walk->va, entry.log2_size);
    offset = offset_within(walk->va, entry.log2_size) /
             power_of_2(model_level_shift(t, walk->level)) * power_of_2(DESC_LOG2_BYTES);
    entry.ipa = walk->ipa - offset;
    entry.output = walk->physical - offset;
    entry.inherit = walk->inherit;
    model_tlb_insert(walk->model, &entry);
}

/* Where the descriptor of this level is in memory. */
static bool locate(struct walk *walk)
{
    struct tlb_entry leaf = { .log2_size = 64 };

    if (walk->located) {
        walk->located = false;
        return true;
    }
    walk->ipa = model_descriptor_address(&walk->half->t, walk->level, walk->table, walk->va);
    walk->physical = walk->ipa;
    if (walk->s2) {
        if (!through_stage2(walk, walk->ipa, false, &leaf)) {
            return false;
        }
        walk->physical = leaf.output + (walk->ipa - leaf.input);
    }
    if (walk->level > walk->half->t.start_level && !walk->lookup->pure) {
        cache_table(walk, leaf.log2_size);
    }
    return true;
}

/* A leaf of stage 1, before stage 2 has had its say. */
struct found {
    uint64_t descriptor;
    unsigned log2;   /* of the descriptor */
    unsigned group;  /* of what may be cached from it */
    uint64_t output; /* of the group */
    struct rights rights;
    bool global;
};

static struct found leaf_of(const struct walk *walk, uint64_t descriptor)
{
    const struct tables *t = &walk->half->t;
    struct found found = {
        .descriptor = descriptor,
        .log2 = model_level_shift(t, walk->level),
        .group = model_leaf_log2(walk->model, t, walk->level, walk->va, descriptor),
        .rights = model_stage1_rights(walk->s1, descriptor, walk->inherit),
        .global = walk->s1->regime != REGIME_NS_EL2 && !field_in(descriptor, DESC_NG),
    };

    if (found.group > found.log2 && !walk->lookup->pure &&
        model_choose(walk->model, SMMUV3_MODEL_CHOOSE_GROUP, 2)) {
        found.group = found.log2;
    }
    found.output = align_down(model_output(walk->model, t, found.log2, descriptor), found.group);
    return found;
}

static bool permitted(const struct walk *walk, const struct rights *rights)
{
    const struct smmuv3_model_access *access = walk->lookup->access;

    return model_allows(rights, access->privileged, access->write, access->instruction);
}

enum step {
    STEP_FAILED,
    STEP_LEAF,
    STEP_TABLE,
    STEP_AGAIN,
};

/* Mark the descriptor; stage 2 must allow that write (3.13.5). */
static enum step update(struct walk *walk, uint64_t descriptor, uint64_t desired)
{
    struct tlb_entry leaf;

    if (walk->s2 && !through_stage2(walk, walk->ipa, true, &leaf)) {
        return STEP_FAILED;
    }
    switch (model_update_descriptor(walk->model, walk->physical, descriptor, desired)) {
    case UPDATE_DONE:
        return STEP_LEAF;
    case UPDATE_CHANGED:
        walk->located = true; /* read it again where it is */
        return STEP_AGAIN;
    case UPDATE_ABORTED:
        break;
    }
    walk_aborts(walk, walk->physical);
    return STEP_FAILED;
}

static enum step take_leaf(struct walk *walk, uint64_t descriptor, struct found *found)
{
    uint64_t desired = descriptor;
    enum step step = STEP_LEAF;

    *found = leaf_of(walk, descriptor);
    if (found->output > low_bits(walk->half->t.output_bits)) {
        fails(walk, F_ADDR_SIZE);
        return STEP_FAILED;
    }
    if (walk->s1->ha) {
        field_put(&desired, DESC_AF, 1);
    } else if (!field_in(descriptor, DESC_AF) && !walk->s1->affd) {
        fails(walk, F_ACCESS);
        return STEP_FAILED;
    }
    if (found->rights.clean && walk->lookup->access->write && permitted(walk, &found->rights)) {
        field_put(&desired, DESC_AP_READ_ONLY, 0);
    }
    if (desired != descriptor && !walk->lookup->pure) {
        step = update(walk, descriptor, desired);
        *found = leaf_of(walk, desired);
    }
    return step;
}

static enum step step_down(struct walk *walk, struct found *found)
{
    const struct tables *t = &walk->half->t;
    uint64_t descriptor = 0;

    if (!locate(walk)) {
        return STEP_FAILED;
    }
    if (!model_read_words(walk->model, SMMUV3_MODEL_FETCH_TABLE, walk->lookup->pure, walk->physical,
                          &descriptor, 1)) {
        walk_aborts(walk, walk->physical);
        return STEP_FAILED;
    }
    if (model_is_leaf(walk->model, t, walk->level, descriptor)) {
        return take_leaf(walk, descriptor, found);
    }
    if (!model_is_table(walk->level, descriptor)) {
        fails(walk, F_TRANSLATION);
        return STEP_FAILED;
    }
    walk->table = model_output(walk->model, t, t->granule, descriptor);
    if (walk->table > low_bits(t->output_bits)) {
        fails(walk, F_ADDR_SIZE);
        return STEP_FAILED;
    }
    walk->inherit |= model_inherited(walk->half, descriptor);
    walk->level++;
    return STEP_TABLE;
}

static bool walk_to_leaf(struct walk *walk, struct found *found)
{
    if (walk->half->disabled) {
        return fails(walk, F_TRANSLATION);
    }
    begin_walk(walk);
    for (;;) {
        switch (step_down(walk, found)) {
        case STEP_FAILED:
            return false;
        case STEP_LEAF:
            return true;
        case STEP_TABLE:
        case STEP_AGAIN:
            break;
        }
    }
}

/* ------------------------------------------------------------------ both stages together */

/* Stage 2 for what stage 1 put out: the transaction's own access. */
static bool finish_with_stage2(struct walk *walk, struct tlb_entry *entry)
{
    const struct smmuv3_model_access *access = walk->lookup->access;
    const struct stage2_request request = {
        .ipa = entry->output + (walk->va - entry->input),
        .class_ = CLASS_IN,
        .write = access->write,
        .instruction = access->instruction,
        .privileged = access->privileged,
    };
    struct tlb_entry leaf;

    if (!model_walk_stage2(walk->model, walk->lookup, walk->s2, &request, &leaf, walk->fault)) {
        return false;
    }
    if (leaf.log2_size < entry->log2_size) {
        entry->log2_size = leaf.log2_size;
        entry->output = align_down(request.ipa, leaf.log2_size);
        entry->input = align_down(walk->va, leaf.log2_size);
    }
    entry->ipa = entry->output;
    entry->output = leaf.output + (entry->ipa - leaf.input);
    entry->s2 = leaf.s2;
    entry->s2_stamp = older(walk->s2_stamp, leaf.stamp);
    return true;
}

static bool translate_anew(struct walk *walk, struct tlb_entry *entry)
{
    struct found found = { 0 };

    if (!walk_to_leaf(walk, &found)) {
        return false;
    }
    *entry = entry_of(walk);
    entry->level = walk->level;
    entry->span = found.group > found.log2 ? found.group : found.log2;
    entry->log2_size = found.group;
    entry->input = align_down(walk->va, found.group);
    entry->output = found.output;
    entry->global = found.global;
    entry->s1 = found.rights;
    entry->s2 = (struct rights){ .user = RIGHT_ALL, .privileged = RIGHT_ALL };
    if (walk->s2) {
        if (!permitted(walk, &found.rights)) {
            return fails(walk, F_PERMISSION);
        }
        if (!finish_with_stage2(walk, entry)) {
            return false;
        }
    } else {
        /* Without stage 2 the address is cut to the output size (3.4); IPS is no larger. */
        entry->ipa = entry->output;
    }
    if (!walk->lookup->pure) {
        model_tlb_insert(walk->model, entry);
    }
    return true;
}

/* A fault of stage 2 that a combined entry brings. */
static bool fails_in_stage2(const struct walk *walk, const struct tlb_entry *entry)
{
    fails(walk, F_PERMISSION);
    walk->fault->s2 = true;
    walk->fault->stall = walk->s2 && walk->s2->stall;
    walk->fault->record = !walk->s2 || walk->s2->record;
    walk->fault->raz_wi = false;
    walk->fault->ipa = entry->ipa + (walk->va - entry->input);
    return false;
}

/* A look that leaves no trace asks no chooser. */
static const struct tlb_entry *hit_of(const struct walk *walk, const struct tlb_key *key,
                                      unsigned *hits)
{
    const struct tlb_entry *hit = NULL;

    if (!walk->lookup->pure) {
        return model_tlb_hit(walk->model, key, hits);
    }
    *hits = model_tlb_leaves(walk->model, key, &hit);
    return hit;
}

static bool find_entry(struct walk *walk, struct tlb_entry *entry)
{
    const struct tlb_key key = key_of(walk);
    unsigned hits = 0;
    const struct tlb_entry *hit = hit_of(walk, &key, &hits);

    if (hits > 1 && walk->model->p.bbml < 2) {
        return fails(walk, F_TLB_CONFLICT);
    }
    if (hits && walk->lookup->access->write && (hit->s1.clean || hit->s2.clean)) {
        if (!walk->lookup->pure) {
            model_tlb_forget(walk->model, hit); /* the descriptors are to be read and marked */
        }
        hits = 0;
    }
    if (hits) {
        *entry = *hit;
        return true;
    }
    return translate_anew(walk, entry);
}

/* ------------------------------------------------------------------ input addresses */

/*
 * TTB0 or TTB1 by bit 55; all bits from the input size up to the top must equal it, the top byte
 * aside where it is ignored (3.4.1). An address out of range is null.
 */
const struct half *model_half_for(const struct stage1 *s1, uint64_t *va)
{
    bool high = field_in(*va, FIELD(55, 55));
    const struct half *half = &s1->half[high];
    uint64_t sign = high ? ~UINT64_C(0) : 0;

    if (!half->exists) {
        return NULL;
    }
    if (half->ignore_top_byte) {
        field_put(va, FIELD(63, 56), sign);
    }
    /* Without a walk no size counts (EPD); then only a sign extension is looked for. */
    return align_down(*va ^ sign, half->disabled ? 55 : half->t.input_bits) ? NULL : half;
}

/* Translate the access's address by stage 1, and by stage 2 if `s2` is given. */
bool model_walk_stage1(struct smmuv3_model *model, const struct lookup *lookup,
                       const struct stage1 *s1, const struct stage2 *s2,
                       struct translation *translation, struct fault *fault)
{
    const struct smmuv3_model_access *access = lookup->access;
    struct walk walk = {
        .model = model,
        .lookup = lookup,
        .s1 = s1,
        .s2 = s2,
        .fault = fault,
        .va = access->iova,
    };
    struct tlb_entry entry;

    walk.half = model_half_for(s1, &walk.va);
    if (!walk.half) {
        return fails(&walk, F_TRANSLATION);
    }
    if (!find_entry(&walk, &entry)) {
        return false;
    }
    if (!permitted(&walk, &entry.s1)) {
        return fails(&walk, F_PERMISSION);
    }
    if (!permitted(&walk, &entry.s2)) {
        return fails_in_stage2(&walk, &entry);
    }
    *translation = (struct translation){
        .output = entry.output + (walk.va - entry.input),
        .ipa = entry.ipa + (walk.va - entry.input),
        .contiguous = power_of_2(entry.log2_size) - (walk.va - entry.input),
        .readable = model_allows(&entry.s1, access->privileged, false, false) &&
                    model_allows(&entry.s2, access->privileged, false, false),
        .writable = model_allows(&entry.s1, access->privileged, true, false) &&
                    model_allows(&entry.s2, access->privileged, true, false),
        .executable = model_allows(&entry.s1, access->privileged, false, true) &&
                      model_allows(&entry.s2, access->privileged, false, true),
    };
    return true;
}
