/* SPDX-License-Identifier: Apache-2.0 */
#include "report.h"

#include <stdarg.h>
#include <stdio.h>

#include "sdk/bulkhead.h"

#define ATTEMPT_LIMIT 32

struct row {
    const char *what;
    enum outcome expected;
    enum outcome seen;
    char proof[REPORT_PROOF_BYTES];
};

static struct row rows[ATTEMPT_LIMIT];
static int row_count;
static int surprises;
static int sections;

static const char *outcome_name(enum outcome outcome)
{
    switch (outcome) {
    case OUTCOME_LANDS:
        return "lands";
    case OUTCOME_BLOCKED:
        return "blocked";
    case OUTCOME_SILENT:
        return "silent";
    case OUTCOME_UNCLEAR:
        return "unclear";
    case OUTCOME_NOT_TRIED:
        return "not tried";
    }
    return "?";
}

static void print_word(const char *word)
{
    printf("   %-8s ", word);
}

void report_section(const char *title)
{
    printf("\n%d  %s\n", ++sections, title);
}

void report_text(const char *format, ...)
{
    va_list arguments;

    printf("   ");
    va_start(arguments, format);
    vprintf(format, arguments);
    va_end(arguments);
    printf("\n");
}

void report_line(const char *word, const char *format, ...)
{
    va_list arguments;

    print_word(word);
    va_start(arguments, format);
    vprintf(format, arguments);
    va_end(arguments);
    printf("\n");
}

void report_step(const char *word, int64_t status, const char *format, ...)
{
    va_list arguments;

    print_word(word);
    if (status < 0) {
        surprises++;
        printf("FAILED with %s: ", bh_error_name(status));
    }
    va_start(arguments, format);
    vprintf(format, arguments);
    va_end(arguments);
    printf("\n");
}

void report_attempt(const char *what, enum outcome expected, enum outcome seen, const char *proof)
{
    if (seen != expected)
        surprises++;
    if (row_count < ATTEMPT_LIMIT) {
        struct row *row = &rows[row_count++];

        row->what = what;
        row->expected = expected;
        row->seen = seen;
        snprintf(row->proof, sizeof(row->proof), "%s", proof);
    }
}

int report_table(void)
{
    report_section("What was tried");
    printf("   %-37s  %-8s  %-9s  %-8s  %s\n", "attempt", "expected", "seen", "verdict", "proof");
    for (int i = 0; i < row_count; i++) {
        const struct row *row = &rows[i];

        printf("   %-37s  %-8s  %-9s  %-8s  %s\n", row->what, outcome_name(row->expected),
               outcome_name(row->seen), row->seen == row->expected ? "ok" : "SURPRISE", row->proof);
    }
    printf("\nresult: %d attempts, %d surprises\n", row_count, surprises);
    return surprises;
}
