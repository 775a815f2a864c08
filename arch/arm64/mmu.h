/* SPDX-License-Identifier: Apache-2.0 */
/* The hypervisor's own translation at EL2. */
#ifndef ARCH_ARM64_MMU_H
#define ARCH_ARM64_MMU_H

#include <stdbool.h>

/* Builds the tables for the image and turns the MMU on. Boot CPU, once. False: too few table
 * pages. */
bool mmu_start(void);

/* Makes what mmu_enable() reads visible to a CPU whose caches are still off. Before a CPU is
 * started. */
void mmu_publish(void);

/* Points this CPU at vectors and tables and turns its MMU and caches on. Every CPU, once. */
void mmu_enable(void);

#endif
