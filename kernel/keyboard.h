/* SPDX-License-Identifier: Apache-2.0 */
/* What a person types at the serial port: it goes to one partition's console at a time, which the escape
 * key and a digit choose. */
#ifndef KERNEL_KEYBOARD_H
#define KERNEL_KEYBOARD_H

#include "lib/types.h"

#define KEYBOARD_ESCAPE 0x1D /* Ctrl-] */
#define KEYBOARD_BURST 32    /* bytes that one interrupt takes from the port */

/* Listens to the log's port, which raises that line; boot only. False: it cannot, and there is no input. */
bool keyboard_start(uint32_t interrupt);

/* Whether it does. */
bool keyboard_works(void);

/* Handler of the serial port's interrupt, for both directions. Boot CPU. Work: KEYBOARD_BURST bytes, and
 * one filling of the port's FIFO. */
void keyboard_interrupt(void *unused);

#endif
