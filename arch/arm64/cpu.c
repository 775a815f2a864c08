/* SPDX-License-Identifier: Apache-2.0 */
/* A CPU without a guest: it waits for interrupts and for work that another CPU gives it. */
#include <stdatomic.h>

#include "arch/arch.h"
#include "arch/arm64/gic.h"
#include "arch/seam.h"
#include "arm64.h"

struct work {
    void *argument;
    void (*_Atomic function)(void *argument); /* NULL: none */
};

static struct work works[CPU_LIMIT];

void arch_run_on(unsigned int cpu, void (*function)(void *argument), void *argument)
{
    works[cpu].argument = argument;
    atomic_store_explicit(&works[cpu].function, function, memory_order_release);
    if (cpu != cpu_index())
        gic_wake(&cpus[cpu]);
}

bool arch_cpu_has_aarch32(unsigned int cpu)
{
    return cpus[cpu].aarch32;
}

static void idle(void)
{
    struct work *work = &works[cpu_index()];

    for (;;) {
        gic_handle();
        void (*function)(void *argument) = atomic_exchange_explicit(&work->function, NULL,
                                                                    memory_order_acquire);

        if (function != NULL)
            function(work->argument);
        /* Interrupts stay masked: a pending one ends the wait all the same, and is taken above. */
        __asm__ volatile("dsb sy\n\twfi" : : : "memory");
    }
}

_Noreturn void arch_idle(void)
{
    stack_restart(idle);
}
