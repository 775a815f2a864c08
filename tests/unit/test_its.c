/* SPDX-License-Identifier: Apache-2.0 */
/* The driver of the ITS (drivers/irqchip) on the model: what is mapped arrives at its CPU, what is not is dropped, what
 * is taken back does not come any more, and a unit that is late is used no more. */
#include <string.h>

#include "arch/host/host.h"
#include "arch/host/store_buffer.h"
#include "groups.h"
#include "its_bench.h"
#include "lib/boot_memory.h"
#include "unit.h"

#define DEVICE 0x108
#define OTHER 0x200
#define VECTORS 4
#define CPUS 2
#define LIMIT 0x10000
#define MEMORY_SIZE UINT64_C(0x100000)

static struct message_unit unit;
static const struct topology_its topology = {
    .name = "/intc@8000000/its@8080000",
    .registers = { ITS_BASE, ITS_MODEL_FRAMES },
};

static void attach(const struct its_model_parameters *parameters)
{
    host_reset();
    its_attach(parameters);
    boot_memory_start(HOST_MEMORY_BASE, MEMORY_SIZE);
}

static void start(const struct its_model_parameters *parameters)
{
    const char *reason = NULL;

    attach(parameters);
    assert_true(lpi_start(CPUS));
    for (uint32_t i = 0; i < CPUS; i++)
        assert_true(lpi_start_cpu(ITS_REDISTRIBUTOR(i), i));
    if (!message_unit_start(&unit, &topology, parameters->two_levels ? LIMIT : OTHER + 1, &reason))
        fail_msg("the unit did not start: %s", reason);
    for (uint32_t i = 0; i < CPUS; i++) {
        if (!message_unit_add_cpu(&unit, i, ITS_REDISTRIBUTOR(i))) {
            assert_its_clean();
            fail_msg("CPU %u was not added:\n%s", i, host_console());
        }
    }
    assert_true(message_unit_add_device(&unit, DEVICE, VECTORS));
    assert_true(message_unit_add_device(&unit, OTHER, VECTORS));
    assert_its_clean();
}

static void start_kind(bool strict)
{
    const struct its_model_parameters parameters = its_kind(strict);

    start(&parameters);
}

/* Nothing is pending anywhere. */
static void expect_nothing(void)
{
    for (unsigned int i = 0; i < CPUS; i++)
        assert_int_equal(its_take(i), ITS_NO_MESSAGE);
}

static void map_and_raise(void)
{
    for (uint32_t vector = 0; vector < VECTORS; vector++) {
        assert_true(message_map(&unit, DEVICE, vector, 10 + vector, vector % CPUS));
        assert_true(message_map(&unit, OTHER, vector, 20 + vector, (vector + 1) % CPUS));
    }
    for (uint32_t vector = 0; vector < VECTORS; vector++) {
        assert_int_equal(its_model_message(its, DEVICE, vector), ITS_MODEL_TRANSLATED);
        assert_int_equal(its_take(vector % CPUS), 10 + vector);
        assert_int_equal(its_model_message(its, OTHER, vector), ITS_MODEL_TRANSLATED);
        assert_int_equal(its_take((vector + 1) % CPUS), 20 + vector);
        expect_nothing();
    }
    assert_its_clean();
}

static void i12_a_message_arrives_at_its_cpu_and_at_no_other(void)
{
    start_kind(false);
    map_and_raise();
}

static void i12_the_same_holds_on_a_unit_that_is_unlike_it_in_all_that_a_driver_must_ask(void)
{
    start_kind(true);
    map_and_raise();
}

static void the_same_holds_where_stores_become_visible_late(void)
{
    start_kind(false);
    host_stores_mode(HOST_STORES_HELD);
    map_and_raise();
    start_kind(true);
    host_stores_mode(HOST_STORES_HELD);
    map_and_raise();
}

static void i12_what_nobody_mapped_is_dropped(void)
{
    start_kind(false);
    assert_true(message_map(&unit, DEVICE, 1, 7, 0));
    assert_int_equal(its_model_message(its, DEVICE, 0), ITS_MODEL_NO_EVENT);
    assert_int_equal(its_model_message(its, DEVICE, VECTORS), ITS_MODEL_NO_EVENT);
    assert_int_equal(its_model_message(its, DEVICE, UINT32_MAX), ITS_MODEL_NO_EVENT);
    assert_int_equal(its_model_message(its, OTHER, 1), ITS_MODEL_NO_EVENT);
    assert_int_equal(its_model_message(its, DEVICE + 1, 1), ITS_MODEL_NO_DEVICE);
    assert_int_equal(its_model_message(its, LIMIT - 1, 1), ITS_MODEL_NO_DEVICE);
    expect_nothing();
}

static void i12_what_was_unmapped_is_gone_with_what_it_had_raised(void)
{
    start_kind(false);
    its_model_set_late(its, ITS_MODEL_LATE_TELLING, 1);
    assert_true(message_map(&unit, DEVICE, 2, 5, 1));
    assert_int_equal(its_model_message(its, DEVICE, 2), ITS_MODEL_TRANSLATED);
    assert_true(message_unmap(&unit, DEVICE, 2, 1));
    assert_false(its_model_pending(its, 1, LPI_FIRST + 5));
    expect_nothing();
    assert_int_equal(its_model_message(its, DEVICE, 2), ITS_MODEL_NO_EVENT);
    /* The next owner's. */
    assert_true(message_map(&unit, DEVICE, 2, 5, 0));
    expect_nothing();
    assert_int_equal(its_model_message(its, DEVICE, 2), ITS_MODEL_TRANSLATED);
    while (its_model_step(its, ITS_MODEL_LATE_TELLING))
        ;
    assert_int_equal(its_take(0), 5);
    expect_nothing();
    assert_its_clean();
}

static void a_queue_goes_round_many_times(void)
{
    start_kind(false);
    its_model_set_late(its, ITS_MODEL_LATE_COMMANDS, 3);
    for (unsigned int i = 0; i < 1000; i++) {
        assert_true(message_map(&unit, DEVICE, i % VECTORS, i % MESSAGES, i % CPUS));
        assert_int_equal(its_model_message(its, DEVICE, i % VECTORS), ITS_MODEL_TRANSLATED);
        assert_int_equal(its_take(i % CPUS), i % MESSAGES);
        assert_true(message_unmap(&unit, DEVICE, i % VECTORS, i % CPUS));
    }
    assert_int_equal(its_model_commands(its, ITS_MODEL_ANY), unit.commands);
    assert_its_clean();
}

static void expect_dead(const char *why)
{
    assert_false(unit.usable);
    assert_non_null(strstr(host_console(), why));
    assert_false(message_map(&unit, DEVICE, 1, 1, 0));
    assert_false(message_unmap(&unit, DEVICE, 0, 0));
    uint64_t used = boot_memory_used();

    assert_false(message_unit_add_device(&unit, OTHER, 1));
    assert_int_equal(boot_memory_used(), used);
    assert_int_equal(its_model_message(its, DEVICE, 0), ITS_MODEL_DISABLED);
}

static void a_unit_that_misses_a_deadline_is_used_no_more(void)
{
    start_kind(false);
    assert_true(message_map(&unit, DEVICE, 0, 0, 0));
    its_model_set_late(its, ITS_MODEL_LATE_COMMANDS, ITS_MODEL_NEVER);
    assert_false(message_unmap(&unit, DEVICE, 0, 0));
    expect_dead("missed a deadline: no device behind it raises messages any more");
}

static void a_unit_that_refuses_a_command_is_used_no_more(void)
{
    start_kind(true);
    assert_true(message_map(&unit, DEVICE, 0, 0, 0));
    assert_false(message_unmap(&unit, DEVICE, 3, 0)); /* which is not mapped */
    expect_dead("refused a command: no device behind it raises messages any more");
}

static void expect_refused(const struct topology_its *description, const char *why)
{
    const char *reason = NULL;

    assert_false(message_unit_start(&unit, description, LIMIT, &reason));
    assert_string_equal(reason, why);
    assert_false(unit.usable);
    assert_int_equal(its_model_message(its, DEVICE, 0), ITS_MODEL_DISABLED);
}

static void a_unit_that_cannot_be_used_says_why(void)
{
    struct its_model_parameters parameters = its_kind(false);
    struct topology_its narrow = topology;

    attach(&parameters);
    narrow.registers.size /= 2;
    expect_refused(&narrow, "its register range is too small");
    boot_memory_start(HOST_MEMORY_BASE, PAGE_SIZE / 2);
    expect_refused(&topology, "no memory for its collections");
    boot_memory_start(HOST_MEMORY_BASE, PAGE_SIZE);
    expect_refused(&topology, "no memory for its table of devices");
    boot_memory_start(HOST_MEMORY_BASE, 3 * PAGE_SIZE);
    expect_refused(&topology, "no memory for its command queue");

    /* A flat table of that many devices is more than the hypervisor spends on them. */
    parameters.two_levels = false;
    attach(&parameters);
    boot_memory_start(HOST_MEMORY_BASE, 2 * PAGE_SIZE);
    expect_refused(&topology, "no memory for its table of devices");
    parameters.two_levels = true;

    parameters.collection_bits = 16;
    attach(&parameters);
    its_model_write(its, 0, 1, 4);
    its_model_set_late(its, ITS_MODEL_LATE_QUIESCENT, ITS_MODEL_NEVER);
    expect_refused(&topology, "it does not come to rest");
}

/* A unit at rest that has these properties and nothing else. */
static uint64_t bare_type;

static uint64_t bare_read(void *context, uint64_t offset, unsigned int bytes)
{
    const uint64_t quiescent = BIT(31);

    (void)context;
    (void)bytes;
    return offset == 0 ? quiescent : offset == 8 ? bare_type : 0;
}

static void bare_write(void *context, uint64_t offset, uint64_t value, unsigned int bytes)
{
    (void)context;
    (void)offset;
    (void)value;
    (void)bytes;
}

static void expect_bare_refused(uint64_t type, const char *why)
{
    const char *reason = NULL;

    bare_type = type;
    assert_false(message_unit_start(&unit, &topology, LIMIT, &reason));
    assert_string_equal(reason, why);
    assert_false(unit.usable);
}

static void a_unit_without_tables_is_refused(void)
{
    host_reset();
    boot_memory_start(HOST_MEMORY_BASE, MEMORY_SIZE);
    host_attach(&(struct host_registers){
        .base = ITS_BASE, .size = ITS_MODEL_FRAMES, .read = bare_read, .write = bare_write });
    expect_bare_refused(0, "it has no physical interrupts");
    expect_bare_refused(1, "it has no table of devices, or none of CPUs");
    expect_bare_refused(1 | UINT64_C(0xFF) << 24, "it has no table of devices, or none of CPUs");
}

static unsigned int reads, meeting;

/* At that look at the unit, another CPU has waited as long as it would. */
static void meet(void)
{
    if (++reads == meeting)
        assert_false(message_unmap(&unit, DEVICE, 1, 0));
}

static void of_two_cpus_that_find_a_unit_late_one_tells(void)
{
    const char *line = "missed a deadline";

    for (unsigned int round = 0; round < 2; round++) {
        start_kind(false);
        meeting = reads; /* the last look of the first round: the deadline is over then */
        reads = 0;
        its_before_read = meet;
        its_model_set_late(its, ITS_MODEL_LATE_COMMANDS, ITS_MODEL_NEVER);
        assert_false(message_unmap(&unit, DEVICE, 0, 0));
        its_before_read = NULL;
        assert_true(reads > 1);
        const char *said = strstr(host_console(), line);

        assert_non_null(said);
        assert_null(strstr(said + 1, line));
    }
}

#define ROUND 128    /* commands that the queue has room for */
#define UNDER_WAY 24 /* of them put in by others, and not carried out */

/* Others have commands carried out until the queue has nearly gone round, and then put some more in. */
static void go_round(void)
{
    its_after_read = NULL;
    for (unsigned int i = 0; i < (ROUND - UNDER_WAY) / 4; i++) {
        assert_true(message_map(&unit, OTHER, 0, 20, 1));
        assert_true(message_unmap(&unit, OTHER, 0, 1));
    }
    unit.produced += UNDER_WAY;
}

static void i12_a_look_that_is_older_than_the_queue_is_no_end_of_what_is_under_way(void)
{
    start_kind(false);
    its_after_read = go_round;
    assert_true(message_map(&unit, DEVICE, 0, 10, 0));
    if (unit.consumed > unit.produced - UNDER_WAY)
        fail_msg("%llu of %u commands that nobody carried out are over",
                 (unsigned long long)(unit.consumed - (unit.produced - UNDER_WAY)), UNDER_WAY);
    unit.produced -= UNDER_WAY;
    assert_true(message_unmap(&unit, DEVICE, 0, 0));
    assert_its_clean();
}

static void a_unit_that_firmware_left_on_is_taken_over(void)
{
    const struct its_model_parameters parameters = its_kind(false);
    const char *reason;

    attach(&parameters);
    its_model_write(its, 0, 1, 4);
    its_model_set_late(its, ITS_MODEL_LATE_QUIESCENT, 5);
    assert_true(message_unit_start(&unit, &topology, LIMIT, &reason));
    assert_true(unit.usable);
    assert_its_clean();
}

static void a_device_beyond_the_table_or_beyond_memory_gets_none(void)
{
    start_kind(false);
    assert_false(message_unit_add_device(&unit, LIMIT, VECTORS));
    boot_memory_seal();
    assert_false(message_unit_add_device(&unit, 0x5000, VECTORS)); /* another page of devices */
    assert_false(message_unit_add_device(&unit, DEVICE + 1, VECTORS));
    assert_true(unit.usable);
    assert_its_clean();
}

static void a_device_of_one_vector_has_a_table_too(void)
{
    start_kind(false);
    assert_true(message_unit_add_device(&unit, DEVICE + 1, 1));
    assert_true(message_map(&unit, DEVICE + 1, 0, 3, 0));
    assert_int_equal(its_model_message(its, DEVICE + 1, 0), ITS_MODEL_TRANSLATED);
    assert_int_equal(its_take(0), 3);
    assert_its_clean();
}

static void more_vectors_than_a_unit_can_tell_apart_get_no_table(void)
{
    struct its_model_parameters parameters = its_kind(false);

    parameters.event_bits = 2;
    start(&parameters);
    assert_false(message_unit_add_device(&unit, DEVICE + 1, 8));
    assert_its_clean();
}

static void one_level_does_where_a_page_holds_all_devices(void)
{
    const struct its_model_parameters parameters = its_kind(false);
    const char *reason;

    attach(&parameters);
    assert_true(message_unit_start(&unit, &topology, DEVICE + 1, &reason));
    assert_null(unit.level1);
    assert_true(message_unit_add_device(&unit, DEVICE, VECTORS));
    assert_false(message_unit_add_device(&unit, DEVICE + 1, VECTORS));
    assert_its_clean();
}

static void lpis_that_firmware_keeps_on_are_not_ours(void)
{
    struct its_model_parameters parameters = its_kind(true);

    attach(&parameters);
    assert_false(lpi_start_cpu(ITS_REDISTRIBUTOR(0), 0)); /* no tables yet */
    assert_true(lpi_start(1));
    its_model_redistributor_write(its, 0, 0, 1, 4);
    assert_false(lpi_start_cpu(ITS_REDISTRIBUTOR(0), 0));
    assert_false(lpi_start_cpu(ITS_REDISTRIBUTOR(1), 1)); /* for which there is no table */

    parameters.lpis_may_end = true;
    attach(&parameters);
    assert_true(lpi_start(1));
    its_model_redistributor_write(its, 0, 0, 1, 4);
    assert_true(lpi_start_cpu(ITS_REDISTRIBUTOR(0), 0));
}

static void tables_of_lpis_need_memory(void)
{
    host_reset();
    boot_memory_start(HOST_MEMORY_BASE, PAGE_SIZE);
    assert_false(lpi_start(1));
    boot_memory_start(HOST_MEMORY_BASE, 2 * PAGE_SIZE);
    assert_false(lpi_start(1));
    boot_memory_start(HOST_MEMORY_BASE, 0x11000);
    assert_true(lpi_start(1));
    assert_false(lpi_start(2));
}

int run_its_tests(void)
{
    const struct CMUnitTest tests[] = {
        TEST(i12_a_message_arrives_at_its_cpu_and_at_no_other),
        TEST(i12_the_same_holds_on_a_unit_that_is_unlike_it_in_all_that_a_driver_must_ask),
        TEST(the_same_holds_where_stores_become_visible_late),
        TEST(i12_what_nobody_mapped_is_dropped),
        TEST(i12_what_was_unmapped_is_gone_with_what_it_had_raised),
        TEST(a_queue_goes_round_many_times),
        TEST(a_unit_that_misses_a_deadline_is_used_no_more),
        TEST(a_unit_that_refuses_a_command_is_used_no_more),
        TEST(a_unit_that_cannot_be_used_says_why),
        TEST(a_unit_without_tables_is_refused),
        TEST(of_two_cpus_that_find_a_unit_late_one_tells),
        TEST(i12_a_look_that_is_older_than_the_queue_is_no_end_of_what_is_under_way),
        TEST(a_unit_that_firmware_left_on_is_taken_over),
        TEST(a_device_beyond_the_table_or_beyond_memory_gets_none),
        TEST(a_device_of_one_vector_has_a_table_too),
        TEST(more_vectors_than_a_unit_can_tell_apart_get_no_table),
        TEST(one_level_does_where_a_page_holds_all_devices),
        TEST(lpis_that_firmware_keeps_on_are_not_ours),
        TEST(tables_of_lpis_need_memory),
    };

    return RUN_GROUP("its");
}
