/* SPDX-License-Identifier: Apache-2.0 */
/* ABI checks: bind, unbind, attach, detach, and what query tells of them. */
#include "common/check.h"
#include "sdk/bulkhead.h"
#include "sdk/dma.h"
#include "sdk/timer.h"
#include "tests.h"

#define HIGH_BIT (1ull << 32)
#define WILD 0xfffffffeull
#define LABEL 0x1122334455667788ull
#define OTHER_LABEL 0x99ull
#define SOME_PASID 1
#define IOVA 0x100000000ull
#define HINT_MAX_NS (2 * NS_PER_SECOND) /* of a reset that is under way */
#define BIND_STEPS_MAX 10000

static struct bh_query_state state_of(const struct subject *subject)
{
    struct bh_query_state state = { 0 };

    check_status(BH_OK, bh_query_state(subject->id, &state), "query state");
    return state;
}

void abi_before_bind(const struct subject *subject)
{
    uint64_t device = subject->id;
    struct bh_query_state state = state_of(subject);
    struct bh_query_fault fault = { .size = sizeof(fault) };
    const struct call_check rows[] = {
        { "unbind before bind", BH_EPERM, BH_CALL_DEVICE_UNBIND, { device } },
        { "unbind, wild device", BH_ENOENT, BH_CALL_DEVICE_UNBIND, { WILD } },
        { "unbind, bit 32 set", BH_ENOENT, BH_CALL_DEVICE_UNBIND, { HIGH_BIT | device } },
        { "ioas_alloc before bind", BH_EPERM, BH_CALL_IOAS_ALLOC_PAGING, { device, BH_IOAS_NONE } },
        { "bind, wild device", BH_ENOENT, BH_CALL_DEVICE_BIND, { WILD, LABEL } },
        { "bind, bit 32 set", BH_ENOENT, BH_CALL_DEVICE_BIND, { HIGH_BIT | device, LABEL } },
        { "detach, wild device", BH_ENOENT, BH_CALL_DETACH, { WILD, BH_PASID_NONE } },
        { "query state, wild device",
          BH_ENOENT,
          BH_CALL_QUERY,
          { BH_QUERY_STATE, bh_address(&state), WILD } },
        { "query fault, wild device",
          BH_ENOENT,
          BH_CALL_QUERY,
          { BH_QUERY_FAULT, bh_address(&fault), WILD } },
    };

    check_equal(BH_OWNER_NONE, state.owner, "owner before bind");
    check_equal(0, state.bound, "not bound before bind");
    check_equal(0, state.ioas, "not attached before bind");
    CHECK_CALLS(rows);
    check_either(BH_EPERM, BH_ENOENT, bh_detach(subject->id, BH_PASID_NONE), "detach before bind");
}

/* Step by step, to see each hint. */
static void bind_by_steps(const struct subject *subject)
{
    bool hints_are_sane = true;
    uint64_t hint = 0;
    int64_t status;
    int steps = 0;

    while ((status = bh_device_bind(subject->id, LABEL, &hint)) == BH_EAGAIN &&
           ++steps < BIND_STEPS_MAX) {
        hints_are_sane = hints_are_sane && hint > 0 && hint <= HINT_MAX_NS;
        timer_sleep_ns(hint <= HINT_MAX_NS ? hint : HINT_MAX_NS);
    }
    check_status(BH_OK, status, "bind");
    check_true(hints_are_sane, "bind: nanoseconds to wait");
}

/* The registers of a device are no memory: nothing may be read from them or mapped onto them. */
static void check_registers(const struct subject *subject)
{
    uint64_t registers = subject->info.bar[0].address;
    const struct call_check rows[] = {
        { "partition_info into registers", BH_EFAULT, BH_CALL_PARTITION_INFO, { registers } },
        { "query pool into registers", BH_EFAULT, BH_CALL_QUERY, { BH_QUERY_POOL, registers } },
        { "console_write from registers", BH_EFAULT, BH_CALL_CONSOLE_WRITE, { registers, 4 } },
    };

    check_true(registers != 0 && subject->info.bar[0].bytes != 0, "registers have an address");
    CHECK_CALLS(rows);
}

void abi_bind(struct subject *subject)
{
    uint64_t device = subject->id;
    const struct call_check rows[] = {
        { "bind again", BH_EBUSY, BH_CALL_DEVICE_BIND, { device, OTHER_LABEL } },
        { "detach while not attached", BH_ENOENT, BH_CALL_DETACH, { device, BH_PASID_NONE } },
    };
    struct bh_query_state state;

    bind_by_steps(subject);
    state = state_of(subject);
    check_equal(BH_OWNER_SELF, state.owner, "owner after bind");
    check_equal(1, state.bound, "bound after bind");
    check_equal(0, state.ioas, "not attached by bind");
    check_equal(LABEL, state.label, "label after bind");
    CHECK_CALLS(rows);
    check_equal(LABEL, state_of(subject).label, "label after a refused bind");
    check_status(BH_OK, bh_device_info(subject->index, &subject->info), "device_info");
    check_registers(subject);
}

static void check_attached(const struct subject *subject, uint64_t ioas, uint64_t other)
{
    uint64_t device = subject->id;
    const struct call_check rows[] = {
        { "attach again", BH_EBUSY, BH_CALL_ATTACH, { device, BH_PASID_NONE, ioas } },
        { "attach, another ioas", BH_EBUSY, BH_CALL_ATTACH, { device, BH_PASID_NONE, other } },
        { "unbind while attached", BH_EBUSY, BH_CALL_DEVICE_UNBIND, { device } },
        { "ioas_free while attached", BH_EBUSY, BH_CALL_IOAS_FREE, { ioas } },
        { "unmap while attached", BH_OK, BH_CALL_IOAS_UNMAP, { ioas, IOVA, DMA_PAGE_BYTES } },
        { "map while attached",
          BH_OK,
          BH_CALL_IOAS_MAP,
          { ioas, IOVA, subject->self.memory_base, DMA_PAGE_BYTES, BH_MAP_READ } },
        { "detach", BH_OK, BH_CALL_DETACH, { device, BH_PASID_NONE } },
        { "detach again", BH_ENOENT, BH_CALL_DETACH, { device, BH_PASID_NONE } },
    };

    CHECK_CALLS(rows);
}

void abi_attach(const struct subject *subject)
{
    uint64_t device = subject->id;
    int64_t ioas = bh_ioas_alloc_paging(subject->id, BH_IOAS_NONE);
    int64_t other = bh_ioas_alloc_paging(subject->id, BH_IOAS_NONE);
    uint64_t id = (uint64_t)ioas;
    struct bh_query_state before, state;
    const struct call_check refusals[] = {
        { "map for attach",
          BH_OK,
          BH_CALL_IOAS_MAP,
          { id, IOVA, subject->self.memory_base, DMA_PAGE_BYTES, BH_MAP_READ } },
        { "attach, wild device", BH_ENOENT, BH_CALL_ATTACH, { WILD, BH_PASID_NONE, id } },
        { "attach, bit 32 of device",
          BH_ENOENT,
          BH_CALL_ATTACH,
          { HIGH_BIT | device, BH_PASID_NONE, id } },
        { "attach, ioas 0", BH_ENOENT, BH_CALL_ATTACH, { device, BH_PASID_NONE, BH_IOAS_NONE } },
        { "attach, wild ioas", BH_ENOENT, BH_CALL_ATTACH, { device, BH_PASID_NONE, WILD } },
        { "attach, bit 32 of ioas",
          BH_ENOENT,
          BH_CALL_ATTACH,
          { device, BH_PASID_NONE, HIGH_BIT | id } },
        { "attach, PASID 0", BH_EINVAL, BH_CALL_ATTACH, { device, 0, id } },
        { "attach, a PASID", BH_EOPNOTSUPP, BH_CALL_ATTACH, { device, SOME_PASID, id } },
    };
    const struct call_check ends[] = {
        { "ioas_free with a mapping", BH_EBUSY, BH_CALL_IOAS_FREE, { id } },
        { "unmap before free", BH_OK, BH_CALL_IOAS_UNMAP, { id, IOVA, DMA_PAGE_BYTES } },
        { "ioas_free", BH_OK, BH_CALL_IOAS_FREE, { id } },
        { "ioas_free again", BH_ENOENT, BH_CALL_IOAS_FREE, { id } },
        { "attach, freed ioas", BH_ENOENT, BH_CALL_ATTACH, { device, BH_PASID_NONE, id } },
        { "ioas_free, the other", BH_OK, BH_CALL_IOAS_FREE, { (uint64_t)other } },
    };

    check_true(ioas > 0 && other > 0 && ioas != other, "two I/O address spaces");
    before = state_of(subject);
    CHECK_CALLS(refusals);
    check_equal(before.generation, state_of(subject).generation, "refused attach changes nothing");
    check_status(BH_OK, bh_attach(subject->id, BH_PASID_NONE, (uint32_t)ioas), "attach");
    state = state_of(subject);
    check_equal(id, state.ioas, "ioas after attach");
    check_true(state.generation > before.generation, "attach counts");
    check_attached(subject, id, (uint64_t)other);
    check_equal(0, state_of(subject).ioas, "ioas after detach");
    check_true(state_of(subject).generation > state.generation, "detach counts");
    CHECK_CALLS(ends);
}

/* Ends unbound, after a second round that shows that the first one left nothing behind. */
void abi_unbind(const struct subject *subject)
{
    uint64_t device = subject->id;
    uint64_t ioas = (uint64_t)bh_ioas_alloc_paging(subject->id, BH_IOAS_NONE);
    const struct call_check rows[] = {
        { "unbind", BH_OK, BH_CALL_DEVICE_UNBIND, { device } },
        { "unbind again", BH_EPERM, BH_CALL_DEVICE_UNBIND, { device } },
        { "attach after unbind", BH_EPERM, BH_CALL_ATTACH, { device, BH_PASID_NONE, ioas } },
        { "ioas_alloc after unbind",
          BH_EPERM,
          BH_CALL_IOAS_ALLOC_PAGING,
          { device, BH_IOAS_NONE } },
        { "ioas_free after unbind", BH_OK, BH_CALL_IOAS_FREE, { ioas } },
    };
    struct bh_query_fault fault;
    struct bh_query_state state;

    CHECK_CALLS(rows);
    state = state_of(subject);
    check_equal(BH_OWNER_NONE, state.owner, "owner after unbind");
    check_equal(0, state.bound, "not bound after unbind");
    check_status(BH_OK, bh_query_fault(subject->id, &fault), "query fault after unbind");
    check_equal(0, fault.count, "a device that did nothing had no fault");
    check_status(BH_OK, bh_bind(subject->id, OTHER_LABEL), "bind once more");
    check_equal(OTHER_LABEL, state_of(subject).label, "the new label");
    check_status(BH_OK, bh_device_unbind(subject->id), "unbind once more");
}
