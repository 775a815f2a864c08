/* SPDX-License-Identifier: Apache-2.0 */
#include "kernel/vdev/console.h"

#include "kernel/limits.h"

void console_end(struct console *console, unsigned int source, const char *name)
{
    if (console->used != 0)
        log_source_line(source, name, console->line, console->used);
    console->used = 0;
    lock_acquire(&console->lock);
    console->taken = console->given;
    lock_release(&console->lock);
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

size_t console_read(struct console *console, char *bytes, size_t length)
{
    size_t count = 0;

    lock_acquire(&console->lock);
    while (count < length && console->taken != console->given)
        bytes[count++] = console->input[console->taken++ % CONSOLE_INPUT];
    lock_release(&console->lock);
    return count;
}

void console_give(struct console *console, struct vcpu *vcpu, char c)
{
    uint32_t waiting;

    lock_acquire(&console->lock);
    waiting = console->given - console->taken;
    if (waiting == CONSOLE_INPUT)
        console->dropped++;
    else if (waiting != 0 || arch_vcpu_interrupt(vcpu, INTERRUPT_CONSOLE))
        console->input[console->given++ % CONSOLE_INPUT] = c;
    lock_release(&console->lock);
}
