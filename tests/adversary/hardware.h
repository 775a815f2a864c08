/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What hardware and guests do while several CPUs run kernel code (arch/host/scheduler.h): units that
 * complete when they like, caches that fetch and evict, devices that write, calls of guests.
 */
#ifndef TESTS_ADVERSARY_HARDWARE_H
#define TESTS_ADVERSARY_HARDWARE_H

#include "tests/unit/machine.h"

#define HARDWARE_EVENTS 32

/* When units consume commands and complete SYNCs. */
enum hardware_lateness {
    HARDWARE_PROMPT,      /* within the register write */
    HARDWARE_LATE,        /* when the test says so, or never */
    HARDWARE_ADVERSARIAL, /* as events that the schedule picks */
};

struct hardware {
    struct host_schedule schedule;
    struct host_event events[HARDWARE_EVENTS];
};

/* Sets every unit to it, and lists the events that they bring. Adversarial units are free, too. */
void hardware_start(struct hardware *hardware, enum hardware_lateness lateness);

/* From now on every unit does what the architecture leaves open (enum smmuv3_model_choice) as the stream of
 * choices says; while there is none, what is plainest. */
void hardware_free(void);

/* By kind, how often a free unit asked; NULL: nobody counts. Shared with the runs of a campaign where the
 * memory is. */
extern uint32_t *hardware_asked;

/* One more event; happen() is called when the schedule picks it. */
void hardware_event(struct hardware *hardware, const char *name, bool (*happen)(void *context),
                    void *context);

/* A speculative fetch for the function at an address of its, and an eviction of everything; an event a
 * unit. */
void hardware_prefetch(struct hardware *hardware, int function, uint64_t iova);
void hardware_evict(struct hardware *hardware);

/* Runs the CPUs that were started; fails the test if they do not all come to their end. */
void hardware_run(struct hardware *hardware);

/* A hypercall on the running CPU, by the vCPU of a partition, interrupts masked while it lasts. x: results,
 * or NULL. Other CPUs may go on before and after it. */
int64_t guest_call(unsigned int partition, uint64_t number, uint64_t a, uint64_t b, uint64_t c,
                   uint64_t d, uint64_t e, uint64_t *x);

/* bind as a guest does it: again until the reset is over. */
int64_t guest_bind(unsigned int partition, uint64_t device, uint64_t label);

/* One of count things, by the stream of choices. */
unsigned int guest_choice(unsigned int count);

#endif
