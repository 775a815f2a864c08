/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the words that an SMMUv3 reads mean, field by field: for the observer's judgement and for its
 * reports. The layouts are the model's, which share nothing with the driver's.
 */
#ifndef TESTS_OBSERVER_DECODE_H
#define TESTS_OBSERVER_DECODE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "smmuv3_model.h"

#define DECODE_STE_WORDS 8
#define DECODE_CD_WORDS 8

/* What a stream-table entry makes of its stream. */
enum decoded_kind {
    DECODED_NOTHING, /* invalid or abort */
    DECODED_STAGE2,  /* translates by the table at root, under the tag */
    DECODED_STAGE1,  /* the same, as the context descriptor at context says: decode_cd() */
    DECODED_BYPASS,
    DECODED_OTHER, /* both stages: nothing that Bulkhead writes today */
};

struct decoded_ste {
    enum decoded_kind kind;
    uint16_t tag; /* S2VMID; stage 1: ASID */
    uint64_t root;
    unsigned int start_level, input_bits;
    uint64_t context; /* stage 1: where its descriptor lies */
};

struct decoded_ste decode_ste(const uint64_t words[DECODE_STE_WORDS]);
/* Fills in what the context descriptor says; an invalid one makes the entry lead nowhere. */
void decode_cd(struct decoded_ste *ste, const uint64_t words[DECODE_CD_WORDS]);

/* All else that decides where an access goes: neither tag nor root, nor what is reported of a fault. context
 * is read where the entry leads to one. */
#define DECODE_HOW_WORDS 3
void decode_how(const struct decoded_ste *ste, const uint64_t words[DECODE_STE_WORDS],
                const uint64_t context[DECODE_CD_WORDS], uint64_t how[DECODE_HOW_WORDS]);

/* Where a stream's entry lies; false: the registers or the first level say that it has none. level1 is
 * its first-level descriptor's address, 0 in a linear table. */
struct decoded_table {
    uint64_t base;
    bool two_level;
    unsigned int split, log2_size;
};

struct decoded_table decode_table(uint64_t strtab_base, uint64_t strtab_base_cfg);
/* The streams and the table that a first-level descriptor gives; count 0: none. */
uint64_t decode_level1(const struct decoded_table *table, uint64_t descriptor, uint32_t *count);

/* A queue's memory, from its base register. */
uint64_t decode_queue(uint64_t base, unsigned int log2_entry, uint64_t *size);

/* Registers that decide what a unit lets through. */
enum decoded_register {
    DECODED_CR0,
    DECODED_CR0ACK,
    DECODED_GBPA,
    DECODED_STRTAB_BASE,
    DECODED_STRTAB_BASE_CFG,
    DECODED_CMDQ_BASE,
    DECODED_EVENTQ_BASE,
    DECODED_QUEUE_INDEX, /* PROD and CONS: move all the time */
    DECODED_ANOTHER,
};
enum decoded_register decode_register(uint64_t offset, const char **name);
#define DECODED_GBPA_ABORT (UINT64_C(1) << 20)
#define DECODED_CR0_SMMUEN 1

/* An entry of a walk. */
enum decoded_descriptor { DECODED_INVALID, DECODED_TABLE, DECODED_LEAF };
enum decoded_descriptor decode_descriptor(unsigned int level, uint64_t word, uint64_t *address);
/* log2 of what one entry of that level translates (4 KiB granule). */
unsigned int decode_level_shift(unsigned int level);

/* Text. Each writes a zero-terminated line without its end and returns text. */
const char *decode_ste_text(const uint64_t words[DECODE_STE_WORDS], char *text, size_t size);
/* Only the fields that differ, as "S2VMID 1 -> 2". */
const char *decode_ste_change(const uint64_t before[DECODE_STE_WORDS],
                              const uint64_t after[DECODE_STE_WORDS], char *text, size_t size);
const char *decode_cd_text(const uint64_t words[DECODE_CD_WORDS], char *text, size_t size);
/* A leaf's access as its stage has it. */
const char *decode_descriptor_text(unsigned int level, bool stage1, uint64_t word, char *text,
                                   size_t size);
const char *decode_command_text(const struct smmuv3_model_command *command, char *text,
                                size_t size);

#endif
