/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Starting a virtual CPU on the CPU it is pinned to, with every register that the guest can see
 * defined (Arm ARM D1.2, reset values where the architecture has them).
 */
#include "arch/arm64/guest.h"

#include "arch/arm64/aarch32.h"
#include "arch/arm64/gic.h"
#include "arch/arm64/vdev/vgic.h"
#include "arch/seam.h"
#include "lib/string.h"
#include "lib/vmsa.h"

/* Guest-physical space: 39 bits, three levels of 4 KiB tables (D8.2). */
#define STAGE2_BITS 39
#define VTCR_T0SZ (UINT64_C(64) - STAGE2_BITS)
#define VTCR_SL0_LEVEL1 (UINT64_C(1) << 6)
#define VTCR_WALKS (UINT64_C(1) << 8 | UINT64_C(1) << 10 | UINT64_C(3) << 12)
#define VTCR_PS(value) ((uint64_t)(value) << 16)
#define VTCR_RES1 BIT(31)

#define S2_MEMATTR_DEVICE (UINT64_C(1) << 2) /* Device-nGnRE */
#define S2_MEMATTR_NORMAL (UINT64_C(0xF) << 2)
#define S2_READ (UINT64_C(1) << 6)
#define S2_READ_WRITE (UINT64_C(3) << 6)
#define S2_SHARE_INNER (UINT64_C(3) << 8)
#define S2_ACCESSED BIT(10)
#define S2_NEVER_EXECUTE BIT(54)

#define HCR_GUEST                                                                                  \
    (HCR_VM | HCR_FMO | HCR_IMO | HCR_AMO | HCR_RW | HCR_TSC | HCR_TID3 | HCR_TIDCP | HCR_TACR |   \
     HCR_TLOR | HCR_TERR | HCR_TEA)
#define CPTR_GUEST ((CPTR_RES1 & ~CPTR_TFP) | CPTR_TZ | CPTR_TSM | CPTR_TTA | CPTR_TAM)
#define MDCR_GUEST                                                                                 \
    (MDCR_TPMCR | MDCR_TPM | MDCR_TDA | MDCR_TDOSA | MDCR_TDRA | MDCR_TPMS | MDCR_TTRF)
#define CNTHCTL_EL1PCTEN BIT(0) /* the physical counter may be read; the physical timer may not */
#define CPACR_START 0

const struct arch_guest_ops *guest_ops;

const struct arch_guest_layout arch_guest_layout = {
    .distributor = { .base = 0x08000000, .size = 0x10000 },
    .redistributor = { .base = 0x080A0000, .size = 0x20000 },
};

void arch_guest_register(const struct arch_guest_ops *ops)
{
    guest_ops = ops;
}

const struct pagetable_format *arch_stage2_format(void)
{
    return &vmsa_4k;
}

unsigned int arch_stage2_bits(void)
{
    return STAGE2_BITS;
}

uint64_t arch_stage2_memory_attributes(void)
{
    return S2_MEMATTR_NORMAL | S2_READ_WRITE | S2_SHARE_INNER | S2_ACCESSED;
}

uint64_t arch_stage2_device_attributes(void)
{
    return S2_MEMATTR_DEVICE | S2_READ_WRITE | S2_ACCESSED | S2_NEVER_EXECUTE;
}

uint64_t arch_stage2_window_attributes(bool writes)
{
    return S2_MEMATTR_NORMAL | (writes ? S2_READ_WRITE : S2_READ) | S2_SHARE_INNER | S2_ACCESSED |
           S2_NEVER_EXECUTE;
}

/* The tag need not be the one in VTTBR_EL2 now; it is put there for the invalidation only
 * (D8.14), with its own root: what a CPU should walk at that moment is right under that tag. */
void arch_stage2_invalidate(uint64_t root, uint16_t tag)
{
    uint64_t running = sysreg_read(vttbr_el2);

    dsb();
    sysreg_write(vttbr_el2, root | (uint64_t)tag << 48);
    isb();
    __asm__ volatile("tlbi vmalls12e1is\n\tdsb ish\n\tisb" : : : "memory");
    sysreg_write(vttbr_el2, running);
    isb();
}

void arch_vcpu_prepare(struct vcpu *vcpu, struct partition *partition,
                       const struct arch_start *start, uint64_t stage2_root, uint16_t tag)
{
    memset(vcpu, 0, sizeof(*vcpu));
    vcpu->partition = partition;
    vcpu->stage2_root = stage2_root;
    vcpu->tag = tag;
    vcpu->aarch32 = start->aarch32;
    if (start->aarch32) {
        aarch32_frame_start(&vcpu->frame, start);
        return;
    }
    vcpu->frame.x[0] = start->tree;
    vcpu->frame.elr = start->entry;
    vcpu->frame.spsr = SPSR_START;
}

static void clear_vector_registers(void)
{
    /* The compiler uses none of these; the assembler must be told that they exist. */
    __asm__ volatile(".arch_extension fp\n\t.arch_extension simd\n\t"
                     ".irp n,0,1,2,3,4,5,6,7,8,9,10,11,12,13,14,15,16,17,18,19,20,21,22,23,24,25,"
                     "26,27,28,29,30,31\n\t"
                     "movi v\\n\\().2d, #0\n\t"
                     ".endr\n\t"
                     "msr fpcr, xzr\n\tmsr fpsr, xzr\n\t"
                     ".arch_extension nosimd\n\t.arch_extension nofp");
}

static void clear_el1_registers(void)
{
    sysreg_write(sctlr_el1, SCTLR_EL1_START);
    sysreg_write(cpacr_el1, CPACR_START);
    sysreg_write(ttbr0_el1, 0);
    sysreg_write(ttbr1_el1, 0);
    sysreg_write(tcr_el1, 0);
    sysreg_write(mair_el1, 0);
    sysreg_write(amair_el1, 0);
    sysreg_write(vbar_el1, 0);
    sysreg_write(elr_el1, 0);
    sysreg_write(spsr_el1, 0);
    sysreg_write(esr_el1, 0);
    sysreg_write(far_el1, 0);
    sysreg_write(afsr0_el1, 0);
    sysreg_write(afsr1_el1, 0);
    sysreg_write(par_el1, 0);
    sysreg_write(contextidr_el1, 0);
    sysreg_write(tpidr_el0, 0);
    sysreg_write(tpidrro_el0, 0);
    sysreg_write(tpidr_el1, 0);
    sysreg_write(sp_el0, 0);
    sysreg_write(sp_el1, 0);
    sysreg_write(csselr_el1, 0);
    sysreg_write(cntkctl_el1, 0);
    sysreg_write(cntv_ctl_el0, 0);
    sysreg_write(cntv_cval_el0, 0);
    sysreg_write(cntp_ctl_el0, 0);
    sysreg_write(mdscr_el1, 0);
    /* With HCR_EL2.AMO what EL1 knows as DISR_EL1. */
    if (FIELD_GET(PFR0_RAS, sysreg_read(id_aa64pfr0_el1)) != 0) {
        sysreg_write_named(VDISR_EL2, 0);
        sysreg_write_named(VSESR_EL2, 0);
    }
}

_Noreturn void arch_vcpu_run(struct vcpu *vcpu)
{
    struct cpu *cpu = cpu_this();
    uint64_t physical_size = sysreg_read(id_aa64mmfr0_el1) & 0xF;
    uint64_t identity = sysreg_read(midr_el1), now = sysreg_read(cntpct_el0);
    uint64_t debug_counters = sysreg_read(mdcr_el2) & BITS(4, 0);

    clear_el1_registers();
    clear_vector_registers();
    if (vcpu->aarch32)
        aarch32_registers_start();
    sysreg_write(vpidr_el2, identity);
    sysreg_write(vmpidr_el2, BIT(31)); /* one vCPU: affinity 0.0.0.0 */
    sysreg_write(cntvoff_el2, now);
    sysreg_write(cnthctl_el2, CNTHCTL_EL1PCTEN);
    sysreg_write(vtcr_el2, VTCR_RES1 | VTCR_PS(min_u64(physical_size, 5)) | VTCR_WALKS |
                               VTCR_SL0_LEVEL1 | VTCR_T0SZ);
    sysreg_write(vttbr_el2, (uint64_t)vcpu->tag << 48 | vcpu->stage2_root);
    sysreg_write(cptr_el2, CPTR_GUEST);
    sysreg_write(mdcr_el2, MDCR_GUEST | debug_counters);
    sysreg_write(hstr_el2, HSTR_T15);
    sysreg_write(hcr_el2, vcpu->aarch32 ? HCR_GUEST & ~HCR_RW : HCR_GUEST);
    isb();
    arch_stage2_invalidate(vcpu->stage2_root, vcpu->tag);
    __asm__ volatile("ic iallu\n\tdsb sy\n\tisb" : : : "memory");
    vgic_start(&vcpu->vgic);
    cpu->vcpu = vcpu;
    atomic_store(&cpu->incoming, 0); /* of a life before */
    atomic_store(&vcpu->cpu, cpu);
    /* Whoever recalls it sees the CPU above, or is seen here. */
    if (atomic_load(&vcpu->recalled))
        gic_wake(cpu);
    guest_enter(&vcpu->frame);
}

void arch_vcpu_stop(struct vcpu *vcpu)
{
    atomic_store(&vcpu->cpu, NULL);
    sysreg_write(cntv_ctl_el0, 0);
    vgic_stop(&vcpu->vgic);
    cpu_this()->vcpu = NULL;
    sysreg_write(hcr_el2, HCR_RW);
    isb();
}
