/* SPDX-License-Identifier: Apache-2.0 */
/* What a guest does that reaches EL2 (Arm ARM D1.4, ESR_EL2). No deed of a guest halts the
 * machine: it is answered, or it ends that partition. */
#include "arch/arm64/trap.h"

#include "arch/arm64/aarch32.h"
#include "arch/arm64/call.h"
#include "arch/arm64/gic.h"
#include "arch/arm64/guest.h"
#include "arch/arm64/instruction32.h"
#include "arch/arm64/vdev/vgic.h"
#include "lib/log.h"

void trap_hypercall(struct cpu *cpu, uint64_t *x)
{
    call_aarch64(cpu->vcpu, x);
}

/* EL0 cannot call: EL1 is AArch32. */
void trap_aarch32_hypercall(struct cpu *cpu, uint64_t *x)
{
    call_aarch32(cpu->vcpu, x);
}

void guest_advance(struct guest_frame *frame, uint64_t syndrome)
{
    if ((frame->spsr & SPSR_AARCH32) != 0)
        aarch32_advance(frame, syndrome);
    else {
        frame->elr += 4;
        frame->spsr &= ~SPSR_BRANCH; /* the next one was not branched to */
    }
}

void guest_inject_undefined(struct guest_frame *frame)
{
    static const uint64_t vector_same_el = 0x200, vector_lower_el = 0x400, vector_aarch32 = 0x600;
    static const uint64_t mode_mask = 0xF, mode_el1h = 0x5;
    uint64_t mode = frame->spsr & mode_mask;

    if (cpu_this()->vcpu->aarch32) {
        aarch32_inject_undefined(frame);
        return;
    }
    sysreg_write(elr_el1, frame->elr);
    sysreg_write(spsr_el1, frame->spsr);
    sysreg_write(esr_el1, ESR_IL); /* class 0: unknown reason */
    frame->elr = sysreg_read(vbar_el1) + ((frame->spsr & SPSR_AARCH32) != 0 ? vector_aarch32
                                          : mode == mode_el1h               ? vector_same_el
                                          : mode == 0                       ? vector_lower_el
                                                                            : 0);
    /* As on a real entry (D1.3.1): flags stay, PAN is set where SCTLR_EL1.SPAN does not say to
     * keep it. */
    uint64_t kept = frame->spsr & (SPSR_FLAGS | SPSR_DIT | SPSR_PAN);

    if ((sysreg_read(sctlr_el1) & SCTLR_EL1_SPAN) == 0)
        kept |= SPSR_PAN;
    frame->spsr = SPSR_START | kept;
}

static uint64_t sign_extend(uint64_t value, unsigned int bytes)
{
    uint64_t sign = BIT(bytes * 8 - 1);

    return (value ^ sign) - sign;
}

/* False: at the address is no device that is made by software. */
static bool device_access(struct vcpu *vcpu, struct guest_access *access)
{
    uint64_t distributor = access->address - arch_guest_layout.distributor.base;
    uint64_t redistributor = access->address - arch_guest_layout.redistributor.base;

    if (distributor < arch_guest_layout.distributor.size)
        vgic_distributor(&vcpu->vgic, distributor, access);
    else if (redistributor < arch_guest_layout.redistributor.size)
        vgic_redistributor(&vcpu->vgic, redistributor, access);
    else
        return guest_ops->access(vcpu, access->address, access->bytes, access->write,
                                 &access->value);
    return true;
}

/* The walk to an instruction may lead through a window, whose leaves are out for a moment. */
static void instruction_abort(struct vcpu *vcpu, uint64_t syndrome)
{
    uint64_t address = FIELD_GET(HPFAR_IPA, sysreg_read(hpfar_el2)) << PAGE_SHIFT |
                       (sysreg_read(far_el2) & (PAGE_SIZE - 1));

    if (FIELD_GET(ABORT_STATUS_KIND, syndrome) != ABORT_TRANSLATION ||
        !guest_ops->settle(vcpu, address))
        guest_ops->crash(vcpu, "executed from an address that it does not have", address);
}

/* At an address that stage 2 does not map: the interrupt controller, configuration space, a window that is being led
 * elsewhere, or the guest's end. */
static void data_abort(struct vcpu *vcpu, struct guest_frame *frame, uint64_t syndrome)
{
    uint64_t register_number = FIELD_GET(ABORT_REGISTER, syndrome);
    struct guest_access access = {
        .address = FIELD_GET(HPFAR_IPA, sysreg_read(hpfar_el2)) << PAGE_SHIFT |
                   (sysreg_read(far_el2) & (PAGE_SIZE - 1)),
        .bytes = 1u << FIELD_GET(ABORT_SIZE, syndrome),
        .write = (syndrome & ABORT_WRITE) != 0,
    };

    if (FIELD_GET(ABORT_STATUS_KIND, syndrome) != ABORT_TRANSLATION) {
        bool permission = FIELD_GET(ABORT_STATUS_KIND, syndrome) == ABORT_PERMISSION;

        guest_ops->crash(
            vcpu, permission ? "wrote to what it may only read" : "caused an abort on the bus",
            sysreg_read(far_el2));
        return;
    }
    if ((syndrome & ABORT_S1PTW) != 0) {
        if (!guest_ops->settle(vcpu, access.address))
            guest_ops->crash(vcpu, "its page tables lie outside its memory", access.address);
        return;
    }
    if ((frame->spsr & SPSR_AARCH32) != 0)
        register_number = instruction32_register(frame->spsr, (unsigned int)register_number);
    if (access.write && register_number != 31)
        access.value = frame->x[register_number];
    if ((syndrome & ABORT_ISV) == 0 || (syndrome & ABORT_FNV) != 0 ||
        !device_access(vcpu, &access)) {
        if (!guest_ops->settle(vcpu, access.address))
            guest_ops->crash(vcpu,
                             access.write ? "wrote to an address that it does not have"
                                          : "read an address that it does not have",
                             access.address);
        return;
    }
    if (!access.write && register_number != 31) {
        uint64_t value = access.bytes < 8 ? access.value & (BIT(access.bytes * 8) - 1)
                                          : access.value;

        if ((syndrome & ABORT_SIGN) != 0)
            value = sign_extend(value, access.bytes);
        frame->x[register_number] = (syndrome & ABORT_64BIT) != 0 ? value : value & UINT32_MAX;
    }
    guest_advance(frame, syndrome);
}

static void system_register(struct vcpu *vcpu, struct guest_frame *frame, uint64_t syndrome)
{
    bool read = (syndrome & BIT(0)) != 0;
    uint64_t register_number = FIELD_GET(BITS(9, 5), syndrome);
    uint64_t value = !read && register_number != 31 ? frame->x[register_number] : 0;

    if (!guest_sysreg(vcpu, syndrome, &value)) {
        guest_inject_undefined(frame);
        return;
    }
    if (read && register_number != 31)
        frame->x[register_number] = value;
    guest_advance(frame, syndrome);
}

void trap_synchronous(struct guest_frame *frame)
{
    struct vcpu *vcpu = cpu_this()->vcpu;
    uint64_t syndrome = sysreg_read(esr_el2);

    switch (FIELD_GET(ESR_EC, syndrome)) {
    case EC_DATA_ABORT_LOWER:
        data_abort(vcpu, frame, syndrome);
        break;
    case EC_INSTRUCTION_ABORT_LOWER:
        instruction_abort(vcpu, syndrome);
        break;
    case EC_SYSREG:
        system_register(vcpu, frame, syndrome);
        break;
    case EC_SMC64: /* never forwarded: there is no firmware for a guest to talk to */
        frame->x[0] = CALL_NOT_SUPPORTED;
        guest_advance(frame, syndrome);
        break;
    case EC_WFX:
        guest_advance(frame, syndrome);
        break;
    default: /* FP, SVE, SME and debug classes among them */
        if ((frame->spsr & SPSR_AARCH32) != 0)
            trap_aarch32(vcpu, frame, syndrome);
        else
            guest_inject_undefined(frame);
        break;
    }
}

void trap_interrupt(struct guest_frame *frame)
{
    (void)frame;
    gic_handle();
}

void trap_serror(struct guest_frame *frame)
{
    guest_ops->crash(cpu_this()->vcpu, "caused a system error (SError)", frame->elr);
}
