/* SPDX-License-Identifier: Apache-2.0 */
#include "kernel/vdev/console.h"

#include "arch/arch.h"
#include "kernel/partition.h"

/* Of the boot CPU's handler alone. */
static struct {
    uint32_t focus; /* index of the partition that is typed to */
    bool escaped;   /* the escape key was the last one */
} keyboard;

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

static void give(struct partition *partition, char c)
{
    struct console *console = &partition->console;
    bool first;

    lock_acquire(&console->lock);
    first = console->given == console->taken;
    if (console->given - console->taken < CONSOLE_INPUT)
        console->input[console->given++ % CONSOLE_INPUT] = c;
    else
        console->dropped++;
    lock_release(&console->lock);
    if (first)
        arch_vcpu_interrupt(&partition->vcpu, INTERRUPT_CONSOLE);
}

/* The key behind the escape key: a digit chooses, the escape key itself is typed, all others tell. */
static bool command(char c)
{
    uint32_t index = (uint32_t)(unsigned char)c - '1';

    if (c == CONSOLE_ESCAPE)
        return false;
    if (index < partitions.count)
        keyboard.focus = index;
    log_info("keyboard: %s has it; Ctrl-] and a digit, 1 to %u, gives it to another",
             partitions.partition[keyboard.focus].name, partitions.count);
    return true;
}

static void type(char c)
{
    if (!keyboard.escaped && c == CONSOLE_ESCAPE) {
        keyboard.escaped = true;
        return;
    }
    if (!keyboard.escaped || !command(c))
        give(&partitions.partition[keyboard.focus], c);
    keyboard.escaped = false;
}

void console_interrupt(void *unused)
{
    char c;

    (void)unused;
    log_kick();
    for (unsigned int i = 0; i < CONSOLE_BURST && log_read(&c); i++) {
        if (partitions.count != 0)
            type(c);
    }
}
