/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The qtest client: a QEMU as a child, one end of a socket pair as its chardev.
 */
#include "qtest.h"

#include <errno.h>
#include <inttypes.h>
#include <poll.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum {
    ANSWER_SECONDS = 60, /* without any answer for so long, the machine is stuck */
    ARGUMENTS_MAX = 96,
    COMMAND_MAX = 96,
    LINE_MAX_BYTES = 128,
};

static struct qtest *running; /* what to kill if the program must end */

static void give_up(const char *what)
{
    fprintf(stderr, "qtest: %s\n", what);
    if (running) {
        kill(running->process, SIGKILL);
    }
    exit(2);
}

/* ------------------------------------------------------------------ life */

static void become_qemu(int socket, const char *program, const char *const *arguments)
{
    const char *argv[ARGUMENTS_MAX];
    char chardev[COMMAND_MAX];
    size_t count = 0;

    snprintf(chardev, sizeof(chardev), "socket,id=qtest,fd=%d", socket);
    argv[count++] = program;
    while (*arguments && count < ARGUMENTS_MAX - 10) {
        argv[count++] = *arguments++;
    }
    argv[count++] = "-accel";
    argv[count++] = "qtest";
    argv[count++] = "-chardev";
    argv[count++] = chardev;
    argv[count++] = "-qtest";
    argv[count++] = "chardev:qtest";
    argv[count++] = "-qtest-log";
    argv[count++] = "none";
    argv[count] = NULL;
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    execvp(program, (char *const *)(uintptr_t)argv);
    perror(program);
    _exit(127);
}

void qtest_start(struct qtest *qtest, const char *program, const char *const *arguments)
{
    int ends[2];

    memset(qtest, 0, sizeof(*qtest));
    if (socketpair(AF_UNIX, SOCK_STREAM, 0, ends)) {
        give_up("no socket pair");
    }
    qtest->process = fork();
    if (qtest->process == 0) {
        close(ends[0]);
        become_qemu(ends[1], program, arguments);
    }
    if (qtest->process < 0) {
        give_up("cannot fork");
    }
    close(ends[1]);
    qtest->socket = ends[0];
    running = qtest;
}

void qtest_stop(struct qtest *qtest)
{
    int status = 0;

    running = NULL;
    kill(qtest->process, SIGTERM);
    close(qtest->socket);
    waitpid(qtest->process, &status, 0);
    free(qtest->out);
    free(qtest->wanted);
    memset(qtest, 0, sizeof(*qtest));
}

/* ------------------------------------------------------------------ asking */

static void *resized(void *memory, size_t bytes)
{
    void *grown = realloc(memory, bytes);

    if (!grown) {
        give_up("out of memory");
    }
    return grown;
}

static void ask(struct qtest *qtest, uint64_t *value, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

static void ask(struct qtest *qtest, uint64_t *value, const char *format, ...)
{
    va_list arguments;

    if (qtest->out_room - qtest->out_used < COMMAND_MAX) {
        qtest->out_room = qtest->out_room * 2 + 65536;
        qtest->out = resized(qtest->out, qtest->out_room);
    }
    if (qtest->asked == qtest->wanted_room) {
        qtest->wanted_room = qtest->wanted_room * 2 + 1024;
        qtest->wanted = resized(qtest->wanted, qtest->wanted_room * sizeof(*qtest->wanted));
    }
    va_start(arguments, format);
    qtest->out_used += (size_t)vsnprintf(qtest->out + qtest->out_used, COMMAND_MAX, format,
                                         arguments);
    va_end(arguments);
    qtest->wanted[qtest->asked++] = value;
}

void qtest_write32(struct qtest *qtest, uint64_t address, uint32_t value)
{
    ask(qtest, NULL, "writel 0x%" PRIx64 " 0x%" PRIx32 "\n", address, value);
}

void qtest_write64(struct qtest *qtest, uint64_t address, uint64_t value)
{
    ask(qtest, NULL, "writeq 0x%" PRIx64 " 0x%" PRIx64 "\n", address, value);
}

void qtest_read32(struct qtest *qtest, uint64_t address, uint64_t *value)
{
    ask(qtest, value, "readl 0x%" PRIx64 "\n", address);
}

void qtest_read64(struct qtest *qtest, uint64_t address, uint64_t *value)
{
    ask(qtest, value, "readq 0x%" PRIx64 "\n", address);
}

void qtest_clock_step(struct qtest *qtest, uint64_t nanoseconds)
{
    ask(qtest, NULL, "clock_step %" PRIu64 "\n", nanoseconds);
}

/* ------------------------------------------------------------------ answers */

static void take_answer(struct qtest *qtest, size_t which, const char *line)
{
    if (strncmp(line, "OK", 2) != 0) {
        fprintf(stderr, "qtest: answer %zu of %zu: %s\n", which, qtest->asked, line);
        give_up("QEMU refused a command");
    }
    if (qtest->wanted[which]) {
        *qtest->wanted[which] = strtoull(line + 2, NULL, 0);
    }
}

static void await(struct pollfd *ready)
{
    int events = poll(ready, 1, ANSWER_SECONDS * 1000);

    if (events < 0 && errno != EINTR) {
        give_up("poll failed");
    }
    if (events == 0) {
        give_up("QEMU does not answer");
    }
}

/* Cut what was received into lines; the rest of the last one stays in `line`. */
static void take_bytes(struct qtest *qtest, const char *bytes, size_t count, char *line,
                       size_t *length, size_t *answered)
{
    for (size_t i = 0; i < count; i++) {
        if (bytes[i] != '\n') {
            if (*length < LINE_MAX_BYTES - 1) {
                line[(*length)++] = bytes[i];
            }
            continue;
        }
        line[*length] = '\0';
        *length = 0;
        if (*answered < qtest->asked) {
            take_answer(qtest, (*answered)++, line);
        }
    }
}

void qtest_sync(struct qtest *qtest)
{
    size_t sent = 0, answered = 0, length = 0;
    char line[LINE_MAX_BYTES];

    while (answered < qtest->asked) {
        struct pollfd ready = { .fd = qtest->socket, .events = POLLIN };
        char bytes[16384];
        ssize_t count = 0;

        if (sent < qtest->out_used) {
            ready.events |= POLLOUT;
        }
        await(&ready);
        if (ready.revents & POLLOUT) {
            count = send(qtest->socket, qtest->out + sent, qtest->out_used - sent,
                         MSG_DONTWAIT | MSG_NOSIGNAL);
            sent += count > 0 ? (size_t)count : 0;
        }
        if (ready.revents & (POLLIN | POLLHUP | POLLERR)) {
            count = recv(qtest->socket, bytes, sizeof(bytes), MSG_DONTWAIT);
            if (count == 0) {
                give_up("QEMU has ended");
            }
            take_bytes(qtest, bytes, count > 0 ? (size_t)count : 0, line, &length, &answered);
        }
    }
    qtest->out_used = 0;
    qtest->asked = 0;
}
