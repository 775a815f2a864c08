/* SPDX-License-Identifier: Apache-2.0 */
#include "arch/arm64/aarch32.h"

#include "arch/arm64/instruction32.h"
#include "arch/arm64/spsr32.h"

/* SCTLR's reset value: MMU and caches off, CP15BEN, nTWI, nTWE, and the bits that are one. */
#define SCTLR_START UINT64_C(0x00C50838)

#define FPEXC32_EL2 S3_4_C5_C3_0
#define FPEXC_START UINT64_C(0x700) /* off; its bits that are one */

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

void aarch32_advance(struct guest_frame *frame, uint64_t syndrome)
{
    frame->spsr = instruction32_advance(frame->spsr);
    frame->elr = (uint32_t)(frame->elr + ((syndrome & ESR_IL) != 0 ? 4 : 2));
}

void aarch32_inject_undefined(struct guest_frame *frame)
{
    struct instruction32_entry entry;

    instruction32_undefined(frame->elr, frame->spsr, sysreg_read(sctlr_el1), sysreg_read(vbar_el1),
                            &entry);
    sysreg_write(spsr_und, entry.saved);
    frame->x[VIEW_UND] = entry.link;
    frame->elr = entry.address;
    frame->spsr = entry.spsr;
}
