/* SPDX-License-Identifier: Apache-2.0 */
#include "kernel/keyboard.h"

#include "arch/arch.h"
#include "arch/seam.h"
#include "kernel/partition.h"
#include "lib/log.h"

/* Of the boot CPU's handler alone, but for the line, which does not change. */
static struct {
    uint32_t line;  /* 0: nobody can type */
    uint32_t focus; /* index of the partition that is typed to */
    bool escaped;   /* the escape key was the last one */
    uint64_t end;   /* of the period */
    uint32_t taken; /* bytes within it */
} keyboard;

/* The key behind the escape key: a digit chooses, the escape key itself is typed, all others tell. */
static bool command(char c)
{
    uint32_t index = (uint32_t)(unsigned char)c - '1';

    if (c == KEYBOARD_ESCAPE)
        return false;
    if (index < partitions.count)
        keyboard.focus = index;
    log_info("keyboard: %s has it; Ctrl-] and a digit, 1 to %u, gives it to another",
             partitions.partition[keyboard.focus].name, partitions.count);
    return true;
}

static void type(char c)
{
    struct partition *partition;

    if (!keyboard.escaped && c == KEYBOARD_ESCAPE) {
        keyboard.escaped = true;
        return;
    }
    if (!keyboard.escaped || !command(c)) {
        partition = &partitions.partition[keyboard.focus];
        console_give(&partition->console, &partition->vcpu, c);
    }
    keyboard.escaped = false;
}

void keyboard_interrupt(void *unused)
{
    char c;

    (void)unused;
    if (time_passed(keyboard.end)) {
        keyboard.end = time_deadline(KEYBOARD_PERIOD_MICROSECONDS);
        keyboard.taken = 0;
    }
    for (unsigned int i = 0; i < KEYBOARD_BURST && keyboard.taken < KEYBOARD_SHARE && log_read(&c);
         i++) {
        keyboard.taken++;
        if (partitions.count != 0)
            type(c);
    }
    log_listen(keyboard.taken < KEYBOARD_SHARE);
    if (keyboard.taken == KEYBOARD_SHARE)
        arch_interrupt_at(keyboard.line, keyboard.end);
}

bool keyboard_start(uint32_t interrupt)
{
    if (!arch_interrupt_enable(interrupt, false, keyboard_interrupt, NULL))
        return false;
    keyboard.line = interrupt;
    log_start_interrupts();
    return true;
}

bool keyboard_works(void)
{
    return keyboard.line != 0;
}
