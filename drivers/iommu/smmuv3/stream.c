/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The stream table (IHI 0070 5.2) and the one function that writes a live entry of it.
 *
 * The unit reads an entry word by word, at any moment, and may keep what it read until CFGI_STE. So
 * a live entry changes only in steps after each of which every mixture of old and new words means
 * the old or the new state, or abort: first the words that the current state does not use, then the
 * single word that turns the state, then the leftovers (3.21.3).
 */
#include "drivers/iommu/smmuv3/unit.h"
#include "lib/boot_memory.h"
#include "lib/log.h"
#include "lib/string.h"

struct ste {
    uint64_t word[STE_WORDS];
};

#define STE_ABORT ((struct ste){ { STE0_V | FIELD_PUT(STE0_CONFIG, STE_CONFIG_ABORT) } })

/* First-level descriptors. They stand in the image so that their address is known to whoever
 * wants to show that no device reaches them. */
uint64_t smmuv3_stream_tables[TOPOLOGY_IOMMUS][L1_ENTRIES] __attribute__((aligned(4096)));
static unsigned int level1_used;

static void fill_abort(volatile uint64_t *entries, uint32_t count)
{
    for (uint32_t i = 0; i < count; i++)
        entry_write64(&entries[(size_t)i * STE_WORDS], STE_ABORT.word[0]);
}

static bool start_linear(struct smmuv3 *unit, const char **reason)
{
    uint64_t size = STE_SIZE << unit->stream_bits;
    uint64_t *entries = boot_memory_take(size, max_u64(size, PAGE_SIZE));

    if (entries == NULL) {
        *reason = "no memory for a linear stream table";
        return false;
    }
    fill_abort(entries, 1u << unit->stream_bits);
    smmuv3_publish(unit, entries, size);
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
    static const uint64_t size = STE_SIZE << STREAM_SPLIT;

    if (*descriptor != 0)
        return true;
    uint64_t *entries = boot_memory_take(size, size);

    if (entries == NULL)
        return false;
    fill_abort(entries, 1u << STREAM_SPLIT);
    smmuv3_publish(unit, entries, size);
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
    return (volatile uint64_t *)memory_pointer(table) + index * STE_WORDS;
}

/* The bits that the unit looks at in the state that `ste` describes (5.2, per Config). */
static struct ste used_bits(const struct ste *ste)
{
    struct ste used = { { STE0_V | STE0_CONFIG } };

    if ((ste->word[0] & STE0_V) == 0) {
        used.word[0] = STE0_V;
    } else if (FIELD_GET(STE0_CONFIG, ste->word[0]) == STE_CONFIG_S2) {
        used.word[1] = STE1_MEV | STE1_SHCFG;
        used.word[2] = ~UINT64_C(0);
        used.word[3] = STE3_TTB;
    }
    return used;
}

static enum iommu_result forget(struct smmuv3 *unit, uint32_t stream, const volatile uint64_t *live)
{
    struct command command = command_cfgi_ste(stream, true);

    smmuv3_publish(unit, live, STE_SIZE);
    return smmuv3_issue(unit, &command, 1);
}

/* Words in which bits that the current state uses would change. */
static unsigned int words_in_use(const struct ste *current, const struct ste *target)
{
    struct ste used = used_bits(current);
    unsigned int words = 0;

    for (unsigned int i = 0; i < STE_WORDS; i++) {
        if (((current->word[i] ^ target->word[i]) & used.word[i]) != 0)
            words |= 1u << i;
    }
    return words;
}

static struct ste read_ste(const volatile uint64_t *live)
{
    struct ste ste;

    for (unsigned int i = 0; i < STE_WORDS; i++)
        ste.word[i] = live[i];
    return ste;
}

/*
 * One hitless change of a live entry: at most one word differs in bits in use. Stores the other
 * words first, then that one, then clears what is left over. After each step that the unit must not
 * mix with the next, its copies are dropped.
 */
static enum iommu_result write_hitless(struct smmuv3 *unit, uint32_t stream,
                                       const struct ste *target)
{
    volatile uint64_t *live = ste_of(unit, stream);
    struct ste current = read_ste(live);
    struct ste used = used_bits(&current), wanted = used_bits(target);
    bool prepared = false;
    enum iommu_result result = IOMMU_OK;

    /* Bits that only the new state uses, in words that hold nothing of the current one. */
    for (unsigned int i = 1; i < STE_WORDS; i++) {
        uint64_t value = (current.word[i] & used.word[i]) |
                         (target->word[i] & wanted.word[i] & ~used.word[i]);

        if ((wanted.word[i] & ~used.word[i]) != 0 && value != current.word[i]) {
            entry_write64(&live[i], value);
            prepared = true;
        }
    }
    if (prepared)
        result = forget(unit, stream, live);
    if (result == IOMMU_OK && live[0] != target->word[0]) {
        entry_write64(&live[0], target->word[0]);
        result = forget(unit, stream, live);
    }
    /* Nothing looks at these words any more; no copy of them can do harm. */
    for (unsigned int i = 1; i < STE_WORDS; i++) {
        if (live[i] != target->word[i])
            entry_write64(&live[i], target->word[i]);
    }
    smmuv3_publish(unit, live, STE_SIZE);
    return result;
}

/* The one writer of live stream-table entries. */
static enum iommu_result write_ste(struct smmuv3 *unit, uint32_t stream, const struct ste *target)
{
    struct ste current = read_ste(ste_of(unit, stream));

    if ((words_in_use(&current, target) & ~1u) != 0) {
        enum iommu_result result = write_hitless(unit, stream, &STE_ABORT);

        if (result != IOMMU_OK)
            return result;
    }
    return write_hitless(unit, stream, target);
}

static struct ste domain_ste(const struct smmuv3 *unit, const struct iommu_domain *domain)
{
    const struct iommu_capabilities *capabilities = &unit->iommu->capabilities;
    static const uint64_t write_back = 1, inner_shareable = 3, granule_4k = 0;
    static const uint8_t physical_size[] = { 32, 36, 40, 42, 44, 48, 52 };
    uint64_t output = 0, level0_height = 3;

    while (physical_size[output] < capabilities->output_bits)
        output++;
    return (struct ste){ {
        STE0_V | FIELD_PUT(STE0_CONFIG, STE_CONFIG_S2),
        STE1_MEV | FIELD_PUT(STE1_SHCFG, STE_SHCFG_INCOMING),
        FIELD_PUT(STE2_VMID, domain->tag) | FIELD_PUT(STE2_T0SZ, 64 - capabilities->input_bits) |
            FIELD_PUT(STE2_SL0, domain->table.height == level0_height ? 2 : 1) |
            FIELD_PUT(STE2_IR0, write_back) | FIELD_PUT(STE2_OR0, write_back) |
            FIELD_PUT(STE2_SH0, inner_shareable) | FIELD_PUT(STE2_TG, granule_4k) |
            FIELD_PUT(STE2_PS, output) | STE2_AA64 | STE2_PTW | STE2_R,
        domain->table.root & STE3_TTB,
    } };
}

enum iommu_result smmuv3_stream_set(struct iommu *iommu, uint32_t stream,
                                    enum iommu_stream_state state,
                                    const struct iommu_domain *domain)
{
    struct smmuv3 *unit = iommu->unit;
    struct ste target = STE_ABORT;
    struct ste before = read_ste(ste_of(unit, stream));

    if (state == STREAM_PARKED_LOGGED)
        target = domain_ste(unit, &unit->parked);
    else if (state == STREAM_ATTACHED)
        target = domain_ste(unit, domain);
    enum iommu_result result = write_ste(unit, stream, &target);
    bool was_translating = FIELD_GET(STE0_CONFIG, before.word[0]) == STE_CONFIG_S2 &&
                           FIELD_GET(STE2_VMID, before.word[2]) != unit->parked.tag;

    /* Accesses that were translated before have reached memory once a TLBI of their tag and a
     * SYNC have completed (3.21.1): after this the device's last access is over. */
    if (result == IOMMU_OK && was_translating) {
        struct command drain = command_tlbi_domain((uint16_t)FIELD_GET(STE2_VMID, before.word[2]));

        result = smmuv3_issue(unit, &drain, 1);
    }
    return result;
}
