/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Machines with stage 1, and with both stages; see fixture.h. Tables are built from the manual's
 * encodings, apart from the model's own decoding.
 */
#include <string.h>

#include "fixture.h"

const struct geometry PLAIN_S1 = { .granule = 12, .level = 1, .input_bits = 39, .s2ps = 4 };

static unsigned shift_of(const struct geometry *geometry, unsigned level)
{
    return geometry->granule + (geometry->granule - 3) * (3 - level);
}

void stage1_cd(uint64_t cd[CD_WORDS], const struct geometry *geometry, uint64_t ttb)
{
    unsigned tg = geometry->granule == 12 ? 0 : geometry->granule == 16 ? 1 : 2;

    memset(cd, 0, CD_WORDS * sizeof(*cd));
    field_put(cd, CD_V, 1);
    field_put(cd, CD_AA64, 1);
    field_put(cd, CD_A, 1);
    field_put(cd, CD_R, 1);
    field_put(cd, CD_EPD1, 1);
    field_put(cd, CD_T0SZ, 64 - geometry->input_bits);
    field_put(cd, CD_TG0, tg);
    field_put(cd, CD_IPS, geometry->s2ps);
    field_put(cd, CD_ASID, ASID);
    cd[1] |= ttb;
}

void put_cd(struct machine *machine, uint64_t address, const uint64_t cd[CD_WORDS])
{
    for (unsigned i = 0; i < CD_WORDS; i++) {
        poke(machine, address + UINT64_C(8) * i, cd[i]);
    }
}

uint64_t out(const struct guest *guest, uint64_t address)
{
    return address - guest->offset;
}

uint64_t new_root1(struct machine *machine, const struct geometry *geometry)
{
    uint64_t bytes = power_of_2(geometry->input_bits - shift_of(geometry, geometry->level)) * 8;

    return take(machine, bytes < 64 ? 64 : bytes);
}

uint64_t slot1(struct guest *guest, uint64_t root, uint64_t va, unsigned level)
{
    const struct geometry *g = &guest->geometry;
    uint64_t table = root;

    for (unsigned at = g->level;; at++) {
        unsigned bits = at == g->level ? g->input_bits - shift_of(g, at) : g->granule - 3;
        uint64_t slot = table + offset_within(va / power_of_2(shift_of(g, at)), bits) * 8;

        if (at == level) {
            return slot;
        }
        if (!(peek(guest->machine, slot) & 1)) {
            poke(guest->machine, slot,
                 out(guest, take(guest->machine, power_of_2(g->granule))) | 3);
        }
        table = (peek(guest->machine, slot) & UINT64_C(0xfffffffff000)) + guest->offset;
    }
}

void map1(struct guest *guest, uint64_t root, uint64_t va, unsigned level, uint64_t output,
          uint64_t attributes)
{
    poke(guest->machine, slot1(guest, root, va, level),
         out(guest, output) | (attributes ? attributes : S1_ALL) | (level == 3 ? 3 : 1));
}

uint64_t s2_slot(struct guest *guest, uint64_t address)
{
    return descriptor_at(guest->machine, &PLAIN_4K, guest->s2_root, out(guest, address), 3);
}

/* What both kinds have in common: a CD over an empty root, and the STE in place. */
static void finish(struct guest *guest)
{
    uint64_t cd[CD_WORDS];

    guest->page = take(guest->machine, 4096);
    guest->cds = take(guest->machine, 4096);
    guest->root = new_root1(guest->machine, &guest->geometry);
    stage1_cd(cd, &guest->geometry, out(guest, guest->root));
    put_cd(guest->machine, guest->cds, cd);
    guest->ste[0] |= out(guest, guest->cds);
    put_ste(guest->machine, SID, guest->ste);
}

struct guest guest_of(const struct smmuv3_model_parameters *parameters,
                      const struct geometry *geometry)
{
    struct guest guest = { .machine = machine_up(parameters), .geometry = *geometry };

    field_put(guest.ste, STE_V, 1);
    field_put(guest.ste, STE_CONFIG, 5);
    field_put(guest.ste, STE_S2VMID, VMID);
    finish(&guest);
    return guest;
}

struct guest plain_guest(void)
{
    struct smmuv3_model_parameters p = smmuv3_model_like_mmu600();

    return guest_of(&p, &PLAIN_S1);
}

struct guest nested_of(const struct smmuv3_model_parameters *parameters,
                       const struct geometry *geometry)
{
    struct guest guest = {
        .machine = machine_up(parameters),
        .geometry = *geometry,
        .offset = MEMORY_BASE,
    };

    guest.s2_root = new_root(guest.machine, &PLAIN_4K);
    for (uint64_t at = 0; at < MEMORY_SIZE; at += 4096) {
        map(guest.machine, &PLAIN_4K, guest.s2_root, at, 3, MEMORY_BASE + at, LEAF_ALL | 0x3c);
    }
    stage2_ste(guest.ste, &PLAIN_4K, guest.s2_root);
    field_put(guest.ste, STE_CONFIG, 7);
    finish(&guest);
    return guest;
}

struct guest plain_nested(void)
{
    struct smmuv3_model_parameters p = smmuv3_model_like_mmu600();

    return nested_of(&p, &PLAIN_S1);
}

void set_ste(struct guest *guest, unsigned field, uint64_t value)
{
    field_put(guest->ste, field, value);
    put_ste(guest->machine, SID, guest->ste);
    submit_sync(guest->machine, CFGI_STE_LEAF(SID));
}

void set_cd(struct guest *guest, unsigned field, uint64_t value)
{
    uint64_t cd[CD_WORDS];

    for (unsigned i = 0; i < CD_WORDS; i++) {
        cd[i] = peek(guest->machine, guest->cds + UINT64_C(8) * i);
    }
    field_put(cd, field, value);
    put_cd(guest->machine, guest->cds, cd);
    submit_sync(guest->machine, CFGI_CD(SID, 0, 1));
}

struct smmuv3_model_result access_as(struct guest *guest, int64_t substream, uint64_t iova,
                                     bool write)
{
    const struct smmuv3_model_access access = {
        .stream_id = SID,
        .ssv = substream >= 0,
        .substream_id = substream >= 0 ? (uint32_t)substream : 0,
        .iova = iova,
        .write = write,
    };

    return smmuv3_model_transact(guest->machine->unit, &access);
}
