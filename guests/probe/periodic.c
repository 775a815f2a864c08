/* SPDX-License-Identifier: Apache-2.0 */
/*
 * bootargs: periods=N, start-ms=N (by the counter; 0: at once).
 *
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

/*
 * A deadline of the timer that far ahead, whose interrupt is masked: an emulator that runs the CPUs in turn and
 * counts their instructions changes over at the next deadline, so each of its turns is at most that long.
 */
#define TURN_NS (20 * NS_PER_US)
#define CNTV_ENABLE_MASKED UINT64_C(3)

static void end_turn(void)
{
    __asm__ volatile("msr cntv_cval_el0, %0\n\tmsr cntv_ctl_el0, %1\n\tisb"
                     :
                     : "r"(timer_now() + timer_ticks(TURN_NS)), "r"(CNTV_ENABLE_MASKED));
}

static void wait_until(uint64_t deadline)
{
    while (timer_now() < deadline)
        end_turn();
}

int test_periodic(void)
{
    uint64_t periods = 0, start_ms = 0, worst = 0, sum = 0, deadline;

    if (!tree_bootarg_number("periods", &periods) || periods == 0) {
        printf("bootargs have no periods=N\n");
        return CHECK_EXIT_UNUSABLE;
    }
    tree_bootarg_number("start-ms", &start_ms);
    deadline = timer_ticks(start_ms * NS_PER_MS);
    if (timer_now() < deadline)
        timer_sleep_ns(timer_ns(deadline - timer_now()));
    printf("periodic: begins\n");
    deadline = timer_now();
    for (uint64_t i = 0; i < periods; i++) {
        deadline += timer_ticks(PERIOD_NS);
        wait_until(deadline);
        uint64_t late = timer_ns(timer_now() - deadline);

        worst = late > worst ? late : worst;
        sum += late;
    }
    printf("periodic: late by %" PRIu64 " ns on average, %" PRIu64 " ns at worst\n", sum / periods,
           worst);
    timer_sleep_ns(LINGER_NS);
    return 0;
}
