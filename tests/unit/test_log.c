/* SPDX-License-Identifier: Apache-2.0 */
/* The log (lib/log.c) and the partitions' consoles (kernel/vdev/console.c), on ports that are slow, stuck
 * or not there yet. */
#include <string.h>

#include "arch/arch.h"
#include "arch/seam.h"
#include "drivers/serial/serial.h"
#include "groups.h"
#include "kernel/vdev/console.h"
#include "lib/format.h"
#include "lib/log.h"
#include "machine.h"

static char out[65536];
static size_t used;
static unsigned int room;      /* bytes that the port takes before its FIFO is full */
static unsigned int busy_asks; /* times that it says "not idle" */
static bool wants_interrupt, wants_input;
static unsigned int asks;

static unsigned int starts;

static void start(uint64_t base)
{
    (void)base;
    assert_int_equal(used, 0);
    starts++;
}

static bool take(uint64_t base, char c)
{
    (void)base;
    if (room == 0)
        return false;
    room--;
    if (used + 1 < sizeof(out))
        out[used++] = c;
    return true;
}

static void ask(uint64_t base, bool room_wanted, bool input_wanted)
{
    (void)base;
    asks++;
    wants_interrupt = room_wanted;
    wants_input = input_wanted;
}

static bool idle(uint64_t base)
{
    (void)base;
    if (busy_asks == 0)
        return true;
    busy_asks--;
    return false;
}

static const struct log_port port = {
    .start = start, .write = take, .interrupt = ask, .idle = idle
};

static void a_log_without_a_port_is_at_no_address(void)
{
    assert_false(log_is_at(0));
}

static void lines_before_the_first_port_are_kept_for_it(void)
{
    log_info("early %d", 1);
    log_flush();
    room = UINT32_MAX;
    log_start(&port, 0);
    assert_string_equal(out, "[bulkhead] early 1\n");
}

static void a_port_is_started_once_before_anything_is_written_to_it(void)
{
    log_info("early");
    room = UINT32_MAX;
    log_start(&port, 0);
    assert_int_equal(starts, 1);
    log_info("late");
    assert_int_equal(starts, 1);
}

static void a_port_is_asked_for_input_from_when_it_interrupts_on(void)
{
    char c;

    log_start_interrupts(); /* without a port: there is nobody to ask, and nothing comes */
    assert_false(log_read(&c));
    room = UINT32_MAX;
    log_start(&port, 0);
    asks = 0;
    log_start_interrupts();
    assert_int_equal(asks, 1);
    assert_false(wants_interrupt);
    assert_true(wants_input);
}

static void a_port_that_is_not_listened_to_is_asked_for_room_alone(void)
{
    room = UINT32_MAX;
    log_start(&port, 0);
    log_start_interrupts();
    log_listen(false);
    assert_false(wants_input);
    log_info("a line that is longer than one burst of the port by several bytes");
    assert_true(wants_interrupt);
    assert_false(wants_input);
    log_listen(true);
    assert_true(wants_input);
}

static void sources_that_all_have_something_to_say_take_turns_line_by_line(void)
{
    log_start(&port, 0);
    log_start_interrupts();
    log_source_line(1, "one", "first", 5);
    log_source_line(1, "one", "second", 6);
    log_source_line(2, "two", "first", 5);
    room = UINT32_MAX;
    log_flush();
    assert_string_equal(out, "[one] first\n[two] first\n[one] second\n");
}

static void lines_less_urgent_than_the_level_are_not_kept(void)
{
    room = UINT32_MAX;
    log_start(&port, 0);
    log_debug("quiet");
    log_set_level(LOG_ERROR);
    log_info("quiet");
    log_warning("quiet");
    log_error("loud");
    log_set_level(LOG_DEBUG);
    log_debug("detail");
    assert_string_equal(out, "[bulkhead] loud\n[bulkhead] detail\n");
}

static void i7_a_call_pushes_no_more_than_a_burst_once_interrupts_drain_the_log(void)
{
    room = UINT32_MAX;
    log_start(&port, 0);
    log_start_interrupts();
    log_info("a line that is longer than one burst of the port by several bytes");
    assert_int_equal(used, LOG_BURST);
    assert_true(wants_interrupt);
    while (wants_interrupt)
        log_kick();
    assert_string_equal(
        out, "[bulkhead] a line that is longer than one burst of the port by several bytes\n");
}

static void a_flush_waits_until_the_last_bit_has_left(void)
{
    room = UINT32_MAX;
    log_start(&port, 0);
    busy_asks = 5;
    log_flush();
    assert_int_equal(busy_asks, 0);
}

static void a_flush_ends_though_the_port_stays_full_or_busy(void)
{
    log_start(&port, 0);
    room = 20;
    busy_asks = UINT32_MAX;
    log_start_interrupts();
    log_info("more than fits into the port");
    uint64_t before = time_now();

    log_flush();
    assert_in_range(time_now() - before, 1000000000, 1100000000);
    assert_int_equal(used, 20);
}

static void a_line_that_finds_no_room_is_counted_and_told_of_and_costs_no_other_source(void)
{
    static const char line[] = "0123456789012345678901234567890123456789";
    unsigned int kept = 0;

    log_start(&port, 0);
    log_start_interrupts();
    while (log_source_line(2, "two", line, sizeof(line) - 1))
        kept++;
    assert_true(kept > 100);
    assert_false(log_source_line(2, "two", line, sizeof(line) - 1));
    assert_int_equal(log_dropped(2), 2);
    assert_int_equal(log_dropped(1), 0);
    assert_true(log_source_line(1, "one", "here", 4));
    room = UINT32_MAX;
    while (used < 8000) /* some of it leaves, and there is room again */
        log_kick();
    assert_true(log_source_line(2, "two", "again", 5));
    log_flush();
    assert_non_null(strstr(out, "[one] here\n"));
    assert_non_null(strstr(out, "[two] ... 2 lines lost here\n[two] again\n"));
    assert_true(log_source_line(2, "two", "after", 5));
    log_flush();
    assert_string_equal(strstr(out, "[two] again"), "[two] again\n[two] after\n");
}

static void bytes_that_are_no_text_come_out_as_dots(void)
{
    room = UINT32_MAX;
    log_start(&port, 0);
    log_source_line(1, "one", "a\033[2J\x7F\xFF\x1F ~", 10);
    log_kick();
    assert_string_equal(out, "[one] a.[2J... ~\n");
}

/* ---- Seizing ------------------------------------------------------------------------------------------- */

static bool failing;

/* A CPU that fails in the middle of a line, holding the log. */
static bool fail_once(uint64_t base, char c)
{
    if (failing) {
        failing = false;
        uint64_t before = time_now();

        log_seize();
        assert_in_range(time_now() - before, 10000000, 11000000);
        log_error("last words");
        log_flush();
        arch_power_off();
    }
    return take(base, c);
}

static const struct log_port failing_port = {
    .start = start, .write = fail_once, .interrupt = ask, .idle = idle
};

static void say(void *unused)
{
    (void)unused;
    log_info("first");
}

static void the_log_can_be_taken_from_a_cpu_that_does_not_let_go_of_it(void)
{
    room = UINT32_MAX;
    log_start(&failing_port, 0);
    failing = true;
    assert_int_equal(host_run(say, NULL), HOST_OFF);
    assert_non_null(strstr(out, "[bulkhead] last words\n"));
}

static void a_free_log_is_seized_without_waiting(void)
{
    room = UINT32_MAX;
    log_start(&port, 0);
    uint64_t before = time_now();

    log_seize();
    assert_true(time_now() - before < 10 * host_time_step);
    log_info("on");
    assert_string_equal(out, "[bulkhead] on\n");
}

/* ---- Consoles ------------------------------------------------------------------------------------------- */

static void a_console_line_longer_than_a_line_goes_on_in_the_next(void)
{
    static struct console console;
    static char text[LOG_LINE + 10];

    room = UINT32_MAX;
    log_start(&port, 0);
    memset(text, 'x', sizeof(text));
    text[LOG_LINE] = 'y';
    console_write(&console, 1, "one", text, sizeof(text));
    assert_int_equal(used, strlen("[one] \n") + LOG_LINE);
    assert_null(strchr(out, 'y'));
    console_end(&console, 1, "one");
    assert_string_equal(strstr(out, "[one] y"), "[one] yxxxxxxxxx\n");
}

static void a_console_drops_carriage_returns_and_ends_once(void)
{
    static struct console console;

    room = UINT32_MAX;
    log_start(&port, 0);
    console_write(&console, 1, "one", "a\r\nb", 4);
    console_end(&console, 1, "one");
    console_end(&console, 1, "one");
    assert_string_equal(out, "[one] a\n[one] b\n");
}

/* ---- Formats that are wrong ------------------------------------------------------------------------------ */

static void a_format_that_ends_in_the_middle_or_is_unknown_does_no_harm(void)
{
    /* Without the attribute by which the compiler would find it. */
    size_t (*const any)(char *, size_t, const char *, ...) = format;
    static const char *const wrong[] = { "abc%", "abc%-08", "abc%l", "%q", "%5" };
    static const char *const expected[] = { "abc", "abc", "abc", "q", "" };
    char text[16];

    for (unsigned int i = 0; i < ARRAY_LENGTH(wrong); i++) {
        assert_int_equal(any(text, sizeof(text), wrong[i]), strlen(expected[i]));
        assert_string_equal(text, expected[i]);
    }
}

static void zeros_do_not_fill_what_is_aligned_left(void)
{
    size_t (*const any)(char *, size_t, const char *, ...) = format;
    char text[16];

    any(text, sizeof(text), "%-05d|", 12);
    assert_string_equal(text, "12   |");
}

/* ---- The PL011 (DDI 0183 3.3.10, 3.3.13) ------------------------------------------------------------- */

#define PL011_BASE UINT64_C(0x0F000000)
#define PL011_DR 0x000
#define PL011_FR 0x018
#define PL011_CR 0x030
#define PL011_IMSC 0x038
#define PL011_ICR 0x044

static struct {
    uint64_t offset, value;
} pl011_write[8];
static unsigned int pl011_writes;
static uint64_t pl011_flags, pl011_data;

static uint64_t pl011_read(void *context, uint64_t offset, unsigned int bytes)
{
    (void)context;
    (void)bytes;
    if (offset == PL011_FR)
        return pl011_flags;
    if (offset == PL011_DR) {
        assert_int_equal(pl011_flags & 0x10, 0);
        return pl011_data;
    }
    return offset == PL011_CR ? 0x8000 : 0;
}

static void pl011_note(void *context, uint64_t offset, uint64_t value, unsigned int bytes)
{
    (void)context;
    (void)bytes;
    assert_true(pl011_writes < ARRAY_LENGTH(pl011_write));
    pl011_write[pl011_writes].offset = offset;
    pl011_write[pl011_writes++].value = value;
}

static void expect_write(unsigned int index, uint64_t offset, uint64_t value)
{
    assert_true(index < pl011_writes);
    assert_int_equal(pl011_write[index].offset, offset);
    assert_int_equal(pl011_write[index].value, value);
}

static const struct log_port *start_pl011(void)
{
    const struct serial_driver *driver = serial_find("arm,pl011");

    host_reset();
    host_attach(&(struct host_registers){
        .base = PL011_BASE, .size = 0x1000, .read = pl011_read, .write = pl011_note });
    assert_non_null(driver);
    return &driver->port;
}

static void a_pl011_starts_masked_without_old_interrupts_transmits_and_receives(void)
{
    start_pl011()->start(PL011_BASE);
    assert_int_equal(pl011_writes, 3);
    expect_write(0, PL011_IMSC, 0);
    expect_write(1, PL011_ICR, 0x7FF);
    expect_write(2, PL011_CR, 0x8000 | 0x301);
}

static void a_pl011s_interrupt_for_room_is_cleared_only_when_it_is_no_longer_wanted(void)
{
    const struct log_port *pl011 = start_pl011();

    pl011->interrupt(PL011_BASE, true, true);
    assert_int_equal(pl011_writes, 1);
    expect_write(0, PL011_IMSC, 0x70);
    pl011->interrupt(PL011_BASE, false, true);
    assert_int_equal(pl011_writes, 3);
    expect_write(1, PL011_ICR, 0x20);
    expect_write(2, PL011_IMSC, 0x50);
    pl011->interrupt(PL011_BASE, true, false);
    assert_int_equal(pl011_writes, 4);
    expect_write(3, PL011_IMSC, 0x20);
}

static void a_pl011_gives_whole_bytes_and_only_while_it_has_one(void)
{
    const struct log_port *pl011 = start_pl011();
    char c = 0;

    pl011_data = 'x';
    assert_true(pl011->read(PL011_BASE, &c));
    assert_int_equal(c, 'x');
    pl011_flags = 0x10;
    assert_false(pl011->read(PL011_BASE, &c));
    pl011_flags = 0;
    for (unsigned int bit = 8; bit <= 10; bit++) { /* framing, parity, break */
        pl011_data = 'y' | BIT(bit);
        assert_false(pl011->read(PL011_BASE, &c));
    }
    pl011_data = 'z' | BIT(11); /* whole; one before it was lost */
    assert_true(pl011->read(PL011_BASE, &c));
    assert_int_equal(c, 'z');
}

int run_log_tests(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_log_without_a_port_is_at_no_address),
        TEST(lines_before_the_first_port_are_kept_for_it),
        TEST(a_port_is_started_once_before_anything_is_written_to_it),
        TEST(a_port_is_asked_for_input_from_when_it_interrupts_on),
        TEST(a_port_that_is_not_listened_to_is_asked_for_room_alone),
        TEST(sources_that_all_have_something_to_say_take_turns_line_by_line),
        TEST(lines_less_urgent_than_the_level_are_not_kept),
        TEST(i7_a_call_pushes_no_more_than_a_burst_once_interrupts_drain_the_log),
        TEST(a_flush_waits_until_the_last_bit_has_left),
        TEST(a_flush_ends_though_the_port_stays_full_or_busy),
        TEST(a_line_that_finds_no_room_is_counted_and_told_of_and_costs_no_other_source),
        TEST(bytes_that_are_no_text_come_out_as_dots),
        TEST(the_log_can_be_taken_from_a_cpu_that_does_not_let_go_of_it),
        TEST(a_free_log_is_seized_without_waiting),
        TEST(a_console_line_longer_than_a_line_goes_on_in_the_next),
        TEST(a_console_drops_carriage_returns_and_ends_once),
        TEST(a_format_that_ends_in_the_middle_or_is_unknown_does_no_harm),
        TEST(zeros_do_not_fill_what_is_aligned_left),
        TEST(a_pl011_starts_masked_without_old_interrupts_transmits_and_receives),
        TEST(a_pl011s_interrupt_for_room_is_cleared_only_when_it_is_no_longer_wanted),
        TEST(a_pl011_gives_whole_bytes_and_only_while_it_has_one),
    };

    return RUN_GROUP("lib/log");
}
