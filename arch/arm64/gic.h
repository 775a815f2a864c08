/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The physical GICv3 (IHI 0069): distributor, one redistributor a CPU, CPU interface by system
 * registers. The hypervisor's own lines go to the boot CPU, group 1 non-secure.
 *
 * Priority drop and deactivation are separate (EOImode 1), so that a guest ends its own interrupts.
 */
#ifndef ARCH_ARM64_GIC_H
#define ARCH_ARM64_GIC_H

#include "arm64.h"
#include "drivers/irqchip/gicv3.h"

#define INTERRUPT_MAINTENANCE 25
#define INTERRUPT_HYPERVISOR_TIMER 26
#define INTERRUPT_WAKE 0 /* SGI: look for work */

/* Brings up this CPU's redistributor and CPU interface. Every CPU, once. */
void gic_cpu_start(struct cpu *cpu);

/* Sets or clears one state of a private interrupt of this CPU or of a shared line. False: it was not
 * masked in time. */
bool gic_line_set(uint32_t interrupt, enum gicv3_state state, bool on);
bool gic_line_pending(uint32_t interrupt);

/* Has a private interrupt of the boot CPU, which calls, handled from now on. */
void gic_private_handle(uint32_t interrupt, void (*function)(void *argument));

/* Brings the timer behind arch_interrupt_at() up, on the boot CPU (later.c). */
void gic_later_start(void);

/* A message came (message.c): the guest that runs here has it now, if it leads there. */
void gic_message(struct cpu *cpu, uint32_t message);

/* Wakes another CPU out of its wait. */
void gic_wake(const struct cpu *cpu);

/* Takes interrupts that are pending on this CPU, a bounded number, and calls what handles them. */
void gic_handle(void);

#endif
