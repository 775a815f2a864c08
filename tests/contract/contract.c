/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/contract/contract.h"

#include "drivers/iommu/smmuv3/unit.h"
#include "kernel/device.h"
#include "kernel/ioas.h"
#include "tests/unit/bench.h"

#define ERROR_BIT(error) (UINT32_C(1) << -(error))

struct contract_work contract_last;

static struct contract_work before;
static uint64_t waits_before;

bool contract_names(uint64_t number, int64_t error)
{
    uint32_t errors = 0;

#define DOCUMENTED(call, name) errors |= number == BH_CALL_##call ? ERROR_BIT(BH_##name) : 0;
#define BOUND(...)
#define ARGUMENTS(...)
#include "tests/contract/documented.inc"
#undef DOCUMENTED
#undef BOUND
#undef ARGUMENTS
    return error < 0 && error >= BH_EFAULT && (errors & ERROR_BIT(error)) != 0;
}

unsigned int contract_arguments(uint64_t number)
{
    unsigned int arguments = 0;

#define ARGUMENTS(call, count) arguments = number == BH_CALL_##call ? (count) : arguments;
#define DOCUMENTED(...)
#define BOUND(...)
#include "tests/contract/documented.inc"
#undef DOCUMENTED
#undef BOUND
#undef ARGUMENTS
    return arguments;
}

/* Of the device that has most of them. */
static uint64_t most_streams(void)
{
    uint64_t most = 1;

    for (uint32_t i = 0; i < devices.count; i++)
        most = max_u64(most, devices.device[i].stream_count);
    return most;
}

struct contract_work contract_bound(uint64_t number, uint64_t units)
{
    const uint64_t streams = most_streams();
    const uint64_t trees = min_u64(units, IOAS_TREES); /* one for each kind of units */

#define S streams
#define U units
#define T trees
#define DOCUMENTED(...)
#define ARGUMENTS(...)
#define BOUND(call, ...)                                                                           \
    if (number == BH_CALL_##call)                                                                  \
        return (struct contract_work){ __VA_ARGS__ };
#include "tests/contract/documented.inc"
#undef DOCUMENTED
#undef BOUND
#undef ARGUMENTS
#undef S
#undef U
#undef T
    return (struct contract_work){ UINT64_MAX, UINT64_MAX, UINT64_MAX, UINT64_MAX };
}

/* Since the machine was made; each command and each SYNC is two words of a queue, which are no entries. */
static struct contract_work work(void)
{
    struct contract_work now = { .locks = host_counters.locks };

    for (unsigned int i = 0; i < machine.unit_count; i++) {
        now.commands += smmuv3_model_command_total(machine.unit[i]);
        now.syncs += smmuv3_model_command_count(machine.unit[i], OPCODE_SYNC);
    }
    now.entries = host_counters.entries - 2 * now.commands;
    now.commands -= now.syncs;
    return now;
}

/* Units that do less than they are told, or need more: what is said in front of the pages. */
static bool any_unit_is_odd(void)
{
    for (uint32_t i = 0; i < devices.iommu_count; i++) {
        const struct iommu *iommu = &devices.iommu[i];

        if (iommu->silenced || iommu->counters.illegal_commands != 0)
            return true;
    }
    return false;
}

static bool messages_before;

/* Whether a device has messages bound, which brings more along: what is said in front of the pages. */
static bool any_message_is_bound(void)
{
    bool bound = false;

    for (uint32_t i = 0; i < devices.count; i++)
        bound = bound || devices.device[i].vectors_bound != 0;
    return bound;
}

/* An ioas is left and another one entered, and all vectors of a device go. */
static void allow_messages(struct contract_work *bound, uint64_t units)
{
    uint64_t trees = min_u64(units, IOAS_TREES);

    bound->entries += UINT64_C(2) * 4 * trees + UINT64_C(8) * BH_MESSAGE_VECTORS;
    bound->commands += 2 * units;
    bound->syncs += 2 * units;
    bound->locks += 2 * (10 * trees + units) + BH_MESSAGE_VECTORS;
}

void contract_begins(void)
{
    messages_before = any_message_is_bound();
    before = work();
    waits_before = host_counters.waits;
}

static void expect_within(uint64_t number, const char *what, uint64_t done, uint64_t bound)
{
    if (done > bound)
        fail_msg("call %llu: %llu %s; its page in docs/abi.md says %llu at most",
                 (unsigned long long)number, (unsigned long long)done, what,
                 (unsigned long long)bound);
}

void contract_ends(uint64_t number, int64_t answer)
{
    struct contract_work now = work(), bound = contract_bound(number, machine.unit_count);

    if (answer < 0 && !contract_names(number, answer))
        fail_msg("call %llu answered %lld, which its page in docs/abi.md does not name",
                 (unsigned long long)number, (long long)answer);
    if (host_scheduling() || any_unit_is_odd())
        return;
    if (messages_before)
        allow_messages(&bound, machine.unit_count);
    contract_last = (struct contract_work){
        .entries = now.entries - before.entries,
        .commands = now.commands - before.commands,
        .syncs = now.syncs - before.syncs,
        .locks = now.locks - before.locks,
    };
    expect_within(number, "entries stored", contract_last.entries, bound.entries);
    expect_within(number, "commands", contract_last.commands, bound.commands);
    expect_within(number, "SYNCs", contract_last.syncs, bound.syncs);
    /* Each look at a queue that is waited for takes its lock. */
    if (host_counters.waits == waits_before)
        expect_within(number, "locks taken", contract_last.locks, bound.locks);
}
