/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One scenario from its seed: build, then accesses with changes and invalidations between.
 */
#include "run.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

enum { STEPS = 48 };

static void maybe_change(struct scenario *scenario)
{
    struct dice *dice = &scenario->dice;

    if (!scenario->change.open) {
        if (chance(dice, 18)) {
            change_something(scenario);
        }
    } else if (chance(dice, 15)) {
        invalidate_wrongly(scenario);
    } else if (chance(dice, 25)) {
        invalidate_rightly(scenario);
    }
}

static bool failed(struct scenario *scenario, struct tally *tally, const char *what,
                   uint64_t address)
{
    printf("  FAILED: %s", what);
    if (address) {
        printf(" at 0x%" PRIx64, address);
    }
    printf(", step %u\n    again: REPLAY=%u:0x%" PRIx64 "\n", scenario->step, scenario->run,
           scenario->seed);
    tally->failures++;
    return false;
}

static bool run_steps(struct scenario *scenario, struct tally *tally)
{
    static struct history history;

    history.count = 0;
    for (scenario->step = 0; scenario->step < STEPS; scenario->step++) {
        struct access access;

        maybe_change(scenario);
        if (!queues_agree(scenario->pair)) {
            return failed(scenario, tally, "command queues or global errors differ", 0);
        }
        if (choose_access(scenario, &access) && !judge_access(scenario, &access, &history, tally)) {
            return false;
        }
    }
    return true;
}

void run_scenario(struct scenario *scenario, struct tally *tally)
{
    uint64_t address = 0;

    scenario->dice.state = scenario->seed;
    memset(&scenario->change, 0, sizeof(scenario->change));
    scenario->linger = 0;
    scenario->recent_count = 0;
    memset(scenario->streams, 0, sizeof(scenario->streams));
    memset(scenario->spaces, 0, sizeof(scenario->spaces));
    scenario_build(scenario);
    if (run_steps(scenario, tally)) {
        address = first_difference(scenario->pair);
        if (address) {
            failed(scenario, tally, "memory differs at the end", address);
        }
    }
    accept_memory(scenario->pair);
}

void report(struct results *results, bool passed, const char *kind, const char *name)
{
    results->passed += passed;
    results->failed += !passed;
    if (!passed) {
        printf("  FAILED: %s: %s\n", kind, name);
    }
}
