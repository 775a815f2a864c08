/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The bench of the model devices' tests; see fixture_devices.h.
 */
#include "fixture_devices.h"

struct bench bench_of(bool ats, bool pri, const struct device_manners *manners)
{
    struct bench b = { .a = full_ats(ats ? 1 : 0, true) };
    struct device_settings settings = { .stream_id = SID, .ats = ats, .pri = pri };

    if (manners) {
        settings.manners = *manners;
    }
    b.m = b.a.machine;
    b.bus = bus_create(b.m->unit);
    b.device = bus_add(b.bus, &settings);
    if (pri) {
        b.priq = bring_up_priq(b.m, false);
    }
    return b;
}

void stop_bench(struct bench *b)
{
    bus_destroy(b->bus);
    machine_stop(b->m);
}

void map_page(struct bench *b, uint64_t iova)
{
    map(b->m, &b->a.geometry, b->a.root, iova, 3, b->a.page, 0);
}

void unmap_page(struct bench *b, uint64_t iova)
{
    poke(b->m, descriptor_at(b->m, &b->a.geometry, b->a.root, iova, 3), 0);
    submit_sync(b->m, TLBI_IPA(VMID, iova, 1));
}

uint64_t write_at(struct bench *b, uint64_t iova)
{
    const struct device_command command = { .write = true, .iova = iova, .value = VALUE };

    return device_issue(b->device, &command);
}

enum smmuv3_model_outcome outcome_of(struct bench *b, uint64_t number)
{
    struct device_report report = device_report(b->device, number);

    assert_int_equal(report.progress, DEVICE_DONE);
    return report.result.outcome;
}
