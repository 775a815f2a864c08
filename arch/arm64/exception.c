/* SPDX-License-Identifier: Apache-2.0 */
/* A fault of the hypervisor itself: say what is known, then stop the machine. Nothing that a
 * guest or a device does leads here; it is a bug of ours. */
#include "arch/arm64/exception.h"

#include "arch/arch.h"
#include "lib/log.h"

#define BACKTRACE_DEPTH 16

/* libfdt's archive is built with the stack protector, which wants these two names. */
extern const uintptr_t __stack_chk_guard;
_Noreturn void __stack_chk_fail(void);
const uintptr_t __stack_chk_guard = 0x00C0FFEE0D0A0000;

extern char stacks_start[], stacks_end[], image_start[], text_end[];

static bool on_a_stack(uint64_t address)
{
    return address >= memory_physical(stacks_start) &&
           address + 16 <= memory_physical(stacks_end) && is_aligned(address, 16) &&
           (address - memory_physical(stacks_start)) % STACK_STRIDE >= STACK_GUARD;
}

/* Follows the frame records {previous, return address} that the compiler keeps (AAPCS64 6.4.6). */
static bool in_code(uint64_t address)
{
    return address >= memory_physical(image_start) && address < memory_physical(text_end);
}

static void print_backtrace(uint64_t link, uint64_t frame)
{
    if (in_code(link))
        log_error("  called from 0x%lx", link - memory_physical(image_start));
    for (int i = 0; i < BACKTRACE_DEPTH && on_a_stack(frame); i++) {
        const uint64_t *record = (const uint64_t *)(uintptr_t)frame;

        if (!in_code(record[1]))
            break;
        log_error("  called from 0x%lx", record[1] - memory_physical(image_start));
        if (record[0] <= frame)
            break;
        frame = record[0];
    }
}

_Noreturn void __stack_chk_fail(void)
{
    log_seize();
    log_error("fatal: a buffer on the stack overflowed");
    log_error("off: hypervisor=1");
    log_flush();
    arch_power_off();
}

_Noreturn void exception_own(const struct guest_frame *frame, uint64_t stack_pointer)
{
    uint64_t syndrome = sysreg_read(esr_el2);

    log_seize();
    log_error("fatal: exception in the hypervisor on CPU %u: ESR 0x%lx (class 0x%lx) FAR 0x%lx",
              sysreg_read(tpidr_el2) == 0 ? 0 : cpu_index(), syndrome, FIELD_GET(ESR_EC, syndrome),
              sysreg_read(far_el2));
    log_error("  at 0x%lx of the image, SP 0x%lx, SPSR 0x%lx",
              frame->elr - memory_physical(image_start), stack_pointer, frame->spsr);
    for (int i = 0; i < 30; i += 3)
        log_error("  x%-2d %016lx  x%-2d %016lx  x%-2d %016lx", i, frame->x[i], i + 1,
                  frame->x[i + 1], i + 2, frame->x[i + 2]);
    log_error("  x30 %016lx", frame->x[30]);
    print_backtrace(frame->x[30], frame->x[29]);
    log_error("off: hypervisor=1");
    log_flush();
    arch_power_off();
}
