/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The end of a program by an exception that it did not expect, in AArch32: registers to the console,
 * then off with a code that tells the class.
 */
#include <stddef.h>
#include <stdint.h>

#include "bulkhead.h"
#include "exception.h"

/* Written by start_aarch32.S, which knows the offsets. */
struct exception_frame {
    uint32_t r[13];
    uint32_t sp; /* of SVC mode, in which programs run */
    uint32_t lr;
    uint32_t return_address; /* the lr of the exception's own mode */
    uint32_t spsr;
    uint32_t dfsr, dfar;
    uint32_t ifsr, ifar;
    uint32_t vector;
};

#define SLOT sizeof(uint32_t)
_Static_assert(offsetof(struct exception_frame, sp) == 13 * SLOT, "FRAME_SP of start_aarch32.S");
_Static_assert(offsetof(struct exception_frame, return_address) == 15 * SLOT,
               "FRAME_RETURN of start_aarch32.S");
_Static_assert(offsetof(struct exception_frame, dfsr) == 17 * SLOT,
               "FRAME_DFSR of start_aarch32.S");
_Static_assert(offsetof(struct exception_frame, vector) == 21 * SLOT,
               "FRAME_VECTOR of start_aarch32.S");
_Static_assert(sizeof(struct exception_frame) == 22 * SLOT, "FRAME_BYTES of start_aarch32.S");

_Noreturn void bh_exception(const struct exception_frame *frame);

/* The vectors in their order, DDI 0487 G1.12.1. */
enum vector { RESET, UNDEFINED, SUPERVISOR_CALL, PREFETCH_ABORT, DATA_ABORT, HYP_TRAP, IRQ, FIQ };

/* STATUS of DFSR and IFSR, long-descriptor format. */
#define STATUS_MASK 0x3f
#define STATUS_ASYNCHRONOUS 0x11
#define STATUS_ALIGNMENT 0x21
#define STATUS_DEBUG 0x22

#define PSR_THUMB 0x20u
#define REGISTERS_PER_LINE 4

static int abort_code(const struct exception_frame *frame, const char **name)
{
    uint32_t instruction = frame->ifsr & STATUS_MASK;

    if (frame->vector == DATA_ABORT) {
        if ((frame->dfsr & STATUS_MASK) == STATUS_ASYNCHRONOUS) {
            *name = "an asynchronous abort";
            return BH_EXIT_SERROR;
        }
        *name = "a data abort";
        return BH_EXIT_DATA;
    }
    if (instruction == STATUS_ALIGNMENT) {
        *name = "a misaligned pc or sp";
        return BH_EXIT_ALIGNMENT;
    }
    *name = instruction == STATUS_DEBUG ? "an exception" : "an instruction abort";
    return instruction == STATUS_DEBUG ? BH_EXIT_EXCEPTION : BH_EXIT_INSTRUCTION;
}

static int exit_code(const struct exception_frame *frame, const char **name)
{
    switch ((enum vector)frame->vector) {
    case UNDEFINED:
        *name = "an undefined instruction";
        return BH_EXIT_UNDEFINED;
    case PREFETCH_ABORT:
    case DATA_ABORT:
        return abort_code(frame, name);
    case IRQ:
    case FIQ:
        *name = "an interrupt";
        return BH_EXIT_INTERRUPT;
    case RESET:
    case SUPERVISOR_CALL:
    case HYP_TRAP:
        break;
    }
    *name = "an exception";
    return BH_EXIT_EXCEPTION;
}

/* How far behind the instruction the exception's lr is, DDI 0487 G1.12.3. */
static uint32_t return_offset(const struct exception_frame *frame)
{
    switch ((enum vector)frame->vector) {
    case UNDEFINED:
        return frame->spsr & PSR_THUMB ? 2 : 4;
    case DATA_ABORT:
        return 8;
    case PREFETCH_ABORT:
    case IRQ:
    case FIQ:
        return 4;
    case RESET:
    case SUPERVISOR_CALL:
    case HYP_TRAP:
        break;
    }
    return 0;
}

_Noreturn void bh_exception(const struct exception_frame *frame)
{
    const char *name;
    int code = exit_code(frame, &name);

    exception_begin(name);
    exception_register("pc ", frame->return_address - return_offset(frame));
    exception_register("sp ", frame->sp);
    exception_register("lr ", frame->lr);
    exception_register("psr", frame->spsr);
    exception_end_line();
    exception_register("dfsr", frame->dfsr);
    exception_register("dfar", frame->dfar);
    exception_register("ifsr", frame->ifsr);
    exception_register("ifar", frame->ifar);
    exception_end_line();
    for (unsigned int i = 0; i < sizeof(frame->r) / sizeof(frame->r[0]); i++) {
        char label[] = { 'r', (char)('0' + i / 10), (char)('0' + i % 10), '\0' };

        exception_register(label, frame->r[i]);
        if (i % REGISTERS_PER_LINE == REGISTERS_PER_LINE - 1)
            exception_end_line();
    }
    exception_end(code);
}
