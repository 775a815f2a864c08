/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the files of deviations share: fields of entries and of event records, and what each offers
 * to the table in deviations.c.
 */
#ifndef DEVIATION_H
#define DEVIATION_H

#include "judge.h"

enum event {
    C_BAD_STREAMID = 0x02,
    C_BAD_STE = 0x04,
    C_BAD_CD = 0x0a,
    F_CD_FETCH = 0x09,
    F_WALK_EABT = 0x0b,
    F_TRANSLATION = 0x10,
    F_ADDR_SIZE = 0x11,
    F_ACCESS = 0x12,
    F_PERMISSION = 0x13,
};

/* Bits of an event record's second word. */
#define EVENT_RNW (UINT64_C(1) << 35)
#define EVENT_S2 (UINT64_C(1) << 39)
#define EVENT_CLASS_TT (UINT64_C(1) << 40)
#define EVENT_CLASS_IN (UINT64_C(2) << 40)
#define EVENT_CLASS (UINT64_C(3) << 40)
#define EVENT_TTRNW (UINT64_C(1) << 44)
#define EVENT_IPA UINT64_C(0x000ffffffffff000)

static inline uint64_t field(const uint64_t *words, unsigned high, unsigned low)
{
    uint64_t mask = (UINT64_C(1) << (high - low + 1)) - 1;

    return words[low / 64] >> low % 64 & mask;
}

static inline uint64_t stream_id_of(const struct circumstances *c)
{
    return c->scenario->pair->devices[c->access->device].stream_id;
}

/* An event that names nothing but the stream, recorded whatever S2R or RECINVSID say. */
static inline void becomes_config_event(const struct circumstances *c, struct piece *piece,
                                        uint8_t number)
{
    *piece = (struct piece){
        .recorded = true,
        .cause = number,
        .record = { number | stream_id_of(c) << 32 },
    };
}

static inline void becomes_silent(struct piece *piece)
{
    *piece = (struct piece){ .cause = piece->cause };
}

static inline uint64_t config_of(const struct circumstances *c)
{
    return field(c->ste, 0, 0) ? field(c->ste, 3, 1) : 0;
}

/* Bits of output that a stage-2 configuration has. */
unsigned effective_ps(const uint64_t *ste);

/* The stage-1 tables that an address goes through, null without stage 1; and the address as they
 * see it: its highest byte may be ignored, bit 55 decides. */
const struct space *first_stage(const struct circumstances *c);
uint64_t untagged(uint64_t iova);

/* Conditions of views, and deviations: see the table. */
bool page_was_used(const struct circumstances *c);
bool always_records_bad_streamid(const struct circumstances *c, struct piece *piece);
bool asks_stage2_for_table_beyond(const struct circumstances *c, struct piece *piece);
bool checks_leaf_before_its_address(const struct circumstances *c, struct piece *piece);
bool checks_stage1_leaf_before_its_address(const struct circumstances *c, struct piece *piece);
bool checks_table_rights_on_the_way(const struct circumstances *c, struct piece *piece);
bool does_not_record_input_size(const struct circumstances *c, struct piece *piece);
bool has_no_ttrnw(const struct circumstances *c, struct piece *piece);
bool hides_permission_fault_on_hit(const struct circumstances *c, struct piece *piece);
bool limits_s2t0sz_by_s2ps(const struct circumstances *c, struct piece *piece);
bool loses_ipa_on_hit(const struct circumstances *c, struct piece *piece);
bool reads_table_beyond_size(const struct circumstances *c, struct piece *piece);
bool records_all_of_ipa(const struct circumstances *c, struct piece *piece);
bool refuses_s1cdmax(const struct circumstances *c, struct piece *piece);
bool refuses_s1stalld_without_stage1(const struct circumstances *c, struct piece *piece);
bool says_ipa_of_table(const struct circumstances *c, struct piece *piece);
bool says_read_for_fetch(const struct circumstances *c, struct piece *piece);
bool takes_short_span_for_bad_ste(const struct circumstances *c, struct piece *piece);
bool takes_table_fault_for_stage1(const struct circumstances *c, struct piece *piece);
bool translates_both_ttbs(const struct circumstances *c, struct piece *piece);

#endif
