/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Driver of an NVMe controller, NVM Express Base 2.0 and NVM Command Set 1.0: the admin queue, one
 * pair of I/O queues, one command at a time, completions found by polling. Controllers with pages of
 * 4 KiB and namespace 1; no interrupts, no metadata.
 *
 * It knows nothing of hypercalls. Its caller gives it pages and the addresses at which the controller
 * sees them, and names data by such addresses alone.
 */
#ifndef GUESTS_COMMON_NVME_H
#define GUESTS_COMMON_NVME_H

#include <stdbool.h>
#include <stdint.h>

#define NVME_CLASS 0x010802u /* mass storage, NVM, NVMe I/O controller */
#define NVME_PAGE_BYTES 4096
#define NVME_TEXT_BYTES 41

/* How a command ended: NVME_OK, the status of its completion (1 to 0x7fff), or without one. */
#define NVME_OK 0
#define NVME_NO_ANSWER (-1) /* no completion, or not ready, within the time */
#define NVME_FATAL (-2)     /* the controller says that it has failed (CSTS.CFS) */
#define NVME_UNFIT (-3)     /* not a controller or a namespace for this driver */

/* Fields of a completion's status: type and code, without the hints above them. */
#define NVME_STATUS_CODE(status) ((status)&0x7ff)
#define NVME_STATUS_DATA_TRANSFER_ERROR 0x004

/* A page, where the program sees it and where the controller does. */
struct nvme_page {
    volatile uint8_t *bytes;
    uint64_t iova;
};

/* What the controller reads, and what it writes. */
struct nvme_memory {
    struct nvme_page admin_submissions;
    struct nvme_page admin_completions;
    struct nvme_page submissions;
    struct nvme_page completions;
    struct nvme_page identity; /* answers of Identify */
};

struct nvme_queue {
    const struct nvme_page *submissions;
    const struct nvme_page *completions;
    uint32_t id;
    uint32_t entries;
    uint32_t tail;  /* of the submissions */
    uint32_t head;  /* of the completions */
    uint32_t phase; /* of the completion that comes next */
    uint32_t next_command;
};

struct nvme {
    uintptr_t registers;
    const struct nvme_memory *memory;
    struct nvme_queue admin;
    struct nvme_queue io;
    uint32_t doorbell_bytes; /* from one doorbell to the next */
    uint64_t ready_ns;       /* how long it may take to become ready or not ready */
    void (*meanwhile)(
        void); /* what to do again and again while a command is under way; NULL: sleep */
    char model[NVME_TEXT_BYTES];
    char serial[NVME_TEXT_BYTES];
    uint64_t blocks;
    uint32_t block_bytes;
};

enum nvme_direction { NVME_READ, NVME_WRITE };

/* Resets the controller and enables it with its admin queue. `memory` must outlive it. */
int nvme_enable(struct nvme *nvme, uintptr_t registers, const struct nvme_memory *memory);

/* Asks who it is, and for the size of namespace 1. */
int nvme_identify(struct nvme *nvme);

/* Creates the pair of I/O queues, and deletes it. */
int nvme_create_queues(struct nvme *nvme);
int nvme_delete_queues(struct nvme *nvme);

/*
 * Blocks between namespace 1 and memory. first: address of the data; second: 0, or where the rest
 * stands: of the second page, or of a list of pages when there are more than two (PRP 1 and 2).
 */
int nvme_transfer(struct nvme *nvme, enum nvme_direction direction, uint64_t block, uint32_t count,
                  uint64_t first, uint64_t second);

/* What was written has reached the medium. */
int nvme_flush(struct nvme *nvme);

/* Tells the controller to finish, then disables it: it masters the bus no more. */
int nvme_shut_down(struct nvme *nvme);
int nvme_disable(struct nvme *nvme);

/* Whether it is enabled or ready, as its registers have it. */
bool nvme_is_on(const struct nvme *nvme);

#endif
