/* SPDX-License-Identifier: Apache-2.0 */
#include "drivers/irqchip/gicv3.h"

#include "arch/seam.h"

/* Distributor (12.9) */
#define GICD_CTLR 0x0000
#define CTLR_ENABLE_GROUP1 BIT(1)
#define CTLR_AFFINITY BIT(4)
#define CTLR_PENDING BIT(31)
#define GICD_TYPER 0x0004
#define TYPER_LINES BITS(4, 0)
#define GICD_IGROUPR 0x0080
#define GICD_ISENABLER 0x0100
#define GICD_ICENABLER 0x0180
#define GICD_ISPENDR 0x0200
#define GICD_ICPENDR 0x0280
#define GICD_ICACTIVER 0x0380
#define GICD_IPRIORITYR 0x0400
#define GICD_ICFGR 0x0C00
#define GICD_IROUTER 0x6000

/* Redistributor (12.11), and its second frame of private interrupts */
#define GICR_TYPER 0x0008
#define TYPER_VLPIS BIT(1)
#define TYPER_LAST BIT(4)
#define TYPER_AFFINITY BITS(63, 32)
#define GICR_WAKER 0x0014
#define WAKER_SLEEP BIT(1)
#define WAKER_CHILDREN_ASLEEP BIT(2)
#define GICR_PRIVATE 0x10000
#define REDISTRIBUTOR_SIZE 0x20000
#define REDISTRIBUTOR_SIZE_VLPIS 0x40000

#define LINES_PER_WORD 32
#define PRIORITY_MIDDLE UINT32_C(0xA0A0A0A0)
#define DEADLINE_MICROSECONDS 100000

static uint64_t distributor;
static uint32_t line_limit;

static bool wait_clear(uint64_t address, uint64_t bit)
{
    uint64_t deadline = time_deadline(DEADLINE_MICROSECONDS);

    while ((mmio_read32(address) & bit) != 0) {
        if (time_passed(deadline))
            return false;
        cpu_relax();
    }
    return true;
}

/* The registers of 32 interrupts: off, not pending, not active, group 1, one priority. */
static void quiet(uint64_t frame, uint32_t first)
{
    uint64_t word = first / LINES_PER_WORD * sizeof(uint32_t);

    mmio_write32(frame + GICD_ICENABLER + word, UINT32_MAX);
    mmio_write32(frame + GICD_ICPENDR + word, UINT32_MAX);
    mmio_write32(frame + GICD_ICACTIVER + word, UINT32_MAX);
    mmio_write32(frame + GICD_IGROUPR + word, UINT32_MAX);
    for (uint32_t i = 0; i < LINES_PER_WORD; i += 4)
        mmio_write32(frame + GICD_IPRIORITYR + first + i, PRIORITY_MIDDLE);
}

bool gicv3_distributor_start(uint64_t base)
{
    distributor = base;
    mmio_write32(base + GICD_CTLR, 0);
    if (!wait_clear(base + GICD_CTLR, CTLR_PENDING))
        return false;
    line_limit = (uint32_t)(FIELD_GET(TYPER_LINES, mmio_read32(base + GICD_TYPER)) + 1) *
                 LINES_PER_WORD;
    for (uint32_t first = LINES_PER_WORD; first < line_limit; first += LINES_PER_WORD)
        quiet(base, first);
    mmio_write32(base + GICD_CTLR, (uint32_t)CTLR_AFFINITY);
    mmio_write32(base + GICD_CTLR, (uint32_t)(CTLR_AFFINITY | CTLR_ENABLE_GROUP1));
    return wait_clear(base + GICD_CTLR, CTLR_PENDING);
}

uint64_t gicv3_redistributor_start(struct topology_range registers, uint64_t affinity)
{
    uint64_t wanted = FIELD_GET(BITS(39, 32), affinity) << 24 | FIELD_GET(BITS(23, 0), affinity);
    uint64_t frame = registers.base, end = registers.base + registers.size;

    while (frame + REDISTRIBUTOR_SIZE <= end) {
        uint64_t type = mmio_read64(frame + GICR_TYPER);

        if (FIELD_GET(TYPER_AFFINITY, type) == wanted) {
            mmio_write32(frame + GICR_WAKER,
                         mmio_read32(frame + GICR_WAKER) & ~(uint32_t)WAKER_SLEEP);
            if (!wait_clear(frame + GICR_WAKER, WAKER_CHILDREN_ASLEEP))
                return 0;
            quiet(frame + GICR_PRIVATE, 0);
            return frame;
        }
        if ((type & TYPER_LAST) != 0)
            break;
        frame += (type & TYPER_VLPIS) != 0 ? REDISTRIBUTOR_SIZE_VLPIS : REDISTRIBUTOR_SIZE;
    }
    return 0;
}

void gicv3_private_enable(uint64_t redistributor, uint32_t interrupt, bool enable)
{
    mmio_write32(redistributor + GICR_PRIVATE + (enable ? GICD_ISENABLER : GICD_ICENABLER),
                 (uint32_t)BIT(interrupt));
}

void gicv3_private_deactivate(uint64_t redistributor, uint32_t interrupt)
{
    mmio_write32(redistributor + GICR_PRIVATE + GICD_ICACTIVER, (uint32_t)BIT(interrupt));
}

void gicv3_line_pend(uint32_t interrupt)
{
    mmio_write32(distributor + GICD_ISPENDR + interrupt / LINES_PER_WORD * sizeof(uint32_t),
                 (uint32_t)BIT(interrupt % LINES_PER_WORD));
}

bool gicv3_line_enable(uint32_t interrupt, bool edge, uint64_t affinity)
{
    if (interrupt < LINES_PER_WORD || interrupt >= line_limit)
        return false;
    uint64_t configuration = distributor + GICD_ICFGR + interrupt / 16 * sizeof(uint32_t);
    uint32_t bit = (uint32_t)BIT(interrupt % 16 * 2 + 1);
    uint32_t value = mmio_read32(configuration);

    mmio_write32(configuration, edge ? value | bit : value & ~bit);
    mmio_write64(distributor + GICD_IROUTER + interrupt * sizeof(uint64_t), affinity);
    mmio_write32(distributor + GICD_ISENABLER + interrupt / LINES_PER_WORD * sizeof(uint32_t),
                 (uint32_t)BIT(interrupt % LINES_PER_WORD));
    return true;
}
