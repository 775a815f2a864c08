/* SPDX-License-Identifier: Apache-2.0 */
/* Each wrong driver is caught under a scenario that the right one passes, and the report says why. */
#include <string.h>

#include "groups.h"
#include "machine.h"
#include "observer.h"
#include "wrong/wrong.h"

#define BASE UINT64_C(0x40000000)
#define IOVA UINT64_C(0x10000)

static uint64_t ioas;

/* ---- Scenarios --------------------------------------------------------------------------------------------- */

/* Boots and attaches; install: the wrong driver, from before the attach on, or NULL. */
static void begin(void (*install)(void), const struct observer_options *options)
{
    struct smmuv3_model_parameters parameters = smmuv3_model_like_mmu600();

    parameters.cohacc = install != wrong_no_clean;
    machine_plain_with(&parameters);
    machine.partition[0].pci[1] = DEVICE2_NAME;
    observer_start_with(options);
    machine_boot();
}

static void attach(void)
{
    ioas = bind_and_attach(0, DEVICE1_ID, 1);
    assert_int_equal(map(0, ioas, IOVA, BASE + 0x1000, 3 * PAGE_SIZE), BH_OK);
}

static void (*installed)(void);
static const struct observer_options plain;

static void install(void)
{
    if (installed != NULL)
        installed();
}

static void unmap_a_page(void)
{
    begin(installed, &plain);
    attach();
    install();
    assert_int_equal(unmap(0, ioas, IOVA, PAGE_SIZE), BH_OK);
}

static void unmap_two_pages(void)
{
    begin(installed, &plain);
    attach();
    install();
    assert_int_equal(unmap(0, ioas, IOVA, 2 * PAGE_SIZE), BH_OK);
}

static void unmap_all(void)
{
    begin(installed, &plain);
    attach();
    install();
    assert_int_equal(unmap(0, ioas, IOVA, 3 * PAGE_SIZE), BH_OK);
}

/* The queue has wrapped, so that its slots hold commands of earlier. */
static void unmap_when_the_queue_has_wrapped(void)
{
    begin(installed, &(struct observer_options){ .mode = HOST_STORES_HELD });
    attach();
    for (unsigned int i = 0; i < 300; i++) {
        assert_int_equal(map(0, ioas, 2 * IOVA, BASE, PAGE_SIZE), BH_OK);
        assert_int_equal(unmap(0, ioas, 2 * IOVA, PAGE_SIZE), BH_OK);
    }
    install();
    assert_int_equal(unmap(0, ioas, IOVA, PAGE_SIZE), BH_OK);
}

static const struct observer_options held = { .mode = HOST_STORES_HELD };

static void unmap_while_stores_wait(void)
{
    begin(installed, &held);
    attach();
    install();
    assert_int_equal(unmap(0, ioas, IOVA, PAGE_SIZE), BH_OK);
}

static void map_while_stores_wait(void)
{
    begin(installed, &held);
    attach();
    install();
    assert_int_equal(map(0, ioas, 2 * IOVA, BASE, PAGE_SIZE), BH_OK);
}

static void detach_while_stores_wait(void)
{
    begin(installed, &held);
    attach();
    install();
    assert_int_equal(call2(0, BH_CALL_DETACH, DEVICE1_ID, BH_PASID_NONE), BH_OK);
}

static void attach_a_device(void)
{
    begin(installed, &plain);
    install();
    attach();
}

static void detach_a_device(void)
{
    begin(installed, &plain);
    install();
    attach();
    assert_int_equal(call2(0, BH_CALL_DETACH, DEVICE1_ID, BH_PASID_NONE), BH_OK);
}

static void detach_by_a_driver_that_was_right(void)
{
    begin(installed, &plain);
    attach();
    install();
    assert_int_equal(call2(0, BH_CALL_DETACH, DEVICE1_ID, BH_PASID_NONE), BH_OK);
}

static void attach_two_devices(void)
{
    begin(installed, &plain);
    attach();
    install();
    bind_and_attach(0, DEVICE2_ID, 2);
}

/* ---- Caught, and not ----------------------------------------------------------------------------------------- */

static void expect_lines(const char *report, const char *const *lines)
{
    for (; *lines != NULL; lines++) {
        if (strstr(report, *lines) == NULL)
            fail_msg("the report lacks \"%s\":\n%s", *lines, report);
    }
}

/* The wrong driver is caught, and the report has the lines. */
static void caught(void (*wrong)(void), void (*scenario)(void), const char *const *lines)
{
    installed = wrong;
    const char *report = observer_caught(scenario);

    if (report == NULL)
        fail_msg("the wrong driver was not noticed");
    else
        expect_lines(report, lines);
}

static void passes(void (*scenario)(void))
{
    installed = NULL;
    const char *report = observer_caught(scenario);

    if (report != NULL)
        fail_msg("the right driver is said to be wrong:%s", report);
    assert_true(observer_counts().calls > 2);
    observer_check_all();
    assert_units_clean();
}

#define LINES(...)                                                                                 \
    (const char *const[])                                                                          \
    {                                                                                              \
        __VA_ARGS__, NULL                                                                          \
    }

static void i4_an_unmap_that_does_not_wait_for_its_tlbi_is_caught(void)
{
    caught(wrong_unmap_without_sync, unmap_a_page,
           LINES("I4: a frame, table page or tag is used again only after",
                 "it still reaches what a call took from it",
                 "stream 0x100 of unit 0: device 0x10000100, bound to one, attached to ioas 0x101",
                 "it reads and writes 0x10000 to 0x10fff", "through a cache of the unit",
                 "which is memory of partition one, guest-physical 0x40001000",
                 "ioas_unmap(0x101, 0x10000, 0x1000) answered OK", "level 3 [16]",
                 "memory ends here: the unit goes on by what it has cached",
                 "unit 0 consumed CMD_TLBI_S2_IPA tag 2 address 0x10000", "Seed 0x1"));
}

static void i4_commands_that_are_told_of_before_they_can_be_seen_are_caught(void)
{
    caught(wrong_barrier_before_producer, unmap_when_the_queue_has_wrapped,
           LINES("I4: a frame", "it reads and writes 0x10000 to 0x10fff",
                 "unit 0 consumed CMD_TLBI_S2_IPA tag 2 address 0x20000",
                 "ioas_unmap(0x101, 0x10000, 0x1000) answered OK"));
}

static void i4_an_unmap_whose_cleared_leaf_is_behind_no_barrier_is_caught(void)
{
    caught(wrong_no_barrier_behind_a_leaf, unmap_while_stores_wait,
           LINES("I4: a frame", "it still reaches what a call took from it",
                 "it reads and writes 0x10000 to 0x10fff"));
}

static void i3_a_map_whose_leaf_is_behind_no_barrier_is_caught(void)
{
    caught(wrong_no_barrier_behind_a_leaf, map_while_stores_wait,
           LINES("I3: ", "a call answered that this is mapped, and the unit finds nothing there"));
}

static void i4_a_detach_whose_live_entry_is_behind_no_barrier_is_caught(void)
{
    caught(wrong_no_barrier_behind_the_entry, detach_while_stores_wait,
           LINES("I4: a frame", "it still reaches what a call took from it",
                 "device 0x10000100, bound to one, parked"));
}

static void i4_a_tag_that_is_given_back_while_it_is_in_use_is_caught(void)
{
    caught(wrong_tag_given_early, detach_a_device,
           LINES("I4: a frame", "tag 2 is given back while this stream's entry names it",
                 "under way: partition one: detach(0x10000100, 0xffffffff)", "S2VMID=2"));
}

static void detach_that_is_said_to_time_out(void)
{
    begin(installed, &plain);
    attach();
    install();
    assert_int_equal(call2(0, BH_CALL_DETACH, DEVICE1_ID, BH_PASID_NONE), BH_ETIMEDOUT);
}

static void i4_a_unit_that_works_is_no_excuse_for_a_detach_that_times_out(void)
{
    caught(wrong_silenced_only_in_name, detach_that_is_said_to_time_out,
           LINES("I4: a frame", "it still reaches what a call took from it",
                 "detach(0x10000100, 0xffffffff) answered ETIMEDOUT"));
}

/* A free table page, and a tag, that a unit which is off may still have. */
static void free_what_a_failed_unit_has(void)
{
    begin(installed, &plain);
    attach();
    install();
    smmuv3_model_raise_gerror(machine.unit[0], SMMUV3_MODEL_SFM_ERR);
    machine_interrupts();
    assert_int_equal(call2(0, BH_CALL_DETACH, DEVICE1_ID, BH_PASID_NONE), BH_ETIMEDOUT);
    unmap(0, ioas, IOVA, 3 * PAGE_SIZE);
    call1(0, BH_CALL_IOAS_FREE, ioas);
}

static void i4_a_failed_unit_that_is_said_to_have_forgotten_is_caught(void)
{
    caught(wrong_failure_forgotten, free_what_a_failed_unit_has,
           LINES("I4: a frame", "unit 0", "ioas_free(0x101)"));
}

static void the_right_driver_passes_what_a_failed_unit_has(void)
{
    passes(free_what_a_failed_unit_has);
}

static void i5_a_tag_that_names_two_roots_is_caught(void)
{
    caught(wrong_tag_given_twice, attach_two_devices,
           LINES("I5: a tag names one root",
                 "tag 2 is handed out while this stream's entry names it"));
}

static void i11_an_entry_that_is_rewritten_in_place_is_caught(void)
{
    caught(wrong_entry_in_place, attach_a_device,
           LINES("I11: while its entry is changed a stream sees the old translation, the new one",
                 "a mixture", "word 3 of the entry of stream 0x100 of unit 0", "by stream_set",
                 "under way: partition one: attach(0x10000100, 0xffffffff, 0x101)",
                 "change  S2TTB 0x"));
}

static void i4_one_tlbi_too_few_is_caught(void)
{
    caught(wrong_narrow_invalidation, unmap_two_pages,
           LINES("I4: a frame", "it reads and writes 0x11000 to 0x11fff",
                 "ioas_unmap(0x101, 0x10000, 0x2000) answered OK",
                 "unit 0 consumed CMD_TLBI_S2_IPA tag 2 address 0x10000 leaf=1"));
}

static void i4_a_table_page_that_a_walk_cache_still_names_is_caught(void)
{
    caught(wrong_walk_caches_kept, unmap_all,
           LINES("I4: a frame", "leads to the table page 0x", "which is free",
                 "a page that is free", "is given back", "tag 2 address 0x10000 leaf=1"));
}

static void i11_an_entry_that_the_unit_is_not_told_to_forget_is_caught(void)
{
    caught(wrong_entry_not_forgotten, detach_by_a_driver_that_was_right,
           LINES("I11: while its entry is changed", "stream 0x100 of unit 0",
                 "detach(0x10000100, 0xffffffff)"));
}

static void i11_an_entry_that_is_valid_before_its_words_is_caught(void)
{
    caught(wrong_valid_before_words, attach_a_device,
           LINES("I11: while its entry is changed", "under way: partition one: attach",
                 "of the entry of stream 0x100 of unit 0"));
}

static void i4_a_detach_that_does_not_wait_for_the_last_accesses_is_caught(void)
{
    caught(wrong_no_drain, detach_a_device,
           LINES("I4: a frame", "its last accesses may be under way", "left tag 2",
                 "detach(0x10000100, 0xffffffff) answered OK"));
}

static void i4_a_detach_that_waits_for_them_while_the_entry_names_the_tag_is_caught(void)
{
    caught(wrong_drain_too_early, detach_by_a_driver_that_was_right,
           LINES("I4: a frame", "its last accesses may be under way", "left tag 2",
                 "detach(0x10000100, 0xffffffff) answered OK"));
}

static void i5_a_root_that_turns_before_its_tag_is_caught(void)
{
    caught(wrong_root_before_tag, attach_a_device,
           LINES("I5: a tag names one root", "tag 1 names the root 0x",
                 "under way: partition one: attach(0x10000100, 0xffffffff, 0x101)"));
}

static void i4_a_cleared_leaf_that_stays_in_a_cache_of_the_cpu_is_caught(void)
{
    caught(wrong_no_clean, unmap_a_page,
           LINES("I4: a frame", "it reads and writes 0x10000 to 0x10fff at the physical address",
                 "level 3 [16]", "leaf of 0x1000 bytes"));
}

static void the_right_driver_passes_unmap_a_page(void)
{
    passes(unmap_a_page);
}

static void the_right_driver_passes_unmap_two_pages(void)
{
    passes(unmap_two_pages);
}

static void the_right_driver_passes_unmap_all(void)
{
    passes(unmap_all);
}

static void the_right_driver_passes_while_stores_wait(void)
{
    passes(detach_while_stores_wait);
}

static void the_right_driver_passes_a_queue_that_has_wrapped(void)
{
    passes(unmap_when_the_queue_has_wrapped);
}

static void the_right_driver_passes_attach_and_detach(void)
{
    passes(detach_a_device);
}

static void the_right_driver_passes_attach_of_two_devices(void)
{
    passes(attach_two_devices);
}

static void the_right_driver_passes_without_coherence(void)
{
    begin(wrong_no_clean, &plain);
    attach();
    assert_int_equal(unmap(0, ioas, IOVA, PAGE_SIZE), BH_OK);
    assert_int_equal(call2(0, BH_CALL_DETACH, DEVICE1_ID, BH_PASID_NONE), BH_OK);
    observer_check_all();
    assert_units_clean();
}

/* One space, and a device behind each of two units in it; both have fetched what goes. */
static void unmap_behind_two_units(void)
{
    static const enum smmuv3_model_variant kinds[] = { SMMUV3_MODEL_PLAIN, SMMUV3_MODEL_RANGES };

    machine_units(kinds, ARRAY_LENGTH(kinds));
    observer_start_with(&plain);
    machine_boot();
    ioas = bind_and_attach(0, MACHINE_DEVICE_ID(0), 1);
    assert_int_equal(bind(0, MACHINE_DEVICE_ID(2), 2), BH_OK);
    assert_int_equal(call3(0, BH_CALL_ATTACH, MACHINE_DEVICE_ID(2), BH_PASID_NONE, ioas), BH_OK);
    assert_int_equal(map(0, ioas, IOVA, BASE + 0x1000, 3 * PAGE_SIZE), BH_OK);
    install();
    assert_int_equal(unmap(0, ioas, IOVA, PAGE_SIZE), BH_OK);
}

static void i4_an_unmap_that_tells_only_the_first_unit_is_caught(void)
{
    caught(wrong_second_unit_not_told, unmap_behind_two_units,
           LINES("I4: a frame", "it still reaches what a call took from it",
                 "stream 0x10 of unit 1", "through a cache of the unit"));
}

static void the_right_driver_passes_an_unmap_behind_two_units(void)
{
    passes(unmap_behind_two_units);
}

int run_wrong_tests(void)
{
    const struct CMUnitTest tests[] = {
        TEST(i4_an_unmap_that_does_not_wait_for_its_tlbi_is_caught),
        TEST(i4_commands_that_are_told_of_before_they_can_be_seen_are_caught),
        TEST(i4_an_unmap_whose_cleared_leaf_is_behind_no_barrier_is_caught),
        TEST(i3_a_map_whose_leaf_is_behind_no_barrier_is_caught),
        TEST(i4_a_detach_whose_live_entry_is_behind_no_barrier_is_caught),
        TEST(i4_a_tag_that_is_given_back_while_it_is_in_use_is_caught),
        TEST(i4_a_unit_that_works_is_no_excuse_for_a_detach_that_times_out),
        TEST(i4_a_failed_unit_that_is_said_to_have_forgotten_is_caught),
        TEST(the_right_driver_passes_what_a_failed_unit_has),
        TEST(i4_an_unmap_that_tells_only_the_first_unit_is_caught),
        TEST(the_right_driver_passes_an_unmap_behind_two_units),
        TEST(i5_a_tag_that_names_two_roots_is_caught),
        TEST(i11_an_entry_that_is_rewritten_in_place_is_caught),
        TEST(i4_one_tlbi_too_few_is_caught),
        TEST(i4_a_table_page_that_a_walk_cache_still_names_is_caught),
        TEST(i11_an_entry_that_the_unit_is_not_told_to_forget_is_caught),
        TEST(i11_an_entry_that_is_valid_before_its_words_is_caught),
        TEST(i4_a_detach_that_does_not_wait_for_the_last_accesses_is_caught),
        TEST(i4_a_detach_that_waits_for_them_while_the_entry_names_the_tag_is_caught),
        TEST(i5_a_root_that_turns_before_its_tag_is_caught),
        TEST(i4_a_cleared_leaf_that_stays_in_a_cache_of_the_cpu_is_caught),
        TEST(the_right_driver_passes_unmap_a_page),
        TEST(the_right_driver_passes_unmap_two_pages),
        TEST(the_right_driver_passes_unmap_all),
        TEST(the_right_driver_passes_while_stores_wait),
        TEST(the_right_driver_passes_a_queue_that_has_wrapped),
        TEST(the_right_driver_passes_attach_and_detach),
        TEST(the_right_driver_passes_attach_of_two_devices),
        TEST(the_right_driver_passes_without_coherence),
    };

    return RUN_GROUP("observer/wrong drivers");
}
