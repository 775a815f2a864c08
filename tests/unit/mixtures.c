/* SPDX-License-Identifier: Apache-2.0 */
#include "mixtures.h"

#define VERSIONS 64

static volatile uint64_t *watched;
static void (*check)(const uint64_t words[ENTRY_WORDS]);
static uint64_t version[VERSIONS][ENTRY_WORDS]; /* the entry since the last completed SYNC */
static unsigned int versions;
static uint64_t syncs_seen;

unsigned int mixtures_stores;
uint64_t mixtures_tried;

static uint64_t syncs(void)
{
    return smmuv3_model_command_count(machine.unit[0], OPCODE_SYNC);
}

static void note_version(void)
{
    assert_true(versions < VERSIONS);
    for (unsigned int i = 0; i < ENTRY_WORDS; i++)
        version[versions][i] = watched[i];
    versions++;
}

/* The next value of a word; versions that leave it as it was count once. False: it was the last. */
static bool next_value(unsigned int *index, unsigned int word)
{
    do
        (*index)++;
    while (*index < versions && version[*index][word] == version[*index - 1][word]);
    if (*index < versions)
        return true;
    *index = 0;
    return false;
}

static void try_all(void)
{
    unsigned int index[ENTRY_WORDS] = { 0 };
    uint64_t words[ENTRY_WORDS];
    unsigned int word;

    do {
        for (unsigned int i = 0; i < ENTRY_WORDS; i++)
            words[i] = version[index[i]][i];
        mixtures_tried++;
        check(words);
        for (word = 0; word < ENTRY_WORDS && !next_value(&index[word], word);)
            word++;
    } while (word < ENTRY_WORDS);
}

static void on_store(volatile uint64_t *entry, uint64_t value)
{
    if (entry < watched || entry >= watched + ENTRY_WORDS)
        return;
    if (syncs() != syncs_seen) {
        /* What was fetched before is gone: only what stands there now counts. */
        syncs_seen = syncs();
        versions = 0;
        note_version();
    }
    *entry = value;
    mixtures_stores++;
    note_version();
    try_all();
}

void mixtures_watch(volatile uint64_t *entry, void (*checker)(const uint64_t words[ENTRY_WORDS]))
{
    watched = entry;
    check = checker;
    versions = 0;
    mixtures_stores = 0;
    mixtures_tried = 0;
    syncs_seen = syncs();
    note_version();
    host_entry_observer = on_store;
}

void mixtures_stop(void)
{
    host_entry_observer = NULL;
}
