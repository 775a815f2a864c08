/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the model's own tests share: a machine of 16 MiB with one unit, functions that build
 * tables by hand and submit commands. What touches the unit uses its registers and
 * its memory, as a driver would.
 */
#ifndef SMMUV3_MODEL_FIXTURE_H
#define SMMUV3_MODEL_FIXTURE_H

#include "cmocka_prelude.h"
#include "layout.h"
#include "smmuv3_model.h"

/* Register offsets as the tests know them, apart from the model's own table. */
enum {
    AT_IDR0 = 0x0,
    AT_IDR1 = 0x4,
    AT_IDR3 = 0xc,
    AT_IDR5 = 0x14,
    AT_IIDR = 0x18,
    AT_AIDR = 0x1c,
    AT_CR0 = 0x20,
    AT_CR0ACK = 0x24,
    AT_CR1 = 0x28,
    AT_CR2 = 0x2c,
    AT_GBPA = 0x44,
    AT_IRQ_CTRL = 0x50,
    AT_IRQ_CTRLACK = 0x54,
    AT_GERROR = 0x60,
    AT_GERRORN = 0x64,
    AT_GERROR_IRQ_CFG0 = 0x68,
    AT_GERROR_IRQ_CFG1 = 0x70,
    AT_STRTAB_BASE = 0x80,
    AT_STRTAB_BASE_CFG = 0x88,
    AT_CMDQ_BASE = 0x90,
    AT_CMDQ_PROD = 0x98,
    AT_CMDQ_CONS = 0x9c,
    AT_EVENTQ_BASE = 0xa0,
    AT_EVENTQ_IRQ_CFG0 = 0xb0,
    AT_EVENTQ_IRQ_CFG1 = 0xb8,
    AT_EVENTQ_PROD = 0x100a8,
    AT_EVENTQ_CONS = 0x100ac,
};

/* CR0 and GBPA as literals, confirmed against TF-A and FreeBSD. */
enum {
    CR0_ALL = 0xd, /* SMMUEN, EVENTQEN, CMDQEN */
    CR0_QUEUES = 0xc,
    GBPA_SET_ABORT = (int)0x80100000u,
};

#define MEMORY_BASE UINT64_C(0x80000000)
#define MEMORY_SIZE UINT64_C(0x1000000)

enum {
    CMDQ_LOG2 = 4,
    EVENTQ_LOG2 = 2,
    STREAMS_LOG2 = 8,
    SID = 5,
    VMID = 7,
};

struct machine {
    struct smmuv3_model *unit;
    struct smmuv3_model_parameters p;
    uint8_t *memory;
    uint64_t free;
    unsigned interrupts[SMMUV3_MODEL_LINES];
    uint64_t stream_table, cmdq, eventq;
    unsigned streams_log2, cmdq_log2, eventq_log2; /* as large as the unit lets them be */
    uint32_t cmdq_prod;
    uint32_t eventq_cons;
};

/* A machine with this unit, out of reset; machine_stop frees it. */
struct machine *machine_start(const struct smmuv3_model_parameters *parameters);
void machine_stop(struct machine *machine);

/* Bring the unit up: queues of 2^CMDQ_LOG2 and 2^EVENTQ_LOG2, a linear stream table of 2^STREAMS_LOG2
 * (each smaller where the unit's limit is), caches clean, SMMUEN. */
void bring_up(struct machine *machine);
/* The same up to, but without, SMMUEN. */
void bring_up_queues(struct machine *machine);
/* A machine that is up. */
struct machine *machine_up(const struct smmuv3_model_parameters *parameters);
/* The same with a plain MMU-600-like unit. */
struct machine *plain_up(void);

/* Zeroed memory, aligned to its size rounded up to a power of two. */
uint64_t take(struct machine *machine, uint64_t size);
uint64_t peek(const struct machine *machine, uint64_t address);
void poke(struct machine *machine, uint64_t address, uint64_t value);

/* Submit one command and tell the unit; CMD_SYNC without signal; both in turn. */
void submit(struct machine *machine, uint64_t word0, uint64_t word1);
void send_sync(struct machine *machine);
void submit_sync(struct machine *machine, uint64_t word0, uint64_t word1);

/* Take the oldest event; fails the test if there is none. */
struct smmuv3_model_event take_event(struct machine *machine);
unsigned events_waiting(struct machine *machine);

/* Stage-2 geometry for the builders. */
struct geometry {
    unsigned granule; /* 12, 14, 16 */
    unsigned level;   /* start level */
    unsigned input_bits;
    unsigned s2ps; /* encoded */
};
extern const struct geometry PLAIN_4K; /* level 1, 39 bits, 44-bit output */

/* Build a valid stage-2 STE; S2R set, S2AFFD clear. */
void stage2_ste(uint64_t ste[STE_WORDS], const struct geometry *geometry, uint64_t ttb);
/* Write an STE into the linear table. */
void put_ste(struct machine *machine, uint32_t stream_id, const uint64_t ste[STE_WORDS]);

/* A root table for the geometry, concatenated ones included. */
uint64_t new_root(struct machine *machine, const struct geometry *geometry);
/* Map one leaf of `level`; makes the tables on the way. `attributes` 0 means AF, read, write. */
void map(struct machine *machine, const struct geometry *geometry, uint64_t root, uint64_t ipa,
         unsigned level, uint64_t output, uint64_t attributes);
/* Where the descriptor of `level` for this address lies. */
uint64_t descriptor_at(struct machine *machine, const struct geometry *geometry, uint64_t root,
                       uint64_t ipa, unsigned level);

enum {
    LEAF_AF = 0x400,
    LEAF_READ = 0x40,
    LEAF_WRITE = 0x80,
    LEAF_ALL = 0x4c0,
};

/* A machine, up, whose stream SID has stage 2 over `root` with VMID. */
struct assigned {
    struct machine *machine;
    struct geometry geometry;
    uint64_t root;
    uint64_t page; /* a page of memory that the tests map */
};
struct assigned assign(const struct smmuv3_model_parameters *parameters,
                       const struct geometry *geometry);
/* The same with a plain MMU-600-like unit and PLAIN_4K. */
struct assigned plain(void);
/* Map a page, let the device touch it, unmap it; it stays reachable through the TLB. */
void leave_stale_page(struct assigned *assigned, uint64_t ipa);

/* ---- stage 1 (fixture_stage1.c) */

/* Leaf attributes of stage 1 beside the address: what tests combine. */
#define S1_AF UINT64_C(0x400)
#define S1_USER UINT64_C(0x40)
#define S1_READ_ONLY UINT64_C(0x80)
#define S1_NG UINT64_C(0x800)
#define S1_DBM (UINT64_C(1) << 51)
#define S1_CONTIGUOUS (UINT64_C(1) << 52)
#define S1_PXN (UINT64_C(1) << 53)
#define S1_UXN (UINT64_C(1) << 54)
#define S1_ALL (S1_AF | S1_USER | S1_NG) /* everybody, of the CD's ASID only */

enum { ASID = 3 };

/*
 * A machine, up, whose stream SID has stage 1. Tables hold addresses in the space that stage 1
 * puts out, `offset` below where they are in memory; it is 0 without stage 2.
 */
struct guest {
    struct machine *machine;
    struct geometry geometry; /* of stage 1; `s2ps` is CD.IPS */
    uint64_t offset;
    uint64_t cds;  /* the CD, or the linear table of them, in memory */
    uint64_t root; /* of TTB0 of the first CD, in memory */
    uint64_t page; /* to be mapped, in memory */
    uint64_t s2_root;
    uint64_t ste[STE_WORDS];
};
extern const struct geometry PLAIN_S1; /* 4 KiB, 39 bits, 44-bit output */

/* Stage 1 only, one CD with ASID and the VMID of the tests; with these parameters, or plain ones. */
struct guest guest_of(const struct smmuv3_model_parameters *parameters,
                      const struct geometry *geometry);
struct guest plain_guest(void);
/* Both stages: stage 2 maps all of memory in pages of 4 KiB, from IPA 0 on. */
struct guest nested_of(const struct smmuv3_model_parameters *parameters,
                       const struct geometry *geometry);
struct guest plain_nested(void);

/* Build a valid CD for TTB0 over `ttb` (as stage 1 puts it out); A and R set, EPD1 set. */
void stage1_cd(uint64_t cd[CD_WORDS], const struct geometry *geometry, uint64_t ttb);
/* Write a CD to memory. */
void put_cd(struct machine *machine, uint64_t address, const uint64_t cd[CD_WORDS]);
/* An address in memory as stage 1 of this guest puts it out. */
uint64_t out(const struct guest *guest, uint64_t address);
/* A root table for the geometry. */
uint64_t new_root1(struct machine *machine, const struct geometry *geometry);
/* Where the stage-1 descriptor of `level` for this address lies; makes tables on the way. */
uint64_t slot1(struct guest *guest, uint64_t root, uint64_t va, unsigned level);
/* Map one leaf over `root`; `output` is an address in memory; `attributes` 0 means S1_ALL. */
void map1(struct guest *guest, uint64_t root, uint64_t va, unsigned level, uint64_t output,
          uint64_t attributes);
/* Where the stage-2 descriptor of the page at this address in memory lies. */
uint64_t s2_slot(struct guest *guest, uint64_t address);
/* Change a field of the STE, or of the CD at `cds`, and have the unit see it. */
void set_ste(struct guest *guest, unsigned field, uint64_t value);
void set_cd(struct guest *guest, unsigned field, uint64_t value);
/* One transaction; SubstreamID -1 for none. */
struct smmuv3_model_result access_as(struct guest *guest, int64_t substream, uint64_t iova,
                                     bool write);

/* Outcome and event of a DMA of 8 bytes. */
struct smmuv3_model_result dma(struct machine *machine, uint64_t iova, bool write);
/* Assert that it goes through to `address`, or aborts with `event`. */
void assert_reaches(struct machine *machine, uint64_t iova, uint64_t address);
void assert_aborts(struct machine *machine, uint64_t iova, uint8_t event);
/* Assert that software made no programming errors; prints the first. */
void assert_no_errors(struct machine *machine);
/* Assert that exactly one of this kind was made. */
void assert_one_error(struct machine *machine, enum smmuv3_model_error_kind kind);

/* The commands that tests submit, as their two words. */
#define CFGI_STE_LEAF(sid) (UINT64_C(0x03) | ((uint64_t)(sid) << 32)), UINT64_C(1)
#define CFGI_STE_ALL_LEVELS(sid) (UINT64_C(0x03) | ((uint64_t)(sid) << 32)), UINT64_C(0)
#define CFGI_RANGE(sid, range) (UINT64_C(0x04) | ((uint64_t)(sid) << 32)), UINT64_C(range)
#define TLBI_NSNH_ALL UINT64_C(0x30), UINT64_C(0)
#define TLBI_EL2_ALL UINT64_C(0x20), UINT64_C(0)
#define TLBI_NH_ALL(vmid) (UINT64_C(0x10) | ((uint64_t)(vmid) << 32)), UINT64_C(0)
#define TLBI_S12_VMALL(vmid) (UINT64_C(0x28) | ((uint64_t)(vmid) << 32)), UINT64_C(0)
#define TLBI_IPA(vmid, ipa, leaf)                                                                  \
    (UINT64_C(0x2a) | ((uint64_t)(vmid) << 32)), ((uint64_t)(ipa) | (leaf))
#define CFGI_CD(sid, ssid, leaf)                                                                   \
    (UINT64_C(0x05) | ((uint64_t)(ssid) << 12) | ((uint64_t)(sid) << 32)), UINT64_C(leaf)
#define CFGI_CD_ALL(sid) (UINT64_C(0x06) | ((uint64_t)(sid) << 32)), UINT64_C(0)
#define TLBI_NH_ASID(vmid, asid)                                                                   \
    (UINT64_C(0x11) | ((uint64_t)(vmid) << 32) | ((uint64_t)(asid) << 48)), UINT64_C(0)
#define TLBI_NH_VA(vmid, asid, va, leaf)                                                           \
    (UINT64_C(0x12) | ((uint64_t)(vmid) << 32) | ((uint64_t)(asid) << 48)),                        \
        ((uint64_t)(va) | (leaf))
#define TLBI_NH_VAA(vmid, va, leaf)                                                                \
    (UINT64_C(0x13) | ((uint64_t)(vmid) << 32)), ((uint64_t)(va) | (leaf))
#define TLBI_IPA_RANGE(vmid, ipa, leaf, tg, ttl, num, scale)                                       \
    (UINT64_C(0x2a) | ((uint64_t)(vmid) << 32) | ((uint64_t)(num) << 12) |                         \
     ((uint64_t)(scale) << 20)),                                                                   \
        ((uint64_t)(ipa) | (leaf) | ((uint64_t)(tg) << 10) | ((uint64_t)(ttl) << 8))

/* The groups of tests, one a file; each answers how many failed. */
int run_variant_tests(void);
int run_register_tests(void);
int run_stream_table_tests(void);
int run_ste_tests(void);
int run_stage2_tests(void);
int run_cache_tests(void);
int run_range_tests(void);
int run_tlb_tests(void);
int run_command_tests(void);
int run_event_tests(void);
int run_late_tests(void);
int run_reach_tests(void);
int run_reach_stage1_tests(void);
int run_random_tests(void);
int run_choice_tests(void);
int run_age_tests(void);
int run_substream_tests(void);
int run_cd_tests(void);
int run_stage1_tests(void);
int run_permission_tests(void);
int run_tag_tests(void);
int run_nested_tests(void);
int run_httu_tests(void);
int run_stall_tests(void);
int run_priq_tests(void);
int run_ats_tests(void);
int run_device_tests(void);
int run_device_pri_tests(void);
int run_race_tests(void);

#endif
