/* SPDX-License-Identifier: Apache-2.0 */
/* What the virtual interrupt controller asks of the CPU it runs on (IHI 0069 12.4) and of the physical
 * controller. The unit tests have another one. */
#ifndef ARCH_ARM64_VGIC_HARDWARE_H
#define ARCH_ARM64_VGIC_HARDWARE_H

#include "arch/arm64/gic.h"

/* list_registers.S */
uint64_t list_register_read(unsigned int index);
void list_register_write(unsigned int index, uint64_t value);

/* ICH_ELRSR_EL2, ICH_HCR_EL2, ICH_VMCR_EL2, ICH_VTR_EL2 */
/* A write to a list register counts here only behind a synchronisation (DDI 0487, synchronization
 * requirements of system registers): else the one just filled might be given away again. */
static inline uint64_t hardware_empty(void)
{
    isb();
    return sysreg_read_named(ICH_ELRSR_EL2);
}

static inline uint64_t hardware_control(void)
{
    return sysreg_read_named(ICH_HCR_EL2);
}

/* In force when this returns: else the maintenance interrupt would come once more. */
static inline void hardware_set_control(uint64_t value)
{
    sysreg_write_named(ICH_HCR_EL2, value);
    isb();
}

static inline uint64_t hardware_machine_control(void)
{
    return sysreg_read_named(ICH_VMCR_EL2);
}

/* ICH_AP1R<n>_EL2: a bit for each priority that preempts, of interrupts that are taken and not ended. */
static inline uint32_t hardware_active_priorities(unsigned int word)
{
    return (uint32_t)(word == 0   ? sysreg_read_named(ICH_AP1R0_EL2)
                      : word == 1 ? sysreg_read_named(ICH_AP1R1_EL2)
                      : word == 2 ? sysreg_read_named(ICH_AP1R2_EL2)
                                  : sysreg_read_named(ICH_AP1R3_EL2));
}

static inline uint64_t hardware_type(void)
{
    return sysreg_read_named(ICH_VTR_EL2);
}

/* No active priority, everything masked: as after reset. words: how many registers of active priorities
 * there are, 1, 2 or 4; the others are undefined. */
static inline void hardware_reset(unsigned int words)
{
    if (words > 2) {
        sysreg_write_named(ICH_AP0R3_EL2, 0);
        sysreg_write_named(ICH_AP1R3_EL2, 0);
        sysreg_write_named(ICH_AP0R2_EL2, 0);
        sysreg_write_named(ICH_AP1R2_EL2, 0);
    }
    if (words > 1) {
        sysreg_write_named(ICH_AP0R1_EL2, 0);
        sysreg_write_named(ICH_AP1R1_EL2, 0);
    }
    sysreg_write_named(ICH_AP0R0_EL2, 0);
    sysreg_write_named(ICH_AP1R0_EL2, 0);
    sysreg_write_named(ICH_VMCR_EL2, 0);
    sysreg_write_named(ICC_SRE_EL1, 1); /* not virtual: EL1 writes the register itself */
}

/* State of a physical interrupt. False: it was not masked in time. */
static inline bool hardware_line_set(uint32_t line, enum gicv3_state state, bool on)
{
    return gic_line_set(line, state, on);
}

static inline bool hardware_line_pending(uint32_t line)
{
    return gic_line_pending(line);
}

#endif
