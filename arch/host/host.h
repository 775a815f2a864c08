/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What tests and host tools set up below the kernel: memory, models behind registers, time, and
 * what happens when the kernel would not return.
 */
#ifndef ARCH_HOST_H
#define ARCH_HOST_H

#include <setjmp.h>

#include "arch/arch.h"
#include "lib/types.h"

/* Physical memory of the host machine: zeroed at host_reset(). */
#define HOST_MEMORY_BASE UINT64_C(0x40000000)
#define HOST_MEMORY_SIZE UINT64_C(0x10000000)

/*
 * Adds RAM of a real machine at [base, +size), where HOST_MEMORY is too small or lies elsewhere.
 * From the first call until host_reset() physical memory is what was added, zeroed, and the program
 * itself; what is never touched costs nothing. At most 16 stretches, which do not overlap. False:
 * this host cannot represent it. Not together with host_noncoherent_start().
 */
bool host_memory_add(uint64_t base, uint64_t size);

/* True if all of [address, +size) lies in one added stretch or in the program. */
bool host_is_memory(uint64_t address, uint64_t size);

/* For host_reset(): takes all of it away. */
void host_memory_drop(void);

/* A model's registers. An access that it does not know reads as all ones. */
struct host_registers {
    uint64_t base, size;
    void *context;
    uint64_t (*read)(void *context, uint64_t offset, unsigned int bytes);
    void (*write)(void *context, uint64_t offset, uint64_t value, unsigned int bytes);
};

/* Empties memory, forgets registers, interrupts and counters, and sets time to zero. */
void host_reset(void);

/* Puts a model behind registers; at most 16. The struct is copied. */
void host_attach(const struct host_registers *added);

/* Moves time on. Each look at the clock moves it by host_time_step nanoseconds, so that every
 * wait ends. */
void host_advance(uint64_t nanoseconds);
extern uint64_t host_time_step;

/* Raises an interrupt line that the kernel enabled; calls its handler. False: not enabled. */
bool host_interrupt(uint32_t interrupt);

/* The vCPU that a line is routed to, and as which of its interrupts; NULL: to none. */
struct vcpu *host_route(uint32_t interrupt, uint32_t *virtual_interrupt);

/* What arch_message_target() answers; zero after host_reset(). */
extern uint64_t host_message_targets[TOPOLOGY_CPUS];

/* A message arrives at the CPU that it is sent to. False: it leads to no vCPU that runs. */
bool host_message(uint32_t message);

/* Whether a line that is taken back is not masked in time; false after host_reset(). */
extern bool host_lines_stay;

/* Moves time on to the first moment for which a line was asked to come again, and lets it come, or does so
 * for those that are due already. False: none was asked for. */
bool host_interrupt_later(void);

/* The boot CPU does once what arch_every() asked for, however long ago that was done last. Returns how much there is. */
unsigned int host_every(void);

/* For host_reset(). */
void host_every_reset(void);

/* Counters of the named calls, since host_reset(). */
struct host_counters {
    uint64_t entries, barriers, cleans, invalidates, code_synchronisations, stage2_invalidates;
    uint64_t interrupts_again, locks, waits;
};
extern struct host_counters host_counters;

/* Picks one of count >= 2 things that the architecture allows now, by number; 0 is the plainest. Asked by
 * every mechanism of the host that is set to be scheduled, each saying what it asks for; NULL: 0 always. */
extern unsigned int (*host_choose)(const char *what, unsigned int count);

/* Called where a CPU must see, from here on, what a device wrote (barrier_device_read()). A test that holds
 * a device's write back shows it here at the latest; NULL: CPUs see such writes at once. */
extern void (*host_device_visible)(void);

/* Told, a line each, of what happened that is not the plainest; NULL: nobody. */
extern void (*host_tell)(const char *text);

/* The accesses of mmio_probe32 to [base, +size) abort. */
void host_abort_range(uint64_t base, uint64_t size);

/* What arch_image_range() answers; a page at 0, outside of the machine's memory, after host_reset(). */
extern struct topology_range host_image;
/* Each byte of what arch_image_digest() answers. */
#define HOST_IMAGE_DIGEST 0xD5

/* arch_map_device() and arch_map_memory() of what overlaps [base, +size) find no table pages. */
void host_refuse_maps(uint64_t base, uint64_t size);

/* CPUs that arch_start_cpus() reports. */
extern unsigned int host_cpus;

/* The CPUs below this have AArch32; all, after host_reset(). */
extern unsigned int host_aarch32_cpus;

/*
 * Runs function(argument) until it returns or the kernel leaves for good: HOST_RETURNED, HOST_IDLE
 * (arch_idle), HOST_OFF (arch_power_off), HOST_GUEST (arch_vcpu_run: host_guest tells which).
 */
enum host_end { HOST_RETURNED, HOST_IDLE, HOST_OFF, HOST_GUEST };
enum host_end host_run(void (*function)(void *argument), void *argument);
extern struct vcpu *host_guest;

/* What arch_run_on() was asked to do last, taken out: runs it in host_run(). False: nothing
 * waits. */
bool host_run_work(unsigned int cpu, enum host_end *end);

/* What the kernel registered. */
extern const struct arch_guest_ops *host_guest_ops;

/* The log, as it would stand on the console; zero-terminated, cleared by host_reset(). */
const char *host_console(void);

#endif
