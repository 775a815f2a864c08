/* SPDX-License-Identifier: Apache-2.0 */
/* Messages, which arrive as LPIs on the CPU of the vCPU that they are for (IHI 0069 5.1). */
#include "drivers/irqchip/message.h"
#include "arch/arm64/gic.h"
#include "arch/arm64/guest.h"
#include "arch/arm64/vdev/vgic.h"
#include "arch/seam.h"

/* Where each leads: the interrupt, and above it the index of the CPU plus 1. Read and written by that CPU alone: one
 * that comes to another finds that it does not lead there. */
#define ROUTE_INTERRUPT 0xFF
#define ROUTE_CPU_SHIFT 8

static uint16_t routes[MESSAGES];

uint64_t arch_message_target(unsigned int cpu)
{
    return cpus[cpu].messages ? cpus[cpu].redistributor : 0;
}

static uint16_t route_to(const struct cpu *cpu, uint32_t interrupt)
{
    return (uint16_t)((cpu->index + 1) << ROUTE_CPU_SHIFT | interrupt);
}

void arch_message_route(uint32_t message, struct vcpu *vcpu, uint32_t interrupt)
{
    (void)vcpu; /* the one that runs here */
    __atomic_store_n(&routes[message], interrupt == 0 ? 0 : route_to(cpu_this(), interrupt),
                     __ATOMIC_RELAXED);
}

void gic_message(struct cpu *cpu, uint32_t message)
{
    uint32_t route = message < MESSAGES ? __atomic_load_n(&routes[message], __ATOMIC_RELAXED) : 0;
    uint32_t interrupt = route & ROUTE_INTERRUPT;

    if (cpu->vcpu != NULL && route == route_to(cpu, interrupt) && interrupt != 0)
        vgic_raise(&cpu->vcpu->vgic, interrupt);
}
