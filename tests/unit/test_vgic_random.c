/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The virtual interrupt controller against an oracle: a GIC with as many interrupts as it likes to keep,
 * which knows nothing of list registers. After every step of a random walk both agree on what the
 * guest takes next and on every register that it reads. Then walks that keep no rule at all: whatever a
 * guest does, its controller stays defined and the maintenance interrupt ends.
 */
#include <stdio.h>
#include <string.h>

#include "groups.h"
#include "unit.h"
#include "vgic_guest.h"

#define WALKS 600
#define STEPS 1500
#define DEPTH 32
#define NO_LINE UINT32_MAX

/* What stands for which line, while it is routed. */
static const struct {
    uint32_t interrupt, line;
} wires[] = { { 27, 27 }, { 40, 38 }, { 41, 100 }, { 95, 33 } };

struct oracle {
    bool enabled, pending, active, away, hardware;
    uint8_t priority;
    uint32_t line;
    bool level, latched; /* of the line */
};

static struct oracle oracle[VGIC_INTERRUPTS];
static bool forward;
static struct {
    uint32_t interrupt, priority;
} running[DEPTH];
static unsigned int depth;
static uint64_t seed;

static uint32_t below(uint32_t limit)
{
    return (uint32_t)random_below(&seed, limit);
}

static uint32_t any_interrupt(void)
{
    /* Few, so that they meet. */
    return below(4) == 0 ? wires[below(ARRAY_LENGTH(wires))].interrupt : below(12) * 8 + below(2);
}

/* A line that is high becomes pending unless it is pending or active. */
static void oracle_settle(void)
{
    for (uint32_t i = 0; i < VGIC_INTERRUPTS; i++) {
        struct oracle *o = &oracle[i];

        if (o->hardware && o->enabled && !o->pending && !o->active && (o->level || o->latched)) {
            o->pending = true;
            o->latched = false;
        }
    }
}

static bool deliverable(const struct oracle *o)
{
    return o->pending && !o->active && o->enabled && !o->away && forward &&
           virtual_cpu.enabled_by_guest;
}

static void check_taken(uint32_t taken)
{
    uint32_t urgent = VIRTUAL_CPU_IDLE, threshold = virtual_cpu.mask;

    /* Among priorities that do not preempt each other the running one goes on. */
    if (depth != 0 && virtual_cpu_group(running[depth - 1].priority) < threshold)
        threshold = virtual_cpu_group(running[depth - 1].priority);
    for (uint32_t i = 0; i < VGIC_INTERRUPTS; i++) {
        if (deliverable(&oracle[i]) && oracle[i].priority < urgent)
            urgent = oracle[i].priority;
    }
    if (taken == VIRTUAL_CPU_SPURIOUS) {
        if (urgent < threshold)
            fail_msg("nothing was taken, and one of priority 0x%x waits", urgent);
        return;
    }
    struct oracle *o = &oracle[taken];

    if (urgent >= threshold || !deliverable(o) || o->priority != urgent)
        fail_msg("%u of priority 0x%x was taken; 0x%x is the most urgent, below 0x%x", taken,
                 o->priority, urgent, threshold);
    o->pending = false;
    o->active = true;
    running[depth].interrupt = taken;
    running[depth++].priority = o->priority;
}

static void take(void)
{
    if (depth < DEPTH)
        check_taken(acknowledge());
}

static bool is_running(uint32_t interrupt)
{
    for (unsigned int i = 0; i < depth; i++) {
        if (running[i].interrupt == interrupt)
            return true;
    }
    return false;
}

/* Where ends are only counted, the priority alone tells of which: a program that makes interrupts active
 * by hand takes those of the same priority back first. */
static void make_plain(uint32_t priority)
{
    for (uint32_t i = 0; i < VGIC_INTERRUPTS; i++) {
        if (!oracle[i].active || is_running(i) ||
            virtual_cpu_group(oracle[i].priority) != virtual_cpu_group(priority))
            continue;
        oracle[i].active = false;
        oracle_settle();
        write_bank(ICACTIVER, i / 32, 1u << i % 32);
    }
}

static void finish(void)
{
    if (depth == 0)
        return;
    if (!virtual_cpu.split)
        make_plain(running[depth - 1].priority);
    uint32_t interrupt = running[--depth].interrupt;

    if (!virtual_cpu.split)
        oracle[interrupt].active = false;
    oracle_settle();
    end(interrupt);
}

static void finish_split(void)
{
    uint32_t interrupt = any_interrupt();

    if (!virtual_cpu.split || is_running(interrupt)) /* its priority was not dropped */
        return;
    oracle[interrupt].active = false;
    oracle_settle();
    deactivate(interrupt);
}

static void change_level(void)
{
    struct oracle *o = &oracle[wires[below(ARRAY_LENGTH(wires))].interrupt];

    if (!o->hardware)
        return;
    o->level = !o->level;
    oracle_settle();
    set_level(o->line, o->level);
}

static void come(void)
{
    uint32_t interrupt = any_interrupt();

    if (oracle[interrupt].hardware)
        return;
    oracle[interrupt].pending = true;
    raise_one(interrupt);
}

static void oracle_clear_pending(struct oracle *o)
{
    o->pending = false;
    o->latched = false;
}

/* One write to a register with a bit for each interrupt. */
static void write_bits(void)
{
    static const uint64_t banks[] = { ISENABLER, ISENABLER, ICENABLER, ISPENDR,
                                      ICPENDR,   ISACTIVER, ICACTIVER };
    uint64_t bank = banks[below(ARRAY_LENGTH(banks))];
    uint32_t word = below(VGIC_WORDS), bits = (uint32_t)random_next(&seed);

    bits &= (uint32_t)random_next(&seed); /* a quarter of them */

    /* An end of what a program deactivated by hand would count for another. */
    for (unsigned int i = 0; i < depth && bank == ICACTIVER && !virtual_cpu.split; i++) {
        if (running[i].interrupt / 32 == word)
            bits &= ~(1u << running[i].interrupt % 32);
    }
    for (uint32_t i = word * 32; i < word * 32 + 32; i++) {
        struct oracle *o = &oracle[i];
        bool set = (bits >> i % 32 & 1) != 0;

        if (!set)
            continue;
        if (bank == ISENABLER || bank == ICENABLER)
            o->enabled = bank == ISENABLER;
        else if (bank == ISPENDR && o->hardware)
            o->latched = true;
        else if (bank == ISPENDR)
            o->pending = true;
        else if (bank == ICPENDR)
            oracle_clear_pending(o);
        else if (bank == ISACTIVER && !o->active) {
            o->active = true;
            o->pending = o->pending && !o->hardware;
        } else if (bank == ICACTIVER)
            o->active = false;
    }
    oracle_settle();
    write_bank(bank, word, bits);
}

static void write_one(void)
{
    uint32_t interrupt = any_interrupt();
    struct oracle *o = &oracle[interrupt];

    if (below(3) == 0 && interrupt >= VGIC_PRIVATE) {
        o->away = below(2);
        distributor_write(0x6000 + (uint64_t)interrupt * 8, 8, o->away ? 1 + below(0xFFFFFF) : 0);
    } else if (!o->active) { /* of an active one a change is not defined */
        o->priority = (uint8_t)(below(32) << 3);
        write_priority(interrupt, o->priority);
    }
}

static void control(void)
{
    switch (below(4)) {
    case 0:
        forward = below(4) != 0;
        distributor_write(0, 4, forward ? 2 : 0);
        break;
    case 1:
        virtual_cpu.mask = below(3) == 0 ? below(32) << 3 : 0xFF;
        break;
    case 2:
        virtual_cpu.enabled_by_guest = below(4) != 0;
        break;
    default:
        for (uint32_t i = 0; i < VGIC_INTERRUPTS; i++) {
            if (oracle[i].active)
                return;
        }
        virtual_cpu.split = below(2);
        break;
    }
    settle();
}

static void rewire(void)
{
    unsigned int wire = 1 + below(ARRAY_LENGTH(wires) - 1);
    struct oracle *o = &oracle[wires[wire].interrupt];

    if (o->active)
        return;
    oracle_clear_pending(o);
    if (o->hardware) {
        virtual_cpu.level[o->line] = false; /* the device is silenced first */
        vgic_unroute(&vgic, o->line);
        assert_false(virtual_cpu.enabled[o->line] || virtual_cpu.active[o->line]);
        o->hardware = false;
        o->level = false;
    } else {
        o->hardware = true;
        o->line = wires[wire].line;
        assert_true(vgic_route(&vgic, wires[wire].interrupt, o->line));
    }
    settle();
}

static uint32_t expected(uint64_t bank, uint32_t word)
{
    uint32_t value = 0;

    for (uint32_t i = 0; i < 32; i++) {
        const struct oracle *o = &oracle[word * 32 + i];
        bool set = bank == ISENABLER ? o->enabled
                   : bank == ISPENDR ? o->pending || o->level || o->latched
                                     : o->active;

        value |= (uint32_t)set << i;
    }
    return value;
}

static void compare(void)
{
    static const uint64_t banks[] = { ISENABLER, ISPENDR, ISACTIVER };

    for (unsigned int b = 0; b < ARRAY_LENGTH(banks); b++) {
        uint32_t word = below(VGIC_WORDS), seen = read_bank(banks[b], word);

        if (seen != expected(banks[b], word))
            fail_msg("register 0x%x, word %u: 0x%x, expected 0x%x", (unsigned int)banks[b], word,
                     seen, expected(banks[b], word));
    }
    uint32_t interrupt = VGIC_PRIVATE + below(VGIC_SHARED);

    assert_int_equal(distributor_read(0x400 + interrupt, 1), oracle[interrupt].priority);
}

static void begin(unsigned int list_registers, bool traps_deactivate)
{
    memset(oracle, 0, sizeof(oracle));
    depth = 0;
    vgic_guest_start(list_registers, traps_deactivate);
    vgic_guest_open();
    forward = true;
    virtual_cpu.binary_point = 3 + below(4);
    for (uint32_t i = 0; i < VGIC_INTERRUPTS; i++)
        oracle[i] = (struct oracle){ .enabled = true, .priority = 0xA0 };
    oracle[wires[0].interrupt].hardware = true;
    oracle[wires[0].interrupt].line = wires[0].line;
}

static void step(void)
{
    static void (*const steps[])(
        void) = { take,         take,    take,         finish,     finish,    come,   come,
                  change_level, control, finish_split, write_bits, write_one, rewire, compare };

    steps[below(ARRAY_LENGTH(steps))]();
    if (!virtual_cpu.traps_deactivate)
        virtual_cpu.split = false;
}

static void walk(bool traps_deactivate)
{
    static const unsigned int sizes[] = { 1, 2, 4, 4, 16 };

    for (unsigned int n = 0; n < campaign(WALKS); n++) {
        seed = n + (traps_deactivate ? 1000000 : 0);
        printf("walk %u\n", n);
        begin(sizes[n % ARRAY_LENGTH(sizes)], traps_deactivate);
        for (unsigned int i = 0; i < STEPS; i++)
            step();
    }
}

static void a_guest_sees_what_a_controller_without_list_registers_would_show(void)
{
    walk(true);
}

static void a_guest_sees_the_same_where_deactivation_does_not_trap(void)
{
    walk(false);
}

static void whatever_a_guest_does_its_controller_stays_defined(void)
{
    for (unsigned int n = 0; n < campaign(WALKS); n++) {
        seed = 2000000 + n;
        printf("walk %u\n", n);
        begin(1 + n % 5, n % 2);
        assert_true(vgic_route(&vgic, 40, 38));
        for (unsigned int i = 0; i < STEPS; i++) {
            uint64_t offset = below(8) == 0 ? below(0x10000) : below(0x100) * 4 + below(2) * 0xC00;
            unsigned int bytes = 1u << below(4);

            virtual_cpu.split = below(8) == 0 ? below(2) : virtual_cpu.split;
            virtual_cpu.level[wires[below(2)].line] = below(2);
            switch (below(6)) {
            case 0:
                distributor_write(offset, bytes, random_next(&seed));
                break;
            case 1:
                redistributor_write(offset + UINT64_C(0x10000) * below(2), bytes,
                                    random_next(&seed));
                break;
            case 2:
                raise_one(below(2) * 32 + below(8));
                break;
            case 3:
                acknowledge();
                break;
            case 4:
                end(below(1024));
                break;
            default:
                deactivate(below(1024));
                break;
            }
        }
    }
}

int run_vgic_random_tests(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_guest_sees_what_a_controller_without_list_registers_would_show),
        TEST(a_guest_sees_the_same_where_deactivation_does_not_trap),
        TEST(whatever_a_guest_does_its_controller_stays_defined),
    };

    return RUN_GROUP("vgic random");
}
