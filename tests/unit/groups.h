/* SPDX-License-Identifier: Apache-2.0 */
/* The groups of tests, one a file; each answers how many failed. */
#ifndef TESTS_GROUPS_H
#define TESTS_GROUPS_H

int run_pagetable_tests(void);
int run_calls_tests(void);

#endif
