/* SPDX-License-Identifier: Apache-2.0 */
/* The SPSR of an exception that AArch64 took from AArch32 (Arm ARM C5.2.19), and where the registers of
 * a mode stand in the AArch64 view (D1.20.1). */
#ifndef ARCH_ARM64_SPSR32_H
#define ARCH_ARM64_SPSR32_H

#include "lib/types.h"

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
#define SPSR_PAN BIT(22)
#define SPSR_DIT BIT(24)
#define SPSR_IT_LOW BITS(26, 25)
#define SPSR_NZCVQ BITS(31, 27)
#define SPSR_V BIT(28)
#define SPSR_C BIT(29)
#define SPSR_Z BIT(30)
#define SPSR_N BIT(31)
/* Where AArch32's own modes keep DIT; in the AArch64 form that bit is SS. */
#define SPSR_DIT_AARCH32 BIT(21)

/* LR in front of SP; FIQ: from r8 on. */
#define VIEW_IRQ 16
#define VIEW_SVC 18
#define VIEW_ABT 20
#define VIEW_UND 22
#define VIEW_FIQ 24

#endif
