/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One device: how a request goes on, its address translation cache, what it is told by the unit.
 * The rules are those of PCIe for ATS and PRI; what breaks them is named in struct device_manners.
 */
#include <string.h>

#include "devices_internal.h"

static bool silent(const struct device *device)
{
    return device->in_reset && !device->settings.manners.works_in_reset;
}

/* ------------------------------------------------------------------ the cache */

static bool entry_serves(const struct smmuv3_model_atc_entry *entry,
                         const struct device_command *command, uint64_t iova)
{
    return entry->ssv == command->has_pasid &&
           (!entry->ssv || entry->substream_id == command->pasid) && iova >= entry->iova &&
           iova - entry->iova < entry->size && entry->privileged == command->privileged &&
           (command->write ? entry->writable : entry->readable) &&
           (!command->execute || entry->executable);
}

static const struct smmuv3_model_atc_entry *look_up(const struct device *device,
                                                    const struct device_command *command,
                                                    uint64_t iova)
{
    for (unsigned i = 0; i < device->cached; i++) {
        if (entry_serves(&device->cache[i], command, iova)) {
            return &device->cache[i];
        }
    }
    return NULL;
}

static void keep(struct device *device, const struct smmuv3_model_atc_entry *entry)
{
    if (device->cached == device->room) {
        device->cache = bus_grow(device->cache, &device->room, sizeof(*device->cache));
    }
    device->cache[device->cached++] = *entry;
}

/*
 * What an invalidation covers, and no more: with a PASID and without Global it leaves other PASIDs.
 * Without a PASID it leaves what was asked for with one; there are readings of PCIe by which it does
 * not, and software that rests on them is shown up here.
 */
static bool covers(const struct smmuv3_model_atc_invalidation *invalidation,
                   const struct smmuv3_model_atc_entry *entry)
{
    uint64_t last = invalidation->iova;

    if (invalidation->ssv != entry->ssv) {
        return false;
    }
    if (entry->ssv && !invalidation->global && invalidation->substream_id != entry->substream_id) {
        return false;
    }
    last += invalidation->log2_size >= 64 ? ~UINT64_C(0)
                                          : (UINT64_C(1) << invalidation->log2_size) - 1;
    return entry->iova <= last && invalidation->iova <= entry->iova + (entry->size - 1);
}

static void drop(struct device *device, const struct smmuv3_model_atc_invalidation *invalidation)
{
    unsigned kept = 0;

    for (unsigned i = 0; i < device->cached; i++) {
        if (!covers(invalidation, &device->cache[i])) {
            device->cache[kept++] = device->cache[i];
        }
    }
    device->cached = kept;
}

/* ------------------------------------------------------------------ what the unit tells it */

static void invalidate(void *context, const struct smmuv3_model_atc_invalidation *invalidation)
{
    struct device *device = context;
    struct bus *bus = device->bus;

    if (silent(device) || device->settings.manners.ignores_invalidations) {
        return;
    }
    if (!device->settings.manners.lies_about_invalidations) {
        drop(device, invalidation);
    }
    if (bus->owed_count == bus->owed_room) {
        bus->owed = bus_grow(bus->owed, &bus->owed_room, sizeof(*bus->owed));
    }
    bus->owed[bus->owed_count++] = (struct owed){
        .device = device,
        .invalidation = *invalidation,
        .since = bus->now,
        .hold = device->settings.answer_hold,
    };
}

/* An honest device answers when all that used what is invalidated has landed. */
bool device_can_answer(const struct owed *owed)
{
    const struct bus *bus = owed->device->bus;
    const struct device_manners *manners = &owed->device->settings.manners;

    if (silent(owed->device)) {
        return false;
    }
    if (manners->answers_with_requests_in_flight || manners->lies_about_invalidations) {
        return true;
    }
    for (unsigned i = 0; i < bus->request_count; i++) {
        const struct request *request = bus->requests[i];

        if (request->device == owed->device && request->stage == STAGE_TRANSLATED &&
            request->since <= owed->since && covers(&owed->invalidation, &request->entry)) {
            return false;
        }
    }
    return true;
}

static void end(struct request *request, enum smmuv3_model_outcome outcome)
{
    request->result = (struct smmuv3_model_result){ .outcome = outcome };
    request->stage = STAGE_DONE;
}

/* A response is for all requests of its group; one with a PASID, for those of that PASID. */
static void respond(void *context, const struct smmuv3_model_page_response *response)
{
    struct device *device = context;
    struct bus *bus = device->bus;

    if (silent(device)) {
        return;
    }
    device->responses++;
    device->last_response = response->code;
    if (response->code == SMMUV3_MODEL_RESPONSE_FAILURE &&
        !device->settings.manners.retries_forever) {
        device->pri_enabled = false;
    }
    for (unsigned i = 0; i < bus->request_count; i++) {
        struct request *request = bus->requests[i];

        if (request->device != device || request->stage != STAGE_PAGE_ASKED ||
            request->prg_index != response->prg_index ||
            (response->ssv && request->command.pasid != response->substream_id)) {
            continue;
        }
        if (response->code == SMMUV3_MODEL_RESPONSE_SUCCESS ||
            device->settings.manners.retries_forever) {
            request->stage = STAGE_START;
        } else {
            end(request, SMMUV3_MODEL_ABORT);
        }
    }
}

static void tell_held(void *context,
                      void (*entry)(void *to, const struct smmuv3_model_atc_entry *entry), void *to)
{
    const struct device *device = context;
    const struct bus *bus = device->bus;

    for (unsigned i = 0; i < device->cached; i++) {
        entry(to, &device->cache[i]);
    }
    /* What a request in flight carries reaches memory, too. */
    for (unsigned i = 0; i < bus->request_count; i++) {
        if (bus->requests[i]->device == device && bus->requests[i]->stage == STAGE_TRANSLATED) {
            entry(to, &bus->requests[i]->entry);
        }
    }
}

void device_connect(struct device *device)
{
    const struct smmuv3_model_endpoint endpoint = {
        .context = device,
        .page_response = respond,
        .invalidate = invalidate,
        .held = tell_held,
    };

    /* A device without ATS answers an invalidation with an Unsupported Request, at once. */
    if (device->settings.ats) {
        smmuv3_model_attach_endpoint(device->bus->unit, device->settings.stream_id, &endpoint);
    }
}

/* ------------------------------------------------------------------ how a request goes on */

static uint32_t stream_of(const struct request *request)
{
    return request->command.forges ? request->command.forged : request->device->settings.stream_id;
}

static struct smmuv3_model_access access_of(const struct request *request, bool translated)
{
    return (struct smmuv3_model_access){
        .stream_id = stream_of(request),
        .ssv = request->command.has_pasid,
        .substream_id = request->command.pasid,
        .iova = request->command.iova + request->done,
        .write = request->command.write,
        .privileged = request->command.privileged,
        .instruction = request->command.execute,
        .translated = translated,
    };
}

/* Present what is left, or `length` of it. */
static void present(struct request *request, const struct smmuv3_model_access *access,
                    size_t length)
{
    struct smmuv3_model *unit = request->device->bus->unit;
    struct smmuv3_model_result result = smmuv3_model_dma_as(unit, access,
                                                            request->data + request->done, length);

    request->result = result;
    if (result.outcome == SMMUV3_MODEL_STALLED) {
        request->token = result.token;
        request->stage = STAGE_STALLED;
        return;
    }
    request->done += result.done;
    request->stage = result.outcome == SMMUV3_MODEL_OK && request->done < request->command.length
                         ? STAGE_START
                         : STAGE_DONE;
}

/* No translation: ask software for the page, if the device may; else the access has failed. */
static void without_translation(struct request *request)
{
    struct device *device = request->device;
    const struct smmuv3_model_page_request page = {
        .stream_id = stream_of(request),
        .ssv = request->command.has_pasid,
        .substream_id = request->command.pasid,
        .address = (request->command.iova + request->done) >> PAGE_BITS << PAGE_BITS,
        .read = !request->command.write,
        .write = request->command.write,
        .execute = request->command.execute,
        .privileged = request->command.privileged,
        .last = true,
        .prg_index = device->next_prg,
    };

    if (!device->pri_enabled ||
        (request->pages_asked >= PAGE_TRIES && !device->settings.manners.retries_forever)) {
        end(request, SMMUV3_MODEL_ABORT);
        return;
    }
    device->next_prg = (uint16_t)((device->next_prg + 1) % PRG_INDEXES);
    request->prg_index = page.prg_index;
    request->pages_asked++;
    request->stage = STAGE_PAGE_ASKED; /* the answer may come before the call returns */
    if (smmuv3_model_page_request(device->bus->unit, &page) == SMMUV3_MODEL_PAGE_DISCARDED) {
        end(request, SMMUV3_MODEL_ABORT);
    }
}

static void hold_translation(struct request *request, const struct smmuv3_model_atc_entry *entry)
{
    request->entry = *entry;
    request->since = request->device->bus->now;
    request->stage = STAGE_TRANSLATED;
    request->hold = request->command.hold_again;
}

/* From the cache, or from the unit. */
static void translate(struct request *request)
{
    const struct device_command *command = &request->command;
    struct device *device = request->device;
    uint64_t iova = command->iova + request->done;
    const struct smmuv3_model_atc_entry *hit = look_up(device, command, iova);
    const struct smmuv3_model_ats_request ask = {
        .stream_id = stream_of(request),
        .ssv = command->has_pasid,
        .substream_id = command->pasid,
        .iova = iova,
        .no_write = !command->write,
        .execute = command->execute,
        .privileged = command->privileged,
    };
    struct smmuv3_model_ats_completion completion;
    struct smmuv3_model_atc_entry entry;

    if (hit) {
        hold_translation(request, hit);
        return;
    }
    completion = smmuv3_model_ats_translate(device->bus->unit, &ask);
    if (completion.status == SMMUV3_MODEL_ATS_NOT_MODELLED) {
        end(request, SMMUV3_MODEL_NOT_MODELLED);
        request->result.not_modelled = completion.not_modelled;
        return;
    }
    if (completion.status != SMMUV3_MODEL_ATS_SUCCESS) {
        end(request, SMMUV3_MODEL_ABORT);
        return;
    }
    entry = (struct smmuv3_model_atc_entry){
        .ssv = ask.ssv,
        .substream_id = ask.substream_id,
        .iova = completion.iova,
        .address = completion.address,
        .size = completion.size,
        .readable = completion.readable,
        .writable = completion.writable,
        .executable = completion.executable,
        .privileged = command->privileged,
    };
    if (entry.readable || entry.writable) {
        keep(device, &entry);
    }
    if (entry_serves(&entry, command, iova)) {
        hold_translation(request, &entry);
    } else {
        without_translation(request);
    }
}

/* The translation is used, whatever has become of it since. */
static void use_translation(struct request *request)
{
    const struct smmuv3_model_atc_entry *entry = &request->entry;
    struct smmuv3_model_access access = access_of(request, true);
    uint64_t within = access.iova - entry->iova;
    size_t left = request->command.length - request->done;

    access.iova = entry->address + within;
    present(request, &access, entry->size - within < left ? (size_t)(entry->size - within) : left);
}

/* A stall has ended: take over what it brought. */
static void collect(struct request *request)
{
    struct smmuv3_model_result result;

    smmuv3_model_stall_ended(request->device->bus->unit, request->token,
                             request->data + request->done, &result);
    request->result = result;
    request->done += result.done;
    request->stage = STAGE_DONE;
}

static bool stall_waits(const struct request *request)
{
    return smmuv3_model_stall_waits(request->device->bus->unit, request->token);
}

bool device_can_go_on(const struct request *request)
{
    if (silent(request->device)) {
        return false;
    }
    switch (request->stage) {
    case STAGE_START:
    case STAGE_TRANSLATED:
        return true;
    case STAGE_STALLED:
        return !stall_waits(request);
    default:
        return false;
    }
}

void device_go_on(struct request *request)
{
    struct smmuv3_model_access access = access_of(request, request->command.claims);

    if (request->stage == STAGE_STALLED) {
        collect(request);
    } else if (request->stage == STAGE_TRANSLATED) {
        use_translation(request);
    } else if (request->device->settings.ats && !request->command.untranslated &&
               !request->command.claims) {
        translate(request);
    } else {
        present(request, &access, request->command.length - request->done);
    }
}

/* ------------------------------------------------------------------ reset and manners */

void device_set_manners(struct device *device, const struct device_manners *manners)
{
    device->settings.manners = *manners;
}

void device_reset(struct device *device)
{
    struct bus *bus = device->bus;
    unsigned kept = 0;

    device->in_reset = true;
    if (device->settings.manners.works_in_reset) {
        return;
    }
    for (unsigned i = 0; i < bus->request_count; i++) {
        struct request *request = bus->requests[i];

        if (request->device == device && request->stage != STAGE_DONE) {
            request->stage = STAGE_DROPPED;
        }
    }
    for (unsigned i = 0; i < bus->owed_count; i++) {
        if (bus->owed[i].device != device) {
            bus->owed[kept++] = bus->owed[i];
        }
    }
    bus->owed_count = kept;
    device->cached = 0;
}

void device_leave_reset(struct device *device)
{
    device->in_reset = false;
    device->pri_enabled = device->settings.pri;
}

/* ------------------------------------------------------------------ what it holds */

unsigned device_cached(const struct device *device)
{
    return device->cached;
}

bool device_holds(const struct device *device, int64_t pasid, uint64_t iova)
{
    for (unsigned i = 0; i < device->cached; i++) {
        const struct smmuv3_model_atc_entry *entry = &device->cache[i];

        if (entry->ssv == (pasid >= 0) && (pasid < 0 || entry->substream_id == pasid) &&
            iova >= entry->iova && iova - entry->iova < entry->size) {
            return true;
        }
    }
    return false;
}

unsigned device_unanswered(const struct device *device)
{
    unsigned count = 0;

    for (unsigned i = 0; i < device->bus->owed_count; i++) {
        count += device->bus->owed[i].device == device;
    }
    return count;
}

unsigned device_page_responses(const struct device *device)
{
    return device->responses;
}

enum smmuv3_model_response_code device_last_response(const struct device *device)
{
    return device->last_response;
}

bool device_pri_enabled(const struct device *device)
{
    return device->pri_enabled;
}

void device_enable_pri(struct device *device)
{
    device->pri_enabled = true;
}
