/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Masters in front of the model of the SMMUv3: they read and write, with or without a PASID, by
 * translated requests (ATS) and with page requests (PRI), send message interrupts, and misbehave
 * when told to. They use the model's public interface only.
 *
 * A command becomes a pending request of the bus, and goes on one step at a time when the test, or
 * a seeded scheduler, lets it: between asking for a translation and using it, anything may happen.
 * What waits for software (a stall, a page request) is not pending; it becomes so when software has
 * decided. Answers to invalidations are pending, too.
 */
#ifndef MODEL_DEVICES_H
#define MODEL_DEVICES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "smmuv3_model.h"
#include "smmuv3_model_pcie.h"

struct bus;
struct device;

/* ------------------------------------------------------------------ the bus */

struct bus *bus_create(struct smmuv3_model *unit);
/* Its devices go with it. The unit must still exist. */
void bus_destroy(struct bus *bus);

/* What can go on now, oldest first. */
unsigned bus_pending(const struct bus *bus);
/* Let the i-th go on by one step; false if there is none. */
bool bus_step(struct bus *bus, unsigned i);
/* Let one go on that `seed` picks; the same seeds give the same order. */
bool bus_step_seeded(struct bus *bus, uint64_t *seed);
/* Let all go on, oldest first, until nothing is pending; at most `limit` steps. */
void bus_run(struct bus *bus, unsigned limit);
/* One line about the i-th, for a test that failed. */
void bus_describe(const struct bus *bus, unsigned i, char *text, size_t size);

/* ------------------------------------------------------------------ devices */

/* How a device breaks the rules; all false is an honest one. */
struct device_manners {
    bool ignores_invalidations;           /* keeps its cache and never answers */
    bool lies_about_invalidations;        /* answers, keeps its cache */
    bool answers_with_requests_in_flight; /* drops its cache, but what it asked for before lands
                                              after the answer */
    bool works_in_reset;                  /* goes on with what was pending, takes new commands */
    bool retries_forever;                 /* asks for a page again whatever the answer was */
};

struct device_settings {
    uint32_t stream_id;
    bool ats;
    bool pri;
    unsigned answer_hold; /* steps that an answer to an invalidation waits */
    struct device_manners manners;
};

struct device *bus_add(struct bus *bus, const struct device_settings *settings);
void device_set_manners(struct device *device, const struct device_manners *manners);

/* Reset drops requests and cache, and what it had not answered stays unanswered. */
void device_reset(struct device *device);
void device_leave_reset(struct device *device);

enum { DEVICE_MOST_BYTES = 4096 };

/* A command: an access of `length` bytes. What is written is `value`, byte by byte, repeated. */
struct device_command {
    bool write;
    uint64_t iova;
    size_t length; /* 0 means 8 */
    uint64_t value;
    bool has_pasid;
    uint32_t pasid;
    bool privileged, execute;
    unsigned hold;       /* steps that it waits before the first that does something */
    unsigned hold_again; /* steps between holding a translation and using it */
    bool untranslated;   /* without ATS, though the device has it */
    bool claims;         /* the iova is an address already, says the device: no translation asked */
    bool forges;         /* presents `forged`, another's StreamID */
    uint32_t forged;
};

/* Take a command; answers its number, 0 if the device takes none (it is in reset). */
uint64_t device_issue(struct device *device, const struct device_command *command);
/* A message interrupt: 4 bytes to a doorbell, untranslated as the PCIe rules have it. */
uint64_t device_msi(struct device *device, uint64_t doorbell, uint32_t data);
/* Writes of 8 bytes, `stride` apart. */
void device_flood(struct device *device, unsigned count, uint64_t iova, uint64_t stride);

enum device_progress {
    DEVICE_PENDING, /* it can go on */
    DEVICE_WAITS,   /* for software: a stall, a page request */
    DEVICE_DONE,    /* the result says how */
    DEVICE_DROPPED, /* by a reset */
};

struct device_report {
    enum device_progress progress;
    struct smmuv3_model_result result; /* of the last transaction; ABORT if no translation came */
    size_t done;                       /* bytes */
    uint8_t data[8];                   /* the first bytes read */
    unsigned pages_asked;
};
struct device_report device_report(const struct device *device, uint64_t number);

/* ------------------------------------------------------------------ what a device holds */

unsigned device_cached(const struct device *device);
/* Whether a translation of this address is cached, for a PASID or, -1, without. */
bool device_holds(const struct device *device, int64_t pasid, uint64_t iova);
unsigned device_unanswered(const struct device *device);
/* Page responses that came, and the code of the last. */
unsigned device_page_responses(const struct device *device);
enum smmuv3_model_response_code device_last_response(const struct device *device);
/* After a response of failure a device asks for pages no more (PCIe); this lets it again. */
bool device_pri_enabled(const struct device *device);
void device_enable_pri(struct device *device);

#endif
