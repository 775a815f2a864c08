/* SPDX-License-Identifier: Apache-2.0 */
/* Bringing a unit up (IHI 0070 6.3, 3.11). It has been closed before (early.c) and lets nothing
 * through until SMMUEN is set over a table in which every stream aborts. */
#include "drivers/iommu/smmuv3/unit.h"
#include "drivers/iommu/smmuv3/early.h"
#include "lib/boot_memory.h"
#include "lib/vmsa.h"

struct erratum {
    uint32_t product;
    uint32_t fixed_in; /* variant << 4 | revision */
    bool sync_each;
    bool no_nesting;
};

/* Arm's units by IIDR (implementer 0x43B); an entry stands for every revision before fixed_in. */
static const uint32_t implementer_arm = 0x43B;
static const struct erratum errata[] = {
    { .product = 0x483, .fixed_in = 0x20, .no_nesting = true },                    /* MMU-600 */
    { .product = 0x487, .fixed_in = 0x11, .sync_each = true, .no_nesting = true }, /* MMU-700 */
};

/* By stage. What stage 1 lets be written can be read, too; attribute 0 of MAIR is Normal memory, 1 is a device's. */
static const struct iommu_format formats[] = {
    [1] = { .entries = &vmsa_4k,
            .write = S1_READ_ONLY,
            .common = S1_READ_ONLY | S1_UNPRIVILEGED | S1_NOT_GLOBAL | SHARE_INNER | ACCESSED,
            .registers = S1_ATTRIBUTE_1 },
    [2] = { .entries = &vmsa_4k,
            .read = S2_READ,
            .write = S2_WRITE,
            .common = S2_MEMATTR_NORMAL_WB | SHARE_INNER | ACCESSED,
            .registers = S2_MEMATTR_NORMAL_WB ^ S2_MEMATTR_DEVICE },
};

static struct smmuv3 units[TOPOLOGY_IOMMUS];
static unsigned int unit_count;

bool smmuv3_write_acknowledged(struct smmuv3 *unit, uint64_t reg, uint64_t acknowledge,
                               uint32_t value)
{
    uint64_t deadline = time_deadline(IOMMU_DEADLINE_MICROSECONDS);

    mmio_write32(unit->base + reg, value);
    for (;;) {
        bool late = time_passed(deadline); /* before the look, as in wait_consumed() */

        if (mmio_read32(unit->base + acknowledge) == value)
            return true;
        if (late)
            return false;
        cpu_relax();
    }
}

static void apply_errata(struct iommu_capabilities *capabilities, uint32_t iidr)
{
    uint64_t version = FIELD_GET(IIDR_VARIANT, iidr) << 4 | FIELD_GET(IIDR_REVISION, iidr);

    if (FIELD_GET(IIDR_IMPLEMENTER, iidr) != implementer_arm)
        return;
    for (size_t i = 0; i < ARRAY_LENGTH(errata); i++) {
        if (errata[i].product != FIELD_GET(IIDR_PRODUCT, iidr) || version >= errata[i].fixed_in)
            continue;
        capabilities->sync_each = errata[i].sync_each;
        capabilities->nesting = capabilities->nesting && !errata[i].no_nesting;
    }
}

static void read_stage2(struct iommu_capabilities *capabilities, uint32_t idr0, uint32_t idr3)
{
    capabilities->stage = 2;
    /* Starting at level 0 needs an output of 44 bits at least; below that one root page
     * covers 39. */
    capabilities->input_bits = capabilities->output_bits >= 44
                                   ? capabilities->output_bits
                                   : (unsigned int)min_u64(39, capabilities->output_bits);
    capabilities->tag_bits = (idr0 & IDR0_VMID16) != 0 ? 16 : 8;
    capabilities->nesting = (idr0 & IDR0_S1P) != 0;
    capabilities->hitless_replace = FIELD_GET(IDR3_BBML, idr3) == IDR3_BBML_ONE_OF_THEM;
}

/* Input addresses of stage 1 have 48 bits whatever the output has (3.4); those of 52 are an option. */
static void read_stage1(struct iommu_capabilities *capabilities, uint32_t idr0)
{
    capabilities->stage = 1;
    capabilities->input_bits = 48;
    capabilities->tag_bits = (idr0 & IDR0_ASID16) != 0 ? 16 : 8;
    capabilities->hitless_replace = true;
}

static bool read_capabilities(struct iommu *iommu, uint64_t base, const char **reason)
{
    static const uint8_t output_sizes[] = { 32, 36, 40, 42, 44, 48, 48, 48 };
    struct iommu_capabilities *capabilities = &iommu->capabilities;
    uint32_t idr0 = mmio_read32(base + SMMU_IDR0), idr1 = mmio_read32(base + SMMU_IDR1);
    uint32_t idr3 = mmio_read32(base + SMMU_IDR3), idr5 = mmio_read32(base + SMMU_IDR5);

    if ((idr0 & (IDR0_S2P | IDR0_S1P)) == 0 || (FIELD_GET(IDR0_TTF, idr0) & IDR0_TTF_AARCH64) == 0)
        *reason = "no AArch64 translation";
    else if (FIELD_GET(IDR0_TTENDIAN, idr0) == IDR0_TTENDIAN_BIG)
        *reason = "walks big-endian tables only";
    else if (FIELD_GET(IDR0_STALL_MODEL, idr0) == IDR0_STALL_FORCED)
        *reason = "stalls whatever it blocks";
    else if ((idr5 & IDR5_GRAN4K) == 0)
        *reason = "no 4 KiB granule";
    else if ((idr1 & (IDR1_QUEUES_PRESET | IDR1_TABLES_PRESET)) != 0)
        *reason = "tables or queues at preset addresses are not supported";
    else if (FIELD_GET(IDR1_CMDQS, idr1) < COMMAND_QUEUE_LOG2_LEAST)
        *reason = "its command queue is too small";
    if (*reason != NULL)
        return false;
    capabilities->output_bits = output_sizes[FIELD_GET(IDR5_OAS, idr5)];
    if ((idr0 & IDR0_S2P) != 0)
        read_stage2(capabilities, idr0, idr3);
    else
        read_stage1(capabilities, idr0);
    capabilities->stream_bits = (unsigned int)FIELD_GET(IDR1_SIDSIZE, idr1);
    capabilities->page_sizes = BIT(12) | BIT(21) | BIT(30);
    /* Where firmware and the unit disagree, cleaning is right for both. */
    capabilities->coherent = (idr0 & IDR0_COHACC) != 0 && iommu->topology->coherent;
    capabilities->range_invalidation = (idr3 & IDR3_RIL) != 0;
    /* With fewer streams than one second level holds, the linear table is the smaller one. */
    capabilities->two_level = FIELD_GET(IDR0_ST_LEVEL, idr0) == 1 &&
                              capabilities->stream_bits >= STREAM_SPLIT;
    apply_errata(capabilities, mmio_read32(base + SMMU_IIDR));
    return true;
}

static void *take_queue(struct smmuv3 *unit, uint64_t size)
{
    void *queue = boot_memory_take(size, max_u64(size, PAGE_SIZE));

    if (queue != NULL)
        smmuv3_publish(unit, queue, size);
    return queue;
}

static bool start_queues(struct smmuv3 *unit)
{
    uint32_t idr1 = mmio_read32(unit->base + SMMU_IDR1);

    unit->command_log2 = (unsigned int)min_u64(COMMAND_QUEUE_LOG2, FIELD_GET(IDR1_CMDQS, idr1));
    unit->command_mask = BIT(unit->command_log2) - 1;
    unit->position_mask = BIT(unit->command_log2 + 1) - 1;
    unit->plain = unit->iommu->capabilities.coherent && !unit->iommu->capabilities.sync_each;
    unit->event_log2 = (unsigned int)min_u64(EVENT_QUEUE_LOG2, FIELD_GET(IDR1_EVENTQS, idr1));
    unit->commands = take_queue(unit, COMMAND_SIZE << unit->command_log2);
    unit->events = take_queue(unit, EVENT_SIZE << unit->event_log2);
    if (unit->commands == NULL || unit->events == NULL)
        return false;
    mmio_write64(unit->base + SMMU_CMDQ_BASE,
                 memory_physical(unit->commands) | BASE_READ_ALLOCATE |
                     FIELD_PUT(QUEUE_BASE_LOG2SIZE, unit->command_log2));
    mmio_write32(unit->base + SMMU_CMDQ_PROD, 0);
    mmio_write32(unit->base + SMMU_CMDQ_CONS, 0);
    mmio_write64(unit->base + SMMU_EVENTQ_BASE,
                 memory_physical(unit->events) | BASE_READ_ALLOCATE |
                     FIELD_PUT(QUEUE_BASE_LOG2SIZE, unit->event_log2));
    mmio_write32(unit->base + SMMU_EVENTQ_PROD, 0);
    mmio_write32(unit->base + SMMU_EVENTQ_CONS, 0);
    return true;
}

/* The domain of logged parked streams: a root without entries, which never changes. */
static bool start_parked(struct smmuv3 *unit)
{
    const struct iommu_capabilities *capabilities = &unit->iommu->capabilities;
    void *page = boot_memory_take(PAGE_SIZE, PAGE_SIZE);

    if (page == NULL)
        return false;
    page_pool_init(&unit->parked_pool, memory_physical(page), 1, &unit->parked_record);
    unit->parked = (struct iommu_domain){ &unit->parked_table, iommu_tag_take(unit->iommu) };
    if (capabilities->stage == 2 && capabilities->hitless_replace)
        unit->reserved_tag = iommu_tag_take(unit->iommu);
    if (capabilities->stage == 2)
        smmuv3_stage2_start(unit);
    return pagetable_init(&unit->parked_table, &vmsa_4k, &unit->parked_pool,
                          capabilities->input_bits, capabilities->coherent) &&
           (capabilities->stage == 2 || smmuv3_parked_context_start(unit));
}

/* What a former user of the unit may have left in its caches goes before it is turned on. */
static bool drop_stale(struct smmuv3 *unit)
{
    struct command commands[3] = { command_cfgi_all(), command_tlbi_all() };
    uint32_t count = 2;

    if ((mmio_read32(unit->base + SMMU_IDR0) & IDR0_HYP) != 0)
        commands[count++] = command_tlbi_el2_all();
    return smmuv3_issue(unit, commands, count) == IOMMU_OK;
}

/* Interrupts come by wire: an address that reset or a former user left there would be written to. */
static bool use_wired_interrupts(struct smmuv3 *unit)
{
    if (!smmuv3_write_acknowledged(unit, SMMU_IRQ_CTRL, SMMU_IRQ_CTRLACK, 0))
        return false;
    if ((mmio_read32(unit->base + SMMU_IDR0) & IDR0_MSI) != 0) {
        mmio_write64(unit->base + SMMU_GERROR_IRQ_CFG0, 0);
        mmio_write64(unit->base + SMMU_EVENTQ_IRQ_CFG0, 0);
    }
    return true;
}

static bool write_cr0(struct smmuv3 *unit, uint64_t value)
{
    /* Without ATSCHK a request that claims to be translated passes unchecked; it is set from the
     * first write on, since it may be cached with the configuration. */
    if ((mmio_read32(unit->base + SMMU_IDR0) & IDR0_ATS) != 0)
        value |= CR0_ATSCHK;
    return smmuv3_write_acknowledged(unit, SMMU_CR0, SMMU_CR0ACK, (uint32_t)value);
}

static bool turn_on(struct smmuv3 *unit)
{
    mmio_write32(unit->base + SMMU_GERRORN, mmio_read32(unit->base + SMMU_GERROR));
    return use_wired_interrupts(unit) && write_cr0(unit, CR0_CMDQEN) && drop_stale(unit) &&
           write_cr0(unit, CR0_CMDQEN | CR0_EVENTQEN) &&
           smmuv3_write_acknowledged(unit, SMMU_IRQ_CTRL, SMMU_IRQ_CTRLACK,
                                     (uint32_t)(IRQ_CTRL_EVENTQ | IRQ_CTRL_GERROR)) &&
           write_cr0(unit, CR0_CMDQEN | CR0_EVENTQEN | CR0_SMMUEN);
}

static bool smmuv3_start(struct iommu *iommu, uint32_t stream_count, const char **reason)
{
    uint64_t base = iommu->topology->registers.base;
    struct smmuv3 *unit;

    *reason = NULL;
    if (iommu->topology->registers.size < SMMU_REGISTERS_SIZE)
        *reason = "its register range is too small";
    if (*reason != NULL || !read_capabilities(iommu, base, reason))
        return false;
    unit = &units[unit_count++]; /* each of the topology's units is started once */
    unit->iommu = iommu;
    unit->base = base;
    iommu->unit = unit;
    iommu->format = &formats[iommu->capabilities.stage];
    mmio_write32(base + SMMU_CR1, (uint32_t)(FIELD_PUT(CR1_QUEUE_IC, CR1_CACHE_WRITE_BACK) |
                                             FIELD_PUT(CR1_QUEUE_OC, CR1_CACHE_WRITE_BACK) |
                                             FIELD_PUT(CR1_QUEUE_SH, CR1_SHARE_INNER) |
                                             FIELD_PUT(CR1_TABLE_IC, CR1_CACHE_WRITE_BACK) |
                                             FIELD_PUT(CR1_TABLE_OC, CR1_CACHE_WRITE_BACK) |
                                             FIELD_PUT(CR1_TABLE_SH, CR1_SHARE_INNER)));
    /* The CPUs' broadcast invalidations are not the unit's (PTM exists only where they could
     * reach it). */
    uint64_t private_maintenance = (mmio_read32(base + SMMU_IDR0) & IDR0_BTM) != 0 ? CR2_PTM : 0;

    mmio_write32(base + SMMU_CR2, (uint32_t)(private_maintenance | CR2_RECINVSID));
    if (!smmuv3_stream_table_start(unit, stream_count, reason))
        return false;
    if (!start_queues(unit) || !start_parked(unit)) {
        *reason = "no memory for its queues";
        return false;
    }
    if (!turn_on(unit)) {
        *reason = "it missed a deadline while it was brought up";
        if (!iommu->silenced)
            smmuv3_silence(unit, FAILURE_DEADLINE);
        return false;
    }
    return true;
}

static bool smmuv3_handle(struct iommu *iommu)
{
    bool more = smmuv3_events(iommu->unit);

    smmuv3_errors(iommu->unit);
    return more;
}

IOMMU_DRIVER(smmuv3_driver) = {
    .compatible = "arm,smmu-v3",
    .close = smmuv3_close,
    .start = smmuv3_start,
    .stream_prepare = smmuv3_stream_prepare,
    .stream_set = smmuv3_stream_set,
    .stream_replace = smmuv3_stream_replace,
    .invalidate = smmuv3_invalidate,
    .wait = smmuv3_wait,
    .invalidate_domain = smmuv3_invalidate_domain,
    .settle = smmuv3_settle,
    .events_end = smmuv3_events_end,
    .handle_events = smmuv3_handle,
};
