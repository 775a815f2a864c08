/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The registers of AArch32's coprocessors that trap from EL1: as sysreg.c has those of AArch64, and
 * with the same reasons. What is not in this file is undefined for a guest: performance monitors,
 * the physical timer, trace and what is implementation-defined among it.
 */
#include "arch/arm64/guest.h"
#include "arch/arm64/vdev/vgic.h"

/* The operands of MCR and MRC as a syndrome holds them: opc2 19:17, opc1 16:14, CRn 13:10,
 * CRm 4:1. */
#define REGISTER(opc1, crn, crm, opc2)                                                             \
    ((uint64_t)(opc2) << 17 | (uint64_t)(opc1) << 14 | (uint64_t)(crn) << 10 | (uint64_t)(crm) << 1)
#define REGISTER_MASK REGISTER(7, 15, 15, 7)
/* Those of MCRR and MRRC: opc1 19:16, CRm 4:1. */
#define PAIR(opc1, crm) ((uint64_t)(opc1) << 16 | (uint64_t)(crm) << 1)
#define PAIR_MASK PAIR(15, 15)
#define ISS_READ BIT(0)

#define ICC_DIR REGISTER(0, 12, 11, 1) /* traps while an active interrupt has no list register */

/* Identification registers stand in opc1 0, CRn 0, CRm 1 to 7. */
#define ID_SPACE_MASK REGISTER(7, 15, 0, 0)
#define ID_SPACE REGISTER(0, 0, 0, 0)

#define PFR0_STATES BITS(15, 0)
#define PFR0_CSV2 BITS(19, 16)
#define PFR1_PROGRAMMERS_MODEL BITS(3, 0)
#define PFR1_TIMER BITS(19, 16)
#define PFR1_SECURITY_FRACTION (UINT64_C(1) << 20)       /* VBAR */
#define PFR1_VIRTUALIZATION_FRACTION (UINT64_C(1) << 24) /* banked registers by MRS and MSR */
#define PFR1_GIC (UINT64_C(1) << 28)
#define PFR2_CSV3 BITS(3, 0)
#define DFR0_DEBUG_V8 UINT64_C(6)
#define ISAR4_SMC BITS(15, 12)

/* CP14: breakpoints, watchpoints and the lock stand in opc1 0, CRn 0 and 1. No debug registers lie in
 * memory: the addresses are 0, which they are too on a CPU that traps not all of their forms. */
#define DEBUG_SPACE_MASK REGISTER(7, 14, 0, 0)
#define DEBUG_SPACE REGISTER(0, 0, 0, 0)
#define DEBUG_SELF_ADDRESS REGISTER(0, 2, 0, 0) /* DBGDSAR */

/* VMRS has the number of the register where MRC has CRn. */
#define VMRS_MVFR2 5
#define VMRS_MVFR1 6
#define VMRS_MVFR0 7

static uint64_t identification(uint64_t reg)
{
    switch (reg) {
    case REGISTER(0, 0, 1, 0): /* ID_PFR0: no RAS, AMU */
        return sysreg_read(id_pfr0_el1) & (PFR0_STATES | PFR0_CSV2);
    case REGISTER(0, 0, 1, 1): /* ID_PFR1: no EL2 and EL3, and what of them EL1 has */
        return (sysreg_read(id_pfr1_el1) & (PFR1_PROGRAMMERS_MODEL | PFR1_TIMER)) |
               PFR1_SECURITY_FRACTION | PFR1_VIRTUALIZATION_FRACTION | PFR1_GIC;
    case REGISTER(0, 0, 1, 2): /* ID_DFR0: the base debug architecture, which traps; no PMU */
        return DFR0_DEBUG_V8;
    case REGISTER(0, 0, 1, 4):
        return sysreg_read(id_mmfr0_el1);
    case REGISTER(0, 0, 1, 5):
        return sysreg_read(id_mmfr1_el1);
    case REGISTER(0, 0, 1, 6):
        return sysreg_read(id_mmfr2_el1);
    case REGISTER(0, 0, 1, 7):
        return sysreg_read(id_mmfr3_el1);
    case REGISTER(0, 0, 2, 0):
        return sysreg_read(id_isar0_el1);
    case REGISTER(0, 0, 2, 1):
        return sysreg_read(id_isar1_el1);
    case REGISTER(0, 0, 2, 2):
        return sysreg_read(id_isar2_el1);
    case REGISTER(0, 0, 2, 3):
        return sysreg_read(id_isar3_el1);
    case REGISTER(0, 0, 2, 4):
        return sysreg_read(id_isar4_el1) & ~ISAR4_SMC;
    case REGISTER(0, 0, 2, 5):
        return sysreg_read(id_isar5_el1);
    case REGISTER(0, 0, 2, 6):
        return sysreg_read(id_mmfr4_el1);
    case REGISTER(0, 0, 2, 7):
        return sysreg_read(S3_0_C0_C2_7); /* ID_ISAR6 */
    case REGISTER(0, 0, 3, 4):
        return sysreg_read(S3_0_C0_C3_4) & PFR2_CSV3;
    case REGISTER(0, 0, 3, 6):
        return sysreg_read(S3_0_C0_C3_6); /* ID_MMFR5 */
    default:                              /* AFR0, DFR1, and what is reserved */
        return 0;
    }
}

static bool system_control(uint64_t reg, bool read, uint64_t *value)
{
    if ((reg & ID_SPACE_MASK) == ID_SPACE) {
        *value = identification(reg);
        return read;
    }
    *value = 0;
    return reg == REGISTER(0, 1, 0, 1) || reg == REGISTER(0, 1, 0, 3); /* ACTLR, ACTLR2 */
}

static bool floating_point(uint64_t number, uint64_t *value)
{
    switch (number) {
    case VMRS_MVFR0:
        *value = sysreg_read(mvfr0_el1);
        return true;
    case VMRS_MVFR1:
        *value = sysreg_read(mvfr1_el1);
        return true;
    case VMRS_MVFR2:
        *value = sysreg_read(mvfr2_el1);
        return true;
    default:
        return false;
    }
}

bool guest_coprocessor(struct vcpu *vcpu, unsigned int class, uint64_t syndrome, uint64_t *value)
{
    bool read = (syndrome & ISS_READ) != 0;

    switch (class) {
    case EC_CP15_32:
        if ((syndrome & REGISTER_MASK) == ICC_DIR) {
            if (!read)
                vgic_deactivate(&vcpu->vgic, (uint32_t)(*value & BITS(23, 0)));
            return !read;
        }
        return system_control(syndrome & REGISTER_MASK, read, value);
    case EC_VMRS:
        return floating_point(FIELD_GET(REGISTER(0, 15, 0, 0), syndrome), value);
    case EC_CP14_32:
        *value = 0;
        return (syndrome & DEBUG_SPACE_MASK) == DEBUG_SPACE ||
               (read && (syndrome & REGISTER_MASK) == DEBUG_SELF_ADDRESS);
    case EC_CP15_64:
        switch (syndrome & PAIR_MASK) {
        case PAIR(0, 12): /* ICC_SGI1R */
            if (!read)
                guest_software_interrupt(vcpu, *value);
            return !read;
        case PAIR(1, 12): /* ICC_ASGI1R, ICC_SGI0R: of groups that there are not */
        case PAIR(2, 12):
            return !read;
        default:
            return false;
        }
    case EC_CP14_64: /* DBGDRAR, DBGDSAR */
        *value = 0;
        return read &&
               ((syndrome & PAIR_MASK) == PAIR(0, 1) || (syndrome & PAIR_MASK) == PAIR(0, 2));
    default:
        return false;
    }
}
