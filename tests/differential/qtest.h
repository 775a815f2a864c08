/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A client of QEMU's qtest protocol that pipelines: commands are collected, written in one go, and
 * answered in order. Nothing is known of an answer before qtest_sync returns.
 */
#ifndef QTEST_H
#define QTEST_H

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

struct qtest {
    pid_t process;
    int socket;
    char *out; /* commands not yet written */
    size_t out_used, out_room;
    uint64_t **wanted; /* where the number in each outstanding answer goes, or null */
    size_t asked, wanted_room;
};

/*
 * Start a QEMU. `arguments` ends with null and has neither -accel nor -qtest; descriptors below
 * `keep` stay open in it. It ends with this process at the latest.
 */
void qtest_start(struct qtest *qtest, const char *program, const char *const *arguments);

/* Ask it to end, and wait. */
void qtest_stop(struct qtest *qtest);

void qtest_write32(struct qtest *qtest, uint64_t address, uint32_t value);
void qtest_write64(struct qtest *qtest, uint64_t address, uint64_t value);

/* The value is at *value after the next qtest_sync; the address must stay valid until then. */
void qtest_read32(struct qtest *qtest, uint64_t address, uint64_t *value);
void qtest_read64(struct qtest *qtest, uint64_t address, uint64_t *value);

/* Virtual time passes. */
void qtest_clock_step(struct qtest *qtest, uint64_t nanoseconds);

/* Send everything and wait for every answer; the program ends if QEMU does not give them. */
void qtest_sync(struct qtest *qtest);

#endif
