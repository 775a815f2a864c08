/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The end of a program by an exception that it did not expect: registers to the console, then off
 * with a code that tells the class.
 */
#include <stddef.h>
#include <stdint.h>

#include "bulkhead.h"
#include "exception.h"

/* Written by start_aarch64.S, which knows the offsets. */
struct exception_frame {
    uint64_t x[31];
    uint64_t sp;
    uint64_t elr;
    uint64_t spsr;
    uint64_t esr;
    uint64_t far;
    uint64_t vector;
};

#define SLOT sizeof(uint64_t)
_Static_assert(offsetof(struct exception_frame, sp) == 31 * SLOT, "FRAME_SP of start_aarch64.S");
_Static_assert(offsetof(struct exception_frame, elr) == 32 * SLOT, "FRAME_ELR of start_aarch64.S");
_Static_assert(offsetof(struct exception_frame, esr) == 34 * SLOT, "FRAME_ESR of start_aarch64.S");
_Static_assert(offsetof(struct exception_frame, vector) == 36 * SLOT,
               "FRAME_VECTOR of start_aarch64.S");
_Static_assert(sizeof(struct exception_frame) == 37 * SLOT, "FRAME_BYTES of start_aarch64.S");

_Noreturn void bh_exception(const struct exception_frame *frame);

/* Exception classes of ESR_EL1, DDI 0487 D19.2.38. */
#define ESR_CLASS_SHIFT 26
#define ESR_CLASS_MASK 0x3f
#define CLASS_UNKNOWN 0x00
#define CLASS_INSTRUCTION_ABORT 0x21
#define CLASS_PC_ALIGNMENT 0x22
#define CLASS_DATA_ABORT 0x25
#define CLASS_SP_ALIGNMENT 0x26

/* A vector's number modulo this tells its type. */
#define VECTOR_TYPES 4
enum vector_type { SYNCHRONOUS, IRQ, FIQ, SERROR };

#define REGISTERS_PER_LINE 4

static int exit_code(const struct exception_frame *frame, const char **name)
{
    uint64_t class = frame->esr >> ESR_CLASS_SHIFT & ESR_CLASS_MASK;

    switch ((enum vector_type)(frame->vector % VECTOR_TYPES)) {
    case IRQ:
    case FIQ:
        *name = "an interrupt";
        return BH_EXIT_INTERRUPT;
    case SERROR:
        *name = "an asynchronous abort";
        return BH_EXIT_SERROR;
    case SYNCHRONOUS:
        break;
    }
    switch (class) {
    case CLASS_UNKNOWN:
        *name = "an undefined instruction";
        return BH_EXIT_UNDEFINED;
    case CLASS_DATA_ABORT:
        *name = "a data abort";
        return BH_EXIT_DATA;
    case CLASS_INSTRUCTION_ABORT:
        *name = "an instruction abort";
        return BH_EXIT_INSTRUCTION;
    case CLASS_PC_ALIGNMENT:
    case CLASS_SP_ALIGNMENT:
        *name = "a misaligned pc or sp";
        return BH_EXIT_ALIGNMENT;
    default:
        *name = "an exception";
        return BH_EXIT_EXCEPTION;
    }
}

_Noreturn void bh_exception(const struct exception_frame *frame)
{
    const char *name;
    int code = exit_code(frame, &name);

    exception_begin(name);
    exception_register("pc ", frame->elr);
    exception_register("sp ", frame->sp);
    exception_register("psr", frame->spsr);
    exception_end_line();
    exception_register("esr", frame->esr);
    exception_register("far", frame->far);
    exception_end_line();
    for (unsigned int i = 0; i < sizeof(frame->x) / sizeof(frame->x[0]); i++) {
        char label[] = { 'x', (char)('0' + i / 10), (char)('0' + i % 10), '\0' };

        exception_register(label, frame->x[i]);
        if (i % REGISTERS_PER_LINE == REGISTERS_PER_LINE - 1)
            exception_end_line();
    }
    exception_end(code);
}
