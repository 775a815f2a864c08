/* SPDX-License-Identifier: Apache-2.0 */
/* Numbers that C, assembler and the linker script must agree on. Plain decimal or hexadecimal
 * only. */
#ifndef ARCH_ARM64_LAYOUT_H
#define ARCH_ARM64_LAYOUT_H

#define CPU_LIMIT 8
#define STACK_GUARD 0x1000
#define STACK_STRIDE_SHIFT 14
#define STACK_STRIDE 0x4000 /* a guard page, then 12 KiB of stack */

#define FRAME_SIZE 272 /* sizeof(struct guest_frame) */
#define FRAME_X30 240
#define FRAME_ELR 248

#endif
