/* SPDX-License-Identifier: Apache-2.0 */
/* The stream table (IHI 0070 5.2) and the states that a stream's entry takes. */
#include "drivers/iommu/smmuv3/unit.h"
#include "lib/boot_memory.h"
#include "lib/log.h"
#include "lib/string.h"

#define STE_ABORT smmuv3_stream_entry.blocked

/* First-level descriptors. They stand in the image so that their address is known to whoever
 * wants to show that no device reaches them. */
uint64_t smmuv3_stream_tables[TOPOLOGY_IOMMUS][L1_ENTRIES] __attribute__((aligned(4096)));
static unsigned int level1_used;

static void fill_abort(volatile uint64_t *entries, uint32_t count)
{
    for (uint32_t i = 0; i < count; i++)
        entry_write64(&entries[(size_t)i * ENTRY_WORDS], STE_ABORT);
}

static bool start_linear(struct smmuv3 *unit, const char **reason)
{
    uint64_t size = ENTRY_SIZE << unit->stream_bits;
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
    static const uint64_t size = ENTRY_SIZE << STREAM_SPLIT;

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
    return (volatile uint64_t *)memory_pointer(table) + index * ENTRY_WORDS;
}

/* recorded: whether the faults of its stage 2 become events (S2R). */
static struct entry domain_ste(const struct smmuv3 *unit, const struct iommu_domain *domain,
                               bool recorded)
{
    const struct iommu_capabilities *capabilities = &unit->iommu->capabilities;
    static const uint64_t write_back = 1, inner_shareable = 3, granule_4k = 0;
    static const uint8_t physical_size[] = { 32, 36, 40, 42, 44, 48, 52 };
    uint64_t output = 0, level0_height = 3;

    while (physical_size[output] < capabilities->output_bits)
        output++;
    return (struct entry){ {
        STE0_V | FIELD_PUT(STE0_CONFIG, STE_CONFIG_S2),
        STE1_MEV | FIELD_PUT(STE1_SHCFG, STE_SHCFG_INCOMING),
        FIELD_PUT(STE2_VMID, domain->tag) | FIELD_PUT(STE2_T0SZ, 64 - capabilities->input_bits) |
            FIELD_PUT(STE2_SL0, domain->table->height == level0_height ? 2 : 1) |
            FIELD_PUT(STE2_IR0, write_back) | FIELD_PUT(STE2_OR0, write_back) |
            FIELD_PUT(STE2_SH0, inner_shareable) | FIELD_PUT(STE2_TG, granule_4k) |
            FIELD_PUT(STE2_PS, output) | STE2_AA64 | STE2_PTW | (recorded ? STE2_R : 0),
        domain->table->root & STE3_TTB,
    } };
}

static struct entry ste_for(const struct smmuv3 *unit, enum iommu_stream_state state,
                            const struct iommu_domain *domain)
{
    if (state == STREAM_PARKED_LOGGED)
        return domain_ste(unit, &unit->parked, true);
    if (state == STREAM_ATTACHED || state == STREAM_ATTACHED_SILENT)
        return domain_ste(unit, domain, state == STREAM_ATTACHED);
    return (struct entry){ { STE_ABORT } };
}

enum iommu_result smmuv3_stream_set(struct iommu *iommu, uint32_t stream,
                                    enum iommu_stream_state state,
                                    const struct iommu_domain *domain)
{
    struct smmuv3 *unit = iommu->unit;
    const struct live_entry live = { .unit = unit,
                                     .kind = &smmuv3_stream_entry,
                                     .words = ste_of(unit, stream),
                                     .forget = command_cfgi_ste(stream, true) };
    const struct entry target = ste_for(unit, state, domain);
    uint64_t word0 = live.words[0], word2 = live.words[2];

    enum iommu_result result = smmuv3_entry_write(&live, &target);
    bool was_translating = FIELD_GET(STE0_CONFIG, word0) == STE_CONFIG_S2 &&
                           FIELD_GET(STE2_VMID, word2) != unit->parked.tag;
    bool still_translates = FIELD_GET(STE0_CONFIG, target.word[0]) == STE_CONFIG_S2 &&
                            FIELD_GET(STE2_VMID, target.word[2]) == FIELD_GET(STE2_VMID, word2);

    /* Accesses that were translated before have reached memory once a TLBI of their tag and a
     * SYNC have completed (3.21.1): after this the device's last access is over. */
    if (result == IOMMU_OK && was_translating && !still_translates) {
        struct command drain = command_tlbi_domain((uint16_t)FIELD_GET(STE2_VMID, word2));

        result = smmuv3_issue(unit, &drain, 1);
    }
    return result;
}

/* A SYNC completes behind the records of all that was terminated before it began (4.7.3). It stands behind a
 * command because each batch has one. */
enum iommu_result smmuv3_settle(struct iommu *iommu, uint32_t stream)
{
    struct command forget = command_cfgi_ste(stream, true);

    return smmuv3_issue(iommu->unit, &forget, 1);
}
