/* SPDX-License-Identifier: Apache-2.0 */
#include "kernel/vdev/console.h"

void console_end(struct console *console, unsigned int source, const char *name)
{
    if (console->used != 0)
        log_source_line(source, name, console->line, console->used);
    console->used = 0;
    log_kick();
}

void console_write(struct console *console, unsigned int source, const char *name,
                   const char *bytes, size_t length)
{
    for (size_t i = 0; i < length; i++) {
        char c = bytes[i];

        if (c == '\r')
            continue;
        if (c == '\n') {
            log_source_line(source, name, console->line, console->used);
            console->used = 0;
            continue;
        }
        console->line[console->used++] = c;
        if (console->used < sizeof(console->line))
            continue;
        log_source_line(source, name, console->line, console->used);
        console->used = 0;
    }
    log_kick();
}
