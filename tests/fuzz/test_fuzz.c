/* SPDX-License-Identifier: Apache-2.0 */
/* The fuzzer's targets as property tests: inputs from seeds, a process each, with the observer on. */
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "arch/host/host.h"
#include "tests/adversary/campaign.h"
#include "tests/adversary/choices.h"
#include "tests/fuzz/fuzz.h"
#include "tests/fuzz/units.h"
#include "tests/unit/groups.h"
#include "tests/unit/unit.h"

static void row_3_12_any_calls_are_answered_as_the_abi_says(void)
{
    fuzz_thorough = true;
    fuzz_calls_boot();
    campaign_seeds(__func__, fuzz_calls, campaign(100));
}

static void any_calls_are_answered_as_the_abi_says_where_everything_is_short(void)
{
    fuzz_thorough = true;
    fuzz_calls_boot_tight();
    campaign_seeds(__func__, fuzz_calls, campaign(100));
}

static void any_change_of_a_set_is_read_or_refused_in_one_line(void)
{
    fuzz_trees_prepare();
    campaign_seeds(__func__, fuzz_set, campaign(500));
}

static void any_change_of_a_machines_tree_is_read_or_refused(void)
{
    fuzz_trees_prepare();
    campaign_seeds(__func__, fuzz_machine_tree, campaign(500));
}

static void any_change_of_acpi_tables_is_read_or_refused(void)
{
    campaign_seeds(__func__, fuzz_acpi, campaign(5000));
}

static void any_change_of_what_fw_cfg_gives_is_read_or_refused(void)
{
    campaign_seeds(__func__, fuzz_fw_cfg, campaign(1000));
}

static void any_change_of_a_bundle_is_read_or_refused(void)
{
    fuzz_trees_prepare();
    campaign_seeds(__func__, fuzz_bundle, campaign(500));
}

static void any_change_of_a_payload_is_loaded_as_it_says_or_refused(void)
{
    fuzz_trees_prepare();
    campaign_seeds(__func__, fuzz_payload, campaign(5000));
}

/* Short ones; `unit-tests --units` makes a million. */
static void any_calls_on_units_of_unequal_reach_keep_every_rule(void)
{
    units_run(2, campaign(2000));
}

static void any_calls_beside_a_unit_of_stage_1_only_keep_every_rule(void)
{
    units_run(1, campaign(2000));
}

/* ---- Inputs that were kept ------------------------------------------------------------------------------- */

#define CASES "tests/fuzz/cases"

/* A file's name begins with that of its target; the longest that fits. */
static const struct fuzz_target *target_of(const char *file)
{
    const struct fuzz_target *found = NULL, *target;

    for (unsigned int i = 0; (target = fuzz_target_at(i)) != NULL; i++) {
        size_t length = strlen(target->name);

        if (strncmp(file, target->name, length) == 0 && file[length] == '-' &&
            (found == NULL || length > strlen(found->name)))
            found = target;
    }
    return found;
}

static unsigned int read_case(const char *file, struct choice *list)
{
    char path[512];
    unsigned int count = 0;
    int byte;

    snprintf(path, sizeof(path), "%s/%s", CASES, file);
    FILE *input = fopen(path, "rb");

    assert_non_null(input);
    while ((byte = fgetc(input)) != EOF && count < CHOICES_LIMIT)
        list[count++].taken = (uint16_t)byte;
    (void)fclose(input);
    return count;
}

static unsigned int case_length;
static struct choices *case_record;

static bool case_goes_on(void)
{
    return case_record->count < case_length;
}

static void play_case(const struct fuzz_target *target, const char *file)
{
    static struct choice list[CHOICES_LIMIT];
    int status = 0;
    pid_t process = fork();

    if (process == 0) {
        setenv("CMOCKA_TEST_ABORT", "1", 1);
        fuzz_thorough = true;
        case_length = read_case(file, list);
        case_record = choices_create();
        fuzz_more = case_goes_on;
        target->prepare();
        choices_from_list(case_record, list, case_length);
        host_choose = choices_next;
        target->run();
        (void)fflush(NULL);
        _exit(0);
    }
    assert_int_equal(waitpid(process, &status, 0), process);
    if (status != 0)
        fail_msg("%s/%s fails: FUZZ_TARGET=%s build/fuzz/fuzz %s/%s", CASES, file, target->name,
                 CASES, file);
}

/* Run from the top folder, as everything is. */
static void every_input_that_was_kept_is_dealt_with(void)
{
    DIR *folder = opendir(CASES);
    const struct dirent *entry;
    unsigned int played = 0;

    if (folder == NULL) {
        fail_msg("cannot read %s: start the tests in the top folder", CASES);
        return;
    }
    while ((entry = readdir(folder)) != NULL) {
        if (entry->d_name[0] == '.')
            continue;
        if (target_of(entry->d_name) == NULL)
            fail_msg("%s/%s names no target", CASES, entry->d_name);
        play_case(target_of(entry->d_name), entry->d_name);
        played++;
    }
    closedir(folder);
    assert_true(played > 0);
}

int run_fuzz_tests(void)
{
    const struct CMUnitTest tests[] = {
        TEST(row_3_12_any_calls_are_answered_as_the_abi_says),
        TEST(any_calls_are_answered_as_the_abi_says_where_everything_is_short),
        TEST(any_calls_on_units_of_unequal_reach_keep_every_rule),
        TEST(any_calls_beside_a_unit_of_stage_1_only_keep_every_rule),
        TEST(any_change_of_a_set_is_read_or_refused_in_one_line),
        TEST(any_change_of_a_machines_tree_is_read_or_refused),
        TEST(any_change_of_acpi_tables_is_read_or_refused),
        TEST(any_change_of_what_fw_cfg_gives_is_read_or_refused),
        TEST(any_change_of_a_bundle_is_read_or_refused),
        TEST(any_change_of_a_payload_is_loaded_as_it_says_or_refused),
        TEST(every_input_that_was_kept_is_dealt_with),
    };

    return RUN_GROUP("fuzz");
}
