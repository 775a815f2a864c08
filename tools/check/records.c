/* SPDX-License-Identifier: Apache-2.0 */
#include "records.h"

#include <stdio.h>

static FILE *out;
static bool follows; /* a member of the same object or array */

bool records_open(const char *path)
{
    out = fopen(path, "w");
    return out != NULL;
}

bool records_close(void)
{
    bool whole = out == NULL || ferror(out) == 0;

    if (out != NULL)
        whole = fclose(out) == 0 && whole;
    out = NULL;
    return whole;
}

static void put(const char *text)
{
    if (out != NULL)
        (void)fputs(text, out);
}

/* What is not printable ASCII is written as the escape of its byte. */
static void put_quoted(const char *text)
{
    put("\"");
    for (; out != NULL && *text != '\0'; text++) {
        unsigned char byte = (unsigned char)*text;

        if (byte == '"' || byte == '\\')
            fprintf(out, "\\%c", byte);
        else if (byte < ' ' || byte > '~')
            fprintf(out, "\\u%04x", byte);
        else
            fprintf(out, "%c", byte);
    }
    put("\"");
}

static void put_name(const char *name)
{
    if (follows)
        put(", ");
    follows = true;
    if (name != NULL) {
        put_quoted(name);
        put(": ");
    }
}

void record_begin(const char *kind)
{
    put("{");
    follows = false;
    record_text("kind", kind);
}

void record_text(const char *name, const char *text)
{
    put_name(name);
    put_quoted(text);
}

void record_number(const char *name, uint64_t number)
{
    put_name(name);
    if (out != NULL)
        fprintf(out, "%llu", (unsigned long long)number);
}

void record_flag(const char *name, bool flag)
{
    put_name(name);
    put(flag ? "true" : "false");
}

void record_null(const char *name)
{
    put_name(name);
    put("null");
}

void record_list(const char *name)
{
    put_name(name);
    put("[");
    follows = false;
}

void record_list_end(void)
{
    put("]");
    follows = true;
}

void record_end(void)
{
    put("}\n");
    follows = false;
}
