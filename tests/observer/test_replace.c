/* SPDX-License-Identifier: Apache-2.0 */
/*
 * How the observer judges a replace: the test plays the kernel, step by step, rightly and wrongly. It says
 * that the call begins, changes the live entry, tells the unit, and says what the call answered.
 */
#include <string.h>

#include "groups.h"
#include "machine.h"
#include "observer.h"
#include "wrap.h"
#include "wrong/wrong.h"

#define BASE UINT64_C(0x40000000)
#define IOVA UINT64_C(0x10000)
#define STREAM1 0x100
#define STREAM2 0x200

static uint64_t old_space, new_space;
static uint64_t old_root, new_root; /* words 3 of the entries */
static uint64_t old_tag, new_tag, spare_tag;

/* ---- The kernel's part -------------------------------------------------------------------------------- */

/* Both devices are attached, each to a space of its own, and what is at IOVA there differs. */
static void begin_with(const struct observer_options *options)
{
    machine_plain();
    machine.partition[0].pci[1] = DEVICE2_NAME;
    pci_model_express(&machine.pci, DEVICE2, 0, true);
    observer_start_with(options);
    machine_boot();
    old_space = bind_and_attach(0, DEVICE1_ID, 1);
    new_space = bind_and_attach(0, DEVICE2_ID, 2);
    assert_int_equal(map(0, old_space, IOVA, BASE + 0x1000, 2 * PAGE_SIZE), BH_OK);
    assert_int_equal(map(0, new_space, IOVA, BASE + 0x5000, 2 * PAGE_SIZE), BH_OK);
    old_root = wrong_entry(STREAM1)[3];
    new_root = wrong_entry(STREAM2)[3];
    old_tag = FIELD_GET(STE2_VMID, wrong_entry(STREAM1)[2]);
    new_tag = FIELD_GET(STE2_VMID, wrong_entry(STREAM2)[2]);
    spare_tag = iommu_tag_take(&devices.iommu[0]);
    assert_true(spare_tag != 0);
}

static void call_begins(void)
{
    const uint64_t x[6] = { BH_CALL_REPLACE, DEVICE1_ID, BH_PASID_NONE, new_space };

    observer_call_begins(0, BH_CALL_REPLACE, x);
}

static void call_returns(int64_t result, bool hitless)
{
    const uint64_t x[6] = { (uint64_t)result, hitless };

    observer_call_returned(0, x);
}

static void issue(struct command command)
{
    assert_int_equal(smmuv3_issue(devices.iommu[0].unit, &command, 1), IOMMU_OK);
}

static void write_word(unsigned int word, uint64_t value)
{
    entry_write64(&wrong_entry(STREAM1)[word], value);
    barrier_entries();
}

static void write_tag(uint64_t tag)
{
    write_word(2, (wrong_entry(STREAM1)[2] & ~STE2_VMID) | FIELD_PUT(STE2_VMID, tag));
}

static void forget_entry(void)
{
    issue(command_cfgi_ste(STREAM1, true));
}

static void set_tag(uint64_t tag)
{
    write_tag(tag);
    forget_entry();
}

static void set_root(uint64_t root)
{
    write_word(3, root);
    forget_entry();
}

static void forget_tag(uint64_t tag)
{
    const uint64_t tlbi_s12_vmall = 0x28;

    issue((struct command){ .word = { tlbi_s12_vmall | tag << 32 } });
}

static const struct observer_options plain;

static void replace_by_a_reserved_tag(void)
{
    call_begins();
    set_tag(spare_tag);
    set_root(new_root);
    set_tag(new_tag);
    forget_tag(spare_tag);
    call_returns(BH_OK, true);
}

/* ---- Right -------------------------------------------------------------------------------------------------- */

static void expect_new(void)
{
    uint64_t value = 0;

    assert_int_equal(dma_write(DEVICE1, IOVA, 0x77), DMA_LANDED);
    memcpy(&value, guest(0, BASE + 0x5000), sizeof(value));
    assert_int_equal(value, 0x77);
    observer_check_all();
}

static void i11_a_replace_by_a_reserved_tag_is_hitless(void)
{
    begin_with(&plain);
    replace_by_a_reserved_tag();
    expect_new();
}

static void i11_a_replace_by_a_reserved_tag_is_right_in_whatever_order_stores_are_seen(void)
{
    begin_with(&(struct observer_options){ .mode = HOST_STORES_SCHEDULED });
    replace_by_a_reserved_tag();
    expect_new();
}

static void i5_a_reserved_tag_serves_again_once_it_is_clean(void)
{
    begin_with(&plain);
    replace_by_a_reserved_tag();
    /* And back, by the same tag over the same roots in the other order. */
    const uint64_t x[6] = { BH_CALL_REPLACE, DEVICE1_ID, BH_PASID_NONE, old_space };

    observer_call_begins(0, BH_CALL_REPLACE, x);
    set_tag(spare_tag);
    set_root(old_root);
    set_tag(old_tag);
    forget_tag(spare_tag);
    call_returns(BH_OK, true);
    assert_int_equal(dma_write(DEVICE1, IOVA, 0x78), DMA_LANDED);
    assert_int_equal(*(uint64_t *)guest(0, BASE + 0x1000), 0x78);
}

static void replace_by_way_of_nothing(bool said_hitless)
{
    uint64_t valid;

    begin_with(&plain);
    valid = wrong_entry(STREAM1)[0];
    call_begins();
    write_word(0, valid & ~BIT(0));
    forget_entry();
    write_tag(new_tag);
    write_word(3, new_root);
    forget_entry();
    write_word(0, valid);
    forget_entry();
    forget_tag(old_tag);
    call_returns(BH_OK, said_hitless);
}

static void i11_a_replace_that_says_that_it_was_not_hitless_may_block(void)
{
    replace_by_way_of_nothing(false);
    expect_new();
}

static void i11_a_replace_that_fails_leaves_what_was(void)
{
    begin_with(&plain);
    call_begins();
    set_tag(spare_tag);
    set_tag(old_tag);
    forget_tag(spare_tag);
    call_returns(BH_ENOSPC, false);
    assert_int_equal(dma_write(DEVICE1, IOVA, 0x79), DMA_LANDED);
    assert_int_equal(*(uint64_t *)guest(0, BASE + 0x1000), 0x79);
}

/* ---- Wrong --------------------------------------------------------------------------------------------------- */

static void caught(void (*scenario)(void), const char *rule, const char *line)
{
    const char *report = observer_caught(scenario);

    if (report == NULL)
        fail_msg("the wrong replace was not noticed");
    else if (strstr(report, rule) == NULL || strstr(report, line) == NULL)
        fail_msg("the report lacks \"%s\" or \"%s\":\n%s", rule, line, report);
}

static void block_and_say_hitless(void)
{
    replace_by_way_of_nothing(true);
}

static void i11_a_replace_that_blocks_and_says_that_it_was_hitless_is_caught(void)
{
    caught(block_and_say_hitless, "I11: ", "replace says that it was hitless");
}

static void change_the_root_under_the_tag(void)
{
    begin_with(&plain);
    call_begins();
    set_root(new_root);
}

static void i5_a_replace_that_changes_the_root_under_the_tag_itself_is_caught(void)
{
    caught(change_the_root_under_the_tag, "I5: a tag names one root", "names the root 0x");
}

static void keep_the_reserved_tag_dirty(void)
{
    begin_with(&plain);
    call_begins();
    set_tag(spare_tag);
    set_root(new_root);
    set_tag(new_tag);
    call_returns(BH_OK, true);
}

static void i5_a_reserved_tag_that_is_not_flushed_is_caught(void)
{
    caught(keep_the_reserved_tag_dirty, "I5: a tag names one root",
           "was reserved for the change of its entry, which is over");
}

/* What the unit fetches behind the TLBI, by the entry that it still has, stays. */
static void flush_the_reserved_tag_too_early(void)
{
    begin_with(&plain);
    call_begins();
    set_tag(spare_tag);
    set_root(new_root);
    write_tag(new_tag);
    forget_tag(spare_tag);
    forget_entry();
    call_returns(BH_OK, true);
}

static void i5_a_reserved_tag_that_is_flushed_before_its_entry_is_forgotten_is_caught(void)
{
    caught(flush_the_reserved_tag_too_early, "I5: a tag names one root",
           "was reserved for the change of its entry, which is over");
}

static void change_both_words_at_once(void)
{
    begin_with(&plain);
    call_begins();
    write_tag(new_tag);
    write_word(3, new_root);
    forget_entry();
}

static void i11_a_replace_that_changes_both_words_at_once_is_caught(void)
{
    caught(change_both_words_at_once, "I5: a tag names one root", "names the root 0x");
}

static void take_the_tag_of_another(void)
{
    begin_with(&plain);
    spare_tag = new_tag;
    call_begins();
    set_tag(spare_tag);
}

static void i5_a_replace_by_the_tag_of_another_device_is_caught(void)
{
    caught(take_the_tag_of_another, "I5: a tag names one root", "names the root 0x");
}

static void go_on_to_a_third_root(void)
{
    begin_with(&plain);
    call_begins();
    set_tag(spare_tag);
    set_root(new_root);
    set_root(old_root + PAGE_SIZE * 16);
}

static void i11_a_replace_by_way_of_a_third_root_is_caught(void)
{
    caught(go_on_to_a_third_root, "I11: ", "in one change");
}

static void say_that_it_is_done(void)
{
    begin_with(&plain);
    call_begins();
    call_returns(BH_OK, true);
}

static void i3_a_replace_that_does_nothing_and_says_so_is_caught(void)
{
    caught(say_that_it_is_done, "I4: a frame", "it still reaches what a call took from it");
}

static void leave_the_reserved_tag_in(void)
{
    begin_with(&plain);
    call_begins();
    set_tag(spare_tag);
    set_root(new_root);
    call_returns(BH_OK, true);
}

static void i11_a_reserved_tag_that_stays_in_the_entry_is_caught(void)
{
    caught(leave_the_reserved_tag_in, "I11: ", "the replace led through tag");
}

static void forget_only_a_page_of_the_old_space(void)
{
    begin_with(&plain);
    call_begins();
    set_tag(spare_tag);
    set_root(new_root);
    write_tag(new_tag); /* the unit goes on by the entry that it has */
    call_returns(BH_OK, true);
}

static void i5_an_entry_that_the_unit_is_not_told_to_forget_at_last_is_caught(void)
{
    caught(forget_only_a_page_of_the_old_space, "I5: a tag names one root",
           "was reserved for the change of its entry");
}

int run_played_replace_tests(void)
{
    const struct CMUnitTest tests[] = {
        TEST(i11_a_replace_by_a_reserved_tag_is_hitless),
        TEST(i11_a_replace_by_a_reserved_tag_is_right_in_whatever_order_stores_are_seen),
        TEST(i5_a_reserved_tag_serves_again_once_it_is_clean),
        TEST(i11_a_replace_that_says_that_it_was_not_hitless_may_block),
        TEST(i11_a_replace_that_fails_leaves_what_was),
        TEST(i11_a_replace_that_blocks_and_says_that_it_was_hitless_is_caught),
        TEST(i5_a_replace_that_changes_the_root_under_the_tag_itself_is_caught),
        TEST(i5_a_reserved_tag_that_is_not_flushed_is_caught),
        TEST(i5_a_reserved_tag_that_is_flushed_before_its_entry_is_forgotten_is_caught),
        TEST(i11_a_replace_that_changes_both_words_at_once_is_caught),
        TEST(i5_a_replace_by_the_tag_of_another_device_is_caught),
        TEST(i11_a_replace_by_way_of_a_third_root_is_caught),
        TEST(i3_a_replace_that_does_nothing_and_says_so_is_caught),
        TEST(i11_a_reserved_tag_that_stays_in_the_entry_is_caught),
        TEST(i5_an_entry_that_the_unit_is_not_told_to_forget_at_last_is_caught),
    };

    return RUN_GROUP("observer/replace");
}
