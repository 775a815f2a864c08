/* SPDX-License-Identifier: Apache-2.0 */
/* newlib, memory and calls as a program meets them. */
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/check.h"
#include "sdk/bulkhead.h"
#include "sdk/dma.h"
#include "sdk/pci.h"
#include "sdk/psci.h"
#include "sdk/tree.h"
#include "selfcheck.h"

#define TEXT_BYTES 80
#define HEAP_BYTES 0x80000 /* half of what there is */
#define MANY_PAGES 1000
#define UPPER_HALF UINT64_C(0x100000000)
#define IDENTIFIER 7

static uint32_t data_word = IDENTIFIER;
static uint32_t zero_words[TEXT_BYTES];

static void check_text(void)
{
    char text[TEXT_BYTES];

    snprintf(text, sizeof(text), "%d %" PRIu64 " %" PRIx64 " %.3f %s", -1, UINT64_MAX,
             UINT64_C(0x123456789abcdef0), 2.5, "end");
    check_true(strcmp(text, "-1 18446744073709551615 123456789abcdef0 2.500 end") == 0,
               "printf prints numbers of 64 bits and fractions");
    check_equal(UINT64_C(0xfedcba9876543210), strtoull("0xfedcba9876543210", NULL, 0),
                "strtoull reads 64 bits");
}

static void check_memory(void)
{
    unsigned char *block = malloc(HEAP_BYTES), *more;
    unsigned char odd[2 * sizeof(uint64_t)];
    uint64_t value = UINT64_C(0x0123456789abcdef), back;

    check_equal(IDENTIFIER, data_word, "data has its first value");
    for (size_t i = 0; i < TEXT_BYTES; i++)
        check_equal(0, zero_words[i], "what has no first value is zero");
    check_true(block != NULL, "malloc gives half of the heap");
    if (block)
        memset(block, 1, HEAP_BYTES);
    more = malloc((size_t)4 * HEAP_BYTES);
    check_true(more == NULL, "malloc refuses what is not there");
    free(more);
    free(block);
    block = malloc(HEAP_BYTES);
    check_true(block != NULL, "what was freed can be had again");
    free(block);

    /* Unaligned, as compilers do where memory is Normal. */
    memcpy(odd + 1, &value, sizeof(value));
    __asm__ volatile("" : : "r"(odd) : "memory");
    memcpy(&back, odd + 1, sizeof(back));
    check_equal(value, back, "unaligned accesses work");
}

static void check_dma(void)
{
    unsigned char *first = dma_alloc(1), *second = dma_alloc(2);

    check_true(first != NULL && second == first + DMA_PAGE_BYTES, "DMA pages follow each other");
    check_equal(0, (uintptr_t)first % DMA_PAGE_BYTES, "and are aligned");
    check_true(dma_alloc(MANY_PAGES) == NULL, "there are not so many DMA pages");
    check_true(dma_alloc(0) == NULL, "no pages are no pages");
}

static void check_tree(void)
{
    char text[TEXT_BYTES];
    uint64_t number;
    int node = tree_find_compatible("bulkhead,hypervisor");

    check_true(node >= 0, "the tree names the hypervisor");
    check_true(tree_bootarg("word", text, sizeof(text)) && strcmp(text, "text") == 0,
               "a word of bootargs");
    check_true(tree_bootarg_number("number", &number), "a number of bootargs");
    check_equal(UINT64_C(0xfedcba9876543210), number, "of 64 bits");
    check_true(!tree_bootarg("missing", text, sizeof(text)) && text[0] == '\0',
               "a word that is not there is empty");
    check_true(tree_bootarg("word", text, sizeof("tex")) && strcmp(text, "tex") == 0,
               "a word is cut to the buffer");
    text[0] = 'a';
    check_true(!tree_bootarg("word", text, 0) && text[0] == 'a', "no buffer, no word");
}

int test_library(void)
{
    volatile double two = 2.0;

    check_text();
    check_memory();
    check_dma();
    check_tree();
    check_equal(1414213, (uint64_t)(sqrt(two) * 1000000.0), "floating point works");
    return check_result();
}

/* In AArch32 the SDK refuses what a register does not hold; in AArch64 the hypervisor is asked. */
static void check_wide_arguments(void)
{
    bool narrow = sizeof(uintptr_t) < sizeof(uint64_t);
    uint64_t taken = 1;

    check_status(narrow ? BH_ERANGE : BH_ENOENT,
                 bh_ioas_map(IDENTIFIER, UPPER_HALF, 0, DMA_PAGE_BYTES, BH_MAP_READ, &taken),
                 "an I/O address above 4 GiB");
    check_status(BH_ENOENT, bh_ioas_map(IDENTIFIER, 0, 0, DMA_PAGE_BYTES, BH_MAP_READ, NULL),
                 "an I/O address below");
    check_status(narrow ? BH_ERANGE : BH_ENOENT, bh_device_bind(0, UPPER_HALF, NULL),
                 "a label of more than 32 bits");
    check_status(BH_ENOENT, bh_device_bind(0, UINT32_MAX, NULL), "a label of 32 bits");
    check_status(narrow ? BH_ERANGE : BH_NOT_SUPPORTED,
                 bh_call(UINT32_MAX & ~BH_FUNCTION_BASE, UPPER_HALF, 0, 0, 0, 0).status,
                 "an unknown call");
}

int test_calls(void)
{
    struct bh_result uid = bh_hvc(BH_SMCCC_UID, 0, 0, 0, 0, 0);
    struct bh_partition_info self;
    struct bh_device_info device;
    struct bh_query_pool pool;

    check_equal(BH_UID_0, (uint32_t)uid.status, "the identifier of Bulkhead, word 0");
    check_equal(BH_UID_1, (uint32_t)uid.value[0], "word 1");
    check_equal(BH_UID_2, (uint32_t)uid.value[1], "word 2");
    check_equal(BH_UID_3, (uint32_t)uid.value[2], "word 3");
    check_equal(BH_ABI_MAJOR << 16 | BH_ABI_MINOR, (uint64_t)bh_version(), "the version");
    check_status(BH_OK, bh_features(BH_CALL_POWER), "a call that exists");
    check_status(BH_NOT_SUPPORTED, bh_features(BH_CALL_LIMIT), "one that does not");
    check_status(BH_OK, bh_partition_info(&self), "partition_info");
    check_equal(0, self.device_count, "the set lists no device");
    check_equal(1, self.processor_count, "one vCPU");
    check_status(BH_ENOENT, bh_device_info(0, &device), "device_info");
    check_true(!pci_find_class(0, &device) && !pci_find_id(0, &device), "no device is found");
    check_equal(0, pci_registers(0, 0), "nor registers");
    check_status(BH_OK, bh_query_pool(&pool), "query: pool");
    check_true(pool.pages_free != 0 && pool.pages_free <= pool.pages_total, "it has pages");
    check_status(BH_EINVAL, bh_console_write("", 0, NULL), "console_write of nothing");
    check_status(BH_EINVAL, bh_power(BH_POWER_RESET + 1, 0), "an unknown action of power");
    check_equal(1, PSCI_VERSION_MAJOR(psci_version()), "PSCI answers");
    check_status(PSCI_NOT_SUPPORTED, psci_features(PSCI_CPU_ON_64), "and has no second CPU");
    check_wide_arguments();
    return check_result();
}
