/* SPDX-License-Identifier: Apache-2.0 */
#include "mixtures.h"

#include "arch/host/store_buffer.h"

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

static enum host_view unit_view(void)
{
    return machine.parameters[0].cohacc ? HOST_VIEW_COHERENT : HOST_VIEW_MEMORY;
}

static void note_version(void)
{
    assert_true(versions < VERSIONS);
    host_view_read(unit_view(), memory_physical(watched), version[versions], ENTRY_SIZE);
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

static void on_store(const struct host_store *store)
{
    uint64_t word = (store->address - memory_physical(watched)) / sizeof(uint64_t);

    if (word >= ENTRY_WORDS || store->view != unit_view())
        return;
    if (syncs() != syncs_seen) {
        /* What was fetched before is gone: only what stood there before the store counts. */
        syncs_seen = syncs();
        versions = 0;
        note_version();
        version[0][word] = store->before;
    }
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
    host_visible = on_store;
}

void mixtures_stop(void)
{
    host_visible = NULL;
}
