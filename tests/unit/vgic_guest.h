/* SPDX-License-Identifier: Apache-2.0 */
/* A guest's view of its interrupt controller in the unit tests: registers by access, the CPU interface by
 * instruction; after each, what EL2 would do at once has been done. */
#ifndef TESTS_VGIC_GUEST_H
#define TESTS_VGIC_GUEST_H

#include "arch/arm64/vdev/vgic.h"
#include "virtual_cpu.h"

/* Registers with a bit for each interrupt, by offset of the first word. */
#define ISENABLER 0x0100
#define ICENABLER 0x0180
#define ISPENDR 0x0200
#define ICPENDR 0x0280
#define ISACTIVER 0x0300
#define ICACTIVER 0x0380

extern struct vgic vgic;

/* A controller after reset, on a CPU with so many list registers. */
void vgic_guest_start(unsigned int list_registers, bool traps_deactivate);
/* All interrupts enabled, at one priority; nothing masked. */
void vgic_guest_open(void);

/* Lines and maintenance interrupts are taken until there are none; fails the test if that does not end,
 * or if a list register held what is not defined. */
void settle(void);

uint64_t distributor_read(uint64_t offset, unsigned int bytes);
void distributor_write(uint64_t offset, unsigned int bytes, uint64_t value);
uint64_t redistributor_read(uint64_t offset, unsigned int bytes);
void redistributor_write(uint64_t offset, unsigned int bytes, uint64_t value);
/* A word of a register with a bit for each interrupt, wherever that word lies. */
uint32_t read_bank(uint64_t bank, uint32_t word);
void write_bank(uint64_t bank, uint32_t word, uint32_t bits);
void write_priority(uint32_t interrupt, uint8_t priority);
bool is_active(uint32_t interrupt);

void raise_one(uint32_t interrupt);
void set_level(uint32_t line, bool high);
uint32_t acknowledge(void);
void end(uint32_t interrupt);
void deactivate(uint32_t interrupt);

#endif
