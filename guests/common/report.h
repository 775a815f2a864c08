/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the demo says: sections, steps, attempts as they happen, and the table at the end. A
 * surprise is a step that failed or an attempt that ended otherwise than expected; they are
 * counted here and nowhere else.
 */
#ifndef GUESTS_COMMON_REPORT_H
#define GUESTS_COMMON_REPORT_H

#include <stdint.h>

/* How a transfer of the device ended, as far as it was seen. */
enum outcome {
    OUTCOME_LANDS,     /* the data came through, and no fault was recorded */
    OUTCOME_BLOCKED,   /* a fault names it, and no witness changed */
    OUTCOME_SILENT,    /* a witness shows that nothing came through, but no fault was recorded */
    OUTCOME_UNCLEAR,   /* what was seen fits none of the others */
    OUTCOME_NOT_TRIED, /* something that it needs was missing */
};

#define REPORT_PROOF_BYTES 48 /* of a proof in the table; what is longer is cut */

/* A numbered headline. */
void report_section(const char *title);

/* A line of text under a section. */
void report_text(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* A line that begins with a word: what a step did, what an attempt is. */
void report_line(const char *word, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* The step that a call did: the text if status is not negative, else a surprise with the error. */
void report_step(const char *word, int64_t status, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/*
 * A row of the table. what, proof: static strings or kept alive; proof says in a word or two what
 * the outcome rests on.
 */
void report_attempt(const char *what, enum outcome expected, enum outcome seen, const char *proof);

/* Prints the table and the result. Returns the number of surprises. */
int report_table(void);

#endif
