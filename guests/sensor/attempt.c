/* SPDX-License-Identifier: Apache-2.0 */
#include "attempt.h"

#include <inttypes.h>

#include "common/fault.h"
#include "sdk/bulkhead.h"
#include "sdk/timer.h"

#define WORD_BYTES ((uint32_t)sizeof(uint32_t))
#define PATTERN_FIRST 0x5e500000u
#define CANARY 0xcafecafeu

/* What a bus gives for a read that was refused. */
#define FILLER_ZEROS 0u
#define FILLER_ONES 0xffffffffu

#define SILENCE_NS (300 * NS_PER_MS) /* for a record to come where none is expected */

/* What was seen of a transfer: the record, and the data. */
struct seen {
    bool faulted;
    struct bh_query_fault fault;
    enum { DATA_STAYED, DATA_MOVED, DATA_SPOILT, DATA_HIDDEN } data;
    uint32_t word; /* that the witness held, unless hidden */
};

bool rig_load(struct rig *rig)
{
    rig->pattern = rig->pattern ? rig->pattern + 1 : PATTERN_FIRST;
    rig->source.words[0] = rig->pattern;
    return edu_transfer(&rig->edu, EDU_FROM_MEMORY, rig->source.iova, 0, WORD_BYTES);
}

/* After a write: the witness lies in own memory, where it lies in sight at all. */
static void look_at_memory(const struct rig *rig, const struct attempt *attempt, struct seen *seen)
{
    if (!attempt->witness) {
        seen->data = DATA_HIDDEN;
        return;
    }
    seen->word = *attempt->witness;
    if (seen->word == CANARY)
        seen->data = DATA_STAYED;
    else
        seen->data = seen->word == rig->pattern ? DATA_MOVED : DATA_SPOILT;
}

/*
 * After a read: the device writes its buffer to the target page. It holds the old pattern, or what
 * the bus filled in for the refused read; anything else came from where the device should not see.
 */
static void look_at_buffer(struct rig *rig, struct seen *seen)
{
    bool idle;

    rig->target.words[0] = CANARY;
    idle = edu_transfer(&rig->edu, EDU_TO_MEMORY, rig->target.iova, 0, WORD_BYTES);

    seen->word = rig->target.words[0];
    if (!idle || seen->word == CANARY)
        seen->data = DATA_SPOILT;
    else if (seen->word == rig->pattern || seen->word == FILLER_ZEROS || seen->word == FILLER_ONES)
        seen->data = DATA_STAYED;
    else
        seen->data = DATA_MOVED;
}

static enum outcome judge(const struct rig *rig, const struct attempt *attempt,
                          const struct seen *seen, bool bound)
{
    uint32_t access = attempt->direction == EDU_TO_MEMORY ? BH_ACCESS_WRITE : BH_ACCESS_READ;
    bool fits = seen->faulted && fault_fits(&seen->fault, attempt->iova, access, attempt->cause) &&
                (!bound || seen->fault.label == rig->label);

    switch (seen->data) {
    case DATA_MOVED:
        return seen->faulted ? OUTCOME_UNCLEAR : OUTCOME_LANDS;
    case DATA_STAYED:
        if (!seen->faulted)
            return OUTCOME_SILENT;
        return fits ? OUTCOME_BLOCKED : OUTCOME_UNCLEAR;
    case DATA_HIDDEN:
        return fits ? OUTCOME_BLOCKED : OUTCOME_UNCLEAR;
    case DATA_SPOILT:
        break;
    }
    return OUTCOME_UNCLEAR;
}

static const char *headline(enum outcome outcome)
{
    switch (outcome) {
    case OUTCOME_LANDS:
        return "it lands";
    case OUTCOME_BLOCKED:
        return "blocked";
    case OUTCOME_SILENT:
        return "nothing came through";
    case OUTCOME_UNCLEAR:
    case OUTCOME_NOT_TRIED:
        break;
    }
    return "unclear";
}

static void tell_fault(const struct seen *seen, char *proof)
{
    char text[FAULT_TEXT_BYTES];

    if (!seen->faulted) {
        report_line("", "no fault was recorded");
        return;
    }
    report_line("", "fault: %s", fault_text(&seen->fault, text));
    fault_proof(&seen->fault, "", proof);
}

static void tell_data(const struct rig *rig, const struct attempt *attempt, const struct seen *seen)
{
    const char *where = attempt->direction == EDU_TO_MEMORY ? "my page" : "the device's buffer";

    switch (seen->data) {
    case DATA_STAYED:
        report_line("", "%s holds 0x%08" PRIx32 ": %s", where, seen->word,
                    attempt->direction == EDU_TO_MEMORY || seen->word == rig->pattern
                        ? "what I had put there"
                        : "what the bus gives for a refused read");
        break;
    case DATA_MOVED:
        report_line("", "%s holds 0x%08" PRIx32 ": what the device moved", where, seen->word);
        break;
    case DATA_SPOILT:
        report_line("", "%s holds 0x%08" PRIx32 ": neither old nor new", where, seen->word);
        break;
    case DATA_HIDDEN:
        report_line("", "%s",
                    seen->faulted ? "the memory itself is out of my sight, as it should be"
                                  : "that memory is out of my sight: it may have come through");
        break;
    }
}

static void conclude(const struct rig *rig, const struct attempt *attempt, const struct seen *seen,
                     bool bound)
{
    enum outcome outcome = judge(rig, attempt, seen, bound);
    char proof[REPORT_PROOF_BYTES] = "data";

    report_line("seen", "%s", headline(outcome));
    tell_fault(seen, proof);
    tell_data(rig, attempt, seen);
    report_attempt(attempt->what, attempt->expected, outcome,
                   outcome == OUTCOME_SILENT || outcome == OUTCOME_UNCLEAR ? "see above" : proof);
}

struct started attempt_start(struct rig *rig, const struct attempt *attempt)
{
    struct started started;

    if (attempt->witness)
        *attempt->witness = CANARY;
    started.faults = fault_of(rig->device).count;
    started.running = edu_start(&rig->edu, attempt->direction, attempt->iova, 0, WORD_BYTES);
    return started;
}

static struct seen look(struct rig *rig, const struct attempt *attempt,
                        const struct started *started)
{
    struct seen seen = { .faulted = false };
    bool expected = attempt->expected == OUTCOME_BLOCKED;

    seen.faulted = fault_wait(rig->device, started->faults, expected ? FAULT_LIMIT_NS : SILENCE_NS,
                              &seen.fault);
    if (attempt->direction == EDU_TO_MEMORY)
        look_at_memory(rig, attempt, &seen);
    else
        look_at_buffer(rig, &seen);
    return seen;
}

void attempt_judge(struct rig *rig, const struct attempt *attempt, const struct started *started,
                   bool bound)
{
    struct seen seen = look(rig, attempt, started);

    conclude(rig, attempt, &seen, bound);
}

void attempt_run(struct rig *rig, const struct attempt *attempt)
{
    struct started started;
    struct seen seen;
    uint64_t lost;

    report_line("try", "%s", attempt->what);
    for (int i = 0;; i++) {
        lost = fault_of(rig->device).lost;
        started = attempt_start(rig, attempt);
        if (!started.running || !edu_wait(&rig->edu)) {
            report_line("seen", "the device does not become idle");
            report_attempt(attempt->what, attempt->expected, OUTCOME_UNCLEAR, "device stuck");
            return;
        }
        seen = look(rig, attempt, &started);
        /* Others behind the unit may have filled its queue: then a record may be missing. */
        if (seen.faulted || attempt->expected != OUTCOME_BLOCKED ||
            fault_of(rig->device).lost == lost || i == FAULT_TRIES || !rig_load(rig))
            break;
        report_line("again", "the unit lost records meanwhile: its queue was full");
    }
    conclude(rig, attempt, &seen, true);
}
