/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The machine that the model's tests run on; see fixture.h.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "fixture.h"

const struct geometry PLAIN_4K = { .granule = 12, .level = 1, .input_bits = 39, .s2ps = 4 };

static void *within(struct machine *machine, uint64_t address, size_t size)
{
    if (address < MEMORY_BASE || address - MEMORY_BASE > MEMORY_SIZE - size) {
        return NULL;
    }
    return machine->memory + (address - MEMORY_BASE);
}

static bool memory_read(void *context, enum smmuv3_model_access_kind kind, uint64_t address,
                        void *data, size_t size)
{
    void *from = within(context, address, size);

    (void)kind;
    if (from) {
        memcpy(data, from, size);
    }
    return from;
}

static bool memory_write(void *context, enum smmuv3_model_access_kind kind, uint64_t address,
                         const void *data, size_t size)
{
    void *to = within(context, address, size);

    (void)kind;
    if (to) {
        memcpy(to, data, size);
    }
    return to;
}

static void interrupted(void *context, enum smmuv3_model_line line)
{
    struct machine *machine = context;

    machine->interrupts[line]++;
}

static unsigned least(unsigned a, unsigned b)
{
    return a < b ? a : b;
}

struct machine *machine_start(const struct smmuv3_model_parameters *parameters)
{
    struct machine *machine = calloc(1, sizeof(*machine));
    struct smmuv3_model_environment environment = {
        .read = memory_read,
        .write = memory_write,
        .interrupt = interrupted,
    };

    assert_non_null(machine);
    environment.context = machine;
    machine->memory = calloc(1, MEMORY_SIZE);
    assert_non_null(machine->memory);
    machine->free = MEMORY_BASE;
    machine->p = *parameters;
    machine->streams_log2 = least(STREAMS_LOG2, parameters->sidsize);
    machine->cmdq_log2 = least(CMDQ_LOG2, parameters->cmdqs);
    machine->eventq_log2 = least(EVENTQ_LOG2, parameters->eventqs);
    machine->unit = smmuv3_model_create(parameters, &environment);
    return machine;
}

void machine_stop(struct machine *machine)
{
    smmuv3_model_destroy(machine->unit);
    free(machine->memory);
    free(machine);
}

/* ------------------------------------------------------------------ memory */

uint64_t take(struct machine *machine, uint64_t size)
{
    unsigned log2 = 0;
    uint64_t address = 0;

    while (power_of_2(log2) < size) {
        log2++;
    }
    address = align_down(machine->free + low_bits(log2), log2);
    machine->free = address + power_of_2(log2);
    assert_true(machine->free <= MEMORY_BASE + MEMORY_SIZE);
    return address;
}

uint64_t peek(const struct machine *machine, uint64_t address)
{
    uint64_t value = 0;

    assert_in_range(address, MEMORY_BASE, MEMORY_BASE + MEMORY_SIZE - sizeof(value));
    memcpy(&value, machine->memory + (address - MEMORY_BASE), sizeof(value));
    return value;
}

void poke(struct machine *machine, uint64_t address, uint64_t value)
{
    assert_in_range(address, MEMORY_BASE, MEMORY_BASE + MEMORY_SIZE - sizeof(value));
    memcpy(machine->memory + (address - MEMORY_BASE), &value, sizeof(value));
}

/* ------------------------------------------------------------------ the unit */

void submit(struct machine *machine, uint64_t word0, uint64_t word1)
{
    uint64_t slot = machine->cmdq + machine->cmdq_prod % power_of_2(machine->cmdq_log2) * 16;

    poke(machine, slot, word0);
    poke(machine, slot + 8, word1);
    machine->cmdq_prod = (machine->cmdq_prod + 1) % (uint32_t)power_of_2(machine->cmdq_log2 + 1);
    smmuv3_model_write32(machine->unit, AT_CMDQ_PROD, machine->cmdq_prod);
}

void send_sync(struct machine *machine)
{
    submit(machine, 0x46, 0);
}

void submit_sync(struct machine *machine, uint64_t word0, uint64_t word1)
{
    submit(machine, word0, word1);
    send_sync(machine);
}

void bring_up_queues(struct machine *machine)
{
    struct smmuv3_model *unit = machine->unit;

    machine->cmdq = take(machine, power_of_2(machine->cmdq_log2) * 16);
    machine->eventq = take(machine, power_of_2(machine->eventq_log2) * 32);
    machine->stream_table = take(machine, power_of_2(machine->streams_log2) * 64);
    smmuv3_model_write32(unit, AT_CR1, 0xd75);
    smmuv3_model_write32(unit, AT_CR2, 0x2);
    smmuv3_model_write64(unit, AT_STRTAB_BASE, machine->stream_table);
    smmuv3_model_write32(unit, AT_STRTAB_BASE_CFG, machine->streams_log2);
    smmuv3_model_write64(unit, AT_CMDQ_BASE, machine->cmdq | machine->cmdq_log2);
    smmuv3_model_write32(unit, AT_CMDQ_PROD, 0);
    smmuv3_model_write32(unit, AT_CMDQ_CONS, 0);
    smmuv3_model_write64(unit, AT_EVENTQ_BASE, machine->eventq | machine->eventq_log2);
    smmuv3_model_write32(unit, AT_EVENTQ_PROD, 0);
    smmuv3_model_write32(unit, AT_EVENTQ_CONS, 0);
    smmuv3_model_write32(unit, AT_CR0, CR0_QUEUES);
    submit(machine, CFGI_RANGE(0, 31));
    submit(machine, TLBI_NSNH_ALL);
    if (machine->p.hyp) {
        submit(machine, TLBI_EL2_ALL);
    }
    send_sync(machine);
    smmuv3_model_write64(unit, AT_GERROR_IRQ_CFG0, 0);
    smmuv3_model_write64(unit, AT_EVENTQ_IRQ_CFG0, 0);
    smmuv3_model_write32(unit, AT_IRQ_CTRL, 0x5);
}

void bring_up(struct machine *machine)
{
    bring_up_queues(machine);
    smmuv3_model_write32(machine->unit, AT_CR0, CR0_ALL);
    assert_int_equal(smmuv3_model_read32(machine->unit, AT_CR0ACK), CR0_ALL);
    assert_no_errors(machine);
}

struct machine *machine_up(const struct smmuv3_model_parameters *parameters)
{
    struct machine *machine = machine_start(parameters);

    bring_up(machine);
    return machine;
}

struct machine *plain_up(void)
{
    struct smmuv3_model_parameters p = smmuv3_model_like_mmu600();

    return machine_up(&p);
}

unsigned events_waiting(struct machine *machine)
{
    uint32_t prod = smmuv3_model_read32(machine->unit, AT_EVENTQ_PROD);

    return (prod - machine->eventq_cons) % (unsigned)power_of_2(machine->eventq_log2 + 1);
}

struct smmuv3_model_event take_event(struct machine *machine)
{
    uint64_t slot = machine->eventq + machine->eventq_cons % power_of_2(machine->eventq_log2) * 32;
    uint64_t record[4];

    assert_true(events_waiting(machine) > 0);
    for (unsigned i = 0; i < 4; i++) {
        record[i] = peek(machine, slot + UINT64_C(8) * i);
    }
    machine->eventq_cons = (machine->eventq_cons + 1) %
                           (uint32_t)power_of_2(machine->eventq_log2 + 1);
    smmuv3_model_write32(machine->unit, AT_EVENTQ_CONS,
                         machine->eventq_cons |
                             (smmuv3_model_read32(machine->unit, AT_EVENTQ_PROD) & 0x80000000u));
    return smmuv3_model_decode_event(record);
}

/* ------------------------------------------------------------------ tables */

void stage2_ste(uint64_t ste[STE_WORDS], const struct geometry *geometry, uint64_t ttb)
{
    /* S2SL0 by start level, S2TG by granule, as the manual encodes them. */
    static const unsigned sl0_4k[] = { 2, 1, 0, 3 };
    static const unsigned sl0_large[] = { 3, 2, 1, 0 };
    unsigned tg = geometry->granule == 12 ? 0 : geometry->granule == 16 ? 1 : 2;

    memset(ste, 0, STE_WORDS * sizeof(*ste));
    field_put(ste, STE_V, 1);
    field_put(ste, STE_CONFIG, 6);
    field_put(ste, STE_S2VMID, VMID);
    field_put(ste, STE_S2T0SZ, 64 - geometry->input_bits);
    field_put(ste, STE_S2SL0,
              geometry->granule == 12 ? sl0_4k[geometry->level] : sl0_large[geometry->level]);
    field_put(ste, STE_S2TG, tg);
    field_put(ste, STE_S2PS, geometry->s2ps);
    field_put(ste, STE_S2AA64, 1);
    field_put(ste, STE_S2R, 1);
    ste[3] |= ttb;
}

void put_ste(struct machine *machine, uint32_t stream_id, const uint64_t ste[STE_WORDS])
{
    for (unsigned i = 0; i < STE_WORDS; i++) {
        poke(machine, machine->stream_table + UINT64_C(64) * stream_id + UINT64_C(8) * i, ste[i]);
    }
}

static unsigned shift_of(const struct geometry *geometry, unsigned level)
{
    return geometry->granule + (geometry->granule - 3) * (3 - level);
}

uint64_t new_root(struct machine *machine, const struct geometry *geometry)
{
    return take(machine,
                power_of_2(geometry->input_bits - shift_of(geometry, geometry->level)) * 8);
}

/* Table of `level` for the address, made on the way down if `make`; 0 if it is missing. */
static uint64_t table_for(struct machine *machine, const struct geometry *geometry, uint64_t root,
                          uint64_t ipa, unsigned level, bool make)
{
    uint64_t table = root;

    for (unsigned at = geometry->level; at < level; at++) {
        unsigned bits = at == geometry->level ? geometry->input_bits - shift_of(geometry, at)
                                              : geometry->granule - 3;
        uint64_t slot = table + offset_within(ipa / power_of_2(shift_of(geometry, at)), bits) * 8;

        if (!(peek(machine, slot) & 1) && make) {
            poke(machine, slot, take(machine, power_of_2(geometry->granule)) | 3);
        }
        table = field_in(peek(machine, slot), FIELD(47, 12)) * 4096;
    }
    return table;
}

uint64_t descriptor_at(struct machine *machine, const struct geometry *geometry, uint64_t root,
                       uint64_t ipa, unsigned level)
{
    uint64_t table = table_for(machine, geometry, root, ipa, level, false);
    unsigned bits = level == geometry->level ? geometry->input_bits - shift_of(geometry, level)
                                             : geometry->granule - 3;

    return table + offset_within(ipa / power_of_2(shift_of(geometry, level)), bits) * 8;
}

void map(struct machine *machine, const struct geometry *geometry, uint64_t root, uint64_t ipa,
         unsigned level, uint64_t output, uint64_t attributes)
{
    table_for(machine, geometry, root, ipa, level, true);
    poke(machine, descriptor_at(machine, geometry, root, ipa, level),
         output | (attributes ? attributes : LEAF_ALL) | (level == 3 ? 3 : 1));
}

struct assigned assign(const struct smmuv3_model_parameters *parameters,
                       const struct geometry *geometry)
{
    struct assigned assigned = { .machine = machine_up(parameters), .geometry = *geometry };
    uint64_t ste[STE_WORDS];

    assigned.page = take(assigned.machine, 4096);
    assigned.root = new_root(assigned.machine, geometry);
    stage2_ste(ste, geometry, assigned.root);
    put_ste(assigned.machine, SID, ste);
    return assigned;
}

struct assigned plain(void)
{
    struct smmuv3_model_parameters p = smmuv3_model_like_mmu600();

    return assign(&p, &PLAIN_4K);
}

void leave_stale_page(struct assigned *assigned, uint64_t ipa)
{
    struct machine *machine = assigned->machine;
    const struct geometry *geometry = &assigned->geometry;

    map(machine, geometry, assigned->root, ipa, 3, assigned->page, 0);
    assert_reaches(machine, ipa, assigned->page);
    poke(machine, descriptor_at(machine, geometry, assigned->root, ipa, 3), 0);
    assert_reaches(machine, ipa, assigned->page);
}

/* ------------------------------------------------------------------ assertions */

struct smmuv3_model_result dma(struct machine *machine, uint64_t iova, bool write)
{
    uint64_t data = 0x1122334455667788;

    return smmuv3_model_dma(machine->unit, SID, iova, &data, sizeof(data), write);
}

void assert_reaches(struct machine *machine, uint64_t iova, uint64_t address)
{
    uint64_t seen = 0;
    struct smmuv3_model_result result;

    poke(machine, address, address ^ 0x5a5a);
    result = smmuv3_model_dma(machine->unit, SID, iova, &seen, sizeof(seen), false);
    assert_int_equal(result.outcome, SMMUV3_MODEL_OK);
    assert_int_equal(result.address, address);
    assert_int_equal(seen, address ^ 0x5a5a);
}

void assert_aborts(struct machine *machine, uint64_t iova, uint8_t event)
{
    struct smmuv3_model_result result = dma(machine, iova, false);

    assert_int_equal(result.outcome, SMMUV3_MODEL_ABORT);
    assert_int_equal(result.event, event);
}

void assert_no_errors(struct machine *machine)
{
    const struct smmuv3_model_error *error = smmuv3_model_error_at(machine->unit,
                                                                   SMMUV3_MODEL_ERROR_ALL, 0);

    if (error) {
        fail_msg("%s: %s (0x%llx)", error->subject, error->text, (unsigned long long)error->value);
    }
}

void assert_one_error(struct machine *machine, enum smmuv3_model_error_kind kind)
{
    assert_int_equal(smmuv3_model_error_count(machine->unit, SMMUV3_MODEL_ERROR_ALL), 1);
    assert_int_equal(smmuv3_model_error_count(machine->unit, kind), 1);
    assert_non_null(smmuv3_model_error_at(machine->unit, kind, 0));
}
