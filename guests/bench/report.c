/* SPDX-License-Identifier: Apache-2.0 */
#include "report.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "sdk/bulkhead.h"
#include "sdk/tree.h"

#define EXIT_UNEXPECTED 1

uint32_t report_repetitions(void)
{
    uint64_t wanted;

    if (!tree_bootarg_number("repetitions", &wanted) || wanted == 0 || wanted > REPETITIONS_LIMIT)
        return REPETITIONS_LIMIT;
    return (uint32_t)wanted;
}

void report_expect(const char *name, int64_t status, int64_t expected)
{
    if (status == expected)
        return;
    printf("failed name=%s status=%" PRId64 " expected=%" PRId64 " (%s)\n", name, status, expected,
           bh_error_name(status));
    exit(EXIT_UNEXPECTED);
}
