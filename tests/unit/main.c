/* SPDX-License-Identifier: Apache-2.0 */
/* All unit tests as one program, from the floor upwards. */
#include "groups.h"

int main(void)
{
    int failed = 0;

    failed += run_pagetable_tests();
    failed += run_calls_tests();
    return failed != 0;
}
