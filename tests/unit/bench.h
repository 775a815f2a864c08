/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One SMMUv3 driver on one model, without a kernel above: what the driver reports is written down, and
 * domains are made by hand.
 */
#ifndef TESTS_BENCH_H
#define TESTS_BENCH_H

#include "drivers/iommu/smmuv3/early.h"
#include "drivers/iommu/smmuv3/unit.h"
#include "machine.h"

/* Where the memory for tables and the pages that domains map lie. */
#define BENCH_OWN HOST_MEMORY_BASE
#define BENCH_OWN_SIZE UINT64_C(0x1000000)
#define BENCH_POOL UINT64_C(0x44000000)
#define BENCH_POOL_PAGES 256
#define BENCH_DOMAINS 600
#define BENCH_PAGE(n) (UINT64_C(0x46000000) + (uint64_t)(n)*PAGE_SIZE)

struct bench {
    bool tree_denies_coherence; /* of the next start, and of that alone */
    struct topology_iommu topology;
    struct iommu iommu;
    const char *reason;
    struct page_pool pool;
    struct page_record records[BENCH_POOL_PAGES];
    struct pagetable table[BENCH_DOMAINS];
    unsigned int tables;
    unsigned int faults, lost, failed, silenced;
    struct iommu_fault fault[16]; /* the first ones, then the last one in [15] */
    enum iommu_failure failure;
};

extern struct bench bench;

/* Closes the unit and starts the driver for streams below stream_count; what start() answers. */
bool bench_start(const struct smmuv3_model_parameters *parameters, uint32_t stream_count);
/* The same with so many bytes for the hypervisor's tables. */
bool bench_start_with(const struct smmuv3_model_parameters *parameters, uint32_t stream_count,
                      uint64_t own_size);
/* The same with an MMU-600-like unit; fails the test if it does not start. */
void bench_plain(void);

struct smmuv3 *bench_unit(void);
/* A domain with a tag and a root of its own; nothing mapped. */
void bench_domain(struct iommu_domain *domain);
struct pagetable *bench_table(const struct iommu_domain *domain);
/* Maps size bytes at iova, read and write. */
void bench_map(struct iommu_domain *domain, uint64_t iova, uint64_t address, uint64_t size);
/* Unmaps, invalidates as kernel/ioas.c does, and gives tables back. */
void bench_unmap(struct iommu_domain *domain, uint64_t iova, uint64_t size);
/* invalidate() as a batch of its own, and the wait for it. */
enum iommu_result bench_forget(const struct iommu_domain *domain, uint64_t iova, uint64_t size,
                               uint32_t leaves, bool tables);
enum iommu_result bench_set(uint32_t stream, enum iommu_stream_state state,
                            const struct iommu_domain *domain);

/* A transaction of 8 bytes; what became of it. */
enum smmuv3_model_outcome bench_dma(uint32_t stream, uint64_t iova, bool is_write);
/* What would become of a transaction now; nothing is cached or recorded by the question. */
struct smmuv3_model_result bench_ask(uint32_t stream, uint64_t iova);

/* Commands that the unit has consumed since the last call of bench_commands_mark(). */
void bench_commands_mark(void);
uint64_t bench_commands(uint8_t opcode);
const struct smmuv3_model_command *bench_command(unsigned int index);

#define OPCODE_CFGI_STE 0x03
#define OPCODE_CFGI_ALL 0x04
#define OPCODE_TLBI_EL2_ALL 0x20
#define OPCODE_TLBI_VMALL 0x28
#define OPCODE_TLBI_IPA 0x2A
#define OPCODE_TLBI_ALL 0x30
#define OPCODE_SYNC 0x46

/* Config of a stream's entry as memory has it; of a table of two levels. */
uint64_t bench_entry_config(uint32_t stream);

#endif
