/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The last calls of each partition, for who looks for why it ended. Each call takes the oldest record when it begins, and
 * leaves its result there; so does the beginning of a life. What was recorded stays when the partition ends, and through
 * its next lives, until that many newer ones have come.
 */
#ifndef KERNEL_LAST_CALLS_H
#define KERNEL_LAST_CALLS_H

#include "kernel/partition.h"

/* The record of what the partition does next. Its own CPU. */
static inline struct bh_call_record *last_calls_next(struct partition *partition)
{
    return &partition->record[partition->recorded++ % BH_RECORDS];
}

/* The call that it makes leaves no result: it does not return. Its own CPU. No other call need say so. */
void last_calls_open(struct partition *partition);

/* A life of it begins: it has counted that, and knows why the one before ended. Its own CPU. */
void last_calls_begin(struct partition *partition);

/* The newest first, which is open if the partition itself asks. Any CPU; while it runs on another one, those that it
 * takes meanwhile may come as halves. */
void last_calls_give(const struct partition *partition, bool itself, struct bh_query_calls *calls);

/* A line of the log for each of the very last, the newest first. Its own CPU. */
void last_calls_print(const struct partition *partition);

#endif
