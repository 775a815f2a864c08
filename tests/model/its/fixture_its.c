/* SPDX-License-Identifier: Apache-2.0 */
/* The bench of the ITS model's tests; see fixture_its.h. */
#include "fixture_its.h"

#include <stdlib.h>
#include <string.h>

static uint8_t *within(struct its_bench *bench, uint64_t address, size_t size)
{
    if (address < ITS_MEMORY || address - ITS_MEMORY > ITS_MEMORY_SIZE - size ||
        address - bench->refused < bench->refused_size) {
        return NULL;
    }
    return bench->memory + (address - ITS_MEMORY);
}

static bool memory_read(void *context, enum its_model_access_kind kind, uint64_t address,
                        void *data, size_t size)
{
    const uint8_t *from = within(context, address, size);

    (void)kind;
    if (from) {
        memcpy(data, from, size);
    }
    return from;
}

static bool memory_write(void *context, enum its_model_access_kind kind, uint64_t address,
                         const void *data, size_t size)
{
    uint8_t *to = within(context, address, size);

    (void)kind;
    if (to) {
        memcpy(to, data, size);
    }
    return to;
}

static void interrupted(void *context, unsigned redistributor)
{
    struct its_bench *bench = context;

    bench->interrupts[redistributor]++;
}

struct its_bench *its_start(const struct its_model_parameters *parameters)
{
    struct its_bench *bench = calloc(1, sizeof(*bench));
    const struct its_model_environment environment = {
        .context = bench, .read = memory_read, .write = memory_write, .interrupt = interrupted
    };

    assert_non_null(bench);
    bench->p = *parameters;
    bench->memory = calloc(1, ITS_MEMORY_SIZE);
    assert_non_null(bench->memory);
    bench->model = its_model_create(parameters, &environment);
    return bench;
}

void its_stop(struct its_bench *bench)
{
    its_model_destroy(bench->model);
    free(bench->memory);
    free(bench);
}

uint64_t its_get(struct its_bench *bench, uint64_t offset)
{
    return its_model_read(bench->model, offset, offset == AT_GITS_CTLR ? 4 : 8);
}

void its_put(struct its_bench *bench, uint64_t offset, uint64_t value)
{
    its_model_write(bench->model, offset, value, offset == AT_GITS_CTLR ? 4 : 8);
}

void its_poke(struct its_bench *bench, uint64_t address, uint64_t value)
{
    memcpy(within(bench, address, sizeof(value)), &value, sizeof(value));
}

uint64_t its_peek(struct its_bench *bench, uint64_t address)
{
    uint64_t value = 0;

    memcpy(&value, within(bench, address, sizeof(value)), sizeof(value));
    return value;
}

static uint64_t table(uint64_t address, uint64_t bytes, unsigned page_bits)
{
    uint64_t value = address;

    field_put(&value, BASER_VALID, 1);
    field_put(&value, BASER_SHAREABILITY, 1);
    field_put(&value, BASER_PAGE_SIZE, (page_bits - 12) / 2);
    field_put(&value, BASER_SIZE, (bytes - 1) / power_of_2(page_bits));
    return value;
}

static void bring_up_redistributors(struct its_bench *bench)
{
    uint64_t configuration = ITS_CONFIGURATION;

    field_put(&configuration, PROPBASER_IDBITS, bench->p.lpi_bits - 1);
    for (unsigned i = 0; i < bench->p.redistributors; i++) {
        its_model_redistributor_write(bench->model, i, AT_GICR_PROPBASER, configuration, 8);
        its_model_redistributor_write(bench->model, i, AT_GICR_PENDBASER,
                                      ITS_PENDING(i) | field_mask(PENDBASER_PTZ), 8);
        its_model_redistributor_write(bench->model, i, AT_GICR_CTLR, 1, 4);
    }
}

struct its_bench *its_up(const struct its_model_parameters *parameters)
{
    struct its_bench *bench = its_start(parameters);
    unsigned page = parameters->page_bits ? parameters->page_bits : 12;

    bring_up_redistributors(bench);
    its_put(bench, AT_GITS_CBASER, ITS_QUEUE | field_mask(CBASER_VALID));
    its_put(bench, AT_GITS_CWRITER, 0);
    its_put(
        bench, AT_GITS_BASER,
        table(ITS_DEVICES, power_of_2(parameters->device_bits) * parameters->device_entry, page));
    its_put(bench, AT_GITS_BASER + 8,
            table(ITS_COLLECTIONS, UINT64_C(16) * parameters->collection_entry, page));
    its_put(bench, AT_GITS_CTLR, 1);
    return bench;
}

struct its_bench *its_plain(void)
{
    const struct its_model_parameters parameters = its_model_like_qemu();

    return its_up(&parameters);
}

/* ------------------------------------------------------------------ commands */

void its_submit(struct its_bench *bench, uint64_t word0, uint64_t word1, uint64_t word2,
                uint64_t word3)
{
    const uint64_t words[COMMAND_WORDS] = { word0, word1, word2, word3 };

    for (unsigned i = 0; i < COMMAND_WORDS; i++) {
        its_poke(bench, ITS_QUEUE + bench->write + i * sizeof(*words), words[i]);
    }
    bench->write = (bench->write + COMMAND_BYTES) % ITS_QUEUE_BYTES;
    its_put(bench, AT_GITS_CWRITER, bench->write);
}

static uint64_t of_device(unsigned opcode, uint32_t device)
{
    return opcode | (uint64_t)device << 32;
}

static uint64_t target(struct its_bench *bench, unsigned redistributor)
{
    return bench->p.physical_targets ? bench->p.redistributor[redistributor]
                                     : (uint64_t)redistributor << 16;
}

void its_mapd(struct its_bench *bench, uint32_t device, uint64_t itt, unsigned bits)
{
    its_submit(bench, of_device(COMMAND_MAPD, device), bits - 1, itt | UINT64_C(1) << 63, 0);
}

void its_unmapd(struct its_bench *bench, uint32_t device)
{
    its_submit(bench, of_device(COMMAND_MAPD, device), 0, 0, 0);
}

void its_mapc(struct its_bench *bench, uint32_t icid, unsigned redistributor, bool valid)
{
    its_submit(bench, COMMAND_MAPC, 0, icid | target(bench, redistributor) | (uint64_t)valid << 63,
               0);
}

void its_mapti(struct its_bench *bench, uint32_t device, uint32_t event, uint32_t intid,
               uint32_t icid)
{
    its_submit(bench, of_device(COMMAND_MAPTI, device), event | (uint64_t)intid << 32, icid, 0);
}

void its_event_command(struct its_bench *bench, unsigned opcode, uint32_t device, uint32_t event)
{
    its_submit(bench, of_device(opcode, device), event, 0, 0);
}

void its_movi(struct its_bench *bench, uint32_t device, uint32_t event, uint32_t icid)
{
    its_submit(bench, of_device(COMMAND_MOVI, device), event, icid, 0);
}

void its_invall(struct its_bench *bench, uint32_t icid)
{
    its_submit(bench, COMMAND_INVALL, 0, icid, 0);
}

void its_sync(struct its_bench *bench, unsigned redistributor)
{
    its_submit(bench, COMMAND_SYNC, 0, target(bench, redistributor), 0);
}

void its_configure(struct its_bench *bench, uint32_t intid, uint8_t value)
{
    *within(bench, ITS_CONFIGURATION + intid - ITS_MODEL_FIRST_LPI, 1) = value;
}

void its_map_one(struct its_bench *bench)
{
    its_configure(bench, ITS_LPI, 0xA1);
    its_mapd(bench, ITS_DEVICE, ITS_ITT(0), ITS_EVENT_BITS);
    its_mapc(bench, ITS_ICID, 0, true);
    its_mapti(bench, ITS_DEVICE, ITS_EVENT, ITS_LPI, ITS_ICID);
    its_event_command(bench, COMMAND_INV, ITS_DEVICE, ITS_EVENT);
    its_sync(bench, 0);
}

/* ------------------------------------------------------------------ mistakes */

void assert_no_mistakes(struct its_bench *bench)
{
    const struct its_model_mistake *mistake = its_model_mistake_at(bench->model, ITS_MODEL_ALL, 0);

    if (mistake) {
        fail_msg("%s: %s (0x%llx)", mistake->subject, mistake->text,
                 (unsigned long long)mistake->value);
    }
}

void assert_mistake(struct its_bench *bench, enum its_model_mistake_kind kind, const char *text)
{
    const struct its_model_mistake *mistake = its_model_mistake_at(bench->model, ITS_MODEL_ALL, 0);

    assert_non_null(mistake);
    if (mistake->kind != kind || !strstr(mistake->text, text) ||
        its_model_mistakes(bench->model, ITS_MODEL_ALL) != 1) {
        fail_msg("%u mistakes, the first is %s: %s",
                 its_model_mistakes(bench->model, ITS_MODEL_ALL), mistake->subject, mistake->text);
    }
}
