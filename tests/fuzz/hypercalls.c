/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Sequences of hypercalls by two partitions, with valid and hostile arguments, while devices access
 * memory, partitions end and start again, and the unit may fail. Each answer, and what the devices reach
 * after it, must be what the book says (book.h).
 */
#include <string.h>

#include "tests/adversary/hardware.h"
#include "tests/fuzz/book.h"
#include "tests/fuzz/fuzz.h"
#include "tests/observer/observer.h"

#define BASE UINT64_C(0x40000000)
#define STEPS 50
#define STRUCTURE UINT64_C(0x210000) /* offset in a guest's memory */
#define MASTER 4                     /* in the command register */

#define PIN 0x3D /* its INTx, in configuration space */

static int function[BOOK_DEVICES];
static const uint32_t lines[BOOK_DEVICES] = { MACHINE_LINE(1, 1), 0, MACHINE_LINE(3, 1),
                                              MACHINE_LINE(3, 1) };

/* ---- The machine ------------------------------------------------------------------------------------------ */

/* Functions of one device, two devices behind a bridge that takes their ids, one alone, one without DMA. */
static void build(const struct smmuv3_model_parameters *parameters)
{
    struct pci_model *pci = &machine.pci;

    machine_plain_with(parameters);
    function[0] = DEVICE1;
    function[1] = pci_model_endpoint(pci, PORT1, 0, 1);
    pci_model_express(pci, function[1], 0, true);
    pci_model_bar(pci, function[1], 0, 0x1000, false);
    pci_model_multifunction(pci, DEVICE1);
    int port = pci_model_bridge(pci, PCI_MODEL_ROOT, 3, 0, 4);
    int bridge = pci_model_bridge(pci, port, 0, 0, 7);

    function[2] = pci_model_endpoint(pci, bridge, 0, 0);
    function[3] = pci_model_endpoint(pci, bridge, 1, 0);
    pci_model_advanced(pci, function[2]);
    pci_model_advanced(pci, function[3]);
    pci_model_bar(pci, function[2], 0, 0x2000, false);
    pci_model_bar(pci, function[3], 0, 0x200000, true);
    function[4] = DEVICE2;
    function[5] = -1;
    pci->function[DEVICE1].config[PIN] = 1;
    pci->function[function[1]].config[PIN] = 2; /* another device's line, which not all may bind */
    pci->function[DEVICE2].config[PIN] = 1;
    pci->function[function[2]].config[PIN] = 1;
    pci->function[function[3]].config[PIN] = 4; /* the same line, and one group */
}

static void boot(const struct smmuv3_model_parameters *parameters, uint32_t pool)
{
    static const char *const shared[] = { DEVICE1_NAME, "0000:01:00.1", "0000:04:00.0",
                                          "0000:04:01.0" };

    build(parameters);
    machine_partition("two");
    for (unsigned int i = 0; i < BOOK_GUESTS; i++) {
        struct partition_spec *spec = &machine.partition[i];

        for (unsigned int n = 0; n < ARRAY_LENGTH(shared); n++)
            spec->pci[n] = shared[n];
        spec->pool_pages = pool;
        spec->block[0] = CLOCK_NAME;
    }
    machine.partition[0].pci[4] = DEVICE2_NAME;
    machine.partition[BOOK_MANAGER].manager = true;
    machine_boot();
    book_open(function, lines, BOOK_DEVICES);
}

void fuzz_calls_boot(void)
{
    const struct smmuv3_model_parameters parameters = smmuv3_model_like_mmu600();

    boot(&parameters, 64);
}

/* Little of everything: table pages run out, ids of tags are short, and the unit is another. */
void fuzz_calls_boot_tight(void)
{
    struct smmuv3_model_parameters parameters = smmuv3_model_like_qemu();

    parameters.ril = true;
    boot(&parameters, 16);
}

/* ---- Arguments -------------------------------------------------------------------------------------------- */

/* A run goes its own way even where every choice is the plainest one: which of several ordinary things is
 * done depends on the salt, on the step and on the choice. */
static uint64_t salt;

static unsigned int vary(unsigned int count)
{
    uint64_t base = random_next(&salt) % count;

    return (unsigned int)((base + guest_choice(count)) % count);
}

/* Seeds leave the plainest choice more or less often: many of them tell the runs apart. */
static void choose_salt(void)
{
    unsigned int asked = fuzz_more == NULL ? 24 : 2;

    salt = 0;
    for (unsigned int i = 0; i < asked; i++)
        salt = salt * 259 + guest_choice(256);
}

static uint64_t pick(const uint64_t *values, unsigned int count)
{
    return values[vary(count)];
}

#define PICK(...)                                                                                  \
    pick((const uint64_t[]){ __VA_ARGS__ },                                                        \
         (unsigned int)(sizeof((const uint64_t[]){ __VA_ARGS__ }) / sizeof(uint64_t)))

/* Mostly as it should be, sometimes bent. */
static uint64_t bend(uint64_t value)
{
    static const uint64_t other[] = { 0, 1, 7, 0xFFFFFFFF, UINT64_MAX, UINT64_C(1) << 63 };

    switch (guest_choice(128)) {
    default:
        return value;
    case 121:
        return value + 1;
    case 122:
        return value | UINT64_C(1) << 32;
    case 123:
        return UINT64_C(0) - value;
    case 124:
        return value ^ UINT64_C(1) << (guest_choice(64));
    case 125:
        return value + PICK(8, 0x800, 0x1000, 0x1FF000, UINT64_C(1) << 39, UINT64_C(1) << 48);
    case 126:
    case 127:
        return pick(other, ARRAY_LENGTH(other));
    }
}

/* Mostly one for which the call makes sense: bound by the caller, or free. */
static uint64_t device_of(unsigned int partition, bool bound)
{
    unsigned int first = vary(BOOK_DEVICES);

    for (unsigned int i = 0; i < BOOK_DEVICES && vary(8) != 7; i++) {
        const struct book_device *device = &book.device[(first + i) % BOOK_DEVICES];
        int owner = book.group[device->group].owner;
        bool fits = bound ? device->bound == (int)partition
                          : device->bound == NOBODY && (owner == NOBODY || owner == (int)partition);

        if (fits)
            return bend(device->id);
    }
    return bend(book.device[first].id);
}

static uint64_t some_device(void)
{
    return bend(book.device[vary(BOOK_DEVICES)].id);
}

/* Mostly a live one, sometimes one that is gone. */
static struct book_space *space_of(unsigned int partition)
{
    unsigned int first = vary(4);

    for (unsigned int i = 0; i < PARTITION_IOAS && vary(16) != 15; i++) {
        struct book_space *space =
            &book.guest[partition].space[(first + PARTITION_IOAS - i) % PARTITION_IOAS];

        if (space->live)
            return space;
    }
    return &book.guest[partition].space[PARTITION_IOAS - 1 - first];
}

static uint64_t some_space(unsigned int partition)
{
    return bend(space_of(partition)->id);
}

static uint64_t some_iova(void)
{
    return PICK(0x10000, 0x11000, 0x200000, 0x1FF000, 0, 0x400000, 0x40000000,
                UINT64_C(0x7FC0000000), book.input_limit - 0x1000, book.input_limit - 0x200000);
}

static uint64_t some_size(void)
{
    if (vary(8) == 7)
        return PICK(0x3A0000, 0x40000000, UINT64_C(0x8000000000), 0x203000);
    return PICK(0x1000, 0x3000, 0x2000, 0x200000, 0x201000, 0x100000);
}

/* All that a guest sees, too. */
static uint64_t some_address(void)
{
    return BASE + PICK(0x1000, 0, 0x5000, 0x200000, 0x1FF000, 0x100000, 0x300000);
}

/* ---- Calls ------------------------------------------------------------------------------------------------ */

static int64_t make(unsigned int partition, uint64_t number, uint64_t a, uint64_t b, uint64_t c,
                    uint64_t d, uint64_t e)
{
    static unsigned int turn;
    const uint64_t x[5] = { a, b, c, d, e };

    return book_call(partition, number, x, fuzz_thorough || turn++ % 16 == 0);
}

static void bind_device(unsigned int partition, uint64_t device)
{
    uint64_t label = bend(device & 0xFFF);
    unsigned int rounds = guest_choice(8) == 7 ? guest_choice(3) : 8;
    int64_t answer = BH_EAGAIN;

    for (unsigned int i = 0; i < rounds && answer == BH_EAGAIN; i++) {
        answer = make(partition, BH_CALL_DEVICE_BIND, device, label, 0, 0, 0);
        if (answer == BH_EAGAIN)
            host_advance(machine.x[1]);
    }
    if (rounds == 8 && answer == BH_EAGAIN)
        fail_msg("the bind of device 0x%llx does not come to its end", (unsigned long long)device);
}

/* All of a reset, or a part. */
static void reset_device(unsigned int partition, uint64_t device)
{
    unsigned int rounds = guest_choice(8) < 4 ? guest_choice(3) : 8;
    int64_t answer = BH_EAGAIN;

    for (unsigned int i = 0; i < rounds && answer == BH_EAGAIN; i++) {
        answer = make(partition, BH_CALL_DEVICE_RESET, device, 0, 0, 0, 0);
        if (answer == BH_EAGAIN)
            host_advance(machine.x[1]);
    }
}

/* Takes or gives back a ring, or writes into it what a reader may, and what it must not. */
static void ring(unsigned int partition)
{
    uint64_t page = book.guest[partition].ring, word;

    switch (vary(4)) {
    case 0:
        make(partition, BH_CALL_EVENT_RING, 0, 0, 0, 0, 0);
        break;
    case 1:
        word = bend(BASE + PICK(0x300000, 0x301000, 0x3BF000, 0x210000));
        make(partition, BH_CALL_EVENT_RING, word, 0, 0, 0, 0);
        break;
    default:
        if (page == 0)
            break;
        word = bend(vary(BH_EVENT_RECORDS + 1));
        memcpy(guest(partition, page + 8 * PICK(2, 1, 2, 0, 3, vary(512))), &word, sizeof(word));
        break;
    }
}

static void ask(unsigned int partition)
{
    uint64_t address = bend(BASE + STRUCTURE), what = bend(vary(4));
    uint64_t size = PICK(256, 40, 8, 0);
    unsigned int kind = vary(6);

    memcpy(guest(partition, BASE + STRUCTURE), &size, sizeof(size));
    if (kind >= 4)
        ring(partition);
    else if (kind == 0)
        make(partition, BH_CALL_QUERY, what, address, some_device(), 0, 0);
    else if (kind == 1)
        make(partition, BH_CALL_PARTITION_INFO, address, 0, 0, 0, 0);
    else if (kind == 2)
        make(partition, BH_CALL_DEVICE_INFO, bend(guest_choice(6)), address, 0, 0, 0);
    else
        make(partition, vary(2) == 0 ? BH_CALL_CONSOLE_WRITE : BH_CALL_CONSOLE_READ, address,
             bend(guest_choice(255)), 0, 0, 0);
    memset(guest(partition, BASE + STRUCTURE), 0, 256);
}

/* Any number but those that end a partition or take a device from another, and anything for arguments. */
static void anything(unsigned int partition)
{
    uint64_t number = vary(BH_CALL_LIMIT - 1), x[5];

    number += number >= BH_CALL_POWER;
    if (number == BH_CALL_PARTITION_CONTROL || number == BH_CALL_DEVICE_GIVE)
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
    make(partition, number, x[0], x[1], x[2], x[3], x[4]);
}

/* The manager's order, and what the other partition's CPU does of it. What a unit's failure leaves of a partition that
 * is off is not in the book. */
static void control(unsigned int partition)
{
    unsigned int other = BOOK_GUESTS - 1 - partition;
    const struct book_guest *g = &book.guest[other];
    unsigned int cpu = partitions.partition[other].cpu;
    uint64_t action = bend(vary(3));
    enum host_end end = HOST_GUEST;
    bool ended, again;

    if (g->lost || (g->off && (book.failed || book.failing)))
        return;
    make(partition, BH_CALL_PARTITION_CONTROL, bend(other), action, 0, 0, 0);
    ended = machine_recall(other);
    again = host_run_work(cpu, &end);
    if (ended && action == BH_PARTITION_RESTART && !again && book.failing)
        book.failed = true;
    if (ended && action == BH_PARTITION_RESTART && !again && !book.failed)
        fail_msg("a partition that was to restart does not start");
    if (end != HOST_GUEST || (ended && action == BH_PARTITION_STOP && again))
        fail_msg("a partition does not follow the order %llu", (unsigned long long)action);
    if (ended || again)
        book_end(other, again);
}

/* True: the machine is off. */
static bool power(unsigned int partition)
{
    uint64_t action = bend(vary(4) == 3 ? BH_POWER_OFF : BH_POWER_RESET);
    uint64_t code = bend(0);
    enum host_end end;

    make(partition, BH_CALL_POWER, action, code, 0, 0, 0);
    if (machine.end == HOST_RETURNED)
        return false;
    if (machine.end == HOST_OFF)
        return true;
    bool again = host_run_work(partitions.partition[partition].cpu, &end);

    if (action == BH_POWER_RESET && !again && book.failing)
        book.failed = true;
    if (action == BH_POWER_OFF && again)
        fail_msg("a partition that was switched off starts again");
    if (action == BH_POWER_RESET && !book.failed && (!again || end != HOST_GUEST))
        fail_msg("a partition that was reset does not start");
    book_end(partition, again);
    return false;
}

/* ---- Hardware --------------------------------------------------------------------------------------------- */

/* A device accesses memory, whether or not it has been told that it may. */
static void fire(void)
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

static void hardware(void)
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

/* ---- A run ------------------------------------------------------------------------------------------------- */

static void map_something(unsigned int partition)
{
    uint64_t space = some_space(partition), iova = bend(some_iova()),
             address = bend(some_address());

    make(partition, BH_CALL_IOAS_MAP, space, iova, address, bend(some_size()), bend(3 - vary(3)));
}

/* Something that is mapped led elsewhere or mapped once more, or several maps or unmaps in one call. */
static void change_something(unsigned int partition)
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
        make(partition, BH_CALL_IOAS_REMAP, id, bend(iova), bend(some_address()), bend(size),
             bend(3 - vary(3)));
        return;
    case 1:
        iova = bend(vary(2) == 0 ? 0 : iova);
        make(partition, BH_CALL_IOAS_UNMAP_ALL, id, iova, iova >> 32, 0, 0);
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
        make(partition, BH_CALL_IOAS_COPY, at, 0, 0, 0, 0);
        break;
    }
    case 3:
        for (unsigned int i = 0; i < elements; i++) {
            struct bh_map map = { .iova = bend(some_iova()), .address = bend(some_address()) };

            map.size = bend(some_size());
            map.flags = bend(3 - vary(3));
            memcpy((struct bh_map *)memory + i, &map, sizeof(map));
        }
        make(partition, BH_CALL_IOAS_MAP_BATCH, id, at, bend(elements), 0, 0);
        break;
    default:
        for (unsigned int i = 0; i < elements; i++) {
            struct bh_unmap unmap = { .iova = bend(i == 0 ? iova : some_iova()) };

            unmap.size = bend(i == 0 ? size : some_size());
            memcpy((struct bh_unmap *)memory + i, &unmap, sizeof(unmap));
        }
        make(partition, BH_CALL_IOAS_UNMAP_BATCH, id, at, bend(elements), 0, 0);
        break;
    }
    memset(memory, 0, 256);
}

/* Mostly something that is mapped, or all of it. */
static void unmap_something(unsigned int partition)
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
    make(partition, BH_CALL_IOAS_UNMAP, id, bend(iova), bend(size), 0, 0);
}

/* False: the machine is off. */
static bool step(unsigned int partition)
{
    switch (vary(20)) {
    case 0:
    case 1:
    case 2:
        map_something(partition);
        break;
    case 3:
    case 4:
    case 5:
        bind_device(partition, device_of(partition, false));
        break;
    case 6:
        make(partition, BH_CALL_IOAS_ALLOC_PAGING, device_of(partition, true), bend(BH_IOAS_NONE),
             0, 0, 0);
        break;
    case 7:
    case 8:
        make(partition, BH_CALL_ATTACH, device_of(partition, true), bend(BH_PASID_NONE),
             some_space(partition), 0, 0);
        break;
    case 9:
    case 10:
        if (vary(2) == 0)
            unmap_something(partition);
        else
            change_something(partition);
        break;
    case 11:
        make(partition, BH_CALL_DETACH, device_of(partition, true), bend(BH_PASID_NONE), 0, 0, 0);
        break;
    case 12:
        if (vary(2) == 0)
            make(partition, BH_CALL_DEVICE_UNBIND, device_of(partition, true), 0, 0, 0, 0);
        else
            reset_device(partition, device_of(partition, true));
        break;
    case 13:
        make(partition, BH_CALL_IOAS_FREE, some_space(partition), 0, 0, 0, 0);
        break;
    case 14:
    case 15:
        fire();
        break;
    case 16:
        ask(partition);
        break;
    case 17:
        anything(partition);
        break;
    case 18:
        hardware();
        break;
    default:
        if (vary(2) == 1) {
            control(partition);
            break;
        }
        return vary(4) != 3 || !power(partition);
    }
    return true;
}

/* What most sequences would take long to come to. */
static void begin(void)
{
    for (unsigned int i = 0; i < BOOK_GUESTS; i++) {
        uint64_t device = book.device[(size_t)2 * i].id;

        bind_device(i, device);
        int64_t space = make(i, BH_CALL_IOAS_ALLOC_PAGING, device, BH_IOAS_NONE, 0, 0, 0);

        make(i, BH_CALL_IOAS_MAP, (uint64_t)space, 0x10000, BASE + 0x1000, 0x3000, 3);
        make(i, BH_CALL_ATTACH, device, BH_PASID_NONE, (uint64_t)space, 0, 0);
    }
}

static void give_back_space(unsigned int partition, const struct book_space *space)
{
    uint64_t at = 0;

    while (at < book.input_limit && !book.guest[partition].off) {
        int64_t answer = make(partition, BH_CALL_IOAS_UNMAP, space->id, at, book.input_limit - at,
                              0, 0);

        if (answer != BH_OK && answer != BH_EAGAIN)
            return;
        at += machine.x[1];
    }
    make(partition, BH_CALL_IOAS_FREE, space->id, 0, 0, 0, 0);
}

/* All that the partition has; afterwards nothing may be missing. */
static void give_back(unsigned int partition)
{
    struct book_guest *g = &book.guest[partition];

    for (unsigned int i = 0; i < book.device_count && !g->off; i++) {
        if (book.device[i].bound != (int)partition &&
            !(book.device[i].resetting && book.group[book.device[i].group].owner == (int)partition))
            continue;
        if (book.device[i].space != NULL)
            make(partition, BH_CALL_DETACH, book.device[i].id, BH_PASID_NONE, 0, 0, 0);
        make(partition, BH_CALL_DEVICE_UNBIND, book.device[i].id, 0, 0, 0, 0);
    }
    for (unsigned int i = 0; i < PARTITION_IOAS && !g->off; i++) {
        if (g->space[i].live)
            give_back_space(partition, &g->space[i]);
    }
}

static void finish(void)
{
    for (unsigned int i = 0; i < BOOK_GUESTS; i++)
        give_back(i);
    book_compare();
    for (unsigned int i = 0; i < book.device_count; i++) {
        if (!book.failed && book.group[book.device[i].group].owner != NOBODY)
            fail_msg("device 0x%llx stays owned", (unsigned long long)book.device[i].id);
    }
}

void fuzz_calls(void)
{
    book_again();
    choose_salt();
    if (fuzz_thorough)
        observer_start_with(&(struct observer_options){ .seed = 1, .mode = HOST_STORES_IMMEDIATE });
    if (guest_choice(4) != 3)
        begin();
    for (unsigned int i = 0; i < STEPS && (fuzz_more == NULL || fuzz_more()); i++) {
        unsigned int partition = vary(BOOK_GUESTS);

        if (book.guest[partition].off)
            partition = BOOK_GUESTS - 1 - partition;
        if (book.guest[partition].off || !step(partition))
            break;
        book_compare();
    }
    if (machine.end != HOST_OFF)
        finish();
}
