/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Memory, registers, commands and accesses, done to QEMU and to the models alike.
 */
#include "pair.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* ------------------------------------------------------------------ memory */

uint64_t peek64(const struct pair *pair, uint64_t address)
{
    uint64_t value = 0;

    if (in_ram(address, sizeof(value))) {
        memcpy(&value, pair->mirror + (address - RAM_BASE), sizeof(value));
    }
    return value;
}

uint32_t peek32(const struct pair *pair, uint64_t address)
{
    uint32_t value = 0;

    if (in_ram(address, sizeof(value))) {
        memcpy(&value, pair->mirror + (address - RAM_BASE), sizeof(value));
    }
    return value;
}

static void poke(struct pair *pair, uint64_t address, const void *data, size_t size)
{
    if (!in_ram(address, size)) {
        fprintf(stderr, "differential: a store outside memory, 0x%llx\n",
                (unsigned long long)address);
        exit(2);
    }
    memcpy(pair->mirror + (address - RAM_BASE), data, size);
    memcpy(pair->ram + (address - RAM_BASE), data, size);
}

void poke64(struct pair *pair, uint64_t address, uint64_t value)
{
    poke(pair, address, &value, sizeof(value));
}

void poke32(struct pair *pair, uint64_t address, uint32_t value)
{
    poke(pair, address, &value, sizeof(value));
}

void clear_memory(struct pair *pair, uint64_t address, uint64_t bytes)
{
    memset(pair->mirror + (address - RAM_BASE), 0, bytes);
    memset(pair->ram + (address - RAM_BASE), 0, bytes);
}

static uint64_t difference_in(const struct pair *pair, uint64_t first, uint64_t bytes)
{
    const uint8_t *ram = pair->ram + (first - RAM_BASE);
    const uint8_t *mirror = pair->mirror + (first - RAM_BASE);

    if (memcmp(ram, mirror, bytes) == 0) {
        return 0;
    }
    while (*ram == *mirror) {
        ram++;
        mirror++;
        first++;
    }
    return first;
}

uint64_t first_difference(const struct pair *pair)
{
    uint64_t at = difference_in(pair, AT_STREAMS, AT_BUFFER - AT_STREAMS);

    if (!at) {
        at = difference_in(pair, AT_TABLES, pair->tables_end - AT_TABLES);
    }
    for (unsigned i = 0; i < CHUNKS && !at; i++) {
        at = difference_in(pair, chunk_address(i), CHUNK_BYTES);
    }
    return at;
}

void accept_memory(struct pair *pair)
{
    memcpy(pair->mirror + (AT_STREAMS - RAM_BASE), pair->ram + (AT_STREAMS - RAM_BASE),
           AT_BUFFER - AT_STREAMS);
    memcpy(pair->mirror + (AT_TABLES - RAM_BASE), pair->ram + (AT_TABLES - RAM_BASE),
           pair->tables_end - AT_TABLES);
    for (unsigned i = 0; i < CHUNKS; i++) {
        uint64_t at = chunk_address(i) - RAM_BASE;

        memcpy(pair->mirror + at, pair->ram + at, CHUNK_BYTES);
    }
}

/* ------------------------------------------------------------------ registers and commands */

void both_write32(struct pair *pair, uint32_t offset, uint32_t value)
{
    smmuv3_model_write32(pair->keep.model, offset, value);
    smmuv3_model_write32(pair->fresh.model, offset, value);
    qtest_write32(&pair->qtest, pair->smmu + offset, value);
}

void both_write64(struct pair *pair, uint32_t offset, uint64_t value)
{
    smmuv3_model_write64(pair->keep.model, offset, value);
    smmuv3_model_write64(pair->fresh.model, offset, value);
    qtest_write64(&pair->qtest, pair->smmu + offset, value);
}

uint32_t qemu_read32(struct pair *pair, uint32_t offset)
{
    uint64_t value = 0;

    qtest_read32(&pair->qtest, pair->smmu + offset, &value);
    qtest_sync(&pair->qtest);
    return (uint32_t)value;
}

/* The next value of an index into a queue of 2^log2 entries, with its wrap flag. */
static uint32_t next_index(uint32_t index, unsigned log2)
{
    return (index + 1) & ((2u << log2) - 1);
}

void both_command(struct pair *pair, uint64_t word0, uint64_t word1)
{
    uint64_t slot = AT_CMDQ + (pair->cmdq_prod & ((1u << CMDQ_LOG2) - 1)) * UINT64_C(16);

    poke64(pair, slot, word0);
    poke64(pair, slot + 8, word1);
    pair->cmdq_prod = next_index(pair->cmdq_prod, CMDQ_LOG2);
    both_write32(pair, R_CMDQ_PROD, pair->cmdq_prod);
}

bool queues_agree(struct pair *pair)
{
    static const uint32_t registers[] = { R_CMDQ_PROD, R_CMDQ_CONS, R_GERROR, R_GERRORN };
    bool agree = true;

    for (unsigned i = 0; i < sizeof(registers) / sizeof(*registers); i++) {
        uint32_t value = qemu_read32(pair, registers[i]);

        agree = agree && value == smmuv3_model_read32(pair->keep.model, registers[i]) &&
                value == smmuv3_model_read32(pair->fresh.model, registers[i]);
    }
    return agree;
}

/* Each side acknowledges what it has. */
static void acknowledge_errors(struct pair *pair)
{
    struct smmuv3_model *keep = pair->keep.model, *fresh = pair->fresh.model;

    smmuv3_model_write32(keep, R_GERRORN, smmuv3_model_read32(keep, R_GERROR));
    smmuv3_model_write32(fresh, R_GERRORN, smmuv3_model_read32(fresh, R_GERROR));
    qtest_write32(&pair->qtest, pair->smmu + R_GERRORN, qemu_read32(pair, R_GERROR));
}

void both_reset_queues(struct pair *pair)
{
    both_write32(pair, R_CR0, 0);
    acknowledge_errors(pair);
    both_write64(pair, R_CMDQ_BASE, AT_CMDQ | CMDQ_LOG2);
    both_write64(pair, R_EVENTQ_BASE, AT_EVENTQ | EVENTQ_LOG2);
    both_write32(pair, R_CMDQ_PROD, 0);
    both_write32(pair, R_CMDQ_CONS, 0);
    both_write32(pair, R_EVENTQ_PROD, 0);
    both_write32(pair, R_EVENTQ_CONS, 0);
    pair->cmdq_prod = 0;
    pair->eventq_cons = 0;
    both_write32(pair, R_CR0, CR0_QUEUES);
    both_command(pair, 0x04, 31); /* CMD_CFGI_ALL */
    both_command(pair, 0x30, 0);  /* CMD_TLBI_NSNH_ALL */
    both_command(pair, 0x46, 0);  /* CMD_SYNC */
    qtest_sync(&pair->qtest);
}

/* ------------------------------------------------------------------ accesses */

#define EVENT_PNU (UINT64_C(1) << 33)

static void model_piece(struct unit *unit, const struct smmuv3_model_access *access,
                        struct piece *piece)
{
    struct smmuv3_model_result result;

    unit->recorded = false;
    memset(unit->record, 0, sizeof(unit->record));
    result = smmuv3_model_transact(unit->model, access);
    *piece = (struct piece){
        .translated = result.outcome == SMMUV3_MODEL_OK,
        .landed = result.outcome == SMMUV3_MODEL_OK && in_ram(result.address, 4),
        .address = result.address,
        .recorded = unit->recorded,
        .cause = result.event,
        .not_modelled = result.outcome == SMMUV3_MODEL_NOT_MODELLED ? result.not_modelled : NULL,
    };
    memcpy(piece->record, unit->record, sizeof(piece->record));
    if (unit->views & VIEW_PRIVILEGED && piece->recorded) {
        piece->record[1] &= ~EVENT_PNU; /* QEMU does not say so */
    }
}

void model_access(struct pair *pair, struct unit *unit, const struct access *access, unsigned views,
                  struct outcome *outcome)
{
    unit->views = views;
    if (unit == &pair->fresh) {
        smmuv3_model_evict(unit->model);
    }
    for (unsigned i = 0; i < access->count; i++) {
        struct smmuv3_model_access transaction = {
            .stream_id = pair->devices[access->device].stream_id,
            .iova = access->iova + i * sizeof(uint32_t),
            .write = access->write,
            .privileged = (views & VIEW_PRIVILEGED) != 0,
        };

        model_piece(unit, &transaction, &outcome->pieces[i]);
    }
    unit->views = VIEW_PLAIN;
    /* The records have been taken. */
    smmuv3_model_write32(unit->model, R_EVENTQ_CONS,
                         smmuv3_model_read32(unit->model, R_EVENTQ_PROD));
}

enum edu {
    EDU_SOURCE = 0x80,
    EDU_DESTINATION = 0x88,
    EDU_COUNT = 0x90,
    EDU_COMMAND = 0x98,
    EDU_RUN = 1,
    EDU_TO_MEMORY = 2,
    EDU_BUFFER = 0x40000,
};
#define EDU_NANOSECONDS UINT64_C(100000000)

enum testdev {
    TESTDEV_RUN = 0x00, /* by reading it */
    TESTDEV_IOVA = 0x04,
    TESTDEV_LENGTH = 0x0c,
    TESTDEV_RESULT = 0x10,
    TESTDEV_DOORBELL = 0x14,
    TESTDEV_PHYSICAL = 0x1c,
};

static void edu_transfer(struct pair *pair, const struct device *device, bool to_memory,
                         uint64_t memory, unsigned bytes)
{
    struct qtest *qtest = &pair->qtest;

    qtest_write64(qtest, device->bar + EDU_SOURCE, to_memory ? EDU_BUFFER : memory);
    qtest_write64(qtest, device->bar + EDU_DESTINATION, to_memory ? memory : EDU_BUFFER);
    qtest_write64(qtest, device->bar + EDU_COUNT, bytes);
    qtest_write64(qtest, device->bar + EDU_COMMAND, EDU_RUN | (to_memory ? EDU_TO_MEMORY : 0));
    qtest_clock_step(qtest, EDU_NANOSECONDS);
}

/*
 * What edu sends was fetched by it, and what it fetched must be sent to be seen: both past the
 * SMMU, which is switched off meanwhile. QEMU's caches outlive that.
 */
static void edu_access(struct pair *pair, const struct access *access, struct seen *seen)
{
    const struct device *device = &pair->devices[access->device];
    uint8_t *buffer = pair->ram + (AT_BUFFER - RAM_BASE);
    unsigned bytes = access->count * (unsigned)sizeof(*seen->words);

    memcpy(buffer, seen->words, bytes);
    qtest_write32(&pair->qtest, pair->smmu + R_CR0, CR0_QUEUES);
    edu_transfer(pair, device, false, AT_BUFFER, bytes);
    qtest_write32(&pair->qtest, pair->smmu + R_CR0, CR0_ON);
    edu_transfer(pair, device, access->write, access->iova, bytes);
    if (!access->write) {
        qtest_write32(&pair->qtest, pair->smmu + R_CR0, CR0_QUEUES);
        edu_transfer(pair, device, true, AT_BUFFER, bytes);
        qtest_write32(&pair->qtest, pair->smmu + R_CR0, CR0_ON);
    }
}

static void testdev_access(struct pair *pair, const struct access *access, uint64_t expected,
                           struct seen *seen)
{
    uint64_t bar = pair->devices[access->device].bar;
    struct qtest *qtest = &pair->qtest;
    uint64_t ignored = 0;

    qtest_write32(qtest, bar + TESTDEV_IOVA, (uint32_t)access->iova);
    qtest_write32(qtest, bar + TESTDEV_IOVA + 4, (uint32_t)(access->iova >> 32));
    qtest_write32(qtest, bar + TESTDEV_PHYSICAL, (uint32_t)expected);
    qtest_write32(qtest, bar + TESTDEV_PHYSICAL + 4, (uint32_t)(expected >> 32));
    qtest_write32(qtest, bar + TESTDEV_LENGTH, access->count * 4);
    qtest_write32(qtest, bar + TESTDEV_DOORBELL, 1);
    qtest_read32(qtest, bar + TESTDEV_RUN, &ignored);
    qtest_read32(qtest, bar + TESTDEV_RESULT, &seen->result);
    qtest_sync(qtest);
}

/* Take QEMU's new event records. */
static void take_events(struct pair *pair, uint32_t prod, struct seen *seen)
{
    const uint8_t *queue = pair->ram + (AT_EVENTQ - RAM_BASE);
    uint32_t waiting = (prod - pair->eventq_cons) & ((2u << EVENTQ_LOG2) - 1);

    seen->events = waiting;
    for (uint32_t i = 0; i < waiting; i++) {
        uint32_t slot = pair->eventq_cons & ((1u << EVENTQ_LOG2) - 1);

        if (i < PIECES_MAX) {
            memcpy(seen->records[i], queue + (size_t)slot * sizeof(seen->records[i]),
                   sizeof(seen->records[i]));
        }
        pair->eventq_cons = next_index(pair->eventq_cons, EVENTQ_LOG2);
    }
    if (waiting) {
        qtest_write32(&pair->qtest, pair->smmu + R_EVENTQ_CONS, pair->eventq_cons);
    }
}

void qemu_access(struct pair *pair, const struct access *access, uint64_t expected,
                 struct seen *seen)
{
    uint64_t prod = 0;

    if (pair->devices[access->device].edu) {
        edu_access(pair, access, seen);
    } else {
        testdev_access(pair, access, expected, seen);
    }
    qtest_read32(&pair->qtest, pair->smmu + R_EVENTQ_PROD, &prod);
    qtest_sync(&pair->qtest);
    take_events(pair, (uint32_t)prod, seen);
    if (!access->write) {
        memcpy(seen->words, pair->ram + (AT_BUFFER - RAM_BASE),
               access->count * sizeof(*seen->words));
    }
}
