/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the virtual interrupt controller of arch/arm64/vdev finds below it in the unit tests, where the
 * image has arch/arm64/include/vgic_hardware.h: a CPU interface and physical lines made of data
 * (virtual_cpu.c).
 */
#ifndef TESTS_VGIC_HARDWARE_H
#define TESTS_VGIC_HARDWARE_H

#include "drivers/irqchip/gicv3.h"
#include "lib/types.h"

uint64_t list_register_read(unsigned int index);
void list_register_write(unsigned int index, uint64_t value);
uint64_t hardware_empty(void);
uint64_t hardware_control(void);
void hardware_set_control(uint64_t value);
uint64_t hardware_machine_control(void);
uint32_t hardware_active_priorities(unsigned int word);
uint64_t hardware_type(void);
void hardware_reset(unsigned int words);
bool hardware_line_set(uint32_t line, enum gicv3_state state, bool on);
bool hardware_line_pending(uint32_t line);

#endif
