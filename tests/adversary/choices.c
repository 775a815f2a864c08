/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/adversary/choices.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>

#include "tests/unit/unit.h"

#define READINESS_LEVELS 7

static struct choices *current;
static const struct choice *list; /* NULL: from the seed */
static unsigned int list_count;
static uint64_t state;
static uint64_t readiness; /* one choice in 2^readiness is not the plainest */

struct choices *choices_create(void)
{
    void *got = mmap(NULL, sizeof(struct choices), PROT_READ | PROT_WRITE,
                     MAP_SHARED | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);

    if (got == MAP_FAILED) {
        perror("choices");
        abort();
    }
    return got;
}

void choices_from_seed(struct choices *record, uint64_t seed)
{
    record->count = 0;
    current = record;
    list = NULL;
    state = seed;
    readiness = random_next(&state) % READINESS_LEVELS;
}

void choices_from_list(struct choices *record, const struct choice *items, unsigned int count)
{
    record->count = 0;
    current = record;
    list = items;
    list_count = count;
}

static unsigned int draw(unsigned int count)
{
    if (random_next(&state) % (UINT64_C(1) << readiness) != 0)
        return 0;
    return (unsigned int)(random_next(&state) % count);
}

unsigned int choices_next(const char *what, unsigned int count)
{
    unsigned int taken = 0;

    (void)what;
    if (list == NULL)
        taken = draw(count);
    else if (current->count < list_count)
        taken = list[current->count].taken % count;
    if (current->count < CHOICES_LIMIT)
        current->item[current->count] = (struct choice){ .taken = (uint16_t)taken,
                                                         .of = (uint16_t)count };
    current->count++;
    return taken;
}

bool choices_advance(struct choices *record)
{
    if (record->count > CHOICES_LIMIT) {
        fprintf(stderr, "choices: too many to go through all of them\n");
        abort();
    }
    while (record->count > 0) {
        struct choice *last = &record->item[record->count - 1];

        if (++last->taken < last->of)
            return true;
        record->count--;
    }
    return false;
}
