/* SPDX-License-Identifier: Apache-2.0 */
/* All unit tests as one program, from the floor upwards. With an argument only those whose names match
 * it; * and ? stand for other characters. */
#include <string.h>

#include "groups.h"
#include "tests/fuzz/units.h"
#include "unit.h"

int main(int count, char **arguments)
{
    int failed = 0;

    if (count > 1 && strcmp(arguments[1], "--units") == 0)
        return units_program(count > 2 ? arguments[2] : NULL);
    if (count > 1)
        cmocka_set_test_filter(arguments[1]);

    failed += run_host_tests();
    failed += run_choices_tests();
    failed += run_cpus_tests();
    failed += run_instruction32_tests();
    failed += run_call_forms_tests();
    failed += run_lib_tests();
    failed += run_log_tests();
    failed += run_console_tests();
    failed += run_pagetable_tests();
    failed += run_early_tests();
    failed += run_start_tests();
    failed += run_entries_tests();
    failed += run_streams_tests();
    failed += run_stage1_tests();
    failed += run_invalidate_tests();
    failed += run_errors_tests();
    failed += run_events_tests();
    failed += run_limits_tests();
    failed += run_pci_tests();
    failed += run_roots_tests();
    failed += run_isolate_tests();
    failed += run_pci_faults_tests();
    failed += run_its_tests();
    failed += run_messages_tests();
    failed += run_doorbell_tests();
    failed += run_fdt_tests();
    failed += run_fdt_faults_tests();
    failed += run_fdt_hosts_tests();
    failed += run_fdt_its_tests();
    failed += run_firmware_tests();
    failed += run_fdt_own_tests();
    failed += run_fdt_sizes_tests();
    failed += run_acpi_tests();
    failed += run_acpi_parts_tests();
    failed += run_acpi_its_tests();
    failed += run_acpi_firmware_tests();
    failed += run_fw_cfg_tests();
    failed += run_survey_tests();
    failed += run_unprotected_tests();
    failed += run_owner_tests();
    failed += run_set_tests();
    failed += run_set_faults_tests();
    failed += run_payload_tests();
    failed += run_memory_tests();
    failed += run_boot_tests();
    failed += run_boot_faults_tests();
    failed += run_boot_devices_tests();
    failed += run_boot_acpi_tests();
    failed += run_calls_tests();
    failed += run_bounds_tests();
    failed += run_rows_tests();
    failed += run_map_calls_tests();
    failed += run_bind_calls_tests();
    failed += run_peers_tests();
    failed += run_pages_tests();
    failed += run_virtual_tests();
    failed += run_reset_calls_tests();
    failed += run_pci_config_tests();
    failed += run_change_calls_tests();
    failed += run_change_units_tests();
    failed += run_batches_tests();
    failed += run_lifecycle_tests();
    failed += run_manager_tests();
    failed += run_health_tests();
    failed += run_give_tests();
    failed += run_ownership_tests();
    failed += run_coherence_tests();
    failed += run_presence_tests();
    failed += run_presence_states_tests();
    failed += run_windows_set_tests();
    failed += run_windows_tests();
    failed += run_windows_dma_tests();
    failed += run_faults_tests();
    failed += run_rings_tests();
    failed += run_ring_failures_tests();
    failed += run_hand_over_tests();
    failed += run_overflow_tests();
    failed += run_refusals_tests();
    failed += run_order_tests();
    failed += run_two_units_tests();
    failed += run_units_tests();
    failed += run_platform_tests();
    failed += run_unequal_units_tests();
    failed += run_unequal_ends_tests();
    failed += run_replace_tests();
    failed += run_observer_tests();
    failed += run_wrong_tests();
    failed += run_played_replace_tests();
    failed += run_races_tests();
    failed += run_ioas_races_tests();
    failed += run_hand_over_races_tests();
    failed += run_restarts_tests();
    failed += run_typing_tests();
    failed += run_window_races_tests();
    failed += run_masters_tests();
    failed += run_queue_tests();
    failed += run_reader_tests();
    failed += run_fetches_tests();
    failed += run_fetches_named_tests();
    failed += run_scenario_tests();
    failed += run_fuzz_tests();
    failed += run_shortage_tests();
    failed += run_pins_tests();
    failed += run_wild_tests();
    failed += run_matrix_tests();
    failed += run_lines_tests();
    failed += run_gicv3_tests();
    failed += run_vgic_tests();
    failed += run_vgic_random_tests();
    return failed != 0;
}
