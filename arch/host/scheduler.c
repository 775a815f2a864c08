/* SPDX-License-Identifier: Apache-2.0 */
#include "arch/host/scheduler.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <ucontext.h>

#include "arch/host/host.h"
#include "arch/host/store_buffer.h"
#include "arch/seam.h"

#define STACK_SIZE 262144
#define STEPS_LIMIT 1000000
#define IDLE_NANOSECONDS 1000000
#define RAISED_LIMIT 16
#define BOOT_CPU 0

enum state {
    UNUSED,
    READY,   /* has something to do */
    BLOCKED, /* waits for a lock */
    DONE,    /* at its end; still takes interrupts */
};

struct cpu {
    enum state state;
    void (*function)(void *argument);
    void *argument;
    const void *wanted;    /* the lock that it waits for */
    uint64_t waited_epoch; /* when it last found nothing of what it waits for */
    bool masked;
    bool begun;
    enum host_point point;
    const void *caller[HOST_STORE_CALLERS];
    ucontext_t context;
    void *fake_stack;
};

/* The stacks are part of the program, so that what lies on them has a physical address. */
static unsigned char stacks[HOST_CPUS][STACK_SIZE] __attribute__((aligned(64)));
static struct cpu cpus[HOST_CPUS];
static const struct host_schedule *current; /* NULL: nothing runs */
static ucontext_t outside;
static void *outside_fake_stack;
static const void *outside_bottom;
static size_t outside_size;
static uint64_t steps;
static uint64_t epoch; /* moves when something was done that another CPU may wait for */
static enum host_verdict verdict;
static uint32_t raised[RAISED_LIMIT];
static unsigned int raised_count;
static char report[2048];

void (*host_tell)(const char *text);

/* Told of each change of stacks, where the program is built with the address sanitiser. */
void __sanitizer_start_switch_fiber(void **fake_stack, const void *bottom, size_t size)
    __attribute__((weak));
void __sanitizer_finish_switch_fiber(void *fake_stack, const void **bottom_old, size_t *size_old)
    __attribute__((weak));

bool host_scheduling(void)
{
    return current != NULL;
}

uint64_t host_steps(void)
{
    return steps;
}

/* ---- Changing stacks -------------------------------------------------------------------------- */

static void leave_to_outside(struct cpu *cpu)
{
    if (__sanitizer_start_switch_fiber != NULL)
        __sanitizer_start_switch_fiber(&cpu->fake_stack, outside_bottom, outside_size);
    swapcontext(&cpu->context, &outside);
    if (__sanitizer_finish_switch_fiber != NULL)
        __sanitizer_finish_switch_fiber(cpu->fake_stack, &outside_bottom, &outside_size);
}

static void enter(unsigned int index)
{
    struct cpu *cpu = &cpus[index];

    host_cpu = index;
    if (__sanitizer_start_switch_fiber != NULL)
        __sanitizer_start_switch_fiber(&outside_fake_stack, stacks[index], STACK_SIZE);
    swapcontext(&outside, &cpu->context);
    if (__sanitizer_finish_switch_fiber != NULL)
        __sanitizer_finish_switch_fiber(outside_fake_stack, NULL, NULL);
}

static unsigned int next_cpu; /* who goes on after leave_to_outside() */

static void switch_to(unsigned int index)
{
    next_cpu = index;
    if (index != host_cpu)
        leave_to_outside(&cpus[host_cpu]);
}

static _Noreturn void end_run(enum host_verdict end)
{
    verdict = end;
    next_cpu = HOST_CPUS;
    leave_to_outside(&cpus[host_cpu]);
    abort(); /* the run is over */
}

/* ---- Who can go on ------------------------------------------------------------------------------ */

static bool takes_interrupts(unsigned int index)
{
    return index == BOOT_CPU && raised_count != 0 && !cpus[index].masked;
}

static bool can_run(unsigned int index)
{
    return cpus[index].state == READY || (cpus[index].state == DONE && takes_interrupts(index));
}

/* The CPUs that can go on, in a circle from the one behind the running one. */
static unsigned int find_others(unsigned int *others)
{
    unsigned int count = 0;

    for (unsigned int i = 1; i < HOST_CPUS; i++) {
        unsigned int index = (host_cpu + i) % HOST_CPUS;

        if (can_run(index))
            others[count++] = index;
    }
    return count;
}

static bool everybody_waits(void)
{
    for (unsigned int i = 0; i < HOST_CPUS; i++) {
        if (can_run(i) && (cpus[i].state == DONE || cpus[i].waited_epoch != epoch))
            return false;
    }
    return true;
}

static unsigned int choose(const char *what, unsigned int count)
{
    return host_choose != NULL && count > 1 ? host_choose(what, count) : 0;
}

static const char *where(const struct cpu *cpu)
{
    static const char *const names[] = {
        [HOST_AT_STORE] = "a store",       [HOST_AT_BARRIER] = "a barrier",
        [HOST_AT_REGISTER] = "a register", [HOST_AT_LOCK] = "a lock",
        [HOST_AT_ATOMIC] = "an atomic",    [HOST_AT_TIME] = "the clock",
        [HOST_AT_WAIT] = "a wait",         [HOST_AT_CALL] = "a call",
    };
    static char text[200];
    int used = snprintf(text, sizeof(text), "%s", names[cpu->point]);

    for (unsigned int i = 0; i < HOST_STORE_CALLERS && cpu->caller[i] != NULL; i++) {
        const char *name = host_symbol(cpu->caller[i]);

        if (*name != '?')
            used += snprintf(text + used, sizeof(text) - (size_t)used, "%s %s",
                             i == 0 ? " of" : " <", name);
    }
    return text;
}

static void tell(const char *deed, const char *subject)
{
    char text[400];

    if (host_tell == NULL)
        return;
    snprintf(text, sizeof(text), "CPU %u at %s: %s%s", host_cpu, where(&cpus[host_cpu]), deed,
             subject);
    host_tell(text);
}

/* ---- Events and interrupts ------------------------------------------------------------------------ */

static bool happen(unsigned int n, bool told)
{
    const struct host_event *event = &current->events[n];

    if (!event->happen(event->context))
        return false;
    epoch++;
    if (told)
        tell("meanwhile: ", event->name);
    return true;
}

static void maybe_event(void)
{
    unsigned int n = current->event_count == 0 ? 0 : choose("event", current->event_count + 1);

    if (n != 0)
        happen(n - 1, true);
}

/* Every CPU waits: hardware does something, or time passes. */
static void idle(void)
{
    unsigned int count = current->event_count, first = choose("event while all wait", count);

    for (unsigned int i = 0; i < count; i++) {
        if (happen((first + i) % count, first != 0))
            return;
    }
    host_advance(current->idle_nanoseconds != 0 ? current->idle_nanoseconds : IDLE_NANOSECONDS);
    epoch++;
}

static void take_interrupt(unsigned int n)
{
    uint32_t interrupt = raised[n];
    bool masked = host_mask(true);
    enum state state = cpus[host_cpu].state;

    cpus[host_cpu].state = READY;
    raised[n] = raised[--raised_count];
    tell("takes an interrupt", "");
    host_interrupt(interrupt);
    epoch++;
    cpus[host_cpu].state = state;
    host_mask(masked);
}

static void maybe_interrupt(void)
{
    unsigned int n;

    if (!takes_interrupts(host_cpu))
        return;
    n = choose("interrupt", raised_count + 1);
    if (n != 0)
        take_interrupt(n - 1);
}

void host_raise(uint32_t interrupt)
{
    for (unsigned int i = 0; i < raised_count; i++) {
        if (raised[i] == interrupt)
            return;
    }
    if (raised_count == RAISED_LIMIT)
        abort();
    raised[raised_count++] = interrupt;
}

bool host_mask(bool masked)
{
    bool before;

    if (current == NULL)
        return false;
    before = cpus[host_cpu].masked;
    cpus[host_cpu].masked = masked;
    return before;
}

/* ---- Points --------------------------------------------------------------------------------------- */

static void other_may_run(void)
{
    unsigned int others[HOST_CPUS], count = find_others(others);
    unsigned int n = choose("CPU", count + 1);

    if (n == 0)
        return;
    tell("another CPU goes on: ", (const char *const[]){ "0", "1", "2", "3" }[others[n - 1]]);
    switch_to(others[n - 1]);
}

/* The running CPU cannot go on, or not well: another one does; the first that comes is the plainest. */
static void other_must_run(void)
{
    unsigned int others[HOST_CPUS], count = find_others(others);
    bool can_stay = cpus[host_cpu].state == READY;

    if (count == 0 && !can_stay)
        end_run(HOST_DEADLOCK);
    unsigned int n = choose("CPU", count + can_stay);

    if (n < count)
        switch_to(others[n]);
}

static void wait_here(struct cpu *cpu)
{
    if (cpu->wanted != NULL) {
        cpu->state = BLOCKED;
        other_must_run();
        return;
    }
    cpu->waited_epoch = epoch;
    if (everybody_waits())
        idle();
    other_must_run();
}

__attribute__((noinline)) void host_point(enum host_point point)
{
    struct cpu *cpu;

    host_stores_moment();
    if (current == NULL)
        return;
    cpu = &cpus[host_cpu];
    cpu->point = point;
    /* From the caller of the seam's function on. */
    host_callers(*(void *const **)__builtin_frame_address(0), cpu->caller);
    if (point == HOST_AT_STORE || point == HOST_AT_ATOMIC)
        epoch++;
    if (++steps > (current->steps_limit != 0 ? current->steps_limit : STEPS_LIMIT))
        end_run(HOST_LIVELOCK);
    host_lines_due();
    maybe_event();
    maybe_interrupt();
    if (point == HOST_AT_WAIT)
        wait_here(cpu);
    else
        other_may_run();
}

void host_relax(void)
{
    host_counters.waits++;
    host_point(HOST_AT_WAIT);
}

void host_between(void)
{
    epoch++;
    host_point(HOST_AT_CALL);
}

/* ---- Locks ---------------------------------------------------------------------------------------- */

/* Who released or changed what last, and which of its stores came before. */
struct handover {
    const volatile void *word;
    unsigned int cpu;
    uint64_t sequence;
    bool held;
};

#define HANDOVERS 1024

static struct handover handovers[HANDOVERS];

static struct handover *handover_of(const volatile void *word)
{
    for (size_t i = 0; i < HANDOVERS; i++) {
        struct handover *handover = &handovers[((uintptr_t)word / 8 + i) % HANDOVERS];

        if (handover->word == word || handover->word == NULL) {
            handover->word = word;
            return handover;
        }
    }
    fprintf(stderr, "host: more locks than there is room for\n");
    abort();
}

/* What the CPU that had it before stored until it gave it away has been seen by everybody. */
static void take_over(const struct handover *handover)
{
    if (handover->cpu != host_cpu)
        host_stores_complete(handover->cpu, handover->sequence);
}

static void hand_on(struct handover *handover)
{
    handover->cpu = host_cpu;
    handover->sequence = host_stores_sequence();
}

void host_lock_wanted(const volatile void *lock)
{
    if (current == NULL)
        return;
    host_point(HOST_AT_LOCK);
    cpus[host_cpu].wanted = (const void *)(uintptr_t)lock;
}

void host_lock_taken(const volatile void *lock)
{
    struct handover *handover;

    host_counters.locks++;
    if (current == NULL)
        return;
    cpus[host_cpu].wanted = NULL;
    handover = handover_of(lock);
    take_over(handover);
    handover->held = true;
    handover->cpu = host_cpu;
}

void host_lock_released(const volatile void *lock)
{
    struct handover *handover;

    if (current == NULL)
        return;
    handover = handover_of(lock);
    hand_on(handover);
    handover->held = false;
    for (unsigned int i = 0; i < HOST_CPUS; i++) {
        if (cpus[i].state == BLOCKED && cpus[i].wanted == lock) {
            cpus[i].state = READY;
            cpus[i].waited_epoch = 0;
        }
    }
    host_point(HOST_AT_LOCK);
}

void host_atomic(const volatile void *word)
{
    struct handover *handover;

    host_point(HOST_AT_ATOMIC);
    if (current == NULL)
        return;
    handover = handover_of(word);
    take_over(handover);
    hand_on(handover);
}

/* ---- A run ---------------------------------------------------------------------------------------- */

static void cpu_main(void)
{
    struct cpu *cpu = &cpus[host_cpu];

    if (__sanitizer_finish_switch_fiber != NULL)
        __sanitizer_finish_switch_fiber(NULL, &outside_bottom, &outside_size);
    if (cpu->function != NULL)
        cpu->function(cpu->argument);
    cpu->state = DONE;
    epoch++;
    for (;;) {
        unsigned int others[HOST_CPUS];

        cpu->point = HOST_AT_WAIT;
        host_stores_moment();
        if (takes_interrupts(host_cpu))
            take_interrupt(choose("interrupt", raised_count));
        else if (find_others(others) != 0)
            switch_to(others[choose("CPU", find_others(others))]);
        else if (!host_interrupt_later())
            end_run(HOST_FINISHED); /* or everybody else waits for a lock */
    }
}

void host_cpu_start(unsigned int cpu, void (*function)(void *argument), void *argument)
{
    cpus[cpu] = (struct cpu){ .state = READY, .function = function, .argument = argument };
}

static void write_report(void)
{
    static const char *const states[] = { "unused", "ready", "blocked", "done" };
    static const char *const verdicts[] = { "finished", "deadlock", "livelock" };
    size_t used = (size_t)snprintf(report, sizeof(report), "%s after %llu steps", verdicts[verdict],
                                   (unsigned long long)steps);

    for (unsigned int i = 0; i < HOST_CPUS; i++) {
        const struct cpu *cpu = &cpus[i];

        if (cpu->state == UNUSED)
            continue;
        used += (size_t)snprintf(report + used, sizeof(report) - used, "\n  CPU %u: %s, at %s", i,
                                 states[cpu->state], where(cpu));
        if (cpu->wanted == NULL)
            continue;
        const struct handover *lock = handover_of(cpu->wanted);

        used += (size_t)snprintf(
            report + used, sizeof(report) - used, "; wants the lock at %p in %s, %s CPU %u",
            cpu->wanted, host_symbol(cpu->wanted), lock->held ? "held by" : "last of", lock->cpu);
    }
}

static void prepare(unsigned int index)
{
    struct cpu *cpu = &cpus[index];

    getcontext(&cpu->context);
    cpu->context.uc_stack.ss_sp = stacks[index];
    cpu->context.uc_stack.ss_size = STACK_SIZE;
    cpu->context.uc_link = NULL;
    makecontext(&cpu->context, cpu_main, 0);
}

enum host_verdict host_schedule(const struct host_schedule *schedule)
{
    unsigned int cpu_before = host_cpu;

    if (cpus[BOOT_CPU].state == UNUSED) /* it takes the interrupts */
        cpus[BOOT_CPU].state = READY;
    for (unsigned int i = 0; i < HOST_CPUS; i++) {
        if (cpus[i].state != UNUSED)
            prepare(i);
    }
    memset(handovers, 0, sizeof(handovers));
    steps = 0;
    epoch = 1;
    current = schedule;
    host_cpu = BOOT_CPU;
    for (next_cpu = BOOT_CPU; next_cpu < HOST_CPUS;)
        enter(next_cpu);
    current = NULL;
    for (unsigned int i = 0; i < HOST_CPUS; i++) {
        if (verdict == HOST_FINISHED && cpus[i].state != UNUSED && cpus[i].state != DONE)
            verdict = HOST_DEADLOCK;
    }
    write_report();
    memset(cpus, 0, sizeof(cpus));
    host_cpu = cpu_before;
    return verdict;
}

const char *host_schedule_report(void)
{
    return report;
}
