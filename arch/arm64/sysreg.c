/* SPDX-License-Identifier: Apache-2.0 */
/*
 * System registers that trap from EL1 (ESR_EL2 class 0x18). The identification registers tell a
 * guest what it can use here, so features that the hypervisor traps are not shown. Whatever is not
 * in this file is undefined for a guest: debug, performance monitors, trace, error records among
 * them.
 */
#include "arch/arm64/guest.h"
#include "arch/arm64/vdev/vgic.h"

/* The operands of MSR and MRS as a syndrome holds them: op0 21:20, op2 19:17, op1 16:14, CRn 13:10,
 * CRm 4:1. */
#define SYSREG(op0, op1, crn, crm, op2)                                                            \
    ((uint64_t)(op0) << 20 | (uint64_t)(op2) << 17 | (uint64_t)(op1) << 14 |                       \
     (uint64_t)(crn) << 10 | (uint64_t)(crm) << 1)
#define SYSREG_MASK (BITS(21, 10) | BITS(4, 1))
#define SYSREG_READ BIT(0)

/* Identification registers of AArch64 stand in op0 3, op1 0, CRn 0, CRm 1 to 7. */
#define ID_SPACE_MASK (SYSREG(3, 7, 15, 0, 0))
#define ID_SPACE SYSREG(3, 0, 0, 0, 0)

#define PFR0_EL0_64 UINT64_C(1)
#define PFR0_EL1_64 (UINT64_C(1) << 4)
#define PFR0_FP_SIMD BITS(23, 16)
#define PFR0_GIC (UINT64_C(1) << 24)
#define PFR0_CSV BITS(63, 56)
#define DFR0_DEBUG_V8 UINT64_C(6)
/* ISAR1: pointer authentication (APA, API, GPA, GPI) is not enabled for guests. ISAR2: APA3,
 * GPA3. */
#define ISAR1_AUTHENTICATION (BITS(11, 4) | BITS(31, 24))
#define ISAR2_AUTHENTICATION BITS(15, 8)
/* Instructions that EL2 would have to enable. */
#define ISAR0_TRANSACTIONS BITS(27, 24)
#define ISAR1_LS64 BITS(63, 60)
#define ISAR2_MEMORY_COPY BITS(19, 16)
#define MMFR1_LIMITED_ORDERING BITS(19, 16)

/* The self-hosted debug registers: op0 2, op1 0, CRn 0 and 1. */
#define DEBUG_SPACE_MASK SYSREG(3, 7, 14, 0, 0)
#define DEBUG_SPACE SYSREG(2, 0, 0, 0, 0)

static uint64_t identification(uint64_t reg)
{
    switch (reg) {
    case SYSREG(3, 0, 0, 4,
                0): /* ID_AA64PFR0_EL1: AArch64 only, no EL2 and EL3, no SVE, RAS, AMU */
        return (sysreg_read(id_aa64pfr0_el1) & (PFR0_FP_SIMD | PFR0_CSV)) | PFR0_EL0_64 |
               PFR0_EL1_64 | PFR0_GIC;
    case SYSREG(3, 0, 0, 5,
                0): /* ID_AA64DFR0_EL1: the base debug architecture, which traps; no PMU */
        return DFR0_DEBUG_V8;
    case SYSREG(3, 0, 0, 6, 0):
        return sysreg_read(id_aa64isar0_el1) & ~ISAR0_TRANSACTIONS;
    case SYSREG(3, 0, 0, 6, 1):
        return sysreg_read(id_aa64isar1_el1) & ~(ISAR1_AUTHENTICATION | ISAR1_LS64);
    case SYSREG(3, 0, 0, 6, 2):
        return sysreg_read(S3_0_C0_C6_2) & ~(ISAR2_AUTHENTICATION | ISAR2_MEMORY_COPY);
    case SYSREG(3, 0, 0, 7, 0):
        return sysreg_read(id_aa64mmfr0_el1);
    case SYSREG(3, 0, 0, 7, 1):
        return sysreg_read(id_aa64mmfr1_el1) & ~MMFR1_LIMITED_ORDERING;
    case SYSREG(3, 0, 0, 7, 2):
        return sysreg_read(id_aa64mmfr2_el1);
    default: /* PFR1, PFR2, ZFR0, SMFR0, DFR1, AFR, and AArch32's: nothing of it */
        return 0;
    }
}

/* ICC_SGI1R_EL1 (IHI 0069 12.2.21): targets are vCPUs of this
 * partition, of which there is one. */
void guest_software_interrupt(struct vcpu *vcpu, uint64_t value)
{
    bool everyone_else = (value & BIT(40)) != 0;
    bool affinity_zero = (value & (BITS(55, 44) | BITS(39, 32) | BITS(23, 16))) == 0;

    if (!everyone_else && affinity_zero && (value & BIT(0)) != 0)
        vgic_software(&vcpu->vgic, (uint32_t)FIELD_GET(BITS(27, 24), value));
}

bool guest_sysreg(struct vcpu *vcpu, uint64_t syndrome, uint64_t *value)
{
    uint64_t reg = syndrome & SYSREG_MASK;
    bool read = (syndrome & SYSREG_READ) != 0;

    if ((reg & ID_SPACE_MASK) == ID_SPACE && read) {
        *value = identification(reg);
        return true;
    }
    /* Breakpoints, watchpoints and the lock that kernels open at start: there is nothing behind
     * them. */
    if ((reg & DEBUG_SPACE_MASK) == DEBUG_SPACE) {
        *value = 0;
        return true;
    }
    switch (reg) {
    case SYSREG(3, 0, 12, 11, 5): /* ICC_SGI1R_EL1 */
        if (!read)
            guest_software_interrupt(vcpu, *value);
        return !read;
    case SYSREG(3, 0, 12, 11, 6): /* ICC_ASGI1R_EL1, ICC_SGI0R_EL1: of groups that there are not */
    case SYSREG(3, 0, 12, 11, 7):
        return !read;
    case SYSREG(3, 0, 12, 11,
                1): /* ICC_DIR_EL1: traps while an active interrupt has no list register */
        if (!read)
            vgic_deactivate(&vcpu->vgic, (uint32_t)(*value & BITS(23, 0)));
        return !read;
    case SYSREG(3, 0, 1, 0, 1): /* ACTLR_EL1 */
        if (read)
            *value = 0;
        return true;
    default:
        return false;
    }
}
