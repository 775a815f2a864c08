/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/adversary/campaign.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "arch/host/host.h"
#include "tests/adversary/choices.h"
#include "tests/unit/unit.h"

/* Bounds of the search for a short run, and of one run. */
#define SHRINK_ATTEMPTS 600
#define SHRINK_SECONDS 20
#define RUN_SECONDS 20 /* of a processor */
#define TOLD_LINES 200

struct search {
    void (*scenario)(void);
    struct choices *record; /* of the last run */
    unsigned int best_count;
    unsigned int attempts;
    time_t end;
};

/* One campaign at a time: the shortest failing run so far, and the one that is tried. */
static struct choice best[CHOICES_LIMIT], tried[CHOICES_LIMIT];

/* ---- One run ------------------------------------------------------------------------------------ */

static unsigned int told;

static void tell(const char *text)
{
    if (told++ < TOLD_LINES)
        fprintf(stderr, "  %s\n", text);
}

static _Noreturn void child(void (*scenario)(void), bool shown)
{
    /* A failed assertion ends the process there, whichever stack it stands on. */
    setenv("CMOCKA_TEST_ABORT", "1", 1);
    if (!shown) {
        int nowhere = open("/dev/null", O_WRONLY | O_CLOEXEC);

        dup2(nowhere, STDOUT_FILENO);
        dup2(nowhere, STDERR_FILENO);
    }
    limit_process(RUN_SECONDS);
    host_choose = choices_next;
    host_tell = shown ? tell : NULL;
    scenario();
    if (unit_after_test != NULL)
        unit_after_test();
    (void)fflush(NULL);
    _exit(0);
}

/* Runs the scenario with the choices that were set before; true: it came to its end. */
static bool run(void (*scenario)(void), bool shown)
{
    int status = 0;

    (void)fflush(NULL);
    pid_t process = fork();

    if (process == 0)
        child(scenario, shown);
    if (process < 0 || waitpid(process, &status, 0) != process)
        fail_msg("cannot run a process: %s", strerror(errno));
    if (shown && status != 0)
        fprintf(stderr, "  the run ended with status 0x%x\n", (unsigned int)status);
    return status == 0;
}

/* ---- Making it short ------------------------------------------------------------------------------ */

static void keep(struct search *search)
{
    unsigned int count = search->record->count;

    count = count < CHOICES_LIMIT ? count : CHOICES_LIMIT;
    while (count > 0 && search->record->item[count - 1].taken == 0)
        count--;
    memcpy(best, search->record->item, count * sizeof(*best));
    search->best_count = count;
}

static bool may_try(struct search *search)
{
    return search->attempts++ < SHRINK_ATTEMPTS && time(NULL) < search->end;
}

/* Tries the list; keeps it if it fails too. */
static bool fails(struct search *search, const struct choice *list, unsigned int count)
{
    choices_from_list(search->record, list, count);
    if (run(search->scenario, false))
        return false;
    keep(search);
    return true;
}

/* Without the stretch [at, at + size): cut out, or made plain. */
static bool try_without(struct search *search, unsigned int at, unsigned int size)
{
    unsigned int count = search->best_count;
    bool plain = true;

    size = at + size > count ? count - at : size;
    memcpy(tried, best, count * sizeof(*tried));
    for (unsigned int i = at; i < at + size; i++) {
        plain = plain && tried[i].taken == 0;
        tried[i].taken = 0;
    }
    if (!plain && fails(search, tried, count))
        return true;
    memcpy(tried, best, count * sizeof(*tried));
    memmove(&tried[at], &tried[at + size], (count - at - size) * sizeof(*tried));
    return fails(search, tried, count - size);
}

static void shrink(struct search *search)
{
    search->end = time(NULL) + SHRINK_SECONDS;
    for (unsigned int size = search->best_count; size > 0;) {
        bool shorter = false;

        for (unsigned int at = 0; at < search->best_count && may_try(search);) {
            if (try_without(search, at, size))
                shorter = true;
            else
                at += size;
        }
        if (!shorter || search->attempts >= SHRINK_ATTEMPTS)
            size = size == 1 || search->attempts >= SHRINK_ATTEMPTS ? 0 : (size + 1) / 2;
    }
}

static unsigned int not_plain(const struct search *search)
{
    unsigned int count = 0;

    for (unsigned int i = 0; i < search->best_count; i++)
        count += best[i].taken != 0;
    return count;
}

/* ---- Showing it ------------------------------------------------------------------------------------ */

/* A list as text: each choice that is not 0 as position:number. */
static void print_list(const struct search *search)
{
    const char *between = "";

    for (unsigned int i = 0; i < search->best_count; i++) {
        if (best[i].taken == 0)
            continue;
        fprintf(stderr, "%s%u:%u", between, i, best[i].taken);
        between = ",";
    }
}

static void show(const char *name, struct search *search, unsigned int asked)
{
    fprintf(stderr, "%s: %u choices, of which %u are not the plainest (%u runs to find them):\n",
            name, asked, not_plain(search), search->attempts);
    choices_from_list(search->record, best, search->best_count);
    told = 0;
    run(search->scenario, true);
    fprintf(stderr, "again: BULKHEAD_REPLAY='%s=", name);
    print_list(search);
    fprintf(stderr, "' %s %s\n", program_invocation_name, name);
}

static void start(struct search *search, void (*scenario)(void))
{
    *search = (struct search){ .scenario = scenario, .record = choices_create() };
}

/* ---- Playing one again ------------------------------------------------------------------------------ */

static unsigned int read_list(const char *text)
{
    unsigned int count = 0;

    memset(best, 0, sizeof(best));
    while (*text != '\0') {
        char *end;
        unsigned long position = strtoul(text, &end, 10);

        if (*end != ':' || position >= CHOICES_LIMIT)
            fail_msg("BULKHEAD_REPLAY is no list of position:choice at \"%s\"", text);
        best[position].taken = (uint16_t)strtoul(end + 1, &end, 10);
        count = (unsigned int)position + 1;
        text = end + (*end == ',');
    }
    return count;
}

/* BULKHEAD_REPLAY='name=seed' or 'name=position:choice,...'. True: it names this campaign, and one run
 * of it was shown. */
static bool replay(const char *name, struct search *search)
{
    const char *wanted = getenv("BULKHEAD_REPLAY");
    size_t length = strlen(name);

    if (wanted == NULL || strncmp(wanted, name, length) != 0 || wanted[length] != '=')
        return false;
    wanted += length + 1;
    if (strchr(wanted, ':') != NULL || *wanted == '\0')
        choices_from_list(search->record, best, read_list(wanted));
    else
        choices_from_seed(search->record, strtoull(wanted, NULL, 0));
    told = 0;
    if (!run(search->scenario, true))
        fail_msg("%s failed as it did before", name);
    return true;
}

/* ---- Campaigns -------------------------------------------------------------------------------------- */

void campaign_seeds(const char *name, void (*scenario)(void), unsigned int seeds)
{
    struct search search;

    start(&search, scenario);
    if (replay(name, &search))
        return;
    for (uint64_t seed = 1; seed <= seeds; seed++) {
        choices_from_seed(search.record, seed);
        if (run(scenario, false))
            continue;
        unsigned int asked = search.record->count;

        keep(&search);
        fprintf(stderr, "%s: seed %llu fails; BULKHEAD_REPLAY='%s=%llu' %s %s\n", name,
                (unsigned long long)seed, name, (unsigned long long)seed, program_invocation_name,
                name);
        shrink(&search);
        show(name, &search, asked);
        fail_msg("%s fails with seed %llu", name, (unsigned long long)seed);
    }
}

int campaign_shortest(void (*scenario)(void), unsigned int seeds, uint64_t *seed)
{
    struct search search;

    start(&search, scenario);
    for (*seed = 1; *seed <= seeds; ++*seed) {
        choices_from_seed(search.record, *seed);
        if (run(scenario, false))
            continue;
        keep(&search);
        shrink(&search);
        return (int)not_plain(&search);
    }
    return -1;
}

unsigned int campaign_all(const char *name, void (*scenario)(void), unsigned int limit)
{
    struct search search;
    unsigned int runs = 0;

    start(&search, scenario);
    if (replay(name, &search))
        return 0;
    do {
        memcpy(best, search.record->item, search.record->count * sizeof(*best));
        choices_from_list(search.record, best, search.record->count);
        if (!run(scenario, false)) {
            keep(&search);
            show(name, &search, search.record->count);
            fail_msg("%s fails in the %uth of its orders", name, runs + 1);
        }
        runs++;
    } while (runs < limit && choices_advance(search.record));
    return runs;
}
