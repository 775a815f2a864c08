/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The GICv3 that a guest sees (IHI 0069), as software in the Non-secure state does: every interrupt is in
 * group 1. A distributor with 64 shared interrupts, one redistributor, and the CPU interface that the
 * hardware virtualises with list registers. Compiled on the host too: what it asks of the CPU stands in
 * vgic_hardware.h.
 *
 * An interrupt is pending or active either here or in a list register, never in both. As long as all fit,
 * a list register that comes free is no event; once one waits outside, the most urgent pending one has
 * a list register, and the maintenance interrupt tells when the next may follow.
 *
 * All calls by the CPU that the vCPU is pinned to.
 */
#ifndef ARCH_ARM64_VDEV_VGIC_H
#define ARCH_ARM64_VDEV_VGIC_H

#include "lib/types.h"

#define VGIC_PRIVATE 32 /* SGIs 0 to 15, PPIs 16 to 31 */
#define VGIC_SHARED 64  /* SPIs 32 to 95 */
#define VGIC_INTERRUPTS (VGIC_PRIVATE + VGIC_SHARED)
#define VGIC_WORDS (VGIC_INTERRUPTS / 32)
#define VGIC_LIST_REGISTERS 16
#define INTERRUPT_VIRTUAL_TIMER 27 /* the PPI that stands for the physical one */

/* GICR_WAKER */
#define VGIC_WAKER_SLEEP BIT(1)
#define VGIC_WAKER_CHILDREN_ASLEEP BIT(2)

/* A bit an interrupt. */
struct vgic_set {
    uint32_t word[VGIC_WORDS];
};

struct vgic {
    struct vgic_set enabled; /* by the guest */
    struct vgic_set edge;    /* GICD_ICFGR: only kept */
    struct vgic_set pending; /* and in no list register */
    struct vgic_set active;  /* likewise */
    /* Stands for a physical line, which is active as long as this is pending or active: the guest's end of
     * the one ends the other. */
    struct vgic_set hardware;
    struct vgic_set away;  /* GICD_IROUTER names a CPU that is not there */
    struct vgic_set ready; /* enabled, forwarded, and not away */
    uint8_t priority[VGIC_INTERRUPTS];
    uint32_t router[VGIC_SHARED]; /* low halves of GICD_IROUTER */
    uint16_t line[VGIC_SHARED];   /* of those that stand for a physical line */
    uint32_t control;             /* GICD_CTLR */
    uint32_t waker;               /* GICR_WAKER */
    bool outside;                 /* what should be in a list register found none */
    uint32_t running[4]; /* active priorities when one that is active last had no list register */
    unsigned int preemption_bits; /* that the hardware has */
    bool leaves; /* ICC_DIR_EL1 can trap: active interrupts may leave list registers */
    unsigned int list_registers;       /* that the hardware has */
    uint8_t held[VGIC_LIST_REGISTERS]; /* what was last put in each */
};

/* An access of a guest to an address that stage 2 does not map. */
struct guest_access {
    uint64_t address; /* guest-physical */
    unsigned int bytes;
    bool write;
    uint64_t value; /* written, or the answer to a read */
};

/* Reset state, list registers empty, virtual interface on. */
void vgic_start(struct vgic *vgic);

/* Empties the list registers and turns the virtual interface and the guest's lines off. */
void vgic_stop(struct vgic *vgic);

/* An access to the registers, by offset in the distributor or the redistributor. What does not exist
 * reads as zero and ignores writes (12.1.3). Work: a few passes over the interrupts. */
void vgic_distributor(struct vgic *vgic, uint64_t offset, struct guest_access *access);
void vgic_redistributor(struct vgic *vgic, uint64_t offset, struct guest_access *access);

/* Makes an interrupt pending, as an edge does; of one that stands for a line: the line came and is
 * active for the guest's sake. */
void vgic_raise(struct vgic *vgic, uint32_t interrupt);

/* A software-generated interrupt of the guest to itself. */
void vgic_software(struct vgic *vgic, uint32_t interrupt);

/* A physical shared line came: raises what stands for it. False: nothing does. */
bool vgic_line(struct vgic *vgic, uint32_t line);

/* The guest wrote ICC_DIR_EL1 while that traps. */
void vgic_deactivate(struct vgic *vgic, uint32_t interrupt);

/* The maintenance interrupt came. */
void vgic_maintenance(struct vgic *vgic);

/* Lets a shared interrupt stand for a physical line, and no longer; it is neither pending nor active
 * after either. False: it stands for one already, or there is no such interrupt; the line was not masked
 * in time. */
bool vgic_route(struct vgic *vgic, uint32_t interrupt, uint32_t line);
bool vgic_unroute(struct vgic *vgic, uint32_t line);

/* ---- Between the files of the vGIC ----------------------------------------------------------- */

/* Takes everything out of the list registers, so that what is pending and active stands in the sets;
 * and puts what should be there back. */
void vgic_collect(struct vgic *vgic);
void vgic_refill(struct vgic *vgic);

/* Works out what is ready after a change of what it depends on. */
void vgic_settle(struct vgic *vgic);

/* ICH_LR<n>_EL2 */
#define LR_VIRTUAL BITS(31, 0)
#define LR_PHYSICAL BITS(44, 32)
#define LR_PRIORITY BITS(55, 48)
#define LR_GROUP1 BIT(60)
#define LR_HARDWARE BIT(61)
#define LR_PENDING BIT(62)
#define LR_ACTIVE BIT(63)

/* What a list register holds for an interrupt in that state. */
uint64_t vgic_compose(const struct vgic *vgic, uint32_t interrupt, uint64_t state);

/* The physical interrupt that a hardware one stands for; and the shared one that stands for a physical
 * one, or VGIC_NONE. */
uint32_t vgic_physical(const struct vgic *vgic, uint32_t interrupt);
uint32_t vgic_find_line(const struct vgic *vgic, uint32_t line);
#define VGIC_NONE VGIC_INTERRUPTS

static inline bool vgic_has(const struct vgic_set *set, uint32_t interrupt)
{
    return (set->word[interrupt / 32] >> interrupt % 32 & 1) != 0;
}

static inline void vgic_put(struct vgic_set *set, uint32_t interrupt, bool in)
{
    uint32_t bit = UINT32_C(1) << interrupt % 32;

    set->word[interrupt / 32] = in ? set->word[interrupt / 32] | bit
                                   : set->word[interrupt / 32] & ~bit;
}

#endif
