/* SPDX-License-Identifier: Apache-2.0 */
/* What a guest in AArch32 does that reaches EL2: as trap.c answers it, in that state's forms. */
#include "arch/arm64/aarch32.h"
#include "arch/arm64/gic.h"
#include "arch/arm64/trap.h"
#include "bulkhead/abi.h"

#define CALL_ARGUMENTS 5

#define ISS_READ BIT(0)
#define ISS_RT BITS(9, 5)
#define ISS_RT2 BITS(14, 10)
#define ISS_RT_NONE 31 /* MRC to the flags, or an instruction that may do anything */
#define SMC_MAY_HAVE_FAILED BIT(19)

#define NZCV BITS(31, 28)

/* EL0 of a 64-bit guest may be AArch32 on some CPUs; no partition of that kind runs it. */
static void expect_aarch32(const struct guest_frame *frame)
{
    if (!cpu_this()->vcpu->aarch32)
        guest_ops->crash(cpu_this()->vcpu, "entered AArch32, which is not supported", frame->elr);
}

/* Only EL1 calls: EL1 is AArch32. */
void trap_aarch32_hypercall(uint64_t *x, struct cpu *cpu)
{
    uint32_t number = (uint32_t)x[0] - BH_FUNCTION_BASE_32;

    if (number >= BH_CALL_LIMIT) {
        trap_convention(cpu->vcpu, x);
        return;
    }
    /* The upper halves are whatever the CPU makes of them (D1.20.1). */
    for (unsigned int i = 1; i <= CALL_ARGUMENTS; i++)
        x[i] = (uint32_t)x[i];
    guest_ops->hypercall(cpu->vcpu, number, x);
}

/* MCR, MRC and VMRS: one register. */
static void transfer(struct vcpu *vcpu, struct guest_frame *frame, unsigned int class,
                     uint64_t syndrome)
{
    uint64_t rt = FIELD_GET(ISS_RT, syndrome);
    bool read = (syndrome & ISS_READ) != 0;
    uint64_t value = !read && rt != ISS_RT_NONE ? (uint32_t)frame->x[rt] : 0;

    if (!guest_coprocessor(vcpu, class, syndrome, &value)) {
        guest_inject_undefined(frame);
        return;
    }
    if (read && rt != ISS_RT_NONE)
        frame->x[rt] = (uint32_t)value;
    else if (read)
        frame->spsr = (frame->spsr & ~NZCV) | (value & NZCV);
    guest_advance(frame, syndrome);
}

/* MCRR and MRRC: two registers. */
static void transfer_pair(struct vcpu *vcpu, struct guest_frame *frame, unsigned int class,
                          uint64_t syndrome)
{
    uint64_t rt = FIELD_GET(ISS_RT, syndrome), rt2 = FIELD_GET(ISS_RT2, syndrome);
    uint64_t value = 0;

    /* The program counter as an operand may do anything: here, nothing. */
    if (rt != ISS_RT_NONE && rt2 != ISS_RT_NONE)
        value = (uint32_t)frame->x[rt] | frame->x[rt2] << 32;
    if (!guest_coprocessor(vcpu, class, syndrome, &value)) {
        guest_inject_undefined(frame);
        return;
    }
    if ((syndrome & ISS_READ) != 0 && rt != ISS_RT_NONE && rt2 != ISS_RT_NONE) {
        frame->x[rt] = (uint32_t)value;
        frame->x[rt2] = value >> 32;
    }
    guest_advance(frame, syndrome);
}

/* Whether the instruction is one that its condition keeps from doing anything. */
static bool passed_over(const struct guest_frame *frame, unsigned int class, uint64_t syndrome)
{
    if (class == EC_SMC32 && (syndrome & SMC_MAY_HAVE_FAILED) == 0)
        return false;
    return ((class >= EC_WFX && class <= EC_CP14_64) || class == EC_SMC32) &&
           !aarch32_condition_holds(frame, syndrome);
}

void trap_aarch32_synchronous(struct guest_frame *frame)
{
    struct vcpu *vcpu = cpu_this()->vcpu;
    uint64_t syndrome = sysreg_read(esr_el2);
    unsigned int class = (unsigned int)FIELD_GET(ESR_EC, syndrome);

    expect_aarch32(frame);
    if (passed_over(frame, class, syndrome)) {
        guest_advance(frame, syndrome);
        return;
    }
    switch (class) {
    case EC_CP15_32:
    case EC_CP14_32:
    case EC_VMRS:
        transfer(vcpu, frame, class, syndrome);
        break;
    case EC_CP15_64:
    case EC_CP14_64:
        transfer_pair(vcpu, frame, class, syndrome);
        break;
    case EC_SMC32: /* never forwarded */
        frame->x[0] = (uint32_t)BH_NOT_SUPPORTED;
        guest_advance(frame, syndrome);
        break;
    default: /* aborts and waits are alike, the rest is undefined: LDC, STC and VFP among it */
        trap_synchronous(frame);
        break;
    }
}

void trap_aarch32_interrupt(struct guest_frame *frame)
{
    expect_aarch32(frame);
    trap_interrupt(frame);
}
