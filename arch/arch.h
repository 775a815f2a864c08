/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What kernel/ asks of an architecture beyond the seams: memory of its own, CPUs, interrupts, and
 * the running of guests. arch/host answers the same questions in a process.
 */
#ifndef ARCH_ARCH_H
#define ARCH_ARCH_H

#include "drivers/topology/topology.h"
#include "lib/pagetable.h"
#include "lib/types.h"

struct vcpu;
struct partition;

/* ---- The hypervisor's own address space ----------------------------------------------------- */

/* Maps device registers for the hypervisor, read and write, never executable. Page-aligned
 * outwards; mapping a page again is harmless. Boot only. False: no table pages left. */
bool arch_map_device(uint64_t base, uint64_t size);

/* Maps ordinary memory, read and write, never executable; as above. */
bool arch_map_memory(uint64_t base, uint64_t size);

/* ---- CPUs ----------------------------------------------------------------------------------- */

/* Starts the CPUs of the topology beyond the boot CPU, as many as limit, and waits for each with a
 * deadline of its own, in boot.c. Boot only. Returns how many run, the boot CPU included; those that did not start are logged. */
unsigned int arch_start_cpus(const struct topology *topology, unsigned int limit);

/* Has the CPU call function(argument) on a fresh stack as soon as it is idle. The function may not
 * return. For another CPU or the calling one. */
void arch_run_on(unsigned int cpu, void (*function)(void *argument), void *argument);

/* Gives up the stack of this CPU and waits for interrupts and for arch_run_on(). */
_Noreturn void arch_idle(void);

/* Whether a guest of that CPU, which runs, can start in AArch32. */
bool arch_cpu_has_aarch32(unsigned int cpu);

/* Turns the machine off. Where that cannot be done, stops this CPU. */
_Noreturn void arch_power_off(void);

/* ---- Interrupts ----------------------------------------------------------------------------- */

#define ARCH_INTERRUPT_HANDLERS 32

/* Brings up the interrupt controller; after this the boot CPU takes interrupts while idle and
 * while a guest runs on it. Boot only; the topology stays. False: it has none that is supported;
 * *reason says so. */
bool arch_interrupts_start(const struct topology *topology, const char **reason);

/* Routes an interrupt line to the boot CPU and enables it. handler runs with interrupts masked
 * and is short. Boot only. False: no slot or no such line. */
bool arch_interrupt_enable(uint32_t interrupt, bool edge, void (*handler)(void *argument),
                           void *argument);

/* Has a line that arch_interrupt_enable() enabled come again, after others had their turn. Boot CPU. */
void arch_interrupt_again(uint32_t interrupt);

/* The same, but not before that moment of time_now(), nor long after. Boot CPU, in a handler; the
 * last call for a line counts. */
void arch_interrupt_at(uint32_t interrupt, uint64_t moment);

/* Has the boot CPU call the function again and again, with so many ticks of the counter between, from the end of the boot
 * on. It runs as a handler does. Boot only; ARCH_REGULAR of them at most. */
#define ARCH_REGULAR 2
void arch_every(uint64_t ticks, void (*function)(void));

/*
 * Gives a level-triggered line to a vCPU, as its interrupt virtual_interrupt (INTID 32 to 95): off until
 * the guest enables it, and taken by no other CPU. By the vCPU's own CPU. False: no such line, or
 * one of the hypervisor's own.
 */
bool arch_interrupt_route(uint32_t interrupt, struct vcpu *vcpu, uint32_t virtual_interrupt);

/* Takes the line back: masked, drained, and gone from the vCPU, pending or active. By the CPU of the
 * vCPU that has it; of a line that is not routed nothing changes. False: it was not masked in time, and
 * may still come to this CPU, where nobody takes it. */
bool arch_interrupt_unroute(uint32_t interrupt);

/* ---- Messages (drivers/irqchip/message.h) ---------------------------------------------------- */

/* What a message unit must name to send messages to that CPU, which runs; 0: it takes none. Boot. */
uint64_t arch_message_target(unsigned int cpu);

/* Has a message be an interrupt of the vCPU (INTID 32 to 95), an edge; interrupt 0: of none, and it is dropped. By
 * the vCPU's own CPU, to which the message is sent. */
void arch_message_route(uint32_t message, struct vcpu *vcpu, uint32_t interrupt);

/* ---- Guests --------------------------------------------------------------------------------- */

/* What a guest does that the kernel must answer. Set once, before the first guest starts. */
struct arch_guest_ops {
    /* x[0] to x[5] are the call's registers; results go to x[0] to x[3]. number < BH_CALL_LIMIT. */
    void (*hypercall)(struct vcpu *vcpu, uint64_t *x, uint64_t number);
    /* The guest asked to end (power off: reset false). Does not return. */
    void (*power)(struct vcpu *vcpu, bool reset);
    /* The guest reads or writes 1, 2, 4 or 8 bytes at an address without a translation. False: no device is there. */
    bool (*access)(struct vcpu *vcpu, uint64_t address, unsigned int bytes, bool write,
                   uint64_t *value);
    /* The guest met no translation at that address. True: there is one now, and it tries again. */
    bool (*settle)(struct vcpu *vcpu, uint64_t address);
    /* The guest did what ends a partition; text says what. Does not return. */
    void (*crash)(struct vcpu *vcpu, const char *text, uint64_t address);
    /* arch_vcpu_recall() asked for it. The guest goes on if this returns. */
    void (*recalled)(struct vcpu *vcpu);
};

/* Boot, before the first guest; ops stays the caller's and does not change. */
void arch_guest_register(const struct arch_guest_ops *ops);

/* Formats of stage 2 as this architecture's CPUs walk it. */
const struct pagetable_format *arch_stage2_format(void);
/* Bits of a leaf outside its address, for memory (write-back, executable) and for registers of devices. */
uint64_t arch_stage2_memory_attributes(void);
uint64_t arch_stage2_device_attributes(void);
/* For memory that partitions share: as memory, but never executable, and written only if writes. */
uint64_t arch_stage2_window_attributes(bool writes);
/* Bits of guest-physical address. */
unsigned int arch_stage2_bits(void);

/* The addresses, within a partition's guest-physical space, of the interrupt controller that it
 * sees. */
struct arch_guest_layout {
    struct topology_range distributor;
    struct topology_range redistributor;
};
extern const struct arch_guest_layout arch_guest_layout;

/* Forgets, on every CPU, what it caches of the stage 2 with this root and tag. Returns when that is done: one
 * broadcast, which the CPUs answer by themselves. Any CPU. */
void arch_stage2_invalidate(uint64_t root, uint16_t tag);

/* What a partition's first instruction finds. */
struct arch_start {
    uint64_t entry; /* guest-physical; bit 0, in AArch32: it is T32 code */
    uint64_t tree;  /* guest-physical, of its device tree */
    bool aarch32;
};

/*
 * Makes *vcpu (zeroed, or run before) ready to start, on the stage 2 with that root and tag. All its
 * registers are defined by this call alone.
 */
void arch_vcpu_prepare(struct vcpu *vcpu, struct partition *partition,
                       const struct arch_start *start, uint64_t stage2_root, uint16_t tag);

/* Runs it on this CPU. Does not return: the guest's deeds come back through arch_guest_ops. */
_Noreturn void arch_vcpu_run(struct vcpu *vcpu);

/*
 * Makes a shared interrupt of the vCPU (INTID 32 to 95) pending, as an edge does, and kicks the CPU that
 * it runs on. Any CPU, never blocks. False: the vCPU does not run, and forgets it.
 */
bool arch_vcpu_interrupt(struct vcpu *vcpu, uint32_t interrupt);

/*
 * Has the CPU that runs the vCPU leave the guest soon and call recalled(), at least once behind this call; of one that does
 * not run, the next time that it does, unless it is prepared anew. Any CPU, never blocks.
 */
void arch_vcpu_recall(struct vcpu *vcpu);

/* Zeroes what the CPU keeps for a vCPU that has ended (its virtual interrupts included). */
void arch_vcpu_stop(struct vcpu *vcpu);

#endif
