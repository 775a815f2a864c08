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
#define GICD_ISACTIVER 0x0300
#define GICD_ICACTIVER 0x0380
#define GICD_IPRIORITYR 0x0400
#define GICD_ICFGR 0x0C00
#define GICD_IROUTER 0x6000

/* Redistributor (12.11), and its second frame of private interrupts */
#define GICR_CTLR_PENDING BIT(3)
#define GICR_TYPER 0x0008
#define TYPER_VLPIS BIT(1)
#define TYPER_LAST BIT(4)
#define TYPER_AFFINITY BITS(63, 32)
#define GICR_CTLR 0x0000
#define GICR_WAKER 0x0014
#define WAKER_SLEEP BIT(1)
#define WAKER_CHILDREN_ASLEEP BIT(2)
#define GICR_PRIVATE 0x10000
#define REDISTRIBUTOR_SIZE 0x20000
#define REDISTRIBUTOR_SIZE_VLPIS 0x40000

#define LINES_PER_WORD 32
#define CONFIGURED_PER_WORD 16
/* Guests' lines and the hypervisor's: the latter come first, however often the former do. */
#define PRIORITY_GUEST UINT32_C(0xA0A0A0A0)
#define PRIORITY_OWN UINT64_C(0x80)
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

/*
 * The registers of 32 interrupts: off, not pending, not active, group 1, one priority, and where it can
 * be chosen, levels: which may change only once an interrupt is known to be off (12.9, GICD_ICFGR). False: busy, a
 * bit of control, does not clear.
 */
static bool quiet(uint64_t frame, uint32_t first, uint64_t control, uint64_t busy)
{
    uint64_t word = first / LINES_PER_WORD * sizeof(uint32_t);

    mmio_write32(frame + GICD_ICENABLER + word, UINT32_MAX);
    if (!wait_clear(control, busy))
        return false;
    mmio_write32(frame + GICD_ICPENDR + word, UINT32_MAX);
    mmio_write32(frame + GICD_ICACTIVER + word, UINT32_MAX);
    mmio_write32(frame + GICD_IGROUPR + word, UINT32_MAX);
    for (uint32_t i = 0; i < LINES_PER_WORD; i += 4)
        mmio_write32(frame + GICD_IPRIORITYR + first + i, PRIORITY_GUEST);
    for (uint32_t i = 0; i < LINES_PER_WORD && first != 0; i += CONFIGURED_PER_WORD)
        mmio_write32(frame + GICD_ICFGR + (first + i) / CONFIGURED_PER_WORD * sizeof(uint32_t), 0);
    return true;
}

bool gicv3_distributor_start(uint64_t base)
{
    uint64_t control = base + GICD_CTLR;

    distributor = base;
    /* Affinity routing that is on stays on: to turn it off is not defined. */
    mmio_write32(control, mmio_read32(control) & (uint32_t)CTLR_AFFINITY);
    if (!wait_clear(control, CTLR_PENDING))
        return false;
    line_limit = (uint32_t)(FIELD_GET(TYPER_LINES, mmio_read32(base + GICD_TYPER)) + 1) *
                 LINES_PER_WORD;
    for (uint32_t first = LINES_PER_WORD; first < line_limit; first += LINES_PER_WORD) {
        if (!quiet(base, first, control, CTLR_PENDING))
            return false;
    }
    mmio_write32(control, (uint32_t)CTLR_AFFINITY);
    mmio_write32(control, (uint32_t)(CTLR_AFFINITY | CTLR_ENABLE_GROUP1));
    return wait_clear(control, CTLR_PENDING);
}

/* The frame of that GICR_TYPER affinity in one region, or 0. */
static uint64_t find(struct topology_range registers, uint64_t stride, uint64_t wanted)
{
    uint64_t frame = registers.base, end = registers.base + registers.size;

    while (frame + REDISTRIBUTOR_SIZE <= end) {
        uint64_t type = mmio_read64(frame + GICR_TYPER);

        if (FIELD_GET(TYPER_AFFINITY, type) == wanted)
            return frame;
        if ((type & TYPER_LAST) != 0)
            break;
        frame += stride != 0                 ? stride
                 : (type & TYPER_VLPIS) != 0 ? REDISTRIBUTOR_SIZE_VLPIS
                                             : REDISTRIBUTOR_SIZE;
    }
    return 0;
}

uint64_t gicv3_redistributor_start(const struct topology *topology, uint64_t affinity)
{
    uint64_t wanted = FIELD_GET(BITS(39, 32), affinity) << 24 | FIELD_GET(BITS(23, 0), affinity);
    uint64_t frame = 0;

    for (uint32_t i = 1; i <= topology->gic_redistributors && frame == 0; i++)
        frame = find(topology->gic_range[i], topology->gic_stride, wanted);
    if (frame == 0)
        return 0;
    mmio_write32(frame + GICR_WAKER, mmio_read32(frame + GICR_WAKER) & ~(uint32_t)WAKER_SLEEP);
    return wait_clear(frame + GICR_WAKER, WAKER_CHILDREN_ASLEEP) &&
                   quiet(frame + GICR_PRIVATE, 0, frame + GICR_CTLR, GICR_CTLR_PENDING)
               ? frame
               : 0;
}

/* The frame of an interrupt with the word of it in a register that has a bit for each. */
static uint64_t place(uint64_t redistributor, uint32_t interrupt)
{
    return interrupt < LINES_PER_WORD ? redistributor + GICR_PRIVATE
                                      : distributor + interrupt / LINES_PER_WORD * sizeof(uint32_t);
}

bool gicv3_set(uint64_t redistributor, uint32_t interrupt, enum gicv3_state state, bool on)
{
    static const uint16_t registers[][2] = {
        [GICV3_ENABLED] = { GICD_ICENABLER, GICD_ISENABLER },
        [GICV3_PENDING] = { GICD_ICPENDR, GICD_ISPENDR },
        [GICV3_ACTIVE] = { GICD_ICACTIVER, GICD_ISACTIVER },
    };

    mmio_write32(place(redistributor, interrupt) + registers[state][on],
                 (uint32_t)BIT(interrupt % LINES_PER_WORD));
    if (state != GICV3_ENABLED || on)
        return true;
    return interrupt < LINES_PER_WORD ? wait_clear(redistributor + GICR_CTLR, GICR_CTLR_PENDING)
                                      : wait_clear(distributor + GICD_CTLR, CTLR_PENDING);
}

bool gicv3_is_pending(uint64_t redistributor, uint32_t interrupt)
{
    return (mmio_read32(place(redistributor, interrupt) + GICD_ISPENDR) &
            BIT(interrupt % LINES_PER_WORD)) != 0;
}

static bool is_line(uint32_t interrupt)
{
    return interrupt >= LINES_PER_WORD && interrupt < line_limit;
}

bool gicv3_line_route(uint32_t interrupt, uint64_t affinity)
{
    if (!is_line(interrupt))
        return false;
    mmio_write64(distributor + GICD_IROUTER + interrupt * sizeof(uint64_t), affinity);
    return true;
}

/* One field of a 32-bit register. */
static void change(uint64_t address, uint64_t field, uint64_t value)
{
    mmio_write32(address, (uint32_t)((mmio_read32(address) & ~field) | FIELD_PUT(field, value)));
}

bool gicv3_line_enable(uint32_t interrupt, bool edge, uint64_t affinity)
{
    if (!is_line(interrupt) || !gicv3_set(0, interrupt, GICV3_ENABLED, false) ||
        !gicv3_line_route(interrupt, affinity))
        return false;
    change(distributor + GICD_ICFGR + interrupt / CONFIGURED_PER_WORD * sizeof(uint32_t),
           BIT(interrupt % CONFIGURED_PER_WORD * 2 + 1), edge);
    change(distributor + GICD_IPRIORITYR + (interrupt & ~3u), UINT64_C(0xFF) << interrupt % 4 * 8,
           PRIORITY_OWN);
    return gicv3_set(0, interrupt, GICV3_ENABLED, true);
}
