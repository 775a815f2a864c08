/* SPDX-License-Identifier: Apache-2.0 */
/* What make check says of a set, as records (records.h). */
#ifndef TOOLS_CHECK_SET_RECORDS_H
#define TOOLS_CHECK_SET_RECORDS_H

/* After matrix_walk(). name: of the set. */
void set_record(const char *name);

#endif
