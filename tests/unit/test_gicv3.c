/* SPDX-License-Identifier: Apache-2.0 */
/* The driver of the physical GICv3 (drivers/irqchip) on one made of data: in which state it leaves lines,
 * in which order it changes them, and what it says of a controller that does not answer. */
#include "arch/host/host.h"
#include "gic_model.h"
#include "groups.h"
#include "unit.h"

#define FRAMES UINT64_C(0x080A0000)
#define NARROW UINT64_C(0x20000)
#define LINE 40

static void start(void)
{
    host_reset();
    gic_model_start();
}

static void expect_no_mistake(void)
{
    if (gic_model.mistakes != 0)
        fail_msg("%s", gic_model.mistake);
}

/* A machine with one region. */
static const struct topology *region(uint64_t base, uint64_t size)
{
    static struct topology topology;

    topology = (struct topology){ .gic_range = { { GIC_DISTRIBUTOR, 0x10000 }, { base, size } },
                                  .gic_range_count = 2,
                                  .gic_redistributors = 1 };
    return &topology;
}

static void expect_quiet(const struct gic_word *word)
{
    assert_int_equal(word->enabled | word->fading | word->pending | word->active, 0);
    assert_int_equal(word->group, UINT32_MAX);
    for (unsigned int i = 0; i < 32; i++)
        assert_int_equal(word->priority[i], 0xA0);
}

static void whatever_firmware_left_the_lines_start_off_and_level_triggered(void)
{
    start();
    assert_true(gicv3_distributor_start(GIC_DISTRIBUTOR));
    expect_no_mistake();
    assert_int_equal(gic_model.control, 0x12); /* affinity routing, group 1 */
    for (unsigned int i = 1; i < GIC_LINES / 32; i++) {
        expect_quiet(&gic_model.word[i]);
        assert_int_equal(gic_model.word[i].edge, 0);
    }
}

static void a_distributor_that_had_no_affinity_routing_gets_it(void)
{
    start();
    gic_model.control = 1;
    assert_true(gicv3_distributor_start(GIC_DISTRIBUTOR));
    expect_no_mistake();
    assert_int_equal(gic_model.control, 0x12);
}

static void a_cpu_gets_its_own_redistributor_awake_and_quiet(void)
{
    start();
    gic_model_add(FRAMES, 0, false, false);
    struct gic_redistributor *wide = gic_model_add(FRAMES + NARROW, 1, true, false);
    struct gic_redistributor *last = gic_model_add(FRAMES + 3 * NARROW, 0x02000301, false, true);

    assert_true(gicv3_distributor_start(GIC_DISTRIBUTOR));
    assert_int_equal(gicv3_redistributor_start(region(FRAMES, 4 * NARROW), 0x0200000301),
                     last->base);
    expect_no_mistake();
    assert_false(last->asleep);
    assert_true(wide->asleep);
    expect_quiet(&last->word);
    assert_int_equal(gicv3_redistributor_start(region(FRAMES, 4 * NARROW), 7), 0);
    assert_int_equal(gicv3_redistributor_start(region(FRAMES, NARROW), 1), 0);
}

static void redistributors_are_found_in_every_region_and_at_the_stride_of_the_tree(void)
{
    struct topology topology = {
        .gic_range = { { GIC_DISTRIBUTOR, 0x10000 },
                       { FRAMES, 4 * NARROW },
                       { FRAMES + 8 * NARROW, 6 * NARROW },
                       { FRAMES + 16 * NARROW, NARROW } }, /* of something else */
        .gic_range_count = 4,
        .gic_redistributors = 2,
    };

    start();
    gic_model_add(FRAMES, 0, false, true);
    gic_model_add(FRAMES + 8 * NARROW, 1, false, false);
    struct gic_redistributor *far = gic_model_add(FRAMES + 11 * NARROW, 2, false, true);

    gic_model_add(FRAMES + 16 * NARROW, 3, false, true);
    assert_true(gicv3_distributor_start(GIC_DISTRIBUTOR));
    topology.gic_stride = 3 * NARROW;
    assert_int_equal(gicv3_redistributor_start(&topology, 2), far->base);
    assert_false(far->asleep);
    assert_int_equal(gicv3_redistributor_start(&topology, 0), FRAMES);
    assert_int_equal(gicv3_redistributor_start(&topology, 1), FRAMES + 8 * NARROW);
    assert_int_equal(gicv3_redistributor_start(&topology, 3), 0);
}

static void a_line_of_the_hypervisor_is_configured_before_it_is_enabled(void)
{
    start();
    assert_true(gicv3_distributor_start(GIC_DISTRIBUTOR));
    /* Whatever had it on: what is configured is off, and is known to be. */
    gic_model.word[1].enabled = 1u << (LINE - 32);
    assert_true(gicv3_line_enable(LINE, true, 0x0100000203));
    expect_no_mistake();
    assert_int_equal(gic_model.word[1].enabled, 1u << (LINE - 32));
    assert_int_equal(gic_model.word[1].edge, UINT64_C(2) << (LINE - 32) * 2);
    assert_int_equal(gic_model.word[1].priority[LINE - 32], 0x80);
    assert_int_equal(gic_model.word[1].priority[LINE - 31], 0xA0);
    assert_int_equal(gic_model.router[LINE], 0x0100000203);
    assert_true(gicv3_line_enable(LINE + 1, false, 0));
    assert_int_equal(gic_model.word[1].edge, UINT64_C(2) << (LINE - 32) * 2);
}

static void a_line_that_the_distributor_does_not_have_is_refused(void)
{
    start();
    assert_true(gicv3_distributor_start(GIC_DISTRIBUTOR));
    assert_false(gicv3_line_enable(31, true, 0));
    assert_false(gicv3_line_enable(GIC_LINES, true, 0));
    assert_false(gicv3_line_route(31, 1));
    assert_false(gicv3_line_route(GIC_LINES, 1));
    assert_true(gicv3_line_route(GIC_LINES - 1, 1));
    assert_int_equal(gic_model.router[GIC_LINES - 1], 1);
    assert_int_equal(gic_model.word[2].enabled, 0);
}

static void each_state_of_an_interrupt_is_set_cleared_and_read(void)
{
    start();
    struct gic_redistributor *r = gic_model_add(FRAMES, 0, false, true);
    uint64_t base;

    assert_true(gicv3_distributor_start(GIC_DISTRIBUTOR));
    base = gicv3_redistributor_start(region(FRAMES, NARROW), 0);
    for (unsigned int i = 0; i < 2; i++) {
        uint32_t interrupt = i == 0 ? 27 : LINE, bit = 1u << interrupt % 32;
        const struct gic_word *word = i == 0 ? &r->word : &gic_model.word[1];

        gicv3_set(base, interrupt, GICV3_ENABLED, true);
        assert_int_equal(word->enabled, bit);
        gicv3_set(base, interrupt, GICV3_ENABLED, false);
        assert_int_equal(word->enabled | word->fading, 0);
        assert_false(gicv3_is_pending(base, interrupt));
        gicv3_set(base, interrupt, GICV3_PENDING, true);
        assert_true(gicv3_is_pending(base, interrupt));
        gicv3_set(base, interrupt, GICV3_PENDING, false);
        assert_int_equal(word->pending, 0);
        gicv3_set(base, interrupt, GICV3_ACTIVE, true);
        assert_int_equal(word->active, bit);
        gicv3_set(base, interrupt, GICV3_ACTIVE, false);
        assert_int_equal(word->active, 0);
    }
}

static void a_controller_that_never_answers_is_noticed_at_start(void)
{
    start();
    gic_model_add(FRAMES, 0, false, true);
    gic_model.slow = GIC_FOREVER;
    assert_false(gicv3_distributor_start(GIC_DISTRIBUTOR));
    assert_int_equal(gicv3_redistributor_start(region(FRAMES, NARROW), 0), 0);
}

static void a_distributor_that_stops_answering_is_noticed_at_each_wait(void)
{
    static const uint32_t writes = 2 + GIC_LINES /
                                           32; /* of control thrice, of each word of lines once */

    for (uint32_t prompt = 0; prompt <= writes; prompt++) {
        start();
        gic_model.slow = GIC_FOREVER;
        gic_model.prompt = prompt;
        assert_int_equal(gicv3_distributor_start(GIC_DISTRIBUTOR), prompt == writes);
    }
}

static void an_interrupt_that_is_not_masked_in_time_is_told_of(void)
{
    start();
    uint64_t base;

    gic_model_add(FRAMES, 0, false, true);
    assert_true(gicv3_distributor_start(GIC_DISTRIBUTOR));
    base = gicv3_redistributor_start(region(FRAMES, NARROW), 0);
    for (uint32_t interrupt = 27; interrupt <= LINE; interrupt += LINE - 27) {
        gic_model.slow = 3;
        assert_true(gicv3_set(base, interrupt, GICV3_ENABLED, false));
        gic_model.slow = GIC_FOREVER;
        assert_true(gicv3_set(base, interrupt, GICV3_ENABLED, true));
        assert_true(gicv3_set(base, interrupt, GICV3_PENDING, false));
        assert_true(gicv3_set(base, interrupt, GICV3_ACTIVE, false));
        assert_false(gicv3_set(base, interrupt, GICV3_ENABLED, false));
    }
}

static void a_line_whose_disable_never_ends_is_not_enabled(void)
{
    start();
    assert_true(gicv3_distributor_start(GIC_DISTRIBUTOR));
    gic_model.slow = GIC_FOREVER;
    assert_false(gicv3_line_enable(LINE, true, 0));
    assert_int_equal(gic_model.word[1].enabled, 0);
    assert_int_equal(gic_model.word[1].edge, 0);
}

int run_gicv3_tests(void)
{
    const struct CMUnitTest tests[] = {
        TEST(whatever_firmware_left_the_lines_start_off_and_level_triggered),
        TEST(a_distributor_that_had_no_affinity_routing_gets_it),
        TEST(a_cpu_gets_its_own_redistributor_awake_and_quiet),
        TEST(redistributors_are_found_in_every_region_and_at_the_stride_of_the_tree),
        TEST(a_line_of_the_hypervisor_is_configured_before_it_is_enabled),
        TEST(a_line_that_the_distributor_does_not_have_is_refused),
        TEST(each_state_of_an_interrupt_is_set_cleared_and_read),
        TEST(a_controller_that_never_answers_is_noticed_at_start),
        TEST(a_distributor_that_stops_answering_is_noticed_at_each_wait),
        TEST(an_interrupt_that_is_not_masked_in_time_is_told_of),
        TEST(a_line_whose_disable_never_ends_is_not_enabled),
    };

    return RUN_GROUP("gicv3");
}
