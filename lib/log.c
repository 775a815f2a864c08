/* SPDX-License-Identifier: Apache-2.0 */
#include "lib/log.h"

#include "arch/seam.h"
#include "lib/format.h"
#include "lib/lock.h"
#include "lib/string.h"

/* A full ring holds about a hundred lines; a power of two. */
#define RING_SIZE 8192
#define FLUSH_MICROSECONDS 1000000
/* A lock that is not free after this long is held by a CPU that will not let go of it. */
#define FLUSH_LOCK_MICROSECONDS 10000

struct ring {
    uint64_t written; /* bytes ever; the position is the remainder by RING_SIZE */
    uint64_t drained;
    uint64_t dropped; /* lines */
    uint64_t dropped_told;
    char bytes[RING_SIZE];
};

static struct {
    struct lock lock; /* guards everything here */
    const struct log_port *port;
    uint64_t base;
    bool interrupts;
    bool deaf;            /* not for input */
    unsigned int current; /* the source whose line is on its way out */
    struct ring ring[LOG_SOURCES];
} journal;

static enum log_level log_level; /* LOG_INFO */

static void ring_put(struct ring *ring, const char *bytes, size_t length)
{
    for (size_t i = 0; i < length; i++)
        ring->bytes[ring->written++ % RING_SIZE] = bytes[i];
}

/* The source to write from: the current one until its line is out, then the next that has
 * something. Before the first byte of a ring stands its last one, which is empty or ends a line. */
static struct ring *next_source(void)
{
    struct ring *ring = &journal.ring[journal.current];

    if (ring->drained < ring->written && ring->bytes[(ring->drained - 1) % RING_SIZE] != '\n')
        return ring;
    for (unsigned int i = 1; i <= LOG_SOURCES; i++) {
        unsigned int source = (journal.current + i) % LOG_SOURCES;

        if (journal.ring[source].drained < journal.ring[source].written) {
            journal.current = source;
            return &journal.ring[source];
        }
    }
    return NULL;
}

/* Hands the port at most `limit` bytes, fewer if it takes no more. Returns whether any are left. */
static bool drain(unsigned int limit)
{
    struct ring *ring = next_source();

    while (ring != NULL && limit > 0 &&
           journal.port->write(journal.base, ring->bytes[ring->drained % RING_SIZE])) {
        ring->drained++;
        limit--;
        ring = next_source();
    }
    return ring != NULL;
}

/* After something was put into a ring, or the port has room again. */
static void advance(void)
{
    if (journal.port == NULL)
        return;
    if (!journal.interrupts) {
        uint64_t deadline = time_deadline(FLUSH_MICROSECONDS);

        while (drain(RING_SIZE) && !time_passed(deadline))
            cpu_relax();
        return;
    }
    journal.port->interrupt(journal.base, drain(LOG_BURST), !journal.deaf);
}

void log_start(const struct log_port *port, uint64_t base)
{
    port->start(base);
    journal.port = port;
    journal.base = base;
    advance();
}

bool log_is_at(uint64_t base)
{
    return journal.port != NULL && journal.base == base;
}

void log_start_interrupts(void)
{
    lock_acquire(&journal.lock);
    journal.interrupts = true;
    if (journal.port != NULL)
        journal.port->interrupt(journal.base, false, !journal.deaf);
    lock_release(&journal.lock);
}

void log_kick(void)
{
    lock_acquire(&journal.lock);
    advance();
    lock_release(&journal.lock);
}

void log_listen(bool on)
{
    lock_acquire(&journal.lock);
    journal.deaf = !on;
    advance();
    lock_release(&journal.lock);
}

bool log_read(char *c)
{
    return journal.port != NULL && journal.port->read(journal.base, c);
}

void log_set_level(enum log_level level)
{
    log_level = level;
}

/* Puts a whole line, or counts it as dropped. A gap is told of by a line of its own once there
 * is room. */
static bool put_line(unsigned int source, const char *name, const char *text, size_t length)
{
    struct ring *ring = &journal.ring[source];
    char prefix[48], note[64];
    size_t prefix_length = format(prefix, sizeof(prefix), "[%s] ", name);
    size_t note_length = 0;

    if (ring->dropped != ring->dropped_told)
        note_length = format(note, sizeof(note), "... %lu lines lost here\n",
                             ring->dropped - ring->dropped_told);
    size_t needed = prefix_length + length + 1 + (note_length != 0 ? prefix_length : 0) +
                    note_length;

    if (RING_SIZE - (ring->written - ring->drained) < needed) {
        ring->dropped++;
        return false;
    }
    if (note_length != 0) {
        ring_put(ring, prefix, prefix_length);
        ring_put(ring, note, note_length);
        ring->dropped_told = ring->dropped;
    }
    ring_put(ring, prefix, prefix_length);
    ring_put(ring, text, length);
    ring_put(ring, "\n", 1);
    return true;
}

void log_print(enum log_level level, const char *text, ...)
{
    char line[LOG_LINE];
    va_list arguments;
    size_t length;

    if (level > log_level)
        return;
    va_start(arguments, text);
    length = format_list(line, sizeof(line), text, arguments);
    va_end(arguments);
    lock_acquire(&journal.lock);
    put_line(LOG_HYPERVISOR, "bulkhead", line, length);
    advance();
    lock_release(&journal.lock);
}

bool log_source_line(unsigned int source, const char *name, const char *bytes, size_t length)
{
    char line[LOG_LINE];
    bool kept;

    length = min_u64(length, LOG_LINE);
    for (size_t i = 0; i < length; i++)
        line[i] = bytes[i] >= ' ' && bytes[i] <= '~' ? bytes[i] : '.';
    lock_acquire(&journal.lock);
    kept = put_line(source, name, line, length);
    lock_release(&journal.lock);
    return kept;
}

uint64_t log_dropped(unsigned int source)
{
    return journal.ring[source].dropped;
}

void log_seize(void)
{
    uint64_t deadline = time_deadline(FLUSH_LOCK_MICROSECONDS);

    while (!lock_try(&journal.lock)) {
        if (time_passed(deadline)) {
            journal.lock = (struct lock){ 0 };
            return;
        }
        cpu_relax();
    }
    lock_release(&journal.lock);
}

void log_flush(void)
{
    uint64_t deadline;

    if (journal.port == NULL)
        return;
    lock_acquire(&journal.lock);
    deadline = time_deadline(FLUSH_MICROSECONDS);
    while (drain(RING_SIZE) && !time_passed(deadline))
        cpu_relax();
    while (!journal.port->idle(journal.base) && !time_passed(deadline))
        cpu_relax();
    lock_release(&journal.lock);
}
