/* SPDX-License-Identifier: Apache-2.0 */
#include "kernel/keyboard.h"

#include "arch/arch.h"
#include "kernel/partition.h"
#include "lib/log.h"

/* Of the boot CPU's handler alone, but for works, which does not change. */
static struct {
    bool works;
    uint32_t focus; /* index of the partition that is typed to */
    bool escaped;   /* the escape key was the last one */
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
    log_kick();
    for (unsigned int i = 0; i < KEYBOARD_BURST && log_read(&c); i++) {
        if (partitions.count != 0)
            type(c);
    }
}

bool keyboard_start(uint32_t interrupt)
{
    keyboard.works = arch_interrupt_enable(interrupt, false, keyboard_interrupt, NULL);
    if (keyboard.works)
        log_start_interrupts();
    return keyboard.works;
}

bool keyboard_works(void)
{
    return keyboard.works;
}
