/* SPDX-License-Identifier: Apache-2.0 */
/* Physical memory at boot (kernel/memory.c), and the log (lib/log.c). */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "groups.h"
#include "kernel/memory.h"
#include "lib/log.h"
#include "machine.h"

static struct topology topology;

static void ram(uint64_t base, uint64_t size)
{
    topology.memory[topology.memory_count++] = (struct topology_range){ base, size };
}

static void reserved(uint64_t base, uint64_t size)
{
    topology.reserved[topology.reserved_count++] = (struct topology_range){ base, size };
}

static void nothing_reserved_is_ever_handed_out(void)
{
    static uint8_t taken[0x1000];

    ram(0x1000000, 0x1000000);
    reserved(0x1100123, 0x2000);
    reserved(0x1FFF000, 0x1000);
    topology.initrd = (struct topology_range){ 0x1800000, 0x123456 };
    assert_true(memory_start(&topology));
    for (;;) {
        uint64_t at = memory_take(PAGE_SIZE, PAGE_SIZE);

        if (at == 0)
            break;
        assert_true(range_inside(at, PAGE_SIZE, 0x1000000, 0x1000000));
        assert_false(range_overlaps(at, PAGE_SIZE, 0x1100123, 0x2000));
        assert_false(range_overlaps(at, PAGE_SIZE, 0x1FFF000, 0x1000));
        assert_false(range_overlaps(at, PAGE_SIZE, 0x1800000, 0x123456));
        assert_int_equal(taken[(at >> PAGE_SHIFT) & 0xFFF]++, 0);
    }
}

static void memory_is_taken_from_the_lowest_place_that_is_aligned(void)
{
    ram(0x5000000, 0x1000000);
    ram(0x1001000, 0x1000000);
    assert_true(memory_start(&topology));
    assert_int_equal(memory_take(0x200000, 0x200000), 0x1200000);
    assert_int_equal(memory_take(0x1000, 0x1000), 0x1001000);
    assert_int_equal(memory_take(0x1000000, 0x200000), 0x5000000);
    assert_int_equal(memory_take(0x1000000, 0x200000), 0);
}

static void an_exact_place_is_given_once_and_only_if_all_of_it_is_free(void)
{
    ram(0x1000000, 0x1000000);
    reserved(0x1400000, 0x1000);
    assert_true(memory_start(&topology));
    assert_false(memory_take_at(0x1200000, 0x400000));
    assert_true(memory_take_at(0x1200000, 0x200000));
    assert_false(memory_take_at(0x1200000, 0x200000));
    assert_false(memory_take_at(0x1F00000, 0x200000));
    assert_false(memory_take_at(0x3000000, 0x1000));
    assert_false(memory_take_at(UINT64_MAX - 0xFFF, 0x2000));
}

static void a_reservation_across_an_edge_of_memory_makes_none_beyond_it(void)
{
    ram(0x1000000, 0x10000);
    assert_true(memory_start(&topology));
    assert_true(memory_reserve(0xFF0000, 0x11000));
    assert_true(memory_reserve(0x100F000, 0x10000));
    assert_false(memory_take_at(0xFFF000, PAGE_SIZE));
    assert_false(memory_take_at(0x1000000, PAGE_SIZE));
    assert_false(memory_take_at(0x100F000, PAGE_SIZE));
    assert_false(memory_take_at(0x101F000, PAGE_SIZE));
    assert_true(memory_take_at(0x1001000, 0xE000));
}

static void more_stretches_than_are_kept_are_said(void)
{
    bool kept = true;

    ram(0x1000000, 0x1000000);
    assert_true(memory_start(&topology));
    for (uint64_t i = 0; i < 200 && kept; i++)
        kept = memory_reserve(0x1000000 + (2 * i + 1) * PAGE_SIZE, PAGE_SIZE);
    assert_false(kept);
}

static void ranges_at_the_ends_of_the_address_space_are_no_trap(void)
{
    ram(0x1000000, 0x1000000);
    ram(UINT64_MAX - 0xFFFF, 0x10000);
    reserved(UINT64_MAX - 0xFFF, 0x1000);
    reserved(0, 0x1000);
    memory_start(&topology);
    uint64_t at = memory_take(0x1000, 0x1000);

    assert_int_equal(at, 0x1000000);
}

/* ---- The log ------------------------------------------------------------------------------------- */

static bool stuck;
static char out[65536];
static size_t out_used;

static void port_start(uint64_t base)
{
    (void)base;
}

static bool port_write(uint64_t base, char c)
{
    (void)base;
    if (stuck)
        return false;
    out[out_used++] = c;
    out[out_used] = '\0';
    return true;
}

static void port_interrupt(uint64_t base, bool room, bool input)
{
    (void)base;
    (void)room;
    (void)input;
}

static bool port_idle(uint64_t base)
{
    (void)base;
    return true;
}

static const struct log_port port = {
    .start = port_start,
    .write = port_write,
    .interrupt = port_interrupt,
    .idle = port_idle,
};

static void start_log(bool interrupts)
{
    host_reset();
    log_start(&port, 0);
    if (interrupts)
        log_start_interrupts();
}

static void lines_before_the_interrupts_are_out_when_the_call_returns(void)
{
    start_log(false);
    log_info("value %d", 5);
    assert_string_equal(out, "[bulkhead] value 5\n");
    log_debug("not kept");
    assert_string_equal(out, "[bulkhead] value 5\n");
    log_set_level(LOG_DEBUG);
    log_debug("kept");
    assert_non_null(strstr(out, "[bulkhead] kept\n"));
}

static void lines_of_several_sources_come_out_whole(void)
{
    char line[32];

    start_log(true);
    stuck = true;
    for (int i = 0; i < 30; i++) {
        log_info("hypervisor %d", i);
        for (unsigned int source = 1; source < 4; source++) {
            snprintf(line, sizeof(line), "line %d of %u", i, source);
            assert_true(log_source_line(source,
                                        source == 1   ? "one"
                                        : source == 2 ? "two"
                                                      : "three",
                                        line, strlen(line)));
        }
    }
    stuck = false;
    while (out_used < 200)
        log_kick();
    log_flush();
    unsigned int lines = 0;

    for (char *at = strtok(out, "\n"); at != NULL; at = strtok(NULL, "\n"), lines++) {
        const char *name = strstr(at, "line ") != NULL ? "" : "[bulkhead] hypervisor ";
        int number, source;
        char *rest = NULL;

        if (*name == '\0') {
            const char *body = strchr(at, ']') + 2;

            number = (int)strtol(body + strlen("line "), &rest, 10);
            source = (int)strtol(rest + strlen(" of "), NULL, 10);
            assert_in_range(number, 0, 29);
            assert_int_equal(strncmp(at,
                                     source == 1   ? "[one] "
                                     : source == 2 ? "[two] "
                                                   : "[three] ",
                                     6),
                             0);
        } else {
            assert_int_equal(strncmp(at, name, strlen(name)), 0);
        }
    }
    assert_int_equal(lines, 120);
}

static void a_source_that_outruns_the_port_loses_its_own_lines_and_is_told_of(void)
{
    unsigned int kept = 0, lost = 0;

    start_log(true);
    stuck = true;
    for (unsigned int i = 0; i < 1000; i++) {
        if (log_source_line(2, "two", "0123456789", 10))
            kept++;
        else
            lost++;
    }
    assert_true(kept > 100 && lost > 0);
    assert_int_equal(log_dropped(2), lost);
    assert_int_equal(log_dropped(0), 0);
    assert_true(log_source_line(3, "three", "mine", 4));
    stuck = false;
    log_flush();
    assert_true(log_source_line(2, "two", "again", 5));
    log_flush();
    char told[64];

    snprintf(told, sizeof(told), "[two] ... %u lines lost here\n[two] again\n", lost);
    assert_non_null(strstr(out, told));
    assert_non_null(strstr(out, "[three] mine\n"));
}

static void control_characters_come_out_as_dots_and_lines_are_cut(void)
{
    static char longer[2 * LOG_LINE];

    start_log(false);
    assert_true(log_source_line(1, "one", "a\x1b[2J\n\x7f\xff\t", 9));
    log_kick();
    assert_string_equal(out, "[one] a.[2J....\n");
    out_used = 0;
    memset(longer, 'x', sizeof(longer));
    assert_true(log_source_line(1, "one", longer, sizeof(longer)));
    log_kick();
    assert_int_equal(out_used, 6 + LOG_LINE + 1);
}

static void i7_a_port_that_is_stuck_holds_nobody_for_ever(void)
{
    start_log(false);
    stuck = true;
    log_info("lost in the port");
    log_flush();
    stuck = false;
    log_flush();
    assert_string_equal(out, "[bulkhead] lost in the port\n");
}

int run_memory_tests(void)
{
    const struct CMUnitTest tests[] = {
        TEST(nothing_reserved_is_ever_handed_out),
        TEST(memory_is_taken_from_the_lowest_place_that_is_aligned),
        TEST(an_exact_place_is_given_once_and_only_if_all_of_it_is_free),
        TEST(a_reservation_across_an_edge_of_memory_makes_none_beyond_it),
        TEST(more_stretches_than_are_kept_are_said),
        TEST(ranges_at_the_ends_of_the_address_space_are_no_trap),
        TEST(lines_before_the_interrupts_are_out_when_the_call_returns),
        TEST(lines_of_several_sources_come_out_whole),
        TEST(a_source_that_outruns_the_port_loses_its_own_lines_and_is_told_of),
        TEST(control_characters_come_out_as_dots_and_lines_are_cut),
        TEST(i7_a_port_that_is_stuck_holds_nobody_for_ever),
    };

    return RUN_GROUP("kernel/memory and lib/log");
}
