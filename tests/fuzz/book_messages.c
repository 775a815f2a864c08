/* SPDX-License-Identifier: Apache-2.0 */
/* See book.h. This file: messages of devices (docs/abi.md, msi_bind). */
#include "drivers/irqchip/lpi.h"
#include "tests/fuzz/book_parts.h"
#include "tests/unit/its_bench.h"

#define ENTRY 16

bool messages_meet(uint64_t iova, uint64_t size)
{
    return book.doorbell != 0 && iova < BH_DOORBELLS + (uint64_t)BH_DOORBELLS_BYTES &&
           iova + size > BH_DOORBELLS;
}

bool messages_bound(const struct book_device *device)
{
    bool bound = false;

    for (unsigned int i = 0; i < BH_MESSAGE_VECTORS; i++)
        bound = bound || device->interrupt[i] != 0;
    return bound;
}

bool messages_in(const struct book_space *space)
{
    bool found = false;

    for (unsigned int i = 0; i < book.device_count; i++)
        found = found || (book.device[i].space == space && messages_bound(&book.device[i]));
    return found;
}

void messages_forget(struct book_device *device)
{
    for (unsigned int i = 0; i < BH_MESSAGE_VECTORS; i++) {
        device->interrupt[i] = 0;
        device->pending[i] = false;
    }
}

unsigned int messages_pages(const struct leaves *leaves, bool doorbell)
{
    static struct leaves with;

    if (!doorbell)
        return leaves_pages(leaves);
    with = *leaves;
    leaves_add(&with, align_down(book.doorbell, PAGE_SIZE), ITS_BASE, PAGE_SIZE, BH_MAP_WRITE,
               LEAVES_NO_BOUND);
    return leaves_pages(&with);
}

unsigned int messages_pages_of(const struct book_space *space)
{
    return messages_pages(&space->leaves, messages_in(space));
}

bool messages_lack_pages(unsigned int guest, const struct book_device *device,
                         const struct book_space *space)
{
    return messages_bound(device) &&
           messages_pages(&space->leaves, true) - messages_pages_of(space) > book_pages_free(guest);
}

/* ---- The call ------------------------------------------------------------------------------------------ */

/* The first vector of a device brings the doorbell to its space. */
static bool needs_pages(unsigned int guest, const struct book_device *device)
{
    return device->space != NULL && !messages_bound(device) &&
           messages_pages(&device->space->leaves, true) - messages_pages_of(device->space) >
               book_pages_free(guest);
}

uint32_t messages_causes(unsigned int guest, const uint64_t *x)
{
    const struct book_device *device = book_device(guest, x[1]);
    uint32_t causes = 0;

    if (device == NULL)
        return ALLOWED(BH_ENOENT);
    if (device->bound != (int)guest)
        return ALLOWED(BH_EPERM);
    if (device->vectors == 0)
        return ALLOWED(BH_EOPNOTSUPP);
    if (x[2] >= device->vectors)
        causes |= ALLOWED(BH_ERANGE);
    if (x[3] == 0)
        return causes != 0 || device->interrupt[x[2]] != 0 ? causes : ALLOWED(BH_ENOENT);
    if (x[3] < BH_MESSAGE_FIRST || x[3] > BH_MESSAGE_LAST || (x[4] != 0 && x[4] != book.doorbell))
        causes |= ALLOWED(BH_EINVAL);
    if (device->again)
        causes |= ALLOWED(BH_EBUSY);
    return causes | (needs_pages(guest, device) ? ALLOWED(BH_ENOSPC) : 0);
}

void messages_enter(unsigned int guest, const uint64_t *x)
{
    struct book_device *device = book_device(guest, x[1]);

    device->interrupt[x[2]] = (uint32_t)x[3];
    device->pending[x[2]] = device->pending[x[2]] && x[3] != 0;
    if (x[3] != 0) {
        EXPECT(machine.x[1] == book.doorbell && machine.x[2] == x[2]);
        EXPECT(machine.x[3] == (device->table != 0 ? device->table + x[2] * ENTRY : 0));
    }
    /* The doorbell goes, and the unit does not say that it has forgotten it. */
    if (x[3] == 0 && device->space != NULL && !messages_bound(device) &&
        (book.failing || book.failed)) {
        book.failed = true;
        book.guest[guest].pinned = true;
    }
}

/* ---- What devices raise --------------------------------------------------------------------------------- */

static bool reaches_doorbell(const struct book_device *device)
{
    const struct smmuv3_model_access access = { .stream_id = device->stream,
                                                .iova = book.doorbell,
                                                .write = true };
    struct smmuv3_model_result result = smmuv3_model_translate(machine.unit[0], &access);

    return result.outcome == SMMUV3_MODEL_OK;
}

/* By the calls. */
static bool has_doorbell(const struct book_device *device)
{
    return !book.failed && device->space != NULL && messages_in(device->space);
}

void messages_raise(struct book_device *device, uint32_t event)
{
    if (book.doorbell == 0 || device->vectors == 0 ||
        (device->space != NULL && device->space->unsure))
        return;
    bool reaches = reaches_doorbell(device);

    if (reaches != has_doorbell(device))
        fail_msg("device 0x%llx %s the doorbell: by the calls it should be otherwise",
                 (unsigned long long)device->id, reaches ? "reaches" : "does not reach");
    if (!reaches)
        return;
    bool bound = event < BH_MESSAGE_VECTORS && device->interrupt[event] != 0;

    if ((its_model_message(its, device->requester, event) == ITS_MODEL_TRANSLATED) != bound)
        fail_msg("event %u of device 0x%llx is %s: by the calls it should not be so", event,
                 (unsigned long long)device->id, bound ? "dropped" : "translated");
    if (bound)
        device->pending[event] = true;
}

void messages_take(void)
{
    uint32_t wanted[BOOK_GUESTS] = { 0 }, message;

    for (unsigned int i = 0; i < book.device_count; i++) {
        struct book_device *device = &book.device[i];

        for (unsigned int n = 0; n < BH_MESSAGE_VECTORS; n++) {
            if (device->pending[n])
                wanted[device->bound] |= UINT32_C(1) << (device->interrupt[n] - BH_MESSAGE_FIRST);
            device->pending[n] = false;
        }
    }
    for (unsigned int i = 0; i < BOOK_GUESTS; i++)
        atomic_store(&partitions.partition[i].vcpu.interrupts, 0);
    for (unsigned int cpu = 0; book.doorbell != 0 && cpu < host_cpus; cpu++) {
        while ((message = its_take(cpu)) != ITS_NO_MESSAGE)
            host_message(message);
    }
    for (unsigned int i = 0; i < BOOK_GUESTS; i++) {
        uint32_t came = (uint32_t)(atomic_load(&partitions.partition[i].vcpu.interrupts) >> 32);

        if (came != wanted[i])
            fail_msg("messages raise the interrupts 0x%x of partition %u, by the calls 0x%x", came,
                     i, wanted[i]);
    }
}

/* ---- Comparing ------------------------------------------------------------------------------------------ */

static void compare_device(const struct book_device *device)
{
    uint32_t interrupt;
    unsigned int redistributor;

    for (unsigned int n = 0; n < BH_MESSAGE_VECTORS; n++) {
        bool mapped = its_model_mapping(its, device->requester, n, &interrupt, &redistributor);

        if (mapped != (device->interrupt[n] != 0))
            fail_msg("event %u of device 0x%llx, bound by %d, is%s mapped", n,
                     (unsigned long long)device->id, device->bound, mapped ? "" : " not");
        if (mapped && redistributor != partitions.partition[device->bound].cpu)
            fail_msg("event %u of device 0x%llx, bound by %d, goes to CPU %u", n,
                     (unsigned long long)device->id, device->bound, redistributor);
    }
}

void messages_compare(void)
{
    for (unsigned int i = 0; book.doorbell != 0 && i < book.device_count; i++) {
        if (book.device[i].vectors != 0)
            compare_device(&book.device[i]);
    }
    if (book.doorbell != 0)
        assert_its_clean();
}
