/* SPDX-License-Identifier: Apache-2.0 */
/* The short way of an interrupt: all that is pending or active has a list register, and one more is free. */
#include "arch/arm64/vdev/vgic.h"

#include "vgic_hardware.h"

#define SGI_COUNT 16

uint32_t vgic_physical(const struct vgic *vgic, uint32_t interrupt)
{
    return interrupt < VGIC_PRIVATE ? interrupt : vgic->line[interrupt - VGIC_PRIVATE];
}

uint64_t vgic_compose(const struct vgic *vgic, uint32_t interrupt, uint64_t state)
{
    uint64_t lr = state | LR_GROUP1 | FIELD_PUT(LR_PRIORITY, vgic->priority[interrupt]) |
                  FIELD_PUT(LR_VIRTUAL, interrupt);

    if (vgic_has(&vgic->hardware, interrupt))
        lr |= LR_HARDWARE | FIELD_PUT(LR_PHYSICAL, vgic_physical(vgic, interrupt));
    return lr;
}

/* The short way: nothing is outside, and a list register is free. False: this is not so. */
static bool place(struct vgic *vgic, uint32_t interrupt)
{
    uint64_t all = BIT(vgic->list_registers) - 1, empty = hardware_empty() & all;

    for (uint64_t used = all & ~empty; used != 0; used &= used - 1) {
        unsigned int index = (unsigned int)__builtin_ctzll(used);

        if (vgic->held[index] == interrupt) {
            list_register_write(index, list_register_read(index) | LR_PENDING);
            return true;
        }
    }
    if (empty == 0)
        return false;
    unsigned int index = (unsigned int)__builtin_ctzll(empty);

    vgic->held[index] = (uint8_t)interrupt;
    list_register_write(index, vgic_compose(vgic, interrupt, LR_PENDING));
    return true;
}

void vgic_raise(struct vgic *vgic, uint32_t interrupt)
{
    bool ready = vgic_has(&vgic->ready, interrupt);

    if (ready && !vgic->outside && place(vgic, interrupt))
        return;
    vgic_put(&vgic->pending, interrupt, true);
    if (ready)
        vgic_maintenance(vgic);
}

void vgic_software(struct vgic *vgic, uint32_t interrupt)
{
    vgic_raise(vgic, interrupt & (SGI_COUNT - 1));
}

/* The shared interrupt that stands for a line; VGIC_NONE: nothing does. */
uint32_t vgic_find_line(const struct vgic *vgic, uint32_t line)
{
    for (uint32_t w = VGIC_PRIVATE / 32; w < VGIC_WORDS; w++) {
        for (uint32_t bits = vgic->hardware.word[w]; bits != 0; bits &= bits - 1) {
            uint32_t interrupt = w * 32 + (uint32_t)__builtin_ctz(bits);

            if (vgic->line[interrupt - VGIC_PRIVATE] == line)
                return interrupt;
        }
    }
    return VGIC_NONE;
}

bool vgic_line(struct vgic *vgic, uint32_t line)
{
    uint32_t interrupt = vgic_find_line(vgic, line);

    if (interrupt != VGIC_NONE)
        vgic_raise(vgic, interrupt);
    return interrupt != VGIC_NONE;
}
