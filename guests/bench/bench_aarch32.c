/* SPDX-License-Identifier: Apache-2.0 */
/* The part of the payload of `make bench` that a partition of 32 bits runs: the way in and out. */
#include <stdio.h>

#include "bench.h"
#include "rows.h"

int main(void)
{
    rows_calibrate();
    bench_entry();
    printf("complete\n");
    return 0;
}
