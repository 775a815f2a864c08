/* SPDX-License-Identifier: Apache-2.0 */
/* The groups of tests, one a file; each answers how many failed. */
#ifndef TESTS_GROUPS_H
#define TESTS_GROUPS_H

int run_host_tests(void);
int run_choices_tests(void);
int run_cpus_tests(void);
int run_instruction32_tests(void);
int run_lib_tests(void);
int run_log_tests(void);
int run_console_tests(void);
int run_pagetable_tests(void);
int run_early_tests(void);
int run_start_tests(void);
int run_entries_tests(void);
int run_streams_tests(void);
int run_invalidate_tests(void);
int run_errors_tests(void);
int run_events_tests(void);
int run_limits_tests(void);
int run_pci_tests(void);
int run_isolate_tests(void);
int run_pci_faults_tests(void);
int run_fdt_tests(void);
int run_fdt_faults_tests(void);
int run_fdt_sizes_tests(void);
int run_owner_tests(void);
int run_set_tests(void);
int run_set_faults_tests(void);
int run_payload_tests(void);
int run_memory_tests(void);
int run_boot_tests(void);
int run_boot_faults_tests(void);
int run_calls_tests(void);
int run_map_calls_tests(void);
int run_bind_calls_tests(void);
int run_lifecycle_tests(void);
int run_faults_tests(void);
int run_rings_tests(void);
int run_refusals_tests(void);
int run_order_tests(void);
int run_two_units_tests(void);
int run_observer_tests(void);
int run_wrong_tests(void);
int run_races_tests(void);
int run_masters_tests(void);
int run_queue_tests(void);
int run_reader_tests(void);
int run_scenario_tests(void);
int run_fuzz_tests(void);
int run_shortage_tests(void);
int run_lines_tests(void);
int run_gicv3_tests(void);
int run_vgic_tests(void);
int run_vgic_random_tests(void);

#endif
