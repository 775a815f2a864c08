/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the tests of the model devices share: a machine with one device on the stream of the tests.
 */
#ifndef MODEL_DEVICES_FIXTURE_DEVICES_H
#define MODEL_DEVICES_FIXTURE_DEVICES_H

#include "devices.h"
#include "fixture_pcie.h"

#define PAGE UINT64_C(0x7000)
#define VALUE UINT64_C(0x8877665544332211)

enum { LIMIT = 1000 };

/* A machine with everything, a stream with stage 2 and full ATS, and a device on it. */
struct bench {
    struct assigned a;
    struct machine *m;
    struct bus *bus;
    struct device *device;
    uint64_t priq;
    uint32_t priq_cons;
};

/* With or without ATS (full, ATSCHK on) and PRI (its queue is set up); null: an honest device. */
struct bench bench_of(bool ats, bool pri, const struct device_manners *manners);
void stop_bench(struct bench *b);
/* Map a page; unmap it in memory and in the unit, as software does before it turns to the device. */
void map_page(struct bench *b, uint64_t iova);
void unmap_page(struct bench *b, uint64_t iova);
/* A command to write VALUE; how one that is done ended. */
uint64_t write_at(struct bench *b, uint64_t iova);
enum smmuv3_model_outcome outcome_of(struct bench *b, uint64_t number);

#endif
