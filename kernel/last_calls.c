/* SPDX-License-Identifier: Apache-2.0 */
#include "kernel/last_calls.h"

#include "lib/log.h"

/* Of a partition that crashed; each is a line of a log that all share. */
#define PRINTED 4

void last_calls_begin(struct partition *partition)
{
    *last_calls_next(partition) = (struct bh_call_record){ BH_RECORD_LIFE,
                                                           { partition->starts, partition->cause },
                                                           partition->exit_code };
}

void last_calls_open(struct partition *partition)
{
    partition->record[(partition->recorded - 1) % BH_RECORDS].result = BH_RECORD_OPEN;
}

static const struct bh_call_record *record_of(const struct partition *partition, uint64_t position)
{
    return &partition->record[position % BH_RECORDS];
}

void last_calls_give(const struct partition *partition, bool itself, struct bh_query_calls *calls)
{
    uint64_t recorded = __atomic_load_n(&partition->recorded, __ATOMIC_RELAXED);

    *calls = (struct bh_query_calls){ .recorded = recorded };
    for (uint64_t i = 0; i < BH_RECORDS && i < recorded; i++)
        calls->record[i] = *record_of(partition, recorded - 1 - i);
    if (itself)
        calls->record[0].result = BH_RECORD_OPEN;
}

void last_calls_print(const struct partition *partition)
{
    uint64_t recorded = partition->recorded;

    for (uint64_t i = 1; i <= PRINTED && i <= recorded; i++) {
        const struct bh_call_record *record = record_of(partition, recorded - i);

        if (record->call == BH_RECORD_LIFE)
            break;
        log_error("%s: call %lu(0x%lx, 0x%lx): %ld", partition->name, record->call,
                  record->argument[0], record->argument[1], record->result);
    }
}
