/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The differential runner: QEMU's SMMUv3 and the reference model do the same and must agree.
 *
 *   differential --qemu PROGRAM [--accesses N] [--seconds N] [--seed N] [--replay RUN:SCENARIO]
 *
 * --accesses: at least so many in each mode; --seconds: no more than that in each mode, then what
 * was reached counts. --replay repeats one scenario of a former run alone.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "run.h"

/* FEW: with less, a third is a matter of luck. */
enum { HASHES_LOG2 = 20, FAILURES_MAX = 5, FEW = 1000 };

struct options {
    const char *qemu;
    uint64_t accesses, seconds, seed, replay;
    unsigned replay_run;
    bool replaying;
};

/* What is run in each mode: on which unit, with which stream table, for which share of accesses. */
static const struct run {
    enum mode mode;
    enum unit_kind unit;
    bool two_level; /* QEMU does not forget it: each has a machine of its own */
    unsigned percent;
} runs[] = {
    { MODE_STAGE1, UNIT_NESTED, false, 35 }, { MODE_STAGE1, UNIT_NESTED, true, 35 },
    { MODE_STAGE1, UNIT_STAGE1, false, 15 }, { MODE_STAGE1, UNIT_STAGE1, true, 15 },
    { MODE_STAGE2, UNIT_NESTED, false, 35 }, { MODE_STAGE2, UNIT_NESTED, true, 35 },
    { MODE_STAGE2, UNIT_STAGE2, false, 15 }, { MODE_STAGE2, UNIT_STAGE2, true, 15 },
    { MODE_NESTED, UNIT_NESTED, false, 50 }, { MODE_NESTED, UNIT_NESTED, true, 50 },
};

enum { RUNS = sizeof(runs) / sizeof(*runs) };

/* Configurations that were used, by hash; 0 is free. */
struct configurations {
    uint64_t hashes[1 << HASHES_LOG2];
    uint64_t count;
};

static struct pair pair;
static struct scenario scenario;

static void note_configuration(struct configurations *seen, uint64_t hash)
{
    uint64_t slot = hash * UINT64_C(0x9e3779b97f4a7c15) >> (64 - HASHES_LOG2);

    while (seen->hashes[slot] && seen->hashes[slot] != hash) {
        slot = (slot + 1) % (1 << HASHES_LOG2);
    }
    if (!seen->hashes[slot] && seen->count < (1 << HASHES_LOG2) / 2) {
        seen->hashes[slot] = hash;
        seen->count++;
    }
}

static uint64_t now(void)
{
    struct timespec time;

    clock_gettime(CLOCK_MONOTONIC, &time);
    return (uint64_t)time.tv_sec;
}

static void prepare(const struct options *options, unsigned run)
{
    pair_start(&pair, runs[run].unit, options->qemu);
    memset(&scenario, 0, sizeof(scenario));
    scenario.pair = &pair;
    scenario.mode = runs[run].mode;
    scenario.two_level = runs[run].two_level;
    scenario.run = run;
}

static void run_mode(const struct options *options, enum mode mode, struct tally *tally,
                     struct configurations *configurations)
{
    for (unsigned run = 0; run < RUNS && tally->failures < FAILURES_MAX; run++) {
        struct dice seeds = { options->seed * RUNS + run };
        uint64_t goal = tally->accesses + options->accesses * runs[run].percent / 100 + 1;
        uint64_t end = now() + options->seconds * runs[run].percent / 100 + 1;

        if (runs[run].mode != mode) {
            continue;
        }
        prepare(options, run);
        while (tally->accesses < goal && tally->failures < FAILURES_MAX && now() < end) {
            scenario.seed = roll(&seeds);
            run_scenario(&scenario, tally);
            for (unsigned i = 0; i < pair.device_count; i++) {
                note_configuration(configurations, scenario.configurations[i]);
            }
        }
        pair_stop(&pair);
    }
}

static void print_mode(const char *name, const struct tally *tally, uint64_t configurations)
{
    printf("%-7s accesses %" PRIu64 ", reads %" PRIu64 ", configurations %" PRIu64
           ", events %" PRIu64 ", agreeing %" PRIu64 ", with deviations %" PRIu64
           ", before invalidation %" PRIu64 ", unexplained %" PRIu64 "\n",
           name, tally->accesses, tally->reads, configurations, tally->events, tally->agreements,
           tally->accesses - tally->agreements - tally->failures, tally->stale, tally->failures);
    for (unsigned d = 0; d < deviation_count; d++) {
        if (tally->met[d]) {
            printf("          %-34s %8" PRIu64 "\n", deviations[d].name, tally->met[d]);
        }
    }
    (void)fflush(stdout);
}

static void test_modes(const struct options *options, struct results *results)
{
    static const char *const names[MODES] = { "s1", "s2", "nested" };
    static struct configurations configurations;

    for (unsigned mode = 0; mode < MODES; mode++) {
        struct tally tally = { 0 };

        memset(&configurations, 0, sizeof(configurations));
        run_mode(options, (enum mode)mode, &tally, &configurations);
        print_mode(names[mode], &tally, configurations.count);
        report(results, tally.failures == 0 && tally.accesses > 0, "agreement", names[mode]);
        report(results, tally.reads * 3 >= tally.accesses || tally.accesses < FEW,
               "a third are reads", names[mode]);
    }
}

static int replay(const struct options *options)
{
    struct tally tally = { 0 };

    prepare(options, options->replay_run % RUNS);
    scenario.seed = options->replay;
    run_scenario(&scenario, &tally);
    print_mode("replay", &tally, 0);
    pair_stop(&pair);
    return tally.failures != 0;
}

static void parse(int argc, char **argv, struct options *options)
{
    for (int i = 1; i + 1 < argc; i += 2) {
        char *rest = argv[i + 1];

        if (!strcmp(argv[i], "--qemu")) {
            options->qemu = argv[i + 1];
        } else if (!strcmp(argv[i], "--accesses")) {
            options->accesses = strtoull(argv[i + 1], NULL, 0);
        } else if (!strcmp(argv[i], "--seconds")) {
            options->seconds = strtoull(argv[i + 1], NULL, 0);
        } else if (!strcmp(argv[i], "--seed")) {
            options->seed = strtoull(argv[i + 1], NULL, 0);
        } else if (!strcmp(argv[i], "--replay")) {
            options->replay_run = (unsigned)strtoul(argv[i + 1], &rest, 0);
            options->replay = *rest == ':' ? strtoull(rest + 1, NULL, 0) : 0;
            options->replaying = true;
        }
    }
    if (!options->qemu) {
        fprintf(stderr, "differential: --qemu is missing\n");
        exit(2);
    }
}

int main(int argc, char **argv)
{
    struct options options = { .accesses = 100000, .seconds = 3600, .seed = 1 };
    struct results results = { 0 };

    parse(argc, argv, &options);
    if (options.replaying) {
        return replay(&options);
    }
    printf("seed %" PRIu64 "\n", options.seed);
    pair_start(&pair, UNIT_NESTED, options.qemu);
    test_properties(options.qemu, &pair, &results);
    test_known_deviations(&pair, &results);
    test_two_level_sticks(&pair, &results);
    pair_stop(&pair);
    test_modes(&options, &results);
    printf("%u passed, %u failed\n", results.passed, results.failed);
    return results.failed != 0;
}
