/* SPDX-License-Identifier: Apache-2.0 */
/* Lines that are to come again at a moment, and what is done again and again: the boot CPU's EL2 physical timer (Arm ARM D12.1). */
#include "arch/arm64/gic.h"

#include "arch/arch.h"
#include "arch/seam.h"

#define TIMER_ENABLE BIT(0)

static struct {
    uint32_t interrupt;
    uint64_t moment; /* 0: the slot is free */
} later[ARCH_INTERRUPT_HANDLERS];

static struct {
    void (*function)(void);
    uint64_t period, moment; /* moment 0: the slot is free */
} regular[ARCH_REGULAR];

static uint64_t earlier(uint64_t a, uint64_t b)
{
    return a == 0 || (b != 0 && b < a) ? b : a;
}

/* The timer goes off at the earliest moment. */
static void set_timer(void)
{
    uint64_t earliest = 0;

    for (unsigned int i = 0; i < ARRAY_LENGTH(later); i++)
        earliest = earlier(earliest, later[i].moment);
    for (unsigned int i = 0; i < ARRAY_LENGTH(regular); i++)
        earliest = earlier(earliest, regular[i].moment);
    sysreg_write(cnthp_cval_el2, earliest);
    sysreg_write(cnthp_ctl_el2, earliest != 0 ? TIMER_ENABLE : 0);
    isb();
}

static void on_timer(void *unused)
{
    (void)unused;
    for (unsigned int i = 0; i < ARRAY_LENGTH(later); i++) {
        if (later[i].moment == 0 || !time_passed(later[i].moment))
            continue;
        later[i].moment = 0;
        arch_interrupt_again(later[i].interrupt);
    }
    for (unsigned int i = 0; i < ARRAY_LENGTH(regular); i++) {
        if (regular[i].moment == 0 || !time_passed(regular[i].moment))
            continue;
        regular[i].function();
        regular[i].moment = time_now() + regular[i].period;
    }
    set_timer();
}

void gic_later_start(void)
{
    set_timer();
    gic_private_handle(INTERRUPT_HYPERVISOR_TIMER, on_timer);
}

void arch_interrupt_at(uint32_t interrupt, uint64_t moment)
{
    unsigned int slot = 0;

    for (unsigned int i = 0; i < ARRAY_LENGTH(later); i++) {
        if (later[i].interrupt == interrupt || later[i].moment == 0)
            slot = i;
        if (later[i].interrupt == interrupt)
            break;
    }
    later[slot].interrupt = interrupt;
    later[slot].moment = moment;
    set_timer();
}

void arch_every(uint64_t ticks, void (*function)(void))
{
    for (unsigned int i = 0; i < ARRAY_LENGTH(regular); i++) {
        if (regular[i].moment != 0)
            continue;
        regular[i].function = function;
        regular[i].period = ticks;
        regular[i].moment = time_now() + ticks;
        break;
    }
    set_timer();
}
