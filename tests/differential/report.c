/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The report of an access that failed: both sides, the change that is outstanding, STE, CD, walk,
 * and the command that does it again.
 */
#include <inttypes.h>
#include <stdio.h>

#include "trial.h"

static void print_piece(const char *who, const struct piece *piece)
{
    printf("    %-12s", who);
    if (piece->not_modelled) {
        printf(" not modelled: %s\n", piece->not_modelled);
    } else if (piece->landed) {
        printf(" lands at 0x%" PRIx64 "\n", piece->address);
    } else if (piece->recorded) {
        printf(" event %016" PRIx64 " %016" PRIx64 " %016" PRIx64 " %016" PRIx64 "\n",
               piece->record[0], piece->record[1], piece->record[2], piece->record[3]);
    } else {
        printf(" nothing lands, nothing is recorded (cause 0x%02x)\n", piece->cause);
    }
}

void print_trial(const struct trial *trial, const char *why)
{
    static const char *const names[] = { "s1", "s2", "nested" };
    const struct scenario *scenario = trial->scenario;
    const struct access *access = trial->access;
    const struct device *device = &scenario->pair->devices[access->device];

    printf("  FAILED: %s\n", why);
    printf("    mode %s, scenario 0x%" PRIx64 ", step %u: %s of %u words at 0x%" PRIx64
           " by stream 0x%x (%s)\n",
           names[scenario->mode], scenario->seed, scenario->step, access->write ? "write" : "read",
           access->count, access->iova, device->stream_id, device->edu ? "edu" : "iommu-testdev");
    if (trial->stale) {
        printf("    not invalidated: %s at 0x%" PRIx64 ": %016" PRIx64 " became %016" PRIx64 "\n",
               scenario->change.text, scenario->change.at, scenario->change.before[0],
               scenario->change.after[0]);
    }
    for (unsigned i = 0; i < access->count; i++) {
        if (i && trial->chosen[i]) {
            continue;
        }
        printf("    word %u\n", i);
        print_piece("model", &trial->keep.pieces[i]);
        print_piece("tables mean", &trial->after.pieces[i]);
        if (trial->stale) {
            print_piece("meant before", &trial->before.pieces[i]);
        }
        for (unsigned c = 1; c < trial->counts[i] && !trial->chosen[i]; c++) {
            print_piece("a deviation", &trial->candidates[i][c].piece);
        }
        printf("    %-12s word %08" PRIx32 "\n", "QEMU", trial->seen.words[i]);
        if (i > 2) {
            break;
        }
    }
    for (unsigned i = 0; i < trial->seen.events && i < 2; i++) {
        printf("    %-12s event %016" PRIx64 " %016" PRIx64 " %016" PRIx64 " %016" PRIx64 "\n",
               "QEMU", trial->seen.records[i][0], trial->seen.records[i][1],
               trial->seen.records[i][2], trial->seen.records[i][3]);
    }
    printf("    %-12s %u events, device's result 0x%" PRIx64 "\n", "QEMU", trial->seen.events,
           trial->seen.result);
    print_stream(scenario, access->device, access->iova);
    printf("    again: make differential REPLAY=%u:0x%" PRIx64 "\n", scenario->run, scenario->seed);
}
