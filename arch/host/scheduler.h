/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The CPUs of the host machine as coroutines: several run kernel code in turn, and another one may go on
 * wherever the acts of one can be seen by the others (enum host_point). Which one does, whether an
 * interrupt comes now, and which event of the hardware happens, is asked of host_choose(); with the same
 * answers a run is the same.
 */
#ifndef ARCH_HOST_SCHEDULER_H
#define ARCH_HOST_SCHEDULER_H

#include "lib/types.h"

#define HOST_CPUS 4

/* Where a CPU may be interrupted by the others. */
enum host_point {
    HOST_AT_STORE,
    HOST_AT_BARRIER,
    HOST_AT_REGISTER,
    HOST_AT_LOCK,
    HOST_AT_ATOMIC,
    HOST_AT_TIME,
    HOST_AT_WAIT, /* cpu_relax(): what it waits for is not there */
    HOST_AT_CALL, /* between two things that a guest does; host_between() */
};

/* Something that hardware does by itself. happen() answers whether there was anything to do. */
struct host_event {
    const char *name;
    bool (*happen)(void *context);
    void *context;
};

struct host_schedule {
    const struct host_event *events;
    unsigned int event_count;
    uint64_t steps_limit;      /* points passed by all CPUs; 0: a million */
    uint64_t idle_nanoseconds; /* time passes so fast while every CPU waits; 0: a millisecond */
};

enum host_verdict {
    HOST_FINISHED, /* every CPU came to its end */
    HOST_DEADLOCK, /* every CPU that did not waits for a lock */
    HOST_LIVELOCK, /* the limit of steps was reached */
};

/* What a CPU does in the next host_schedule(); its interrupts are enabled but inside of host_run(). */
void host_cpu_start(unsigned int cpu, void (*function)(void *argument), void *argument);

/* Runs the CPUs that were started until all are at their end and no interrupt is left. After another
 * verdict than HOST_FINISHED the machine is not used any more. */
enum host_verdict host_schedule(const struct host_schedule *schedule);

/* What each CPU was doing when the run ended, a line each. */
const char *host_schedule_report(void);

/* A guest's own instruction on the running CPU: others may go on, interrupts are taken. */
void host_between(void);

/* Points passed in this run. */
uint64_t host_steps(void);

/* ---- For the other parts of arch/host -------------------------------------------------------------- */

/* Whether host_schedule() runs. */
bool host_scheduling(void);
void host_point(enum host_point point);
/* An interrupt line that the kernel enabled: taken by the boot CPU some time later. */
void host_raise(uint32_t interrupt);
/* Raises the lines that were asked to come again by now (host.c). */
void host_lines_due(void);
/* The running CPU is inside the hypervisor, where interrupts are masked; returns what was before. */
bool host_mask(bool masked);

#endif
