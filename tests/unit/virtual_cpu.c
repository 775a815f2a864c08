/* SPDX-License-Identifier: Apache-2.0 */
#include "virtual_cpu.h"

#include <string.h>

#define STATE BITS(63, 62)
#define STATE_PENDING UINT64_C(1)
#define STATE_ACTIVE UINT64_C(2)
#define STATE_BOTH UINT64_C(3)
#define HARDWARE BIT(61)
#define GROUP1 BIT(60)
#define PRIORITY BITS(55, 48)
#define PHYSICAL BITS(44, 32)
#define VIRTUAL BITS(31, 0)

#define CONTROL_ENABLE BIT(0)
#define CONTROL_UNDERFLOW BIT(1)
#define CONTROL_NOT_PRESENT BIT(2)
#define CONTROL_NO_PENDING BIT(3)
#define CONTROL_TRAP_DEACTIVATE BIT(14)
#define CONTROL_ENDED BITS(31, 27)

#define GROUP1_ACTIVE virtual_cpu.active_priorities[1]

struct virtual_cpu virtual_cpu;

static void mistake(const char *text)
{
    virtual_cpu.mistakes++;
    virtual_cpu.mistake = text;
}

void virtual_cpu_reset(unsigned int list_registers, bool traps_deactivate)
{
    virtual_cpu = (struct virtual_cpu){ .list_registers = list_registers,
                                        .traps_deactivate = traps_deactivate,
                                        .preemption_bits = 5 };
}

/* ---- As the controller sees it --------------------------------------------------------------- */

uint64_t list_register_read(unsigned int index)
{
    if (index >= virtual_cpu.list_registers)
        mistake("a list register that does not exist was read");
    return virtual_cpu.lr[index % 16];
}

static void check_unique(uint64_t value, unsigned int index)
{
    for (unsigned int i = 0; i < virtual_cpu.list_registers; i++) {
        uint64_t other = virtual_cpu.lr[i];

        if (i != index && FIELD_GET(STATE, other) != 0 &&
            FIELD_GET(VIRTUAL, other) == FIELD_GET(VIRTUAL, value))
            mistake("one interrupt stands in two list registers");
    }
}

void list_register_write(unsigned int index, uint64_t value)
{
    if (index >= virtual_cpu.list_registers)
        mistake("a list register that does not exist was written");
    if (FIELD_GET(STATE, value) != 0)
        check_unique(value, index);
    if (FIELD_GET(STATE, value) != 0 && (value & GROUP1) == 0)
        mistake("an interrupt of group 0 stands in a list register");
    if ((value & HARDWARE) != 0 && FIELD_GET(STATE, value) == STATE_BOTH)
        mistake("a hardware interrupt is pending and active");
    if ((value & HARDWARE) != 0 && FIELD_GET(STATE, value) != 0 &&
        !virtual_cpu.active[FIELD_GET(PHYSICAL, value)])
        mistake("a hardware interrupt stands in a list register and its line is not active");
    virtual_cpu.lr[index % 16] = value;
}

uint64_t hardware_empty(void)
{
    uint64_t empty = 0;

    for (unsigned int i = 0; i < virtual_cpu.list_registers; i++)
        empty |= FIELD_GET(STATE, virtual_cpu.lr[i]) == 0 ? BIT(i) : 0;
    return empty;
}

uint64_t hardware_control(void)
{
    return virtual_cpu.control;
}

void hardware_set_control(uint64_t value)
{
    virtual_cpu.control = value;
}

uint64_t hardware_machine_control(void)
{
    uint64_t point = virtual_cpu.binary_point;

    return (virtual_cpu.split ? BIT(9) : 0) |
           (virtual_cpu.common ? BIT(4) | (point - 1) << 21 : point << 18);
}

uint32_t hardware_active_priorities(unsigned int word)
{
    if (word >= 1u << (virtual_cpu.preemption_bits - 5))
        mistake("active priorities that do not exist were read");
    return GROUP1_ACTIVE[word % 4];
}

uint64_t hardware_type(void)
{
    return (virtual_cpu.list_registers - 1) | (virtual_cpu.traps_deactivate ? BIT(19) : 0) |
           (uint64_t)(virtual_cpu.preemption_bits - 1) << 26;
}

void hardware_reset(unsigned int words)
{
    if (words << 5 > 1u << virtual_cpu.preemption_bits)
        mistake("active priorities that do not exist were written");
    for (unsigned int i = 0; i < words && i < 4; i++)
        virtual_cpu.active_priorities[0][i] = virtual_cpu.active_priorities[1][i] = 0;
    virtual_cpu.mask = 0;
    virtual_cpu.split = false;
    virtual_cpu.common = false;
    virtual_cpu.binary_point = 8 - virtual_cpu.preemption_bits; /* as fine as there is */
    virtual_cpu.enabled_by_guest = false;
}

bool hardware_line_set(uint32_t line, enum gicv3_state state, bool on)
{
    bool *const states[] = { [GICV3_ENABLED] = virtual_cpu.enabled,
                             [GICV3_PENDING] = virtual_cpu.latched,
                             [GICV3_ACTIVE] = virtual_cpu.active };

    states[state][line] = on;
    return on || state != GICV3_ENABLED || !virtual_cpu.stuck;
}

bool hardware_line_pending(uint32_t line)
{
    return virtual_cpu.latched[line] || virtual_cpu.level[line];
}

/* ---- As the guest sees it -------------------------------------------------------------------- */

uint32_t virtual_cpu_group(uint32_t priority)
{
    return priority & 0xFF & UINT32_MAX << virtual_cpu.binary_point;
}

uint32_t virtual_cpu_running(void)
{
    for (uint32_t i = 0; i < 4; i++) {
        if (GROUP1_ACTIVE[i] != 0)
            return (i * 32 + (uint32_t)__builtin_ctz(GROUP1_ACTIVE[i]))
                   << (8 - virtual_cpu.preemption_bits);
    }
    return VIRTUAL_CPU_IDLE;
}

/* The most urgent pending list register that would be signalled; -1: none. */
static int signalled(void)
{
    uint32_t best = VIRTUAL_CPU_IDLE;
    int found = -1;

    for (unsigned int i = 0; i < virtual_cpu.list_registers; i++) {
        uint64_t lr = virtual_cpu.lr[i];
        uint32_t priority = (uint32_t)FIELD_GET(PRIORITY, lr);

        if (FIELD_GET(STATE, lr) == STATE_PENDING && priority < best) {
            best = priority;
            found = (int)i;
        }
    }
    return best < virtual_cpu.mask && virtual_cpu_group(best) < virtual_cpu_running() ? found : -1;
}

uint32_t virtual_cpu_acknowledge(void)
{
    int index = (virtual_cpu.control & CONTROL_ENABLE) != 0 && virtual_cpu.enabled_by_guest
                    ? signalled()
                    : -1;

    if (index < 0)
        return VIRTUAL_CPU_SPURIOUS;
    uint64_t *lr = &virtual_cpu.lr[index];

    *lr = (*lr & ~STATE) | FIELD_PUT(STATE, STATE_ACTIVE);
    uint32_t level = virtual_cpu_group((uint32_t)FIELD_GET(PRIORITY, *lr)) >>
                     (8 - virtual_cpu.preemption_bits);

    GROUP1_ACTIVE[level / 32] |= UINT32_C(1) << level % 32;
    return (uint32_t)FIELD_GET(VIRTUAL, *lr);
}

/* Makes it inactive in its list register, or counts it where there is none. */
static void deactivate(uint32_t interrupt)
{
    for (unsigned int i = 0; i < virtual_cpu.list_registers; i++) {
        uint64_t *lr = &virtual_cpu.lr[i];

        if ((FIELD_GET(STATE, *lr) & STATE_ACTIVE) == 0 || FIELD_GET(VIRTUAL, *lr) != interrupt)
            continue;
        *lr &= ~FIELD_PUT(STATE, STATE_ACTIVE);
        if ((*lr & HARDWARE) != 0)
            virtual_cpu.active[FIELD_GET(PHYSICAL, *lr)] = false;
        return;
    }
    uint64_t ended = FIELD_GET(CONTROL_ENDED, virtual_cpu.control) + 1;

    virtual_cpu.control = (virtual_cpu.control & ~CONTROL_ENDED) |
                          FIELD_PUT(CONTROL_ENDED, ended & 31);
}

void virtual_cpu_end(uint32_t interrupt)
{
    uint32_t *priorities = GROUP1_ACTIVE;

    while (priorities < &GROUP1_ACTIVE[3] && *priorities == 0)
        priorities++;
    if (interrupt >= 1020 || *priorities == 0)
        return;
    *priorities &= *priorities - 1;
    if (!virtual_cpu.split)
        deactivate(interrupt);
}

bool virtual_cpu_deactivate(uint32_t interrupt)
{
    if (virtual_cpu.traps_deactivate && (virtual_cpu.control & CONTROL_TRAP_DEACTIVATE) != 0)
        return false;
    if (virtual_cpu.split && interrupt < 1020)
        deactivate(interrupt);
    return true;
}

bool virtual_cpu_maintenance(void)
{
    unsigned int used = 0, pending = 0;

    for (unsigned int i = 0; i < virtual_cpu.list_registers; i++) {
        used += FIELD_GET(STATE, virtual_cpu.lr[i]) != 0;
        pending += FIELD_GET(STATE, virtual_cpu.lr[i]) == STATE_PENDING;
    }
    uint64_t control = virtual_cpu.control;

    return (control & CONTROL_ENABLE) != 0 &&
           (((control & CONTROL_UNDERFLOW) != 0 && used <= 1) ||
            ((control & CONTROL_NO_PENDING) != 0 && pending == 0) ||
            ((control & CONTROL_NOT_PRESENT) != 0 && FIELD_GET(CONTROL_ENDED, control) != 0));
}

uint32_t virtual_cpu_take_line(void)
{
    for (uint32_t line = 0; line < VIRTUAL_CPU_LINES; line++) {
        if (virtual_cpu.enabled[line] && !virtual_cpu.active[line] && hardware_line_pending(line)) {
            virtual_cpu.active[line] = true;
            virtual_cpu.latched[line] = false;
            return line;
        }
    }
    return UINT32_MAX;
}
