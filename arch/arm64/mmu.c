/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The hypervisor's own stage 1 (Arm ARM D8, EL2 translation regime): physical addresses are mapped
 * to themselves; code is read-only, all else never executable, and the page under each stack is
 * absent.
 */
#include "arch/arm64/mmu.h"

#include "arch/arch.h"
#include "arch/seam.h"
#include "arm64.h"
#include "lib/page_pool.h"
#include "lib/pagetable.h"
#include "lib/vmsa.h"

#define EL2_TABLE_PAGES 32
#define EL2_INPUT_BITS 44

/* MAIR_EL2 */
#define MAIR_DEVICE 0 /* Device-nGnRE */
#define MAIR_NORMAL 1 /* Normal, write-back, read and write allocate */
#define MAIR_VALUE (UINT64_C(0x04) | UINT64_C(0xFF) << 8)

/* Stage 1 descriptors (Arm ARM D8.3) */
#define S1_ATTRIBUTE(index) ((uint64_t)(index) << 2)
#define S1_READ_WRITE (UINT64_C(0) << 6)
#define S1_READ_ONLY (UINT64_C(2) << 6)
#define S1_RES1_USER BIT(6) /* AP[1] is RES1 in a regime without EL0 */
#define S1_SHARE_INNER (UINT64_C(3) << 8)
#define S1_ACCESSED BIT(10)
#define S1_NEVER_EXECUTE BIT(54)

#define ATTRIBUTES_MEMORY (S1_ATTRIBUTE(MAIR_NORMAL) | S1_SHARE_INNER | S1_ACCESSED | S1_RES1_USER)
#define ATTRIBUTES_CODE (ATTRIBUTES_MEMORY | S1_READ_ONLY)
#define ATTRIBUTES_CONSTANT (ATTRIBUTES_MEMORY | S1_READ_ONLY | S1_NEVER_EXECUTE)
#define ATTRIBUTES_DATA (ATTRIBUTES_MEMORY | S1_READ_WRITE | S1_NEVER_EXECUTE)
#define ATTRIBUTES_DEVICE                                                                          \
    (S1_ATTRIBUTE(MAIR_DEVICE) | S1_ACCESSED | S1_RES1_USER | S1_READ_WRITE | S1_NEVER_EXECUTE)

/* TCR_EL2: 4 KiB granule, walks write-back and inner shareable */
#define TCR_T0SZ(bits) (UINT64_C(64) - (bits))
#define TCR_WALKS (UINT64_C(1) << 8 | UINT64_C(1) << 10 | UINT64_C(3) << 12)
#define TCR_PS(value) ((uint64_t)(value) << 16)
#define TCR_RES1 (BIT(23) | BIT(31))

#define SCTLR_M BIT(0)
#define SCTLR_C BIT(2)
#define SCTLR_SA BIT(3)
#define SCTLR_I BIT(12)
#define SCTLR_WXN BIT(19)
#define SCTLR_RES1                                                                                 \
    (BIT(4) | BIT(5) | BIT(11) | BIT(16) | BIT(18) | BIT(22) | BIT(23) | BIT(28) | BIT(29))

/* linker/arm64.ld */
extern char image_start[], text_end[], rodata_end[], bss_end[], stacks_start[], stacks_end[];
extern char vectors[];

static _Alignas(4096) uint8_t el2_pages[EL2_TABLE_PAGES][4096];
static struct page_record el2_records[EL2_TABLE_PAGES];
static struct page_pool el2_pool;
static struct pagetable el2_table;

/* Maps the pages of [base, +size) that are not mapped yet. */
static bool map(uint64_t base, uint64_t size, uint64_t attributes)
{
    uint64_t end = align_up(base + size, PAGE_SIZE), entry, leaf;
    struct pagetable_progress progress;

    if (!range_valid(base, size) || !range_inside(base, size, 0, el2_table.limit))
        return false;
    for (uint64_t at = align_down(base, PAGE_SIZE); at < end; at += progress.done) {
        if (pagetable_lookup(&el2_table, at, &entry, &leaf)) {
            progress.done = min_u64(leaf - (at & (leaf - 1)), end - at);
            continue;
        }
        enum pagetable_result result = pagetable_map(&el2_table, at, at, end - at, attributes,
                                                     UINT32_MAX, &progress);

        if (result == PAGETABLE_EXISTS) /* something further on: page by page up to it */
            result = pagetable_map(&el2_table, at, at, PAGE_SIZE, attributes, 1, &progress);
        if (result != PAGETABLE_OK)
            return false;
    }
    __asm__ volatile("isb" : : : "memory");
    return true;
}

static bool map_section(const char *start, const char *end, uint64_t attributes)
{
    return map(memory_physical(start), (uint64_t)(end - start), attributes);
}

bool mmu_start(void)
{
    page_pool_init(&el2_pool, memory_physical(el2_pages), EL2_TABLE_PAGES, el2_records);
    if (!pagetable_init(&el2_table, &vmsa_4k, &el2_pool, EL2_INPUT_BITS, true))
        return false;
    bool mapped = map_section(image_start, text_end, ATTRIBUTES_CODE) &&
                  map_section(text_end, rodata_end, ATTRIBUTES_CONSTANT) &&
                  map_section(rodata_end, bss_end, ATTRIBUTES_DATA);

    for (char *stack = stacks_start; mapped && stack < stacks_end; stack += STACK_STRIDE)
        mapped = map_section(stack + STACK_GUARD, stack + STACK_STRIDE, ATTRIBUTES_DATA);
    if (mapped)
        mmu_enable();
    return mapped;
}

void mmu_enable(void)
{
    uint64_t physical_size = sysreg_read(id_aa64mmfr0_el1) & 0xF;

    sysreg_write(vbar_el2, memory_physical(vectors));
    sysreg_write(mair_el2, MAIR_VALUE);
    sysreg_write(tcr_el2, TCR_RES1 | TCR_PS(min_u64(physical_size, 5)) | TCR_WALKS |
                              TCR_T0SZ(EL2_INPUT_BITS));
    sysreg_write(ttbr0_el2, el2_table.root);
    uint64_t later = sysreg_read_named(ID_AA64MMFR3_EL1);

    /* As the table above is written, whatever stood there. */
    if (FIELD_GET(MMFR3_TCR2, later) != 0)
        sysreg_write_named(TCR2_EL2, 0);
    if (FIELD_GET(MMFR3_SCTLR2, later) != 0)
        sysreg_write_named(SCTLR2_EL2, 0);
    __asm__ volatile("dsb sy\n\ttlbi alle2\n\tic iallu\n\tdsb sy\n\tisb" : : : "memory");
    sysreg_write(sctlr_el2, SCTLR_RES1 | SCTLR_M | SCTLR_C | SCTLR_SA | SCTLR_I | SCTLR_WXN);
    isb();
}

void mmu_publish(void)
{
    cache_clean(&el2_table, sizeof(el2_table));
}

bool arch_map_device(uint64_t base, uint64_t size)
{
    return map(base, size, ATTRIBUTES_DEVICE);
}

bool arch_map_memory(uint64_t base, uint64_t size)
{
    return map(base, size, ATTRIBUTES_DATA);
}

/* Cache lines by address, for the smallest data cache line of the machine (CTR_EL0.DminLine). */
static uint64_t cache_line(unsigned int shift)
{
    return UINT64_C(4) << (sysreg_read(ctr_el0) >> shift & 0xF);
}

void cache_clean(const volatile void *pointer, uint64_t size)
{
    uint64_t line = cache_line(16), end = memory_physical(pointer) + size;

    for (uint64_t at = align_down(memory_physical(pointer), line); at < end; at += line)
        __asm__ volatile("dc cvac, %0" : : "r"(at) : "memory");
    dsb();
}

void cache_clean_invalidate(const volatile void *pointer, uint64_t size)
{
    uint64_t line = cache_line(16), end = memory_physical(pointer) + size;

    for (uint64_t at = align_down(memory_physical(pointer), line); at < end; at += line)
        __asm__ volatile("dc civac, %0" : : "r"(at) : "memory");
    dsb();
}

void cache_synchronise_code(const volatile void *pointer, uint64_t size)
{
    cache_clean(pointer, size);
    __asm__ volatile("ic ialluis\n\tdsb ish\n\tisb" : : : "memory");
}
