/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The memory that a controller works in, and one command that tries to leave it.
 *
 * Between any two pages that the controller is given lies one that it is not given; these hold a mark
 * and are looked at in the end. The controller sees each page at an address of its own choosing that
 * is no memory of this partition, and no two of them side by side.
 *
 * What a command did is judged by two witnesses: the fault record of Bulkhead, and the data. The
 * controller's own word is told beside it. It is required where a controller has to notice, as when
 * it cannot read a list; not every controller notices that a data transfer went nowhere.
 */
#ifndef GUESTS_LEGACY_RIG_H
#define GUESTS_LEGACY_RIG_H

#include <stdbool.h>
#include <stdint.h>

#include "common/nvme.h"
#include "common/report.h"

#define DATA_PAGES 4

struct rig {
    struct nvme nvme;
    struct nvme_memory memory;
    struct nvme_page list; /* addresses of the pages behind the first one */
    struct nvme_page source[DATA_PAGES];
    struct nvme_page target[DATA_PAGES];
    struct nvme_page spare; /* not mapped, unless a step says so */
    uint32_t device;
    uint32_t ioas;
    uint64_t label;
};

/* Allots the pages and marks what lies between them. False: not enough memory. */
bool rig_allot(struct rig *rig);

/* Maps a page for what the controller may do there. */
int64_t rig_map(const struct rig *rig, const struct nvme_page *page, uint64_t flags);

/* Pages between the controller's in which the mark is gone. *looked_at: of how many. */
unsigned int rig_spoilt_pages(unsigned int *looked_at);

/* How many blocks fill so many pages. */
uint32_t rig_blocks(const struct rig *rig, uint32_t page_count);

struct attempt {
    const char *what; /* for the table */
    enum nvme_direction direction;
    uint64_t block;
    uint32_t blocks;
    uint64_t first, second;
    enum outcome expected;
    uint64_t iova;   /* of the page where the fault is to be */
    uint32_t access; /* BH_ACCESS_*, and BH_CAUSE_*, of the fault */
    uint32_t cause;
    bool controller_notices; /* the command has to fail */
};

/* Runs the command; the spare page is what may be hit, or may be betrayed. */
void rig_try(struct rig *rig, const struct attempt *attempt);

#endif
