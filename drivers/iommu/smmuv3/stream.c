/* SPDX-License-Identifier: Apache-2.0 */
/* The stream table (IHI 0070 5.2) and the states that a stream's entry takes. */
#include "drivers/iommu/smmuv3/unit.h"
#include "lib/boot_memory.h"
#include "lib/log.h"
#include "lib/string.h"

#define STE_ABORT smmuv3_stream_entry.blocked

/* Encodings that entries and descriptors have in common. */
static const uint64_t write_back = 1, inner_shareable = 3, granule_4k = 0;

/* First-level descriptors. They stand in the image so that their address is known to whoever
 * wants to show that no device reaches them. */
uint64_t smmuv3_stream_tables[TOPOLOGY_IOMMUS][L1_ENTRIES] __attribute__((aligned(4096)));
static unsigned int level1_used;

static void fill_abort(volatile uint64_t *entries, uint32_t count)
{
    for (uint32_t i = 0; i < count; i++)
        entry_write64(&entries[(size_t)i * ENTRY_WORDS], STE_ABORT);
}

/* A table whose entries abort; behind it room for its streams' context descriptors, where there are any. */
static uint64_t *take_table(struct smmuv3 *unit, unsigned int log2)
{
    uint64_t size = ENTRY_SIZE << log2;
    uint64_t *entries = boot_memory_take(unit->iommu->capabilities.stage == 1 ? 3 * size : size,
                                         max_u64(size, PAGE_SIZE));

    if (entries == NULL)
        return NULL;
    fill_abort(entries, 1u << log2);
    smmuv3_publish(unit, entries, size);
    return entries;
}

static bool start_linear(struct smmuv3 *unit, const char **reason)
{
    uint64_t *entries = take_table(unit, unit->stream_bits);

    if (entries == NULL) {
        *reason = "no memory for a linear stream table";
        return false;
    }
    unit->stream_table = memory_physical(entries);
    return true;
}

bool smmuv3_stream_table_start(struct smmuv3 *unit, uint32_t stream_count, const char **reason)
{
    bool two_level = unit->iommu->capabilities.two_level;
    uint64_t base, configuration;

    while (unit->stream_bits < unit->iommu->capabilities.stream_bits &&
           BIT(unit->stream_bits) < stream_count)
        unit->stream_bits++;
    if (BIT(unit->stream_bits) < stream_count || unit->stream_bits > STREAM_BITS_LIMIT) {
        *reason = "the maps name stream ids beyond what the unit or the hypervisor takes";
        return false;
    }
    if (two_level) {
        unit->stream_bits = (unsigned int)max_u64(unit->stream_bits, STREAM_SPLIT);
        unit->level1 = smmuv3_stream_tables[level1_used++];
        base = memory_physical(unit->level1);
        smmuv3_publish(unit, unit->level1, sizeof(smmuv3_stream_tables[0]));
        configuration = FIELD_PUT(STRTAB_CFG_FORMAT, STRTAB_FORMAT_TWO_LEVEL) |
                        FIELD_PUT(STRTAB_CFG_SPLIT, STREAM_SPLIT);
    } else {
        if (!start_linear(unit, reason))
            return false;
        base = unit->stream_table;
        configuration = FIELD_PUT(STRTAB_CFG_FORMAT, STRTAB_FORMAT_LINEAR);
    }
    mmio_write64(unit->base + SMMU_STRTAB_BASE, base | BASE_READ_ALLOCATE);
    mmio_write32(unit->base + SMMU_STRTAB_BASE_CFG,
                 (uint32_t)(configuration | FIELD_PUT(STRTAB_CFG_LOG2SIZE, unit->stream_bits)));
    return true;
}

bool smmuv3_stream_prepare(struct iommu *iommu, uint32_t stream)
{
    struct smmuv3 *unit = iommu->unit;

    if (stream >= BIT(unit->stream_bits))
        return false;
    if (unit->level1 == NULL)
        return true;
    uint64_t *descriptor = &unit->level1[stream >> STREAM_SPLIT];

    if (*descriptor != 0)
        return true;
    uint64_t *entries = take_table(unit, STREAM_SPLIT);

    if (entries == NULL)
        return false;
    entry_write64(descriptor, memory_physical(entries) | FIELD_PUT(L1STD_SPAN, STREAM_SPLIT + 1));
    smmuv3_publish(unit, descriptor, sizeof(*descriptor));
    /* Leaf = 0: the unit may keep the descriptor that said "no table". */
    struct command forget = command_cfgi_ste(stream, false);

    return smmuv3_issue(unit, &forget, 1) == IOMMU_OK;
}

/* The live entry of a prepared stream. */
static volatile uint64_t *ste_of(const struct smmuv3 *unit, uint32_t stream)
{
    uint64_t table = unit->stream_table;
    uint64_t index = stream;

    if (unit->level1 != NULL) {
        table = unit->level1[stream >> STREAM_SPLIT] & L1STD_POINTER;
        index = stream & (BIT(STREAM_SPLIT) - 1);
    }
    return (volatile uint64_t *)memory_pointer(table) + index * ENTRY_WORDS;
}

/* The two context descriptors of a prepared stream, on a unit with stage 1 only: they lie behind the table that
 * its entry is in. The entry names one of them or neither; the unit holds no copy of the other. */
static volatile uint64_t *contexts_of(const struct smmuv3 *unit, uint32_t stream)
{
    unsigned int log2 = unit->level1 != NULL ? STREAM_SPLIT : unit->stream_bits;
    uint64_t index = stream & (BIT(log2) - 1);

    return ste_of(unit, stream) + (BIT(log2) - index) * ENTRY_WORDS + index * 2 * ENTRY_WORDS;
}

/* The encoding of an output size in S2PS and IPS. */
static uint64_t physical_size(const struct smmuv3 *unit)
{
    static const uint8_t sizes[] = { 32, 36, 40, 42, 44, 48, 52 };
    uint64_t encoded = 0;

    while (sizes[encoded] < unit->iommu->capabilities.output_bits)
        encoded++;
    return encoded;
}

/* Fills a descriptor that the unit holds no copy of. recorded: whether faults become events (R). */
static void fill_context(const struct smmuv3 *unit, volatile uint64_t *words,
                         const struct iommu_domain *domain, bool recorded)
{
    entry_write64(&words[0],
                  FIELD_PUT(CD0_T0SZ, 64 - unit->iommu->capabilities.input_bits) |
                      FIELD_PUT(CD0_TG0, granule_4k) | FIELD_PUT(CD0_IR0, write_back) |
                      FIELD_PUT(CD0_OR0, write_back) | FIELD_PUT(CD0_SH0, inner_shareable) |
                      CD0_EPD1 | CD0_V | FIELD_PUT(CD0_IPS, physical_size(unit)) | CD0_AA64 |
                      (recorded ? CD0_R : 0) | CD0_A | CD0_ASET | FIELD_PUT(CD0_ASID, domain->tag));
    entry_write64(&words[1], domain->table->root & CD1_TTB0);
    entry_write64(&words[3], CD3_NORMAL_WB);
    smmuv3_publish(unit, words, ENTRY_SIZE);
}

bool smmuv3_parked_context_start(struct smmuv3 *unit)
{
    uint64_t *words = boot_memory_take(ENTRY_SIZE, ENTRY_SIZE);

    if (words == NULL)
        return false;
    fill_context(unit, words, &unit->parked, true);
    unit->parked_context = memory_physical(words);
    return true;
}

/* Stage 1 alone, by the descriptor at that address: traffic without a PASID; one with is a fault, since there are
 * no others (S1CDMax 0, 5.2). */
static struct entry stage1_ste(uint64_t context)
{
    return (struct entry){ {
        STE0_V | FIELD_PUT(STE0_CONFIG, STE_CONFIG_S1) | (context & STE0_CONTEXTS),
        FIELD_PUT(STE1_CIR, write_back) | FIELD_PUT(STE1_COR, write_back) |
            FIELD_PUT(STE1_CSH, inner_shareable) | STE1_MEV |
            FIELD_PUT(STE1_SHCFG, STE_SHCFG_INCOMING),
    } };
}

void smmuv3_stage2_start(struct smmuv3 *unit)
{
    unit->stage2 = FIELD_PUT(STE2_T0SZ, 64 - unit->iommu->capabilities.input_bits) |
                   FIELD_PUT(STE2_IR0, write_back) | FIELD_PUT(STE2_OR0, write_back) |
                   FIELD_PUT(STE2_SH0, inner_shareable) | FIELD_PUT(STE2_TG, granule_4k) |
                   FIELD_PUT(STE2_PS, physical_size(unit)) | STE2_AA64 | STE2_PTW;
}

#define STE0_STAGE2 (STE0_V | FIELD_PUT(STE0_CONFIG, STE_CONFIG_S2))

/* Word 2 of a stage 2. recorded: whether its faults become events (S2R). */
static inline uint64_t stage2_word2(const struct smmuv3 *unit, const struct iommu_domain *domain,
                                    bool recorded)
{
    static const uint64_t level0_height = 3;

    return unit->stage2 | FIELD_PUT(STE2_VMID, domain->tag) |
           FIELD_PUT(STE2_SL0, domain->table->height == level0_height ? 2 : 1) |
           (recorded ? STE2_R : 0);
}

static struct entry stage2_ste(const struct smmuv3 *unit, const struct iommu_domain *domain,
                               bool recorded)
{
    return (struct entry){ {
        STE0_STAGE2,
        STE1_MEV | FIELD_PUT(STE1_SHCFG, STE_SHCFG_INCOMING),
        stage2_word2(unit, domain, recorded),
        domain->table->root & STE3_TTB,
    } };
}

/* Of a unit with stage 1 only. */
static struct entry domain_ste(const struct smmuv3 *unit, uint32_t stream,
                               const struct iommu_domain *domain, bool recorded)
{
    /* A unit that failed may look at either descriptor. */
    if (unit->iommu->silenced)
        return (struct entry){ { STE_ABORT } };
    volatile uint64_t *context = contexts_of(unit, stream);

    if ((ste_of(unit, stream)[0] & STE0_CONTEXTS) == memory_physical(context))
        context += ENTRY_WORDS;
    fill_context(unit, context, domain, recorded);
    return stage1_ste(memory_physical(context));
}

/* What is no stage 2. */
static struct entry ste_for(const struct smmuv3 *unit, uint32_t stream,
                            enum iommu_stream_state state, const struct iommu_domain *domain)
{
    if (state == STREAM_PARKED_SILENT)
        return (struct entry){ { STE_ABORT } };
    if (state == STREAM_PARKED_LOGGED)
        return stage1_ste(unit->parked_context);
    return domain_ste(unit, stream, domain, state == STREAM_ATTACHED);
}

/* The tag that an entry translates with; 0: it lets nothing through, or has no more than the parked domain. */
static uint16_t tag_of(const struct smmuv3 *unit, uint64_t word0, uint64_t word2)
{
    uint64_t tag = 0;

    if (FIELD_GET(STE0_CONFIG, word0) == STE_CONFIG_S2)
        tag = FIELD_GET(STE2_VMID, word2);
    else if (FIELD_GET(STE0_CONFIG, word0) == STE_CONFIG_S1)
        tag = FIELD_GET(CD0_ASID, *(const uint64_t *)memory_pointer(word0 & STE0_CONTEXTS));
    return tag == unit->parked.tag ? 0 : (uint16_t)tag;
}

static struct live_entry live_ste(struct smmuv3 *unit, uint32_t stream)
{
    return (struct live_entry){ .unit = unit,
                                .kind = &smmuv3_stream_entry,
                                .words = ste_of(unit, stream),
                                .forget = command_cfgi_ste(stream, true) };
}

/* Accesses that were translated before have reached memory once a TLBI of their tag and a SYNC have completed
 * (3.21.1): after this the device's last access is over. */
static enum iommu_result drain(struct smmuv3 *unit, uint16_t old_tag)
{
    struct command forget = command_tlbi_domain(unit->iommu->capabilities.stage, old_tag);

    return smmuv3_issue(unit, &forget, 1);
}

static enum iommu_result change(const struct live_entry *live, const struct entry *target)
{
    struct smmuv3 *unit = live->unit;
    uint16_t old_tag = tag_of(unit, live->words[0], live->words[2]);
    enum iommu_result result = smmuv3_entry_write(live, target);

    if (result == IOMMU_OK && old_tag != 0 &&
        old_tag != tag_of(unit, target->word[0], target->word[2]))
        result = drain(unit, old_tag);
    return result;
}

/* One word of a live entry gets another value, and the unit holds no copy of the old one when IOMMU_OK is returned. The
 * entry means what it may with either value. */
static inline enum iommu_result turn(const struct live_entry *live, unsigned int word,
                                     uint64_t value)
{
    entry_write64(&live->words[word], value);
    smmuv3_publish(live->unit, &live->words[word], sizeof(uint64_t));
    return smmuv3_issue(live->unit, &live->forget, 1) == IOMMU_OK ? IOMMU_OK
                                                                  : smmuv3_entry_give_up(live);
}

/* The entry is a stage 2, which differs in no more than root, tag, and what is reported. */
static inline bool same_geometry(const struct live_entry *live, uint64_t word2)
{
    return live->words[0] == STE0_STAGE2 && ((live->words[2] ^ word2) & ~(STE2_VMID | STE2_R)) == 0;
}

/*
 * Between the parked domain and another of stage 2: tag and root turn one after the other, and on the way the
 * empty root stands under the other's tag. By an empty root nothing is cached (absence is not, 3.16), so that tag
 * keeps naming one root only; what the unit has cached under it already is what the stream had, or is to have. Under
 * the parked tag, which all parked streams share, no other root ever stands. Both on one domain: the reports change.
 *
 * The old tag is drained by a batch of its own. In one batch with the entry's CFGI, which may be done after it, another
 * stream of that tag could fill the TLB again in between, and this one would still be found there.
 */
static enum iommu_result set_stage2(const struct live_entry *live,
                                    const struct iommu_domain *domain, bool recorded)
{
    struct smmuv3 *unit = live->unit;
    uint64_t word2 = stage2_word2(unit, domain, recorded), root = domain->table->root;
    uint64_t empty = unit->parked_table.root, old_root = live->words[3];
    uint64_t old_tag = FIELD_GET(STE2_VMID, live->words[2]);
    enum iommu_result result;

    if (!same_geometry(live, word2) || (root != old_root && root != empty && old_root != empty)) {
        const struct entry target = stage2_ste(unit, domain, recorded);

        return change(live, &target);
    }
    if (unit->iommu->silenced)
        return smmuv3_entry_give_up(live);
    if (root == old_root)
        return live->words[2] == word2 ? IOMMU_OK : turn(live, 2, word2);
    bool out = root == empty;

    result = out ? turn(live, 3, root) : turn(live, 2, word2);
    if (result == IOMMU_OK)
        result = out ? turn(live, 2, word2) : turn(live, 3, root);
    if (result != IOMMU_OK || !out)
        return result;
    return drain(unit, (uint16_t)old_tag);
}

enum iommu_result smmuv3_stream_set(struct iommu *iommu, uint32_t stream,
                                    enum iommu_stream_state state,
                                    const struct iommu_domain *domain)
{
    struct smmuv3 *unit = iommu->unit;
    const struct live_entry live = live_ste(unit, stream);

    if (iommu->capabilities.stage == 2 && state != STREAM_PARKED_SILENT)
        return set_stage2(&live, state == STREAM_PARKED_LOGGED ? &unit->parked : domain,
                          state != STREAM_ATTACHED_SILENT);
    const struct entry target = ste_for(unit, stream, state, domain);

    return change(&live, &target);
}

/*
 * From one stage 2 to another, one word at a time: the old root under the reserved tag, the new root
 * under the reserved tag, the new root under its own. No tag but the reserved one ever names two
 * roots. Under that one the unit may hold leaves and intermediate entries of both trees; each
 * leads to what one of the trees has for the addresses that it covers, so each access is
 * translated as one of the trees does it, as long as a lookup that meets several takes one of
 * them. Units of IDR3.BBML = 2 do (6.3.4); others may answer with F_TLB_CONFLICT (7.3.17), and are not
 * asked to do this.
 */
static enum iommu_result replace_stage2(const struct live_entry *live, const struct entry *target,
                                        uint16_t old_tag)
{
    struct smmuv3 *unit = live->unit;
    const struct command forget[] = { command_tlbi_domain(2, unit->reserved_tag),
                                      command_tlbi_domain(2, old_tag) };
    uint64_t others = target->word[2] & ~STE2_VMID;
    enum iommu_result result;

    if (unit->iommu->silenced)
        return smmuv3_entry_give_up(live);
    result = turn(live, 2, others | FIELD_PUT(STE2_VMID, unit->reserved_tag));
    if (result == IOMMU_OK)
        result = turn(live, 3, target->word[3]);
    if (result == IOMMU_OK)
        result = turn(live, 2, target->word[2]);
    /* The reserved tag names nothing when it is given to the next, and the old one's accesses are over. */
    return result == IOMMU_OK ? smmuv3_issue(unit, forget, ARRAY_LENGTH(forget)) : result;
}

enum iommu_result smmuv3_stream_replace(struct iommu *iommu, uint32_t stream,
                                        enum iommu_stream_state state,
                                        const struct iommu_domain *from,
                                        const struct iommu_domain *to, bool *hitless)
{
    struct smmuv3 *unit = iommu->unit;
    const struct live_entry live = live_ste(unit, stream);
    enum iommu_result result;

    *hitless = iommu->capabilities.hitless_replace &&
               tag_of(unit, live.words[0], live.words[2]) == from->tag;
    /* With stage 1 a single word turns: it names the other descriptor. */
    if (iommu->capabilities.stage == 1 || !*hitless)
        return smmuv3_stream_set(iommu, stream, state, to);
    const struct entry target = stage2_ste(unit, to, state == STREAM_ATTACHED);

    *hitless = same_geometry(&live, target.word[2]);
    if (!*hitless)
        return smmuv3_stream_set(iommu, stream, state, to);
    if (!lock_try(&unit->reserved_lock))
        return IOMMU_BUSY;
    result = replace_stage2(&live, &target, from->tag);
    lock_release(&unit->reserved_lock);
    return result;
}

/* A SYNC completes behind the records of all that was terminated before it began (4.7.3). It stands behind a
 * command because each batch has one. */
enum iommu_result smmuv3_settle(struct iommu *iommu, uint32_t stream)
{
    struct command forget = command_cfgi_ste(stream, true);

    return smmuv3_issue(iommu->unit, &forget, 1);
}
