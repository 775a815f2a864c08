/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Inside the model devices: requests, their caches, what they owe the unit.
 */
#ifndef MODEL_DEVICES_DEVICES_INTERNAL_H
#define MODEL_DEVICES_DEVICES_INTERNAL_H

#include "devices.h"

enum {
    PAGE_BITS = 12,
    PRG_INDEXES = 512,
    PAGE_TRIES = 16,
};

/* Where a request stands. */
enum stage {
    STAGE_START,      /* to be presented, or to ask for a translation */
    STAGE_TRANSLATED, /* holds a translation that is not used yet */
    STAGE_PAGE_ASKED, /* waits for a page response */
    STAGE_STALLED,    /* waits in the unit */
    STAGE_DONE,
    STAGE_DROPPED,
};

struct request {
    uint64_t number;
    struct device *device;
    struct device_command command;
    enum stage stage;
    unsigned hold;
    uint8_t data[DEVICE_MOST_BYTES];
    size_t done;
    struct smmuv3_model_atc_entry entry; /* STAGE_TRANSLATED */
    uint64_t since;                      /* when it got that */
    uint16_t prg_index;
    unsigned pages_asked;
    uint64_t token; /* STAGE_STALLED */
    struct smmuv3_model_result result;
};

/* An invalidation that was received and is not answered. */
struct owed {
    struct device *device;
    struct smmuv3_model_atc_invalidation invalidation;
    uint64_t since;
    unsigned hold;
};

struct device {
    struct bus *bus;
    struct device *next;
    struct device_settings settings;
    bool in_reset;
    bool pri_enabled;
    uint16_t next_prg;
    struct smmuv3_model_atc_entry *cache;
    unsigned cached, room;
    unsigned responses;
    enum smmuv3_model_response_code last_response;
};

struct bus {
    struct smmuv3_model *unit;
    struct device *devices;
    struct request **requests; /* all since creation: number - 1 is the index */
    unsigned request_count, request_room;
    struct owed *owed;
    unsigned owed_count, owed_room;
    uint64_t now;
};

/* bus.c */
void *bus_grow(void *array, unsigned *room, size_t element);

/* device.c */
bool device_can_go_on(const struct request *request);
void device_go_on(struct request *request);
bool device_can_answer(const struct owed *owed);
void device_connect(struct device *device);

#endif
