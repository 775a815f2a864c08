/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a check found, for programs: JSON lines, an object each, whose first member is "kind" (docs/boards.md). What is
 * written there and what is printed come from the same places.
 */
#ifndef TOOLS_CHECK_RECORDS_H
#define TOOLS_CHECK_RECORDS_H

#include "lib/types.h"

/* From here on records go to that file. False: it cannot be written. Never called: they go nowhere. */
bool records_open(const char *path);
/* False: not all of it could be written. */
bool records_close(void);

/* An object, member by member. */
void record_begin(const char *kind);
void record_text(const char *name, const char *text);
void record_number(const char *name, uint64_t number);
void record_flag(const char *name, bool flag);
void record_null(const char *name);
/* An array; its members have no name. */
void record_list(const char *name);
void record_list_end(void);
void record_end(void);

#endif
