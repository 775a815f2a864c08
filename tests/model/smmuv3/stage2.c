/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Stage-2 walks over VMSAv8-64 tables (3.4, 3.13, DDI 0487): walk cache, reserved descriptors, output
 * size, access flag and dirty state, permissions; for transactions, and for what stage 1 fetches.
 */
#include "internal.h"

/* XN[1:0]: 0 all, 1 unprivileged only, 2 nobody, 3 privileged only; without XNX, XN[1] alone. */
bool model_stage2_executable(const struct smmuv3_model *model, unsigned xn, bool privileged)
{
    switch (model->p.xnx ? xn : (unsigned)align_down(xn, 1)) {
    case 0:
        return true;
    case 1:
        return !privileged;
    case 3:
        return privileged;
    default:
        return false;
    }
}

/* A writable-clean leaf counts as writable: the write itself will mark it dirty. */
struct rights model_stage2_rights(const struct smmuv3_model *model, const struct stage2 *s2,
                                  uint64_t descriptor)
{
    unsigned xn = (unsigned)field_in(descriptor, DESC_XN);
    bool writable = field_in(descriptor, DESC_S2AP_WRITE);
    bool clean = !writable && s2->hd && field_in(descriptor, DESC_DBM);
    unsigned data = (field_in(descriptor, DESC_S2AP_READ) ? RIGHT_READ : 0u) |
                    (writable || clean ? RIGHT_WRITE : 0u);

    return (struct rights){
        .user = (uint8_t)(data | (model_stage2_executable(model, xn, false) ? RIGHT_EXECUTE : 0u)),
        .privileged = (uint8_t)(data |
                                (model_stage2_executable(model, xn, true) ? RIGHT_EXECUTE : 0u)),
        .clean = clean,
    };
}

bool model_stage2_device(const struct stage2 *s2, uint64_t descriptor)
{
    return !field_in(descriptor, s2->fwb ? DESC_S2MEMATTR_FWB_NORMAL : DESC_S2MEMATTR_NORMAL);
}

/* ------------------------------------------------------------------ the walk */

struct walk {
    struct smmuv3_model *model;
    const struct lookup *lookup;
    const struct stage2 *s2;
    const struct stage2_request *request;
    struct fault *fault;
    unsigned level;
    uint64_t table;
    uint64_t fetched;
    uint64_t stamp;
};

static bool fails(const struct walk *walk, uint8_t event)
{
    *walk->fault = (struct fault){
        .event = event,
        .translation_related = event != F_TLB_CONFLICT,
        .stall = walk->s2->stall,
        .record = walk->s2->record,
        .s2 = true,
        .class_ = walk->request->class_,
        .ttrnw = walk->request->class_ == CLASS_TTD && !walk->request->write,
        .ipa = walk->request->ipa,
    };
    return false;
}

static bool walk_aborts(const struct walk *walk, uint64_t address)
{
    *walk->fault = (struct fault){
        .event = F_WALK_EABT,
        .s2 = true,
        .class_ = walk->request->class_,
        .fetch_address = address,
    };
    return false;
}

static struct tlb_key key_of(const struct walk *walk)
{
    return (struct tlb_key){
        .regime = REGIME_NS_EL1_IPA,
        .vmid = walk->s2->vmid,
        .input = walk->request->ipa,
    };
}

/* Begin at the deepest table that the walk cache knows, else at the root. */
static void begin_walk(struct walk *walk)
{
    const struct tables *t = &walk->s2->t;
    const struct tlb_key key = key_of(walk);

    walk->level = t->start_level;
    walk->table = t->ttb;
    walk->fetched = walk->model->caches.now;
    walk->stamp = walk->fetched;
    walk->model->caches.now += !walk->lookup->pure;
    for (unsigned level = LAST_LEVEL; level-- > t->start_level;) {
        const struct tlb_entry *entry = model_tlb_table(walk->model, &key, t->granule, level);

        if (entry) {
            walk->level = level + 1;
            walk->table = entry->output;
            walk->stamp = entry->stamp;
            return;
        }
    }
}

/* The entry that this descriptor makes. */
static struct tlb_entry entry_for(const struct walk *walk, uint64_t descriptor)
{
    const struct tables *t = &walk->s2->t;
    const uint64_t ipa = walk->request->ipa;
    unsigned log2 = model_level_shift(t, walk->level);
    bool table = model_is_table(walk->level, descriptor);
    unsigned group = table ? log2 : model_leaf_log2(walk->model, t, walk->level, ipa, descriptor);
    uint64_t output = model_output(walk->model, t, table ? t->granule : log2, descriptor);

    if (group > log2 && !walk->lookup->pure &&
        model_choose(walk->model, SMMUV3_MODEL_CHOOSE_GROUP, 2)) {
        group = log2;
    }
    return (struct tlb_entry){
        .regime = REGIME_NS_EL1_IPA,
        .table = table,
        .vmid = walk->s2->vmid,
        .granule = t->granule,
        .level = walk->level,
        .log2_size = group,
        .input = align_down(ipa, group),
        .output = table ? output : align_down(output, group),
        .s2 = model_stage2_rights(walk->model, walk->s2, descriptor),
        .device = model_stage2_device(walk->s2, descriptor),
        .root = t->ttb,
        .fetched = walk->fetched,
        .stamp = walk->stamp,
        .s2_stamp = walk->stamp,
    };
}

static bool permitted(const struct walk *walk, const struct tlb_entry *leaf)
{
    const struct stage2_request *request = walk->request;

    if (request->class_ != CLASS_IN && walk->s2->protected_walk && leaf->device) {
        return false;
    }
    return model_allows(&leaf->s2, request->privileged, request->write, request->instruction);
}

/* The descriptor as the access leaves it: accessed, and dirty after a permitted write. */
static uint64_t updated(const struct walk *walk, const struct tlb_entry *leaf, uint64_t descriptor)
{
    if (walk->s2->ha) {
        field_put(&descriptor, DESC_AF, 1);
    }
    if (leaf->s2.clean && walk->request->write && permitted(walk, leaf)) {
        field_put(&descriptor, DESC_S2AP_WRITE, 1);
    }
    return descriptor;
}

/* What a descriptor leads to. */
enum step {
    STEP_FAILED,
    STEP_LEAF,
    STEP_TABLE,
    STEP_AGAIN,
};

static enum step take_leaf(struct walk *walk, uint64_t address, uint64_t descriptor,
                           struct tlb_entry *leaf)
{
    uint64_t desired = updated(walk, leaf, descriptor);

    if (!field_in(desired, DESC_AF) && !walk->s2->affd) {
        fails(walk, F_ACCESS);
        return STEP_FAILED;
    }
    if (desired != descriptor && !walk->lookup->pure) {
        switch (model_update_descriptor(walk->model, address, descriptor, desired)) {
        case UPDATE_DONE:
            leaf->s2 = model_stage2_rights(walk->model, walk->s2, desired);
            break;
        case UPDATE_CHANGED:
            return STEP_AGAIN;
        case UPDATE_ABORTED:
            walk_aborts(walk, address);
            return STEP_FAILED;
        }
    }
    return STEP_LEAF;
}

/* One level down. Only what is valid and usable is cached (3.21.1). */
static enum step step_down(struct walk *walk, struct tlb_entry *entry)
{
    const struct tables *t = &walk->s2->t;
    uint64_t address = model_descriptor_address(t, walk->level, walk->table, walk->request->ipa);
    uint64_t descriptor = 0;
    enum step step = STEP_TABLE;

    if (!model_read_words(walk->model, SMMUV3_MODEL_FETCH_TABLE, walk->lookup->pure, address,
                          &descriptor, 1)) {
        walk_aborts(walk, address);
        return STEP_FAILED;
    }
    if (!model_is_table(walk->level, descriptor) &&
        !model_is_leaf(walk->model, t, walk->level, descriptor)) {
        fails(walk, F_TRANSLATION);
        return STEP_FAILED;
    }
    *entry = entry_for(walk, descriptor);
    if (entry->output > low_bits(t->output_bits)) {
        fails(walk, F_ADDR_SIZE);
        return STEP_FAILED;
    }
    if (!entry->table) {
        step = take_leaf(walk, address, descriptor, entry);
    }
    if ((step == STEP_LEAF || step == STEP_TABLE) && !walk->lookup->pure) {
        model_tlb_insert(walk->model, entry);
    }
    return step;
}

static bool walk_to_leaf(struct walk *walk, struct tlb_entry *leaf)
{
    begin_walk(walk);
    for (;;) {
        switch (step_down(walk, leaf)) {
        case STEP_FAILED:
            return false;
        case STEP_LEAF:
            return true;
        case STEP_TABLE:
            walk->table = leaf->output;
            walk->level++;
            break;
        case STEP_AGAIN:
            break;
        }
    }
}

/*
 * Translate an IPA: input range, TLB, walk, permissions. Where several leaves match, a unit with
 * BBML 2 takes one, here the oldest; others report the conflict (3.21.1.3).
 */
bool model_walk_stage2(struct smmuv3_model *model, const struct lookup *lookup,
                       const struct stage2 *s2, const struct stage2_request *request,
                       struct tlb_entry *leaf, struct fault *fault)
{
    struct walk walk = {
        .model = model,
        .lookup = lookup,
        .s2 = s2,
        .request = request,
        .fault = fault,
    };
    const struct tlb_key key = key_of(&walk);
    const struct tlb_entry *hit = NULL;
    unsigned hits = 0;

    if (request->ipa > low_bits(s2->t.input_bits)) {
        return fails(&walk, F_TRANSLATION);
    }
    if (lookup->pure) {
        hits = model_tlb_leaves(model, &key, &hit); /* without a trace, without a chooser */
    } else {
        hit = model_tlb_hit(model, &key, &hits);
    }
    if (hits > 1 && model->p.bbml < 2) {
        return fails(&walk, F_TLB_CONFLICT);
    }
    if (hits && request->write && hit->s2.clean) {
        if (!lookup->pure) {
            model_tlb_forget(model, hit); /* the descriptor is to be read and marked */
        }
        hits = 0;
    }
    if (hits) {
        *leaf = *hit;
    } else if (!walk_to_leaf(&walk, leaf)) {
        return false;
    }
    return permitted(&walk, leaf) || fails(&walk, F_PERMISSION);
}
