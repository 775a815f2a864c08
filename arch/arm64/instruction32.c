/* SPDX-License-Identifier: Apache-2.0 */
#include "arch/arm64/instruction32.h"

#include "arch/arm64/spsr32.h"

/* SCTLR (G8.2.126) */
#define SCTLR_V BIT(13)
#define SCTLR_SPAN BIT(23)
#define SCTLR_EE BIT(25)
#define SCTLR_TE BIT(30)

#define HIGH_VECTORS UINT64_C(0xFFFF0000)
#define VECTOR_BASE BITS(31, 5)
#define VECTOR_UNDEFINED 0x04

#define SYNDROME_CV BIT(24)
#define SYNDROME_COND BITS(23, 20)
#define CONDITION_ALWAYS 14

/* ITSTATE: of the T32 instructions behind an IT, the condition and how many are left. */
static uint64_t it_state(uint64_t spsr)
{
    return FIELD_GET(SPSR_IT_HIGH, spsr) << 2 | FIELD_GET(SPSR_IT_LOW, spsr);
}

bool instruction32_holds(uint64_t spsr, uint64_t syndrome)
{
    uint64_t it = it_state(spsr), condition;
    bool n = (spsr & SPSR_N) != 0, z = (spsr & SPSR_Z) != 0;
    bool c = (spsr & SPSR_C) != 0, v = (spsr & SPSR_V) != 0, holds;

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

uint64_t instruction32_advance(uint64_t spsr)
{
    uint64_t it = it_state(spsr);

    it = (it & 7) == 0 ? 0 : (it & 0xE0) | (it << 1 & 0x1F);
    return (spsr & ~(SPSR_IT_HIGH | SPSR_IT_LOW)) | FIELD_PUT(SPSR_IT_HIGH, it >> 2) |
           FIELD_PUT(SPSR_IT_LOW, it);
}

void instruction32_undefined(uint64_t elr, uint64_t spsr, uint64_t control, uint64_t vectors,
                             struct instruction32_entry *entry)
{
    uint64_t base = (control & SCTLR_V) != 0 ? HIGH_VECTORS : vectors & VECTOR_BASE;

    entry->address = base | VECTOR_UNDEFINED;
    entry->link = (uint32_t)(elr + ((spsr & SPSR_T) != 0 ? 2 : 4));
    entry->saved = (spsr & ~(SPSR_SS | SPSR_DIT)) | ((spsr & SPSR_DIT) != 0 ? SPSR_DIT_AARCH32 : 0);
    entry->spsr = (spsr & (SPSR_NZCVQ | SPSR_DIT | SPSR_PAN | SPSR_GE | SPSR_A | SPSR_F)) | SPSR_I |
                  MODE_UNDEFINED | ((control & SCTLR_SPAN) == 0 ? SPSR_PAN : 0) |
                  ((control & SCTLR_EE) != 0 ? SPSR_E : 0) |
                  ((control & SCTLR_TE) != 0 ? SPSR_T : 0);
}

unsigned int instruction32_register(uint64_t spsr, unsigned int number)
{
    uint64_t mode = spsr & SPSR_MODE;

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
