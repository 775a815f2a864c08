/* SPDX-License-Identifier: Apache-2.0 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "judge.h"

enum { STEPS = 48 };

static void run_scenario(struct scenario *scenario, struct tally *tally)
{
    static struct history history;
    struct dice *dice = &scenario->dice;

    history.count = 0;
    dice->state = scenario->seed;
    memset(&scenario->change, 0, sizeof(scenario->change));
    memset(scenario->streams, 0, sizeof(scenario->streams));
    scenario_build(scenario);
    for (scenario->step = 0; scenario->step < STEPS; scenario->step++) {
        struct access access;

        if (!scenario->change.open && chance(dice, 12)) {
            change_something(scenario);
        } else if (scenario->change.open && chance(dice, 15)) {
            invalidate_wrongly(scenario);
        } else if (scenario->change.open && chance(dice, 25)) {
            invalidate_rightly(scenario);
        }
        if (!queues_agree(scenario->pair)) {
            printf("  FAILED: the command queues differ in scenario 0x%" PRIx64 ", step %u\n",
                   scenario->seed, scenario->step);
            tally->failures++;
            return;
        }
        if (choose_access(scenario, &access)) {
            judge_access(scenario, &access, &history, tally);
        }
    }
    if (first_difference(scenario->pair)) {
        printf("  FAILED: memory differs at 0x%" PRIx64 " after scenario 0x%" PRIx64 "\n",
               first_difference(scenario->pair), scenario->seed);
        tally->failures++;
        accept_memory(scenario->pair);
    }
}

int main(int argc, char **argv)
{
    static struct pair pair;
    static struct scenario scenario;
    static struct tally tally;
    unsigned n = (unsigned)atoi(argv[2]);

    (void)argc;
    pair_start(&pair, UNIT_NESTED, argv[1]);
    scenario.pair = &pair;
    scenario.mode = (enum mode)atoi(argv[3]);
    scenario.two_level = atoi(argv[4]);
    for (unsigned i = 0; i < n && tally.failures < 5; i++) {
        scenario.seed = (uint64_t)atoi(argv[5]) * 1000003 + i;
        run_scenario(&scenario, &tally);
    }
    printf("%" PRIu64 " accesses %" PRIu64 " reads %" PRIu64 " events %" PRIu64
           " agreements %" PRIu64 " stale %" PRIu64 " failures\n",
           tally.accesses, tally.reads, tally.events, tally.agreements, tally.stale,
           tally.failures);
    for (unsigned d = 0; d < deviation_count; d++) {
        printf("  %-30s %" PRIu64 "\n", deviations[d].name, tally.met[d]);
    }
    pair_stop(&pair);
    return 0;
}
