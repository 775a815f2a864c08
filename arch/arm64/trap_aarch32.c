/* SPDX-License-Identifier: Apache-2.0 */
/* What a guest in AArch32 does that reaches EL2, as far as that state has forms of its own: EL1 of a 32-bit
 * partition, or EL0 of either. */
#include "arch/arm64/guest.h"
#include "arch/arm64/instruction32.h"
#include "arch/arm64/trap.h"
#include "bulkhead/abi.h"

#define ISS_READ BIT(0)
#define ISS_RT BITS(9, 5)
#define ISS_RT2 BITS(14, 10)
#define ISS_RT_NONE 31 /* MRC to the flags, or an instruction that may do anything */
#define SMC_MAY_HAVE_FAILED BIT(19)

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
        frame->spsr = (frame->spsr & ~SPSR_FLAGS) | (value & SPSR_FLAGS);
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
           !instruction32_holds(frame->spsr, syndrome);
}

void trap_aarch32(struct vcpu *vcpu, struct guest_frame *frame, uint64_t syndrome)
{
    unsigned int class = (unsigned int)FIELD_GET(ESR_EC, syndrome);

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
    default: /* LDC and STC, VFP and debug classes */
        guest_inject_undefined(frame);
        break;
    }
}
