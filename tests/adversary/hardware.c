/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/adversary/hardware.h"

#include <stdio.h>
#include <string.h>

#include "kernel/hypercall.h"

#define REGISTERS 6

/* ---- Units ------------------------------------------------------------------------------------------ */

struct fetch {
    struct smmuv3_model *unit;
    int function;
    uint64_t iova;
};

static struct fetch fetches[HARDWARE_EVENTS];
static unsigned int fetch_count;

static bool consume(void *unit)
{
    return smmuv3_model_step(machine.unit[(uintptr_t)unit], SMMUV3_MODEL_LATE_COMMANDS);
}

static bool complete(void *unit)
{
    return smmuv3_model_step(machine.unit[(uintptr_t)unit], SMMUV3_MODEL_LATE_SYNC);
}

void hardware_event(struct hardware *hardware, const char *name, bool (*happen)(void *context),
                    void *context)
{
    assert_true(hardware->schedule.event_count < HARDWARE_EVENTS);
    hardware->events[hardware->schedule.event_count++] = (struct host_event){ .name = name,
                                                                              .happen = happen,
                                                                              .context = context };
}

uint32_t *hardware_asked;

/* The same words fetched, kept and lost in another order, or ahead of time. */
static unsigned int choose_of_unit(void *unit, enum smmuv3_model_choice what, unsigned int of)
{
    unsigned int taken;
    char text[120];

    if (host_choose == NULL)
        return 0;
    taken = host_choose(smmuv3_model_choice_name(what), of);
    if (hardware_asked != NULL)
        hardware_asked[what]++;
    if (taken != 0 && host_tell != NULL) {
        snprintf(text, sizeof(text), "unit %u, %s: %u of %u", (unsigned int)(uintptr_t)unit,
                 smmuv3_model_choice_name(what), taken, of);
        host_tell(text);
    }
    return taken;
}

void hardware_free(void)
{
    for (uintptr_t unit = 0; unit < machine.unit_count; unit++)
        smmuv3_model_set_chooser(machine.unit[unit], choose_of_unit, (void *)unit);
}

void hardware_start(struct hardware *hardware, enum hardware_lateness lateness)
{
    unsigned int reads = lateness == HARDWARE_PROMPT ? 0 : SMMUV3_MODEL_NEVER;

    memset(hardware, 0, sizeof(*hardware));
    if (lateness == HARDWARE_ADVERSARIAL)
        hardware_free();
    hardware->schedule.events = hardware->events;
    for (uintptr_t unit = 0; unit < machine.unit_count; unit++) {
        smmuv3_model_set_late(machine.unit[unit], SMMUV3_MODEL_LATE_COMMANDS, reads);
        smmuv3_model_set_late(machine.unit[unit], SMMUV3_MODEL_LATE_SYNC, reads);
        if (lateness != HARDWARE_ADVERSARIAL)
            continue;
        hardware_event(hardware, "a unit consumes a command", consume, (void *)unit);
        hardware_event(hardware, "a unit completes a SYNC", complete, (void *)unit);
    }
}

static bool prefetch(void *context)
{
    const struct fetch *fetch = context;
    uint32_t requester;

    /* The kernel waits for nothing of this: it is no progress. */
    if (pci_model_requester(&machine.pci, fetch->function, &requester))
        smmuv3_model_prefetch(fetch->unit, requester, fetch->iova);
    return false;
}

static bool evict(void *unit)
{
    smmuv3_model_evict(machine.unit[(uintptr_t)unit]);
    return false;
}

void hardware_prefetch(struct hardware *hardware, int function, uint64_t iova)
{
    for (unsigned int unit = 0; unit < machine.unit_count; unit++) {
        struct fetch *fetch = &fetches[fetch_count++];

        assert_true(fetch_count <= ARRAY_LENGTH(fetches));
        *fetch = (struct fetch){ .unit = machine.unit[unit], .function = function, .iova = iova };
        hardware_event(hardware, "a unit fetches ahead", prefetch, fetch);
    }
}

void hardware_evict(struct hardware *hardware)
{
    for (uintptr_t unit = 0; unit < machine.unit_count; unit++)
        hardware_event(hardware, "a unit evicts its caches", evict, (void *)unit);
}

void hardware_run(struct hardware *hardware)
{
    if (host_schedule(&hardware->schedule) != HOST_FINISHED)
        fail_msg("the run ended with %s", host_schedule_report());
}

/* ---- Guests ----------------------------------------------------------------------------------------- */

struct hypercall_of {
    unsigned int partition;
    uint64_t number;
    uint64_t x[REGISTERS];
};

static void run_hypercall(void *argument)
{
    struct hypercall_of *made = argument;

    hypercall(&partitions.partition[made->partition].vcpu, made->x, made->number);
}

int64_t guest_call(unsigned int partition, uint64_t number, uint64_t a, uint64_t b, uint64_t c,
                   uint64_t d, uint64_t e, uint64_t *x)
{
    struct hypercall_of made = { .partition = partition,
                                 .number = number,
                                 .x = { number, a, b, c, d, e } };

    host_between();
    assert_int_equal(host_run(run_hypercall, &made), HOST_RETURNED);
    host_between();
    if (x != NULL)
        memcpy(x, made.x, sizeof(made.x));
    return (int64_t)made.x[0];
}

/* The clock of all CPUs moves only while every one of them waits. */
static void guest_wait(uint64_t nanoseconds)
{
    uint64_t end = time_now() + nanoseconds;

    while (!time_passed(end))
        cpu_relax();
}

int64_t guest_bind(unsigned int partition, uint64_t device, uint64_t label)
{
    uint64_t x[REGISTERS];
    int64_t result = guest_call(partition, BH_CALL_DEVICE_BIND, device, label, 0, 0, 0, x);

    for (unsigned int tries = 0; result == BH_EAGAIN && tries < 2000; tries++) {
        guest_wait(x[1]);
        result = guest_call(partition, BH_CALL_DEVICE_BIND, device, label, 0, 0, 0, x);
    }
    return result;
}

unsigned int guest_choice(unsigned int count)
{
    return host_choose != NULL ? host_choose("what a guest does", count) : 0;
}
