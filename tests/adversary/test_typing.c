/* SPDX-License-Identifier: Apache-2.0 */
/* Somebody types while a partition ends and begins again on another CPU: a guest that sleeps until the
 * interrupt of its console comes oversleeps nothing. */
#include "kernel/hypercall.h"

#include "tests/adversary/campaign.h"
#include "tests/adversary/choices.h"
#include "tests/adversary/hardware.h"
#include "tests/unit/groups.h"

#define PAGE_AT UINT64_C(0x40100000)
#define LIVES 3
#define KEYS 12
#define WAKE BIT(INTERRUPT_CONSOLE - 32)

static bool over;
static unsigned int *read_in_all; /* shared with the runs */

static void type_keys(void *unused)
{
    (void)unused;
    for (unsigned int i = 0; i < KEYS; i++) {
        machine.typed = "k";
        host_raise(SERIAL_INTERRUPT);
        for (unsigned int wait = 0; wait < 50 && *machine.typed != '\0'; wait++)
            cpu_relax();
    }
    over = true;
}

/* What a guest does that was woken: it reads until there is nothing. */
static void read_if_woken(void)
{
    struct vcpu *vcpu = &partitions.partition[1].vcpu;
    uint64_t x[6];

    if ((atomic_exchange(&vcpu->interrupts, 0) & WAKE) == 0)
        return;
    do {
        guest_call(1, BH_CALL_CONSOLE_READ, PAGE_AT, 4, 0, 0, 0, x);
        read_in_all[0] += (unsigned int)x[1];
    } while (x[1] != 0);
}

static void reset(void *unused)
{
    uint64_t x[6] = { BH_CALL_POWER, BH_POWER_RESET };

    (void)unused;
    hypercall(&partitions.partition[1].vcpu, x, BH_CALL_POWER);
}

static void live_again_and_again(void *unused)
{
    (void)unused;
    for (unsigned int life = 0; life < LIVES; life++) {
        for (unsigned int i = guest_choice(4); i > 0; i--) {
            host_between();
            read_if_woken();
        }
        assert_int_equal(host_run(reset, NULL), HOST_IDLE);
        assert_int_equal(machine_run_cpu(1), HOST_GUEST);
    }
    while (!over) {
        cpu_relax();
        read_if_woken();
    }
}

static void type_through_resets(void)
{
    struct hardware hardware;
    const struct console *console = &partitions.partition[1].console;

    hardware_start(&hardware, HARDWARE_PROMPT);
    host_cpu_start(0, type_keys, NULL);
    host_cpu_start(1, live_again_and_again, NULL);
    hardware_run(&hardware);
    read_if_woken();
    if (console->given != console->taken)
        fail_msg("%u bytes wait, and no interrupt says so", console->given - console->taken);
}

static void a_guest_that_waits_for_its_consoles_interrupt_alone_misses_nothing_over_a_reset(void)
{
    machine_plain();
    machine_partition("two");
    machine_boot();
    machine.typed = "\x1D"
                    "2";
    assert_true(host_interrupt(SERIAL_INTERRUPT));
    machine_drain_console();
    read_in_all = (void *)choices_create();
    campaign_seeds(__func__, type_through_resets, campaign(500));
    assert_in_range(read_in_all[0], 51, 1000000); /* it did not sleep all the time */
}

int run_typing_tests(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_guest_that_waits_for_its_consoles_interrupt_alone_misses_nothing_over_a_reset),
    };

    return RUN_GROUP("kernel/typing");
}
