/* SPDX-License-Identifier: Apache-2.0 */
#include "check.h"

#include <inttypes.h>
#include <stdio.h>

#include "sdk/bulkhead.h"

#define TEXT_BYTES 48

static int checks;
static int failures;
static int first_failure;

static void count(bool holds)
{
    checks++;
    if (holds)
        return;
    failures++;
    if (first_failure == 0)
        first_failure = checks;
}

/* An error by its name, anything else by its value. */
static const char *status_text(int64_t status, char text[TEXT_BYTES])
{
    if (status <= BH_OK && status >= BH_EFAULT)
        return bh_error_name(status);
    snprintf(text, TEXT_BYTES, "%" PRId64, status);
    return text;
}

void check_equal(uint64_t expected, uint64_t seen, const char *what)
{
    count(expected == seen);
    if (expected != seen)
        printf("check %d: expected 0x%" PRIx64 ", saw 0x%" PRIx64 " (%s)\n", checks, expected, seen,
               what);
}

void check_status(int64_t expected, int64_t seen, const char *what)
{
    count(expected == seen);
    if (expected != seen) {
        char left[TEXT_BYTES], right[TEXT_BYTES];

        printf("check %d: expected %s, saw %s (%s)\n", checks, status_text(expected, left),
               status_text(seen, right), what);
    }
}

void check_either(int64_t first, int64_t second, int64_t seen, const char *what)
{
    bool holds = seen == first || seen == second;

    count(holds);
    if (!holds) {
        char left[TEXT_BYTES], middle[TEXT_BYTES], right[TEXT_BYTES];

        printf("check %d: expected %s or %s, saw %s (%s)\n", checks, status_text(first, left),
               status_text(second, middle), status_text(seen, right), what);
    }
}

void check_true(bool holds, const char *what)
{
    count(holds);
    if (!holds)
        printf("check %d: expected true, saw false (%s)\n", checks, what);
}

void check_skip(const char *what, const char *why)
{
    checks++;
    printf("check %d: skipped, %s (%s)\n", checks, why, what);
}

void check_calls(const struct call_check *rows, size_t row_count)
{
    for (size_t i = 0; i < row_count; i++) {
        const struct call_check *row = &rows[i];
        struct bh_result result = bh_call(row->call, row->argument[0], row->argument[1],
                                          row->argument[2], row->argument[3], row->argument[4]);

        check_status(row->expected, result.status, row->what);
    }
}

bool check_failed(void)
{
    return failures != 0;
}

int check_result(void)
{
    printf("%d checks, %d failed\n", checks, failures);
    return first_failure < CHECK_EXIT_MAX ? first_failure : CHECK_EXIT_MAX;
}
