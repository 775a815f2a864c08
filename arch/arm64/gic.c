/* SPDX-License-Identifier: Apache-2.0 */
#include "arch/arm64/gic.h"

#include <stdatomic.h>

#include "arch/arch.h"
#include "arch/arm64/guest.h"
#include "arch/arm64/vdev/vgic.h"
#include "arch/seam.h"
#include "drivers/irqchip/gicv3.h"
#include "drivers/irqchip/lpi.h"
#include "lib/log.h"

#define ICC_SRE_ENABLE UINT64_C(0xF) /* system registers, no bypass, and EL1 may see ICC_SRE_EL1 */
#define ICC_CTLR_EOIMODE BIT(1)
#define ICC_PMR_ALL UINT64_C(0xF8)
#define INTID_SPURIOUS 1020
#define INTID_SPURIOUS_COUNT 4
#define INTERRUPTS_PER_ENTRY 16
#define ICC_SGI1R_EL1 S3_0_C12_C11_5

struct handler {
    uint32_t interrupt;
    void (*function)(void *argument);
    void *argument;
};

static struct handler handlers[ARCH_INTERRUPT_HANDLERS];
static unsigned int handler_count;
static const struct topology *machine;

bool arch_interrupts_start(const struct topology *topology, const char **reason)
{
    if (!topology->gicv3) {
        *reason = "the device tree has no GICv3";
        return false;
    }
    for (uint32_t i = 0; i <= topology->gic_redistributors; i++) {
        if (arch_map_device(topology->gic_range[i].base, topology->gic_range[i].size))
            continue;
        *reason = "no table pages for the GIC's registers";
        return false;
    }
    machine = topology;
    if (!gicv3_distributor_start(topology->gic_range[0].base)) {
        *reason = "the GIC's distributor did not answer in time";
        return false;
    }
    if (topology->its_count != 0 &&
        !lpi_start((uint32_t)min_u64(max_u64(topology->cpu_count, 1), TOPOLOGY_CPUS)))
        log_error("no memory for tables of messages");
    gic_cpu_start(&cpus[0]);
    gic_later_start();
    return true;
}

void gic_cpu_start(struct cpu *cpu)
{
    cpu->redistributor = gicv3_redistributor_start(machine, cpu->affinity);
    if (cpu->redistributor == 0)
        log_error("CPU %u has no redistributor that answers: it takes no interrupts", cpu->index);
    cpu->messages = cpu->redistributor != 0 && lpi_start_cpu(cpu->redistributor, cpu->index);
    sysreg_write_named(ICC_SRE_EL2, ICC_SRE_ENABLE);
    isb();
    sysreg_write_named(ICC_SRE_EL1, 1);
    isb();
    sysreg_write_named(ICC_PMR_EL1, ICC_PMR_ALL);
    sysreg_write_named(ICC_CTLR_EL1, ICC_CTLR_EOIMODE);
    sysreg_write_named(ICC_IGRPEN1_EL1, 1);
    isb();
    gic_line_set(INTERRUPT_WAKE, GICV3_ENABLED, true);
    gic_line_set(INTERRUPT_MAINTENANCE, GICV3_ENABLED, true);
}

bool gic_line_set(uint32_t interrupt, enum gicv3_state state, bool on)
{
    return cpu_this()->redistributor == 0 ||
           gicv3_set(cpu_this()->redistributor, interrupt, state, on);
}

bool gic_line_pending(uint32_t interrupt)
{
    return cpu_this()->redistributor != 0 && gicv3_is_pending(cpu_this()->redistributor, interrupt);
}

bool arch_interrupt_enable(uint32_t interrupt, bool edge, void (*function)(void *argument),
                           void *argument)
{
    if (handler_count == ARCH_INTERRUPT_HANDLERS || interrupt == INTERRUPT_NONE)
        return false;
    handlers[handler_count++] = (struct handler){ .interrupt = interrupt,
                                                  .function = function,
                                                  .argument = argument };
    if (gicv3_line_enable(interrupt, edge, cpus[0].affinity))
        return true;
    handler_count--;
    return false;
}

void gic_private_handle(uint32_t interrupt, void (*function)(void *argument))
{
    handlers[handler_count++] = (struct handler){ .interrupt = interrupt, .function = function };
    gic_line_set(interrupt, GICV3_ENABLED, true);
}

void arch_interrupt_again(uint32_t interrupt)
{
    gic_line_set(interrupt, GICV3_PENDING, true);
}

static const struct handler *find_handler(uint32_t interrupt)
{
    for (unsigned int i = 0; i < handler_count; i++) {
        if (handlers[i].interrupt == interrupt)
            return &handlers[i];
    }
    return NULL;
}

bool arch_interrupt_route(uint32_t interrupt, struct vcpu *vcpu, uint32_t virtual_interrupt)
{
    return find_handler(interrupt) == NULL && gicv3_line_route(interrupt, cpu_this()->affinity) &&
           vgic_route(&vcpu->vgic, virtual_interrupt, interrupt);
}

bool arch_interrupt_unroute(uint32_t interrupt)
{
    return cpu_this()->vcpu == NULL || vgic_unroute(&cpu_this()->vcpu->vgic, interrupt);
}

bool arch_vcpu_interrupt(struct vcpu *vcpu, uint32_t interrupt)
{
    struct cpu *cpu = atomic_load(&vcpu->cpu);

    if (cpu == NULL || interrupt - VGIC_PRIVATE >= VGIC_SHARED)
        return false;
    if (cpu == cpu_this())
        vgic_raise(&vcpu->vgic, interrupt);
    else if (atomic_fetch_or(&cpu->incoming, BIT(interrupt - VGIC_PRIVATE)) == 0)
        gic_wake(cpu); /* else whoever set the first bit wakes it for all */
    return true;
}

void arch_vcpu_recall(struct vcpu *vcpu)
{
    const struct cpu *cpu;

    atomic_store(&vcpu->recalled, true);
    cpu = atomic_load(&vcpu->cpu);
    if (cpu != NULL)
        gic_wake(cpu);
}

/* The guest may end in here: the interrupt that woke the CPU has been ended. */
static void take_recall(const struct cpu *cpu)
{
    if (cpu->vcpu != NULL && atomic_exchange(&cpu->vcpu->recalled, false))
        guest_ops->recalled(cpu->vcpu);
}

/* What other CPUs made pending. */
static void take_incoming(struct cpu *cpu)
{
    for (uint64_t bits = atomic_exchange(&cpu->incoming, 0); bits != 0; bits &= bits - 1)
        vgic_raise(&cpu->vcpu->vgic, VGIC_PRIVATE + (uint32_t)__builtin_ctzll(bits));
}

void gic_wake(const struct cpu *cpu)
{
    uint64_t affinity = cpu->affinity;
    uint64_t target = BITS(3, 0) & (affinity >> 4);

    dsb();
    /* Aff3.Aff2.Aff1, the range of sixteen Aff0, and the one within it. */
    sysreg_write_named(ICC_SGI1R_EL1, FIELD_GET(BITS(39, 32), affinity) << 48 | target << 44 |
                                          FIELD_GET(BITS(23, 16), affinity) << 32 |
                                          (uint64_t)INTERRUPT_WAKE << 24 |
                                          FIELD_GET(BITS(15, 8), affinity) << 16 |
                                          BIT(affinity & 0xF));
    isb();
}

/* Calls what waits for it. True: it has been dealt with; false: the guest has it now, and ends it. */
static bool handle(struct cpu *cpu, uint32_t interrupt)
{
    if (cpu->vcpu != NULL) {
        if (interrupt == INTERRUPT_VIRTUAL_TIMER) {
            vgic_raise(&cpu->vcpu->vgic, interrupt);
            return false;
        }
        if (vgic_line(&cpu->vcpu->vgic, interrupt))
            return false;
        if (interrupt == INTERRUPT_MAINTENANCE)
            vgic_maintenance(&cpu->vcpu->vgic);
        else if (interrupt == INTERRUPT_WAKE)
            take_incoming(cpu);
    }
    if (interrupt >= LPI_FIRST) {
        gic_message(cpu, interrupt - LPI_FIRST);
        return false; /* it is not active: there is nothing to end */
    }
    const struct handler *handler = find_handler(interrupt);

    if (handler != NULL)
        handler->function(handler->argument);
    return true;
}

void gic_handle(void)
{
    struct cpu *cpu = cpu_this();

    /* A line that comes again and again does not keep the CPU from its guest. */
    for (unsigned int left = INTERRUPTS_PER_ENTRY; left > 0; left--) {
        uint32_t interrupt = (uint32_t)sysreg_read_named(ICC_IAR1_EL1);

        if (interrupt - INTID_SPURIOUS < INTID_SPURIOUS_COUNT)
            return;
        /* Only behind this is it active for the distributor too (ICC_IAR1_EL1), which a handler may ask
         * to take that away. */
        dsb();
        sysreg_write_named(ICC_EOIR1_EL1, interrupt);
        isb();
        if (!handle(cpu, interrupt))
            continue;
        /* Nothing orders a write to a system register behind one to a device: what the handler wrote to
         * make the line low, or to clear its pending state, must have arrived before the line may come
         * again. The drop of priority above may come early: the line stays active. */
        dsb();
        sysreg_write_named(ICC_DIR_EL1, interrupt);
        if (interrupt == INTERRUPT_WAKE)
            take_recall(cpu);
    }
}
