/* SPDX-License-Identifier: Apache-2.0 */
/* What a person types at the serial port: it goes to one partition's console at a time, which the escape
 * key and a digit choose. */
#ifndef KERNEL_KEYBOARD_H
#define KERNEL_KEYBOARD_H

#include "lib/types.h"

#define KEYBOARD_ESCAPE 0x1D /* Ctrl-] */
/* Bytes that one interrupt takes from the port, and all of them in a period: about what comes at 115200 baud.
 * Over it the port is not asked for input until the period is over. */
#define KEYBOARD_BURST 32
#define KEYBOARD_SHARE 128
#define KEYBOARD_PERIOD_MICROSECONDS 10000

/* Listens to the log's port, which raises that line; boot only. False: it cannot, and there is no input. */
bool keyboard_start(uint32_t interrupt);

/* Whether it does. */
bool keyboard_works(void);

/* Handler of the serial port's interrupt, for both directions. Boot CPU. Work: KEYBOARD_BURST bytes, and
 * one filling of the port's FIFO. */
void keyboard_interrupt(void *unused);

#endif
