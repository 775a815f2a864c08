/* SPDX-License-Identifier: Apache-2.0 */
/* The behaviours of the 32-bit probe. Each returns its exit code. */
#ifndef GUESTS_PROBE32_TESTS_H
#define GUESTS_PROBE32_TESTS_H

/* Every register at the first instruction. */
int test_start(void);
void check_start(void);

/* Instructions that trap: what is answered, what is undefined and how that exception is entered. */
int test_traps(void);

/* As it says; the partition ends there. */
int test_high_vectors(void);

/* Every register of CP14 and CP15 read, and calls with any ids and arguments. */
int test_wild(void);

/* The interrupt controller by AArch32's system registers and by loads and stores; the timer. */
int test_interrupts(void);

/* Hypercalls by their 32-bit forms, PSCI, discovery; and what is none of them. */
int test_calls(void);

/* The life of a device, with DMA into this partition's memory. */
int test_device(void);

/* PSCI SYSTEM_OFF; a reset, after which every register is as at first; an exit code; an access. */
int test_psci(void);
int test_reset(void);
int test_exit(void);
int test_touch(void);

/* The identification registers, against what traps. */
int test_identification(void);

#endif
