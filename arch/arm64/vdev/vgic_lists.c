/* SPDX-License-Identifier: Apache-2.0 */
/* Which interrupts stand in list registers where not all of them can, and how that begins and ends. */
#include "arch/arm64/vdev/vgic.h"

#include "lib/string.h"
#include "vgic_hardware.h"

/* ICH_HCR_EL2, ICH_VTR_EL2, ICH_VMCR_EL2 */
#define HCR_ENABLE BIT(0)
#define HCR_UNDERFLOW BIT(1)   /* maintenance: at most one list register is in use */
#define HCR_NOT_PRESENT BIT(2) /* maintenance: an interrupt without list register was ended */
#define HCR_NO_PENDING BIT(3)  /* maintenance: no list register is pending */
#define HCR_TRAP_DEACTIVATE BIT(14)
#define HCR_ENDED BITS(31, 27) /* how many without list register were ended */
#define VTR_LIST_REGISTERS BITS(4, 0)
#define VTR_TRAPS_DEACTIVATE BIT(19)
#define VTR_PREEMPTION_BITS BITS(28, 26) /* less one: 4 to 6 */
#define VMCR_COMMON BIT(4)               /* the guest's CBPR */
#define VMCR_SPLIT_END BIT(9)            /* the guest's EOImode */
#define VMCR_BINARY_POINT_1 BITS(20, 18)
#define VMCR_BINARY_POINT_0 BITS(23, 21)

#define SGI_COUNT 16

/* The most urgent of a set, of equals the first; VGIC_NONE of an empty one. */
static uint32_t most_urgent(const struct vgic *vgic, const struct vgic_set *set)
{
    uint32_t found = VGIC_NONE, priority = UINT32_MAX;

    for (uint32_t w = 0; w < VGIC_WORDS; w++) {
        for (uint32_t bits = set->word[w]; bits != 0; bits &= bits - 1) {
            uint32_t interrupt = w * 32 + (uint32_t)__builtin_ctz(bits);

            if (vgic->priority[interrupt] < priority) {
                priority = vgic->priority[interrupt];
                found = interrupt;
            }
        }
    }
    return found;
}

static bool is_empty(const struct vgic_set *set)
{
    uint32_t any = 0;

    for (uint32_t w = 0; w < VGIC_WORDS; w++)
        any |= set->word[w];
    return any == 0;
}

static void deactivate(struct vgic *vgic, uint32_t interrupt)
{
    vgic_put(&vgic->active, interrupt, false);
    if (vgic_has(&vgic->hardware, interrupt))
        hardware_line_set(vgic_physical(vgic, interrupt), GICV3_ACTIVE, false);
}

/* How many registers of active priorities there are, 32 in each. */
static unsigned int priority_words(const struct vgic *vgic)
{
    return 1u << (vgic->preemption_bits - 5);
}

/*
 * The active ones that an end which is only counted may be of. An end drops the most urgent active priority
 * and deactivates the interrupt of that priority; one that the guest made active by a register has none. Where
 * the guest splits the two it deactivates one whose priority it has dropped.
 */
static struct vgic_set candidates(const struct vgic *vgic)
{
    uint64_t control = hardware_machine_control();
    bool split = (control & VMCR_SPLIT_END) != 0;
    uint64_t point = (control & VMCR_COMMON) != 0 ? FIELD_GET(VMCR_BINARY_POINT_0, control) + 1
                                                  : FIELD_GET(VMCR_BINARY_POINT_1, control);
    struct vgic_set found = vgic->active;
    uint32_t bits[ARRAY_LENGTH(vgic->running)] = { 0 };

    for (unsigned int w = 0; w < priority_words(vgic); w++)
        bits[w] = split ? ~hardware_active_priorities(w) : vgic->running[w];
    for (uint32_t i = 0; i < VGIC_INTERRUPTS; i++) {
        uint32_t level = (uint32_t)(vgic->priority[i] >> point << point) >>
                         (8 - vgic->preemption_bits);

        if ((bits[level / 32] >> level % 32 & 1) == 0)
            vgic_put(&found, i, false);
    }
    return found;
}

/* Of those, ends come in the order of priorities. Where none fits, a guess: else it would stay for ever. */
static void take_ended(struct vgic *vgic, uint64_t count)
{
    struct vgic_set ended = candidates(vgic);

    for (; count > 0; count--) {
        uint32_t interrupt = most_urgent(vgic, &ended);

        if (interrupt == VGIC_NONE)
            interrupt = most_urgent(vgic, &vgic->active);
        if (interrupt == VGIC_NONE)
            break;
        vgic_put(&ended, interrupt, false);
        deactivate(vgic, interrupt);
    }
}

void vgic_collect(struct vgic *vgic)
{
    uint64_t ended = FIELD_GET(HCR_ENDED, hardware_control());

    if (ended != 0)
        take_ended(vgic, ended);
    for (unsigned int i = 0; i < vgic->list_registers; i++) {
        uint64_t lr = list_register_read(i);

        if ((lr & LR_PENDING) != 0)
            vgic_put(&vgic->pending, vgic->held[i], true);
        if ((lr & LR_ACTIVE) != 0)
            vgic_put(&vgic->active, vgic->held[i], true);
        list_register_write(i, 0);
    }
}

/* Puts the most urgent of *set into list registers from index on, below limit, and takes them out of
 * it. Returns the index behind the last. */
static unsigned int fill(struct vgic *vgic, struct vgic_set *set, unsigned int index,
                         unsigned int limit)
{
    for (; index < limit; index++) {
        uint32_t interrupt = most_urgent(vgic, set);

        if (interrupt == VGIC_NONE)
            break;
        bool active = vgic_has(&vgic->active, interrupt);
        /* Both at once is not defined for a hardware interrupt, and does not come about. */
        bool pending = vgic_has(&vgic->pending, interrupt) && vgic_has(&vgic->ready, interrupt);

        vgic_put(set, interrupt, false);
        vgic_put(&vgic->active, interrupt, false);
        if (pending)
            vgic_put(&vgic->pending, interrupt, false);
        vgic->held[index] = (uint8_t)interrupt;
        list_register_write(
            index,
            vgic_compose(vgic, interrupt, (active ? LR_ACTIVE : 0) | (pending ? LR_PENDING : 0)));
    }
    return index;
}

/* Whether it would be known which active interrupt without list register the guest ends. With a single
 * list register the best guess must do. */
static bool may_leave(const struct vgic *vgic)
{
    return vgic->leaves || (hardware_machine_control() & VMCR_SPLIT_END) == 0 ||
           vgic->list_registers == 1;
}

/* Active ones first, since the hardware ends those by itself, but one list register is for what waits. */
void vgic_refill(struct vgic *vgic)
{
    struct vgic_set active = vgic->active, waits;
    uint64_t control = HCR_ENABLE;

    for (uint32_t w = 0; w < VGIC_WORDS; w++)
        waits.word[w] = vgic->pending.word[w] & vgic->ready.word[w] & ~active.word[w];
    unsigned int limit = vgic->list_registers - (!is_empty(&waits) && may_leave(vgic) ? 1 : 0);
    unsigned int first = fill(vgic, &active, 0, limit);
    unsigned int next = fill(vgic, &waits, first, vgic->list_registers);
    /* Asked for only while something waits: else the maintenance interrupt would never end. */
    if (!is_empty(&waits))
        control |= next > first ? HCR_NO_PENDING : HCR_UNDERFLOW;
    if (!is_empty(&active)) {
        control |= HCR_NOT_PRESENT | HCR_TRAP_DEACTIVATE;
        for (unsigned int w = 0; w < priority_words(vgic); w++)
            vgic->running[w] = hardware_active_priorities(w);
    }
    vgic->outside = control != HCR_ENABLE;
    hardware_set_control(control);
}

void vgic_maintenance(struct vgic *vgic)
{
    vgic_collect(vgic);
    vgic_refill(vgic);
}

void vgic_deactivate(struct vgic *vgic, uint32_t interrupt)
{
    vgic_collect(vgic);
    if (interrupt < VGIC_INTERRUPTS && vgic_has(&vgic->active, interrupt) &&
        (hardware_machine_control() & VMCR_SPLIT_END) != 0)
        deactivate(vgic, interrupt);
    vgic_refill(vgic);
}

/* What was pending or active is neither, and from now on it stands for a line or does not. */
static void change_hardware(struct vgic *vgic, uint32_t interrupt, bool hardware)
{
    vgic_collect(vgic);
    vgic_put(&vgic->pending, interrupt, false);
    vgic_put(&vgic->active, interrupt, false);
    vgic_put(&vgic->hardware, interrupt, hardware);
    vgic_refill(vgic);
}

/* Masked before it is drained: what came before the mask is taken away, and nothing comes after. */
static bool silence(uint32_t line)
{
    bool masked = hardware_line_set(line, GICV3_ENABLED, false);

    hardware_line_set(line, GICV3_PENDING, false);
    hardware_line_set(line, GICV3_ACTIVE, false);
    return masked;
}

bool vgic_route(struct vgic *vgic, uint32_t interrupt, uint32_t line)
{
    if (interrupt - VGIC_PRIVATE >= VGIC_SHARED || vgic_has(&vgic->hardware, interrupt) ||
        !silence(line))
        return false;
    vgic->line[interrupt - VGIC_PRIVATE] = (uint16_t)line;
    change_hardware(vgic, interrupt, true);
    if (vgic_has(&vgic->enabled, interrupt))
        hardware_line_set(line, GICV3_ENABLED, true);
    return true;
}

bool vgic_unroute(struct vgic *vgic, uint32_t line)
{
    uint32_t interrupt = vgic_find_line(vgic, line);

    if (interrupt == VGIC_NONE)
        return true;
    bool masked = silence(line);

    change_hardware(vgic, interrupt, false);
    return masked;
}

void vgic_start(struct vgic *vgic)
{
    memset(vgic, 0, sizeof(*vgic));
    vgic->edge.word[0] = (1u << SGI_COUNT) - 1;
    vgic->hardware.word[0] = (uint32_t)BIT(INTERRUPT_VIRTUAL_TIMER);
    vgic->waker = (uint32_t)(VGIC_WAKER_SLEEP | VGIC_WAKER_CHILDREN_ASLEEP);
    vgic->list_registers = (unsigned int)FIELD_GET(VTR_LIST_REGISTERS, hardware_type()) + 1;
    vgic->leaves = (hardware_type() & VTR_TRAPS_DEACTIVATE) != 0;
    for (unsigned int i = 0; i < vgic->list_registers; i++)
        list_register_write(i, 0);
    vgic->preemption_bits = (unsigned int)FIELD_GET(VTR_PREEMPTION_BITS, hardware_type()) + 1;
    hardware_reset(priority_words(vgic));
    hardware_set_control(HCR_ENABLE);
}

void vgic_stop(struct vgic *vgic)
{
    /* The guest may have taken a line and never ended it: the next life would not get another. */
    for (uint32_t w = 0; w < VGIC_WORDS; w++) {
        for (uint32_t bits = vgic->hardware.word[w]; bits != 0; bits &= bits - 1)
            silence(vgic_physical(vgic, w * 32 + (uint32_t)__builtin_ctz(bits)));
    }
    for (unsigned int i = 0; i < vgic->list_registers; i++)
        list_register_write(i, 0);
    hardware_set_control(0);
}
