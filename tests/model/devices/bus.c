/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The bus: what is pending, and the steps by which it goes on.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "devices_internal.h"
#include "tests/random.h"

static void *must(void *memory)
{
    if (!memory) {
        fputs("model devices: out of memory\n", stderr);
        abort();
    }
    return memory;
}

void *bus_grow(void *array, unsigned *room, size_t element)
{
    *room = *room ? *room * 2 : 16;
    return must(realloc(array, *room * element));
}

struct bus *bus_create(struct smmuv3_model *unit)
{
    struct bus *bus = must(calloc(1, sizeof(*bus)));

    bus->unit = unit;
    return bus;
}

void bus_destroy(struct bus *bus)
{
    while (bus->devices) {
        struct device *device = bus->devices;

        bus->devices = device->next;
        smmuv3_model_attach_endpoint(bus->unit, device->settings.stream_id, NULL);
        free(device->cache);
        free(device);
    }
    for (unsigned i = 0; i < bus->request_count; i++) {
        free(bus->requests[i]);
    }
    free(bus->requests);
    free(bus->owed);
    free(bus);
}

struct device *bus_add(struct bus *bus, const struct device_settings *settings)
{
    struct device *device = must(calloc(1, sizeof(*device)));

    device->bus = bus;
    device->settings = *settings;
    device->pri_enabled = settings->pri;
    device->next = bus->devices;
    bus->devices = device;
    device_connect(device);
    return device;
}

/* ------------------------------------------------------------------ commands */

uint64_t device_issue(struct device *device, const struct device_command *command)
{
    struct bus *bus = device->bus;
    struct request *request = NULL;

    if (device->in_reset && !device->settings.manners.works_in_reset) {
        return 0;
    }
    request = must(calloc(1, sizeof(*request)));
    if (bus->request_count == bus->request_room) {
        bus->requests = bus_grow(bus->requests, &bus->request_room, sizeof(struct request *));
    }
    bus->requests[bus->request_count++] = request;
    request->number = bus->request_count;
    request->device = device;
    request->command = *command;
    request->hold = command->hold;
    if (!command->length || command->length > DEVICE_MOST_BYTES) {
        request->command.length = command->length ? DEVICE_MOST_BYTES : sizeof(command->value);
    }
    for (size_t i = 0; command->write && i < request->command.length; i++) {
        request->data[i] = (uint8_t)(command->value >> i % sizeof(command->value) * 8);
    }
    return request->number;
}

uint64_t device_msi(struct device *device, uint64_t doorbell, uint32_t data)
{
    const struct device_command command = {
        .write = true,
        .iova = doorbell,
        .length = sizeof(data),
        .value = data,
        .untranslated = true,
    };

    return device_issue(device, &command);
}

void device_flood(struct device *device, unsigned count, uint64_t iova, uint64_t stride)
{
    struct device_command command = { .write = true, .iova = iova, .untranslated = true };

    for (unsigned i = 0; i < count; i++) {
        device_issue(device, &command);
        command.iova += stride;
    }
}

struct device_report device_report(const struct device *device, uint64_t number)
{
    struct device_report report = { .progress = DEVICE_DROPPED };
    struct request *request = NULL;

    if (!number || number > device->bus->request_count) {
        return report;
    }
    request = device->bus->requests[number - 1];
    report.result = request->result;
    report.done = request->done;
    report.pages_asked = request->pages_asked;
    memcpy(report.data, request->data, sizeof(report.data));
    if (request->stage == STAGE_DONE) {
        report.progress = DEVICE_DONE;
    } else if (request->stage != STAGE_DROPPED) {
        report.progress = device_can_go_on(request) ? DEVICE_PENDING : DEVICE_WAITS;
    }
    return report;
}

/* ------------------------------------------------------------------ steps */

/* The i-th thing that can go on: a request, or else an answer that is owed. */
static bool select_pending(const struct bus *bus, unsigned i, struct request **request,
                           unsigned *owed)
{
    *request = NULL;
    for (unsigned at = 0; at < bus->request_count; at++) {
        if (device_can_go_on(bus->requests[at]) && i-- == 0) {
            *request = bus->requests[at];
            return true;
        }
    }
    for (unsigned at = 0; at < bus->owed_count; at++) {
        if (device_can_answer(&bus->owed[at]) && i-- == 0) {
            *owed = at;
            return true;
        }
    }
    return false;
}

unsigned bus_pending(const struct bus *bus)
{
    unsigned count = 0;

    for (unsigned i = 0; i < bus->request_count; i++) {
        count += device_can_go_on(bus->requests[i]);
    }
    for (unsigned i = 0; i < bus->owed_count; i++) {
        count += device_can_answer(&bus->owed[i]);
    }
    return count;
}

static void answer(struct bus *bus, unsigned at)
{
    uint64_t tag = bus->owed[at].invalidation.tag;

    if (bus->owed[at].hold) {
        bus->owed[at].hold--;
        return;
    }
    bus->owed_count--;
    memmove(&bus->owed[at], &bus->owed[at + 1], (bus->owed_count - at) * sizeof(*bus->owed));
    smmuv3_model_atc_answer(bus->unit, tag);
}

bool bus_step(struct bus *bus, unsigned i)
{
    struct request *request = NULL;
    unsigned owed = 0;

    if (!select_pending(bus, i, &request, &owed)) {
        return false;
    }
    bus->now++;
    if (!request) {
        answer(bus, owed);
    } else if (request->hold) {
        request->hold--;
    } else {
        device_go_on(request);
    }
    return true;
}

bool bus_step_seeded(struct bus *bus, uint64_t *seed)
{
    unsigned pending = bus_pending(bus);

    return pending && bus_step(bus, (unsigned)random_below(seed, pending));
}

void bus_run(struct bus *bus, unsigned limit)
{
    while (limit-- && bus_step(bus, 0)) {
    }
}

void bus_describe(const struct bus *bus, unsigned i, char *text, size_t size)
{
    static const char *const stages[] = {
        [STAGE_START] = "to be presented",
        [STAGE_TRANSLATED] = "holds a translation",
        [STAGE_PAGE_ASKED] = "asked for pages",
        [STAGE_STALLED] = "stalled",
        [STAGE_DONE] = "done",
        [STAGE_DROPPED] = "dropped",
    };
    struct request *request = NULL;
    unsigned owed = 0;

    if (!select_pending(bus, i, &request, &owed)) {
        snprintf(text, size, "nothing");
    } else if (!request) {
        snprintf(text, size, "stream 0x%" PRIx32 ": answer to an invalidation of 0x%" PRIx64,
                 bus->owed[owed].device->settings.stream_id, bus->owed[owed].invalidation.iova);
    } else {
        snprintf(text, size, "stream 0x%" PRIx32 ": request %" PRIu64 ", %s 0x%" PRIx64 ", %s",
                 request->device->settings.stream_id, request->number,
                 request->command.write ? "write" : "read", request->command.iova + request->done,
                 stages[request->stage]);
    }
}
