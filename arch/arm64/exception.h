/* SPDX-License-Identifier: Apache-2.0 */
#ifndef ARCH_ARM64_EXCEPTION_H
#define ARCH_ARM64_EXCEPTION_H

#include "arm64.h"

/* Called by vectors.S with the registers at the fault. */
_Noreturn void exception_own(const struct guest_frame *frame, uint64_t stack_pointer);

#endif
