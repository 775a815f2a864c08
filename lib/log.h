/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The log and the partitions' consoles: whole lines, each with its source in brackets in front,
 * kept in a ring per source and written to the serial port as it drains. A source that outruns the
 * port loses its own lines, counted, never another's.
 *
 * Before log_start_interrupts() every line is written out before the call returns.
 */
#ifndef LIB_LOG_H
#define LIB_LOG_H

#include "lib/types.h"

/* The level that holds at start is 0, so that the image has no initialised data, which would cost it a page. */
enum log_level { LOG_ERROR = -2, LOG_WARNING, LOG_INFO, LOG_DEBUG };

/* Source 0 is the hypervisor; 1 + i is partition i. */
#define LOG_SOURCES 9
#define LOG_HYPERVISOR 0
#define LOG_LINE                                                                                   \
    320 /* the last line of a run with the most partitions and the longest names fits */

/* Bytes that one call may push at the port, so that its work is bounded. */
#define LOG_BURST 32

/* What a serial port does for the log. */
struct log_port {
    void (*start)(uint64_t base);
    bool (*write)(uint64_t base, char c); /* false: the FIFO is full */
    bool (*read)(uint64_t base, char *c); /* false: nothing (whole) has come */
    /* Acknowledge; ask for one when there is room, and when something has come in. */
    void (*interrupt)(uint64_t base, bool room, bool input);
    bool (*idle)(uint64_t base); /* the last bit has left */
};

/* From here on lines go to this port; those before it are kept in their ring. */
void log_start(const struct log_port *port, uint64_t base);

/* Whether they go to a port there. */
bool log_is_at(uint64_t base);

/* From here on the port's interrupt drains the rings: its handler calls log_kick(). */
void log_start_interrupts(void);

/* Whether the port is to interrupt for input, as it does at first. Also does what log_kick() does. */
void log_listen(bool on);

/* Takes a byte that has come in. False: there is none. The port's handler alone. */
bool log_read(char *c);

/* Lines less urgent than this are not kept. LOG_INFO at start. */
void log_set_level(enum log_level level);

/* One line, without a newline at its end, cut at LOG_LINE bytes. Any CPU, any time. Work: the
 * line's length, and at most one filling of the port's FIFO. */
void log_print(enum log_level level, const char *text, ...) __attribute__((format(printf, 2, 3)));

/* A line of a source, as bytes: what is not printable ASCII comes out as '.'. False: dropped. */
bool log_source_line(unsigned int source, const char *name, const char *bytes, size_t length);

/* Sets the port to work on what log_source_line() has kept: once behind a number of lines. */
void log_kick(void);

/* Lines that a source lost because the port was too slow. */
uint64_t log_dropped(unsigned int source);

/* For a CPU that is about to end the machine: waits a moment for whoever holds the log, then
 * takes it from him. */
void log_seize(void);

/* Writes out all rings, waiting for the port, for at most a second: for the end of a run. A CPU that cannot
 * count on the others to let go of the log calls log_seize() first. */
void log_flush(void);

#define log_error(...) log_print(LOG_ERROR, __VA_ARGS__)
#define log_warning(...) log_print(LOG_WARNING, __VA_ARGS__)
#define log_info(...) log_print(LOG_INFO, __VA_ARGS__)
#define log_debug(...) log_print(LOG_DEBUG, __VA_ARGS__)

#endif
