/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A partition with a deadline in every millisecond: how late it is, alone or beside somebody. It waits by
 * looking at the counter, so that its CPU is never idle and every moment that it lacks was taken from it.
 */
#include <inttypes.h>
#include <stdio.h>

#include "common/check.h"
#include "sdk/timer.h"
#include "sdk/tree.h"
#include "tests.h"

#define PERIOD_NS NS_PER_MS
#define LINGER_NS                                                                                  \
    (500 * NS_PER_MS) /* for whoever works on the machine until it has seen the result */

int test_periodic(void)
{
    uint64_t periods = 0, worst = 0, sum = 0, deadline;

    if (!tree_bootarg_number("periods", &periods) || periods == 0) {
        printf("bootargs have no periods=N\n");
        return CHECK_EXIT_UNUSABLE;
    }
    printf("periodic: begins\n");
    deadline = timer_now();
    for (uint64_t i = 0; i < periods; i++) {
        deadline += timer_ticks(PERIOD_NS);
        uint64_t now = timer_now();

        if (now < deadline)
            timer_spin_ns(timer_ns(deadline - now));
        uint64_t late = timer_ns(timer_now() - deadline);

        worst = late > worst ? late : worst;
        sum += late;
    }
    printf("periodic: late by %" PRIu64 " ns on average, %" PRIu64 " ns at worst\n", sum / periods,
           worst);
    timer_sleep_ns(LINGER_NS);
    return 0;
}
