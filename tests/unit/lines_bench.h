/* SPDX-License-Identifier: Apache-2.0 */
/* INTx of the machine's two devices: the interrupt-map that wires them, and what became of it. */
#ifndef TESTS_LINES_BENCH_H
#define TESTS_LINES_BENCH_H

#include "machine.h"

#define PCI_NODE "/pcie@3f000000"
#define GIC_NODE "/intc@8000000"
#define GIC_HANDLE 0x8100
#define ENTRY 10 /* cells of an entry of the map */

/* The interrupt-map that edit_map() writes. */
extern unsigned int map_entries;
extern uint32_t wires[64 * ENTRY];

/* The plain machine, with pin A of both devices. */
void plain(void);
/* And the whole map of its tree in wires[], to be changed. */
void plain_map(void);
void add_entry(uint32_t device, uint32_t pin, uint32_t spi, uint32_t flags);
void edit_map(void *tree);
/* The first count cells of wires[] as the map. */
void write_map(void *tree, uint32_t count);
void set_pin(int function, uint8_t pin);
/* Its Interrupt Disable reads as zero whatever is written. */
void make_loud(int function);

/* Boots, with the observer. */
void start(void);

uint32_t line_of_device(const char *name);
const struct bh_device_info *info_of(unsigned int partition, uint64_t index);
/* Whether the function's INTx is on. */
bool may_raise(int function);
/* The INTID of that partition that a line leads to; 0: to nobody. */
uint32_t leads_to(uint32_t line, unsigned int partition);
void expect_none(unsigned int partition, uint64_t index);
/* The first partition's device has none, bound or not, and the log says why. */
void expect_refused_line(const char *why);
void expect_line(unsigned int partition, uint64_t index, uint32_t interrupt);

#endif
