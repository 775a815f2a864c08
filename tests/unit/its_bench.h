/* SPDX-License-Identifier: Apache-2.0 */
/* An ITS model and its redistributors behind the registers of the host machine. One a process. */
#ifndef TESTS_ITS_BENCH_H
#define TESTS_ITS_BENCH_H

#include "drivers/irqchip/lpi.h"
#include "drivers/irqchip/message.h"
#include "its_model.h"

#define ITS_BASE UINT64_C(0x08080000) /* as in boards/qemu-virt */
#define ITS_REDISTRIBUTOR(cpu) (UINT64_C(0x080A0000) + (cpu)*UINT64_C(0x20000))
#define ITS_NO_MESSAGE UINT32_MAX

extern struct its_model *its;
/* Before each read of a register of the unit, and once its value is on its way; NULL: nothing. */
extern void (*its_before_read)(void), (*its_after_read)(void);

/* The two kinds of the model, with as many CPUs as the machine can have. */
struct its_model_parameters its_kind(bool strict);

/* After host_reset(): puts a model of the kind there. */
void its_attach(const struct its_model_parameters *parameters);

/* Keeps the model, if there is one, as it is, and puts it back: with the machine (machine.h). */
void its_keep(void);
void its_put_back(void);

/* The message that the CPU takes next; ITS_NO_MESSAGE: none is pending. */
uint32_t its_take(unsigned int cpu);

/* Fails the test where software made a mistake. */
void assert_its_clean(void);

#endif
