/* SPDX-License-Identifier: Apache-2.0 */
/* A partition's console: bytes in, whole lines out, each with the partition's name in front; and what was
 * typed to it, until it asks. */
#ifndef KERNEL_VDEV_CONSOLE_H
#define KERNEL_VDEV_CONSOLE_H

#include "arch/arch.h"
#include "bulkhead/abi.h"
#include "lib/lock.h"
#include "lib/log.h"

#define CONSOLE_INPUT BH_CONSOLE_INPUT_BYTES

struct console {
    size_t used;
    char line[LOG_LINE];

    struct lock lock;      /* guards what follows; nothing is locked inside it */
    uint32_t given, taken; /* bytes of input ever; the position is the remainder by CONSOLE_INPUT */
    uint32_t dropped;      /* bytes that came while no more could wait, since boot */
    char input[CONSOLE_INPUT];
};

/*
 * Each partition has one. Its own CPU writes and ends it, and reads what was typed; the boot CPU gives.
 */

/* source: LOG_HYPERVISOR + 1 + the partition's index. A line longer than LOG_LINE is continued
 * on the next. Work: length. */
void console_write(struct console *console, unsigned int source, const char *name,
                   const char *bytes, size_t length);

/* Keeps a byte that was typed for the vCPU, or counts it as dropped. A vCPU that runs is interrupted where
 * nothing waited before; for one that does not, nothing is kept. So no life finds a byte that it was not
 * interrupted for. Constant work. */
void console_give(struct console *console, struct vcpu *vcpu, char c);

/* Takes what input waits, at most length bytes; returns how many. Work: CONSOLE_INPUT. */
size_t console_read(struct console *console, char *bytes, size_t length);

/* Puts out a line that has not been ended, and forgets input that waits. Its vCPU does not run any more. */
void console_end(struct console *console, unsigned int source, const char *name);

#endif
