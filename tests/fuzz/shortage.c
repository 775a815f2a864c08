/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/fuzz/shortage.h"

#include "lib/boot_memory.h"

struct shortage shortage;

/* The names are the linker's. */
void *__real_boot_memory_take(uint64_t bytes, uint64_t alignment);
void *__wrap_boot_memory_take(uint64_t bytes, uint64_t alignment);

void *__wrap_boot_memory_take(uint64_t bytes, uint64_t alignment)
{
    return ++shortage.takes == shortage.failing_take ? NULL
                                                     : __real_boot_memory_take(bytes, alignment);
}
