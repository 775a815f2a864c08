/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/fuzz/steps.h"

#include <string.h>

#include "tests/adversary/hardware.h"
#include "tests/fuzz/arguments.h"
#include "tests/fuzz/fuzz.h"

#define CR0 0x20 /* of the unit */
#define CR0_ENABLED 1
#define STRUCTURE UINT64_C(0x210000) /* offset in a guest's memory */
#define MASTER 4                     /* in the command register */

int64_t step_call(unsigned int partition, uint64_t number, uint64_t a, uint64_t b, uint64_t c,
                  uint64_t d, uint64_t e)
{
    static unsigned int turn;
    const uint64_t x[5] = { a, b, c, d, e };

    return book_call(partition, number, x, fuzz_thorough || turn++ % 16 == 0);
}

void step_bind(unsigned int partition, uint64_t device)
{
    uint64_t label = bend(device & 0xFFF);
    unsigned int rounds = guest_choice(8) == 7 ? guest_choice(3) : 8;
    int64_t answer = BH_EAGAIN;

    for (unsigned int i = 0; i < rounds && answer == BH_EAGAIN; i++) {
        answer = step_call(partition, BH_CALL_DEVICE_BIND, device, label, 0, 0, 0);
        if (answer == BH_EAGAIN)
            host_advance(machine.x[1]);
    }
    if (rounds == 8 && answer == BH_EAGAIN)
        fail_msg("the bind of device 0x%llx does not come to its end", (unsigned long long)device);
}

/* All of a reset, or a part. */
void step_reset(unsigned int partition, uint64_t device)
{
    unsigned int rounds = guest_choice(8) < 4 ? guest_choice(3) : 8;
    int64_t answer = BH_EAGAIN;

    for (unsigned int i = 0; i < rounds && answer == BH_EAGAIN; i++) {
        answer = step_call(partition, BH_CALL_DEVICE_RESET, device, 0, 0, 0, 0);
        if (answer == BH_EAGAIN)
            host_advance(machine.x[1]);
    }
}

void step_bind_message(unsigned int partition)
{
    uint64_t interrupt = vary(4) == 3 ? 0 : BH_MESSAGE_FIRST + vary(32);

    /* The first two devices have messages. */
    step_call(partition, BH_CALL_MSI_BIND,
              vary(4) == 3 ? device_of(partition, true) : bend(book.device[vary(2)].id),
              bend(vary(4)), bend(interrupt), bend(vary(2) == 0 ? 0 : book.doorbell), 0);
}

void step_raise(void)
{
    messages_raise(&book.device[vary(2)], vary(8) == 7 ? guest_choice(256) : vary(4));
    if (vary(2) == 0)
        messages_take();
}

/* Takes or gives back a ring, or writes into it what a reader may, and what it must not. */
static void ring(unsigned int partition)
{
    uint64_t page = book.guest[partition].ring, word;

    switch (vary(4)) {
    case 0:
        step_call(partition, BH_CALL_EVENT_RING, 0, 0, 0, 0, 0);
        break;
    case 1:
        word = bend(BASE + PICK(0x300000, 0x301000, 0x3BF000, 0x210000));
        step_call(partition, BH_CALL_EVENT_RING, word, 0, 0, 0, 0);
        break;
    default:
        if (page == 0)
            break;
        word = bend(vary(BH_EVENT_RECORDS + 1));
        memcpy(guest(partition, page + 8 * PICK(2, 1, 2, 0, 3, vary(512))), &word, sizeof(word));
        break;
    }
}

void step_ask(unsigned int partition)
{
    uint64_t address = bend(BASE + STRUCTURE), what = bend(vary(4));
    uint64_t size = PICK(256, 40, 8, 0);
    unsigned int kind = vary(6);

    memcpy(guest(partition, BASE + STRUCTURE), &size, sizeof(size));
    if (kind >= 4)
        ring(partition);
    else if (kind == 0)
        step_call(partition, BH_CALL_QUERY, what, address, some_device(), 0, 0);
    else if (kind == 1)
        step_call(partition, BH_CALL_PARTITION_INFO, address, 0, 0, 0, 0);
    else if (kind == 2)
        step_call(partition, BH_CALL_DEVICE_INFO, bend(guest_choice(6)), address, 0, 0, 0);
    else
        step_call(partition, vary(2) == 0 ? BH_CALL_CONSOLE_WRITE : BH_CALL_CONSOLE_READ, address,
                  bend(guest_choice(255)), 0, 0, 0);
    memset(guest(partition, BASE + STRUCTURE), 0, 256);
}

/* Any number but those that end a partition or take a device from another, and anything for arguments. */
void step_anything(unsigned int partition)
{
    uint64_t number = vary(BH_CALL_LIMIT - 1), x[5];

    number += number >= BH_CALL_POWER;
    if (number == BH_CALL_PARTITION_CONTROL)
        number = BH_CALL_YIELD;
    for (unsigned int i = 0; i < ARRAY_LENGTH(x); i++) {
        switch (vary(6)) {
        case 0:
            x[i] = some_device();
            break;
        case 1:
            x[i] = some_space(partition);
            break;
        case 2:
            x[i] = bend(some_iova());
            break;
        case 3:
            x[i] = bend(some_size());
            break;
        case 4:
            x[i] = bend(some_address());
            break;
        default:
            x[i] = bend(guest_choice(4));
            break;
        }
    }
    step_call(partition, number, x[0], x[1], x[2], x[3], x[4]);
}

void step_recall(unsigned int partition)
{
    if (book.guest[partition].lost || !machine_recall(partition))
        return;
    if (machine.end != HOST_RETURNED)
        fail_msg("a partition that is to give back a device does not go on");
    book_leave(partition);
}

/* Some steps of it, or all; the CPU of whoever has the device comes, or does not. What a partition has whose calls
 * came to an unknown end is not in the book. */
void step_give(unsigned int partition)
{
    uint64_t device = some_device(), to = bend(vary(BOOK_GUESTS));
    unsigned int rounds = guest_choice(8) < 3 ? 1 + guest_choice(3) : 12;
    bool comes = vary(4) != 3;
    int64_t answer = BH_EAGAIN;

    for (unsigned int i = 0; i < BOOK_GUESTS; i++) {
        if (book.guest[i].lost || book.guest[partition].off)
            return;
    }
    for (unsigned int i = 0; i < rounds && answer == BH_EAGAIN; i++) {
        answer = step_call(partition, BH_CALL_DEVICE_GIVE, device, to, 0, 0, 0);
        if (answer != BH_EAGAIN)
            break;
        host_advance(machine.x[1]);
        for (unsigned int p = 0; comes && p < BOOK_GUESTS; p++)
            step_recall(p);
    }
    if (comes && rounds == 12 && answer == BH_EAGAIN)
        fail_msg("device 0x%llx is not given in the end", (unsigned long long)device);
}

/* A unit that may fail at any command may have done so at the end of a partition, which no call tells of: it passes
 * nothing any more. */
static void look_at_unit(void)
{
    if (book.failing && (smmuv3_model_read32(machine.unit[0], CR0) & CR0_ENABLED) == 0)
        book.failed = true;
}

/* The manager's order, and what the other partition's CPU does of it. What a unit's failure leaves of a partition that
 * is off is not in the book. */
void step_control(unsigned int partition)
{
    unsigned int other = BOOK_GUESTS - 1 - partition;
    const struct book_guest *g = &book.guest[other];
    unsigned int cpu = partitions.partition[other].cpu;
    uint64_t action = bend(vary(3));
    enum host_end end = HOST_GUEST;
    bool ended, again;

    if (g->lost || (g->off && (book.failed || book.failing)))
        return;
    step_recall(other);
    step_call(partition, BH_CALL_PARTITION_CONTROL, bend(other), action, 0, 0, 0);
    ended = machine_recall(other);
    again = host_run_work(cpu, &end);
    look_at_unit();
    if (ended && action == BH_PARTITION_RESTART && !again && !book.failed)
        fail_msg("a partition that was to restart does not start");
    if (end != HOST_GUEST || (ended && action == BH_PARTITION_STOP && again))
        fail_msg("a partition does not follow the order %llu", (unsigned long long)action);
    if (ended || again)
        book_end(other, again);
}

bool step_power(unsigned int partition)
{
    uint64_t action = bend(vary(4) == 3 ? BH_POWER_OFF : BH_POWER_RESET);
    uint64_t code = bend(0);
    enum host_end end;

    step_call(partition, BH_CALL_POWER, action, code, 0, 0, 0);
    if (machine.end == HOST_RETURNED)
        return false;
    if (machine.end == HOST_OFF)
        return true;
    bool again = host_run_work(partitions.partition[partition].cpu, &end);

    look_at_unit();
    if (action == BH_POWER_OFF && again)
        fail_msg("a partition that was switched off starts again");
    if (action == BH_POWER_RESET && !book.failed && (!again || end != HOST_GUEST))
        fail_msg("a partition that was reset does not start");
    book_end(partition, again);
    return false;
}

/* A device accesses memory, whether or not it has been told that it may. */
void step_fire(void)
{
    const struct book_device *device = &book.device[vary(BOOK_DEVICES - 1)];
    uint64_t iova = some_iova() + PICK(0, 8, 0xFF8, 0x1000, 0x1FFFF8), value = 0xD0A0 + iova;
    bool writes = vary(2) == 0;
    const struct stretch *stretch = NULL;
    enum dma result;

    for (unsigned int i = 0; i < book.device_count; i++) {
        const struct book_device *other = &book.device[i];

        if (other->dma && other->stream == device->stream && other->space != NULL && !other->held)
            stretch = leaves_find(&other->space->leaves, iova);
        if (other->space != NULL && other->space->unsure)
            return;
    }
    if (guest_choice(2) == 0)
        pci_model_set16(&machine.pci, device->function, 4,
                        pci_model_get16(&machine.pci, device->function, 4) | MASTER);
    result = writes ? dma_write(device->function, iova, value)
                    : dma_read(device->function, iova, &value);
    if (result == DMA_NOT_MASTERING)
        return;
    bool allowed = !book.failed && stretch != NULL &&
                   (stretch->access & (writes ? BH_MAP_WRITE : BH_MAP_READ)) != 0;

    if (allowed != (result == DMA_LANDED))
        fail_msg("stream 0x%x %s 0x%llx: %s, by the calls it should not be so", device->stream,
                 writes ? "writes" : "reads", (unsigned long long)iova,
                 allowed ? "blocked" : "landed");
    if (allowed &&
        memcmp(memory_pointer(stretch->address + iova - stretch->from), &value, sizeof(value)) != 0)
        fail_msg("what stream 0x%x %s at 0x%llx is not what its owner mapped there", device->stream,
                 writes ? "wrote" : "read", (unsigned long long)iova);
}

static void fail_unit(void)
{
    if (guest_choice(2) == 0) {
        smmuv3_model_raise_gerror(machine.unit[0], SMMUV3_MODEL_SFM_ERR);
        machine_interrupts();
        book.failed = true;
    } else {
        smmuv3_model_abort_next(machine.unit[0], SMMUV3_MODEL_FETCH_COMMAND, 1);
        book.failing = true;
    }
}

void step_hardware(void)
{
    switch (vary(8)) {
    default:
        smmuv3_model_evict(machine.unit[0]);
        break;
    case 4:
    case 5:
    case 6:
        smmuv3_model_prefetch(machine.unit[0], book.device[vary(BOOK_DEVICES - 1)].stream,
                              some_iova());
        break;
    case 7:
        if (vary(6) == 5)
            fail_unit();
        break;
    }
}

void step_map(unsigned int partition)
{
    uint64_t space = some_space(partition), iova = bend(some_iova()),
             address = bend(some_address());

    step_call(partition, BH_CALL_IOAS_MAP, space, iova, address, bend(some_size()),
              bend(3 - vary(3)));
}

/* Something that is mapped led elsewhere or mapped once more, or several maps or unmaps in one call. */
void step_change(unsigned int partition)
{
    const struct book_space *space = space_of(partition);
    unsigned int what = vary(5), count = space->leaves.count, elements = 1 + vary(6);
    uint64_t id = bend(space->id), at = bend(BASE + STRUCTURE), iova = some_iova(),
             size = some_size();
    void *memory = guest(partition, BASE + STRUCTURE);

    if (space->live && count != 0 && vary(4) != 3) {
        const struct stretch *stretch = &space->leaves.stretch[vary(count)];

        iova = stretch->from;
        size = vary(2) == 0 ? stretch_end(stretch) - stretch->from : stretch_step(stretch);
    }
    switch (what) {
    case 0:
        step_call(partition, BH_CALL_IOAS_REMAP, id, bend(iova), bend(some_address()), bend(size),
                  bend(3 - vary(3)));
        return;
    case 1:
        iova = bend(vary(2) == 0 ? 0 : iova);
        step_call(partition, BH_CALL_IOAS_UNMAP_ALL, id, iova, iova >> 32, 0, 0);
        return;
    case 2: {
        struct bh_ioas_copy copy = { .size = bend(sizeof(copy)),
                                     .from = (uint32_t)id,
                                     .to = (uint32_t)some_space(partition),
                                     .from_iova = bend(iova),
                                     .to_iova = bend(some_iova()),
                                     .bytes = bend(size),
                                     .flags = bend(3 - vary(3)) };

        memcpy(memory, &copy, sizeof(copy));
        step_call(partition, BH_CALL_IOAS_COPY, at, 0, 0, 0, 0);
        break;
    }
    case 3:
        for (unsigned int i = 0; i < elements; i++) {
            struct bh_map map = { .iova = bend(some_iova()), .address = bend(some_address()) };

            map.size = bend(some_size());
            map.flags = bend(3 - vary(3));
            memcpy((struct bh_map *)memory + i, &map, sizeof(map));
        }
        step_call(partition, BH_CALL_IOAS_MAP_BATCH, id, at, bend(elements), 0, 0);
        break;
    default:
        for (unsigned int i = 0; i < elements; i++) {
            struct bh_unmap unmap = { .iova = bend(i == 0 ? iova : some_iova()) };

            unmap.size = bend(i == 0 ? size : some_size());
            memcpy((struct bh_unmap *)memory + i, &unmap, sizeof(unmap));
        }
        step_call(partition, BH_CALL_IOAS_UNMAP_BATCH, id, at, bend(elements), 0, 0);
        break;
    }
    memset(memory, 0, 256);
}

/* Mostly something that is mapped, or all of it. */
void step_unmap(unsigned int partition)
{
    const struct book_space *space = space_of(partition);
    unsigned int what = vary(8), count = space->leaves.count;
    uint64_t id = bend(space->id), iova = some_iova(), size = some_size();

    if (what < 4 && space->live && count != 0) {
        const struct stretch *stretch = &space->leaves.stretch[vary(count)];

        iova = stretch->from;
        size = stretch_end(stretch) - stretch->from;
        if (what == 3 && stretch->count > 1)
            size = stretch_step(stretch) * (stretch->count / 2);
    } else if (what < 6) {
        iova = 0;
        size = book.input_limit;
    }
    step_call(partition, BH_CALL_IOAS_UNMAP, id, bend(iova), bend(size), 0, 0);
}
