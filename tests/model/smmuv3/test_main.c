/* SPDX-License-Identifier: Apache-2.0 */
/*
 * All tests of the models, as one program.
 */
#include "fixture.h"
#include "fixture_its.h"

int main(void)
{
    int failed = 0;

    failed += run_register_tests();
    failed += run_variant_tests();
    failed += run_stream_table_tests();
    failed += run_ste_tests();
    failed += run_stage2_tests();
    failed += run_cache_tests();
    failed += run_range_tests();
    failed += run_tlb_tests();
    failed += run_command_tests();
    failed += run_event_tests();
    failed += run_late_tests();
    failed += run_reach_tests();
    failed += run_substream_tests();
    failed += run_cd_tests();
    failed += run_stage1_tests();
    failed += run_permission_tests();
    failed += run_tag_tests();
    failed += run_nested_tests();
    failed += run_httu_tests();
    failed += run_reach_stage1_tests();
    failed += run_random_tests();
    failed += run_choice_tests();
    failed += run_age_tests();
    failed += run_stall_tests();
    failed += run_priq_tests();
    failed += run_ats_tests();
    failed += run_device_tests();
    failed += run_device_pri_tests();
    failed += run_race_tests();
    failed += run_its_register_tests();
    failed += run_its_command_tests();
    failed += run_its_table_tests();
    failed += run_its_lpi_tests();
    return failed ? 1 : 0;
}
