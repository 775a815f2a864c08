/* SPDX-License-Identifier: Apache-2.0 */
/* Exceptions of the hypervisor itself, at EL2. */
#ifndef ARCH_ARM64_EXCEPTION_H
#define ARCH_ARM64_EXCEPTION_H

#include "arm64.h"

/* Called by vectors.S with the registers at the fault: prints them and the calls that led there, and turns the
 * machine off. Any CPU; the log is taken from whoever has it. */
_Noreturn void exception_own(const struct guest_frame *frame, uint64_t stack_pointer);

#endif
