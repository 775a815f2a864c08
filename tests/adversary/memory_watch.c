/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/adversary/memory_watch.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <ucontext.h>

#include "arch/host/store_buffer.h"

#define WRITE_FAULT 2     /* of the page fault's error code */
#define TRAP_FLAG 0x100LL /* one instruction, then SIGTRAP */

static struct {
    char *memory;
    size_t size;
    void (*before)(const struct memory_access *access);
    unsigned int accesses;
} watch;

static void protect(int protection)
{
    if (mprotect(watch.memory, watch.size, protection) != 0) {
        perror("mprotect");
        abort();
    }
}

static void faulted(int signal_number, siginfo_t *information, void *context)
{
    greg_t *registers = ((ucontext_t *)context)->uc_mcontext.gregs;
    uint64_t offset = (uint64_t)((uintptr_t)information->si_addr - (uintptr_t)watch.memory);
    const struct memory_access access = {
        .offset = offset,
        .write = (registers[REG_ERR] & WRITE_FAULT) != 0,
        .function = host_symbol((const void *)registers[REG_RIP]),
    };

    if (watch.memory == NULL || offset >= watch.size) {
        /* Somebody else's fault: as if nobody watched. */
        (void)signal(signal_number, SIG_DFL);
        return;
    }
    protect(PROT_READ | PROT_WRITE);
    watch.accesses++;
    watch.before(&access);
    registers[REG_EFL] |= TRAP_FLAG;
}

static void stepped(int signal_number, siginfo_t *information, void *context)
{
    (void)signal_number;
    (void)information;
    ((ucontext_t *)context)->uc_mcontext.gregs[REG_EFL] &= ~TRAP_FLAG;
    protect(PROT_NONE);
}

void memory_watch(void *memory, size_t size, void (*before)(const struct memory_access *access))
{
    struct sigaction action = { .sa_flags = SA_SIGINFO };

    action.sa_sigaction = faulted;
    sigaction(SIGSEGV, &action, NULL);
    action.sa_sigaction = stepped;
    sigaction(SIGTRAP, &action, NULL);
    (void)host_symbol(memory); /* reads the symbols now, not while it is watched */
    watch.memory = memory;
    watch.size = size;
    watch.before = before;
    watch.accesses = 0;
    protect(PROT_NONE);
}

unsigned int memory_watch_end(void)
{
    protect(PROT_READ | PROT_WRITE);
    watch.memory = NULL;
    return watch.accesses;
}
