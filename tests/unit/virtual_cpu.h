/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The hardware below a virtual interrupt controller, from IHI 0069: the virtual CPU interface with its list
 * registers as a guest uses it (4.8, 12.3, 12.4), and physical lines of a distributor, level-triggered.
 */
#ifndef TESTS_VIRTUAL_CPU_H
#define TESTS_VIRTUAL_CPU_H

#include "lib/types.h"
#include "vgic_hardware.h"

#define VIRTUAL_CPU_LINES 128
#define VIRTUAL_CPU_SPURIOUS 1023
#define VIRTUAL_CPU_IDLE 0x100 /* less urgent than every priority */

struct virtual_cpu {
    /* The machine. */
    unsigned int list_registers;
    bool traps_deactivate;        /* ICH_VTR_EL2.TDS */
    unsigned int preemption_bits; /* 5, 6, 7; ICH_VTR_EL2.PREbits */
    bool stuck;                   /* the physical controller does not say that a line is masked */
    /* What the guest writes. */
    uint32_t mask;         /* ICC_PMR_EL1 */
    bool enabled_by_guest; /* ICC_IGRPEN1_EL1 */
    bool split;            /* ICC_CTLR_EL1.EOImode */
    uint32_t binary_point; /* ICC_BPR1_EL1: priorities that differ below this bit do not preempt */
    bool common;           /* ICC_CTLR_EL1.CBPR: ICC_BPR0_EL1, which is one less, says so */
    /* State. */
    uint64_t lr[16];
    uint64_t control;                 /* ICH_HCR_EL2 */
    uint32_t active_priorities[2][4]; /* ICH_AP0R<n>_EL2, ICH_AP1R<n>_EL2: a bit a priority */
    /* Physical lines. */
    bool level[VIRTUAL_CPU_LINES], enabled[VIRTUAL_CPU_LINES], latched[VIRTUAL_CPU_LINES],
        active[VIRTUAL_CPU_LINES];
    unsigned int mistakes; /* states of list registers that the architecture does not define */
    const char *mistake;
};

extern struct virtual_cpu virtual_cpu;

void virtual_cpu_reset(unsigned int list_registers, bool traps_deactivate);

/* The guest reads IAR1, writes EOIR1 or DIR. The last returns false if it traps. */
uint32_t virtual_cpu_acknowledge(void);
void virtual_cpu_end(uint32_t interrupt);
bool virtual_cpu_deactivate(uint32_t interrupt);

/* Priority of the most urgent active interrupt that was not ended; VIRTUAL_CPU_IDLE: none. */
uint32_t virtual_cpu_running(void);

/* What of a priority decides whether it preempts. */
uint32_t virtual_cpu_group(uint32_t priority);

/* The maintenance interrupt is asserted now. */
bool virtual_cpu_maintenance(void);

/* A line that the physical controller signals now is taken: active from now on. UINT32_MAX: none. */
uint32_t virtual_cpu_take_line(void);

#endif
