/* SPDX-License-Identifier: Apache-2.0 */
/*
 * AArch64 as the hypervisor uses it: system registers by name, the fields it sets, and what each
 * CPU keeps (Arm ARM DDI 0487).
 */
#ifndef ARCH_ARM64_H
#define ARCH_ARM64_H

#include "layout.h"

#ifndef __ASSEMBLER__
#include "lib/types.h"

#define sysreg_read(name)                                                                          \
    __extension__({                                                                                \
        uint64_t sysreg_value;                                                                     \
        __asm__ volatile("mrs %0, " #name : "=r"(sysreg_value));                                   \
        sysreg_value;                                                                              \
    })

#define sysreg_write(name, value)                                                                  \
    do {                                                                                           \
        uint64_t sysreg_value = (value);                                                           \
        __asm__ volatile("msr " #name ", %0" : : "r"(sysreg_value) : "memory");                    \
    } while (0)

static inline void isb(void)
{
    __asm__ volatile("isb" : : : "memory");
}

static inline void dsb(void)
{
    __asm__ volatile("dsb sy" : : : "memory");
}

/* Registers that the assembler of GCC 12 knows only by encoding. */
#define ICC_IAR1_EL1 S3_0_C12_C12_0
#define ICC_EOIR1_EL1 S3_0_C12_C12_1
#define ICC_DIR_EL1 S3_0_C12_C11_1
#define ICC_PMR_EL1 S3_0_C4_C6_0
#define ICC_CTLR_EL1 S3_0_C12_C12_4
#define ICC_SRE_EL1 S3_0_C12_C12_5
#define ICC_IGRPEN1_EL1 S3_0_C12_C12_7
#define ICC_SRE_EL2 S3_4_C12_C9_5
#define ICH_HCR_EL2 S3_4_C12_C11_0
#define ICH_VTR_EL2 S3_4_C12_C11_1
#define ICH_VMCR_EL2 S3_4_C12_C11_7
#define ICH_ELRSR_EL2 S3_4_C12_C11_5
#define ICH_AP0R0_EL2 S3_4_C12_C8_0
#define ICH_AP0R1_EL2 S3_4_C12_C8_1
#define ICH_AP0R2_EL2 S3_4_C12_C8_2
#define ICH_AP0R3_EL2 S3_4_C12_C8_3
#define ICH_AP1R0_EL2 S3_4_C12_C9_0
#define ICH_AP1R1_EL2 S3_4_C12_C9_1
#define ICH_AP1R2_EL2 S3_4_C12_C9_2
#define ICH_AP1R3_EL2 S3_4_C12_C9_3
#define ID_AA64MMFR3_EL1 S3_0_C0_C7_3
#define VDISR_EL2 S3_4_C12_C1_1
#define VSESR_EL2 S3_4_C5_C2_3
#define HCRX_EL2 S3_4_C1_C2_2
#define HFGRTR_EL2 S3_4_C1_C1_4
#define HFGWTR_EL2 S3_4_C1_C1_5
#define HFGITR_EL2 S3_4_C1_C1_6
#define HDFGRTR_EL2 S3_4_C3_C1_4
#define HDFGWTR_EL2 S3_4_C3_C1_5
#define HAFGRTR_EL2 S3_4_C3_C1_6
#define HDFGRTR2_EL2 S3_4_C3_C1_0
#define HDFGWTR2_EL2 S3_4_C3_C1_1
#define HFGRTR2_EL2 S3_4_C3_C1_2
#define HFGWTR2_EL2 S3_4_C3_C1_3
#define HFGITR2_EL2 S3_4_C3_C1_7
#define SCTLR2_EL2 S3_4_C1_C0_3
#define TCR2_EL2 S3_4_C2_C0_3

/* sysreg_read(ICC_...) must expand its argument first. */
#define sysreg_read_named(name) sysreg_read_expanded(name)
#define sysreg_read_expanded(name) sysreg_read(name)
#define sysreg_write_named(name, value) sysreg_write_expanded(name, value)
#define sysreg_write_expanded(name, value) sysreg_write(name, value)

/* HCR_EL2 */
#define HCR_VM BIT(0)
#define HCR_FMO BIT(3)
#define HCR_IMO BIT(4)
#define HCR_AMO BIT(5)
#define HCR_TID3 BIT(18)
#define HCR_TSC BIT(19)
#define HCR_TIDCP BIT(20)
#define HCR_TACR BIT(21)
#define HCR_RW BIT(31) /* EL1 is AArch64 */
#define HCR_E2H BIT(34)
#define HCR_TLOR BIT(35)
#define HCR_TERR BIT(36)
#define HCR_TEA BIT(37)
#define HCR_APK BIT(40)
#define HCR_API BIT(41)

/* CPTR_EL2: trap what the hypervisor neither saves nor shows to a guest. */
#define CPTR_RES1 UINT64_C(0x33FF)
#define CPTR_TZ BIT(8)
#define CPTR_TFP BIT(10)
#define CPTR_TSM BIT(12)
#define CPTR_TTA BIT(20)
#define CPTR_TAM BIT(30)

/* HSTR_EL2: AArch32's implementation-defined CP15 c15, which HCR_EL2.TIDCP leaves out */
#define HSTR_T15 BIT(15)

/* MDCR_EL2 */
#define MDCR_TPMCR BIT(5)
#define MDCR_TPM BIT(6)
#define MDCR_TDA BIT(9)
#define MDCR_TDOSA BIT(10)
#define MDCR_TDRA BIT(11)
#define MDCR_TPMS BIT(14)
#define MDCR_TTRF BIT(19)

/* ESR_EL2 */
#define ESR_EC BITS(31, 26)
#define ESR_IL BIT(25)
#define ESR_ISS BITS(24, 0)
#define EC_UNKNOWN 0x00
#define EC_WFX 0x01
#define EC_CP15_32 0x03 /* MCR, MRC */
#define EC_CP15_64 0x04 /* MCRR, MRRC */
#define EC_CP14_32 0x05
#define EC_FP 0x07
#define EC_VMRS 0x08
#define EC_CP14_64 0x0C
#define EC_HVC32 0x12
#define EC_SMC32 0x13
#define EC_HVC64 0x16
#define EC_SMC64 0x17
#define EC_SYSREG 0x18
#define EC_SVE 0x19
#define EC_SME 0x1D
#define EC_INSTRUCTION_ABORT_LOWER 0x20
#define EC_DATA_ABORT_LOWER 0x24
#define EC_DATA_ABORT_SAME 0x25
#define ABORT_ISV BIT(24)
#define ABORT_SIZE BITS(23, 22)
#define ABORT_SIGN BIT(21)
#define ABORT_REGISTER BITS(20, 16)
#define ABORT_64BIT BIT(15)
#define ABORT_FNV BIT(10)
#define ABORT_WRITE BIT(6)
#define ABORT_S1PTW BIT(7)
#define ABORT_STATUS_KIND BITS(5, 2)
#define ABORT_TRANSLATION 1 /* of any level */
#define ABORT_PERMISSION 3

#define HPFAR_IPA BITS(39, 4)

/* ID_AA64PFR0_EL1, ID_AA64MMFR0_EL1, ID_AA64MMFR1_EL1, ID_AA64MMFR3_EL1 */
#define PFR0_EL1 BITS(7, 4)
#define PFR0_EL1_BOTH 2 /* AArch64 and AArch32 */
#define PFR0_RAS BITS(31, 28)
#define PFR0_AMU BITS(47, 44)
#define MMFR0_FINE_TRAPS BITS(59, 56)
#define MMFR0_FINE_TRAPS_2 2
#define MMFR1_HCRX BITS(43, 40)
#define MMFR3_TCR2 BITS(3, 0)
#define MMFR3_SCTLR2 BITS(7, 4)

/* SPSR of a partition's first instruction: EL1h, all interrupts masked. */
#define SPSR_START UINT64_C(0x3C5)

#define SPSR_AARCH32 BIT(4)
#define SPSR_FLAGS BITS(31, 28)
#define SPSR_BRANCH BITS(11, 10) /* BTYPE; of AArch64 alone */
#define SPSR_DIT BIT(24)
#define SPSR_PAN BIT(22)
#define SCTLR_EL1_SPAN BIT(23)

/* SCTLR_EL1 at a partition's first instruction: MMU and caches off, RES1 bits set. */
#define SCTLR_EL1_START UINT64_C(0x30D00980)

struct vcpu;

/* What each CPU keeps; TPIDR_EL2 points at it. */
struct cpu {
    unsigned int index; /* cpu_index() reads it: stays first */
    bool online;
    bool aarch32;  /* EL1 can be AArch32 */
    bool messages; /* its redistributor takes LPIs */
    uint64_t affinity;
    uint64_t redistributor;    /* physical base of this CPU's GICv3 redistributor */
    struct vcpu *vcpu;         /* the vCPU that runs here, NULL: none */
    _Atomic uint64_t incoming; /* what other CPUs made pending for it; bit n: INTID 32 + n */
};

static inline struct cpu *cpu_this(void)
{
    return (struct cpu *)(uintptr_t)sysreg_read(tpidr_el2);
}

extern struct cpu cpus[CPU_LIMIT];

/* Everything of a guest that the exception entry of vectors.S saves. */
struct guest_frame {
    uint64_t x[31];
    uint64_t elr;
    uint64_t spsr;
    uint64_t reserved;
};

/* vectors.S: leaves the hypervisor for the guest whose state stands in *frame; this CPU's stack
 * starts anew at the next exception. Does not return. */
_Noreturn void guest_enter(const struct guest_frame *frame);

/* vectors.S: abandons whatever this CPU's stack holds and calls function on a fresh one. */
_Noreturn void stack_restart(void (*function)(void));

#endif
#endif
