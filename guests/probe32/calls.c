/* SPDX-License-Identifier: Apache-2.0 */
/* Hypercalls in their 32-bit forms, discovery and PSCI; a device with DMA. */
#include "check.h"
#include "forms.h"
#include "state.h"
#include "tests.h"

#define PSCI_VERSION 0x84000000u
#define PSCI_CPU_ON_32 0x84000003u
#define PSCI_CPU_ON_64 0xc4000003u
#define PSCI_SYSTEM_OFF 0x84000008u
#define PSCI_SYSTEM_RESET 0x84000009u
#define PSCI_FEATURES 0x8400000au
#define PSCI_1_1 0x10001u
#define SMCCC_VERSION 0x80000000u
#define SMCCC_ARCH_FEATURES 0x80000001u
#define SMCCC_1_1 0x10001u
#define NONE 0xffffffffu /* not supported, by the convention */

#define PAGE 4096u
#define LABEL 0x80000001u
#define IOVA 0x10000000u
#define WILD 0xfffffffeu
#define HIGHEST_PAGE 0xfffff000u
#define VERSION ((uint32_t)BH_ABI_MAJOR << 16 | BH_ABI_MINOR)

static struct bh_partition_info partition;
static struct bh_device_info device;
static struct bh_query_state state;
static struct bh_query_pool pool;
static _Alignas(PAGE) volatile uint32_t page[PAGE / sizeof(uint32_t)];

static uint32_t at(const volatile void *pointer)
{
    return (uint32_t)(uintptr_t)pointer;
}

static void answers(int32_t status, uint32_t number, uint32_t a, uint32_t b, uint32_t c, uint32_t d,
                    uint32_t e, const char *what)
{
    check_equal((uint32_t)status, (uint32_t)bulkhead(number, a, b, c, d, e), what);
}

/* ---- What is there ------------------------------------------------------------------------------ */
static void discovery(void)
{
    struct call_result uid = call(BH_SMCCC_UID, 0, 0, 0, 0, 0);
    struct call_result revision = call(BH_SMCCC_REVISION, 0, 0, 0, 0, 0);

    check_equal(BH_UID_0, uid.value[0], "UID, word 0");
    check_equal(BH_UID_1, uid.value[1], "UID, word 1");
    check_equal(BH_UID_2, uid.value[2], "UID, word 2");
    check_equal(BH_UID_3, uid.value[3], "UID, word 3");
    check_equal(BH_ABI_MAJOR, revision.value[0], "revision, major");
    check_equal(BH_ABI_MINOR, revision.value[1], "revision, minor");
    check_equal(BH_CALL_LIMIT, call(BH_SMCCC_CALL_COUNT, 0, 0, 0, 0, 0).value[0], "call count");
    check_equal(SMCCC_1_1, call(SMCCC_VERSION, 0, 0, 0, 0, 0).value[0], "SMCCC_VERSION");
    check_equal(0, call(SMCCC_ARCH_FEATURES, SMCCC_VERSION, 0, 0, 0, 0).value[0], "ARCH_FEATURES");
    check_equal(NONE, call(SMCCC_ARCH_FEATURES, WILD, 0, 0, 0, 0).value[0],
                "ARCH_FEATURES of nothing");
    check_equal(NONE, call(0x86000000u | 0xffd0, 0, 0, 0, 0, 0).value[0], "a call of nobody");
    check_equal(NONE, call(0x83000000u, 0, 0, 0, 0, 0).value[0], "a call of another owner");
    check_equal(NONE, call(0x06000000u, 0, 0, 0, 0, 0).value[0], "a yielding call");
}

static void forms(void)
{
    for (uint32_t number = 0; number < BH_CALL_LIMIT; number++) {
        answers(BH_OK, BH_CALL_FEATURES, number, 0, 0, 0, 0, "a call below the limit");
        if (number != BH_CALL_POWER)
            check_equal(NONE, call(BH_FUNCTION_BASE | number, 0, 0, 0, 0, 0).value[0],
                        "its 64-bit form");
    }
    answers((int32_t)VERSION, BH_CALL_VERSION, 0, 0, 0, 0, 0, "version");
    answers(BH_NOT_SUPPORTED, BH_CALL_FEATURES, BH_CALL_LIMIT, 0, 0, 0, 0, "features above");
    answers(BH_NOT_SUPPORTED, BH_CALL_FEATURES, WILD, 0, 0, 0, 0, "features of nothing");
    answers(BH_NOT_SUPPORTED, BH_CALL_LIMIT, 0, 0, 0, 0, 0, "the call above the last");
}

static void psci(void)
{
    static const uint32_t there[] = { PSCI_VERSION, PSCI_FEATURES, PSCI_SYSTEM_OFF,
                                      PSCI_SYSTEM_RESET };

    check_equal(PSCI_1_1, call(PSCI_VERSION, 0, 0, 0, 0, 0).value[0], "PSCI_VERSION");
    for (unsigned int i = 0; i < sizeof(there) / sizeof(there[0]); i++)
        check_equal(0, call(PSCI_FEATURES, there[i], 0, 0, 0, 0).value[0], "PSCI_FEATURES");
    check_equal(NONE, call(PSCI_FEATURES, PSCI_CPU_ON_32, 0, 0, 0, 0).value[0],
                "PSCI_FEATURES of CPU_ON");
    check_equal(NONE, call(PSCI_CPU_ON_32, 0, 0, 0, 0, 0).value[0], "CPU_ON");
    check_equal(NONE, call(PSCI_CPU_ON_64, 0, 0, 0, 0, 0).value[0], "CPU_ON, 64-bit form");
}

/* ---- Arguments ------------------------------------------------------------------------------------ */
static void structures(void)
{
    partition.size = sizeof(partition);
    answers(BH_OK, BH_CALL_PARTITION_INFO, at(&partition), 0, 0, 0, 0, "partition_info");
    check_equal(sizeof(partition), (uint32_t)partition.size, "bytes filled");
    check_equal(0x40000000, (uint32_t)partition.memory_base, "memory_base");
    check_equal(1, partition.processor_count, "processors");
    answers(BH_EFAULT, BH_CALL_PARTITION_INFO, at(&partition) + 4, 0, 0, 0, 0, "misaligned");
    answers(BH_EFAULT, BH_CALL_PARTITION_INFO, 0, 0, 0, 0, 0, "no memory");
    answers(BH_EFAULT, BH_CALL_PARTITION_INFO, WILD & ~7u, 0, 0, 0, 0, "the last address");
    answers(BH_EFAULT, BH_CALL_PARTITION_INFO,
            (uint32_t)(partition.memory_base + partition.memory_size), 0, 0, 0, 0, "behind memory");
    partition.size = BH_PARTITION_INFO_FIRST_BYTES - 1;
    answers(BH_EINVAL, BH_CALL_PARTITION_INFO, at(&partition), 0, 0, 0, 0, "too small");
    pool.size = sizeof(pool);
    answers(BH_OK, BH_CALL_QUERY, BH_QUERY_POOL, at(&pool), 0, 0, 0, "query pool");
    check_equal((uint32_t)partition.pool_pages_total, (uint32_t)pool.pages_total,
                "pages of the pool");
    answers(BH_EINVAL, BH_CALL_QUERY, WILD, at(&pool), 0, 0, 0, "query nothing");
}

static void refusals(void)
{
    answers(BH_ENOENT, BH_CALL_DEVICE_INFO, WILD, at(&device), 0, 0, 0, "info, wild index");
    answers(BH_ENOENT, BH_CALL_DEVICE_BIND, WILD, LABEL, 0, 0, 0, "bind, wild id");
    answers(BH_ENOENT, BH_CALL_DEVICE_UNBIND, WILD, 0, 0, 0, 0, "unbind, wild id");
    answers(BH_ENOENT, BH_CALL_IOAS_ALLOC_PAGING, WILD, 0, 0, 0, 0, "alloc, wild id");
    answers(BH_ENOENT, BH_CALL_IOAS_FREE, WILD, 0, 0, 0, 0, "free, wild id");
    answers(BH_ENOENT, BH_CALL_IOAS_MAP, WILD, 0, 0, PAGE, BH_MAP_READ, "map, wild id");
    answers(BH_ENOENT, BH_CALL_IOAS_UNMAP, WILD, 0, PAGE, 0, 0, "unmap, wild id");
    answers(BH_ENOENT, BH_CALL_ATTACH, WILD, BH_PASID_NONE, 1, 0, 0, "attach, wild id");
    answers(BH_ENOENT, BH_CALL_DETACH, WILD, BH_PASID_NONE, 0, 0, 0, "detach, wild id");
    answers(BH_EINVAL, BH_CALL_CONSOLE_WRITE, at(page), 0, 0, 0, 0, "write nothing");
    answers(BH_EINVAL, BH_CALL_CONSOLE_WRITE, at(page), NONE, 0, 0, 0, "write all memory");
    answers(BH_EFAULT, BH_CALL_CONSOLE_WRITE, NONE, 2, 0, 0, 0, "write across the end");
    answers(BH_EINVAL, BH_CALL_CONSOLE_READ, at(page), 0, 0, 0, 0, "read nothing");
    answers(BH_EINVAL, BH_CALL_CONSOLE_READ, at(page), NONE, 0, 0, 0, "read into all memory");
    answers(BH_EFAULT, BH_CALL_CONSOLE_READ, NONE, 2, 0, 0, 0, "read across the end");
    answers(BH_OK, BH_CALL_CONSOLE_READ, at(page), 256, 0, 0, 0, "read without input");
    answers(BH_EINVAL, BH_CALL_POWER, WILD, 0, 0, 0, 0, "power, wild action");
    answers(BH_EINVAL, BH_CALL_POWER, BH_POWER_OFF, 256, 0, 0, 0, "power, code above 255");
}

static void registers(void)
{
    static const uint32_t calls[][6] = {
        { BH_FUNCTION_BASE_32 | BH_CALL_VERSION, 1, 2, 3, 4, 5 },
        { BH_FUNCTION_BASE_32 | BH_CALL_LIMIT, 1, 2, 3, 4, 5 },
        { BH_FUNCTION_BASE_32 | BH_CALL_IOAS_MAP, 0, 0, 0, PAGE, BH_MAP_READ },
        { BH_FUNCTION_BASE | BH_CALL_VERSION, 1, 2, 3, 4, 5 },
        { PSCI_VERSION, 1, 2, 3, 4, 5 },
        { BH_SMCCC_UID, 1, 2, 3, 4, 5 },
    };

    for (unsigned int i = 0; i < sizeof(calls) / sizeof(calls[0]); i++)
        check_equal(0, registers_changed_by(calls[i]), "registers that a call changed");
}

int test_calls(void)
{
    discovery();
    forms();
    psci();
    structures();
    refusals();
    registers();
    check_equal(0, undefined_state.count, "no call is an undefined instruction");
    return check_result();
}

/* ---- A device: QEMU's edu -------------------------------------------------------------------------- */
#define EDU_VENDOR_DEVICE 0x11e81234u
#define EDU_DMA_SOURCE 0x80
#define EDU_DMA_TARGET 0x88
#define EDU_DMA_COUNT 0x90
#define EDU_DMA_COMMAND 0x98
#define EDU_BUFFER 0x40000u
#define EDU_RUN 1u
#define EDU_TO_MEMORY 2u
#define EDU_BYTES 64u
#define TURNS 100000000u

static void edu_run(uint32_t registers, uint32_t source, uint32_t target, uint32_t command)
{
    volatile uint32_t *run = (volatile uint32_t *)(uintptr_t)(registers + EDU_DMA_COMMAND);
    uint32_t turns = 0;

    *(volatile uint32_t *)(uintptr_t)(registers + EDU_DMA_SOURCE) = source;
    *(volatile uint32_t *)(uintptr_t)(registers + EDU_DMA_TARGET) = target;
    *(volatile uint32_t *)(uintptr_t)(registers + EDU_DMA_COUNT) = EDU_BYTES;
    __asm__ volatile("dsb sy" : : : "memory");
    *run = EDU_RUN | command;
    while ((*run & EDU_RUN) != 0 && turns < TURNS)
        turns++;
    __asm__ volatile("dsb sy" : : : "memory");
    check_true(turns < TURNS, "the transfer ends");
}

static void transfers(uint32_t registers)
{
    for (uint32_t i = 0; i < EDU_BYTES / 4; i++) {
        page[i] = 0x600d0000 + i;
        page[PAGE / 8 + i] = 0;
    }
    edu_run(registers, IOVA, EDU_BUFFER, 0);
    edu_run(registers, EDU_BUFFER, IOVA + PAGE / 2, EDU_TO_MEMORY);
    for (uint32_t i = 0; i < EDU_BYTES / 4; i++)
        check_equal(0x600d0000 + i, page[PAGE / 8 + i], "a word that the device copied");
}

/* EAGAIN says when to come back; a look at the clock is a good enough wait. */
static int32_t bind(void)
{
    int32_t status;

    do
        status = bulkhead(BH_CALL_DEVICE_BIND, device.device, LABEL, 0, 0, 0);
    while (status == BH_EAGAIN);
    return status;
}

static void map(uint32_t ioas)
{
    struct call_result result = call(BH_FUNCTION_BASE_32 | BH_CALL_IOAS_MAP, ioas, IOVA, at(page),
                                     PAGE, BH_MAP_READ | BH_MAP_WRITE);

    check_equal(BH_OK, result.value[0], "map");
    check_equal(PAGE, result.value[1], "bytes mapped");
    answers(BH_EEXIST, BH_CALL_IOAS_MAP, ioas, IOVA, at(page), PAGE, BH_MAP_READ, "map again");
    answers(BH_ERANGE, BH_CALL_IOAS_MAP, ioas, 0, HIGHEST_PAGE, 2 * PAGE, BH_MAP_READ,
            "map across 4 GiB of addresses");
    answers(BH_ERANGE, BH_CALL_IOAS_MAP, ioas, 0, 0, PAGE, BH_MAP_READ, "map what is no memory");
    answers(BH_EINVAL, BH_CALL_IOAS_MAP, ioas, 0, at(page), PAGE, WILD, "map, wild flags");
    answers(BH_EINVAL, BH_CALL_IOAS_MAP, ioas, 1, at(page), PAGE, BH_MAP_READ, "map, misaligned");
}

/* An argument is 32 bits: I/O addresses from 4 GiB on are reached by a size alone. */
static void map_across_4_gib(uint32_t ioas)
{
    uint32_t two = (at(page) & ~(2 * PAGE - 1));
    struct call_result result = call(BH_FUNCTION_BASE_32 | BH_CALL_IOAS_MAP, ioas, HIGHEST_PAGE,
                                     two, 2 * PAGE, BH_MAP_READ);

    check_equal(BH_OK, result.value[0], "map across 4 GiB of I/O addresses");
    check_equal(2 * PAGE, result.value[1], "bytes mapped there");
    result = call(BH_FUNCTION_BASE_32 | BH_CALL_IOAS_UNMAP, ioas, HIGHEST_PAGE, 2 * PAGE, 0, 0);
    check_equal(BH_OK, result.value[0], "unmap there");
    check_equal(2 * PAGE, result.value[1], "bytes dealt with");
    check_equal(2 * PAGE, result.value[2], "bytes that were mapped");
}

static void leave(uint32_t ioas)
{
    struct call_result result;

    answers(BH_EBUSY, BH_CALL_DEVICE_UNBIND, device.device, 0, 0, 0, 0, "unbind while attached");
    answers(BH_OK, BH_CALL_DETACH, device.device, BH_PASID_NONE, 0, 0, 0, "detach");
    answers(BH_EBUSY, BH_CALL_IOAS_FREE, ioas, 0, 0, 0, 0, "free while mapped");
    result = call(BH_FUNCTION_BASE_32 | BH_CALL_IOAS_UNMAP, ioas, 0, ~(PAGE - 1), 0, 0);
    while (result.value[0] == (uint32_t)BH_EAGAIN && result.value[1] != 0 && result.value[2] == 0)
        result = call(BH_FUNCTION_BASE_32 | BH_CALL_IOAS_UNMAP, ioas, result.value[1],
                      ~(PAGE - 1) - result.value[1], 0, 0);
    check_equal(PAGE, result.value[2], "bytes unmapped of almost 4 GiB");
    answers(BH_OK, BH_CALL_IOAS_FREE, ioas, 0, 0, 0, 0, "free");
    answers(BH_OK, BH_CALL_DEVICE_UNBIND, device.device, 0, 0, 0, 0, "unbind");
}

int test_device(void)
{
    int32_t ioas;

    device.size = sizeof(device);
    answers(BH_OK, BH_CALL_DEVICE_INFO, 0, at(&device), 0, 0, 0, "info");
    check_equal(EDU_VENDOR_DEVICE, device.vendor_device, "it is an edu");
    answers(BH_EPERM, BH_CALL_IOAS_ALLOC_PAGING, device.device, 0, 0, 0, 0, "alloc before bind");
    check_equal(BH_OK, (uint32_t)bind(), "bind");
    ioas = bulkhead(BH_CALL_IOAS_ALLOC_PAGING, device.device, BH_IOAS_NONE, 0, 0, 0);
    check_true(ioas > 0, "alloc");
    map((uint32_t)ioas);
    map_across_4_gib((uint32_t)ioas);
    answers(BH_OK, BH_CALL_ATTACH, device.device, BH_PASID_NONE, (uint32_t)ioas, 0, 0, "attach");
    answers(BH_OK, BH_CALL_DEVICE_INFO, 0, at(&device), 0, 0, 0, "info while bound");
    check_equal(0, (uint32_t)(device.bar[0].address >> 32), "its registers are within reach");
    state.size = sizeof(state);
    answers(BH_OK, BH_CALL_QUERY, BH_QUERY_STATE, at(&state), device.device, 0, 0, "query");
    check_equal(LABEL, (uint32_t)state.label, "the label");
    check_equal(0, (uint32_t)(state.label >> 32), "which is 32 bits");
    check_equal((uint32_t)ioas, state.ioas, "the ioas");
    transfers((uint32_t)device.bar[0].address);
    leave((uint32_t)ioas);
    return check_result();
}
