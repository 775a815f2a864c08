/* SPDX-License-Identifier: Apache-2.0 */
/* The order of the ABI checks, and those that need no device: discovery, information, services. */
#include <stdio.h>
#include <string.h>

#include <libfdt.h>

#include "common/check.h"
#include "sdk/bulkhead.h"
#include "sdk/tree.h"
#include "tests.h"

#define HIGH_BIT (1ull << 32) /* on top of a valid id: must not be cut off */
#define WILD 0xfffffffeull

#define OTHER_VENDOR_CALL 0xc600ffd0ull /* in the range of the hypervisor's owner, no such call */
#define OEM_CALL 0xc3000000ull          /* a fast call of another owner */
#define YIELDING_CALL 0x46000000ull     /* not a fast call */

#define FIRST_DEVICE_INTERRUPT 40 /* INTID of the INTx of the first device of the list */

#define POINTER_ALIGNMENT 8
#define TAIL_BYTES 16
#define TAIL_PATTERN 0x5a

void abi_discovery(void)
{
    struct bh_result uid = bh_hvc(BH_SMCCC_UID, 0, 0, 0, 0, 0);
    struct bh_result revision = bh_hvc(BH_SMCCC_REVISION, 0, 0, 0, 0, 0);
    struct bh_result calls = bh_hvc(BH_SMCCC_CALL_COUNT, 0, 0, 0, 0, 0);

    check_equal(BH_UID_0, (uint32_t)uid.status, "uid, word 0");
    check_equal(BH_UID_1, (uint32_t)uid.value[0], "uid, word 1");
    check_equal(BH_UID_2, (uint32_t)uid.value[1], "uid, word 2");
    check_equal(BH_UID_3, (uint32_t)uid.value[2], "uid, word 3");
    check_equal(BH_ABI_MAJOR, (uint32_t)revision.status, "revision, major");
    check_equal(BH_ABI_MINOR, (uint32_t)revision.value[0], "revision, minor");
    check_true((uint32_t)calls.status >= BH_CALL_LIMIT && (int32_t)calls.status > 0, "call count");
    check_status((BH_ABI_MAJOR << 16) + BH_ABI_MINOR, bh_version(), "version");

    for (uint32_t call = 0; call < BH_CALL_LIMIT; call++)
        check_status(BH_OK, bh_features(call), "features of a call below the limit");

    const struct call_check rows[] = {
        { "features above the last call", BH_NOT_SUPPORTED, BH_CALL_FEATURES, { BH_CALL_LIMIT } },
        { "features of a wild call", BH_NOT_SUPPORTED, BH_CALL_FEATURES, { WILD } },
        { "features, bit 32 set", BH_NOT_SUPPORTED, BH_CALL_FEATURES, { HIGH_BIT } },
        { "the call above the last", BH_NOT_SUPPORTED, BH_CALL_LIMIT, { 0 } },
    };
    CHECK_CALLS(rows);
    check_status(BH_NOT_SUPPORTED, bh_hvc(OTHER_VENDOR_CALL, 0, 0, 0, 0, 0).status,
                 "a wild call of the own range");
    check_status(BH_NOT_SUPPORTED, bh_hvc(OEM_CALL, 0, 0, 0, 0, 0).status,
                 "a call of another owner");
    check_equal((uint32_t)BH_NOT_SUPPORTED, (uint32_t)bh_hvc(YIELDING_CALL, 0, 0, 0, 0, 0).status,
                "a yielding call");
}

void abi_information(const struct subject *subject)
{
    const struct bh_partition_info *self = &subject->self;
    const struct bh_device_info *info = &subject->info;
    const struct call_check rows[] = {
        { "device_info behind the last",
          BH_ENOENT,
          BH_CALL_DEVICE_INFO,
          { self->device_count, bh_address(info) } },
        { "device_info, wild index", BH_ENOENT, BH_CALL_DEVICE_INFO, { WILD, bh_address(info) } },
        { "device_info, bit 32 set",
          BH_ENOENT,
          BH_CALL_DEVICE_INFO,
          { HIGH_BIT | subject->index, bh_address(info) } },
    };

    check_equal(sizeof(*self), self->size, "partition_info: bytes filled");
    check_true(memchr(self->name, '\0', sizeof(self->name)) != NULL, "name is terminated");
    check_true(bh_address(self) >= self->memory_base &&
                   bh_address(self) - self->memory_base < self->memory_size,
               "this program lies in the partition's memory");
    check_true(self->pool_pages_free <= self->pool_pages_total, "pool is not overfull");
    check_equal(sizeof(*info), info->size, "device_info: bytes filled");
    check_true(memchr(info->name, '\0', sizeof(info->name)) != NULL, "device name is terminated");
    check_true(info->group_members >= 1, "the group has a member");
    check_true(info->capabilities & BH_DEVICE_DMA, "edu has DMA");
    check_equal(BH_INTERRUPTS_LINE, info->interrupts, "its line is shared with nobody");
    check_equal(FIRST_DEVICE_INTERRUPT + subject->index, info->interrupt,
                "the interrupt of its number");
    check_equal(0, info->pasid_bits, "no PASID in this version");
    check_true(info->page_sizes & 1u << 12, "4 KiB pages");
    check_true(info->aperture_first < info->aperture_last, "the aperture is not empty");
    CHECK_CALLS(rows);
}

/* A call that takes a structure, with everything but its address. */
struct taker {
    const char *name;
    uint32_t call;
    unsigned int position; /* of the address among the arguments */
    uint64_t argument[3];
    uint64_t bytes;
    uint64_t first; /* bytes of the first version */
};

static int64_t call_taker(const struct taker *taker, uint64_t address)
{
    uint64_t argument[3] = { taker->argument[0], taker->argument[1], taker->argument[2] };

    argument[taker->position] = address;
    return bh_call(taker->call, argument[0], argument[1], argument[2], 0, 0).status;
}

/* The last eight bytes of memory, with a valid size in them, unless the tree lies there. */
static bool prepare_end(uint64_t end, uint64_t bytes)
{
    uint64_t address = end - POINTER_ALIGNMENT;
    uint64_t tree = bh_address(bh_tree);

    if (address >= tree && address < tree + fdt_totalsize(bh_tree))
        return false;
    *(volatile uint64_t *)(uintptr_t)address = bytes;
    return true;
}

static void check_addresses(const struct taker *taker, uint64_t end)
{
    static _Alignas(POINTER_ALIGNMENT) unsigned char memory[sizeof(struct bh_query_calls) * 2];
    uint64_t address = bh_address(memory);
    uint64_t size = taker->bytes;

    memcpy(memory, &size, sizeof(size));
    memcpy(memory + POINTER_ALIGNMENT / 2, &size, sizeof(size));
    printf("structure of %s\n", taker->name);
    check_status(BH_EFAULT, call_taker(taker, 0), "address 0");
    check_status(BH_EFAULT, call_taker(taker, end), "address behind memory");
    check_status(BH_EFAULT, call_taker(taker, ~0ull - POINTER_ALIGNMENT + 1), "address that wraps");
    check_status(BH_EFAULT, call_taker(taker, address | 1ull << 52), "address of 53 bits");
    check_status(BH_EFAULT, call_taker(taker, address | 1ull << 63), "address of 64 bits");
    check_status(BH_EFAULT, call_taker(taker, address + POINTER_ALIGNMENT / 2), "misaligned by 4");
    check_status(BH_EFAULT, call_taker(taker, address + 1), "misaligned by 1");
    if (prepare_end(end, taker->bytes))
        check_status(BH_EFAULT, call_taker(taker, end - POINTER_ALIGNMENT), "crosses the end");
    else
        check_skip("crosses the end", "the device tree lies there");
}

static void check_sizes(const struct taker *taker)
{
    static _Alignas(POINTER_ALIGNMENT) unsigned char memory[sizeof(struct bh_query_calls) * 2];
    uint64_t size = 0;
    bool intact = true;

    memcpy(memory, &size, sizeof(size));
    check_status(BH_EINVAL, call_taker(taker, bh_address(memory)), "size 0");
    size = taker->first - 1;
    memcpy(memory, &size, sizeof(size));
    check_status(BH_EINVAL, call_taker(taker, bh_address(memory)), "size of less than version 0.1");
    size = taker->first;
    memcpy(memory, &size, sizeof(size));
    check_status(BH_OK, call_taker(taker, bh_address(memory)), "size of version 0.1");
    memcpy(&size, memory, sizeof(size));
    check_equal(taker->first, size, "bytes filled of version 0.1");

    memset(memory, TAIL_PATTERN, sizeof(memory));
    size = taker->bytes + TAIL_BYTES;
    memcpy(memory, &size, sizeof(size));
    check_status(BH_OK, call_taker(taker, bh_address(memory)), "size of a later version");
    memcpy(&size, memory, sizeof(size));
    check_equal(taker->bytes, size, "bytes filled of a larger structure");
    for (size_t i = taker->bytes; i < taker->bytes + TAIL_BYTES; i++)
        intact = intact && memory[i] == TAIL_PATTERN;
    check_true(intact, "what was not filled stays");
}

void abi_pointers(const struct subject *subject)
{
    const struct bh_partition_info *self = &subject->self;
    const struct taker takers[] = {
        { "partition_info",
          BH_CALL_PARTITION_INFO,
          0,
          { 0 },
          sizeof(struct bh_partition_info),
          88 },
        { "device_info",
          BH_CALL_DEVICE_INFO,
          1,
          { subject->index },
          sizeof(struct bh_device_info),
          200 },
        { "query state",
          BH_CALL_QUERY,
          1,
          { BH_QUERY_STATE, 0, subject->id },
          sizeof(struct bh_query_state),
          40 },
        { "query fault",
          BH_CALL_QUERY,
          1,
          { BH_QUERY_FAULT, 0, subject->id },
          sizeof(struct bh_query_fault),
          56 },
        { "query pool", BH_CALL_QUERY, 1, { BH_QUERY_POOL }, sizeof(struct bh_query_pool), 40 },
        { "query health",
          BH_CALL_QUERY,
          1,
          { BH_QUERY_HEALTH },
          sizeof(struct bh_query_health),
          64 },
        { "query counters",
          BH_CALL_QUERY,
          1,
          { BH_QUERY_COUNTERS },
          sizeof(struct bh_query_counters),
          40 },
        { "query calls",
          BH_CALL_QUERY,
          1,
          { BH_QUERY_CALLS, 0, BH_PARTITION_SELF },
          sizeof(struct bh_query_calls),
          1040 },
        { "query digest",
          BH_CALL_QUERY,
          1,
          { BH_QUERY_DIGEST },
          sizeof(struct bh_query_digest),
          40 },
    };

    for (size_t i = 0; i < sizeof(takers) / sizeof(takers[0]); i++) {
        check_addresses(&takers[i], self->memory_base + self->memory_size);
        check_sizes(&takers[i]);
    }
}

/* Console and power: only refusals; a power call that is not refused ends the test. */
void abi_services(const struct subject *subject)
{
    static char text[BH_CONSOLE_BYTES_PER_CALL + 1];
    uint64_t end = subject->self.memory_base + subject->self.memory_size;
    struct bh_query_pool pool = { .size = sizeof(pool) };
    uint64_t taken = 0;
    int64_t status;
    const struct call_check rows[] = {
        { "console_write, address 0", BH_EFAULT, BH_CALL_CONSOLE_WRITE, { 0, 1 } },
        { "console_write behind memory", BH_EFAULT, BH_CALL_CONSOLE_WRITE, { end, 1 } },
        { "console_write across the end", BH_EFAULT, BH_CALL_CONSOLE_WRITE, { end - 1, 2 } },
        { "console_write that wraps", BH_EFAULT, BH_CALL_CONSOLE_WRITE, { ~0ull, 2 } },
        { "console_read, address 0", BH_EFAULT, BH_CALL_CONSOLE_READ, { 0, 1 } },
        { "console_read behind memory", BH_EFAULT, BH_CALL_CONSOLE_READ, { end, 1 } },
        { "console_read across the end", BH_EFAULT, BH_CALL_CONSOLE_READ, { end - 1, 2 } },
        { "console_read that wraps", BH_EFAULT, BH_CALL_CONSOLE_READ, { ~0ull, 2 } },
        { "console_read of nothing", BH_EINVAL, BH_CALL_CONSOLE_READ, { end - 1, 0 } },
        { "console_read of too much", BH_EINVAL, BH_CALL_CONSOLE_READ, { bh_address(text), 257 } },
        { "console_read of no input", BH_OK, BH_CALL_CONSOLE_READ, { bh_address(text), 256 } },
        { "query, unknown what",
          BH_EINVAL,
          BH_CALL_QUERY,
          { BH_QUERY_CALLS + 2, bh_address(&pool), subject->id } },
        { "query, bit 32 set",
          BH_EINVAL,
          BH_CALL_QUERY,
          { HIGH_BIT | BH_QUERY_POOL, bh_address(&pool), subject->id } },
        { "query of a partition",
          BH_EPERM,
          BH_CALL_QUERY,
          { BH_QUERY_PARTITION, bh_address(&pool), 0 } },
        { "query of the calls of a partition",
          BH_EPERM,
          BH_CALL_QUERY,
          { BH_QUERY_CALLS, bh_address(&pool), 0 } },
        { "device_give", BH_EPERM, BH_CALL_DEVICE_GIVE, { subject->id, 0 } },
        { "partition_control", BH_EPERM, BH_CALL_PARTITION_CONTROL, { 0, BH_PARTITION_STOP } },
        { "power, unknown action", BH_EINVAL, BH_CALL_POWER, { BH_POWER_RESET + 1, 0 } },
        { "power, bit 32 of the action", BH_EINVAL, BH_CALL_POWER, { HIGH_BIT, 0 } },
        { "power, code 256", BH_EINVAL, BH_CALL_POWER, { BH_POWER_OFF, 256 } },
        { "power, bit 32 of the code", BH_EINVAL, BH_CALL_POWER, { BH_POWER_OFF, HIGH_BIT } },
    };

    CHECK_CALLS(rows);
    memset(text, '.', sizeof(text));
    text[BH_CONSOLE_BYTES_PER_CALL - 1] = '\n';
    status = bh_console_write(text, BH_CONSOLE_BYTES_PER_CALL, &taken);
    check_status(BH_OK, status, "console_write of the most");
    check_true(taken > 0 && taken <= BH_CONSOLE_BYTES_PER_CALL, "console_write: bytes taken");
    status = bh_console_write(text, sizeof(text), &taken);
    check_either(BH_OK, BH_EINVAL, status, "console_write of one more");
    check_true(status != BH_OK || taken <= BH_CONSOLE_BYTES_PER_CALL, "no more than the most");
}

int test_abi(void)
{
    static struct subject subject;

    abi_discovery();
    check_status(BH_OK, bh_partition_info(&subject.self), "partition_info");
    check_true(find_edu(&subject.index, &subject.info), "an edu is on the list");
    if (check_failed())
        return check_result();
    subject.id = subject.info.device;

    abi_information(&subject);
    abi_pointers(&subject);
    abi_services(&subject);
    abi_before_bind(&subject);
    abi_bind(&subject);
    abi_ioas(&subject);
    abi_map(&subject);
    abi_map_bounds(&subject);
    abi_attach(&subject);
    abi_unbind(&subject);
    return check_result();
}
