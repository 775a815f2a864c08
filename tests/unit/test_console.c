/* SPDX-License-Identifier: Apache-2.0 */
/* What a person types (kernel/keyboard.c and kernel/vdev/console.c): who gets it, when he is woken, and what is lost. */
#include <string.h>

#include "kernel/keyboard.h"

#include "groups.h"
#include "machine.h"
#include "observer.h"

#define BASE UINT64_C(0x40000000)
#define VISIBLE (UINT64_C(0x400000) - 64 * PAGE_SIZE)
#define PAGE_AT (BASE + 0x100000)
#define WAKE BIT(INTERRUPT_CONSOLE - 32)
#define PL011_INPUT 0x50
#define ESCAPE "\x1D"

static void start(void)
{
    machine_plain();
    machine_partition("two");
    machine.tree.cpus = 2;
    observer_start();
    machine_boot();
    machine_drain_console();
}

/* Whether the port interrupts when something comes in. */
static bool listening(void)
{
    return (machine.serial_mask & PL011_INPUT) == PL011_INPUT;
}

static void type(const char *keys)
{
    machine.typed = keys;
    for (unsigned int i = 0; *machine.typed != '\0'; i++) {
        assert_true(i < 100);
        if (listening())
            assert_true(host_interrupt(SERIAL_INTERRUPT));
        else
            machine_interrupts();
    }
}

/* Takes up to length bytes and compares what came, and that nothing beside it was written. */
static void expect_read(unsigned int partition, uint64_t length, const char *text)
{
    char *bytes = guest(partition, PAGE_AT);

    memset(bytes, '#', 300);
    assert_int_equal(call2(partition, BH_CALL_CONSOLE_READ, PAGE_AT, length), BH_OK);
    assert_int_equal(machine.x[1], strlen(text));
    assert_memory_equal(bytes, text, strlen(text));
    for (size_t i = strlen(text); i < 300; i++)
        assert_int_equal(bytes[i], '#');
}

static bool woken(unsigned int partition)
{
    uint64_t interrupts = atomic_exchange(&partitions.partition[partition].vcpu.interrupts, 0);

    assert_int_equal(interrupts & ~WAKE, 0);
    return interrupts != 0;
}

static uint32_t dropped(unsigned int partition)
{
    struct bh_query_health *health = guest(partition, PAGE_AT);

    health->size = sizeof(*health);
    assert_int_equal(call2(partition, BH_CALL_QUERY, BH_QUERY_HEALTH, PAGE_AT), BH_OK);
    return health->input_dropped;
}

static void what_is_typed_goes_to_the_first_partition_and_to_no_other(void)
{
    start();
    expect_read(0, 16, "");
    type("hello");
    expect_read(1, 16, "");
    assert_false(woken(1));
    expect_read(0, 4, "hell");
    expect_read(0, 4, "o");
    expect_read(0, 4, "");
}

static void the_escape_key_and_a_digit_give_the_keyboard_to_another_and_say_so(void)
{
    start();
    type("a" ESCAPE "2b");
    assert_console(
        "[bulkhead] keyboard: two has it; Ctrl-] and a digit, 1 to 2, gives it to another\n");
    type(ESCAPE "1c");
    assert_console("[bulkhead] keyboard: one has it;");
    expect_read(0, 16, "ac");
    expect_read(1, 16, "b");
}

static void any_other_key_behind_the_escape_key_tells_and_is_not_typed(void)
{
    static const char *const keys[] = { ESCAPE "h", ESCAPE "3", ESCAPE "0", ESCAPE "9",
                                        ESCAPE "\xFF" };

    start();
    type(ESCAPE "2");
    for (unsigned int i = 0; i < ARRAY_LENGTH(keys); i++) {
        machine_drain_console();
        machine.console_used = 0;
        memset(machine.console, 0, sizeof(machine.console));
        type(keys[i]);
        assert_console("keyboard: two has it;");
    }
    expect_read(0, 16, "");
    expect_read(1, 16, "");
}

static void the_escape_key_twice_is_typed_once(void)
{
    start();
    type(ESCAPE ESCAPE "2");
    expect_read(0, 16, ESCAPE "2");
}

static void a_partition_is_woken_when_input_comes_after_there_was_none(void)
{
    start();
    assert_false(woken(0));
    type("a");
    assert_true(woken(0));
    type("b");
    assert_false(woken(0));
    expect_read(0, 1, "a");
    type("c");
    assert_false(woken(0));
    expect_read(0, 2, "bc");
    type("d");
    assert_true(woken(0));
}

static void input_that_finds_no_room_is_dropped_counted_and_costs_no_other_partition(void)
{
    char keys[BH_CONSOLE_INPUT_BYTES + 11];

    start();
    type("xy");
    expect_read(0, 2, "xy");
    memset(keys, 'k', sizeof(keys) - 1);
    keys[sizeof(keys) - 1] = '\0';
    type(keys);
    type(ESCAPE "2z");
    assert_int_equal(dropped(0), 10);
    assert_int_equal(dropped(1), 0);
    keys[BH_CONSOLE_INPUT_BYTES] = '\0';
    expect_read(0, BH_CONSOLE_BYTES_PER_CALL, keys);
    expect_read(0, BH_CONSOLE_BYTES_PER_CALL, "");
    expect_read(1, 16, "z");
}

static void i7_one_interrupt_takes_a_bounded_number_of_bytes(void)
{
    char keys[101];

    start();
    memset(keys, 'k', 100);
    keys[100] = '\0';
    machine.typed = keys;
    assert_true(host_interrupt(SERIAL_INTERRUPT));
    assert_int_equal(machine.typed - keys, KEYBOARD_BURST);
}

/* Bytes that were taken by as many interrupts as the port raises at this moment. */
static size_t taken_now(void)
{
    const char *before = machine.typed;

    for (unsigned int i = 0; listening(); i++) {
        assert_true(i < 1000);
        assert_true(host_interrupt(SERIAL_INTERRUPT));
    }
    return (size_t)(machine.typed - before);
}

static void i7_a_flood_of_input_has_a_share_of_each_period_and_no_more(void)
{
    static char keys[10 * KEYBOARD_SHARE + 1];
    uint64_t begin;

    start();
    memset(keys, 'k', sizeof(keys) - 1);
    machine.typed = keys;
    assert_int_equal(taken_now(), KEYBOARD_SHARE);
    /* What is said meanwhile has nobody listen again, nor does the port's interrupt for room. */
    log_info("something");
    assert_true(host_interrupt(SERIAL_INTERRUPT));
    assert_int_equal(taken_now(), 0);
    for (unsigned int period = 2; period <= 9; period++) {
        begin = time_now();
        assert_true(host_interrupt_later());
        assert_in_range(time_now() - begin, 5000000, 10100000);
        assert_int_equal(taken_now() + (size_t)KEYBOARD_BURST, KEYBOARD_SHARE);
        assert_int_equal(machine.typed - keys, period * KEYBOARD_SHARE);
    }
}

static void input_that_comes_slowly_is_always_listened_to(void)
{
    start();
    for (unsigned int i = 0; i < 4 * KEYBOARD_SHARE; i++) {
        machine.typed = "k";
        assert_true(host_interrupt(SERIAL_INTERRUPT));
        assert_true(listening());
        host_advance(100000);
    }
}

static void input_that_waits_ends_with_the_life_of_its_partition(void)
{
    start();
    type("old");
    call2(0, BH_CALL_POWER, BH_POWER_RESET, 0);
    assert_int_equal(machine_run_cpu(0), HOST_GUEST);
    expect_read(0, 16, "");
    type("new");
    assert_true(woken(0));
    expect_read(0, 16, "new");
}

static void what_is_typed_between_two_lives_reaches_neither(void)
{
    start();
    call2(0, BH_CALL_POWER, BH_POWER_RESET, 0);
    type("between");
    assert_int_equal(machine_run_cpu(0), HOST_GUEST);
    assert_false(woken(0));
    expect_read(0, 16, "");
    type("new");
    assert_true(woken(0));
    expect_read(0, 16, "new");
    assert_int_equal(dropped(0), 0);
}

static void what_is_typed_to_a_partition_that_is_off_is_not_kept(void)
{
    start();
    call2(0, BH_CALL_POWER, BH_POWER_OFF, 0);
    type("x");
    assert_int_equal(partitions.partition[0].console.given, 0);
}

static void expect_refusal(int64_t code, uint64_t address, uint64_t length)
{
    uint64_t before = machine_state();

    if (call2(0, BH_CALL_CONSOLE_READ, address, length) != code)
        fail_msg("console_read(0x%llx, 0x%llx) answers %lld, not %lld", (unsigned long long)address,
                 (unsigned long long)length, (long long)machine.x[0], (long long)code);
    assert_int_equal(machine_state(), before);
}

static void console_read_refuses_bad_ranges_and_takes_nothing(void)
{
    start();
    type("kept");
    expect_refusal(BH_EINVAL, PAGE_AT, 0);
    expect_refusal(BH_EINVAL, PAGE_AT, BH_CONSOLE_BYTES_PER_CALL + 1);
    expect_refusal(BH_EINVAL, PAGE_AT, UINT64_MAX);
    expect_refusal(BH_EFAULT, BASE - 1, 2);
    expect_refusal(BH_EFAULT, BASE + VISIBLE - 1, 2);
    expect_refusal(BH_EFAULT, UINT64_MAX, 2);
    expect_read(0, BH_CONSOLE_BYTES_PER_CALL, "kept");
    assert_int_equal(call2(0, BH_CALL_CONSOLE_READ, BASE + VISIBLE - 1, 1), BH_OK);
}

int run_console_tests(void)
{
    const struct CMUnitTest tests[] = {
        TEST(what_is_typed_goes_to_the_first_partition_and_to_no_other),
        TEST(the_escape_key_and_a_digit_give_the_keyboard_to_another_and_say_so),
        TEST(any_other_key_behind_the_escape_key_tells_and_is_not_typed),
        TEST(the_escape_key_twice_is_typed_once),
        TEST(a_partition_is_woken_when_input_comes_after_there_was_none),
        TEST(input_that_finds_no_room_is_dropped_counted_and_costs_no_other_partition),
        TEST(i7_one_interrupt_takes_a_bounded_number_of_bytes),
        TEST(i7_a_flood_of_input_has_a_share_of_each_period_and_no_more),
        TEST(input_that_comes_slowly_is_always_listened_to),
        TEST(input_that_waits_ends_with_the_life_of_its_partition),
        TEST(what_is_typed_between_two_lives_reaches_neither),
        TEST(what_is_typed_to_a_partition_that_is_off_is_not_kept),
        TEST(console_read_refuses_bad_ranges_and_takes_nothing),
    };

    return RUN_GROUP("console");
}
