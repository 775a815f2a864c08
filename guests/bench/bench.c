/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The payload of `make bench`: costs of calls and of an interrupt as a guest sees them, for
 * tests/bench/bench.py to read from the console. Needs an edu, and in bootargs block=N and
 * block-bytes=N: see struct subject; [repetitions=N]. Ends with 0 if all could be measured.
 */
#include "bench.h"

#include <stdio.h>

#include "common/edu.h"
#include "report.h"
#include "sdk/bulkhead.h"
#include "sdk/tree.h"

#define EXIT_UNUSABLE 2

static bool find_edu(struct subject *subject)
{
    struct bh_device_info info;

    for (uint32_t i = 0; bh_device_info(i, &info) == BH_OK; i++) {
        if (info.vendor_device == EDU_VENDOR_DEVICE) {
            subject->index = i;
            subject->device = info.device;
            return true;
        }
    }
    return false;
}

int main(void)
{
    struct subject subject = { 0 };

    if (!tree_bootarg_number("block", &subject.block) ||
        !tree_bootarg_number("block-bytes", &subject.block_bytes) || !find_edu(&subject)) {
        printf("failed: needs block=N and block-bytes=N in bootargs, and an edu\n");
        return EXIT_UNUSABLE;
    }
    rows_calibrate();
    bench_entry();
    bench_interrupt();
    bench_bind(&subject);
    bench_ioas(&subject);
    bench_attach(&subject);
    bench_replace(&subject);
    bench_memory(&subject);
    bench_change(&subject);
    bench_batches(&subject);
    bench_query(&subject);
    bench_window();
    bench_growth(&subject);
    bench_reset(&subject);
    printf("complete\n");
    return 0;
}
