/* SPDX-License-Identifier: Apache-2.0 */
#include "arch/arm64/aarch32.h"

/* SPSR of an exception that was taken from AArch32 (C5.2.19). */
#define SPSR_MODE BITS(4, 0)
#define MODE_USER 0x10
#define MODE_FIQ 0x11
#define MODE_IRQ 0x12
#define MODE_SUPERVISOR 0x13
#define MODE_ABORT 0x17
#define MODE_UNDEFINED 0x1B
#define MODE_SYSTEM 0x1F
#define SPSR_T BIT(5)
#define SPSR_F BIT(6)
#define SPSR_I BIT(7)
#define SPSR_A BIT(8)
#define SPSR_E BIT(9)
#define SPSR_IT_HIGH BITS(15, 10)
#define SPSR_GE BITS(19, 16)
#define SPSR_SS BIT(21)
#define SPSR_IT_LOW BITS(26, 25)
#define SPSR_NZCVQ BITS(31, 27)
/* Where a mode of AArch32 itself keeps DIT; in the AArch64 form that bit is SS. */
#define SPSR_DIT_AARCH32 BIT(21)

#define SYNDROME_CV BIT(24)
#define SYNDROME_COND BITS(23, 20)
#define CONDITION_ALWAYS 14

/* SCTLR (G8.2.126) */
#define SCTLR_V BIT(13)
#define SCTLR_SPAN BIT(23)
#define SCTLR_EE BIT(25)
#define SCTLR_TE BIT(30)
/* Its reset value: MMU and caches off, CP15BEN, nTWI, nTWE, and the bits that are one. */
#define SCTLR_START UINT64_C(0x00C50838)

#define HIGH_VECTORS UINT64_C(0xFFFF0000)
#define VECTOR_BASE BITS(31, 5)
#define VECTOR_UNDEFINED 0x04

#define FPEXC32_EL2 S3_4_C5_C3_0
#define FPEXC_START UINT64_C(0x700) /* off; its bits that are one */

/* Where the AArch64 view has banked registers. */
#define VIEW_IRQ 16
#define VIEW_SVC 18
#define VIEW_ABT 20
#define VIEW_UND 22
#define VIEW_FIQ 24

void aarch32_frame_start(struct guest_frame *frame, const struct arch_start *start)
{
    bool t32 = (start->entry & 1) != 0;

    frame->x[0] = 0;
    frame->x[1] = UINT32_MAX; /* no machine number: the tree says all */
    frame->x[2] = start->tree;
    frame->elr = start->entry & ~UINT64_C(1);
    frame->spsr = MODE_SUPERVISOR | SPSR_A | SPSR_I | SPSR_F | (t32 ? SPSR_T : 0);
}

void aarch32_registers_start(void)
{
    sysreg_write(sctlr_el1, SCTLR_START);
    sysreg_write(dacr32_el2, 0);
    sysreg_write(ifsr32_el2, 0);
    sysreg_write(dbgvcr32_el2, 0);
    sysreg_write(spsr_abt, 0);
    sysreg_write(spsr_und, 0);
    sysreg_write(spsr_irq, 0);
    sysreg_write(spsr_fiq, 0);
    sysreg_write_named(FPEXC32_EL2, FPEXC_START);
}

/* ITSTATE: of the T32 instructions behind an IT, the condition and how many are left. */
static uint64_t it_state(uint64_t spsr)
{
    return FIELD_GET(SPSR_IT_HIGH, spsr) << 2 | FIELD_GET(SPSR_IT_LOW, spsr);
}

bool aarch32_condition_holds(const struct guest_frame *frame, uint64_t syndrome)
{
    uint64_t it = it_state(frame->spsr), condition;
    bool n = (frame->spsr & BIT(31)) != 0, z = (frame->spsr & BIT(30)) != 0;
    bool c = (frame->spsr & BIT(29)) != 0, v = (frame->spsr & BIT(28)) != 0, holds;

    /* From T32 the syndrome need not have it. */
    if ((syndrome & SYNDROME_CV) != 0)
        condition = FIELD_GET(SYNDROME_COND, syndrome);
    else
        condition = (it & 0xF) != 0 ? it >> 4 : CONDITION_ALWAYS;
    switch (condition >> 1) { /* table F1-1 */
    case 0:
        holds = z;
        break;
    case 1:
        holds = c;
        break;
    case 2:
        holds = n;
        break;
    case 3:
        holds = v;
        break;
    case 4:
        holds = c && !z;
        break;
    case 5:
        holds = n == v;
        break;
    case 6:
        holds = n == v && !z;
        break;
    default:
        return true;
    }
    return holds == ((condition & 1) == 0);
}

void aarch32_advance(struct guest_frame *frame, uint64_t syndrome)
{
    uint64_t it = it_state(frame->spsr);

    it = (it & 7) == 0 ? 0 : (it & 0xE0) | (it << 1 & 0x1F);
    frame->spsr = (frame->spsr & ~(SPSR_IT_HIGH | SPSR_IT_LOW)) | FIELD_PUT(SPSR_IT_HIGH, it >> 2) |
                  FIELD_PUT(SPSR_IT_LOW, it);
    frame->elr = (uint32_t)(frame->elr + ((syndrome & ESR_IL) != 0 ? 4 : 2));
}

void aarch32_inject_undefined(struct guest_frame *frame)
{
    uint64_t spsr = frame->spsr, control = sysreg_read(sctlr_el1);
    uint64_t base = (control & SCTLR_V) != 0 ? HIGH_VECTORS : sysreg_read(vbar_el1) & VECTOR_BASE;

    sysreg_write(spsr_und,
                 (spsr & ~(SPSR_SS | SPSR_DIT)) | ((spsr & SPSR_DIT) != 0 ? SPSR_DIT_AARCH32 : 0));
    frame->x[VIEW_UND] = (uint32_t)(frame->elr + ((spsr & SPSR_T) != 0 ? 2 : 4));
    frame->elr = base | VECTOR_UNDEFINED;
    frame->spsr = (spsr & (SPSR_NZCVQ | SPSR_DIT | SPSR_PAN | SPSR_GE | SPSR_A | SPSR_F)) | SPSR_I |
                  MODE_UNDEFINED | ((control & SCTLR_SPAN) == 0 ? SPSR_PAN : 0) |
                  ((control & SCTLR_EE) != 0 ? SPSR_E : 0) |
                  ((control & SCTLR_TE) != 0 ? SPSR_T : 0);
}

/* The syndrome should have the number of the AArch64 view; not every emulator converts it. A banked
 * register's number of the view is none that the instruction could have named, so that converting
 * what has been converted does no harm. */
unsigned int aarch32_register(const struct guest_frame *frame, unsigned int number)
{
    uint64_t mode = frame->spsr & SPSR_MODE;

    if (mode == MODE_FIQ)
        return number >= 8 && number <= 14 ? VIEW_FIQ + number - 8 : number;
    if ((number != 13 && number != 14) || mode == MODE_USER || mode == MODE_SYSTEM)
        return number;
    /* LR, then SP. */
    return (mode == MODE_IRQ          ? VIEW_IRQ
            : mode == MODE_SUPERVISOR ? VIEW_SVC
            : mode == MODE_ABORT      ? VIEW_ABT
                                      : VIEW_UND) +
           (14 - number);
}
