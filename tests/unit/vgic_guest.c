/* SPDX-License-Identifier: Apache-2.0 */
#include "vgic_guest.h"

#include "unit.h"

#define SETTLE_LIMIT 1000
#define PRIVATE_FRAME 0x10000
#define PRIORITY_PLAIN 0xA0

struct vgic vgic;

void settle(void)
{
    unsigned int left = SETTLE_LIMIT;

    for (; left > 0; left--) {
        uint32_t line = virtual_cpu_take_line();

        if (line == INTERRUPT_VIRTUAL_TIMER)
            vgic_raise(&vgic, line);
        else if (line != UINT32_MAX)
            assert_true(vgic_line(&vgic, line));
        else if (virtual_cpu_maintenance())
            vgic_maintenance(&vgic);
        else
            break;
    }
    if (left == 0)
        fail_msg("the maintenance interrupt does not end");
    if (virtual_cpu.mistakes != 0)
        fail_msg("%s", virtual_cpu.mistake);
}

static uint64_t reach(bool distributor, uint64_t offset, unsigned int bytes, bool write,
                      uint64_t value)
{
    struct guest_access access = { .bytes = bytes, .write = write, .value = value };

    (distributor ? vgic_distributor : vgic_redistributor)(&vgic, offset, &access);
    settle();
    return access.value;
}

uint64_t distributor_read(uint64_t offset, unsigned int bytes)
{
    return reach(true, offset, bytes, false, UINT64_MAX);
}

void distributor_write(uint64_t offset, unsigned int bytes, uint64_t value)
{
    reach(true, offset, bytes, true, value);
}

uint64_t redistributor_read(uint64_t offset, unsigned int bytes)
{
    return reach(false, offset, bytes, false, UINT64_MAX);
}

void redistributor_write(uint64_t offset, unsigned int bytes, uint64_t value)
{
    reach(false, offset, bytes, true, value);
}

uint32_t read_bank(uint64_t bank, uint32_t word)
{
    return (uint32_t)(word == 0 ? redistributor_read(PRIVATE_FRAME + bank, 4)
                                : distributor_read(bank + (uint64_t)word * 4, 4));
}

void write_bank(uint64_t bank, uint32_t word, uint32_t bits)
{
    if (word == 0)
        redistributor_write(PRIVATE_FRAME + bank, 4, bits);
    else
        distributor_write(bank + (uint64_t)word * 4, 4, bits);
}

void write_priority(uint32_t interrupt, uint8_t priority)
{
    if (interrupt < VGIC_PRIVATE)
        redistributor_write(PRIVATE_FRAME + 0x400 + interrupt, 1, priority);
    else
        distributor_write(0x400 + interrupt, 1, priority);
}

bool is_active(uint32_t interrupt)
{
    return (read_bank(ISACTIVER, interrupt / 32) >> interrupt % 32 & 1) != 0;
}

void vgic_guest_start(unsigned int list_registers, bool traps_deactivate)
{
    virtual_cpu_reset(list_registers, traps_deactivate);
    vgic_start(&vgic);
    settle();
}

void vgic_guest_open(void)
{
    for (uint32_t w = 0; w < VGIC_WORDS; w++)
        write_bank(ISENABLER, w, UINT32_MAX);
    for (uint32_t i = 0; i < VGIC_INTERRUPTS; i++)
        write_priority(i, PRIORITY_PLAIN);
    distributor_write(0, 4, 2);
    virtual_cpu.mask = 0xFF;
    virtual_cpu.enabled_by_guest = true;
}

void raise_one(uint32_t interrupt)
{
    vgic_raise(&vgic, interrupt);
    settle();
}

void set_level(uint32_t line, bool high)
{
    virtual_cpu.level[line] = high;
    settle();
}

uint32_t acknowledge(void)
{
    uint32_t interrupt = virtual_cpu_acknowledge();

    settle();
    return interrupt;
}

void end(uint32_t interrupt)
{
    virtual_cpu_end(interrupt);
    settle();
}

void deactivate(uint32_t interrupt)
{
    if (!virtual_cpu_deactivate(interrupt))
        vgic_deactivate(&vgic, interrupt);
    settle();
}
