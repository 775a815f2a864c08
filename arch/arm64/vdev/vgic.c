/* SPDX-License-Identifier: Apache-2.0 */
#include "arch/arm64/vdev/vgic.h"

#include "arch/arm64/gic.h"
#include "lib/string.h"

/* Distributor */
#define GICD_CTLR 0x0000
#define GICD_TYPER 0x0004
#define TYPER_ID_BITS (UINT64_C(9) << 19) /* ten bits of interrupt id */
#define TYPER_NO_1_OF_N BIT(25)
#define GICD_IIDR 0x0008
#define GICD_PIDR2 0xFFE8
#define PIDR2_GICV3 0x30
#define CTLR_ENABLE_GROUP1A BIT(1)
#define CTLR_ENABLE_GROUP1 BIT(0)
#define CTLR_AFFINITY BIT(4) /* always on: reads as one */
#define CTLR_ONE_SECURITY BIT(6)

/* Redistributor, first frame */
#define GICR_CTLR 0x0000
#define GICR_IIDR 0x0004
#define GICR_TYPER 0x0008
#define TYPER_LAST BIT(4)
#define GICR_WAKER 0x0014
#define WAKER_SLEEP BIT(1)
#define WAKER_CHILDREN_ASLEEP BIT(2)
#define GICR_PIDR2 0xFFE8

/* Redistributor, frame of private interrupts; offsets as in the distributor */
#define PRIVATE_FRAME 0x10000
#define IGROUPR 0x0080
#define ISENABLER 0x0100
#define ICENABLER 0x0180
#define ISPENDR 0x0200
#define ICPENDR 0x0280
#define ISACTIVER 0x0300
#define ICACTIVER 0x0380
#define IPRIORITYR 0x0400
#define ICFGR 0x0C00

/* List registers */
#define LR_VIRTUAL BITS(31, 0)
#define LR_PHYSICAL BITS(44, 32)
#define LR_PRIORITY BITS(55, 48)
#define LR_GROUP1 BIT(60)
#define LR_HARDWARE BIT(61)
#define LR_PENDING BIT(62)
#define LR_ACTIVE BIT(63)
#define VTR_LIST_REGISTERS BITS(4, 0)
#define ICH_HCR_ENABLE BIT(0)
#define ICH_HCR_UNDERFLOW BIT(1)

#define SGI_COUNT 16

const struct arch_guest_layout arch_guest_layout = {
    .distributor = { .base = 0x08000000, .size = 0x10000 },
    .redistributor = { .base = 0x080A0000, .size = 0x20000 },
};

/* List registers have one system register name each (ICH_LR0_EL2 to ICH_LR15_EL2). */
#define LR_CASES(op)                                                                               \
    op(0, S3_4_C12_C12_0) op(1, S3_4_C12_C12_1) op(2, S3_4_C12_C12_2) op(3, S3_4_C12_C12_3)        \
        op(4, S3_4_C12_C12_4) op(5, S3_4_C12_C12_5) op(6, S3_4_C12_C12_6) op(7, S3_4_C12_C12_7)    \
            op(8, S3_4_C12_C13_0) op(9, S3_4_C12_C13_1) op(10, S3_4_C12_C13_2)                     \
                op(11, S3_4_C12_C13_3) op(12, S3_4_C12_C13_4) op(13, S3_4_C12_C13_5)               \
                    op(14, S3_4_C12_C13_6) op(15, S3_4_C12_C13_7)

static uint64_t lr_read(unsigned int index)
{
    switch (index) {
#define LR_READ(n, name)                                                                           \
    case n:                                                                                        \
        return sysreg_read(name);
        LR_CASES(LR_READ)
    default:
        return 0;
    }
}

static void lr_write(unsigned int index, uint64_t value)
{
    switch (index) {
#define LR_WRITE(n, name)                                                                          \
    case n:                                                                                        \
        sysreg_write(name, value);                                                                 \
        break;
        LR_CASES(LR_WRITE)
    default:
        break;
    }
}

void vgic_start(struct vgic *vgic)
{
    memset(vgic, 0, sizeof(*vgic));
    vgic->edge = (1u << SGI_COUNT) - 1;
    vgic->waker = (uint32_t)(WAKER_SLEEP | WAKER_CHILDREN_ASLEEP);
    vgic->list_registers = (unsigned int)FIELD_GET(VTR_LIST_REGISTERS,
                                                   sysreg_read_named(ICH_VTR_EL2)) +
                           1;
    for (unsigned int i = 0; i < vgic->list_registers; i++)
        lr_write(i, 0);
    sysreg_write_named(ICH_AP0R0_EL2, 0);
    sysreg_write_named(ICH_AP1R0_EL2, 0);
    sysreg_write_named(ICH_VMCR_EL2, 0);
    sysreg_write_named(ICH_HCR_EL2, ICH_HCR_ENABLE);
    isb();
}

void vgic_stop(struct vgic *vgic)
{
    gic_private_enable(INTERRUPT_VIRTUAL_TIMER, false);
    for (unsigned int i = 0; i < vgic->list_registers; i++)
        lr_write(i, 0);
    /* The guest may have taken it and never ended it: the next life would not get another. */
    gic_private_deactivate(INTERRUPT_VIRTUAL_TIMER);
    sysreg_write_named(ICH_HCR_EL2, 0);
    isb();
}

bool vgic_contains(uint64_t address)
{
    return range_inside(address, 1, arch_guest_layout.distributor.base,
                        arch_guest_layout.distributor.size) ||
           range_inside(address, 1, arch_guest_layout.redistributor.base,
                        arch_guest_layout.redistributor.size);
}

/* The list register that holds an interrupt; list_registers if none does. */
static unsigned int lr_find(const struct vgic *vgic, uint32_t interrupt)
{
    unsigned int i = 0;

    while (i < vgic->list_registers) {
        uint64_t lr = lr_read(i);

        if ((lr & (LR_PENDING | LR_ACTIVE)) != 0 && FIELD_GET(LR_VIRTUAL, lr) == interrupt)
            break;
        i++;
    }
    return i;
}

/* Puts one pending interrupt into a list register. False: there is no free one. */
static bool lr_inject(struct vgic *vgic, uint32_t interrupt)
{
    bool hardware = interrupt == INTERRUPT_VIRTUAL_TIMER;
    unsigned int index = lr_find(vgic, interrupt);

    if (index < vgic->list_registers) {
        /* Active: pending again on top, but never for a hardware line (that is not defined). */
        if (!hardware)
            lr_write(index, lr_read(index) | LR_PENDING);
        return true;
    }
    uint64_t free = sysreg_read_named(ICH_ELRSR_EL2) & (BIT(vgic->list_registers) - 1);

    if (free == 0)
        return false;
    lr_write((unsigned int)__builtin_ctzll(free),
             LR_PENDING | ((vgic->group & BIT(interrupt)) != 0 ? LR_GROUP1 : 0) |
                 (hardware ? LR_HARDWARE | FIELD_PUT(LR_PHYSICAL, interrupt) : 0) |
                 FIELD_PUT(LR_PRIORITY, vgic->priority[interrupt]) |
                 FIELD_PUT(LR_VIRTUAL, interrupt));
    return true;
}

void vgic_refill(struct vgic *vgic)
{
    bool forwards = (vgic->distributor_control & (CTLR_ENABLE_GROUP1 | CTLR_ENABLE_GROUP1A)) != 0;
    uint32_t ready = forwards ? vgic->pending & vgic->enabled : 0;
    bool full = false;

    for (; ready != 0 && !full; ready &= ready - 1) {
        uint32_t interrupt = (uint32_t)__builtin_ctz(ready);

        full = !lr_inject(vgic, interrupt);
        if (!full)
            vgic->pending &= ~(uint32_t)BIT(interrupt);
    }
    /* Asked for only while something waits: else the maintenance interrupt would never end. */
    sysreg_write_named(ICH_HCR_EL2, ICH_HCR_ENABLE | (full ? ICH_HCR_UNDERFLOW : 0));
    isb();
}

void vgic_timer(struct vcpu *vcpu)
{
    vcpu->vgic.pending |= (uint32_t)BIT(INTERRUPT_VIRTUAL_TIMER);
    vgic_refill(&vcpu->vgic);
}

void vgic_software(struct vgic *vgic, uint32_t interrupt)
{
    vgic->pending |= (uint32_t)BIT(interrupt & (SGI_COUNT - 1));
    vgic_refill(vgic);
}

static void set_enabled(struct vgic *vgic, uint32_t bits, bool enable)
{
    vgic->enabled = enable ? vgic->enabled | bits : vgic->enabled & ~bits;
    if ((bits & BIT(INTERRUPT_VIRTUAL_TIMER)) != 0)
        gic_private_enable(INTERRUPT_VIRTUAL_TIMER, enable);
    vgic_refill(vgic);
}

/* Interrupts whose state in the list registers has the given bits. */
static uint32_t lr_state(const struct vgic *vgic, uint64_t state)
{
    uint32_t bits = 0;

    for (unsigned int i = 0; i < vgic->list_registers; i++) {
        uint64_t lr = lr_read(i);

        if ((lr & state) != 0)
            bits |= (uint32_t)BIT(FIELD_GET(LR_VIRTUAL, lr) % VGIC_PRIVATE);
    }
    return bits;
}

static void lr_clear_state(const struct vgic *vgic, uint32_t interrupts, uint64_t state)
{
    for (unsigned int i = 0; i < vgic->list_registers; i++) {
        uint64_t lr = lr_read(i);

        if ((lr & state) != 0 && (interrupts & BIT(FIELD_GET(LR_VIRTUAL, lr) % VGIC_PRIVATE)) != 0)
            lr_write(i, lr & ~state);
    }
}

static void private_write(struct vgic *vgic, uint64_t offset, uint32_t value)
{
    switch (offset) {
    case IGROUPR:
        vgic->group = value;
        break;
    case ISENABLER:
        set_enabled(vgic, value, true);
        break;
    case ICENABLER:
        set_enabled(vgic, value, false);
        break;
    case ISPENDR:
        vgic->pending |= value & ~(uint32_t)BIT(INTERRUPT_VIRTUAL_TIMER);
        vgic_refill(vgic);
        break;
    case ICPENDR:
        vgic->pending &= ~(value & ~(uint32_t)BIT(INTERRUPT_VIRTUAL_TIMER));
        lr_clear_state(vgic, value & ~(uint32_t)BIT(INTERRUPT_VIRTUAL_TIMER), LR_PENDING);
        break;
    case ICACTIVER:
        lr_clear_state(vgic, value & ~(uint32_t)BIT(INTERRUPT_VIRTUAL_TIMER), LR_ACTIVE);
        break;
    case ICFGR + 4: /* PPIs; SGIs are edge for ever */
        for (uint32_t i = 0; i < 16; i++) {
            uint32_t bit = 1u << (SGI_COUNT + i);

            vgic->edge = (value & BIT(i * 2 + 1)) != 0 ? vgic->edge | bit : vgic->edge & ~bit;
        }
        break;
    default:
        break;
    }
}

static uint32_t configuration(const struct vgic *vgic, unsigned int first)
{
    uint32_t value = 0;

    for (unsigned int i = 0; i < 16; i++)
        value |= (vgic->edge >> (first + i) & 1) << (i * 2 + 1);
    return value;
}

static uint32_t private_read(const struct vgic *vgic, uint64_t offset)
{
    switch (offset) {
    case IGROUPR:
        return vgic->group;
    case ISENABLER:
    case ICENABLER:
        return vgic->enabled;
    case ISPENDR:
    case ICPENDR:
        return vgic->pending | lr_state(vgic, LR_PENDING);
    case ISACTIVER:
    case ICACTIVER:
        return lr_state(vgic, LR_ACTIVE);
    case ICFGR:
        return configuration(vgic, 0);
    case ICFGR + 4:
        return configuration(vgic, SGI_COUNT);
    default:
        return 0;
    }
}

/* Priorities may be accessed by byte (12.1.3). */
static void priority_access(struct vgic *vgic, uint64_t offset, struct guest_access *access)
{
    for (unsigned int i = 0; i < access->bytes; i++) {
        uint8_t *priority = &vgic->priority[(offset - IPRIORITYR + i) % VGIC_PRIVATE];

        if (access->write)
            *priority = (uint8_t)(access->value >> (i * 8) & 0xF8);
        else
            access->value |= (uint64_t)*priority << (i * 8);
    }
}

static void redistributor_access(struct vgic *vgic, uint64_t offset, struct guest_access *access)
{
    if (offset >= PRIVATE_FRAME + IPRIORITYR &&
        offset < PRIVATE_FRAME + IPRIORITYR + VGIC_PRIVATE) {
        priority_access(vgic, offset - PRIVATE_FRAME, access);
    } else if (offset >= PRIVATE_FRAME) {
        if (access->write)
            private_write(vgic, offset - PRIVATE_FRAME, (uint32_t)access->value);
        else
            access->value = private_read(vgic, offset - PRIVATE_FRAME);
    } else if (offset == GICR_WAKER && access->write) {
        bool sleep = (access->value & WAKER_SLEEP) != 0;

        vgic->waker = sleep ? (uint32_t)(WAKER_SLEEP | WAKER_CHILDREN_ASLEEP) : 0;
    } else if (!access->write) {
        access->value = offset == GICR_WAKER   ? vgic->waker
                        : offset == GICR_TYPER ? TYPER_LAST /* affinity 0.0.0.0, processor 0 */
                        : offset == GICR_PIDR2 ? PIDR2_GICV3
                                               : 0;
    }
}

static void distributor_access(struct vgic *vgic, uint64_t offset, struct guest_access *access)
{
    if (access->write) {
        if (offset == GICD_CTLR) {
            vgic->distributor_control = (uint32_t)(access->value &
                                                   (CTLR_ENABLE_GROUP1 | CTLR_ENABLE_GROUP1A));
            vgic_refill(vgic);
        }
        return;
    }
    access->value = offset == GICD_CTLR
                        ? vgic->distributor_control | CTLR_AFFINITY | CTLR_ONE_SECURITY
                    : offset == GICD_TYPER ? TYPER_ID_BITS | TYPER_NO_1_OF_N
                    : offset == GICD_PIDR2 ? PIDR2_GICV3
                                           : 0;
}

void vgic_access(struct vgic *vgic, struct guest_access *access)
{
    uint64_t distributor = access->address - arch_guest_layout.distributor.base;

    access->value = access->write ? access->value : 0;
    if (distributor < arch_guest_layout.distributor.size)
        distributor_access(vgic, distributor, access);
    else
        redistributor_access(vgic, access->address - arch_guest_layout.redistributor.base, access);
}
