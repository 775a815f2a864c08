/* SPDX-License-Identifier: Apache-2.0 */
#include "gic.h"

#include "cpu.h"
#include "mmio.h"
#include "tree.h"

#define GICD_CTLR 0x0000
#define GICD_CTLR_ENABLE_GROUP1 (1u << 1) /* EnableGrp1, EnableGrp1A of the Non-secure view */
#define GICD_CTLR_ARE (1u << 4)
#define GICD_CTLR_RWP (1u << 31)

/* Both frames lay out what follows alike; the redistributor's is its second one. */
#define IGROUPR 0x0080
#define ISENABLER 0x0100
#define ICENABLER 0x0180
#define ICPENDR 0x0280
#define IPRIORITYR 0x0400
#define ICFGR 0x0c00

#define GICR_CTLR 0x0000
#define GICR_CTLR_RWP (1u << 3)
#define GICR_WAKER 0x0014
#define GICR_WAKER_PROCESSOR_SLEEP (1u << 1)
#define GICR_WAKER_CHILDREN_ASLEEP (1u << 2)

#define GICR_SGI_FRAME 0x10000 /* the frame of private interrupts, behind the first one */

#define INTS_PER_PRIORITY_WORD 4
#define PRIORITY_BITS 8
#define PRIORITY_MASK 0xffu
#define PRIORITY_NORMAL 0xa0u
#define PRIORITY_LOWEST 0xffu
#define CFG_BITS 2
#define CFG_MASK 3u
#define CFG_PER_WORD 16
#define BITS_PER_WORD 32

#define LIMITS_PER_SECOND 10 /* how long the controller may take, as a part of a second */

#define ICC_SRE_SRE 1u
#define INTID_MASK 0xffffffu

static enum { UNTRIED, UP, ABSENT } state;
static uintptr_t distributor, redistributor;

/* Until the controller has taken a write; false: it has not within the limit. */
static bool wait_clear(uintptr_t address, uint32_t bits)
{
    uint64_t deadline = cpu_counter() + cpu_counter_frequency() / LIMITS_PER_SECOND;
    bool late;

    do {
        late = cpu_counter() >= deadline;
        if ((mmio_read32(address) & bits) == 0)
            return true;
    } while (!late);
    return false;
}

static bool bring_up(void)
{
    int node = tree_find_compatible("arm,gic-v3");
    uint64_t first, second, bytes;

    if (!tree_reg(node, 0, &first, &bytes) || !tree_reg(node, 1, &second, &bytes))
        return false;
    distributor = (uintptr_t)first;
    redistributor = (uintptr_t)second;

    mmio_write32(distributor + GICD_CTLR, GICD_CTLR_ARE | GICD_CTLR_ENABLE_GROUP1);
    if (!wait_clear(distributor + GICD_CTLR, GICD_CTLR_RWP))
        return false;
    mmio_write32(redistributor + GICR_WAKER,
                 mmio_read32(redistributor + GICR_WAKER) & ~GICR_WAKER_PROCESSOR_SLEEP);
    if (!wait_clear(redistributor + GICR_WAKER, GICR_WAKER_CHILDREN_ASLEEP))
        return false;

    cpu_set_icc_sre(cpu_icc_sre() | ICC_SRE_SRE);
    cpu_set_icc_bpr1(0);
    cpu_set_icc_ctlr(0); /* an end drops priority and deactivates */
    cpu_set_icc_pmr(PRIORITY_LOWEST);
    cpu_set_icc_igrpen1(1);
    return true;
}

bool gic_init(void)
{
    if (state == UNTRIED)
        state = bring_up() ? UP : ABSENT;
    return state == UP;
}

/* Replaces the field that lies at `shift` and is as wide as `mask`. */
static void update(uintptr_t address, uint32_t mask, uint32_t shift, uint32_t value)
{
    mmio_write32(address, (mmio_read32(address) & ~(mask << shift)) | value << shift);
}

/* The word of an interrupt in a register with so many of them to a word. */
static uintptr_t word_of(uintptr_t first, uint32_t intid, uint32_t per_word)
{
    return first + intid / per_word * sizeof(uint32_t);
}

/* Level-triggered, group 1, one priority. */
static void enable(uintptr_t frame, uint32_t intid)
{
    update(word_of(frame + IGROUPR, intid, BITS_PER_WORD), 1, intid % BITS_PER_WORD, 1);
    update(word_of(frame + IPRIORITYR, intid, INTS_PER_PRIORITY_WORD), PRIORITY_MASK,
           intid % INTS_PER_PRIORITY_WORD * PRIORITY_BITS, PRIORITY_NORMAL);
    update(word_of(frame + ICFGR, intid, CFG_PER_WORD), CFG_MASK, intid % CFG_PER_WORD * CFG_BITS,
           0);
    mmio_write32(word_of(frame + ISENABLER, intid, BITS_PER_WORD), 1u << intid % BITS_PER_WORD);
}

void gic_enable_private(uint32_t intid)
{
    enable(redistributor + GICR_SGI_FRAME, intid);
    wait_clear(redistributor + GICR_CTLR, GICR_CTLR_RWP);
}

bool gic_private_is_enabled(uint32_t intid)
{
    return mmio_read32(redistributor + GICR_SGI_FRAME + ISENABLER) >> intid & 1;
}

void gic_clear_private(uint32_t intid)
{
    mmio_write32(redistributor + GICR_SGI_FRAME + ICPENDR, 1u << intid);
}

void gic_enable_shared(uint32_t intid)
{
    enable(distributor, intid);
    wait_clear(distributor + GICD_CTLR, GICD_CTLR_RWP);
}

void gic_disable_shared(uint32_t intid)
{
    mmio_write32(word_of(distributor + ICENABLER, intid, BITS_PER_WORD),
                 1u << intid % BITS_PER_WORD);
    wait_clear(distributor + GICD_CTLR, GICD_CTLR_RWP);
}

void gic_clear_shared(uint32_t intid)
{
    mmio_write32(word_of(distributor + ICPENDR, intid, BITS_PER_WORD), 1u << intid % BITS_PER_WORD);
}

void gic_raise(uint32_t intid)
{
    static const unsigned int intid_shift = 24;

    cpu_set_icc_sgi1r((uint64_t)intid << intid_shift | 1);
}

uint32_t gic_acknowledge(void)
{
    return cpu_icc_iar1() & INTID_MASK;
}

void gic_end(uint32_t intid)
{
    cpu_set_icc_eoir1(intid);
}

void gic_unmask(void)
{
    cpu_unmask_interrupts();
}

void gic_mask(void)
{
    cpu_mask_interrupts();
}
