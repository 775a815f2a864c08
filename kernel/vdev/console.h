/* SPDX-License-Identifier: Apache-2.0 */
/* A partition's console: bytes in, whole lines out, each with the partition's name in front. */
#ifndef KERNEL_VDEV_CONSOLE_H
#define KERNEL_VDEV_CONSOLE_H

#include "lib/log.h"

struct console {
    size_t used;
    char line[LOG_LINE];
};

/* source: LOG_HYPERVISOR + 1 + the partition's index. A line longer than LOG_LINE is continued
 * on the next. Work: length. */
void console_write(struct console *console, unsigned int source, const char *name,
                   const char *bytes, size_t length);

/* Puts out a line that has not been ended. */
void console_end(struct console *console, unsigned int source, const char *name);

#endif
