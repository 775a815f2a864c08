/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The registers of the distributor and the redistributor (IHI 0069 12.9 to 12.11) as the Non-secure state
 * sees them, with affinity routing: group registers read as zero. Interrupts 0 to 31 are the
 * redistributor's, the others the distributor's; both lay them out alike.
 */
#include "arch/arm64/vdev/vgic.h"
#include "vgic_hardware.h"

/* Distributor */
#define GICD_CTLR 0x0000
#define CTLR_ENABLE BIT(1) /* EnableGrp1A */
#define CTLR_AFFINITY BIT(4)
#define GICD_TYPER 0x0004
#define TYPER_LINES (VGIC_WORDS - 1)
#define TYPER_SECURITY BIT(10)
#define TYPER_ID_BITS (UINT64_C(9) << 19) /* ten bits of interrupt id */
#define TYPER_NO_1_OF_N BIT(25)
#define GICD_IROUTER 0x6000
#define IROUTER_AFFINITY BITS(23, 0) /* of the low half; GICD_TYPER has no A3V, so no Aff3 */
#define PIDR2 0xFFE8
#define PIDR2_GICV3 0x30

/* Redistributor, first frame */
#define GICR_TYPER 0x0008
#define TYPER_LAST BIT(4)
#define GICR_WAKER 0x0014

/* Redistributor, frame of private interrupts */
#define PRIVATE_FRAME 0x10000

/* The same in both; a word for 32 interrupts, but for priorities (a byte each) and configuration (two
 * bits each) */
#define BANK_SIZE 0x80
#define ISENABLER 0x0100
#define ICENABLER 0x0180
#define ISPENDR 0x0200
#define ICPENDR 0x0280
#define ISACTIVER 0x0300
#define ICACTIVER 0x0380
#define IPRIORITYR 0x0400
#define IPRIORITYR_END 0x0800
#define PRIORITY_MASK 0xF8 /* 32 levels: the least that any implementation has */
#define ICFGR 0x0C00
#define ICFGR_END 0x0D00
#define SGI_COUNT 16

void vgic_settle(struct vgic *vgic)
{
    uint32_t forwarded = vgic->control != 0 ? UINT32_MAX : 0;

    for (uint32_t w = 0; w < VGIC_WORDS; w++)
        vgic->ready.word[w] = vgic->enabled.word[w] & ~vgic->away.word[w] & forwarded;
}

/* The state of the lines that the interrupts named stand for. */
static void set_lines(const struct vgic *vgic, uint32_t word, uint32_t bits, enum gicv3_state state,
                      bool on)
{
    for (bits &= vgic->hardware.word[word]; bits != 0; bits &= bits - 1)
        hardware_line_set(vgic_physical(vgic, word * 32 + (uint32_t)__builtin_ctz(bits)), state,
                          on);
}

static uint32_t pending_lines(const struct vgic *vgic, uint32_t word)
{
    uint32_t found = 0;

    for (uint32_t bits = vgic->hardware.word[word]; bits != 0; bits &= bits - 1) {
        uint32_t bit = bits & -bits;

        if (hardware_line_pending(vgic_physical(vgic, word * 32 + (uint32_t)__builtin_ctz(bits))))
            found |= bit;
    }
    return found;
}

/* A hardware interrupt is made pending by its line. Where one that is pending is cleared its line is given
 * back: as long as that is high, it comes again. */
static void write_pending(struct vgic *vgic, uint32_t word, uint32_t bits, bool set)
{
    uint32_t *pending = &vgic->pending.word[word];
    uint32_t hardware = vgic->hardware.word[word];

    set_lines(vgic, word, bits, GICV3_PENDING, set);
    if (set) {
        *pending |= bits & ~hardware;
    } else {
        uint32_t cleared = *pending & bits;

        *pending &= ~bits;
        set_lines(vgic, word, cleared, GICV3_ACTIVE, false);
    }
}

static void write_active(struct vgic *vgic, uint32_t word, uint32_t bits, bool set)
{
    uint32_t *active = &vgic->active.word[word];
    uint32_t hardware = vgic->hardware.word[word];
    uint32_t changed = set ? bits & ~*active : bits & *active;

    set_lines(vgic, word, changed, GICV3_ACTIVE, set);
    *active ^= changed;
    if (set) /* its line cannot be both */
        vgic->pending.word[word] &= ~(changed & hardware);
}

static void bank_write(struct vgic *vgic, uint64_t bank, uint32_t word, uint32_t bits)
{
    vgic_collect(vgic);
    switch (bank) {
    case ISENABLER:
        vgic->enabled.word[word] |= bits;
        set_lines(vgic, word, bits, GICV3_ENABLED, true);
        break;
    case ICENABLER:
        vgic->enabled.word[word] &= ~bits;
        set_lines(vgic, word, bits, GICV3_ENABLED, false);
        break;
    case ISPENDR:
    case ICPENDR:
        write_pending(vgic, word, bits, bank == ISPENDR);
        break;
    case ISACTIVER:
    case ICACTIVER:
        write_active(vgic, word, bits, bank == ISACTIVER);
        break;
    default:
        break;
    }
    vgic_settle(vgic);
    vgic_refill(vgic);
}

static uint32_t bank_read(struct vgic *vgic, uint64_t bank, uint32_t word)
{
    uint32_t value = 0;

    switch (bank) {
    case ISENABLER:
    case ICENABLER:
        return vgic->enabled.word[word];
    case ISPENDR:
    case ICPENDR:
        vgic_collect(vgic);
        value = vgic->pending.word[word] | pending_lines(vgic, word);
        vgic_refill(vgic);
        return value;
    case ISACTIVER:
    case ICACTIVER:
        vgic_collect(vgic);
        value = vgic->active.word[word];
        vgic_refill(vgic);
        return value;
    default:
        return 0;
    }
}

/* Priorities may be accessed by byte (12.1.3). */
static void priority_access(struct vgic *vgic, uint32_t first, struct guest_access *access)
{
    if (access->write)
        vgic_collect(vgic);
    for (uint32_t i = 0; i < access->bytes; i++) {
        uint8_t *priority = &vgic->priority[first + i];

        if (access->write)
            *priority = (uint8_t)(access->value >> (i * 8) & PRIORITY_MASK);
        else
            access->value |= (uint64_t)*priority << (i * 8);
    }
    if (access->write)
        vgic_refill(vgic);
}

/* Two bits an interrupt, of which the upper one says edge; SGIs are edges for ever. */
static void configuration_access(struct vgic *vgic, uint32_t first, struct guest_access *access)
{
    for (uint32_t i = 0; i < 16; i++) {
        uint64_t bit = BIT(i * 2 + 1);

        if (!access->write && vgic_has(&vgic->edge, first + i))
            access->value |= bit;
        else if (access->write && first >= SGI_COUNT)
            vgic_put(&vgic->edge, first + i, (access->value & bit) != 0);
    }
}

/* What distributor and redistributor have alike, for the interrupts from first on, below limit. */
static void common(struct vgic *vgic, uint64_t offset, struct guest_access *access, uint32_t first,
                   uint32_t limit)
{
    uint32_t word = (uint32_t)(offset % BANK_SIZE / 4);

    if (offset >= IPRIORITYR && offset < IPRIORITYR_END) {
        uint32_t interrupt = (uint32_t)(offset - IPRIORITYR);

        if (interrupt >= first && interrupt < limit && access->bytes <= 4)
            priority_access(vgic, interrupt, access);
    } else if (access->bytes != 4) {
        return;
    } else if (offset >= ICFGR && offset < ICFGR_END) {
        uint32_t interrupt = (uint32_t)(offset - ICFGR) * 4;

        if (interrupt >= first && interrupt < limit)
            configuration_access(vgic, interrupt, access);
    } else if (offset >= ISENABLER && offset < IPRIORITYR && word * 32 >= first &&
               word * 32 < limit) {
        if (access->write)
            bank_write(vgic, offset & ~(uint64_t)(BANK_SIZE - 1), word, (uint32_t)access->value);
        else
            access->value = bank_read(vgic, offset & ~(uint64_t)(BANK_SIZE - 1), word);
    }
}

/* 64 bits each, by whole or by half; the upper one is empty here. */
static void router_access(struct vgic *vgic, uint64_t offset, struct guest_access *access)
{
    uint32_t interrupt = (uint32_t)(offset / sizeof(uint64_t));

    if (interrupt < VGIC_PRIVATE || interrupt >= VGIC_INTERRUPTS || access->bytes < 4 ||
        offset % 8 != 0)
        return;
    uint32_t *router = &vgic->router[interrupt - VGIC_PRIVATE];

    if (!access->write) {
        access->value = *router;
        return;
    }
    vgic_collect(vgic);
    *router = (uint32_t)(access->value & IROUTER_AFFINITY);
    vgic_put(&vgic->away, interrupt, *router != 0);
    vgic_settle(vgic);
    vgic_refill(vgic);
}

static bool starts(struct guest_access *access, uint64_t offset)
{
    if (!access->write)
        access->value = 0;
    return is_aligned(offset, access->bytes);
}

void vgic_distributor(struct vgic *vgic, uint64_t offset, struct guest_access *access)
{
    if (!starts(access, offset))
        return;
    if (offset >= GICD_IROUTER && offset < GICD_IROUTER + VGIC_INTERRUPTS * sizeof(uint64_t)) {
        router_access(vgic, offset - GICD_IROUTER, access);
    } else if (offset >= ISENABLER && offset < ICFGR_END) {
        common(vgic, offset, access, VGIC_PRIVATE, VGIC_INTERRUPTS);
    } else if (access->write && offset == GICD_CTLR && access->bytes == 4) {
        vgic_collect(vgic);
        vgic->control = (uint32_t)(access->value & CTLR_ENABLE);
        vgic_settle(vgic);
        vgic_refill(vgic);
    } else if (!access->write && access->bytes == 4) {
        access->value = offset == GICD_CTLR ? vgic->control | CTLR_AFFINITY
                        : offset == GICD_TYPER
                            ? TYPER_LINES | TYPER_SECURITY | TYPER_ID_BITS | TYPER_NO_1_OF_N
                        : offset == PIDR2 ? PIDR2_GICV3
                                          : 0;
    }
}

void vgic_redistributor(struct vgic *vgic, uint64_t offset, struct guest_access *access)
{
    if (!starts(access, offset))
        return;
    if (offset >= PRIVATE_FRAME) {
        common(vgic, offset - PRIVATE_FRAME, access, 0, VGIC_PRIVATE);
    } else if (access->write && offset == GICR_WAKER && access->bytes == 4) {
        bool sleep = (access->value & VGIC_WAKER_SLEEP) != 0;

        vgic->waker = sleep ? (uint32_t)(VGIC_WAKER_SLEEP | VGIC_WAKER_CHILDREN_ASLEEP) : 0;
    } else if (!access->write && access->bytes >= 4) {
        access->value = offset == GICR_TYPER   ? TYPER_LAST /* affinity 0.0.0.0, processor 0 */
                        : access->bytes != 4   ? 0
                        : offset == GICR_WAKER ? vgic->waker
                        : offset == PIDR2      ? PIDR2_GICV3
                                               : 0;
    }
}
